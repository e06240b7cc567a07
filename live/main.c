// SPDX-License-Identifier: GPL-2.0-only
/*
 * insmod kvdemo_live.ko watches the running kernel's own kvmalloc. With policy= and
 * callers= the named callers get a policy of kvdemo. rmmod leaves the kernel as it was.
 *
 * Read debugfs kvdemo/callers: which callers fall back to vmalloc, and what their failed
 * attempts cost, worst first. Each fallback is also the event kvdemo:kvdemo_alloc with
 * origin=kernel.
 *
 * This file has the parameters, and knows which caller gets which policy. When a caller is
 * seen for the first time, kallsyms says which module its address is in. The address is on
 * the stack of the call, so the module is loaded. When it is unloaded, callers.c forgets the
 * answer. So a named module may also be loaded later.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/kallsyms.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/string.h>

#include "demo/param.h"
#include "live.h"

static int bad;	/* the error of the first bad parameter */

static struct param_number entries = {
	.value = 512, .min = 1, .max = 4096, .err = &bad,
};
module_param_cb(entries, &param_number_ops, &entries, 0400);
MODULE_PARM_DESC(entries, "rows of callers and size classes, 1 to 4096, rounded up to a power of 2; 64 bytes each for each CPU, default 512");

static struct param_number times = { .max = 1, .err = &bad };
module_param_cb(times, &param_number_ops, &times, 0400);
MODULE_PARM_DESC(times, "1: also measure each fallback, and see whether it got memory, by a return probe; 0: do not (default)");

/* Policy kmalloc has no fallback, so the kernel's own callers cannot get it. */
static const struct kvdemo_policy *find_policy(const char *name)
{
	const struct kvdemo_policy *policy = kvdemo_policy_find(name);

	return policy && policy->falls_back ? policy : NULL;
}

/* Of callers that are named without a policy */
static const struct kvdemo_policy *default_policy = &kvdemo_policies[KVDEMO_NATIVE];

static int set_policy(const char *val, const struct kernel_param *kp)
{
	const struct kvdemo_policy *found = val ? find_policy(val) : NULL;

	if (!found)
		return param_refuse(kp->name, val, "native, noreclaim, backoff, noretry, vmalloc",
				    &bad, -EINVAL);
	default_policy = found;
	return 0;
}

static const struct kernel_param_ops policy_ops = PARAM_OPS(set_policy);
module_param_cb(policy, &policy_ops, NULL, 0);
MODULE_PARM_DESC(policy, "native (default: only watches), noreclaim, backoff, noretry, or vmalloc (provokes the fallback); all but native need callers=");

#define MAX_CALLERS	16
#define POLICY_LEN	16	/* a colon and the name of a policy */

#define CALLERS_ALLOWED \
	"1 to 16 of vmlinux, all and names of modules but kvdemo's own, each once, joined by a comma, and each may end with : and a policy"

static struct named {
	char name[MODULE_NAME_LEN];
	const struct kvdemo_policy *policy;	/* NULL: that of policy= */
} named[MAX_CALLERS];

static unsigned int nr_named;

static bool is_module_name(const char *name)
{
	if (!*name)
		return false;
	while (isalnum(*name) || *name == '_')
		name++;
	return !*name;
}

static bool is_ours(const char *name)
{
	return !strcmp(name, "kvdemo") || !strcmp(name, KBUILD_MODNAME);
}

static const struct named *find_named(const char *name)
{
	unsigned int i;

	for (i = 0; i < nr_named; i++)
		if (!strcmp(named[i].name, name))
			return &named[i];
	return NULL;
}

/* Adds one word of callers=. */
static bool add_caller(const char *val, size_t len)
{
	char word[MODULE_NAME_LEN + POLICY_LEN], *policy = word;

	if (nr_named == MAX_CALLERS || len >= sizeof(word))
		return false;
	memcpy(word, val, len);
	word[len] = '\0';
	strsep(&policy, ":");
	named[nr_named].policy = policy ? find_policy(policy) : NULL;
	if (policy && !named[nr_named].policy)
		return false;
	/* A file may be xt-foo.ko, and the module is xt_foo. */
	strreplace(word, '-', '_');
	if (!is_module_name(word) || strlen(word) >= MODULE_NAME_LEN || find_named(word) ||
	    is_ours(word))
		return false;
	strscpy(named[nr_named++].name, word, MODULE_NAME_LEN);
	return true;
}

