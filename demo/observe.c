// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who looks at allocations: the tracepoints, and statistics per policy and size
 * class that are off until somebody switches them on.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bitops.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/percpu.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "compat.h"
#include "observe.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* kvdemo_watch emits it for the kernel's own callers. */
EXPORT_TRACEPOINT_SYMBOL_GPL(kvdemo_alloc);

static bool stats_on;
static const struct kvdemo_observer observer;

/* The tracer's own static key comes second: the allocation path has ours only. */
int kvdemo_trace_reg(void)
{
	kvdemo_observe(&observer);
	return 0;
}

void kvdemo_trace_unreg(void)
{
	kvdemo_unobserve();
}

/*
 * Class n: more than 2^(n-1), at most 2^n bytes; bucket n: less than 2^n ns. The
 * last of each has no upper end.
 */
#define NR_CLASSES	32
#define NR_BUCKETS	32

struct class_stats {
	unsigned long paths[KVDEMO_NR_PATHS];
	unsigned long whys[KVDEMO_NR_WHYS];
	unsigned long kmalloc[NR_BUCKETS];
	unsigned long vmalloc[NR_BUCKETS];
};

#define NR_COUNTERS	(sizeof(struct class_stats) / sizeof(unsigned long))

struct stats {
	struct class_stats classes[KVDEMO_NR_POLICIES][NR_CLASSES];
};

/*
 * Each CPU counts for itself and nobody else writes there: a reset notes the
 * sums of that moment, from which all later ones are counted.
 */
static DEFINE_PER_CPU(struct stats *, cpu_stats);
static struct stats *base;

static unsigned int class_of(size_t size)
{
	return min_t(unsigned int, order_base_2(size), NR_CLASSES - 1);
}

static void count_ns(unsigned long *buckets, s64 ns)
{
	if (ns >= 0)
		buckets[min(fls64(ns), NR_BUCKETS - 1)]++;
}

static void count(const struct kvdemo_request *rq,
		  const struct kvdemo_result *res)
{
	size_t policy = rq->policy - kvdemo_policies;
	struct class_stats *class;
	struct stats *stats;

	/* A policy of the caller's own has no row here. */
	if (policy >= KVDEMO_NR_POLICIES)
		return;
	stats = *get_cpu_ptr(&cpu_stats);
	class = &stats->classes[policy][class_of(rq->size)];
	class->paths[res->path]++;
	class->whys[res->why]++;
	count_ns(class->kmalloc, res->kmalloc_ns);
	count_ns(class->vmalloc, res->vmalloc_ns);
	put_cpu_ptr(&cpu_stats);
}

static void tell_alloc(const struct kvdemo_request *rq, const struct kvdemo_result *res,
		       const void *p, s64 total_ns, unsigned long caller)
{
	trace_kvdemo_alloc(KVDEMO_ORIGIN_API, rq, res, p, total_ns, caller);
	/* pairs with the release in kvdemo_stats_switch() */
	if (smp_load_acquire(&stats_on))
		count(rq, res);
}

static void tell_free(const void *p, enum kvdemo_path path, unsigned long caller)
{
	trace_kvdemo_free(p, path, caller);
}

static const struct kvdemo_observer observer = { .alloc = tell_alloc, .free = tell_free };

static int make_stats(void)
{
	int cpu;

	/* Who asked is told of a failure, so the log need not be. */
	if (!base)
		base = kvdemo_kvzalloc(sizeof(*base), GFP_KERNEL | __GFP_NOWARN);
	if (!base)
		return -ENOMEM;
	for_each_possible_cpu(cpu) {
		struct stats **stats = per_cpu_ptr(&cpu_stats, cpu);

		if (!*stats)
			*stats = kvdemo_kvzalloc_node(sizeof(**stats),
						      GFP_KERNEL | __GFP_NOWARN,
						      kvdemo_compat_cpu_node(cpu));
		if (!*stats)
			return -ENOMEM;
	}
	return 0;
}

/**
 * kvdemo_stats_switch() - count from now on, or no more
 * @on: whether to count; what was counted stays
 *
 * Takes about 120 KiB for each possible CPU when first switched on.
 *
 * Context: process context, may sleep; the caller serialises.
 * Return: 0 or -ENOMEM.
 */
