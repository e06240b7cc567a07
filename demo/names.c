// SPDX-License-Identifier: GPL-2.0-only
/*
 * The names of policies, paths and reasons.
 */
#include <linux/export.h>
#include <linux/string.h>

#include "kvdemo.h"

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