static int set_callers(const char *val, const struct kernel_param *kp)
{
	const char *word = val = val ?: "";
	size_t len;

	nr_named = 0;
	do {
		len = strcspn(word, ",");
		if (!add_caller(word, len))
			return param_refuse(kp->name, val, CALLERS_ALLOWED, &bad, -EINVAL);
		word += len;
	} while (*word++ == ',');
	return 0;
}

/* Own setter, mode 0: as in kvdemo_main.c */
static const struct kernel_param_ops callers_ops = PARAM_OPS(set_callers);
module_param_cb(callers, &callers_ops, NULL, 0);
MODULE_PARM_DESC(callers, "the callers that get the policy: up to 16 names of modules, loaded now or later, vmlinux for built-in code, or all, joined by a comma; name:policy gives one of them another policy");

static int refuse_caller(const struct named *who, const char *allowed)
{
	char value[MODULE_NAME_LEN + POLICY_LEN];
	int len = snprintf(value, sizeof(value), "%s%s%s", who->name, who->policy ? ":" : "",
			   who->policy ? who->policy->name : "");

	param_say_bad("callers", value, len, -EINVAL, allowed);
	return -EINVAL;
}

static int check_caller(struct named *who)
{
	const struct kvdemo_policy *policy = who->policy ?: default_policy;
	bool all = !strcmp(who->name, "all") || !strcmp(who->name, "vmlinux");

	if (!who->policy && policy->native)
		return refuse_caller(who,
				     "name:policy, because policy= is native and changes nothing");
	if (all && !policy->tries)
		return refuse_caller(who,
				     "only names of modules under policy vmalloc: other code may free such memory where it must not sleep");
	who->policy = policy;
	return 0;
}

/* callers= together with policy= */
static int check_callers(void)
{
	unsigned int i;
	int err = 0;

	if (!default_policy->native && !nr_named) {
		pr_err("policy=%s is refused: allowed is this policy with callers=, which names %s\n",
		       default_policy->name,
		       default_policy->tries ? "modules, vmlinux or all" : "modules");
		err = -EINVAL;
	}
	for (i = 0; i < nr_named && !err; i++)
		err = check_caller(&named[i]);
	return err;
}

/**
 * live_has_policy() - does a caller have this policy?
 * @policy: a row of kvdemo_policies[]
 *
 * Context: any, after check_callers().
 */
bool live_has_policy(const struct kvdemo_policy *policy)
{
	unsigned int i;

	for (i = 0; i < nr_named; i++)
		if (named[i].policy == policy)
			return true;
	return false;
}

static const struct kvdemo_policy *policy_of_name(const char *name)
{
	const struct named *found = find_named(name) ?: find_named("all");

	return found ? found->policy : &kvdemo_policies[KVDEMO_NATIVE];
}

/*
 * A return probe or the graph tracer may have replaced the address of the caller by that of
 * its trampoline. Such an address is the start of a function, and no call returns to one.
 */
static bool hides_caller(const char *symbol)
{
	return strstarts(symbol, "0x") || strstr(symbol, "+0x0/");
}

/**
 * live_policy_of() - the policy of a caller
 * @caller: an address in it
 *
 * Requests of kvdemo itself already have a policy, so the kernel's rule stays for them.
 *
 * Context: callers are serialized, preemption is off.
 * Return: the policy; NULL if a tracer hides the caller.
 */
const struct kvdemo_policy *live_policy_of(unsigned long caller)
{
	static char symbol[KSYM_SYMBOL_LEN];
	char *name, *end;

	sprint_symbol(symbol, caller);
	if (hides_caller(symbol))
		return NULL;
	name = strchr(symbol, '[');
	if (!name)
		return policy_of_name("vmlinux");
	end = strchr(++name, ']');
	if (end)
		*end = '\0';
	if (is_ours(name))
		return &kvdemo_policies[KVDEMO_NATIVE];
	return policy_of_name(name);
}

static int __init kvdemo_live_init(void)
{
	int err;

	if (!KVDEMO_COMPAT_HOOKS) {
		pr_err("cannot watch %s: allowed is a kernel of 64 bit whose ftrace shows arguments (DYNAMIC_FTRACE_WITH_ARGS), with KALLSYMS\n",
		       LIVE_SYMBOL);
		return -EOPNOTSUPP;
	}
	err = bad ?: check_callers() ?: live_rows_make(entries.value);
	if (err)
		return err;
	err = live_hook(times.value);
	if (err) {
		live_rows_free();
		return err;
	}
	live_file_make();
	pr_info("watching " LIVE_SYMBOL ", gfp is its argument %u, policy=%s\n",
		KVDEMO_COMPAT_GFP_ARG, default_policy->name);
	return 0;
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
