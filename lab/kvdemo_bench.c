// SPDX-License-Identifier: GPL-2.0-only
/*
 * insmod kvdemo_bench.ko, and read what each policy costs in
 * /sys/kernel/debug/kvdemo_bench/csv, which waits for the end of the run.
 *
 * A cell is one policy, one size and one pattern; one row tells its price. All
 * samples are kept and sorted, for stalls spread over three orders of magnitude,
 * which a mean hides. Nothing but progress is printed before the end.
 *
 * Each policy changes the memory that the next one sees. Where that matters run
 * one cell from one restored state, as scripts/bench does: memory= says what the
 * state should be, and a cell that finds another one is void.
 *
 * A write to .../kvdemo_bench/stop ends the run at the next sample, and so does rmmod,
 * which the kernel refuses while somebody reads the file.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/completion.h>
#include <linux/cpu.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/sizes.h>
#include <linux/sort.h>
#include <linux/utsname.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "demo/param.h"
#include "kvdemo.h"
#include "lab.h"

#define MAX_SIZES	48
#define MAX_N		1000
#define MIN_N		32
#define CELL_BYTES	SZ_256M	/* what a cell allocates in all, if MIN_N allows */
#define FREE_SHARE	4	/* at most a quarter of free memory at a time */
#define SOAK_SHARE	2	/* and half of it in blocks that nobody is to be given */
#define EMPTY_LOOPS	1001
#define AFTER_LOAD_MS	200
#define BLOCK_PAGES	4	/* order 2, the smallest that scripts/bench leaves none of */

static int bench_err;

/* What is timed of each allocation; a pair is alloc and free together. */
enum step { STEP_ALLOC, STEP_TOUCH, STEP_FREE, STEP_PAIR, NR_STEPS };
enum statistic { STAT_MEAN, STAT_P50, STAT_P90, STAT_P99, STAT_MAX, NR_STATS };
enum event { EVENT_STALL, EVENT_FAIL, EVENT_ALLOCSTALL, EVENT_PGSCAN, NR_EVENTS };

enum word { WORD_KERNEL, WORD_POLICY, WORD_PATTERN, WORD_MEMORY, WORD_VERDICT, NR_WORDS };

/* The columns of a row that are numbers */
enum number {
	NUM_SIZE, NUM_REP, NUM_THREADS, NUM_N,
	NUM_PATH,
	NUM_STAT = NUM_PATH + KVDEMO_NR_PATHS,
	NUM_EVENT = NUM_STAT + NR_STEPS * NR_STATS,
	NUM_FIRST = NUM_EVENT + NR_EVENTS,
	NUM_KEPT, NUM_SOAKED, NUM_EMPTY, NUM_INIT_ON_ALLOC, NUM_DEBUG,
	NR_NUMBERS,
};

static const char * const columns[NR_WORDS + NR_NUMBERS] = {
	"kernel", "policy", "pattern", "memory", "verdict",
	"size", "rep", "threads", "n",
	"none", "slab", "pages", "vmalloc",
	"alloc_mean", "alloc_p50", "alloc_p90", "alloc_p99", "alloc_max",
	"touch_mean", "touch_p50", "touch_p90", "touch_p99", "touch_max",
	"free_mean", "free_p50", "free_p90", "free_p99", "free_max",
	"pair_mean", "pair_p50", "pair_p90", "pair_p99", "pair_max",
	"compact_stall", "compact_fail", "allocstall", "pgscan_direct",
	"first_contiguous", "kept", "soaked", "empty", "init_on_alloc", "debug",
};

struct row {
	struct list_head list;
	const char *words[NR_WORDS];
	u64 numbers[NR_NUMBERS];
};

enum pattern { PATTERN_LOOP, PATTERN_HOLD, PATTERN_RANDOM, PATTERN_THREADS, NR_PATTERNS };

static const char * const patterns[NR_PATTERNS] = {
	[PATTERN_LOOP] = "loop",
	[PATTERN_HOLD] = "hold",
	[PATTERN_RANDOM] = "random",
	[PATTERN_THREADS] = "threads",
};

