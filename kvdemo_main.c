// SPDX-License-Identifier: GPL-2.0-only
/*
 * insmod kvdemo.ko, read dmesg, rmmod kvdemo.
 *
 * On load, each size is allocated under the policy, filled with a pattern,
 * verified, logged and freed: one line says which path was taken, why, and what
 * the try and the fallback cost. Without parameters the sizes are the
 * boundaries of the running kernel, so both paths are seen. While the module is
 * loaded, debugfs takes further requests.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <linux/utsname.h>

#include "demo/demo.h"
#include "demo/param.h"

#define MAX_SIZES	32

struct item {
	size_t size;
	bool force_fallback;
};

static struct {
	struct item items[MAX_SIZES];
	unsigned int nr_items;
	struct kvdemo_ask ask;
	bool hold;
	u64 cap;
	bool cap_is_default;
	int err;
} demo = {
	.ask = {
		.rq = {
			.gfp = GFP_KERNEL,
			.node = NUMA_NO_NODE,
			.policy = &kvdemo_policies[KVDEMO_NORETRY],
		},
		.count = 1,
	},
};

/* Parameters */

/*
 * Only the first bad value is told, and init fails with its error: a setter that
 * fails makes the kernel print a line of its own, with the whole value.
 */
static int bad_value(const char *name, const char *val, size_t len, int err,
		     const char *allowed)
{
	if (!demo.err)
		param_say_bad(name, val, len, err, allowed);
	demo.err = demo.err ?: err;
	return 0;
}

static int set_key(const char *val, const struct kernel_param *kp)
{
	int err = kvdemo_ask_set(&demo.ask, kp->name, val);

	if (err && !demo.err)
		kvdemo_say_bad_ask(kp->name, val, err);
	demo.err = demo.err ?: err;
	return 0;
}

#define SIZES_ALLOWED \
	"1 to 32 sizes joined by a comma, each bytes with an optional K, M or G, at most INT_MAX"

static int set_sizes(const char *val, const struct kernel_param *kp)
{
	const char *word = val = val ?: "";
	unsigned int n = 0;
	size_t len;
	u64 size;
	int err;

	do {
		if (n == MAX_SIZES)
			return bad_value(kp->name, val, strlen(val), -EINVAL,
					 SIZES_ALLOWED);
		len = strcspn(word, ",");
		err = param_parse_size(word, len, &size);
		if (!err && size > INT_MAX)
			err = -ERANGE;
		if (err)
			return bad_value(kp->name, len ? word : val,
					 len ?: strlen(val), err, SIZES_ALLOWED);
		demo.items[n++].size = size;
		word += len;
	} while (*word++ == ',');
	demo.nr_items = n;
	return 0;
}

static int set_cap(const char *val, const struct kernel_param *kp)
{
	u64 cap;
	int err;

	val = val ?: "";
	err = param_parse_size(val, strlen(val), &cap);
	if (!err && !cap)
		err = -ERANGE;
	if (err)
		return bad_value(kp->name, val, strlen(val), err,
				 "bytes above 0, with an optional K, M or G");
	demo.cap = cap;
	return 0;
}

static int set_hold(const char *val, const struct kernel_param *kp)
{
	int err;

	val = val ?: "1";
	err = kvdemo_parse_switch(val, &demo.hold);
	if (err)
		return bad_value(kp->name, val, strlen(val), err, "0 or 1");
	return 0;
}

/*
 * Own setters, for the kernel's cut a string at 1024 bytes before the module
 * can say what is wrong; NOARG, so that a bare word reaches them, too. Mode 0:
 * nobody sees them in sysfs.
 */
#define OPS(_set) { .flags = KERNEL_PARAM_OPS_FL_NOARG, .set = _set }

static const struct kernel_param_ops sizes_ops = OPS(set_sizes);
static const struct kernel_param_ops key_ops = OPS(set_key);
static const struct kernel_param_ops hold_ops = OPS(set_hold);
static const struct kernel_param_ops cap_ops = OPS(set_cap);

module_param_cb(sizes, &sizes_ops, NULL, 0);
MODULE_PARM_DESC(sizes, "sizes to allocate, as in 1024,64K,4M: up to 32, bytes with an optional K, M or G (default: the boundaries of this kernel, one byte above each, and one forced fallback)");

module_param_cb(policy, &key_ops, NULL, 0);
MODULE_PARM_DESC(policy, "noretry (default; the kernel's of 4.12), noreclaim (the kernel's since 6.16), backoff (ours: noreclaim, and a failed order rests), native (this kernel's kvmalloc_node), kmalloc (no fallback), vmalloc (no try)");

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

module_param_cb(hold, &hold_ops, NULL, 0);
MODULE_PARM_DESC(hold, "1: keep the buffers until rmmod and say how to find them in /proc/vmallocinfo; 0: do not (default)");

