// SPDX-License-Identifier: GPL-2.0-only
/* Fragmented memory, and what policy backoff makes of it. */
#include <linux/delay.h>
#include <linux/jiffies.h>

#include "lab/frag.h"
#include "test.h"

#define FRAGMENTED_ORDER	(PAGE_ALLOC_COSTLY_ORDER + 1)
#define FRAGMENTED_SIZE		((size_t)PAGE_SIZE << FRAGMENTED_ORDER)
#define MAX_LUCKY		256

static const struct kvdemo_policy * const backoff = &kvdemo_policies[KVDEMO_BACKOFF];
static struct frag frag = {
	.order = FRAGMENTED_ORDER, .max_kept = ULONG_MAX, .kept = LIST_HEAD_INIT(frag.kept),
};

static void *lucky[MAX_LUCKY];
static unsigned int nr_lucky;

/*
 * Direct compaction can still make blocks of the pages of user space. They are split, and
 * one page of four is kept, so that they do not merge again during the test.
 */
static bool fragment(void)
{
	/* NORETRY: one round of compaction; NOWARN: a failure is the end */
	const gfp_t gfp = GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN;
	unsigned long end, made = 0, taken;
	int err = frag_take(&frag);
	struct lab_free left;
	struct page *page;

	end = jiffies + 10 * HZ;
	taken = frag.nr_kept;
	while (!err && time_before(jiffies, end)) {
		page = alloc_pages(gfp, FRAGMENTED_ORDER);
		if (!page)
			break;
		frag_split(&frag, page, FRAGMENTED_ORDER, 4);
		made++;
		cond_resched();
	}
	lab_count_free(&left, 0);
	pr_info("# fragmented: kept %lu pages, split %lu more blocks, free %lu pages, %lu of them in blocks\n",
		taken, made, left.pages, lab_free_from(&left, FRAGMENTED_ORDER));
	return CHECK(!err, "fragmenting: %d", err);
}

/*
 * Compaction, reclaim and drained pcplists may still make a block. It is held to the end,
 * because otherwise each later attempt would find it again.
 */
static void *alloc_fragmented(const struct kvdemo_policy *policy, gfp_t gfp,
			      struct kvdemo_result *res)
{
	void *p;

	for (;;) {
		p = alloc(policy, FRAGMENTED_SIZE, gfp, res);
		if (res->path != KVDEMO_PATH_PAGES || nr_lucky == MAX_LUCKY)
			return p;
		lucky[nr_lucky++] = p;
	}
}

/*
 * All freed pages may lie on pcplists, where they do not merge. An attempt that reclaims
 * and fails drains these lists.
 */
static void defragment(void)
{
	struct page *page;

	while (nr_lucky)
		kvdemo_kvfree(lucky[--nr_lucky]);
	frag_give(&frag);
	/* NORETRY: one round; NOWARN: it may fail */
	page = alloc_pages(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN, FRAGMENTED_ORDER);
	if (page)
		__free_pages(page, FRAGMENTED_ORDER);
}

static bool falls_back_for_real(const struct kvdemo_policy *policy)
{
	struct kvdemo_result res;
	void *p = alloc_fragmented(policy, GFP_KERNEL, &res);
	bool good = check_outcome(policy, FRAGMENTED_SIZE, p, &res, false);

	if (p)
		good &= CHECK(keeps_contents(p, FRAGMENTED_SIZE), "contents");
	kvdemo_kvfree(p);
	return good;
}

/*
 * Returns how many of @tries requests skipped the attempt. @missed counts the attempts
 * that were made and failed within the jiffy in which the failing one before them started.
 */
