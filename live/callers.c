// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of callers, and the debugfs file kvdemo/callers that shows it.
 *
 * The rows are shared; each CPU has counts of its own. A row is made under a lock and
 * found without one.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/kallsyms.h>
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/seq_file.h>
#include <linux/sort.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/vmalloc.h>

#include "live.h"

/* How far a row may lie from where its hash says */
#define MAX_PROBES	16u
/* The key of a row whose caller is unloaded */
#define GONE		1ull
#define TABLES_SHARE	8	/* the counts of all CPUs take at most 1/8 of what is available */

struct live_row *live_rows;
unsigned int live_mask __read_mostly;
DEFINE_PER_CPU(struct live_blind, live_blind);

static unsigned int nr_rows;
static DEFINE_RAW_SPINLOCK(rows_lock);

/* The counts of callers whose modules are unloaded, by size class */
static struct live_stats gone[LIVE_CLASSES];
static DEFINE_MUTEX(gone_lock);

/* The clock */

#define TICK_SHIFT	22
#define CALIBRATE_MS	20
#define BRACKETS	32

DEFINE_STATIC_KEY_TRUE(live_counter);
static u32 tick_mult __read_mostly;	/* ns of a tick, times 2^TICK_SHIFT */

/* The two clocks at the same moment */
struct moment {
	u64 ns, ticks;
};

/* Reads the counter between two reads of ktime, several times, and takes the closest. */
static struct moment now(void)
{
	u64 least = U64_MAX, before, ticks, after;
	struct moment best = { 0 };
	int i;

	for (i = 0; i < BRACKETS; i++) {
		before = ktime_get_ns();
		ticks = live_ticks();
		after = ktime_get_ns();
		if (after - before < least) {
			least = after - before;
			best = (struct moment){ before + least / 2, ticks };
		}
	}
	return best;
}

/* Chooses the clock, and measures its rate. */
static void clock_init(void)
{
	struct moment start, end;
	u64 ticks;

	/* A counter of 32 bits would start over within a minute, and some CPUs have none. */
	if (sizeof(cycles_t) < sizeof(u64) || !get_cycles() || !kvdemo_compat_counter_stable()) {
		static_branch_disable(&live_counter);
		tick_mult = 1u << TICK_SHIFT;
		return;
	}
	start = now();
	msleep(CALIBRATE_MS);
	end = now();
	ticks = max_t(s64, end.ticks - start.ticks, 1);
	/* A counter of 1 MHz nearly overflows tick_mult. */
	tick_mult = min_t(u64, U32_MAX, div64_u64((end.ns - start.ns) << TICK_SHIFT, ticks));
}

/**
 * live_ns() - convert ticks to ns
 * @ticks: by live_ticks()
 *
 * Context: any.
 */
u64 live_ns(u64 ticks)
{
	return mul_u64_u32_shr(ticks, tick_mult, TICK_SHIFT);
}

/* Rows */

/* The row of the key, or a free one, or NULL */
static struct live_row *find(u64 key)
{
	struct live_row *row = live_home(key), *free = NULL;
	unsigned int i;
	u64 is;

	for (i = 0; i < MAX_PROBES; i++) {
		/* pairs with the release in make_row(): the policy of the row is set */
		is = smp_load_acquire(&row->key);
		if (is == key)
			return row;
		if (!free && (!is || is == GONE))
			free = row;
		if (!is)
			break;
		if (++row == live_rows + nr_rows)
			row = live_rows;
	}
	return free;
}

/* No call has all flags. */
#define NEVER_PLAIN	(~(__force gfp_t)0)

static gfp_t plain_of(unsigned int class, const struct live_row *row)
{
	if (row->unknown || class < ilog2(KMALLOC_MAX_CACHE_SIZE) || class >= ilog2(INT_MAX) ||
	    (row->cure && !row->cure->tries))
		return NEVER_PLAIN;
	return KVDEMO_COMPAT_FALLS_BACK;
}

static unsigned int class_in(u64 key)
{
	return key & (LIVE_CLASSES - 1);
}

static struct live_row *make_row(u64 key)
{
	const struct kvdemo_policy *policy;
	struct live_row *row;
	unsigned long flags;