enum memory { MEMORY_IDLE, MEMORY_UNMOVABLE, MEMORY_MOVABLE, NR_MEMORIES };

static const char * const memories[NR_MEMORIES] = {
	[MEMORY_IDLE] = "idle",
	[MEMORY_UNMOVABLE] = "unmovable",
	[MEMORY_MOVABLE] = "movable",
};

/* The samples of one thread, and how it made them */
struct worker {
	struct task_struct *task;
	struct cell *cell;
	u32 *samples[NR_STEPS];
	void **bufs;
	unsigned int made;
	unsigned int paths[KVDEMO_NR_PATHS];
	unsigned int first; /* contiguous result, counted from 1 */
	unsigned int kept; /* to the end, for they lay in a block */
	u64 kept_bytes;
};

struct cell {
	const struct kvdemo_policy *policy;
	enum pattern pattern;
	size_t size;
	unsigned int rep, n, threads;
	u64 most_each; /* bytes that a thread may hold */
	u32 *samples;
	struct worker *workers;
	struct completion go, done;
	atomic_t left;
};

static struct {
	size_t sizes[MAX_SIZES];
	unsigned int nr_sizes;
	unsigned long policies, patterns;
	enum memory memory;
	bool stop;
	unsigned int cells, cell;
	struct list_head rows;
	struct completion done;
	struct task_struct *task;
	struct dentry *dir;
} bench = {
	.policies = BIT(KVDEMO_NR_POLICIES) - 1,
	.patterns = BIT(PATTERN_LOOP),
	.rows = LIST_HEAD_INIT(bench.rows),
	.done = COMPLETION_INITIALIZER(bench.done),
};

/* Parameters */

static struct param_number n = {
	.max = 100000, .err = &bench_err,
};
module_param_cb(n, &param_number_ops, &n, 0400);
MODULE_PARM_DESC(n, "samples of a cell; default 0: 256 MiB / size, 32 to 1000");

static struct param_number threads = {
	.max = 1024, .err = &bench_err,
};
module_param_cb(threads, &param_number_ops, &threads, 0400);
MODULE_PARM_DESC(threads, "threads of pattern threads; default 0: as many as CPUs");

static struct param_number pause_us = {
	.max = 1000000, .err = &bench_err,
};
module_param_cb(pause_us, &param_number_ops, &pause_us, 0400);
MODULE_PARM_DESC(pause_us, "sleep between two allocations in us, default 0");

static struct param_number reps = {
	.value = 1, .min = 1, .max = 1000, .err = &bench_err,
};
module_param_cb(reps, &param_number_ops, &reps, 0400);
MODULE_PARM_DESC(reps, "repetitions of the table, each with another order of policies");

/* Calls @take for each word of a list; it is false for a word not allowed. */
static int parse_words(const char *val, const struct kernel_param *kp,
		       const char *allowed, bool (*take)(const char *word))
{
	char *copy = kstrdup(val ?: "", GFP_KERNEL), *rest = copy, *word;
	int err = 0;

	if (!copy)
		return -ENOMEM;
	while (!err && (word = strsep(&rest, ",")))
		if (!take(word))
			err = -EINVAL;
	kfree(copy);
	return err ? param_refuse(kp->name, val, allowed, &bench_err, err) : 0;
}

static bool take_size(const char *word)
{
	u64 size;

	if (bench.nr_sizes == MAX_SIZES || param_parse_size(word, strlen(word), &size) ||
	    !size || size > INT_MAX)
		return false;
	bench.sizes[bench.nr_sizes++] = size;
	return true;
}

static int sizes_set(const char *val, const struct kernel_param *kp)
{
	bench.nr_sizes = 0;
	return parse_words(val, kp, "1 to 48 sizes up to INT_MAX, as in 16K,1M", take_size);
}

static bool take_policy(const char *word)
{
	const struct kvdemo_policy *policy = kvdemo_policy_find(word);

	if (policy)
		bench.policies |= BIT(policy - kvdemo_policies);
	return policy;
}

