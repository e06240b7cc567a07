// SPDX-License-Identifier: GPL-2.0-only
/*
 * The load parameters, and whether the memory that they ask for fits the cap.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/string.h>

#include "demo.h"
#include "param.h"

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
static void default_items(struct kvdemo_ask *ask)
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

/**
 * kvdemo_demo_prepare() - check the parameters together, and fill in defaults
 *
 * Context: init of the module.
 * Return: 0, or the error of the first bad parameter, which the log names.
 */
int kvdemo_demo_prepare(void)
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
