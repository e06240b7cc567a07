// SPDX-License-Identifier: GPL-2.0-only
/* Requests that get no fallback or NULL, and flags outside the contract. */
#include "test.h"

bool test_zero_size(void)
{
	const struct kvdemo_policy *policy;
	struct kvdemo_layout layout;
	struct kvdemo_result res;
	bool good = true;
	void *p;

	for (policy = kvdemo_policies; policy < POLICIES_END; policy++) {
		p = alloc(policy, 0, GFP_KERNEL, &res);
		good &= CHECK(p == ZERO_SIZE_PTR, "policy=%s", policy->name);
		good &= check_result(policy, 0, p, &res, KVDEMO_PATH_NONE, KVDEMO_WHY_ZERO);
		good &= CHECK(kvdemo_inspect(p, 0, &layout) == -EINVAL, "inspect");
		kvdemo_kvfree(p);
		p = alloc_as(policy, 0, GFP_KERNEL, true, NULL);
		good &= CHECK(p == ZERO_SIZE_PTR, "forced policy=%s", policy->name);
		kvdemo_kvfree(p);
	}
	p = kvdemo_kvmalloc(0, GFP_KERNEL);
	good &= CHECK(p == ZERO_SIZE_PTR, "kvdemo_kvmalloc");
	kvdemo_kvfree(p);
	kvdemo_kvfree(NULL);
	return good;
}

bool test_too_large(void)
{
	const size_t large[] = { (size_t)INT_MAX + 1, SIZE_MAX - PAGE_SIZE, SIZE_MAX };
	const struct kvdemo_policy *policy;
	struct kvdemo_result res;
	bool good = true;
	unsigned int i;
	void *p;

	for (policy = kvdemo_policies; policy < POLICIES_END; policy++) {
		for (i = 0; i < ARRAY_SIZE(large); i++) {
			good &= takes(policy, large[i], GFP_KERNEL | __GFP_NOWARN, false,
				      KVDEMO_PATH_NONE, KVDEMO_WHY_INVALID);
			p = alloc_as(policy, large[i], GFP_KERNEL | __GFP_NOWARN, true, &res);
			good &= check_result(policy, large[i], p, &res,
					     KVDEMO_PATH_NONE, KVDEMO_WHY_INVALID);
			good &= CHECK(res.vmalloc_ns == KVDEMO_NS_NONE,
				      "policy=%s asked vmalloc", policy->name);
		}
	}
	return good;
}

/* INT_MAX itself is passed to vmalloc, which fails because each guest has less memory. */
bool test_int_max(void)
{
	struct kvdemo_result res;
	void *p;

	p = alloc(&kvdemo_policies[KVDEMO_NORETRY], INT_MAX, GFP_KERNEL | __GFP_NOWARN, &res);
	return check_result(&kvdemo_policies[KVDEMO_NORETRY], INT_MAX, p, &res,
			    KVDEMO_PATH_NONE, KVDEMO_WHY_NO_MEMORY) &&
	       CHECK(res.vmalloc_ns != KVDEMO_NS_NONE, "vmalloc was not asked");
}

/* A request bound to a zone or a node never gets vmalloc memory, forced or not. */
bool test_bound(void)
{
	static const gfp_t bound[] = { __GFP_DMA, __GFP_THISNODE };
	const struct kvdemo_policy *noretry = &kvdemo_policies[KVDEMO_NORETRY];
	bool good = true;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bound); i++)
		good &= takes(&kvdemo_policies[KVDEMO_VMALLOC], COSTLY_SIZE,
			      GFP_KERNEL | bound[i], false,
			      KVDEMO_PATH_NONE, KVDEMO_WHY_IMPOSSIBLE) &
			takes(noretry, KMALLOC_MAX_SIZE + 1, GFP_KERNEL | bound[i], true,
			      KVDEMO_PATH_NONE, KVDEMO_WHY_IMPOSSIBLE) &
			takes(noretry, COSTLY_SIZE, GFP_KERNEL | bound[i], true,
			      KVDEMO_PATH_PAGES, KVDEMO_WHY_CONTIGUOUS);
	return good;
}

/* kmalloc has no caches for this zone and would use any other. */
bool test_dma32(void)
{
	static const size_t asked[] = { 1, 3 * PAGE_SIZE, COSTLY_SIZE, KMALLOC_MAX_SIZE + 1 };
	gfp_t gfp = GFP_KERNEL | __GFP_DMA32 | __GFP_NOWARN;
	struct kvdemo_result res;
	bool good = true;
	int i, j;
	void *p;

	for (i = 0; i < KVDEMO_NR_POLICIES; i++) {
		for (j = 0; j < ARRAY_SIZE(asked); j++) {
			good &= takes(&kvdemo_policies[i], asked[j], gfp, false,
				      KVDEMO_PATH_NONE, KVDEMO_WHY_IMPOSSIBLE);
			p = alloc(&kvdemo_policies[i], asked[j], gfp, NULL);
			good &= CHECK(!p, "size=%zu", asked[j]);
			kvdemo_kvfree(p);
		}
		p = alloc(&kvdemo_policies[i], 0, gfp, &res);
		good &= CHECK(p == ZERO_SIZE_PTR && res.why == KVDEMO_WHY_ZERO, "0");
	}
	return good;
}

