// SPDX-License-Identifier: GPL-2.0-only
/*
 * insmod kvdemo_live.ko watches the running kernel's own kvmalloc. With policy= and
 * callers= the named callers get a policy of kvdemo. rmmod leaves the kernel as it was.
 *
 * Read debugfs kvdemo/callers: which callers fall back to vmalloc, and what their failed
 * attempts cost, worst first. Each fallback is also the event kvdemo:kvdemo_alloc with
 * origin=kernel.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ktime.h>
#include <linux/module.h>

#include "demo/param.h"
#include "live.h"

int live_err;

static struct param_number entries = {
	.value = 512, .min = 1, .max = 4096, .err = &live_err,
};
module_param_cb(entries, &param_number_ops, &entries, 0400);
MODULE_PARM_DESC(entries, "rows of callers and size classes, 1 to 4096, rounded up to a power of 2; 64 bytes each for each CPU, default 512");

static struct param_number times = { .max = 1, .err = &live_err };
module_param_cb(times, &param_number_ops, &times, 0400);
MODULE_PARM_DESC(times, "1: also measure each fallback, and see whether it got memory, by a return probe; 0: do not (default)");

static const struct kvdemo_policy *policy = &kvdemo_policies[KVDEMO_NATIVE];

static int set_policy(const char *val, const struct kernel_param *kp)
{
	const struct kvdemo_policy *found = val ? live_find_policy(val) : NULL;

	if (!found)
		return param_refuse(kp->name, val, "native, noreclaim, backoff, noretry, vmalloc",
				    &live_err, -EINVAL);
	policy = found;
	return 0;
}

static const struct kernel_param_ops policy_ops = PARAM_OPS(set_policy);
module_param_cb(policy, &policy_ops, NULL, 0);
MODULE_PARM_DESC(policy, "native (default: only watches), noreclaim, backoff, noretry, or vmalloc (provokes the fallback); all but native need callers=");

static int __init kvdemo_live_init(void)
{
	int err;

	if (!KVDEMO_COMPAT_HOOKS) {
		pr_err("cannot watch %s: allowed is a kernel of 64 bit whose ftrace shows arguments (DYNAMIC_FTRACE_WITH_ARGS), with KALLSYMS\n",
		       LIVE_SYMBOL);
		return -EOPNOTSUPP;
	}
	err = live_err ?: live_who_init(policy) ?: live_rows_make(entries.value);
	if (err)
		return err;
	live_clock_init();
	err = live_hook(times.value);
	if (err)
		goto out_rows;
	err = live_self_check();
	if (err)
		goto out_hooks;
	live_file_make();
	pr_info("watching " LIVE_SYMBOL ", gfp is its argument %u, policy=%s\n",
		KVDEMO_COMPAT_GFP_ARG, policy->name);
	return 0;

out_hooks:
	live_unhook();
out_rows:
	live_rows_free();
	return err;
}

static void __exit kvdemo_live_exit(void)
{
	u64 start;

	/* so that nothing refers to the parts that are not linked */
	if (!KVDEMO_COMPAT_HOOKS)
		return;
	live_file_remove();
	start = ktime_get_ns();
	live_unhook();
	live_log_sums(div_u64(ktime_get_ns() - start, NSEC_PER_MSEC));
	live_rows_free();
}

module_init(kvdemo_live_init);
module_exit(kvdemo_live_exit);

MODULE_DESCRIPTION("Watches the running kernel's kvmalloc, and puts a policy under callers that are named");
MODULE_AUTHOR("The kvdemo authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(KVDEMO_VERSION);