static int policies_set(const char *val, const struct kernel_param *kp)
{
	bench.policies = 0;
	return parse_words(val, kp, "names of policies joined by a comma", take_policy);
}

static bool take_pattern(const char *word)
{
	int i = match_string(patterns, NR_PATTERNS, word);

	if (i >= 0)
		bench.patterns |= BIT(i);
	return i >= 0;
}

static int patterns_set(const char *val, const struct kernel_param *kp)
{
	bench.patterns = 0;
	return parse_words(val, kp, "loop, hold, random, threads", take_pattern);
}

static int memory_set(const char *val, const struct kernel_param *kp)
{
	int i = match_string(memories, NR_MEMORIES, val ?: "");

	if (i < 0)
		return param_refuse(kp->name, val, "idle, unmovable, movable", &bench_err, -EINVAL);
	bench.memory = i;
	return 0;
}

/* NOARG: a bare word reaches the setter, too. */
#define OPS(_set) { .flags = KERNEL_PARAM_OPS_FL_NOARG, .set = _set }

static const struct kernel_param_ops sizes_ops = OPS(sizes_set);
module_param_cb(sizes, &sizes_ops, NULL, 0);
MODULE_PARM_DESC(sizes, "sizes as in 16K,1M; default: powers of two, the boundaries, and XFS's");

static const struct kernel_param_ops policies_ops = OPS(policies_set);
module_param_cb(policies, &policies_ops, NULL, 0);
MODULE_PARM_DESC(policies, "names joined by a comma, default all six");

static const struct kernel_param_ops patterns_ops = OPS(patterns_set);
module_param_cb(patterns, &patterns_ops, NULL, 0);
MODULE_PARM_DESC(patterns, "of loop, hold, random and threads, default loop");

static const struct kernel_param_ops memory_ops = OPS(memory_set);
module_param_cb(memory, &memory_ops, NULL, 0);
MODULE_PARM_DESC(memory, "idle (default), unmovable or movable: a cell that finds another is void");

static void add_size(size_t size)
{
	if (bench.nr_sizes < MAX_SIZES)
		bench.sizes[bench.nr_sizes++] = size;
}

static void default_sizes(void)
{
	static const size_t xfs[] = { 72 * SZ_1K, 144 * SZ_1K, 288 * SZ_1K, 576 * SZ_1K };
	size_t size;
	int i;

	for (size = SZ_1K; size <= SZ_16M; size *= 2)
		add_size(size);
	add_size(PAGE_SIZE + 1);
	add_size(KMALLOC_MAX_CACHE_SIZE + 1);
	add_size((PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER) + 1);
	add_size(KMALLOC_MAX_SIZE + 1);
	/* what XFS was seen to ask for lies between 18 and 256 pages */
	for (i = 0; i < ARRAY_SIZE(xfs); i++)
		add_size(xfs[i]);
}

/* One sample */

static bool stopped(void)
{
	return READ_ONCE(bench.stop);
}

/*
 * The two baselines are called bare: the price of our wrapper is to be on our
 * side of a comparison.
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

static void note(struct worker *w, int step, unsigned int i, u64 ns)
{
	w->samples[step][i] = min_t(u64, ns, U32_MAX);
}

static void one_alloc(struct worker *w, unsigned int i, size_t size)
{
	const struct kvdemo_request rq = {
		.size = size,
		.gfp = GFP_KERNEL | __GFP_NOWARN, /* what fails is counted */
		.node = NUMA_NO_NODE,
		.policy = w->cell->policy,
	};
	u64 start, mid, end;
	enum kvdemo_path path;
	void *p;

	start = ktime_get_ns();
	p = cell_alloc(&rq);
	mid = ktime_get_ns();
	touch(p, size);
	end = ktime_get_ns();
	note(w, STEP_ALLOC, i, mid - start);
	note(w, STEP_TOUCH, i, end - mid);
	path = kvdemo_path(p);
	w->paths[path]++;
	if (path == KVDEMO_PATH_PAGES && !w->first)
		w->first = i + 1;
	w->bufs[i] = p;
}

