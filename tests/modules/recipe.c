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
	u8 bytes[2 * KMALLOC_MAX_CACHE_SIZE];
};

static bool all_are(enum kvdemo_path path, void **p, unsigned int nr)
{
	bool good = true;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		good &= CHECK(real_path(p[i]) == path, "call %u: %s", i,
			      kvdemo_path_name(real_path(p[i])));
		kvfree(p[i]);
	}
	return good;
}

static bool without_macros(void)
{
	void *p = kvmalloc(COSTLY_SIZE, GFP_KERNEL);

	return all_are(KVDEMO_PATH_PAGES, &p, 1);
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

static bool with_macros(void)
{
	void *p[] = {
		kvmalloc(COSTLY_SIZE, GFP_KERNEL),
		kvmalloc_node(COSTLY_SIZE, GFP_KERNEL, NUMA_NO_NODE),
		kvzalloc(COSTLY_SIZE, GFP_KERNEL),
		kvzalloc_node(COSTLY_SIZE, GFP_KERNEL, NUMA_NO_NODE),
		kvmalloc_array(COSTLY_SIZE / 8, 8, GFP_KERNEL),
		kvmalloc_array_node(COSTLY_SIZE / 8, 8, GFP_KERNEL, NUMA_NO_NODE),
		kvcalloc(COSTLY_SIZE / 8, 8, GFP_KERNEL),
		kvcalloc_node(COSTLY_SIZE / 8, 8, GFP_KERNEL, NUMA_NO_NODE),
#ifdef kvmalloc_obj
		kvmalloc_obj(struct large, GFP_KERNEL),
		kvzalloc_obj(struct large, GFP_KERNEL),
#endif
	};

	return all_are(KVDEMO_PATH_VMALLOC, p, ARRAY_SIZE(p));
}

/* Calls through our macros are forced while this is on, other calls are not. */
bool test_recipe(void)
{
	bool good;
	void *p;

	kvdemo_force_fallback(true);
	good = without_macros();
	good &= with_macros();
	kvdemo_force_fallback(false);
	p = kvmalloc(COSTLY_SIZE, GFP_KERNEL);
	return good & all_are(KVDEMO_PATH_PAGES, &p, 1);
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
