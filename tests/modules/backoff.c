// SPDX-License-Identifier: GPL-2.0-only
/* Fragmented memory, and what policy backoff makes of it. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "test.h"

/*
 * Fragment: take all free blocks of an order, split each and free every second
 * page, so that no block of that order is left and compaction cannot make one.
 */
struct hoard {
	struct page **blocks;
	unsigned long nr, most;
	unsigned int nr_lucky;
	void *lucky[256];
};

#define HOARD_ORDER	3u
#define FRAGMENTED_SIZE	(2 * COSTLY_SIZE)

static void hoard_pass(struct hoard *hoard, gfp_t gfp)
{
	unsigned long j, start = hoard->nr;
	struct page *page;

	while (hoard->nr < hoard->most) {
		page = alloc_pages(gfp, HOARD_ORDER);
		if (!page)
			break;
		split_page(page, HOARD_ORDER);
		hoard->blocks[hoard->nr++] = page;
	}
	for (; start < hoard->nr; start++)
		for (j = 1; j < 1ul << HOARD_ORDER; j += 2)
			__free_page(hoard->blocks[start] + j);
}

static bool hoard_take(struct hoard *hoard)
{
	/* free memory only, down to the watermark: nobody is killed */
	gfp_t gfp = (GFP_KERNEL | __GFP_NOWARN) & ~__GFP_RECLAIM;
	unsigned long before;
	int calm;

	hoard->nr = 0;
	hoard->nr_lucky = 0;
	hoard->most = totalram_pages() >> HOARD_ORDER;
	hoard->blocks = kvcalloc(hoard->most, sizeof(*hoard->blocks), GFP_KERNEL);
	if (!hoard->blocks)
		return CHECK(false, "no memory for the hoard");
	/* Half is given back, so compaction may now find what it can, and lose it. */
	for (calm = 0; calm < 5; calm++) {
		before = hoard->nr;
		hoard_pass(hoard, gfp);
		if (hoard->nr > before)
			calm = 0;
		gfp = GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY;
		msleep(20);
	}
	return true;
}

/*
 * Background compaction and reclaim may still make a block: it joins the hoard,
 * else each later try would find it again.
 */
static void *alloc_fragmented(struct hoard *hoard, const struct kvdemo_policy *policy,
			      gfp_t gfp, struct kvdemo_result *res)
{
	void *p;

	for (;;) {
		p = alloc(policy, FRAGMENTED_SIZE, gfp, res);
		if (res->path != KVDEMO_PATH_PAGES ||
		    hoard->nr_lucky == ARRAY_SIZE(hoard->lucky))
			return p;
		hoard->lucky[hoard->nr_lucky++] = p;
	}
}

static void hoard_give(struct hoard *hoard)
{
	unsigned long i, j;

	while (hoard->nr_lucky)
		kvdemo_kvfree(hoard->lucky[--hoard->nr_lucky]);

	for (i = 0; i < hoard->nr; i++)
		for (j = 0; j < 1ul << HOARD_ORDER; j += 2)
			__free_page(hoard->blocks[i] + j);
	kvfree(hoard->blocks);
}

static bool falls_back_for_real(struct hoard *hoard,
				const struct kvdemo_policy *policy)
{
	struct kvdemo_result res;
	enum kvdemo_path path = KVDEMO_PATH_VMALLOC;
	enum kvdemo_why why = KVDEMO_WHY_KMALLOC_FAILED;
	bool good;
	void *p;

	if (is_policy(policy, KVDEMO_KMALLOC)) {
		path = KVDEMO_PATH_NONE;
		why = KVDEMO_WHY_NO_MEMORY;
	} else if (is_policy(policy, KVDEMO_VMALLOC)) {
		why = KVDEMO_WHY_POLICY;
	}
	p = alloc_fragmented(hoard, policy, GFP_KERNEL, &res);
	good = check_result(policy, FRAGMENTED_SIZE, p, &res, path, why);
	if (p)
		good &= CHECK(keeps_contents(p, FRAGMENTED_SIZE), "contents");
	if (why == KVDEMO_WHY_KMALLOC_FAILED && !policy->native)
		good &= CHECK(res.kmalloc_ns >= 0 && res.vmalloc_ns > 0, "prices");
	kvdemo_kvfree(p);
	return good;
}

