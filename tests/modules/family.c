// SPDX-License-Identifier: GPL-2.0-only
/* The kvmalloc-like forms of the API. */
#include "test.h"

#define ELEMENT		8
#define ELEMENTS	(COSTLY_SIZE / ELEMENT)

/* @p is of COSTLY_SIZE. */
static bool usable(void *p, bool zeroed, const char *name)
{
	bool good = CHECK(p, "%s", name) &&
		    CHECK(!zeroed || !memchr_inv(p, 0, COSTLY_SIZE), "%s", name) &
		    CHECK(keeps_contents(p, COSTLY_SIZE), "%s", name);

	kvfree(p);
	/* The next allocation shall find it dirty. */
	make_dirty(&kvdemo_policies[KVDEMO_NORETRY], COSTLY_SIZE);
	return good;
}

bool test_family(void)
{
	size_t half = SIZE_MAX / 2 + 1;
	bool good = true;

	good &= usable(kvdemo_kvmalloc(COSTLY_SIZE, GFP_KERNEL), false, "kvmalloc");
	good &= usable(kvdemo_kvmalloc_node(COSTLY_SIZE, GFP_KERNEL, numa_node_id()), false,
		       "kvmalloc_node");
	good &= usable(kvdemo_kvmalloc_array(ELEMENTS, ELEMENT, GFP_KERNEL), false,
		       "kvmalloc_array");
	good &= usable(kvdemo_kvzalloc(COSTLY_SIZE, GFP_KERNEL), true, "kvzalloc");
	good &= usable(kvdemo_kvzalloc_node(COSTLY_SIZE, GFP_KERNEL, numa_node_id()), true,
		       "kvzalloc_node");
	good &= usable(kvdemo_kvcalloc(ELEMENTS, ELEMENT, GFP_KERNEL), true, "kvcalloc");
	/* 2 * half wraps to 0, and (half + 8) * 2 to 16: neither may be served */
	good &= CHECK(!kvdemo_kvmalloc_array(2, half, GFP_KERNEL), "2 * half");
	good &= CHECK(!kvdemo_kvmalloc_array(half + 8, 2, GFP_KERNEL), "wrap");
	good &= CHECK(!kvdemo_kvcalloc(SIZE_MAX, SIZE_MAX, GFP_KERNEL), "kvcalloc");
	good &= CHECK(kvdemo_kvmalloc_array(0, ELEMENT, GFP_KERNEL) == ZERO_SIZE_PTR,
		      "no elements");
	return good;
}
