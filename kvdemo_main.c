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
#include <linux/sched/signal.h>
#include <linux/utsname.h>

#include "demo/demo.h"

static int run(void)
{
	unsigned int i, n;

	for (i = 0; i < kvdemo_demo.nr_items; i++) {
		struct kvdemo_request rq = kvdemo_demo_request(&kvdemo_demo.items[i]);

		for (n = 0; n < kvdemo_demo.ask.count; n++) {
			int got;

			if (fatal_signal_pending(current))
				return -EINTR;
			got = kvdemo_take(&rq, kvdemo_demo.hold);
			if (got < 0)
				return got;
			cond_resched();
		}
	}
	/* Every request failed, so the demo has nothing to show. */
	return kvdemo_only_failures() ? -ENOMEM : 0;
}

static void log_start(void)
{
	pr_info("version=%s kernel=%s machine=%s page_size=%lu policy=%s: %s\n",
		KVDEMO_VERSION, init_utsname()->release, init_utsname()->machine,
		PAGE_SIZE, kvdemo_demo.ask.rq.policy->name, kvdemo_demo.ask.rq.policy->desc);
	if (kvdemo_demo.ask.rq.node != NUMA_NO_NODE && !KVDEMO_VMALLOC_NODE &&
	    !kvdemo_demo.ask.rq.policy->native)
		pr_info("node=%d acts on the contiguous try only: before 6.16 no exported vmalloc takes gfp and node\n",
			kvdemo_demo.ask.rq.node);
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
	kvdemo_force_fallback(kvdemo_demo.ask.rq.force_fallback);
	log_start();
	err = run();
	kvdemo_settle();
	kvdemo_log_summary(kvdemo_demo.ask.rq.policy);
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
