// SPDX-License-Identifier: GPL-2.0-only
/*
 * One cell of the bench: a policy, a size and a pattern, on memory that is checked
 * before. All samples are kept and sorted: stalls spread over three orders of
 * magnitude, and a mean would hide them.
 */
#include <linux/cgroup.h>
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/sort.h>
#include <linux/vmalloc.h>

#include "bench.h"
#include "lab.h"

#define CELL_BYTES	SZ_256M	/* what a cell allocates in all by default */
#define FREE_SHARE	4	/* a cell holds at most a quarter of free memory */
#define SOAK_SHARE	2	/* soak() takes at most half of it */
#define EMPTY_LOOPS	1001
#define BLOCK_PAGES	4	/* order 2: scripts/bench leaves no block of it or above */

/* A cell while it runs */
struct run {
	const struct bench_cell *cell;
	u64 max_bytes;	/* what it may hold at a time */
	unsigned int n;	/* samples to take */
	unsigned int made; /* and taken so far */
	u32 *samples[NR_STEPS];
	void **bufs;
	unsigned int paths[KVDEMO_NR_PATHS];
	unsigned int kept; /* buffers kept to the end, because they lie in a block */
	u64 kept_bytes;
};

/* One sample */

/*
 * native and vmalloc are called without the wrapper, so that its price counts only for the
 * policies that need it.
 */
static __always_inline void *cell_alloc(const struct kvdemo_request *rq)
{
	if (rq->policy->native)
		return kvmalloc_node(rq->size, rq->gfp, rq->node);
	if (!rq->policy->tries)
		return __vmalloc(rq->size, rq->gfp);
	return kvdemo_alloc(rq, NULL);
}

static void touch(char *p, size_t size)
{
	size_t at;

	for (at = 0; p && at < size; at += PAGE_SIZE)
		WRITE_ONCE(p[at], 1);
}

static void note(struct run *run, enum bench_step step, unsigned int i, u64 ns)
{
	run->samples[step][i] = min_t(u64, ns, U32_MAX);
}

static void one_alloc(struct run *run, unsigned int i)
{
	const struct kvdemo_request rq = {
		.size = run->cell->size,
		/* NOWARN: a failure is a figure of the table */
		.gfp = GFP_KERNEL | __GFP_NOWARN | (run->cell->account ? __GFP_ACCOUNT : 0),
		.node = run->cell->local_node ? numa_mem_id() : NUMA_NO_NODE,
		.policy = run->cell->policy,
	};
	u64 start, end;
	void *p;

	start = ktime_get_ns();
	p = cell_alloc(&rq);
	end = ktime_get_ns();
	touch(p, rq.size);
	note(run, STEP_ALLOC, i, end - start);
	run->paths[kvdemo_path(p)]++;
	run->bufs[i] = p;
}

static void one_free(struct run *run, unsigned int i)
{
	u64 start = ktime_get_ns(), end;

	kvfree(run->bufs[i]);
	end = ktime_get_ns();
	note(run, STEP_PAIR, i, (u64)run->samples[STEP_ALLOC][i] + (end - start));
	run->bufs[i] = NULL;
}

static void between(const struct bench_cell *cell)
{
	if (cell->pause_us)
		usleep_range(cell->pause_us, cell->pause_us + 1);
	else
		cond_resched();
}

/* Patterns */

/* From 6.19 on vmalloc also takes a block where it finds one. */
static bool holds_block(const void *p, size_t size)
{
	unsigned long pfn, last = 0;
	unsigned int run = 0;
	size_t at;

	for (at = 0; at < size && run < BLOCK_PAGES; at += PAGE_SIZE) {
		pfn = vmalloc_to_pfn(p + at);
		run = run && pfn == last + 1 ? run + 1 : 1;
		last = pfn;
	}
	return run >= BLOCK_PAGES;
}