/*
 * Flags outside the contract of 4.12, in a boot with panic_on_warn=0. The guest script
 * counts the warnings; these tests compare with the running kernel's kvmalloc_node().
 */

static bool blocking = true;
module_param(blocking, bool, 0);
MODULE_PARM_DESC(blocking, "0: this kernel's kvmalloc_node() has no fallback for NOFS and NOIO");

struct got {
	enum kvdemo_path path;
	unsigned int calls;
	gfp_t gfp;
};

/* Without a policy it calls the kernel's own function. */
static void take(const struct kvdemo_policy *policy, size_t size, gfp_t gfp, struct got *got)
{
	struct kvdemo_result res;
	void *p;

	watch(size);
	p = policy ? alloc(policy, size, gfp, &res) : kvmalloc_node(size, gfp, NUMA_NO_NODE);
	unwatch();
	*got = (struct got){ policy ? res.path : real_path(p), seen.calls, seen.gfp };
	kvfree(p);
}

static bool as_native(gfp_t gfp)
{
	static const size_t asked[] = { 1024, PAGE_SIZE + 1, 2 * PAGE_SIZE, KMALLOC_MAX_SIZE + 1 };
	const struct kvdemo_policy *policy;
	struct got ours, theirs;
	bool good = true;
	int i;

	for (i = 0; i < ARRAY_SIZE(asked); i++) {
		/* 5.10 tries kmalloc only, which warns about a size above its maximum */
		if (asked[i] > KMALLOC_MAX_SIZE)
			gfp |= __GFP_NOWARN;
		take(NULL, asked[i], gfp, &theirs);
		for (policy = kvdemo_policies; policy < POLICIES_END; policy++) {
			take(policy, asked[i], gfp, &ours);
			good &= CHECK(ours.path == theirs.path && ours.calls == theirs.calls &&
				      ours.gfp == theirs.gfp,
				      "size=%zu policy=%s gfp=%pGg: %s, %u calls with %pGg, native %s, %u with %pGg",
				      asked[i], policy->name, &gfp, kvdemo_path_name(ours.path),
				      ours.calls, &ours.gfp, kvdemo_path_name(theirs.path),
				      theirs.calls, &theirs.gfp);
		}
	}
	return good;
}

/* Forced only if this kernel's own kvmalloc has a fallback and the caller may block */
static bool forced_outside(gfp_t gfp)
{
	bool forces = (gfp & GFP_KERNEL) == GFP_KERNEL ||
		      (blocking && gfp & __GFP_DIRECT_RECLAIM);
	struct kvdemo_result res;

	kvdemo_kvfree(alloc_as(&kvdemo_policies[KVDEMO_NORETRY], COSTLY_SIZE, gfp, true, &res));
	return CHECK((res.why == KVDEMO_WHY_FORCED) == forces, "gfp=%pGg: %s/%s", &gfp,
		     kvdemo_path_name(res.path), kvdemo_why_name(res.why));
}

static bool too_large(gfp_t gfp)
{
	return CHECK(!kvdemo_kvmalloc((size_t)INT_MAX + 1, gfp), "NULL") &
	       CHECK(!kvdemo_kvmalloc((size_t)INT_MAX + 1, gfp | __GFP_NOWARN), "NULL");
}

static bool impossible(gfp_t gfp)
{
	return CHECK(!kvdemo_kvmalloc(1024, gfp), "NULL");
}

static bool outside(gfp_t gfp)
{
	return as_native(gfp) & forced_outside(gfp);
}

static const struct {
	const char *name;
	bool (*run)(gfp_t gfp);
	gfp_t gfp;
} outside_cases[] = {
	{ "NORETRY gets what this kernel's own kvmalloc gives", outside,
	  GFP_KERNEL | __GFP_NORETRY },
	{ "so does NOFAIL", outside, GFP_KERNEL | __GFP_NOFAIL },
	{ "so does NOFS", outside, GFP_NOFS },
	{ "so does NOIO", outside, GFP_NOIO },
	{ "so does NOWAIT", outside, GFP_NOWAIT },
	{ "so does ATOMIC", outside, GFP_ATOMIC },
	{ "more than INT_MAX bytes give NULL", too_large, GFP_KERNEL },
	{ "so does __GFP_DMA32", impossible, GFP_KERNEL | __GFP_DMA32 },
};

/* One case, by its number from 1 */
void run_outside(unsigned int number)
{
	bool good;

	if (number > ARRAY_SIZE(outside_cases))
		return;
	good = outside_cases[number - 1].run(outside_cases[number - 1].gfp);
	pr_info("%sok %u - %s\n", good ? "" : "not ", number, outside_cases[number - 1].name);
}