	/* irqsave: an interrupt may call kvmalloc() with GFP_ATOMIC, and so make a row. */
	raw_spin_lock_irqsave(&rows_lock, flags);
	row = find(key);
	if (row && READ_ONCE(row->key) != key) {
		policy = live_policy_of(live_caller(key));
		row->unknown = !policy;
		row->cure = policy && !policy->native ? policy : NULL;
		row->plain = plain_of(class_in(key), row);
		/* pairs with find() and copy_rows() */
		smp_store_release(&row->key, key);
	}
	raw_spin_unlock_irqrestore(&rows_lock, flags);
	return row;
}

/**
 * live_row_search() - find or make the row of a caller
 * @key: its key
 *
 * Context: any. The caller is on the stack, so its module stays loaded and its row is kept.
 * Return: the row, or NULL if no row near its hash is free.
 */
struct live_row *live_row_search(u64 key)
{
	struct live_row *row = find(key);

	/* as in find(): another CPU may just have made it */
	return row && smp_load_acquire(&row->key) != key ? make_row(key) : row;
}

/**
 * live_caller() - the caller of a row
 * @key: of the row
 *
 * Context: any.
 */
unsigned long live_caller(u64 key)
{
	const unsigned long upper = ~0ul << (BITS_PER_LONG - 8);

	/* the byte that live_key() leaves out */
	return (unsigned long)(key >> 8) | ((unsigned long)&nr_rows & upper);
}

static void add_stats(struct live_stats *to, const struct live_stats *stats)
{
	to->calls += READ_ONCE(stats->calls);
	to->failed += READ_ONCE(stats->failed);
	to->skipped += READ_ONCE(stats->skipped);
	to->fallbacks += READ_ONCE(stats->fallbacks);
	to->try += READ_ONCE(stats->try);
	to->worst = max(to->worst, READ_ONCE(stats->worst));
	to->failures += READ_ONCE(stats->failures);
	to->fallback += READ_ONCE(stats->fallback);
}

/* Adds what all CPUs counted. */
static void sum_row(const struct live_row *row, struct live_stats *to)
{
	int cpu;

	for_each_possible_cpu(cpu)
		add_stats(to, per_cpu_ptr(row->stats, cpu));
}

/*
 * Frees a row. Its caller is unloaded, so nobody counts in it any more. Its counts go
 * into the sum of its size class.
 */
static void fold(struct live_row *row)
{
	int cpu;

	sum_row(row, &gone[class_in(row->key)]);
	for_each_possible_cpu(cpu)
		memset(per_cpu_ptr(row->stats, cpu), 0, sizeof(*row->stats));
	/* pairs with find(): the next caller in this row starts from zero */
	smp_store_release(&row->key, GONE);
}

/* Another module may be loaded where a module, or only its init code, was freed. */
static void forget(const struct module *mod,
		   bool (*within)(unsigned long addr, const struct module *mod))
{
	struct live_row *row;
	u64 key;

	mutex_lock(&gone_lock);
	for (row = live_rows; row < live_rows + nr_rows; row++) {
		key = READ_ONCE(row->key);
		if (key && key != GONE && within(live_caller(key), mod))
			fold(row);
		cond_resched();
	}
	mutex_unlock(&gone_lock);
}

static int on_module(struct notifier_block *nb, unsigned long state, void *mod)
{
	if (state == MODULE_STATE_LIVE)
		forget(mod, within_module_init);
	else if (state == MODULE_STATE_GOING)
		forget(mod, within_module);
	return NOTIFY_DONE;
}

static struct notifier_block module_notifier = { .notifier_call = on_module };

static void free_rows(void)
{
	struct live_row *row;

	for (row = live_rows; row && row < live_rows + nr_rows; row++)
		free_percpu(row->stats);
	vfree(live_rows);
}

static int make_rows(void)
{
	const gfp_t gfp = GFP_KERNEL | __GFP_NOWARN; /* insmod's ENOMEM says enough */
	struct live_row *row;

	live_rows = __vmalloc(array_size(nr_rows, sizeof(*live_rows)), gfp | __GFP_ZERO);
	if (!live_rows)
		return -ENOMEM;
	for (row = live_rows; row < live_rows + nr_rows; row++) {
		row->stats = alloc_percpu_gfp(struct live_stats, gfp);
		if (!row->stats)
			return -ENOMEM;
	}
	return 0;
}

