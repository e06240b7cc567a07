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

struct kvdemo_demo kvdemo_demo = {
	.ask = {
		.rq = {
			.gfp = GFP_KERNEL,
			.node = NUMA_NO_NODE,
			.policy = &kvdemo_policies[KVDEMO_NORETRY],
		},
		.count = 1,
	},
};

static int set_key(const char *val, const struct kernel_param *kp)
{
	int err = kvdemo_ask_set(&kvdemo_demo.ask, kp->name, val);

	if (err && !params_err)
		kvdemo_say_bad_ask(kp->name, val, err);
	params_err = params_err ?: err;
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
		if (n == KVDEMO_MAX_SIZES)
			return param_refuse(kp->name, val, SIZES_ALLOWED, &params_err, -EINVAL);
		len = strcspn(word, ",");
		err = param_parse_size(word, len, INT_MAX, &size);
		if (err)
			return param_refuse_part(kp->name, len ? word : val, len ?: strlen(val),
						 SIZES_ALLOWED, &params_err, err);
		kvdemo_demo.items[n++].size = size;
		word += len;
	} while (*word++ == ',');
	kvdemo_demo.nr_items = n;
	return 0;
}

static int set_cap(const char *val, const struct kernel_param *kp)
{
	u64 cap;
	int err;

	val = val ?: "";
	err = param_parse_size(val, strlen(val), U64_MAX, &cap);
	if (!err && !cap)
		err = -ERANGE;
	if (err)
		return param_refuse(kp->name, val, "bytes above 0, with an optional K, M or G",
				    &params_err, err);
	kvdemo_demo.cap = cap;
	return 0;
}

static int set_hold(const char *val, const struct kernel_param *kp)
{
	int err;

	val = val ?: "1";
	err = kvdemo_parse_switch(val, &kvdemo_demo.hold);
	if (err)
		return param_refuse(kp->name, val, "0 or 1", &params_err, err);
	return 0;
}

/*
 * Setters of our own, because the kernel's setter of strings refuses more than 1024 bytes
 * before the module can say what is wrong. Mode 0 keeps the parameters out of
 * sysfs.
 */
static const struct kernel_param_ops sizes_ops = PARAM_OPS(set_sizes);
static const struct kernel_param_ops key_ops = PARAM_OPS(set_key);
static const struct kernel_param_ops hold_ops = PARAM_OPS(set_hold);
static const struct kernel_param_ops cap_ops = PARAM_OPS(set_cap);

module_param_cb(sizes, &sizes_ops, NULL, 0);
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

module_param_cb(hold, &hold_ops, NULL, 0);
MODULE_PARM_DESC(hold, "1: keep the buffers until rmmod and say how to find them in /proc/vmallocinfo; 0: do not (default)");

module_param_cb(cap, &cap_ops, NULL, 0);
MODULE_PARM_DESC(cap, "most bytes to have allocated at any time, with an optional K, M or G (default: an eighth of the memory that kmalloc can use, at most a quarter of what is available, and at most 1 GiB)");

/* The request, and whether it fits the cap */

/**
 * kvdemo_demo_request() - the request of one item
 * @item: of kvdemo_demo.items
 *
 * Context: any.
 */
struct kvdemo_request kvdemo_demo_request(const struct kvdemo_item *item)
{
	struct kvdemo_request rq = kvdemo_demo.ask.rq;

	rq.size = item->size;
	rq.force_fallback = item->force_fallback;
	return rq;
}

/* The most at a time: all buffers with hold=1, otherwise the largest one */
static u64 footprint_at_a_time(const struct kvdemo_item *item)
{
	struct kvdemo_request rq = kvdemo_demo_request(item);

	return kvdemo_footprint(&rq) * (kvdemo_demo.hold ? kvdemo_demo.ask.count : 1);
}

/* Leaves out sizes that do not fit, so that a plain insmod never fails for them. */
static void default_items(void)
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
	u64 sum = 0, bytes;
	unsigned int i;

	static_assert(ARRAY_SIZE(items) <= KVDEMO_MAX_SIZES);
	for (i = 0; i < ARRAY_SIZE(items); i++) {
		if (items[i].force_fallback && !kvdemo_demo.ask.rq.policy->falls_back)
			continue;
		bytes = footprint_at_a_time(&items[i]);
		if (sum + bytes > kvdemo_demo.cap) {
			pr_info("left out size=%zu: over cap=%llu\n", items[i].size,
				kvdemo_demo.cap);
			continue;
		}
		if (kvdemo_demo.hold)
			sum += bytes;
		kvdemo_demo.items[kvdemo_demo.nr_items++] = items[i];
	}
}

static int check_items(void)
{
	u64 bytes, need = 0;
	unsigned int i;

	for (i = 0; i < kvdemo_demo.nr_items; i++) {
		bytes = footprint_at_a_time(&kvdemo_demo.items[i]);
		need = kvdemo_demo.hold ? need + bytes : max(need, bytes);
	}
	if (need <= kvdemo_demo.cap)
		return 0;
	pr_err("sizes= and count= may take %llu bytes at a time: allowed is cap=%llu\n",
	       need, kvdemo_demo.cap);
	return -ERANGE;
}

/**
 * kvdemo_demo_prepare() - check the parameters together, and fill in defaults
 *
 * Context: init of the module.
 * Return: 0, or the error of the first bad parameter, which the log names.
 */
int kvdemo_demo_prepare(void)
{
	int err = params_err;

	if (err)
		return err;
	err = kvdemo_ask_finish(&kvdemo_demo.ask);
	if (err) {
		kvdemo_say_bad_whole(&kvdemo_demo.ask);
		return err;
	}
	if (!kvdemo_demo.cap) {
		kvdemo_demo.cap = kvdemo_default_cap();
		kvdemo_demo.cap_is_default = true;
	}
	if (kvdemo_demo.nr_items)
		return check_items();
	default_items();
	return 0;
}