int kvdemo_stats_switch(bool on)
{
	int err = on ? make_stats() : 0;

	if (err || on == stats_on)
		return err;
	/* A tracer may have switched the key on: the counters come first. */
	smp_store_release(&stats_on, on);
	if (on)
		kvdemo_observe(&observer);
	else
		kvdemo_unobserve();
	return 0;
}

/* All CPUs' counters of a class since the last reset, or since ever */
static void sum(struct class_stats *to, int policy, int class, bool since_ever)
{
	unsigned long *sums = (unsigned long *)to, *from;
	int cpu, i;

	memset(to, 0, sizeof(*to));
	for_each_possible_cpu(cpu) {
		from = (unsigned long *)
			&per_cpu(cpu_stats, cpu)->classes[policy][class];
		for (i = 0; i < NR_COUNTERS; i++)
			sums[i] += READ_ONCE(from[i]);
	}
	from = (unsigned long *)&base->classes[policy][class];
	for (i = 0; !since_ever && i < NR_COUNTERS; i++)
		sums[i] -= from[i];
}

/* Were they ever switched on? make_stats() fills base first, the CPUs then. */
static bool have_stats(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		if (!per_cpu(cpu_stats, cpu))
			return false;
	return base;
}

/**
 * kvdemo_stats_reset() - count from zero
 *
 * Context: process context; the caller serialises.
 */
void kvdemo_stats_reset(void)
{
	int policy, class;

	if (!have_stats())
		return;
	for (policy = 0; policy < KVDEMO_NR_POLICIES; policy++)
		for (class = 0; class < NR_CLASSES; class++)
			sum(&base->classes[policy][class], policy, class, true);
}

static const char *upper_end(char *str, size_t len, int i, int nr)
{
	if (i == nr - 1)
		return "inf";
	snprintf(str, len, "%lu", 1UL << i);
	return str;
}

static void show_hist(struct seq_file *seq, const char *step, int policy,
		      int class, const unsigned long *buckets)
{
	char to[24], below[24];
	int i;

	for (i = 0; i < NR_BUCKETS; i++)
		if (buckets[i])
			seq_printf(seq, "hist policy=%s size_to=%s step=%s ns_below=%s count=%lu\n",
				   kvdemo_policies[policy].name,
				   upper_end(to, sizeof(to), class, NR_CLASSES),
				   step, upper_end(below, sizeof(below), i, NR_BUCKETS),
				   buckets[i]);
}

static void show_class(struct seq_file *seq, int policy, int class)
{
	struct class_stats now;
	char to[24];
	int i;

	sum(&now, policy, class, false);
	if (!memchr_inv(now.paths, 0, sizeof(now.paths)))
		return;
	seq_printf(seq, "class policy=%s size_to=%s", kvdemo_policies[policy].name,
		   upper_end(to, sizeof(to), class, NR_CLASSES));
	for (i = 0; i < KVDEMO_NR_PATHS; i++)
		seq_printf(seq, " %s=%lu", kvdemo_path_name(i), now.paths[i]);
	for (i = 0; i < KVDEMO_NR_WHYS; i++)
		if (now.whys[i])
			seq_printf(seq, " why_%s=%lu", kvdemo_why_name(i),
				   now.whys[i]);
	seq_putc(seq, '\n');
	show_hist(seq, "kmalloc", policy, class, now.kmalloc);
	show_hist(seq, "vmalloc", policy, class, now.vmalloc);
}

/**
 * kvdemo_stats_show() - print the counters that are not zero
 * @seq: where to
 *
 * Context: process context; the caller serialises.
 */
void kvdemo_stats_show(struct seq_file *seq)
{
	int policy, class;

	seq_printf(seq, "stats %s\n",
		   stats_on ? "on" : "off");
	if (!have_stats())
		return;
	for (policy = 0; policy < KVDEMO_NR_POLICIES; policy++)
		for (class = 0; class < NR_CLASSES; class++)
			show_class(seq, policy, class);
}

/**
 * kvdemo_stats_exit() - give the counters back
 *
 * Context: process context, when no caller of the API is left.
 */
void kvdemo_stats_exit(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		kvdemo_kvfree(per_cpu(cpu_stats, cpu));
	kvdemo_kvfree(base);
}
