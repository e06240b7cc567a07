// SPDX-License-Identifier: GPL-2.0-only
/* What gets no fallback or nothing at all, and what makes the kernel WARN. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>

#include "test.h"

bool test_zero_size(void)
{
	const struct kvdemo_policy *policy;
	struct kvdemo_layout layout;
	struct kvdemo_result res;
	bool good = true;
	void *p;

	for_each_policy(policy) {
		p = alloc(policy, 0, GFP_KERNEL, &res);
		good &= CHECK(p == ZERO_SIZE_PTR, "policy=%s", policy->name);
		good &= check_result(policy, 0, p, &res, KVDEMO_PATH_NONE,
				     KVDEMO_WHY_ZERO);
		good &= CHECK(kvdemo_inspect(p, 0, &layout) == -EINVAL, "inspect");
		kvdemo_kvfree(p);
		p = alloc_forced(policy, 0, GFP_KERNEL, NULL);
		good &= CHECK(p == ZERO_SIZE_PTR, "forced policy=%s", policy->name);
		kvdemo_kvfree(p);
	}
	p = kvdemo_kvmalloc(0, GFP_KERNEL);
	good &= CHECK(p == ZERO_SIZE_PTR, "kvdemo_kvmalloc");
	kvdemo_kvfree(p);
	kvdemo_kvfree(NULL);
	return good & CHECK(kvdemo_page_node(ZERO_SIZE_PTR) == NUMA_NO_NODE, "node");
}

bool test_too_large(void)
{
	const size_t large[] = { (size_t)INT_MAX + 1, SIZE_MAX - PAGE_SIZE, SIZE_MAX };
	const struct kvdemo_policy *policy;
	struct kvdemo_result res;
	bool good = true;
	unsigned int i;
	void *p;

	for_each_policy(policy) {
		for (i = 0; i < ARRAY_SIZE(large); i++) {
			p = alloc(policy, large[i], GFP_KERNEL | __GFP_NOWARN, &res);
			good &= check_result(policy, large[i], p, &res,
					     KVDEMO_PATH_NONE, KVDEMO_WHY_INVALID);
			p = alloc_forced(policy, large[i],
					 GFP_KERNEL | __GFP_NOWARN, &res);
			good &= check_result(policy, large[i], p, &res,
					     KVDEMO_PATH_NONE, KVDEMO_WHY_INVALID);
			good &= CHECK(res.vmalloc_ns == KVDEMO_NS_NONE,
				      "policy=%s asked vmalloc", policy->name);
		}
	}
	return good;
}

/* INT_MAX itself is asked of vmalloc, which has not that much memory here. */
bool test_int_max(void)
{
	struct kvdemo_result res;
	void *p;

	if (totalram_pages() >= INT_MAX / PAGE_SIZE) {
		skip = "the guest has 2 GiB";
		return true;
	}
	p = alloc(&kvdemo_policies[KVDEMO_NORETRY], INT_MAX,
		  GFP_KERNEL | __GFP_NOWARN, &res);
	return check_result(&kvdemo_policies[KVDEMO_NORETRY], INT_MAX, p, &res,
			    KVDEMO_PATH_NONE, KVDEMO_WHY_NO_MEMORY) &&
	       CHECK(res.vmalloc_ns != KVDEMO_NS_NONE, "vmalloc was not asked");
}

