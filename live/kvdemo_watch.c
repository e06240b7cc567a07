// SPDX-License-Identifier: GPL-2.0-only
/*
 * insmod kvdemo_watch.ko watches every call of the running kernel's own
 * kvmalloc_node(), rmmod stops it.
 *
 * Read debugfs kvdemo/callers: which callers fall back to vmalloc, and what it
 * costs them, worst first. Each call is the event kvdemo:kvdemo_alloc, too, with
 * origin=kernel.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/hash.h>
#include <linux/kallsyms.h>
#include <linux/kasan.h>
#include <linux/kprobes.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/percpu.h>
#include <linux/pgtable.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/string.h>
#include <linux/timex.h>
#include <linux/u64_stats_sync.h>
#include <linux/vmalloc.h>

#include "compat.h"
#include "demo/param.h"
#include "demo/trace.h"

#define SYMBOL		__stringify(kvdemo_compat_kvmalloc)

/* How far a row may lie from where its hash says */
#define MAX_PROBES	16u
#define MAX_ENTRIES	65536u

/* The tables take at most this share of what is available. */
#define TABLES_SHARE	8

/* Calls in flight: a call that reclaims sleeps, and many may do so at a time. */
#define MIN_ACTIVE	256u
#define MAX_ACTIVE	65536u

static int watch_err;

static struct param_number entries_asked = {
	.value = 512, .min = 1, .max = MAX_ENTRIES, .err = &watch_err,
};
module_param_cb(entries, &param_number_ops, &entries_asked, 0400);
MODULE_PARM_DESC(entries, "rows of callers and size classes to keep on each CPU, 1 to 65536, rounded up to a power of 2; at most 64 bytes each, default 512");

static struct param_number maxactive = {
	.min = 1, .max = MAX_ACTIVE, .err = &watch_err,
};
module_param_cb(maxactive, &param_number_ops, &maxactive, 0400);
MODULE_PARM_DESC(maxactive, "calls that can be watched at a time, 1 to 65536; default 4 for each CPU, and at least 256");

/* What is noted of a call until it returns; gfp and node only if it is traced */
struct call {
	size_t size;
	u64 start;
	bool traced;
	gfp_t gfp;
	int node;
};

/* Class n: more than 2^(n-1), at most 2^n bytes; CLASS_GONE: see forget() */
#define CLASS_GONE	0x100u
#define CLASS_MASK	0xffu

struct row {
	unsigned long caller;	/* 0: the row is free */
	unsigned int class;
	u64 calls;
	u64 fallbacks;
	u64 failures;
	u64 total;		/* these three in ticks */
	u64 fallback;
	u64 worst;
};

struct table {
	struct u64_stats_sync sync;
	struct row rows[] ____cacheline_aligned;
};

/*
 * Each CPU writes to its own table, and no other does: handlers run with
 * preemption off, and kprobes lets none interrupt another, but counts that call
 * as missed. Rows are never given back, so a reader needs no lock.
 */
static DEFINE_PER_CPU(struct table *, tables);
static DEFINE_PER_CPU(unsigned long, lost);

static unsigned int entries;		/* asked for, rounded up */
static unsigned int mask __read_mostly;	/* entries - 1 */

static struct dentry *callers;

static unsigned long vmalloc_start __read_mostly, vmalloc_size __read_mostly;

/* is_vmalloc_addr() without a call, which would be a fifth of the handler */
static __always_inline bool is_vmalloc(const void *p)
{
	return (unsigned long)kasan_reset_tag(p) - vmalloc_start < vmalloc_size;
}

/*
 * Time is kept in ticks of the CPU's counter, and becomes ns where somebody
 * reads: to convert it for each call would cost more than all the rest here.
 * A counter of 32 bits would start over within a minute.
 */
#define TICK_SHIFT	22
#define CALIBRATE_MS	20
#define CALIBRATE_TRIES	10

static u32 tick_mult __read_mostly;	/* ns of a tick, times 2^TICK_SHIFT */

static __always_inline u64 counter(void)
{
	return sizeof(cycles_t) < sizeof(u64) ? 0 : get_cycles();
}

static __always_inline u64 ticks(void)
{
	u64 now = counter();

	/* Some CPUs have none. */
	return likely(now) ? now : local_clock();
}

static u64 to_ns(u64 ticks)
{
	return mul_u64_u32_shr(ticks, tick_mult, TICK_SHIFT);
}

static __always_inline bool is_of(const struct row *row, unsigned long caller,
				  unsigned int class)
{
	return row->caller == caller && READ_ONCE(row->class) == class;
}