static void one_free(struct worker *w, unsigned int i)
{
	u64 start = ktime_get_ns(), end;

	kvfree(w->bufs[i]);
	end = ktime_get_ns();
	note(w, STEP_FREE, i, end - start);
	note(w, STEP_PAIR, i, (u64)w->samples[STEP_ALLOC][i] + (end - start));
	w->bufs[i] = NULL;
}

static void between(void)
{
	if (pause_us.value)
		usleep_range(pause_us.value, pause_us.value + 1);
	else
		cond_resched();
}

/* Patterns */

/* The same sizes in every run: the numbers need to be mixed, not random. */
static size_t random_size(size_t max, u32 *state)
{
	*state = *state * 1664525 + 1013904223;
	return 1 + ((u64)*state * max >> 32);
}

/* From 6.19 on vmalloc, too, takes a block where it finds one. */
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

/* kmalloc rounds up to a power of two, or the kernel's own fallback to huge pages. */
static u64 most_of(size_t size)
{
	return size <= KMALLOC_MAX_SIZE ? roundup_pow_of_two(size) : ALIGN((u64)size, PMD_SIZE);
}

/*
 * What others free may still make a block. It is kept to the end, for one block
 * would serve the rest of a loop, and the memory would be fragmented no more.
 */
static bool is_lucky(const struct worker *w, unsigned int i, size_t size)
{
	enum kvdemo_path path;

	if (bench.memory != MEMORY_UNMOVABLE || w->kept_bytes + most_of(size) > w->cell->most_each)
		return false;
	path = kvdemo_path(w->bufs[i]);
	return path == KVDEMO_PATH_PAGES ||
	       (path == KVDEMO_PATH_VMALLOC && holds_block(w->bufs[i], size));
}

static void run_in_turn(struct worker *w)
{
	size_t size = w->cell->size;
	u32 state = 1;
	unsigned int i;

	for (; w->made < w->cell->n && !stopped(); w->made++) {
		if (w->cell->pattern == PATTERN_RANDOM)
			size = random_size(w->cell->size, &state);
		one_alloc(w, w->made, size);
		if (is_lucky(w, w->made, size)) {
			w->kept++;
			w->kept_bytes += most_of(size);
		} else {
			one_free(w, w->made);
		}
		between();
	}
	for (i = 0; i < w->made; i++)
		if (w->bufs[i])
			one_free(w, i);
}

static void run_hold(struct worker *w)
{
	unsigned int i;

	for (; w->made < w->cell->n && !stopped(); w->made++) {
		one_alloc(w, w->made, w->cell->size);
		between();
	}
	for (i = 0; i < w->made; i++) {
		one_free(w, i);
		cond_resched();
	}
}

/* Until kthread_stop(), for code that has been freed must not run. */
static void wait_for_stop(void)
{
	for (;;) {
		set_current_state(TASK_IDLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
}

static int worker_fn(void *data)
{
	struct worker *w = data;

	wait_for_completion(&w->cell->go);
	if (w->cell->pattern == PATTERN_HOLD)
		run_hold(w);
	else
		run_in_turn(w);
	if (atomic_dec_and_test(&w->cell->left))
		complete(&w->cell->done);
	wait_for_stop();
	return 0;
}

/* A cell */

/* sort() knows no rest, and is given up to a quarter of free memory. */
static int compare(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	cond_resched();
	return x < y ? -1 : x > y;
}

static u64 net(u32 sample, u64 empty)
{
	return sample > empty ? sample - empty : 0;
}

/* The smallest sample that @percent of all @nr do not exceed: its index */
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
		sum += net(samples[i], empty);
	stats[STAT_MEAN] = div_u64(sum, nr);
	stats[STAT_P50] = net(samples[rank(nr, 50)], empty);
	stats[STAT_P90] = net(samples[rank(nr, 90)], empty);
	stats[STAT_P99] = net(samples[rank(nr, 99)], empty);
	stats[STAT_MAX] = net(samples[nr - 1], empty);
}

/* What a sample without anything between its two clock reads shows: a median */
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
	static unsigned long all[NR_VM_EVENT_ITEMS]; /* only bench.task comes here */
	int zone;

	memset(events, 0, NR_EVENTS * sizeof(*events));
	all_vm_events(all);
#ifdef CONFIG_COMPACTION
	events[EVENT_STALL] = all[COMPACTSTALL];
	events[EVENT_FAIL] = all[COMPACTFAIL];
#endif
	for (zone = 0; zone <= ZONE_MOVABLE; zone++)
		events[EVENT_ALLOCSTALL] += all[ALLOCSTALL_NORMAL - ZONE_NORMAL + zone];
	events[EVENT_PGSCAN] = kvdemo_compat_pgscan_direct(all);
}