/**
 * live_rows_make() - make the rows, and choose the clock
 * @asked: how many
 *
 * Context: process context, may sleep.
 * Return: 0; -ERANGE, which was logged, or -ENOMEM.
 */
int live_rows_make(unsigned int asked)
{
	u64 most = div_u64(kvdemo_available() / TABLES_SHARE,
			   sizeof(struct live_stats) * num_possible_cpus());
	int err;

	nr_rows = roundup_pow_of_two(asked);
	live_mask = nr_rows - 1;
	if (nr_rows > most) {
		pr_err("entries=%u is out of range: allowed on this machine is up to %lu\n",
		       asked, most ? rounddown_pow_of_two((unsigned long)most) : 0ul);
		return -ERANGE;
	}
	err = make_rows() ?: register_module_notifier(&module_notifier);
	if (err)
		free_rows();
	else
		clock_init();
	return err;
}

/**
 * live_rows_free() - free the rows
 *
 * Context: process context, may sleep; nothing is hooked.
 */
void live_rows_free(void)
{
	unregister_module_notifier(&module_notifier);
	free_rows();
}

/* Reading */

struct shown {
	u64 key;	/* without a caller: all that are unloaded */
	const char *policy;
	struct live_stats sum;
};

struct snapshot {
	struct live_stats sum;
	struct live_blind blind;
	unsigned long missed;	/* calls of vmalloc that found no free return probe */
	u64 unknown;	/* calls whose caller a tracer hides */
	char symbol[KSYM_SYMBOL_LEN];
	unsigned int nr;
	struct shown rows[];
};

static const char *policy_name(const struct live_row *row)
{
	if (row->unknown)
		return "unknown";
	return row->cure ? row->cure->name : kvdemo_policies[KVDEMO_NATIVE].name;
}

static void show_later(struct snapshot *snap, u64 key, const char *policy,
		       const struct live_stats *sum)
{
	if (!sum->calls)
		return;
	add_stats(&snap->sum, sum);
	snap->rows[snap->nr++] = (struct shown){ key, policy, *sum };
}

static void copy_rows(struct snapshot *snap)
{
	const struct live_row *row;
	struct live_stats sum;
	unsigned int i;
	u64 key;

	mutex_lock(&gone_lock);
	for (i = 0; i < LIVE_CLASSES; i++)
		show_later(snap, live_key(0, i), "-", &gone[i]);
	for (row = live_rows; row < live_rows + nr_rows; row++) {
		/* pairs with make_row() */
		key = smp_load_acquire(&row->key);
		if (!key || key == GONE)
			continue;
		sum = (struct live_stats){ };
		sum_row(row, &sum);
		show_later(snap, key, policy_name(row), &sum);
		snap->unknown += row->unknown ? sum.calls : 0;
		cond_resched();
	}
	mutex_unlock(&gone_lock);
}

static int compare(u64 a, u64 b)
{
	return a < b ? 1 : a > b ? -1 : 0;
}

static int worst_first(const void *a, const void *b)
{
	const struct shown *x = a, *y = b;

	/* sort() does not reschedule. */
	cond_resched();
	return compare(x->sum.try, y->sum.try) ?:
	       compare(x->sum.fallbacks, y->sum.fallbacks) ?:
	       compare(x->sum.calls, y->sum.calls) ?: compare(x->key, y->key);
}

/* The caller frees it by vfree(). */
static struct snapshot *take_snapshot(void)
{
	struct snapshot *snap;
	int cpu;

	/* Not kvmalloc, which would add its own rows. NOWARN: ENOMEM says enough. */
	snap = __vmalloc(struct_size(snap, rows, nr_rows + LIVE_CLASSES),
			 GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN);
	if (!snap)
		return NULL;
	copy_rows(snap);
	for_each_possible_cpu(cpu) {
		snap->blind.lost += per_cpu(live_blind, cpu).lost;
		snap->blind.left += per_cpu(live_blind, cpu).left;
	}
	snap->missed = live_times_probe.nmissed + live_times_probe.kp.nmissed;
	sort(snap->rows, snap->nr, sizeof(*snap->rows), worst_first, NULL);
	return snap;
}