/* The row, or a free one that becomes it, or NULL where none is near */
static noinline struct row *search(struct table *table, unsigned int at,
				   unsigned long caller, unsigned int class)
{
	struct row *row;
	unsigned int i;

	for (i = 0; i < MAX_PROBES; i++) {
		row = &table->rows[(at + i) & mask];
		if (is_of(row, caller, class))
			return row;
		if (!row->caller) {
			row->class = class;
			/* Who sees the caller sees the class. */
			smp_store_release(&row->caller, caller);
			return row;
		}
	}
	return NULL;
}

/* Where a row is looked for first */
static __always_inline unsigned int home(unsigned long caller, unsigned int class)
{
	return hash_long(caller + class, 32) & mask;
}

static __always_inline void add(struct table *table, struct row *row,
				const void *p, u64 took)
{
	u64_stats_update_begin(&table->sync);
	row->calls++;
	row->total += took;
	if (row->worst < took)
		row->worst = took;
	if (unlikely(!p)) {
		row->failures++;
	} else if (unlikely(is_vmalloc(p))) {
		row->fallbacks++;
		row->fallback += took;
	}
	u64_stats_update_end(&table->sync);
}

static __always_inline unsigned int class_of(size_t size)
{
	return fls_long(size - !!size);
}

static noinline void emit(const struct call *call, const void *p, u64 took,
			  unsigned long caller)
{
	const struct kvdemo_request rq = {
		.size = call->size,
		.gfp = call->gfp,
		.node = call->node,
		.policy = &kvdemo_policies[KVDEMO_NATIVE],
	};
	struct kvdemo_result res;

	kvdemo_outcome(&rq, p, &res);
	trace_kvdemo_alloc(KVDEMO_ORIGIN_KERNEL, &rq, &res, p, to_ns(took),
			   caller);
}

static noinline void note_arguments(struct call *call, struct pt_regs *regs)
{
	call->gfp = (__force gfp_t)kvdemo_compat_argument(regs, KVDEMO_COMPAT_GFP_ARG);
	call->node = kvdemo_compat_argument(regs, KVDEMO_COMPAT_GFP_ARG + 1);
}

NOKPROBE_SYMBOL(note_arguments);

static int on_entry(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct call *call = (struct call *)ri->data;

	call->size = kvdemo_compat_argument(regs, 0);
	call->traced = trace_kvdemo_alloc_enabled();
	if (call->traced)
		note_arguments(call, regs);
	call->start = ticks();
	return 0;
}

NOKPROBE_SYMBOL(on_entry);

/* Two CPUs may disagree, and a call may sleep and wake on the other. */
static __always_inline u64 took_of(const struct call *call, u64 now)
{
	return max_t(s64, now - call->start, 0);
}

/* A call that on_return() cannot count in a few instructions */
static noinline int record(const struct call *call, const void *p,
			   unsigned long caller)
{
	unsigned int class = class_of(call->size);
	struct table *table = this_cpu_read(tables);
	struct row *row = search(table, home(caller, class), caller, class);
	u64 took = took_of(call, ticks());

	if (row)
		add(table, row, p, took);
	else
		this_cpu_inc(lost);
	if (trace_kvdemo_alloc_enabled() && call->traced)
		emit(call, p, took, caller);
	return 0;
}

NOKPROBE_SYMBOL(record);

/*
 * Runs for each call on the whole machine: every instruction counts. What is rare
 * is left to a function as the last thing, for then no register has to be saved.
 */
static int on_return(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const struct call *call = (struct call *)ri->data;
	unsigned long caller = kvdemo_compat_caller(ri, regs);
	const void *p = (const void *)kvdemo_compat_return(regs);
	struct table *table = this_cpu_read(tables);
	unsigned int class = class_of(call->size);
	struct row *row = &table->rows[home(caller, class)];
	u64 now = counter();

	if (unlikely(!now || trace_kvdemo_alloc_enabled() ||
		     !is_of(row, caller, class)))
		return record(call, p, caller);
	add(table, row, p, took_of(call, now));
	return 0;
}

NOKPROBE_SYMBOL(on_return);

static struct kretprobe watch = {
	.kp.symbol_name = SYMBOL,
	.entry_handler = on_entry,
	.handler = on_return,
	.data_size = sizeof(struct call),
};

/*
 * The self-check. Which argument is which depends on the release, on its
 * configuration and on how the architecture passes them: a call of our own must
 * be seen with what it was made with.
 */
#define CHECK_SIZE	4321
#define CHECK_GFP	(GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN)
#define CHECK_NODE	NUMA_NO_NODE
#define CHECK_TRIES	100

