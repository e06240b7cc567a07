// SPDX-License-Identifier: GPL-2.0-only
/* Path and reason by size and policy, contents, and zeroes. */
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
	p = alloc(policy, size, GFP_KERNEL, &res);
	if (p) {
		seen_dirty[res.path] |= !!memchr_inv(p, 0, size);
		memset(p, 0xff, size);
	}
	kvdemo_kvfree(p);
	/* It finds the memory that was just freed. */
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