/* "[gone]" also stands for an address that no symbol covers any more. */
static const char *name_of(struct snapshot *snap, const struct shown *row)
{
	if (row->key < live_key(1, 0))
		return "[gone]";
	sprint_symbol(snap->symbol, live_caller(row->key));
	return strstarts(snap->symbol, "0x") ? "[gone]" : snap->symbol;
}

static void show_row(struct seq_file *seq, const struct shown *row, const char *name)
{
	const struct live_stats *sum = &row->sum;

	seq_printf(seq, "%10llu %10llu %10llu %10llu %14llu %12llu", sum->calls, sum->failed,
		   sum->skipped, sum->fallbacks, live_ns(sum->try), live_ns(sum->worst));
	if (live_with_times)
		seq_printf(seq, " %8llu %14llu", sum->failures, live_ns(sum->fallback));
	else
		seq_printf(seq, " %8s %14s", "-", "-");
	/* 2^64 does not fit. */
	seq_printf(seq, " %10llu  %-9s  %s\n", (2ull << class_in(row->key)) ?: U64_MAX,
		   row->policy, name);
}

static void show_head(struct seq_file *seq, const struct snapshot *snap, const char *blind)
{
	const struct live_stats *sum = &snap->sum;

	seq_printf(seq, "# mark=%s try=%s fallback=%s times=%d clock=%s entries=%u\n",
		   LIVE_SYMBOL, live_hooked(0), live_hooked(1), live_with_times,
		   static_key_enabled(&live_counter) ? "counter" : "local_clock", nr_rows);
	seq_printf(seq, "# hooks=%s%s\n", blind ? "blind: " : "ok", blind ?: "");
	seq_printf(seq, "# calls=%llu failed=%llu skipped=%llu fallbacks=%llu rows=%u\n",
		   sum->calls, sum->failed, sum->skipped, sum->fallbacks, snap->nr);
	seq_printf(seq, "# lost=%lu missed=%lu unknown=%llu left=%lu\n", snap->blind.lost,
		   snap->missed, snap->unknown, snap->blind.left);
	seq_puts(seq, "# order=try_ns,fallbacks,calls\n");
	seq_printf(seq, "%10s %10s %10s %10s %14s %12s %8s %14s %10s  %-9s  %s\n", "calls",
		   "failed", "skipped", "fallbacks", "try_ns", "worst_ns", "failures",
		   "fallback_ns", "size_to", "policy", "caller");
}

static int callers_show(struct seq_file *seq, void *v)
{
	const char *blind = live_blindness();
	struct snapshot *snap = take_snapshot();
	unsigned int i;

	if (!snap)
		return -ENOMEM;
	show_head(seq, snap, blind);
	for (i = 0; i < snap->nr; i++)
		show_row(seq, &snap->rows[i], name_of(snap, &snap->rows[i]));
	vfree(snap);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(callers);

static struct dentry *file;

/**
 * live_file_make() - make the file callers
 *
 * Context: process context, may sleep. Without debugfs there is none, and a line says so.
 */
void live_file_make(void)
{
	file = debugfs_create_file("callers", 0400, kvdemo_debugfs_dir(), NULL, &callers_fops);
	if (IS_ERR(file))
		pr_warn("the file callers cannot be made, error %ld: boot with debugfs=on, or trace kvdemo:kvdemo_alloc; rmmod logs the sums\n",
			PTR_ERR(file));
}

/**
 * live_file_remove() - remove the file callers
 *
 * Context: process context, waits for those that read it.
 */
void live_file_remove(void)
{
	debugfs_remove(file);
}

/**
 * live_log_sums() - log the sums in one line
 * @ms: how long unhooking took
 *
 * Context: process context, may sleep; nothing is hooked.
 */
void live_log_sums(u64 ms)
{
	struct snapshot *snap = take_snapshot();

	if (!snap)
		return;
	pr_info("stopped calls=%llu failed=%llu skipped=%llu fallbacks=%llu lost=%lu missed=%lu unknown=%llu left=%lu unhook_ms=%llu\n",
		snap->sum.calls, snap->sum.failed, snap->sum.skipped,
		snap->sum.fallbacks, snap->blind.lost, snap->missed,
		snap->unknown, snap->blind.left, ms);
	vfree(snap);
}