/* What a zone or a node alone can serve never comes from vmalloc, forced or not. */
bool test_bound(void)
{
	static const gfp_t bound[] = { __GFP_DMA, __GFP_THISNODE };
	struct kvdemo_result res;
	bool good = true;
	unsigned int i;
	void *p;

	for (i = 0; i < ARRAY_SIZE(bound); i++) {
		p = alloc(&kvdemo_policies[KVDEMO_VMALLOC], COSTLY_SIZE, GFP_KERNEL | bound[i],
			  &res);
		good &= CHECK(!p && res.vmalloc_ns == KVDEMO_NS_NONE, "%pGg", &bound[i]);
		kvdemo_kvfree(p);
		p = alloc_forced(&kvdemo_policies[KVDEMO_NORETRY], KMALLOC_MAX_SIZE + 1,
				 GFP_KERNEL | bound[i], &res);
		good &= CHECK(!p && res.vmalloc_ns == KVDEMO_NS_NONE, "%pGg", &bound[i]);
		kvdemo_kvfree(p);
		p = alloc_forced(&kvdemo_policies[KVDEMO_NORETRY], COSTLY_SIZE,
				 GFP_KERNEL | bound[i], &res);
		good &= CHECK(p && res.why == KVDEMO_WHY_CONTIGUOUS, "%pGg", &bound[i]);
		kvdemo_kvfree(p);
	}
	return good;
}

/* kmalloc has no such zone, and would serve any other. */
bool test_dma32(void)
{
	static const size_t asked[] = { 1, 3 * PAGE_SIZE, COSTLY_SIZE, KMALLOC_MAX_SIZE + 1 };
	gfp_t gfp = GFP_KERNEL | __GFP_DMA32;
	struct kvdemo_result res;
	bool good = true;
	int i, j;
	void *p;

	for (i = 0; i < KVDEMO_NR_POLICIES; i++) {
		for (j = 0; j < ARRAY_SIZE(asked); j++) {
			p = alloc(&kvdemo_policies[i], asked[j], gfp, &res);
			good &= check_result(&kvdemo_policies[i], asked[j], p, &res,
					     KVDEMO_PATH_NONE, KVDEMO_WHY_NO_MEMORY);
			p = alloc(&kvdemo_policies[i], asked[j], gfp, NULL);
			good &= CHECK(!p, "size=%zu", asked[j]);
			kvdemo_kvfree(p);
		}
		p = alloc(&kvdemo_policies[i], 0, gfp, &res);
		good &= CHECK(p == ZERO_SIZE_PTR && res.why == KVDEMO_WHY_ZERO, "0");
	}
	return good;
}

/*
 * The contract, in a boot with panic_on_warn=0: the caller of insmod counts the
 * warnings, this checks what the request got.
 */

bool warn_gfp(void)
{
	struct kvdemo_result res;
	void *p = alloc(&kvdemo_policies[KVDEMO_NORETRY], KMALLOC_MAX_SIZE + 1,
			GFP_NOWAIT, &res);
	bool good = CHECK(!p && res.why == KVDEMO_WHY_NO_MEMORY &&
			  res.vmalloc_ns == KVDEMO_NS_NONE, "no fallback");

	p = alloc(&kvdemo_policies[KVDEMO_VMALLOC], COSTLY_SIZE, GFP_NOFS, &res);
	good &= CHECK(res.path == KVDEMO_PATH_PAGES, "kmalloc only");
	kvdemo_kvfree(p);
	return good;
}

bool warn_noretry(void)
{
	return CHECK(!kvdemo_kvmalloc(KMALLOC_MAX_SIZE + 1, GFP_KERNEL | __GFP_NORETRY),
		     "no fallback");
}

bool warn_nofail(void)
{
	bool good = CHECK(!kvdemo_kvmalloc(KMALLOC_MAX_SIZE + 1,
					   GFP_KERNEL | __GFP_NOFAIL), "no fallback");

	watch(COSTLY_SIZE);
	kvdemo_kvfree(kvdemo_kvmalloc(COSTLY_SIZE, GFP_KERNEL | __GFP_NOFAIL));
	unwatch();
	return good & CHECK(seen.calls && !(seen.gfp & __GFP_NOFAIL), "%pGg", &seen.gfp);
}

bool warn_int_max(void)
{
	bool good = CHECK(!kvdemo_kvmalloc((size_t)INT_MAX + 1, GFP_KERNEL), "NULL");

	return good & CHECK(!kvdemo_kvmalloc((size_t)INT_MAX + 1,
					     GFP_KERNEL | __GFP_NOWARN), "NULL");
}