static unsigned int skipped(unsigned int tries, gfp_t gfp, unsigned int *missed)
{
	unsigned long start, failed = jiffies - 1;
	struct kvdemo_result res;
	unsigned int hits = 0;

	while (tries--) {
		start = jiffies;
		kvdemo_kvfree(alloc_fragmented(backoff, gfp, &res));
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

/* Even in a period a request that may not fall back is attempted; here without a result. */
static bool bound_is_tried(void)
{
	struct kvdemo_result res;
	bool good = true;
	int i;

	for (i = 0; i < 10; i++) {
		kvdemo_kvfree(alloc_fragmented(backoff, GFP_KERNEL, &res));
		watch(FRAGMENTED_SIZE);
		kvdemo_kvfree(alloc(backoff, FRAGMENTED_SIZE, GFP_KERNEL | __GFP_THISNODE, NULL));
		unwatch();
		good &= CHECK(seen.calls, "no call of kmalloc");
	}
	return good;
}

static bool contiguous(void)
{
	struct kvdemo_result res;

	kvdemo_kvfree(alloc(backoff, FRAGMENTED_SIZE, GFP_KERNEL, &res));
	return res.why == KVDEMO_WHY_CONTIGUOUS;
}

/*
 * Is an attempt skipped? A period lasts 10 ms at most. Under KASAN, and on a busy host, a
 * request takes longer (with pages of 16 KiB none was skipped in 5 s). Only attempts that had
 * to be skipped are a fault.
 */
static bool rests(gfp_t gfp)
{
	unsigned int hits = 0, missed = 0;
	unsigned long deadline;

	msleep(20); /* a period of requests before is over */
	deadline = jiffies + 5 * HZ;
	while (hits < 100 && time_before(jiffies, deadline))
		hits += skipped(10, gfp, &missed);
	return CHECK(hits || missed < 10, "gfp=%pGg: no try was skipped, and %u had to be", &gfp,
		     missed);
}

/* The bar: contiguous again within 64 allocations or 100 ms */
static bool recovers(void)
{
	unsigned long deadline = jiffies + HZ / 10;
	unsigned int tries;

	for (tries = 1; !contiguous(); tries++)
		if (!CHECK(tries < 64 || time_before(jiffies, deadline),
			   "not contiguous after %u tries", tries))
			return false;
	return CHECK(contiguous(), "a success must reset it");
}

static bool fragmented_on_this_cpu(void)
{
	const struct kvdemo_policy *policy;
	unsigned int hits, missed = 0;
	bool good = fragment();

	/* Policy backoff does not skip its first attempt either. */
	for (policy = kvdemo_policies; good && policy < POLICIES_END; policy++)
		good &= falls_back_for_real(policy);
	if (!good)
		return false;
	good &= rests(GFP_KERNEL);
	/* Memory is short, and not the cgroup, even if blocks are free that belong to CMA. */
	good &= rests(GFP_KERNEL_ACCOUNT);
	hits = skipped(10, GFP_KERNEL | __GFP_RETRY_MAYFAIL, &missed);
	good &= CHECK(!hits, "RETRY_MAYFAIL was skipped %u times", hits);
	hits = skipped(10, GFP_KERNEL | __GFP_THISNODE, &missed);
	good &= CHECK(!hits, "THISNODE was skipped %u times", hits);
	return good & bound_is_tried();
}

static bool backoff_on_this_cpu(void)
{
	bool good = CHECK(contiguous(), "idle memory");

	good &= fragmented_on_this_cpu();
	defragment();
	return good && recovers();
}

/*
 * The task stays on one CPU, because each CPU remembers its own failures, and a request for
 * this CPU's node names none to vmalloc. It is one of node 0, because other nodes have no
 * lower zones.
 */
bool on_one_cpu(bool (*run)(void))
{
	static cpumask_t allowed;
	bool good;

	cpumask_copy(&allowed, current->cpus_ptr);
	set_cpus_allowed_ptr(current, cpumask_of(cpumask_first(cpumask_of_node(0))));
	good = run();
	set_cpus_allowed_ptr(current, &allowed);
	return good;
}

bool test_backoff(void)
{
	return on_one_cpu(backoff_on_this_cpu);
}

/* Blocks of the zone below the one that serves first */
static struct page *lower[32];

/* Returns whether there is such a zone. */
static bool hold_lower(void)
{
	/* NOWAIT: nothing is reclaimed for them; NOWARN: there may be fewer */
	const gfp_t gfp = GFP_NOWAIT | __GFP_DMA | __GFP_NOWARN;
	struct page *plain = alloc_page(GFP_KERNEL);
	bool is_lower;
	int i;

	for (i = 0; i < ARRAY_SIZE(lower); i++)
		lower[i] = alloc_pages(gfp, FRAGMENTED_ORDER);
	is_lower = plain && lower[0] && page_zonenum(lower[0]) < page_zonenum(plain);
	if (plain)
		__free_page(plain);
	return is_lower;
}

static void free_lower(unsigned int i)
{
	if (lower[i])
		__free_pages(lower[i], FRAGMENTED_ORDER);
	lower[i] = NULL;
}

static void free_all_lower(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lower); i++)
		free_lower(i);
}

