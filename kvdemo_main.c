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
#include "demo/param.h"

/* The first error of a setter; init returns it */
static int params_err;

struct kvdemo_ask kvdemo_demo = {
	.rq = {
		.gfp = GFP_KERNEL,
		.node = NUMA_NO_NODE,
		.policy = &kvdemo_policies[KVDEMO_NORETRY],
	},
	.count = 1,
};

static int set_key(const char *val, const struct kernel_param *kp)
{
	if (!params_err)
		params_err = kvdemo_ask_set(&kvdemo_demo, kp->name, val);
	return 0;
}

/*
 * A setter of our own, because the kernel's setter of strings refuses more than 1024 bytes
 * before the module can say what is wrong. It does not fail, because the kernel would print
 * a line of its own, with the whole value. Mode 0 keeps the parameters out of sysfs.
 */
static const struct kernel_param_ops key_ops = PARAM_OPS(set_key);

module_param_cb(sizes, &key_ops, NULL, 0);
MODULE_PARM_DESC(sizes, "sizes to allocate, as in 1024,64K,4M: up to 32, bytes with an optional K, M or G (default: the boundaries of this kernel, one byte above each, and one forced fallback)");

module_param_cb(policy, &key_ops, NULL, 0);
MODULE_PARM_DESC(policy, "noretry (default; the kernel's of 4.12), noreclaim (the kernel's since 6.16), backoff (ours: noreclaim, and no attempt for a while after one failed), native (this kernel's kvmalloc_node), kmalloc (no fallback), vmalloc (no try)");

module_param_cb(node, &key_ops, NULL, 0);
MODULE_PARM_DESC(node, "preferred NUMA node, -1 for any (default); before 6.16 the fallback ignores it");

module_param_cb(gfp, &key_ops, NULL, 0);
MODULE_PARM_DESC(gfp, "GFP_KERNEL (default) or GFP_KERNEL_ACCOUNT, then any of __GFP_ZERO, __GFP_NOWARN, __GFP_RETRY_MAYFAIL, joined by |");

module_param_cb(count, &key_ops, NULL, 0);
MODULE_PARM_DESC(count, "allocations of each size, 1 to 1000 (default 1)");

module_param_cb(zero, &key_ops, NULL, 0);
MODULE_PARM_DESC(zero, "1: ask for zeroed memory and check that it is; 0: do not (default)");

module_param_cb(force_fallback, &key_ops, NULL, 0);
MODULE_PARM_DESC(force_fallback, "1: above PAGE_SIZE every caller of kvdemo goes to vmalloc at once, to find drivers that assume the linear map; 0: do not (default); not with policy=kmalloc");

module_param_cb(hold, &key_ops, NULL, 0);
MODULE_PARM_DESC(hold, "1: keep the buffers until rmmod and say how to find them in /proc/vmallocinfo; 0: do not (default)");

module_param_cb(cap, &key_ops, NULL, 0);
MODULE_PARM_DESC(cap, "most bytes to have allocated at any time, with an optional K, M or G (default: an eighth of the memory that kmalloc can use, at most a quarter of what is available, and at most 1 GiB)");

/* Leaves out sizes that do not fit, so that a plain insmod never fails for them. */
static void __init default_items(struct kvdemo_ask *ask)
{
	const size_t costly = (size_t)PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER;
	const struct kvdemo_item items[] = {
		{ 1024 },
		{ PAGE_SIZE },
		{ PAGE_SIZE + 1 },
		{ KMALLOC_MAX_CACHE_SIZE },
		{ KMALLOC_MAX_CACHE_SIZE + 1 },
		{ costly },
		{ costly, .force_fallback = true },
		{ costly + 1 },
		{ KMALLOC_MAX_SIZE },
		{ KMALLOC_MAX_SIZE + 1 },
	};
	unsigned int i;

	static_assert(ARRAY_SIZE(items) <= KVDEMO_MAX_SIZES);
	for (i = 0; i < ARRAY_SIZE(items); i++) {
		if (items[i].force_fallback && !ask->rq.policy->falls_back)
			continue;
		ask->items[ask->nr_items++] = items[i];
		if (kvdemo_need(ask) <= ask->cap)
			continue;
		ask->nr_items--;
		pr_info("left out size=%u: over cap=%llu\n", items[i].size, ask->cap);
	}
}

/* Checks the parameters together, and fills in defaults. */
static int __init prepare(void)
{
	int err = params_err ?: kvdemo_ask_finish(&kvdemo_demo);

	if (err)
		return err;
	if (!kvdemo_demo.cap) {
		kvdemo_demo.cap = kvdemo_default_cap();
		kvdemo_demo.cap_is_default = true;
	}
	if (!kvdemo_demo.nr_items)
		default_items(&kvdemo_demo);
	return kvdemo_fits(&kvdemo_demo) ? 0 : -ERANGE;
}

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
	int err = prepare();

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
