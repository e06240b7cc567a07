// SPDX-License-Identifier: GPL-2.0-only
/* Path and reason by size and policy, contents, zeroes, and the forced fallback. */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/string.h>

#include "test.h"

static bool dirty;
module_param(dirty, bool, 0);
MODULE_PARM_DESC(dirty, "the kernel was booted with init_on_alloc=0: fresh memory must be seen dirty");

/* With plenty of free memory the size decides. */
static enum kvdemo_why why_of_size(size_t size)
{
	if (size <= PAGE_SIZE)
		return KVDEMO_WHY_SMALL;
	return size <= KMALLOC_MAX_SIZE ? KVDEMO_WHY_CONTIGUOUS :
					  KVDEMO_WHY_TOO_LARGE;
}

bool test_boundaries(void)
{
	const struct kvdemo_policy *policy;
	bool good = true;
	unsigned int i;

	for (policy = kvdemo_policies; policy < POLICIES_END; policy++) {
		for (i = 0; i < nr_sizes; i++) {
			enum kvdemo_path path = path_of(sizes[i], 0);
			enum kvdemo_why why = why_of_size(sizes[i]);

			if (is_policy(policy, KVDEMO_VMALLOC)) {
				path = KVDEMO_PATH_VMALLOC;
				why = KVDEMO_WHY_POLICY;
			} else if (is_policy(policy, KVDEMO_KMALLOC) &&
				   sizes[i] > KMALLOC_MAX_SIZE) {
				path = KVDEMO_PATH_NONE;
				why = KVDEMO_WHY_IMPOSSIBLE;
			}
			good &= takes(policy, sizes[i], GFP_KERNEL, false, path, why);
		}
	}
	return good;
}

bool test_contents(void)
{
	const struct kvdemo_policy *policy;
	bool good = true;
	unsigned int i;
	void *p;

	for (policy = kvdemo_policies; policy < POLICIES_END; policy++) {
		for (i = 0; i < nr_sizes; i++) {
			p = alloc(policy, sizes[i], GFP_KERNEL | __GFP_NOWARN, NULL);
			if (is_policy(policy, KVDEMO_KMALLOC) && !p)
				continue;
			good &= CHECK(p && keeps_contents(p, sizes[i]),
				      "size=%zu policy=%s", sizes[i], policy->name);
			kvdemo_kvfree(p);
		}
	}
	return good;
}

static bool zeroed(const struct kvdemo_policy *policy, size_t size,
		   bool seen_dirty[KVDEMO_NR_PATHS])
{
	struct kvdemo_result res;
	bool good;
	void *p;

	make_dirty(policy, size);
	p = alloc(policy, size, GFP_KERNEL, &res);
	if (p && memchr_inv(p, 0, size))
		seen_dirty[res.path] = true;
	kvdemo_kvfree(p);
	p = alloc(policy, size, GFP_KERNEL | __GFP_ZERO, &res);
	good = CHECK(p && !memchr_inv(p, 0, size), "size=%zu policy=%s path=%s",
		     size, policy->name, kvdemo_path_name(res.path));
	kvdemo_kvfree(p);
	return good;
}

bool test_zero(void)
{
	bool seen_dirty[KVDEMO_NR_PATHS] = { [KVDEMO_PATH_NONE] = true };
	const struct kvdemo_policy *policy;
	bool good = true;
	unsigned int i;

	for (policy = kvdemo_policies; policy < POLICIES_END; policy++)
		for (i = 0; i < nr_sizes; i++)
			if (sizes[i] <= KMALLOC_MAX_SIZE || policy->falls_back)
				good &= zeroed(policy, sizes[i], seen_dirty);
	for (i = 0; dirty && i < KVDEMO_NR_PATHS; i++)
		good &= CHECK(seen_dirty[i], "path=%s: never dirty, zeroing is not proved",
			      kvdemo_path_name(i));
	return good;
}

static bool forced_by_request(void)
{
	const struct kvdemo_policy *policy;
	bool good = true;
	unsigned int i;

	for (policy = kvdemo_policies; policy < POLICIES_END; policy++) {
		if (is_policy(policy, KVDEMO_VMALLOC) ||
		    is_policy(policy, KVDEMO_KMALLOC))
			continue;
		for (i = 0; i < nr_sizes; i++) {
			bool large = sizes[i] > PAGE_SIZE;

			good &= takes(policy, sizes[i], GFP_KERNEL, true,
				      large ? KVDEMO_PATH_VMALLOC : KVDEMO_PATH_SLAB,
				      large ? KVDEMO_WHY_FORCED : KVDEMO_WHY_SMALL);
		}
	}
	return good;
}

static bool plain_takes(size_t size, enum kvdemo_path path)
{
	void *p = kvdemo_kvmalloc(size, GFP_KERNEL);
	bool good = CHECK(real_path(p) == path, "size=%zu: %s, expected %s", size,
			  kvdemo_path_name(real_path(p)), kvdemo_path_name(path));

	kvdemo_kvfree(p);
	return good;
}

/* The same for the kvmalloc-like forms */
static bool forced_on_all(void)
{
	bool good;

	kvdemo_force_fallback(true);
	good = plain_takes(COSTLY_SIZE, KVDEMO_PATH_VMALLOC) &
	       plain_takes(PAGE_SIZE, KVDEMO_PATH_SLAB);
	kvdemo_force_fallback(false);
	return good & plain_takes(COSTLY_SIZE, KVDEMO_PATH_PAGES);
}

static bool nothing_to_force(void)
{
	const struct kvdemo_policy *vmalloc = &kvdemo_policies[KVDEMO_VMALLOC];

	return takes(&kvdemo_policies[KVDEMO_KMALLOC], COSTLY_SIZE, GFP_KERNEL, true,
		     KVDEMO_PATH_PAGES, KVDEMO_WHY_CONTIGUOUS) &
	       takes(vmalloc, 1, GFP_KERNEL, true, KVDEMO_PATH_VMALLOC, KVDEMO_WHY_POLICY) &
	       /* Precedence: forced comes before policy. */
	       takes(vmalloc, COSTLY_SIZE, GFP_KERNEL, true,
		     KVDEMO_PATH_VMALLOC, KVDEMO_WHY_FORCED);
}

bool test_forced(void)
{
	bool good = forced_by_request();

	good &= forced_on_all();
	return nothing_to_force() && good;
}
