// SPDX-License-Identifier: GPL-2.0-only
/*
 * A request in words. Load parameters and debugfs share one table of keys, so both
 * accept and refuse the same words.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kernel.h>
#include <linux/nodemask.h>
#include <linux/string.h>

#include "demo.h"
#include "param.h"

#define MAX_COUNT	1000
#define ALLOWED_LEN	160

static int set_size(struct kvdemo_ask *ask, const char *val)
{
	u64 size;
	int err = param_parse_size(val, strlen(val), INT_MAX, &size);

	if (!err)
		ask->rq.size = size;
	return err;
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

/**
 * kvdemo_parse_switch() - "0" or "1", and nothing else
 * @val: the word; kstrtobool() would read 0x1 as 0
 * @on: filled in
 *
 * Context: any.
 * Return: 0 or -EINVAL.
 */
int kvdemo_parse_switch(const char *val, bool *on)
{
	if (strcmp(val, "0") && strcmp(val, "1"))
		return -EINVAL;
	*on = *val == '1';
	return 0;
}

static int set_zero(struct kvdemo_ask *ask, const char *val)
{
	return kvdemo_parse_switch(val, &ask->zero);
}

static int set_force_fallback(struct kvdemo_ask *ask, const char *val)
{
	return kvdemo_parse_switch(val, &ask->rq.force_fallback);
}

/* A switch without a value is on, as in the kernel's own parameters. */
static const struct ask_key {
	const char *name;
	int (*set)(struct kvdemo_ask *ask, const char *val);
	const char *allowed;
	void (*list_allowed)(char *str, size_t len);
	const char *bare;
} keys[] = {
	{ "size", set_size,
	  "bytes with an optional K, M or G, at most INT_MAX" },
	{ "policy", set_policy, .list_allowed = allowed_policies },
	{ "node", set_node, .list_allowed = allowed_nodes },
	{ "gfp", set_gfp,
	  "GFP_KERNEL or GFP_KERNEL_ACCOUNT, then any of __GFP_ZERO, __GFP_NOWARN, __GFP_RETRY_MAYFAIL, joined by |"
	},
	{ "count", set_count, "1 to " __stringify(MAX_COUNT) },
	{ "zero", set_zero, "0 or 1", .bare = "1" },
	{ "force_fallback", set_force_fallback, "0 or 1", .bare = "1" },
};

static const struct ask_key *key_find(const char *name)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		if (!strcmp(name, keys[i].name))
			return &keys[i];
	return NULL;
}

/**
 * kvdemo_ask_is_key() - is a word a key of a request?
 * @word: such as "policy"
 *
 * Context: any.
 */
bool kvdemo_ask_is_key(const char *word)
{
	return key_find(word);
}

/**
 * kvdemo_ask_set() - set one key of a request
 * @ask: the request
 * @key: one of size, policy, node, gfp, count, zero, force_fallback
 * @val: its value; NULL for a bare word, which switches a switch on
 *
 * Context: any.
 * Return: 0; -ENOENT for an unknown key; -EINVAL or -ERANGE for a bad value.
 */
int kvdemo_ask_set(struct kvdemo_ask *ask, const char *key, const char *val)
{
	const struct ask_key *row = key_find(key);

	if (!row)
		return -ENOENT;
	return row->set(ask, val ?: row->bare ?: "");
}

/**
 * kvdemo_ask_finish() - check the keys against each other
 * @ask: the request, with all its keys set
 *
 * Context: any.
 * Return: 0, or -EINVAL; kvdemo_say_bad_whole() then logs why.
 */
int kvdemo_ask_finish(struct kvdemo_ask *ask)
{
	if (ask->zero)
		ask->rq.gfp |= __GFP_ZERO;
	return ask->rq.force_fallback && !ask->rq.policy->falls_back ? -EINVAL : 0;
}

/**
 * kvdemo_say_bad_whole() - log why kvdemo_ask_finish() refused a request
 * @ask: as given to it
 *
 * Context: any.
 */
void kvdemo_say_bad_whole(const struct kvdemo_ask *ask)
{
	pr_err("force_fallback=1 is invalid: policy=%s has no fallback, allowed is any other policy\n",
	       ask->rq.policy->name);
}

/**
 * kvdemo_say_bad_ask() - log why kvdemo_ask_set() refused a key
 * @key: as given to it
 * @val: as given to it
 * @err: what it returned
 *
 * Context: any.
 */
void kvdemo_say_bad_ask(const char *key, const char *val, int err)
{
	const struct ask_key *row = key_find(key);
	char allowed[ALLOWED_LEN];
	int i, n = 0;

	val = val ?: "";
	if (row && row->list_allowed)
		row->list_allowed(allowed, sizeof(allowed));
	else if (row)
		strscpy(allowed, row->allowed, sizeof(allowed));
	for (i = 0; !row && i < ARRAY_SIZE(keys); i++)
		n += scnprintf(allowed + n, sizeof(allowed) - n, "%s%s=",
			       i ? ", " : "", keys[i].name);
	param_say_bad(key, val, strlen(val), err, allowed);
}