/* kmalloc rounds up to a power of two, the kernel's own fallback to huge pages. */
static u64 max_footprint(size_t size)
{
	return size <= KMALLOC_MAX_SIZE ? roundup_pow_of_two(size) : ALIGN((u64)size, PMD_SIZE);
}

/*
 * A block may come free while a cell runs. The buffer that got it is kept to the
 * end: once freed, the block would serve the rest of the loop, and the memory would
 * no longer be fragmented.
 */
static bool must_keep(const struct run *run, unsigned int i)
{
	size_t size = run->cell->size;
	enum kvdemo_path path;

	if (run->cell->memory != MEMORY_UNMOVABLE ||
	    run->kept_bytes + max_footprint(size) > run->max_bytes)
		return false;
	path = kvdemo_path(run->bufs[i]);
	return path == KVDEMO_PATH_PAGES ||
	       (path == KVDEMO_PATH_VMALLOC && holds_block(run->bufs[i], size));
}

static void run_in_turn(struct run *run)
{
	for (; run->made < run->n && !signal_pending(current); run->made++) {
		one_alloc(run, run->made);
		if (must_keep(run, run->made)) {
			run->kept++;
			run->kept_bytes += max_footprint(run->cell->size);
		} else {
			one_free(run, run->made);
		}
		between(run->cell);
	}
}

static void run_hold(struct run *run)
{
	for (; run->made < run->n && !signal_pending(current); run->made++) {
		one_alloc(run, run->made);
		/* An allocation that failed is not freed, so its pair is the allocation alone. */
		note(run, STEP_PAIR, run->made, run->samples[STEP_ALLOC][run->made]);
		between(run->cell);
	}
}

static void free_rest(struct run *run)
{
	unsigned int i;

	for (i = 0; i < run->made; i++) {
		if (run->bufs[i])
			one_free(run, i);
		cond_resched();
	}
}

/* Statistics */

/* sort() does not reschedule, and this array can be large. */
static int compare(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	cond_resched();
	return x < y ? -1 : x > y;
}

static u64 without(u32 sample, u64 empty)
{
	return sample > empty ? sample - empty : 0;
}

/* The index of the smallest sample that @percent of all @nr do not exceed */
static unsigned int rank(unsigned int nr, unsigned int percent)
{
	return div_u64((u64)nr * percent + 99, 100) - 1;
}

/* @samples is sorted in place; the empty loop is subtracted from each. */
static void fill_stats(u64 *stats, u32 *samples, unsigned int nr, u64 empty)
{
	u64 sum = 0;
	unsigned int i;

	if (!nr)
		return;
	sort(samples, nr, sizeof(*samples), compare, NULL);
	for (i = 0; i < nr; i++)
		sum += without(samples[i], empty);
	stats[STAT_MEAN] = div_u64(sum, nr);
	stats[STAT_P50] = without(samples[rank(nr, 50)], empty);
	stats[STAT_P90] = without(samples[rank(nr, 90)], empty);
	stats[STAT_P99] = without(samples[rank(nr, 99)], empty);
	stats[STAT_MAX] = without(samples[nr - 1], empty);
}

/* The median price of two clock reads with nothing between them */
static u64 empty_loop(u32 *samples)
{
	unsigned int i;
	u64 start;

	for (i = 0; i < EMPTY_LOOPS; i++) {
		start = ktime_get_ns();
		samples[i] = ktime_get_ns() - start;
	}
	sort(samples, EMPTY_LOOPS, sizeof(*samples), compare, NULL);
	return samples[EMPTY_LOOPS / 2];
}

static void read_events(u64 events[NR_EVENTS])
{
	static unsigned long all[NR_VM_EVENT_ITEMS]; /* only one task comes here */
	int zone;

	memset(events, 0, NR_EVENTS * sizeof(*events));
	all_vm_events(all);
#ifdef CONFIG_COMPACTION
	events[EVENT_STALL] = all[COMPACTSTALL];
	events[EVENT_WAKEUP] = all[KCOMPACTD_WAKE];
#endif
	for (zone = 0; zone <= ZONE_MOVABLE; zone++)
		events[EVENT_ALLOCSTALL] += all[ALLOCSTALL_NORMAL - ZONE_NORMAL + zone];
}

