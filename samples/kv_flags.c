// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asks the running kernel's kvmalloc for 2 * KMALLOC_MAX_SIZE with each kind of flags, and
 * logs one line for each. Only vmalloc can serve that size. The module does not need kvdemo.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

static void __init try(const char *name, gfp_t flags)
{
	void *p = kvmalloc(2 * KMALLOC_MAX_SIZE, flags | __GFP_NOWARN);

	pr_info("%s: %s\n", name, !p ? "NULL" : is_vmalloc_addr(p) ? "vmalloc" : "kmalloc");
	kvfree(p);
}

static int __init kv_flags_init(void)
{
	try("GFP_KERNEL", GFP_KERNEL);
	try("GFP_NOFS", GFP_NOFS);
	try("GFP_NOIO", GFP_NOIO);
	try("GFP_NOWAIT", GFP_NOWAIT);
	try("GFP_ATOMIC", GFP_ATOMIC);
	return 0;
}

static void __exit kv_flags_exit(void)
{
}

module_init(kv_flags_init);
module_exit(kv_flags_exit);

MODULE_DESCRIPTION("What kvmalloc gives for each kind of flags");
MODULE_AUTHOR("The kvdemo authors");
MODULE_LICENSE("GPL");