/* Of two buddies that are held, the first: when it is freed, it does not merge. */
static bool stays_whole(unsigned int i)
{
	unsigned long pfn = lower[i] ? page_to_pfn(lower[i]) : 1ul << FRAGMENTED_ORDER;
	int j;

	for (j = 0; j < ARRAY_SIZE(lower); j++)
		if (lower[j] && page_to_pfn(lower[j]) == pfn + (1ul << FRAGMENTED_ORDER))
			return !(pfn >> FRAGMENTED_ORDER & 1);
	return false;
}

/* A round counts only if the request before the block comes free was skipped. */
static bool lower_zone_ends_it(void)
{
	unsigned int i, rounds = 0, tried = 0;
	struct kvdemo_result before, after;

	for (i = 0; i < ARRAY_SIZE(lower); i++) {
		if (!stays_whole(i))
			continue;
		kvdemo_kvfree(alloc_fragmented(backoff, GFP_KERNEL, &before));
		kvdemo_kvfree(alloc_fragmented(backoff, GFP_KERNEL, &before));
		free_lower(i);
		kvdemo_kvfree(alloc(backoff, FRAGMENTED_SIZE, GFP_KERNEL, &after));
		if (before.why != KVDEMO_WHY_BACKOFF)
			continue;
		rounds++;
		tried += after.kmalloc_ns != KVDEMO_NS_NONE;
	}
	return CHECK(rounds && tried == rounds, "%u of %u rounds were tried", tried, rounds);
}

static bool lower_zone_on_this_cpu(void)
{
	bool good = true;

	if (!hold_lower())
		skip = "no zone lies below the one that serves first";
	else
		good = fragment() && lower_zone_ends_it();
	free_all_lower();
	defragment();
	return good;
}

bool test_lower_zone(void)
{
	return on_one_cpu(lower_zone_on_this_cpu);
}

/*
 * The memory cgroup of this task is full, and memory is not. Each failure of the group is
 * followed by a request that is not charged to it, which must be attempted. A period lasts
 * one tick, and half of it passes in the failure: hence 50 rounds.
 */
static bool stops_nobody(const struct kvdemo_request *rq)
{
	unsigned int round, skipped = 0;
	struct kvdemo_result res;
	bool good = true;

	for (round = 0; good && round < 50; round++) {
		good &= CHECK(!kvdemo_alloc(rq, NULL), "the group has memory");
		kvdemo_kvfree(alloc(backoff, FRAGMENTED_SIZE, GFP_KERNEL, &res));
		skipped += res.why != KVDEMO_WHY_CONTIGUOUS;
	}
	return good & CHECK(!skipped, "%u of 50 were skipped", skipped);
}

/* The same while only a lower zone has free blocks */
static bool stops_nobody_below(const struct kvdemo_request *rq)
{
	bool is_lower = hold_lower();
	bool good = !is_lower || fragment();

	free_all_lower();
	return good && (!is_lower || stops_nobody(rq));
}

/* full_group: fills the memory cgroup of this task */
static int full_group_set(const char *val, const struct kernel_param *kp)
{
	const struct kvdemo_request rq = {
		.size = FRAGMENTED_SIZE,
		.gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN,
		.node = NUMA_NO_NODE,
		.policy = backoff,
		.no_oom = true,
	};
	bool good;
	void *p;

	while (nr_lucky < MAX_LUCKY) {
		p = kvdemo_alloc(&rq, NULL);
		if (!p)
			break;
		lucky[nr_lucky++] = p;
	}
	good = CHECK(nr_lucky < MAX_LUCKY, "the group is not full");
	good = good && stops_nobody(&rq) && stops_nobody_below(&rq);
	defragment();
	return good ? 0 : -EIO;
}

module_param_cb(full_group, &run_ops, full_group_set, 0200);

/*
 * This task gets pages of node 1 only, where no block is left. Node 0 has blocks, so that no
 * failure may start a period.
 */
static bool confined_on_this_cpu(void)
{
	unsigned int round, failed = 0;
	struct kvdemo_result res;
	bool good = fragment();

	for (round = 0; round < 50; round++) {
		kvdemo_kvfree(alloc_fragmented(backoff, GFP_KERNEL, &res));
		failed += res.why == KVDEMO_WHY_KMALLOC_FAILED;
	}
	defragment();
	return good & CHECK(failed == 50, "%u of 50 attempts were made and failed", failed);
}

/* confined: this task is confined to node 1 */
static int confined_set(const char *val, const struct kernel_param *kp)
{
	return on_one_cpu(confined_on_this_cpu) ? 0 : -EIO;
}

module_param_cb(confined, &run_ops, confined_set, 0200);
