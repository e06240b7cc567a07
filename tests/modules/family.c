// SPDX-License-Identifier: GPL-2.0-only
/* The forms for callers who know of no request, and the prices. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/string.h>

#include "test.h"

static bool zeroed_family(void)
{
	bool good = true;
	void *p;

	make_dirty(&kvdemo_policies[KVDEMO_NORETRY], COSTLY_SIZE);
	p = kvdemo_kvzalloc(COSTLY_SIZE, GFP_KERNEL);
	good &= CHECK(p && !memchr_inv(p, 0, COSTLY_SIZE), "kvzalloc");
	kvdemo_kvfree(p);
	make_dirty(&kvdemo_policies[KVDEMO_NORETRY], COSTLY_SIZE);
	p = kvdemo_kvzalloc_node(COSTLY_SIZE, GFP_KERNEL, numa_node_id());
	good &= CHECK(p && !memchr_inv(p, 0, COSTLY_SIZE), "kvzalloc_node");
	kvdemo_kvfree(p);
	make_dirty(&kvdemo_policies[KVDEMO_NORETRY], COSTLY_SIZE);
	p = kvdemo_kvcalloc(COSTLY_SIZE / 8, 8, GFP_KERNEL);
	good &= CHECK(p && !memchr_inv(p, 0, COSTLY_SIZE), "kvcalloc");
	kvdemo_kvfree(p);
	return good;
}

bool test_family(void)
{
	size_t half = SIZE_MAX / 2 + 1;
	bool good = true;
	void *p;

	p = kvdemo_kvmalloc(3 * PAGE_SIZE, GFP_KERNEL);
	good &= CHECK(p && keeps_contents(p, 3 * PAGE_SIZE), "kvmalloc");
	kvdemo_kvfree(p);
	p = kvdemo_kvmalloc_node(3 * PAGE_SIZE, GFP_KERNEL, numa_node_id());
	good &= CHECK(p && keeps_contents(p, 3 * PAGE_SIZE), "kvmalloc_node");
	kvfree(p);
	p = kvdemo_kvmalloc_array(3, PAGE_SIZE, GFP_KERNEL);
	good &= CHECK(p && keeps_contents(p, 3 * PAGE_SIZE), "kvmalloc_array");
	kvdemo_kvfree(p);
	/* 2 * half wraps to 0, and (half + 8) * 2 to 16: neither may be served */
	good &= CHECK(!kvdemo_kvmalloc_array(2, half, GFP_KERNEL), "2 * half");
	good &= CHECK(!kvdemo_kvmalloc_array(half + 8, 2, GFP_KERNEL), "wrap");
	good &= CHECK(!kvdemo_kvcalloc(SIZE_MAX, SIZE_MAX, GFP_KERNEL), "kvcalloc");
	good &= CHECK(kvdemo_kvmalloc_array(0, 8, GFP_KERNEL) == ZERO_SIZE_PTR,
		      "no elements");
	return good & zeroed_family();
}

/* A price stands for each step that was taken, and for no other. */
bool test_prices(void)
{
	const struct kvdemo_policy *noretry = &kvdemo_policies[KVDEMO_NORETRY];
	struct kvdemo_result res;
	bool good = true;

	kvdemo_kvfree(alloc(noretry, COSTLY_SIZE, GFP_KERNEL, &res));
	good &= CHECK(res.kmalloc_ns >= 0 && res.vmalloc_ns == KVDEMO_NS_NONE, "try");
	kvdemo_kvfree(alloc_forced(noretry, COSTLY_SIZE, GFP_KERNEL, &res));
	good &= CHECK(res.kmalloc_ns == KVDEMO_NS_NONE && res.vmalloc_ns > 0, "forced");
	alloc(&kvdemo_policies[KVDEMO_KMALLOC], KMALLOC_MAX_SIZE + 1, GFP_KERNEL, &res);
	good &= CHECK(res.kmalloc_ns >= 0 && res.vmalloc_ns == KVDEMO_NS_NONE, "failed");
	alloc(noretry, 0, GFP_KERNEL, &res);
	good &= CHECK(res.kmalloc_ns == KVDEMO_NS_NONE &&
		      res.vmalloc_ns == KVDEMO_NS_NONE, "zero");
	if (sizes[nr_sizes - 1] == KMALLOC_MAX_SIZE + 1) {
		kvdemo_kvfree(alloc(noretry, KMALLOC_MAX_SIZE + 1, GFP_KERNEL, &res));
		good &= CHECK(res.kmalloc_ns >= 0 && res.vmalloc_ns > 0, "both");
	}
	return good;
}