static bool is_debug_kernel(void)
{
	return IS_ENABLED(CONFIG_KASAN) || IS_ENABLED(CONFIG_KCSAN) ||
	       IS_ENABLED(CONFIG_PROVE_LOCKING) || IS_ENABLED(CONFIG_DEBUG_VM) ||
	       IS_ENABLED(CONFIG_DEBUG_KMEMLEAK) || IS_ENABLED(CONFIG_SLUB_DEBUG_ON) ||
	       IS_ENABLED(CONFIG_DEBUG_PREEMPT) || IS_ENABLED(CONFIG_KMSAN);
}

static u64 free_bytes(void)
{
	struct lab_free now;

	lab_count_free(&now, 0);
	return (u64)now.pages << PAGE_SHIFT;
}

/* What a cell may hold at a time, in bytes */
static u64 most_held(void)
{
	return free_bytes() / FREE_SHARE;
}

/* NULL, or why this memory does not do for the cell */
static const char *judge_memory(const struct cell *cell)
{
	int order = get_order(cell->size);
	struct lab_free now;
	bool blocks;

	if (cell->size <= PAGE_SIZE || order >= LAB_NR_ORDERS)
		return NULL;
	lab_count_free(&now, order);
	blocks = lab_free_from(&now, order);
	if (bench.memory == MEMORY_IDLE)
		return blocks ? NULL : "void-no-free-block";
	return blocks ? "void-free-block" : NULL;
}

static bool tables_are_too_large(const struct cell *cell)
{
	size_t each = NR_STEPS * sizeof(u32) + sizeof(void *);

	return (u64)cell->threads * cell->n * each > most_held();
}

static void choose_n(struct cell *cell)
{
	cell->n = n.value ?: clamp_t(u64, CELL_BYTES / cell->size, MIN_N, MAX_N);
	if (cell->pattern == PATTERN_HOLD)
		cell->n = clamp_t(u64, div64_u64(most_held(), most_of(cell->size)), 1, cell->n);
}

static void reap_workers(struct cell *cell)
{
	unsigned int i;

	for (i = 0; i < cell->threads; i++) {
		if (cell->workers[i].task)
			kthread_stop(cell->workers[i].task);
		vfree(cell->workers[i].bufs);
	}
}

static int make_worker(struct cell *cell, unsigned int i)
{
	struct worker *w = &cell->workers[i];
	struct task_struct *task;
	int step;

	w->cell = cell;
	for (step = 0; step < NR_STEPS; step++)
		w->samples[step] = cell->samples + ((size_t)step * cell->threads + i) * cell->n;
	w->bufs = vzalloc(array_size(cell->n, sizeof(*w->bufs)));
	if (!w->bufs)
		return -ENOMEM;
	task = kthread_create(worker_fn, w, "kvdemo_bench/%u", i);
	if (IS_ERR(task))
		return PTR_ERR(task);
	/* cpumask_local_spread() counts the online CPUs, and then looks for that one. */
	cpus_read_lock();
	kthread_bind(task, cpumask_local_spread(i % num_online_cpus(), NUMA_NO_NODE));
	cpus_read_unlock();
	w->task = task;
	return 0;
}