module_param_cb(cap, &cap_ops, NULL, 0);
MODULE_PARM_DESC(cap, "most bytes to have allocated at any time, with an optional K, M or G (default: an eighth of low memory, at most a quarter of what is available)");

/* What is asked for, and whether it fits */

static struct kvdemo_request request_of(const struct item *item)
{
	struct kvdemo_request rq = demo.ask.rq;

	rq.size = item->size;
	rq.force_fallback = item->force_fallback;
	return rq;
}

/* At a time: all of them with hold=1, else one after another */
static u64 footprint_at_a_time(const struct item *item)
{
	struct kvdemo_request rq = request_of(item);

	return kvdemo_footprint(&rq) * (demo.hold ? demo.ask.count : 1);
}

static void default_items(void)
{
	const size_t costly = (size_t)PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER;
	const struct item items[] = {
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

	static_assert(ARRAY_SIZE(items) <= MAX_SIZES);
	memcpy(demo.items, items, sizeof(items));
	demo.nr_items = ARRAY_SIZE(items);
}

/* Leave out what does not fit: a default insmod never fails for size. */
static void fit_default_items(void)
{
	unsigned int i, kept = 0;
	u64 sum = 0, bytes;

	for (i = 0; i < demo.nr_items; i++) {
		struct item item = demo.items[i];

		if (item.force_fallback && !demo.ask.rq.policy->falls_back)
			continue;
		bytes = footprint_at_a_time(&item);
		if (sum + bytes > demo.cap) {
			pr_info("left out size=%zu: over cap=%llu\n",
				item.size, demo.cap);
			continue;
		}
		if (demo.hold)
			sum += bytes;
		demo.items[kept++] = item;
	}
	demo.nr_items = kept;
}

static int check_items(void)
{
	u64 bytes, need = 0;
	unsigned int i;

	for (i = 0; i < demo.nr_items; i++) {
		bytes = footprint_at_a_time(&demo.items[i]);
		need = demo.hold ? need + bytes : max(need, bytes);
	}
	if (need <= demo.cap)
		return 0;
	pr_err("sizes= and count= may take %llu bytes at a time: allowed is cap=%llu\n",
	       need, demo.cap);
	return -ERANGE;
}

static int prepare(void)
{
	int err = demo.err;

	if (err)
		return err;
	err = kvdemo_ask_finish(&demo.ask);
	if (err) {
		kvdemo_say_bad_whole(&demo.ask);
		return err;
	}
	if (!demo.cap) {
		demo.cap = kvdemo_default_cap();
		demo.cap_is_default = true;
	}
	if (demo.nr_items)
		return check_items();
	default_items();
	fit_default_items();
	return 0;
}

/* The demo */

static int run(void)
{
	unsigned int i, n;

	for (i = 0; i < demo.nr_items; i++) {
		struct kvdemo_request rq = request_of(&demo.items[i]);

		for (n = 0; n < demo.ask.count; n++) {
			int got;

			if (fatal_signal_pending(current))
				return -EINTR;
			got = kvdemo_take(&rq, demo.hold);
			if (got < 0)
				return got;
			cond_resched();
		}
	}
	/* Nothing but failures: there is nothing to show. */
	return kvdemo_only_failures() ? -ENOMEM : 0;
}

static void log_start(void)
{
	pr_info("version=%s kernel=%s machine=%s page_size=%lu policy=%s: %s\n",
		KVDEMO_VERSION, init_utsname()->release, init_utsname()->machine,
		PAGE_SIZE, demo.ask.rq.policy->name, demo.ask.rq.policy->desc);
	if (demo.ask.rq.node != NUMA_NO_NODE && !KVDEMO_VMALLOC_NODE &&
	    !demo.ask.rq.policy->native)
		pr_info("node=%d acts on the contiguous try only: before 6.16 no exported vmalloc takes gfp and node\n",
			demo.ask.rq.node);
}

static void finish(void)
{
	mutex_lock(&kvdemo_lock);
	kvdemo_give_back_all();
	kvdemo_log_exit();
	mutex_unlock(&kvdemo_lock);
}

static int show(void)
{
	int err;

	mutex_lock(&kvdemo_lock);
	kvdemo_force_fallback(demo.ask.rq.force_fallback);
	log_start();
	err = run();
	kvdemo_log_summary(demo.ask.rq.policy);
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
		kvdemo_debugfs_init(demo.ask.rq.policy, demo.cap,
				    demo.cap_is_default);
	return err;
}

static void __exit kvdemo_exit(void)
{
	kvdemo_debugfs_exit();
	finish();
	kvdemo_stats_exit();
}

module_init(kvdemo_init);
module_exit(kvdemo_exit);

MODULE_DESCRIPTION("Shows which memory kvmalloc gives, why, and at what price");
MODULE_AUTHOR("The kvdemo authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(KVDEMO_VERSION);
