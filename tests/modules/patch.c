// SPDX-License-Identifier: GPL-2.0-only
/*
 * A live patch. It replaces kvmalloc, which kvdemo_live.ko hooks. calls counts how often the
 * new function ran, without a lock.
 */
#include <linux/livepatch.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "live/live.h"

static unsigned int calls;
module_param(calls, uint, 0400);

/* Where the gfp stands among the arguments depends on the release. */
static void *patched(unsigned long size, unsigned long b, unsigned long c, unsigned long d,
		     unsigned long e, unsigned long f)
{
	const unsigned long arg[] = { size, b, c, d, e, f };
	gfp_t gfp = (__force gfp_t)arg[KVDEMO_COMPAT_GFP_ARG];
	int node = arg[KVDEMO_COMPAT_GFP_ARG + 1];
	void *p = kmalloc_node(size, gfp | __GFP_NOWARN | __GFP_NORETRY, node);

	calls++;
	if (p || !gfpflags_allow_blocking(gfp))
		return p;
	/* The gfp may have the mark of kvdemo_live.ko. */
	return __vmalloc(size, gfp & KVDEMO_COMPAT_VMALLOC_TAKES);
}

static struct klp_func funcs[] = {
	{ .old_name = LIVE_SYMBOL, .new_func = patched }, { }
};

static struct klp_object objs[] = {
	{ .funcs = funcs }, { }
};

static struct klp_patch patch = {
	.mod = THIS_MODULE, .objs = objs,
};

static int __init kvdemo_patch_init(void)
{
	return klp_enable_patch(&patch);
}

static void __exit kvdemo_patch_exit(void)
{
}

module_init(kvdemo_patch_init);
module_exit(kvdemo_patch_exit);

MODULE_INFO(livepatch, "Y");
MODULE_DESCRIPTION("A live patch of the kernel's kvmalloc");
MODULE_AUTHOR("The kvdemo authors");
MODULE_LICENSE("GPL");
