// SPDX-License-Identifier: GPL-2.0-only
/*
 * The smallest driver that uses kvmalloc: 1 KiB at load, freed at once. dmesg shows a
 * line at insmod and one at rmmod. It needs nothing of kvdemo.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

static int __init kv_hello_init(void)
{
	void *p = kvmalloc(1024, GFP_KERNEL);

	if (!p)
		return -ENOMEM;
	pr_info("1024 bytes from %s\n", is_vmalloc_addr(p) ? "vmalloc" : "kmalloc");
	memset(p, 0, 1024);
	kvfree(p);	/* frees either kind */
	return 0;
}

static void __exit kv_hello_exit(void)
{
	pr_info("exit\n");
}

module_init(kv_hello_init);
module_exit(kv_hello_exit);

MODULE_DESCRIPTION("The smallest user of kvmalloc");
MODULE_AUTHOR("The kvdemo authors");
MODULE_LICENSE("GPL");
