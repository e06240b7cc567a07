// SPDX-License-Identifier: GPL-2.0-only
/*
 * Path, reason, prices and zeroes by size and policy; requests that are refused, bound or
 * forced; flags outside the contract.
 */
#include "test.h"

static bool seen_dirty[KVDEMO_NR_PATHS] = { [KVDEMO_PATH_NONE] = true };

/*
 * With plenty of free memory the size decides the path. Each buffer is filled before it is
 * freed, so that the next one is seen dirty unless it was zeroed.
 */
static bool served_by_size(const struct kvdemo_policy *policy, size_t size)
{
	struct kvdemo_result res;
	bool good = true, dirty;
	void *p;
	int zero;

	for (zero = 0; zero <= 1; zero++) {
		p = alloc(policy, size, zero ? GFP_KERNEL | __GFP_ZERO : GFP_KERNEL, &res);
		good &= check_outcome(policy, size, p, &res, true);
		if (!p)
			continue;
		dirty = memchr_inv(p, 0, size);
		seen_dirty[res.path] |= dirty;
		good &= CHECK(!zero || !dirty, "size=%zu policy=%s path=%s", size, policy->name,
			      kvdemo_path_name(res.path)) &
			CHECK(keeps_contents(p, size), "size=%zu policy=%s", size, policy->name);
		kvdemo_kvfree(p);
	}
	return good;
}

/* The guest is booted with init_on_alloc=0, so fresh memory must be seen dirty. */
bool test_boundaries(void)
{
	bool good = each_policy_and_size(served_by_size);
	unsigned int i;

	for (i = 0; i < KVDEMO_NR_PATHS; i++)
		good &= CHECK(seen_dirty[i], "path=%s: never dirty, zeroing is not proved",
			      kvdemo_path_name(i));
	return good;
}

