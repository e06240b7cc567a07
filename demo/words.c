// SPDX-License-Identifier: GPL-2.0-only
/*
 * The names of paths, reasons and policies, and a request in words. Load parameters and
 * debugfs share one table of keys, so both accept and refuse the same words.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/nodemask.h>
#include <linux/printk.h>
#include <linux/string.h>

#include "demo.h"
#include "param.h"

static const char * const path_names[KVDEMO_NR_PATHS] = {
	[KVDEMO_PATH_NONE] = "none",
	[KVDEMO_PATH_SLAB] = "slab",
	[KVDEMO_PATH_PAGES] = "pages",
	[KVDEMO_PATH_VMALLOC] = "vmalloc",
};

static const char * const why_names[KVDEMO_NR_WHYS] = {
	[KVDEMO_WHY_ZERO] = "zero",
	[KVDEMO_WHY_INVALID] = "invalid",
	[KVDEMO_WHY_IMPOSSIBLE] = "impossible",
	[KVDEMO_WHY_NO_MEMORY] = "no-memory",
	[KVDEMO_WHY_FORCED] = "forced",
	[KVDEMO_WHY_POLICY] = "policy",
	[KVDEMO_WHY_TOO_LARGE] = "too-large",
	[KVDEMO_WHY_BACKOFF] = "backoff",
	[KVDEMO_WHY_KMALLOC_FAILED] = "kmalloc-failed",
	[KVDEMO_WHY_SMALL] = "small",
	[KVDEMO_WHY_CONTIGUOUS] = "contiguous",
};

/**
 * kvdemo_policy_find() - find a policy by its name
 * @name: a whole word, such as "noretry"
 *
 * Context: any.
 * Return: a row of kvdemo_policies[], or NULL for an unknown name.
 */
const struct kvdemo_policy *kvdemo_policy_find(const char *name)
{
	int i;

	for (i = 0; i < KVDEMO_NR_POLICIES; i++)
		if (!strcmp(name, kvdemo_policies[i].name))
			return &kvdemo_policies[i];
	return NULL;
}
EXPORT_SYMBOL_GPL(kvdemo_policy_find);

/**
 * kvdemo_path_name() - the word for a path
 * @path: any value
 *
 * Context: any.
 * Return: the word that logs use; "?" for a value out of range.
 */
const char *kvdemo_path_name(enum kvdemo_path path)
{
	return path < KVDEMO_NR_PATHS ? path_names[path] : "?";
}
EXPORT_SYMBOL_GPL(kvdemo_path_name);

/**
 * kvdemo_why_name() - the word for a reason
 * @why: any value
 *
 * Context: any.
 * Return: the word that logs use; "?" for a value out of range.
 */
const char *kvdemo_why_name(enum kvdemo_why why)
{
	return why < KVDEMO_NR_WHYS ? why_names[why] : "?";
}
EXPORT_SYMBOL_GPL(kvdemo_why_name);

/* A request */

#define MAX_COUNT	1000
#define ALLOWED_LEN	160

/* The last list wins, as with all parameters of the kernel. */
static int set_sizes(struct kvdemo_ask *ask, const char *val)
{
	unsigned int n = 0;
	size_t len;
	u64 size;
	int err;

	do {
		len = strcspn(val, ",");
		err = n < KVDEMO_MAX_SIZES ? param_parse_size(val, len, INT_MAX, &size) : -EINVAL;
		if (err) {
			ask->bad = len ? val : ask->bad;
			return err;
		}
		ask->items[n++].size = size;
		val += len;
	} while (*val++ == ',');
	ask->nr_items = n;
	return 0;
}

/* Two sizes in one line are a mistake: "64K 64" is no list. */
static int set_size(struct kvdemo_ask *ask, const char *val)
{
	return ask->nr_items ? -EINVAL : set_sizes(ask, val);
}

static int set_policy(struct kvdemo_ask *ask, const char *val)
{
	const struct kvdemo_policy *policy = kvdemo_policy_find(val);

	if (!policy)
		return -EINVAL;
	ask->rq.policy = policy;
	return 0;
}

static void allowed_policies(char *str, size_t len)
{
	int i, n = 0;

	for (i = 0; i < KVDEMO_NR_POLICIES; i++)
		n += scnprintf(str + n, len - n, "%s%s", i ? ", " : "",
			       kvdemo_policies[i].name);
}

static int set_node(struct kvdemo_ask *ask, const char *val)
{
	int node = NUMA_NO_NODE, err = 0;

	if (strcmp(val, "-1"))
		err = param_is_number(val) ? kstrtoint(val, 10, &node) : -EINVAL;
	if (err)
		return err;
	if (node != NUMA_NO_NODE && (node >= nr_node_ids || !node_online(node)))
		return -EINVAL;
	ask->rq.node = node;
	return 0;
}

static void allowed_nodes(char *str, size_t len)
{
	snprintf(str, len, "-1 (any) or an online node: %*pbl",
		 nodemask_pr_args(&node_online_map));
}

static const struct {
	const char *name;
	gfp_t gfp;
} gfp_words[] = {
	{ "GFP_KERNEL", GFP_KERNEL },
	{ "GFP_KERNEL_ACCOUNT", GFP_KERNEL_ACCOUNT },
	{ "__GFP_ZERO", __GFP_ZERO },
	{ "__GFP_NOWARN", __GFP_NOWARN },
	{ "__GFP_RETRY_MAYFAIL", __GFP_RETRY_MAYFAIL },
};

static gfp_t gfp_of_word(const char *word, size_t len)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(gfp_words); i++)
		if (strlen(gfp_words[i].name) == len &&
		    !strncmp(gfp_words[i].name, word, len))
			return gfp_words[i].gfp;
	return 0;
}