static struct {
	struct task_struct *task;
	struct call call;
	const void *p;
	unsigned long caller;
	bool seen;
} check;

static int on_check_entry(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	on_entry(ri, regs);
	note_arguments((struct call *)ri->data, regs);
	return 0;
}

NOKPROBE_SYMBOL(on_check_entry);

static int on_check(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	if (current != check.task)
		return 0;
	check.call = *(struct call *)ri->data;
	check.caller = kvdemo_compat_caller(ri, regs);
	check.p = (const void *)kvdemo_compat_return(regs);
	check.seen = true;
	return 0;
}

NOKPROBE_SYMBOL(on_check);

/* Another than the watch's: to register one twice is a trap of its own. */
static struct kretprobe checker = {
	.kp.symbol_name = SYMBOL,
	.entry_handler = on_check_entry,
	.handler = on_check,
	.data_size = sizeof(struct call),
	.maxactive = MIN_ACTIVE,
};

/* What of the call was not seen as it was made. What was seen may be an address. */
static const char * __init what_differs(bool same)
{
	if (check.call.size != CHECK_SIZE)
		return "size";
	if (check.call.gfp != CHECK_GFP)
		return "gfp";
	if (check.call.node != CHECK_NODE)
		return "node";
	if (!same)
		return "pointer";
	return within_module(check.caller, THIS_MODULE) ? NULL : "caller";
}

/* A call may be missed while others keep all instances busy. */
static const char * __init check_call(void)
{
	bool same = false;
	void *p;
	int i;

	check.task = current;
	for (i = 0; i < CHECK_TRIES && !check.seen; i++) {
		p = kvmalloc_node_noprof(CHECK_SIZE, CHECK_GFP, CHECK_NODE);
		same = p == check.p;
		kvfree(p);
	}
	return what_differs(same);
}

static int __init register_probe(struct kretprobe *rp)
{
	int err = register_kretprobe(rp);

	if (err == -ENOMEM && rp == &checker)
		pr_err("cannot watch " SYMBOL ": no memory for a look at it\n");
	else if (err == -ENOMEM)
		pr_err("maxactive=%d takes more memory than there is: a smaller one may fit\n",
		       rp->maxactive);
	else if (err)
		pr_err("cannot watch " SYMBOL ": this kernel takes no kretprobe there, error %d\n",
		       err);
	return err;
}

static int __init self_check(void)
{
	int err = register_probe(&checker);
	const char *differs;

	if (err)
		return err;
	differs = check_call();
	unregister_kretprobe(&checker);
	if (!differs)
		return 0;
	if (!check.seen) {
		pr_err("cannot watch %s: none of %u calls was seen: allowed are neither kernel.ftrace_enabled=0 nor 0 in the debugfs file kprobes/enabled\n",
		       SYMBOL, CHECK_TRIES);
		return -EOPNOTSUPP;
	}
	pr_err("cannot watch %s: with gfp as argument %u a call of size=%u gfp=%#x node=%d was seen with another %s\n",
	       SYMBOL, KVDEMO_COMPAT_GFP_ARG, CHECK_SIZE, (__force unsigned int)CHECK_GFP, CHECK_NODE,
	       differs);
	return -EOPNOTSUPP;
}

/* Reading: a snapshot of all CPUs' rows */

struct snapshot {
	struct row *rows;
	unsigned int nr;
	struct row sum;		/* of all rows */
	unsigned long lost;
	char symbol[KSYM_SYMBOL_LEN];
};

static bool read_row(const struct table *table, unsigned int i, struct row *to)
{
	const struct row *row = &table->rows[i];
	unsigned int start;

	/* Pairs with search(). */
	if (!smp_load_acquire(&row->caller))
		return false;
	do {
		start = u64_stats_fetch_begin(&table->sync);
		*to = *row;
	} while (u64_stats_fetch_retry(&table->sync, start));
	return true;
}

static void add_row(struct row *to, const struct row *row)
{
	to->calls += row->calls;
	to->fallbacks += row->fallbacks;
	to->failures += row->failures;
	to->total += row->total;
	to->fallback += row->fallback;
	to->worst = max(to->worst, row->worst);
}

static unsigned int count_rows(void)
{
	unsigned int i, nr = 0;
	int cpu;

	for_each_possible_cpu(cpu) {
		for (i = 0; i < entries; i++)
			nr += !!READ_ONCE(per_cpu(tables, cpu)->rows[i].caller);
		cond_resched();
	}
	return nr;
}