/* Samples of all workers, without the gaps of those that were stopped */
static unsigned int gather(struct cell *cell, int step)
{
	u32 *to = cell->workers[0].samples[step];
	unsigned int i, nr = 0;

	for (i = 0; i < cell->threads; i++) {
		memmove(to + nr, cell->workers[i].samples[step],
			cell->workers[i].made * sizeof(*to));
		nr += cell->workers[i].made;
	}
	return nr;
}

static void fill_row(struct row *row, struct cell *cell, const u64 before[NR_EVENTS])
{
	u64 *numbers = row->numbers, after[NR_EVENTS];
	unsigned int i, j;

	read_events(after);
	for (i = 0; i < NR_EVENTS; i++)
		numbers[NUM_EVENT + i] = after[i] - before[i];
	for (i = 0; i < cell->threads; i++) {
		for (j = 0; j < KVDEMO_NR_PATHS; j++)
			numbers[NUM_PATH + j] += cell->workers[i].paths[j];
		if (!numbers[NUM_FIRST])
			numbers[NUM_FIRST] = cell->workers[i].first;
		numbers[NUM_KEPT] += cell->workers[i].kept;
	}
	for (i = 0; i < NR_STEPS; i++) {
		j = gather(cell, i);
		numbers[NUM_N] = j;
		/* A pair has two clock reads more than its two parts. */
		fill_stats(&numbers[NUM_STAT + i * NR_STATS],
			   cell->workers[0].samples[i], j,
			   numbers[NUM_EMPTY] << (i == STEP_PAIR));
	}
}

/* Was the block that the last one of @soaked was split from left to @page? */
static bool is_buddy(struct list_head *soaked, struct page *page, int order)
{
	struct page *last = list_first_entry_or_null(soaked, struct page, lru);

	return last && (page_to_pfn(last) ^ page_to_pfn(page)) == 1UL << order;
}

/*
 * What others have freed since memory was fragmented, this module's own loading
 * among them: one such block would serve a whole loop. It is held for the cell.
 *
 * Of idle memory blocks are held until a larger one was split, and its second half
 * is free. A loop takes that one and gives it back. Else some cells would split a
 * block and merge it again with each buffer, and some would not, by what they find.
 */
static unsigned int soak(struct list_head *soaked, int order)
{
	struct page *page;
	unsigned int nr;
	u64 most;

	if (!order || order >= LAB_NR_ORDERS)
		return 0;
	if (bench.memory == MEMORY_IDLE && order == LAB_NR_ORDERS - 1)
		return 0; /* nothing larger to be split */
	most = free_bytes() / SOAK_SHARE >> PAGE_SHIFT;
	for (nr = 0; (nr + 1ull) << order <= most && !stopped(); nr++) {
		cond_resched();
		/* free memory only, silently: to be given none is the end of it */
		page = alloc_pages((GFP_KERNEL & ~__GFP_RECLAIM) | __GFP_NOWARN |
				   __GFP_NORETRY, order);
		if (!page)
			break;
		if (bench.memory == MEMORY_IDLE && is_buddy(soaked, page, order)) {
			__free_pages(page, order);
			break;
		}
		list_add(&page->lru, soaked);
	}
	return nr;
}

static void give_soaked(struct list_head *soaked, int order)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, soaked, lru) {
		cond_resched();
		list_del(&page->lru);
		__free_pages(page, order);
	}
}

static const char *run_workers(struct cell *cell, struct row *row)
{
	u64 before[NR_EVENTS];
	LIST_HEAD(soaked);
	int order = get_order(cell->size);
	const char *why;
	unsigned int i;

	/* before strays are soaked up, as choose_n() looked before */
	cell->most_each = div_u64(most_held(), cell->threads);
	for (i = 0; i < cell->threads; i++)
		if (make_worker(cell, i))
			return "void-no-memory";
	for (i = 0; i < cell->threads; i++)
		wake_up_process(cell->workers[i].task);
	row->numbers[NUM_SOAKED] = soak(&soaked, order);
	why = cell->size > cell->most_each ? "void-too-large" : judge_memory(cell);
	if (why)
		cell->n = 0;
	read_events(before);
	complete_all(&cell->go);
	/* A cell may last; to the kernel's watch over hung tasks this one moves. */
	while (!wait_for_completion_timeout(&cell->done, 10 * HZ))
		;
	give_soaked(&soaked, order);
	if (why)
		return why;
	fill_row(row, cell, before);
	return stopped() ? "stopped" : "ok";
}

