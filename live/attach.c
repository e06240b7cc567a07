// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hooks and unhooks kvmalloc, and checks that the hooks see a call of our own.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ftrace.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/ratelimit.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "live.h"

/*
 * policy=vmalloc: a line names a caller that gives sg_init_one() vmalloc memory, which a
 * stock kernel accepts. A kprobe is used, because ftrace cannot reach functions of lib/.
 */
static int on_sg(struct kprobe *probe, struct pt_regs *regs)
{
	static DEFINE_RATELIMIT_STATE(limit, 5 * HZ, 10);

	if (is_vmalloc_addr((const void *)kvdemo_compat_argument(regs, 1)) && __ratelimit(&limit))
		pr_warn("%pS gives sg_init_one() vmalloc memory: its pages are not contiguous\n",
			(void *)kvdemo_compat_return_address(regs));
	return 0;
}

NOKPROBE_SYMBOL(on_sg);

/* A probe with a post_handler is not optimized: see KVDEMO_COMPAT_PANICS. */
static void after_sg(struct kprobe *probe, struct pt_regs *regs, unsigned long flags)
{
}

NOKPROBE_SYMBOL(after_sg);

static struct kprobe sg_probe = {
	.symbol_name = "sg_init_one", .pre_handler = on_sg, .post_handler = after_sg,
};

static bool sg_probed;

/* Hooking */

/*
 * PERMANENT: nobody can set kernel.ftrace_enabled to 0 while we are hooked. If it is 0
 * already, register_ftrace_function() fails with -EBUSY.
 */
#define OPS_FLAGS	(FTRACE_OPS_FL_PERMANENT | KVDEMO_COMPAT_FTRACE)

static struct hook {
	struct ftrace_ops ops;
	const char *names[4];	/* NULL ends them */
	const char *name;	/* the one that was found; NULL while it is not hooked */
} mark_hook = { { .func = live_on_mark, .flags = OPS_FLAGS }, { LIVE_SYMBOL } },
	try_hook = { { .func = live_on_try, .flags = OPS_FLAGS }, { KVDEMO_COMPAT_LARGE } },
	fallback_hook = { { .func = live_on_fallback, .flags = OPS_FLAGS },
			  { KVDEMO_COMPAT_FALLBACK } };

static void detach(struct hook *hook)
{
	if (!hook->name)
		return;
	/* Returns when no callback runs and none will. */
	unregister_ftrace_function(&hook->ops);
	ftrace_set_filter(&hook->ops, NULL, 0, 1);
	hook->name = NULL;
}

/*
 * Where memory is short, match_records() of 5.10 to 7.3 returns -ENOMEM, and
 * ftrace_set_filter() takes that for a match. The filter is then the empty one, which
 * lets every function of the kernel through.
 */
static int set_filter(struct ftrace_ops *ops, const char *name)
{
	const struct ftrace_hash *empty;
	char buf[KSYM_NAME_LEN];
	int err;

	err = ftrace_set_filter(ops, NULL, 0, 1);
	if (err)
		return err;
	empty = rcu_access_pointer(ops->func_hash->filter_hash);
	strscpy(buf, name, sizeof(buf));
	err = ftrace_set_filter(ops, (unsigned char *)buf, strlen(buf), 1);
	if (!err && rcu_access_pointer(ops->func_hash->filter_hash) == empty)
		err = -ENOMEM;
	return err;
}

static int attach_name(struct hook *hook, const char *name)
{
	int err = set_filter(&hook->ops, name) ?: register_ftrace_function(&hook->ops);

	if (err)
		ftrace_set_filter(&hook->ops, NULL, 0, 1);
	else
		hook->name = name;
	return err;
}

static int attach(struct hook *hook)
{
	int err = -EINVAL, i;

	for (i = 0; hook->names[i] && err == -EINVAL; i++)
		err = attach_name(hook, hook->names[i]);
	if (err == -EBUSY)
		pr_err("cannot hook %s: allowed is no kernel.ftrace_enabled=0\n",
		       hook->names[i - 1]);
	else if (err == -EINVAL)
		pr_err("cannot hook %s: ftrace reaches no such function on this kernel\n",
		       hook->names[0]);
	else if (err)
		pr_err("cannot hook %s: error %d\n", hook->names[i - 1], err);
	return err;
}

/* A diagnostic only: without the probe that line is missing, and all else works. */
static void probe_sg(void)
{
	if (!live_has_policy(&kvdemo_policies[KVDEMO_VMALLOC]))
		return;
	sg_probed = !register_kprobe(&sg_probe);
	if (!sg_probed)
		pr_info("cannot probe sg_init_one(): callers that give it vmalloc memory are not logged\n");
}