/* Copies at most @most rows; what comes meanwhile is for the next snapshot. */
static void copy_rows(struct snapshot *snap, unsigned int most)
{
	unsigned int i;
	int cpu;

	for_each_possible_cpu(cpu) {
		snap->lost += per_cpu(lost, cpu);
		for (i = 0; i < entries && snap->nr < most; i++)
			if (read_row(per_cpu(tables, cpu), i,
				     &snap->rows[snap->nr]))
				snap->nr++;
		cond_resched();
	}
}

/* sort() knows no rest, and is given the rows of all CPUs. */
static int by_key(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	cond_resched();
	if (x->caller != y->caller)
		return x->caller < y->caller ? -1 : 1;
	return (int)x->class - (int)y->class;
}

static int compare(u64 a, u64 b)
{
	return a < b ? 1 : a > b ? -1 : 0;
}

static int worst_first(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	cond_resched();
	return compare(x->fallback, y->fallback) ?:
	       compare(x->total, y->total) ?: by_key(a, b);
}

/* One row for each caller and class, whatever CPUs it ran on */
static void merge_rows(struct snapshot *snap)
{
	unsigned int i, nr = 0;

	sort(snap->rows, snap->nr, sizeof(*snap->rows), by_key, NULL);
	for (i = 0; i < snap->nr; i++) {
		add_row(&snap->sum, &snap->rows[i]);
		if (nr && !by_key(&snap->rows[nr - 1], &snap->rows[i]))
			add_row(&snap->rows[nr - 1], &snap->rows[i]);
		else
			snap->rows[nr++] = snap->rows[i];
	}
	snap->nr = nr;
}

static void drop_snapshot(struct snapshot *snap)
{
	if (snap)
		vfree(snap->rows);
	kfree(snap);
}

static struct snapshot *take_snapshot(void)
{
	struct snapshot *snap = kzalloc(sizeof(*snap), GFP_KERNEL);
	unsigned int most = count_rows();

	if (!snap)
		return NULL;
	/*
	 * Not kvmalloc: a look would add its own rows to the table, as the buffer
	 * of the file does. NOWARN: who reads gets ENOMEM, which says enough.
	 */
	snap->rows = __vmalloc(array_size(most + 1, sizeof(*snap->rows)),
			       GFP_KERNEL | __GFP_NOWARN);
	if (!snap->rows) {
		drop_snapshot(snap);
		return NULL;
	}
	copy_rows(snap, most);
	merge_rows(snap);
	sort(snap->rows, snap->nr, sizeof(*snap->rows), worst_first, NULL);
	return snap;
}

static unsigned long missed(void)
{
	return watch.nmissed + watch.kp.nmissed;
}

/* An address without a symbol says nothing. */
static const char *name_of(struct snapshot *snap, const struct row *row)
{
	if (row->class & CLASS_GONE)
		return "[gone]";
	sprint_symbol(snap->symbol, row->caller);
	return strstarts(snap->symbol, "0x") ? "[gone]" : snap->symbol;
}

static void show_row(struct seq_file *seq, const struct row *row,
		     const char *name)
{
	seq_printf(seq, "%10llu %10llu %8llu %14llu %14llu %12llu %10llu  %s\n",
		   row->calls, row->fallbacks, row->failures, to_ns(row->total),
		   to_ns(row->fallback), to_ns(row->worst),
		   1ull << min(row->class & CLASS_MASK, 63u), name);
}