static void fill_numbers(u64 *numbers, struct run *run, const u64 before[NR_EVENTS])
{
	u64 after[NR_EVENTS];
	int i;

	read_events(after);
	for (i = 0; i < NR_EVENTS; i++)
		numbers[NUM_EVENT + i] = after[i] - before[i];
	for (i = 0; i < KVDEMO_NR_PATHS; i++)
		numbers[NUM_PATH + i] = run->paths[i];
	numbers[NUM_N] = run->made;
	numbers[NUM_KEPT] = run->kept;
	/* A pair is the sum of two samples, so the empty loop is subtracted twice. */
	for (i = 0; i < NR_STEPS; i++)
		fill_stats(&numbers[NUM_STAT + i * NR_BENCH_STATS], run->samples[i], run->made,
			   numbers[NUM_EMPTY] << (i == STEP_PAIR));
}

/* Free memory */

static u64 free_bytes(void)
{
	struct lab_free now;

	lab_count_free(&now, 0);
	return (u64)now.pages << PAGE_SHIFT;
}

/* Does the zone below ZONE_NORMAL of this node have nearly all blocks? */
static bool lie_lower(int order)
{
	struct zone *zone = &NODE_DATA(numa_mem_id())->node_zones[ZONE_NORMAL];
	unsigned long here = 0, below = 0;

	if (!ZONE_NORMAL)
		return false;
	for (; order < LAB_NR_ORDERS; order++) {
		here += zone->free_area[order].nr_free;
		below += zone[-1].free_area[order].nr_free;
	}
	return managed_zone(zone) && below > 10 * here;
}

/* NULL, or why the cell cannot run on this memory */
static const char *judge_memory(const struct bench_cell *cell)
{
	int order = get_order(cell->size);
	struct lab_free now;
	bool blocks;

	if (cell->size <= PAGE_SIZE || order >= LAB_NR_ORDERS)
		return NULL;
	if (cell->memory == MEMORY_LOWER)
		return lie_lower(order) ? NULL : "void-no-lower-block";
	lab_count_free(&now, order);
	blocks = lab_free_from(&now, order);
	if (cell->memory == MEMORY_IDLE)
		return blocks ? NULL : "void-no-free-block";
	return blocks ? "void-free-block" : NULL;
}

/* Are @page and the newest of @soaked the two halves of one block? */
static bool is_buddy(struct list_head *soaked, struct page *page, int order)
{
	struct page *last = list_first_entry_or_null(soaked, struct page, lru);

	return last && (page_to_pfn(last) ^ page_to_pfn(page)) == 1UL << order;
}

/*
 * Takes the blocks that others have freed since memory was fragmented, for example
 * while this module was loaded: one such block would serve a whole loop. They are
 * held while the cell runs.
 *
 * In idle memory blocks are taken until a larger one is split, and the second half
 * is left. A loop allocates that half and gives it back. Otherwise it would depend
 * on chance whether a cell splits a block, and merges it again, for every buffer.
 */
static unsigned int soak(struct list_head *soaked, const struct bench_cell *cell)
{
	int order = get_order(cell->size);
	struct page *page;
	unsigned int nr;
	u64 max_pages;

	if (!order || order >= LAB_NR_ORDERS)
		return 0;
	if (cell->memory == MEMORY_IDLE && order == LAB_NR_ORDERS - 1)
		return 0; /* nothing larger to be split */
	max_pages = free_bytes() / SOAK_SHARE >> PAGE_SHIFT;
	for (nr = 0; (nr + 1ull) << order <= max_pages && !signal_pending(current); nr++) {
		cond_resched();
		/* no reclaim: free memory only; NOWARN: a failure is the expected end */
		page = alloc_pages((GFP_KERNEL & ~__GFP_RECLAIM) | __GFP_NOWARN |
				   __GFP_NORETRY, order);
		if (!page)
			break;
		/* MEMORY_LOWER: only ZONE_NORMAL is emptied, the lower zones keep their blocks */
		if ((cell->memory == MEMORY_IDLE && is_buddy(soaked, page, order)) ||
		    (cell->memory == MEMORY_LOWER && page_zonenum(page) < ZONE_NORMAL)) {
			__free_pages(page, order);
			break;
		}
		list_add(&page->lru, soaked);
	}
	return nr;
}

