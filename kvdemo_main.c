// SPDX-License-Identifier: GPL-2.0-only
/*
 * insmod kvdemo.ko, read dmesg, rmmod kvdemo.
 *
 * On load, each size is allocated under the policy, filled with a pattern,
 * verified, logged and freed: one line says which path was taken, why, and what
 * the attempt and the fallback cost. Without parameters the sizes are those at which
 * kvmalloc's behaviour changes, so both paths are seen. While the module is loaded,
 * debugfs takes further requests.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/utsname.h>

#include "demo/demo.h"

static void log_start(void)
{
	pr_info("version=%s kernel=%s machine=%s page_size=%lu policy=%s: %s\n",
		KVDEMO_VERSION, init_utsname()->release, init_utsname()->machine,
		PAGE_SIZE, kvdemo_demo.rq.policy->name, kvdemo_demo.rq.policy->desc);
	if (kvdemo_demo.rq.node != NUMA_NO_NODE && !KVDEMO_VMALLOC_NODE &&
	    !kvdemo_demo.rq.policy->native)
		pr_info("node=%d acts on the contiguous try only: before 6.16 no exported vmalloc takes gfp and node\n",
			kvdemo_demo.rq.node);
}

static void finish(void)
{
	kvdemo_debugfs_exit();
	mutex_lock(&kvdemo_lock);
	kvdemo_give_back_all();
	kvdemo_log_exit();
	mutex_unlock(&kvdemo_lock);
}

static int show(void)
{
	int err;

	mutex_lock(&kvdemo_lock);
	kvdemo_force_fallback(kvdemo_demo.rq.force_fallback);
	log_start();
	err = kvdemo_run(&kvdemo_demo);
	kvdemo_log_summary(kvdemo_demo.rq.policy);
	mutex_unlock(&kvdemo_lock);
	return err;
}

static int __init kvdemo_init(void)
{
	int err = kvdemo_demo_prepare();

	if (err)
		return err;
	err = show();
	if (err)
		finish();
	else
		kvdemo_debugfs_init();
	return err;
}

static void __exit kvdemo_exit(void)
{
	finish();
}

module_init(kvdemo_init);
module_exit(kvdemo_exit);

MODULE_DESCRIPTION("Shows which memory kvmalloc gives, why, and at what price");
MODULE_AUTHOR("The kvdemo authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(KVDEMO_VERSION);
