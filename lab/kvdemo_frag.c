// SPDX-License-Identifier: GPL-2.0-only
/*
 * insmod kvdemo_frag.ko fragments free memory, rmmod gives it back.
 *
 * Free blocks are taken, the largest first, and split. With order=N one page of
 * each 2^N is kept and the others are freed: with order=1 every second page. No
 * free block of order N is left then, and as the kept pages cannot be moved,
 * compaction cannot make one. The log says how much was taken, and for each order
 * how much of free memory it cannot use.
 *
 * It takes free memory only, so nothing is reclaimed and nobody is killed for it;
 * it keeps at most share= percent of it and leaves at least reserve= MiB free.
 * Smaller blocks than those of order N are left, and the default N is above the
 * costly order: up to that one the kernel kills for a block that it lacks.
 *
 * What is set aside for CMA is left whole, for it is not given to such pages; a
 * kernel allocation cannot use it either.
 *
 * What the lists of the CPUs hide is neither seen nor taken: single pages, a few
 * MiB in all, that join to blocks when somebody empties these lists, as kcompactd
 * does after a failed try.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>

#include "kvdemo_compat.h"
#include "demo/param.h"
#include "lab.h"

/* The lists of the CPUs are not counted as free: hence a little more than half. */
#define MAX_SHARE	60
#define DEFAULT_ORDER	(PAGE_ALLOC_COSTLY_ORDER + 1)
#define DEFAULT_RESERVE	64
#define MAX_RESERVE	(UINT_MAX >> (20 - PAGE_SHIFT))	/* an unsigned int of pages */
#define MAX_PASSES	20
#define PASS_MS		20

static int frag_err;

static struct param_number most_share = {
	.value = MAX_SHARE, .min = 1, .max = MAX_SHARE, .err = &frag_err,
};
module_param_cb(share, &param_number_ops, &most_share, 0400);
MODULE_PARM_DESC(share, "percent of free memory to keep at most: 1 to 60, default 60");

static struct param_number reserve = {
	.value = DEFAULT_RESERVE, .min = 16, .max = MAX_RESERVE, .err = &frag_err,
};
module_param_cb(reserve, &param_number_ops, &reserve, 0400);
MODULE_PARM_DESC(reserve, "MiB to leave free at least: 16 and more, default 64");

static struct param_number min_order = {
	.value = DEFAULT_ORDER, .min = 1, .max = LAB_NR_ORDERS - 1, .err = &frag_err,
};
module_param_cb(order, &param_number_ops, &min_order, 0400);
MODULE_PARM_DESC(order, "smallest order of which no block is left: 1 to the largest, default 4; up to 3 others may meet the OOM killer");

/* The pages that are kept, by their lru, which nobody else uses then */
static LIST_HEAD(kept);
static unsigned long nr_kept;
static struct lab_free before, after;

static unsigned long reserve_pages(void)
{
	return (unsigned long)reserve.value << (20 - PAGE_SHIFT);
}

static bool may_take(int order)
{
	u64 most = div_u64((u64)before.pages * most_share.value, 100);
	unsigned long keep = 1ul << (order - min_order.value);
	struct lab_free now;

	lab_count_free(&now, 0);
	return nr_kept + keep <= most &&
	       now.pages >= (u64)reserve_pages() + (1ul << order);
}

static bool take_block(int order)
{
	gfp_t gfp = GFP_KERNEL;
	struct page *page;
	unsigned long i;

	/* neither direct reclaim nor kswapd: what is in use stays in use */
	gfp &= ~__GFP_RECLAIM;
	/* not being given a block is how this ends */
	gfp |= __GFP_NOWARN | __GFP_NORETRY;
	/* the reserves below the watermarks are not ours */
	gfp |= __GFP_NOMEMALLOC;
	page = alloc_pages(gfp, order);
	if (!page)
		return false;
	split_page(page, order);
	for (i = 0; i < 1ul << order; i++) {
		if (i % (1ul << min_order.value)) {
			__free_page(page + i);
			continue;
		}
		list_add(&page[i].lru, &kept);
		nr_kept++;
	}
	return true;
}

static int take_all(void)
{
	int order;

	for (order = LAB_NR_ORDERS - 1; order >= (int)min_order.value; order--) {
		while (may_take(order) && take_block(order)) {
			if (fatal_signal_pending(current))
				return -EINTR;
			cond_resched();
		}
	}
	return 0;
}

/* Each CPU keeps lists of free blocks that only it allocates from. */
static int take_on_every_cpu(void)
{
	cpumask_var_t old;
	int cpu, err = 0;

	if (!alloc_cpumask_var(&old, GFP_KERNEL))
		return -ENOMEM;
	cpumask_copy(old, current->cpus_ptr);
	for_each_online_cpu(cpu) {
		/* One that has gone meanwhile has no lists. */
		if (set_cpus_allowed_ptr(current, cpumask_of(cpu)))
			continue;
		err = take_all();
		if (err)
			break;
	}
	set_cpus_allowed_ptr(current, old);
	free_cpumask_var(old);
	return err;
}

/* What others free, and what a CPU hands back late, may still join to blocks. */
static int take_until_calm(void)
{
	unsigned long last = 0;
	int pass, err;

	for (pass = 0; pass < MAX_PASSES; pass++) {
		err = take_on_every_cpu();
		if (err || nr_kept == last)
			return err;
		last = nr_kept;
		msleep_interruptible(PASS_MS);
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

static void give_all(void)
{
	struct page *page, *next;
	unsigned long given = 0;

	list_for_each_entry_safe(page, next, &kept, lru) {
		list_del(&page->lru);
		__free_page(page);
		if (!(++given % SZ_1K))
			cond_resched();
	}
	pr_info("given back=%lu of kept=%lu pages\n", given, nr_kept);
	nr_kept -= given;
}

/* Per mille of free memory that lies in blocks too small for this order */
static unsigned int unusable(const struct lab_free *sum, int order)
{
	unsigned long pages = min(sum->pages, lab_free_from(sum, order));

	return div64_u64((u64)(sum->pages - pages) * 1000, sum->pages ?: 1);
}

static void log_orders(void)
{
	unsigned int was, is;
	int order;

	for (order = 0; order < LAB_NR_ORDERS; order++) {
		was = unusable(&before, order);
		is = unusable(&after, order);
		pr_info("order=%d pages_before=%lu pages_after=%lu unusable_before=%u.%u%% unusable_after=%u.%u%%\n",
			order, before.blocks[order] << order,
			after.blocks[order] << order, was / 10, was % 10,
			is / 10, is % 10);
	}
}

static int __init kvdemo_frag_init(void)
{
	int err = frag_err;

	if (err)
		return err;
	lab_count_free(&before, 0);
	pr_info("free=%lu pages share=%u%% reserve=%lu pages order=%u\n",
		before.pages, most_share.value, reserve_pages(), min_order.value);
	err = take_until_calm();
	if (err) {
		pr_err("%s: nothing is kept\n",
		       err == -EINTR ? "interrupted" : "no memory");
		give_all();
		return err;
	}
	lab_count_free(&after, 0);
	log_orders();
	pr_info("fragmented kept=%lu free=%lu pages\n", nr_kept, after.pages);
	return 0;
}

static void __exit kvdemo_frag_exit(void)
{
	lab_count_free(&before, 0);
	give_all();
	lab_count_free(&after, 0);
	log_orders();
}

module_init(kvdemo_frag_init);
module_exit(kvdemo_frag_exit);

MODULE_DESCRIPTION("Fragments free memory while it is loaded, within bounds");
MODULE_AUTHOR("The kvdemo authors");
MODULE_LICENSE("GPL");
