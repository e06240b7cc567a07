// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that the recipe of doc/driver.md sends to kvdemo: every function of the
 * kvmalloc family by the kernel's own names. The lower half of this file has the
 * macros, the upper half does not.
 */
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "test.h"

struct large {
	u8 bytes[COSTLY_SIZE];
};

/* @p is of COSTLY_SIZE. Its contents make the memory dirty for the next buffer. */
static bool usable(void *p, enum kvdemo_path path, bool zeroed, const char *call)
{
	bool good = CHECK(real_path(p) == path, "%s: %s", call, kvdemo_path_name(real_path(p))) &&
		    CHECK(!zeroed || !memchr_inv(p, 0, COSTLY_SIZE), "%s", call) &
		    CHECK(keeps_contents(p, COSTLY_SIZE), "%s", call);

	kvfree(p);
	return good;
}

#define USABLE(call, path, zeroed)	usable(call, path, zeroed, #call)

static bool without_macros(void)
{
	return USABLE(kvmalloc(COSTLY_SIZE, GFP_KERNEL), KVDEMO_PATH_PAGES, false);
}

/* the lines of doc/driver.md */
#undef kvmalloc
#define kvmalloc(size, flags) kvdemo_kvmalloc(size, flags)
#undef kvmalloc_node
#define kvmalloc_node(size, flags, node) kvdemo_kvmalloc_node(size, flags, node)
#undef kvzalloc
#define kvzalloc(size, flags) kvdemo_kvzalloc(size, flags)
#undef kvzalloc_node
#define kvzalloc_node(size, flags, node) kvdemo_kvzalloc_node(size, flags, node)
#undef kvmalloc_array
#define kvmalloc_array(n, size, flags) kvdemo_kvmalloc_array(n, size, flags)
#undef kvmalloc_array_node
#define kvmalloc_array_node(n, size, flags, node) kvdemo_kvmalloc_array_node(n, size, flags, node)
#undef kvcalloc
#define kvcalloc(n, size, flags) kvdemo_kvcalloc(n, size, flags)
#undef kvcalloc_node
#define kvcalloc_node(n, size, flags, node) kvdemo_kvcalloc_node(n, size, flags, node)

static noinline bool with_macros(enum kvdemo_path path)
{
	int node = numa_node_id();
	bool good = true;

	good &= USABLE(kvmalloc(COSTLY_SIZE, GFP_KERNEL), path, false);
	good &= USABLE(kvmalloc_node(COSTLY_SIZE, GFP_KERNEL, node), path, false);
	good &= USABLE(kvzalloc(COSTLY_SIZE, GFP_KERNEL), path, true);
	good &= USABLE(kvzalloc_node(COSTLY_SIZE, GFP_KERNEL, node), path, true);
	good &= USABLE(kvmalloc_array(COSTLY_SIZE / 8, 8, GFP_KERNEL), path, false);
	good &= USABLE(kvmalloc_array_node(COSTLY_SIZE / 8, 8, GFP_KERNEL, node), path, false);
	good &= USABLE(kvcalloc(COSTLY_SIZE / 8, 8, GFP_KERNEL), path, true);
	good &= USABLE(kvcalloc_node(COSTLY_SIZE / 8, 8, GFP_KERNEL, node), path, true);
#ifdef kvmalloc_obj
	good &= USABLE(kvmalloc_obj(struct large, GFP_KERNEL), path, false);
	good &= USABLE(kvzalloc_obj(struct large, GFP_KERNEL), path, true);
#endif
	return good;
}

/* 2 * half wraps to 0, and (half + 8) * 2 to 16: neither may be served. */
static bool overflows(void)
{
	size_t half = SIZE_MAX / 2 + 1;

	return CHECK(!kvdemo_kvmalloc_array(2, half, GFP_KERNEL), "2 * half") &
	       CHECK(!kvdemo_kvmalloc_array(half + 8, 2, GFP_KERNEL), "wrap") &
	       CHECK(!kvdemo_kvcalloc(SIZE_MAX, SIZE_MAX, GFP_KERNEL), "kvcalloc") &
	       CHECK(kvdemo_kvmalloc_array(0, 8, GFP_KERNEL) == ZERO_SIZE_PTR, "no elements");
}

/* Calls through our macros are forced while this is on, other calls are not. */
bool test_recipe(void)
{
	bool good = overflows();

	kvdemo_force_fallback(true);
	good &= without_macros() & with_macros(KVDEMO_PATH_VMALLOC);
	kvdemo_force_fallback(false);
	return good & with_macros(KVDEMO_PATH_PAGES);
}

/* 5.16, 86cffecdeaa2: FORTIFY_SOURCE must know the size of a buffer. */
#if defined(__alloc_size__) && defined(CONFIG_FORTIFY_SOURCE)
#define SEES(p, size)	CHECK(__builtin_object_size(p, 1) == (size), #p)

bool test_fortify(void)
{
	void *one = kvdemo_kvmalloc(COSTLY_SIZE, GFP_KERNEL);
	void *many = kvdemo_kvcalloc(COSTLY_SIZE / 8, 8, GFP_KERNEL);
	bool good = SEES(one, COSTLY_SIZE) & SEES(many, COSTLY_SIZE);

	kvfree(one);
	kvfree(many);
	return good;
}
#else
bool test_fortify(void)
{
	skip = "this kernel has no __alloc_size() or no FORTIFY_SOURCE";
	return true;
}
#endif