static int set_gfp(struct kvdemo_ask *ask, const char *val)
{
	const char *word = val;
	gfp_t bits, gfp = 0;
	size_t len;

	do {
		len = strcspn(word, "|");
		bits = gfp_of_word(word, len);
		gfp |= bits;
		word += len;
	} while (bits && *word++ == '|');
	if (!bits || (gfp & GFP_KERNEL) != GFP_KERNEL)
		return -EINVAL;
	ask->rq.gfp = gfp;
	return 0;
}

static int set_count(struct kvdemo_ask *ask, const char *val)
{
	unsigned int count;
	int err = param_is_number(val) ? kstrtouint(val, 10, &count) : -EINVAL;

	if (!err && (!count || count > MAX_COUNT))
		err = -ERANGE;
	if (!err)
		ask->count = count;
	return err;
}

/* "0" or "1", and nothing else: kstrtobool() would read 0x1 as 0. */
static int set_switch(bool *on, const char *val)
{
	if (strcmp(val, "0") && strcmp(val, "1"))
		return -EINVAL;
	*on = *val == '1';
	return 0;
}

static int set_zero(struct kvdemo_ask *ask, const char *val)
{
	return set_switch(&ask->zero, val);
}

static int set_force_fallback(struct kvdemo_ask *ask, const char *val)
{
	return set_switch(&ask->rq.force_fallback, val);
}

static int set_hold(struct kvdemo_ask *ask, const char *val)
{
	return set_switch(&ask->hold, val);
}

static int set_cap(struct kvdemo_ask *ask, const char *val)
{
	u64 cap;
	int err = param_parse_size(val, strlen(val), U64_MAX, &cap);

	if (!err && !cap)
		err = -ERANGE;
	if (!err)
		ask->cap = cap;
	return err;
}

#define SIZES_ALLOWED \
	"one list of 1 to 32 sizes joined by a comma, each bytes with an optional K, M or G, at most INT_MAX"

/* A switch without a value is on, as in the kernel's own parameters. */
static const struct ask_key {
	const char *name;
	int (*set)(struct kvdemo_ask *ask, const char *val);
	const char *allowed;
	void (*list_allowed)(char *str, size_t len);
	const char *bare;
	bool at_load; /* no key of a line of debugfs */
} keys[] = {
	{ "size", set_size, SIZES_ALLOWED },
	{ "policy", set_policy, .list_allowed = allowed_policies },
	{ "node", set_node, .list_allowed = allowed_nodes },
	{ "gfp", set_gfp,
	  "GFP_KERNEL or GFP_KERNEL_ACCOUNT, then any of __GFP_ZERO, __GFP_NOWARN, __GFP_RETRY_MAYFAIL, joined by |"
	},
	{ "count", set_count, "1 to " __stringify(MAX_COUNT) },
	{ "zero", set_zero, "0 or 1", .bare = "1" },
	{ "force_fallback", set_force_fallback, "0 or 1", .bare = "1" },
	{ "sizes", set_sizes, SIZES_ALLOWED, .at_load = true },
	{ "hold", set_hold, "0 or 1", .bare = "1", .at_load = true },
	{ "cap", set_cap, "bytes above 0, with an optional K, M or G", .at_load = true },
};

static void allowed_keys(char *str, size_t len)
{
	int i, n = 0;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (!keys[i].at_load)
			n += scnprintf(str + n, len - n, "%s%s=", i ? ", " : "", keys[i].name);
}

static const struct ask_key *key_find(const struct kvdemo_ask *ask, const char *name)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strcmp(name, keys[i].name) && (!keys[i].at_load || ask == &kvdemo_demo))
			return &keys[i];
	return NULL;
}

/**
 * kvdemo_ask_is_key() - is a word a key of a request?
 * @ask: the request; that of the load parameters has more keys
 * @word: such as "policy"
 *
 * Context: any.
 */
bool kvdemo_ask_is_key(const struct kvdemo_ask *ask, const char *word)
{
	return key_find(ask, word);
}

/**
 * kvdemo_ask_set() - set one key of a request; a line in the log says why it is refused
 * @ask: the request
 * @key: a name of keys[]
 * @val: its value; NULL for a bare word, which switches a switch on
 *
 * Context: any.
 * Return: 0; -EINVAL or -ERANGE for an unknown key or a bad value.
 */
int kvdemo_ask_set(struct kvdemo_ask *ask, const char *key, const char *val)
{
	const struct ask_key *row = key_find(ask, key);
	char allowed[ALLOWED_LEN];
	int err;

	ask->bad = val ?: (row && row->bare ? row->bare : "");
	err = row ? row->set(ask, ask->bad) : -EINVAL;
	if (!err)
		return 0;
	if (!row)
		allowed_keys(allowed, sizeof(allowed));
	else if (row->list_allowed)
		row->list_allowed(allowed, sizeof(allowed));
	else
		strscpy(allowed, row->allowed, sizeof(allowed));
	param_say_bad(key, ask->bad, strlen(ask->bad), err, allowed);
	return err;
}

/**
 * kvdemo_ask_finish() - check the keys against each other
 * @ask: the request, with all its keys set
 *
 * Context: any.
 * Return: 0, or -EINVAL, and a line in the log says why.
 */
int kvdemo_ask_finish(struct kvdemo_ask *ask)
{
	if (ask->zero)
		ask->rq.gfp |= __GFP_ZERO;
	if (!ask->rq.force_fallback || ask->rq.policy->falls_back)
		return 0;
	pr_err_ratelimited("force_fallback=1 is invalid: policy=%s has no fallback, allowed is any other policy\n",
			   ask->rq.policy->name);
	return -EINVAL;
}
