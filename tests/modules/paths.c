// SPDX-License-Identifier: GPL-2.0-only
/* Path and reason by size and policy, contents, zeroes, and the forced fallback. */
#include "test.h"

/* With plenty of free memory the size decides. */
static bool served_by_size(const struct kvdemo_policy *policy, size_t size)
{
	struct kvdemo_result res;
	void *p = alloc(policy, size, GFP_KERNEL, &res);
	bool good = check_outcome(policy, size, p, &res, true);

	if (p)
		good &= CHECK(keeps_contents(p, size), "size=%zu policy=%s", size, policy->name);
	kvdemo_kvfree(p);
	return good;
}

bool test_boundaries(void)
{
	return each_policy_and_size(served_by_size);
}

static bool seen_dirty[KVDEMO_NR_PATHS] = { [KVDEMO_PATH_NONE] = true };

static bool zeroed(const struct kvdemo_policy *policy, size_t size)
{
	struct kvdemo_result res;
	bool good;
	void *p;

	if (size > KMALLOC_MAX_SIZE && !policy->falls_back)
		return true;
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

/* The guest is booted with init_on_alloc=0, so fresh memory must be seen dirty. */
bool test_zero(void)
{
	bool good = each_policy_and_size(zeroed);
	unsigned int i;

	for (i = 0; i < KVDEMO_NR_PATHS; i++)
		good &= CHECK(seen_dirty[i], "path=%s: never dirty, zeroing is not proved",
			      kvdemo_path_name(i));
	return good;
}

static bool forced_by_request(const struct kvdemo_policy *policy, size_t size)
{
	if (is_policy(policy, KVDEMO_VMALLOC) || is_policy(policy, KVDEMO_KMALLOC))
		return true;
	if (size <= PAGE_SIZE)
		return takes(policy, size, GFP_KERNEL, true, KVDEMO_PATH_SLAB, KVDEMO_WHY_SMALL);
	return takes(policy, size, GFP_KERNEL, true, KVDEMO_PATH_VMALLOC, KVDEMO_WHY_FORCED);
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
	return each_policy_and_size(forced_by_request) & nothing_to_force();
}
