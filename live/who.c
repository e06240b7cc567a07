// SPDX-License-Identifier: GPL-2.0-only
/*
 * callers=: which callers get which policy.
 *
 * When a caller is seen for the first time, kallsyms says which module its address is in.
 * The address is on the stack of the call, so the module is loaded. When it is unloaded,
 * callers.c forgets the answer. So a named module may also be loaded later.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/ctype.h>
#include <linux/kallsyms.h>
#include <linux/module.h>
#include <linux/string.h>

#include "demo/param.h"
#include "live.h"

#define MAX_CALLERS	16
#define POLICY_LEN	16	/* a colon and the name of a policy */

#define CALLERS_ALLOWED \
	"1 to 16 of vmlinux, all and names of modules but kvdemo's own, each once, joined by a comma, and each may end with : and a policy"

static struct named {
	char name[MODULE_NAME_LEN];
	const struct kvdemo_policy *policy;	/* NULL: that of policy= */
} named[MAX_CALLERS];

static unsigned int nr_named;

/**
 * live_find_policy() - a policy that the kernel's own callers may get
 * @name: its name
 *
 * Context: any.
 * Return: the policy; NULL if there is none of that name, or it has no fallback: kmalloc.
 */
const struct kvdemo_policy *live_find_policy(const char *name)
{
	const struct kvdemo_policy *policy = kvdemo_policy_find(name);

	return policy && policy->falls_back ? policy : NULL;
}

static bool is_module_name(const char *name)
{
	if (!*name)
		return false;
	while (isalnum(*name) || *name == '_')
		name++;
	return !*name;
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
	char word[MODULE_NAME_LEN + POLICY_LEN], *policy;

	if (nr_named == MAX_CALLERS || len >= sizeof(word))
		return false;
	memcpy(word, val, len);
	word[len] = '\0';
	policy = strchr(word, ':');
	named[nr_named].policy = NULL;
	if (policy) {
		*policy++ = '\0';
		named[nr_named].policy = live_find_policy(policy);
		if (!named[nr_named].policy)
			return false;
	}
	/* A file may be xt-foo.ko, and the module is xt_foo. */
	strreplace(word, '-', '_');
	if (!is_module_name(word) || strlen(word) >= MODULE_NAME_LEN || find_named(word) ||
	    !strcmp(word, "kvdemo") || !strcmp(word, KBUILD_MODNAME))
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
			return param_refuse(kp->name, val, CALLERS_ALLOWED, &live_err, -EINVAL);
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

static int check_caller(struct named *who, const struct kvdemo_policy *policy)
{
	bool all = !strcmp(who->name, "all") || !strcmp(who->name, "vmlinux");

	if (!who->policy && policy->native)
		return refuse_caller(who,
				     "name:policy where policy= is native, which changes nothing");
	policy = who->policy ?: policy;
	if (all && !policy->tries)
		return refuse_caller(who,
				     "only names of modules under policy vmalloc: other code may free such memory where it must not sleep");
	who->policy = policy;
	return 0;
}

/**
 * live_who_init() - check callers= together with policy=
 * @policy: that of policy=
 *
 * Context: init of the module.
 * Return: 0, or an error, which was logged.
 */
int live_who_init(const struct kvdemo_policy *policy)
{
	unsigned int i;
	int err = 0;

	if (!policy->native && !nr_named) {
		pr_err("policy=%s is refused: allowed is this policy with callers=, which names modules, vmlinux or all\n",
		       policy->name);
		err = -EINVAL;
	}
	for (i = 0; i < nr_named && !err; i++)
		err = check_caller(&named[i], policy);
	return err;
}

/**
 * live_has_policy() - does a caller have this policy?
 * @policy: a row of kvdemo_policies[]
 *
 * Context: any, after live_who_init().
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
	if (!strcmp(name, "kvdemo") || !strcmp(name, KBUILD_MODNAME))
		return &kvdemo_policies[KVDEMO_NATIVE];
	return policy_of_name(name);
}
