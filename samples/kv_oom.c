// SPDX-License-Identifier: GPL-2.0-only
/*
 * Never on a machine that matters: where free memory is fragmented, plain=1 makes the
 * kernel kill processes. It asks 600 times for 16 KiB by kvmalloc, or with plain=1 by
 * kmalloc, and frees all. dmesg shows what it got. It needs nothing of kvdemo.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>
#include <linux/slab.h>

static bool plain;
module_param(plain, bool, 0);
MODULE_PARM_DESC(plain, "1: kmalloc instead of kvmalloc");

static void *buffers[600] __initdata;

static int __init kv_oom_init(void)
{
	unsigned int got = 0, from_vmalloc = 0;
	int i;

	for (i = 0; i < ARRAY_SIZE(buffers); i++) {
		buffers[i] = plain ? kmalloc(SZ_16K, GFP_KERNEL) : kvmalloc(SZ_16K, GFP_KERNEL);
		got += !!buffers[i];
		from_vmalloc += is_vmalloc_addr(buffers[i]);
	}
	for (i = 0; i < ARRAY_SIZE(buffers); i++)
		kvfree(buffers[i]);
	pr_info("%s: %u buffers, %s of them from vmalloc\n", plain ? "kmalloc" : "kvmalloc",
		got, !from_vmalloc ? "none" : from_vmalloc == got ? "all" : "some");
	return 0;
}

static void __exit kv_oom_exit(void)
{
}

module_init(kv_oom_init);
module_exit(kv_oom_exit);

MODULE_DESCRIPTION("What a plain kmalloc does to others in fragmented memory");
MODULE_AUTHOR("The kvdemo authors");
MODULE_LICENSE("GPL");