static int callers_show(struct seq_file *seq, void *v)
{
	struct snapshot *snap = take_snapshot();
	unsigned int i;

	if (!snap)
		return -ENOMEM;
	seq_printf(seq, "# symbol=" SYMBOL " entries=%u maxactive=%d\n", entries,
		   watch.maxactive);
	seq_printf(seq, "# calls=%llu fallbacks=%llu failures=%llu lost=%lu missed=%lu rows=%u\n",
		   snap->sum.calls, snap->sum.fallbacks, snap->sum.failures,
		   snap->lost, missed(), snap->nr);
	seq_puts(seq, "# order=fallback_ns,total_ns\n");
	seq_printf(seq, "%10s %10s %8s %14s %14s %12s %10s  %s\n", "calls",
		   "fallbacks", "failures", "total_ns", "fallback_ns",
		   "worst_ns", "size_to", "caller");
	for (i = 0; i < snap->nr; i++)
		show_row(seq, &snap->rows[i], name_of(snap, &snap->rows[i]));
	drop_snapshot(snap);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(callers);

/*
 * Where a module has gone, or just its init code, another may come: a row keeps
 * what it counted, but no longer takes calls, nor the name of whoever is there.
 */
static void forget(const struct module *mod,
		   bool (*within)(unsigned long addr, const struct module *mod))
{
	struct row *row;
	unsigned int i;
	int cpu;

	for_each_possible_cpu(cpu) {
		for (i = 0; i < entries; i++) {
			row = &per_cpu(tables, cpu)->rows[i];
			/* Pairs with search(). */
			if (within(smp_load_acquire(&row->caller), mod))
				WRITE_ONCE(row->class, row->class | CLASS_GONE);
		}
		cond_resched();
	}
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

/* Loading and unloading */

static void free_tables(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		kvfree(per_cpu(tables, cpu));
}

static int __init make_tables(void)
{
	struct table *table;
	int cpu;

	for_each_possible_cpu(cpu) {
		/*
		 * Not vzalloc_node(), which takes no flags. NOWARN: insmod's
		 * ENOMEM says enough.
		 */
		table = kvmalloc_node(struct_size(table, rows, entries),
				      GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN,
				      kvdemo_compat_cpu_node(cpu));
		if (!table) {
			free_tables();
			return -ENOMEM;
		}
		u64_stats_init(&table->sync);
		per_cpu(tables, cpu) = table;
	}
	return 0;
}

/*
 * Both clocks over the same time, long beside what it takes to read them; once more
 * where the task woke on a CPU whose counter lies behind.
 */
static void __init calibrate(void)
{
	u64 start_ns, start;
	s64 passed = 0;
	int i;

	for (i = 0; i < CALIBRATE_TRIES && passed <= 0; i++) {
		start_ns = ktime_get_ns();
		start = ticks();
		msleep(CALIBRATE_MS);
		passed = ticks() - start;
	}
	/* 1 MHz, the slowest clock there is, is near what fits. */
	tick_mult = min_t(u64, U32_MAX,
			  div64_u64((ktime_get_ns() - start_ns) << TICK_SHIFT,
				    max_t(s64, passed, 1)));
}

static int __init prepare(void)
{
	u64 most = (u64)si_mem_available() * PAGE_SIZE / TABLES_SHARE;

	if (watch_err)
		return watch_err;
	if (KVDEMO_COMPAT_PANICS) {
		pr_err("cannot watch %s: on powerpc a return probe can panic a kernel with CONFIG_PREEMPTION and CONFIG_OPTPROBES, allowed is one without either\n",
		       SYMBOL);
		return -EOPNOTSUPP;
	}
	entries = roundup_pow_of_two(entries_asked.value);
	mask = entries - 1;
	most = div_u64(most, sizeof(struct row) * num_possible_cpus());
	if (entries > most) {
		/* a power of two is what is made of it */
		pr_err("entries=%u is out of range: allowed on this machine is up to %lu\n",
		       entries_asked.value, most ? rounddown_pow_of_two(most) : 0ul);
		return -ERANGE;
	}
	vmalloc_start = VMALLOC_START;
	vmalloc_size = VMALLOC_END - VMALLOC_START;
	watch.maxactive = maxactive.value ?:
			  clamp(4 * num_possible_cpus(), MIN_ACTIVE, MAX_ACTIVE);
	return 0;
}

static int __init kvdemo_watch_init(void)
{
	int err = prepare() ?: self_check() ?: make_tables();

	if (err)
		return err;
	calibrate();
	err = register_module_notifier(&module_notifier);
	if (err)
		goto out_tables;
	err = register_probe(&watch);
	if (err)
		goto out_notifier;
	callers = debugfs_create_file("callers", 0400, kvdemo_debugfs_dir(),
				      NULL, &callers_fops);
	pr_info("watching " SYMBOL ", gfp is its argument %u\n",
		KVDEMO_COMPAT_GFP_ARG);
	return 0;

out_notifier:
	unregister_module_notifier(&module_notifier);
out_tables:
	free_tables();
	return err;
}

static void __exit kvdemo_watch_exit(void)
{
	struct snapshot *snap;

	debugfs_remove(callers);
	/* Returns when no handler runs and none will. */
	unregister_kretprobe(&watch);
	unregister_module_notifier(&module_notifier);
	snap = take_snapshot();
	if (snap)
		pr_info("stopped calls=%llu fallbacks=%llu failures=%llu lost=%lu missed=%lu\n",
			snap->sum.calls, snap->sum.fallbacks,
			snap->sum.failures, snap->lost, missed());
	drop_snapshot(snap);
	free_tables();
}

module_init(kvdemo_watch_init);
module_exit(kvdemo_watch_exit);

MODULE_DESCRIPTION("Watches every caller of the running kernel's kvmalloc");
MODULE_AUTHOR("The kvdemo authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(KVDEMO_VERSION);