static const char *run_cell(struct cell *cell, struct row *row)
{
	const char *verdict = "void-no-memory";
	size_t samples;

	init_completion(&cell->go);
	init_completion(&cell->done);
	cell->threads = 1;
	if (cell->pattern == PATTERN_THREADS)
		cell->threads = threads.value ?: num_online_cpus();
	atomic_set(&cell->left, cell->threads);
	row->numbers[NUM_THREADS] = cell->threads;
	choose_n(cell);
	if (tables_are_too_large(cell))
		return "void-too-large";
	samples = max_t(size_t, (size_t)NR_STEPS * cell->threads * cell->n, EMPTY_LOOPS);
	/* vmalloc: what the bench itself takes needs no block of the cell's order */
	cell->samples = vzalloc(array_size(samples, sizeof(*cell->samples)));
	cell->workers = vzalloc(array_size(cell->threads, sizeof(*cell->workers)));
	if (cell->samples && cell->workers) {
		row->numbers[NUM_EMPTY] = empty_loop(cell->samples);
		verdict = run_workers(cell, row);
		reap_workers(cell);
	}
	vfree(cell->workers);
	vfree(cell->samples);
	return verdict;
}

/* The table */

static void print_row(const struct row *row)
{
	char line[960];
	int i, len = 0;

	for (i = 0; i < NR_WORDS; i++)
		len += scnprintf(line + len, sizeof(line) - len, " %s=%s",
				 columns[i], row->words[i]);
	for (i = 0; i < NR_NUMBERS; i++)
		len += scnprintf(line + len, sizeof(line) - len, " %s=%llu",
				 columns[NR_WORDS + i], row->numbers[i]);
	pr_info("cell%s\n", line);
}

static int add_row(struct cell *cell)
{
	struct row *row = kzalloc(sizeof(*row), GFP_KERNEL);

	if (!row)
		return -ENOMEM;
	row->words[WORD_KERNEL] = init_utsname()->release;
	row->words[WORD_POLICY] = cell->policy->name;
	row->words[WORD_PATTERN] = patterns[cell->pattern];
	row->words[WORD_MEMORY] = memories[bench.memory];
	row->numbers[NUM_SIZE] = cell->size;
	row->numbers[NUM_REP] = cell->rep;
	row->numbers[NUM_INIT_ON_ALLOC] = want_init_on_alloc(0);
	row->numbers[NUM_DEBUG] = is_debug_kernel();
	pr_info("progress cell=%u of=%u policy=%s size=%zu pattern=%s\n", ++bench.cell,
		bench.cells, cell->policy->name, cell->size, patterns[cell->pattern]);
	row->words[WORD_VERDICT] = run_cell(cell, row);
	list_add_tail(&row->list, &bench.rows);
	return stopped() ? -EINTR : 0;
}

static const struct kvdemo_policy *nth_policy(unsigned int n)
{
	unsigned int id;

	for_each_set_bit(id, &bench.policies, KVDEMO_NR_POLICIES)
		if (!n--)
			break;
	return &kvdemo_policies[id];
}

/* On one machine without a restored state each repetition has its own order. */
static int run_policies(enum pattern pattern, size_t size, unsigned int rep)
{
	unsigned int i, nr = hweight_long(bench.policies);
	int err = 0;

	for (i = 0; i < nr && !err; i++) {
		struct cell cell = { .pattern = pattern, .size = size, .rep = rep };

		cell.policy = nth_policy((i + rep) % nr);
		err = add_row(&cell);
	}
	return err;
}