static void free_soaked(struct list_head *soaked, int order)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, soaked, lru) {
		cond_resched();
		list_del(&page->lru);
		__free_pages(page, order);
	}
}

/* The cell */

static u64 asked_n(const struct bench_cell *cell)
{
	return cell->n ?: clamp_t(u64, CELL_BYTES / cell->size, BENCH_MIN_N, BENCH_MAX_N);
}

/* 0 if the buffers of @run->cell would take more memory than it may hold */
static unsigned int choose_n(const struct run *run)
{
	const struct bench_cell *cell = run->cell;
	u64 n = asked_n(cell), fits = U32_MAX;

	if (cell->pattern == PATTERN_HOLD)
		fits = div64_u64(run->max_bytes, max_footprint(cell->size));
	/* An n that the user asked for is kept, or is refused. */
	if (cell->size > run->max_bytes || (cell->n && n > fits))
		return 0;
	return min(n, fits);
}

/* __GFP_ACCOUNT charges a task's memory cgroup, unless that is the root, which has no parent. */
static bool is_charged(void)
{
	bool charged = false;

#ifdef CONFIG_MEMCG
	rcu_read_lock();
	charged = task_css(current, memory_cgrp_id)->parent;
	rcu_read_unlock();
#endif
	return charged;
}

static const char *run_soaked(struct run *run, u64 *numbers)
{
	u64 before[NR_EVENTS];
	LIST_HEAD(soaked);
	const char *why;

	numbers[NUM_SOAKED] = soak(&soaked, run->cell);
	why = judge_memory(run->cell);
	if (!why) {
		read_events(before);
		if (run->cell->pattern == PATTERN_HOLD)
			run_hold(run);
		else
			run_in_turn(run);
		free_rest(run);
	}
	free_soaked(&soaked, get_order(run->cell->size));
	if (why)
		return why;
	fill_numbers(numbers, run, before);
	return "ok";
}

/**
 * bench_run_cell() - measure one cell
 * @cell: what to measure
 * @numbers: of a row, zeroed; filled in with what is measured
 *
 * Context: one task at a time.
 * Return: the verdict: "ok", or the reason why there are no samples; NULL if a signal has
 * stopped it.
 */
const char *bench_run_cell(const struct bench_cell *cell, u64 *numbers)
{
	struct run run = { .cell = cell, .max_bytes = free_bytes() / FREE_SHARE };
	const char *verdict = "void-no-memory";
	u32 *samples;
	int step;

	numbers[NUM_ASKED] = asked_n(cell);
	if (cell->account && !is_charged())
		return "void-not-charged";
	run.n = choose_n(&run);
	if (!run.n)
		return "void-too-large";
	/* vmalloc, so that the bench itself takes no block of the cell's order */
	samples = vzalloc(array_size(max_t(size_t, NR_STEPS * run.n, EMPTY_LOOPS),
				     sizeof(*samples)));
	run.bufs = vzalloc(array_size(run.n, sizeof(*run.bufs)));
	if (samples && run.bufs) {
		for (step = 0; step < NR_STEPS; step++)
			run.samples[step] = samples + (size_t)step * run.n;
		numbers[NUM_EMPTY] = empty_loop(samples);
		verdict = run_soaked(&run, numbers);
	}
	vfree(run.bufs);
	vfree(samples);
	return signal_pending(current) ? NULL : verdict;
}