/* Static, for it is large beside a kernel stack */
static struct hoard hoard;

bool test_fragmented(void)
{
	const struct kvdemo_policy *policy;
	bool good = true;

	if (!hoard_take(&hoard))
		return false;
	for_each_policy(policy)
		good &= falls_back_for_real(&hoard, policy);
	hoard_give(&hoard);
	return good;
}

/*
 * How many of these tries are not made. @missed counts those that are made, and fail,
 * within the jiffy in which the try before them had begun to fail.
 */
static unsigned int skipped(unsigned int tries, gfp_t gfp, unsigned int *missed)
{
	const struct kvdemo_policy *policy = &kvdemo_policies[KVDEMO_BACKOFF];
	unsigned long start, failed = jiffies - 1;
	struct kvdemo_result res;
	unsigned int hits = 0;

	while (tries--) {
		start = jiffies;
		kvdemo_kvfree(alloc_fragmented(&hoard, policy, gfp, &res));
		/* the reason of a request without a fallback is no-memory */
		if (res.kmalloc_ns == KVDEMO_NS_NONE) {
			hits++;
			continue;
		}
		*missed += !time_after(jiffies, failed);
		failed = start;
	}
	return hits;
}

/* In a rest, too, who may not fall back is tried for; here without a result. */
static bool bound_is_tried(void)
{
	const struct kvdemo_policy *policy = &kvdemo_policies[KVDEMO_BACKOFF];
	struct kvdemo_result res;
	bool good = true;
	int i;

	for (i = 0; i < 10; i++) {
		kvdemo_kvfree(alloc_fragmented(&hoard, policy, GFP_KERNEL, &res));
		watch(FRAGMENTED_SIZE);
		kvdemo_kvfree(alloc(policy, FRAGMENTED_SIZE, GFP_KERNEL | __GFP_THISNODE,
				    NULL));
		unwatch();
		good &= CHECK(seen.calls, "no call of kmalloc");
	}
	return good;
}

static bool contiguous(void)
{
	struct kvdemo_result res;

	kvdemo_kvfree(alloc(&kvdemo_policies[KVDEMO_BACKOFF], FRAGMENTED_SIZE,
			    GFP_KERNEL, &res));
	return res.why == KVDEMO_WHY_CONTIGUOUS;
}

static bool backoff_on_this_cpu(void)
{
	unsigned int hits, tries, missed = 0;
	unsigned long deadline;
	bool good = true;

	good &= CHECK(contiguous(), "idle memory");
	if (!hoard_take(&hoard))
		return false;
	hits = skipped(1, GFP_KERNEL, &missed);
	good &= CHECK(!hits, "the first try must be made");
	/*
	 * A rest lasts 4 ms. Under KASAN, and on a busy host, a request takes longer
	 * (16 KiB pages, 5 s: none fell into a rest): only what missed one is a fault.
	 */
	deadline = jiffies + 5 * HZ;
	hits = 0;
	while (hits < 100 && time_before(jiffies, deadline))
		hits += skipped(10, GFP_KERNEL, &missed);
	good &= CHECK(hits || missed < 10, "no try was skipped, and %u had to be", missed);
	hits = skipped(10, GFP_KERNEL | __GFP_RETRY_MAYFAIL, &missed);
	good &= CHECK(!hits, "RETRY_MAYFAIL was skipped %u times", hits);
	hits = skipped(10, GFP_KERNEL | __GFP_THISNODE, &missed);
	good &= CHECK(!hits, "THISNODE was skipped %u times", hits);
	good &= bound_is_tried();
	hoard_give(&hoard);

	/* The bar: contiguous again within 64 allocations or 100 ms */
	deadline = jiffies + HZ / 10;
	for (tries = 1; !contiguous(); tries++)
		if (!CHECK(tries < 64 || time_before(jiffies, deadline),
			   "not contiguous after %u tries", tries))
			return false;
	return good & CHECK(contiguous(), "a success must reset it");
}

/* Each CPU has a memory of its own. */
bool test_backoff(void)
{
	static cpumask_t allowed;
	bool good;

	cpumask_copy(&allowed, current->cpus_ptr);
	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	good = backoff_on_this_cpu();
	set_cpus_allowed_ptr(current, &allowed);
	return good;
}