static int hook_times(void)
{
	int err;

	if (KVDEMO_COMPAT_PANICS) {
		pr_err("times=1 is refused: on powerpc a return probe can panic a kernel with CONFIG_PREEMPTION and CONFIG_OPTPROBES, allowed is times=0\n");
		return -EOPNOTSUPP;
	}
	live_times_probe.kp.symbol_name = fallback_hook.name;
	err = register_kretprobe(&live_times_probe);
	if (err)
		pr_err("times=1 is refused: %s takes no return probe, error %d, allowed is times=0\n",
		       fallback_hook.name, err);
	live_with_times = !err;
	return err;
}

/* The self-check */

static DEFINE_MUTEX(check_lock);

/* Not inlined, so that the caller that the mark sees is in this module */
static noinline void *check_call(void)
{
	void *p = kvmalloc_node_noprof(LIVE_CHECK_SIZE, LIVE_CHECK_GFP, NUMA_NO_NODE);

	barrier();
	return p;
}

static const char no_memory[] = "there was no memory for a test call";

static const char *what_is_blind(const void *p)
{
	if (!live_check.mark)
		return "a call of " LIVE_SYMBOL " was not seen as it was made";
	if (!within_module(live_check.caller, THIS_MODULE))
		return "the caller of " LIVE_SYMBOL " was not seen";
	if (!live_check.try)
		return "its attempt was not seen as it was made";
	if (!p)
		return no_memory;
	if (!is_vmalloc_addr(p))
		return "its attempt could not be skipped";
	if (!live_check.fallback)
		return "its fallback was not seen as it was made";
	if (live_with_times && !live_check.timed)
		return "the return probe did not see its fallback";
	return NULL;
}

static const char *check(void)
{
	const char *blind;
	void *p;

	memset(&live_check, 0, sizeof(live_check));
	WRITE_ONCE(live_check.task, current);
	p = check_call();
	WRITE_ONCE(live_check.task, NULL);
	blind = what_is_blind(p);
	kvfree(p);
	return blind;
}

#define CHECKS	3

/**
 * live_blindness() - do the hooks see a call of our own, with its arguments?
 *
 * The hooks make the call fall back, so it must return vmalloc memory. It is repeated,
 * because another task may hold the slot of this one for a moment.
 *
 * Context: process context, may sleep.
 * Return: NULL, or what is wrong.
 */
const char *live_blindness(void)
{
	const char *blind;
	int i = 0;

	mutex_lock(&check_lock);
	while ((blind = check()) && ++i < CHECKS)
		schedule_timeout_uninterruptible(1);
	mutex_unlock(&check_lock);
	return blind;
}

/* Refuses a kernel on which the hooks do not see our own call. */
static int self_check(void)
{
	const char *blind = live_blindness();

	if (!blind)
		return 0;
	pr_err("cannot watch " LIVE_SYMBOL " (gfp is its argument %u) by %s and %s: %s\n",
	       KVDEMO_COMPAT_GFP_ARG, try_hook.name, fallback_hook.name, blind);
	return blind == no_memory ? -ENOMEM : -EOPNOTSUPP;
}

/**
 * live_hook() - hook all that is needed, and see that it works
 * @times: also probe the return of the fallback
 *
 * The mark is hooked last and unhooked first, so that there are hooks to remove each mark.
 *
 * Context: process context, may sleep.
 * Return: 0, or an error, which was logged; then nothing is hooked.
 */
int live_hook(bool times)
{
	int err = attach(&fallback_hook) ?: attach(&try_hook);

	if (!err && times)
		err = hook_times();
	err = err ?: attach(&mark_hook) ?: self_check();
	if (err)
		live_unhook();
	else
		probe_sg();
	return err;
}

/**
 * live_unhook() - unhook all
 *
 * A task does not sleep voluntarily between its mark and its attempt, so no marked attempt
 * is outstanding after synchronize_rcu_tasks(). A task that sleeps inside its attempt
 * carries the mark into the fallback, where it does no harm.
 *
 * Context: process context, may sleep.
 */
void live_unhook(void)
{
	detach(&mark_hook);
	synchronize_rcu_tasks();
	if (live_with_times)
		unregister_kretprobe(&live_times_probe);
	live_with_times = false;
	detach(&try_hook);
	detach(&fallback_hook);
	if (sg_probed)
		unregister_kprobe(&sg_probe);
	sg_probed = false;
}

/**
 * live_hooked() - the hooked functions
 * @which: 0: the attempt, 1: the fallback
 *
 * Context: any, between live_hook() and live_unhook().
 */
const char *live_hooked(int which)
{
	return which ? fallback_hook.name : try_hook.name;
}