#define ALL		(BIT(KVDEMO_NR_POLICIES) - 1)
#define ONE(id)		BIT(KVDEMO_##id)
#define HAS_FALLBACK	(ALL & ~ONE(KMALLOC))
#define RULE(policies, size, gfp, path, why) \
	{ policies, size, gfp, KVDEMO_PATH_##path, KVDEMO_WHY_##why }

static const struct rule {
	unsigned long policies;
	size_t size;
	gfp_t gfp;	/* beside GFP_KERNEL */
	enum kvdemo_path path;
	enum kvdemo_why why;
} rules[] = {
	RULE(ALL, 0, 0, NONE, ZERO),
	RULE(ALL, 0, __GFP_DMA32, NONE, ZERO),
	RULE(ALL, (size_t)INT_MAX + 1, __GFP_NOWARN, NONE, INVALID),
	RULE(ALL, SIZE_MAX - PAGE_SIZE, __GFP_NOWARN, NONE, INVALID),
	RULE(ALL, SIZE_MAX, __GFP_NOWARN, NONE, INVALID),
	/* INT_MAX itself is passed to vmalloc, which fails because each guest has less memory. */
	RULE(ONE(VMALLOC) | ONE(BACKOFF), INT_MAX, __GFP_NOWARN, NONE, NO_MEMORY),
	/* A request bound to a zone or a node never gets vmalloc memory. */
	RULE(ONE(VMALLOC), COSTLY_SIZE, __GFP_DMA, NONE, IMPOSSIBLE),
	RULE(ONE(VMALLOC), COSTLY_SIZE, __GFP_THISNODE, NONE, IMPOSSIBLE),
	RULE(ONE(NORETRY), KMALLOC_MAX_SIZE + 1, __GFP_DMA, NONE, IMPOSSIBLE),
	RULE(ONE(NORETRY), KMALLOC_MAX_SIZE + 1, __GFP_THISNODE, NONE, IMPOSSIBLE),
	RULE(ONE(NORETRY), COSTLY_SIZE, __GFP_DMA, PAGES, CONTIGUOUS),
	RULE(ONE(NORETRY), COSTLY_SIZE, __GFP_THISNODE, PAGES, CONTIGUOUS),
	/* kmalloc has no caches for this zone and would use any other. */
	RULE(ALL, 1, __GFP_DMA32 | __GFP_NOWARN, NONE, IMPOSSIBLE),
	RULE(ALL, 3 * PAGE_SIZE, __GFP_DMA32 | __GFP_NOWARN, NONE, IMPOSSIBLE),
	RULE(ALL, COSTLY_SIZE, __GFP_DMA32 | __GFP_NOWARN, NONE, IMPOSSIBLE),
	RULE(ALL, KMALLOC_MAX_SIZE + 1, __GFP_DMA32 | __GFP_NOWARN, NONE, IMPOSSIBLE),
	/* The fallback is forced above PAGE_SIZE, under each policy that has one. */
	RULE(HAS_FALLBACK & ~ONE(VMALLOC), PAGE_SIZE, 0, SLAB, SMALL),
	RULE(ONE(VMALLOC), PAGE_SIZE, 0, VMALLOC, POLICY),
	RULE(HAS_FALLBACK, PAGE_SIZE + 1, 0, VMALLOC, FORCED),
	RULE(HAS_FALLBACK, COSTLY_SIZE, 0, VMALLOC, FORCED),
	RULE(HAS_FALLBACK, KMALLOC_MAX_SIZE + 1, 0, VMALLOC, FORCED),
	RULE(ONE(KMALLOC), COSTLY_SIZE, 0, PAGES, CONTIGUOUS),
};

/*
 * Each rule is tried with a result and without one, forced and not forced. A rule whose reason
 * is FORCED is tried forced only.
 */
static bool follows(const struct kvdemo_policy *policy, const struct rule *rule)
{
	gfp_t gfp = GFP_KERNEL | rule->gfp;
	struct kvdemo_result res;
	bool good = true;
	void *p;
	int i;

	for (i = rule->why == KVDEMO_WHY_FORCED ? 2 : 0; i < 4; i++) {
		p = alloc_on(policy, rule->size, gfp, NUMA_NO_NODE, i & 2, i & 1 ? &res : NULL);
		good &= CHECK(real_path(p) == rule->path && (p == ZERO_SIZE_PTR) == !rule->size,
			      "size=%zu gfp=%pGg policy=%s", rule->size, &gfp, policy->name);
		if (i & 1)
			good &= check_result(policy, rule->size, gfp, p, &res, rule->path,
					     rule->why);
		kvdemo_kvfree(p);
	}
	return good;
}

bool test_rules(void)
{
	bool good = true;
	int i, j;

	for (i = 0; i < ARRAY_SIZE(rules); i++)
		for (j = 0; j < KVDEMO_NR_POLICIES; j++)
			if (rules[i].policies & BIT(j))
				good &= follows(&kvdemo_policies[j], &rules[i]);
	return good;
}

/*
 * Flags outside the contract of 4.12, in a boot with panic_on_warn=0. The guest script
 * counts the warnings; these tests compare with the running kernel's kvmalloc_node().
 */

static bool blocking = true;
module_param(blocking, bool, 0);
MODULE_PARM_DESC(blocking, "0: this kernel's kvmalloc_node() has no fallback for NOFS and NOIO");

static bool as_native(gfp_t gfp)
{
	static const size_t asked[] = { 1024, PAGE_SIZE + 1, 2 * PAGE_SIZE, KMALLOC_MAX_SIZE + 1 };
	const struct kvdemo_policy *policy;
	bool good = true;
	int i;

	for (i = 0; i < ARRAY_SIZE(asked); i++) {
		/* 5.10 tries kmalloc only, which warns about a size above its maximum */
		if (asked[i] > KMALLOC_MAX_SIZE)
			gfp |= __GFP_NOWARN;
		for (policy = kvdemo_policies; policy < POLICIES_END; policy++)
			good &= agrees(policy, asked[i], gfp);
	}
	return good;
}

/* Forced only if this kernel's own kvmalloc has a fallback and the caller may block */
static bool forced_outside(gfp_t gfp)
{
	bool forces = (gfp & GFP_KERNEL) == GFP_KERNEL ||
		      (blocking && gfp & __GFP_DIRECT_RECLAIM);
	struct kvdemo_result res;

	kvdemo_kvfree(alloc_on(&kvdemo_policies[KVDEMO_NORETRY], COSTLY_SIZE, gfp, NUMA_NO_NODE,
			       true, &res));
	return CHECK((res.why == KVDEMO_WHY_FORCED) == forces, "gfp=%pGg: %s/%s", &gfp,
		     kvdemo_path_name(res.path), kvdemo_why_name(res.why));
}

static const struct {
	const char *name;
	gfp_t gfp;
	size_t refused;
} outside_cases[] = {
	{ "NORETRY gets what this kernel's own kvmalloc gives", GFP_KERNEL | __GFP_NORETRY },
	{ "so does NOFAIL", GFP_KERNEL | __GFP_NOFAIL },
	{ "so does NOFS", GFP_NOFS },
	{ "so does NOIO", GFP_NOIO },
	{ "so does NOWAIT", GFP_NOWAIT },
	{ "so does ATOMIC", GFP_ATOMIC },
	{ "more than INT_MAX bytes give NULL", GFP_KERNEL, (size_t)INT_MAX + 1 },
	{ "so does __GFP_DMA32", GFP_KERNEL | __GFP_DMA32, 1024 },
};

/* One case, by its number from 1 */
void run_outside(unsigned int number)
{
	size_t refused;
	bool good;
	gfp_t gfp;

	if (number > ARRAY_SIZE(outside_cases))
		return;
	gfp = outside_cases[number - 1].gfp;
	refused = outside_cases[number - 1].refused;
	if (refused)
		good = CHECK(!kvdemo_kvmalloc(refused, gfp), "NULL") &
		       CHECK(!kvdemo_kvmalloc(refused, gfp | __GFP_NOWARN), "NULL");
	else
		good = as_native(gfp) & forced_outside(gfp);
	pr_info("%sok %u - %s\n", good ? "" : "not ", number, outside_cases[number - 1].name);
}