static void run_table(void)
{
	unsigned int rep, i, pattern;

	for (rep = 0; rep < reps.value; rep++)
		for (i = 0; i < bench.nr_sizes; i++)
			for (pattern = 0; pattern < NR_PATTERNS; pattern++)
				if (bench.patterns & BIT(pattern) &&
				    run_policies(pattern, bench.sizes[i], rep))
					return;
}

static int bench_fn(void *unused)
{
	struct row *row;

	/*
	 * What insmod leaves to others took 700000 instructions of a cell of 9 million.
	 * Not where pages can be moved, for kcompactd would undo the state meanwhile.
	 */
	if (bench.memory != MEMORY_MOVABLE)
		msleep(AFTER_LOAD_MS);
	run_table();
	list_for_each_entry(row, &bench.rows, list) {
		print_row(row);
		/* A serial console takes 80 ms a row. */
		cond_resched();
	}
	pr_info("end cells=%u of=%u%s\n", bench.cell, bench.cells,
		stopped() ? " stopped" : "");
	complete_all(&bench.done);
	wait_for_stop();
	return 0;
}

/* The files */

static int csv_show(struct seq_file *m, void *unused)
{
	struct row *row;
	int i, err;

	err = wait_for_completion_interruptible(&bench.done);
	if (err)
		return err;
	for (i = 0; i < NR_WORDS + NR_NUMBERS; i++)
		seq_printf(m, "%s%s", i ? "," : "", columns[i]);
	list_for_each_entry(row, &bench.rows, list) {
		seq_putc(m, '\n');
		for (i = 0; i < NR_WORDS; i++)
			seq_printf(m, "%s%s", i ? "," : "", row->words[i]);
		for (i = 0; i < NR_NUMBERS; i++)
			seq_printf(m, ",%llu", row->numbers[i]);
	}
	seq_putc(m, '\n');
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(csv);

static ssize_t stop_write(struct file *file, const char __user *buf, size_t len, loff_t *at)
{
	WRITE_ONCE(bench.stop, true);
	return len;
}

static const struct file_operations stop_fops = {
	.owner = THIS_MODULE,
	.write = stop_write,
};

static void log_start(void)
{
	bench.cells = reps.value * bench.nr_sizes * hweight_long(bench.policies) *
		      hweight_long(bench.patterns);
	pr_info("start kernel=%s cells=%u memory=%s init_on_alloc=%d\n",
		init_utsname()->release, bench.cells, memories[bench.memory],
		want_init_on_alloc(0));
	if (is_debug_kernel())
		pr_warn("a debug kernel: its figures say nothing of others (debug=1)\n");
}

static int __init kvdemo_bench_init(void)
{
	if (bench_err)
		return bench_err;
	if (!bench.nr_sizes)
		default_sizes();
	log_start();
	bench.task = kthread_create(bench_fn, NULL, "kvdemo_bench");
	if (IS_ERR(bench.task))
		return PTR_ERR(bench.task);
	bench.dir = debugfs_create_dir("kvdemo_bench", NULL);
	/* Under lockdown a file that can be written cannot be read. */
	debugfs_create_file("csv", 0400, bench.dir, NULL, &csv_fops);
	debugfs_create_file("stop", 0200, bench.dir, NULL, &stop_fops);
	wake_up_process(bench.task);
	return 0;
}

static void __exit kvdemo_bench_exit(void)
{
	struct row *row, *next;

	WRITE_ONCE(bench.stop, true);
	kthread_stop(bench.task);
	debugfs_remove_recursive(bench.dir);
	list_for_each_entry_safe(row, next, &bench.rows, list) {
		list_del(&row->list);
		kfree(row);
	}
}

module_init(kvdemo_bench_init);
module_exit(kvdemo_bench_exit);

MODULE_DESCRIPTION("Prices each kvmalloc policy by size and pattern");
MODULE_AUTHOR("The kvdemo authors");
MODULE_LICENSE("GPL");
