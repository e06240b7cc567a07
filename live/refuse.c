// SPDX-License-Identifier: GPL-2.0-only
/*
 * kvdemo_live.ko for a kernel without CONFIG_DYNAMIC_FTRACE or of 32 bit: it says what it
 * needs.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>

#include "kvdemo.h"

static int __init kvdemo_live_init(void)
{
	pr_err("cannot watch kvmalloc: allowed is a kernel of 64 bit whose ftrace shows arguments (DYNAMIC_FTRACE_WITH_ARGS), with KALLSYMS\n");
	return -EOPNOTSUPP;
}
module_init(kvdemo_live_init);

MODULE_DESCRIPTION("Watches the running kernel's kvmalloc, where ftrace is there");
MODULE_AUTHOR("The kvdemo authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(KVDEMO_VERSION);
