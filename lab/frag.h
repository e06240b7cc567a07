/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The fragmenter: kvdemo_frag.ko for people, and the tests that need fragmented memory.
 *
 * It takes free blocks, the largest first, and splits them. Of each 2^order pages it
 * keeps one and frees the others. Afterwards no free block of that order is left, and
 * compaction cannot make one, because the kept pages cannot be moved.
 */
#ifndef KVDEMO_FRAG_H
#define KVDEMO_FRAG_H

#include <linux/cpumask.h>
#include <linux/delay.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "lab.h"

#define FRAG_MAX_PASSES		20
#define FRAG_PASS_MS		20

struct frag {
	int order;	/* the smallest of which no free block is left */
	unsigned long max_kept, reserve; /* pages to keep at most, to leave free at least */
	struct list_head kept; /* pages, linked by their lru, which is unused meanwhile */
	unsigned long nr_kept;
};

static inline bool frag_may_take(const struct frag *frag, int order)
{
	unsigned long keep = 1ul << (order - frag->order);
	struct lab_free now;

	lab_count_free(&now, 0);
	return frag->nr_kept + keep <= frag->max_kept &&
	       now.pages >= (u64)frag->reserve + (1ul << order);
}

/* Splits a block, keeps one page of @every and frees the others */
static inline void frag_split(struct frag *frag, struct page *page, int order,
			      unsigned long every)
{
	unsigned long i;

	split_page(page, order);
	for (i = 0; i < 1ul << order; i++) {
		if (i % every) {
			__free_page(page + i);
			continue;
		}
		list_add(&page[i].lru, &frag->kept);
		frag->nr_kept++;
	}
}

static inline bool frag_take_block(struct frag *frag, int order)
{
	gfp_t gfp = GFP_KERNEL;
	struct page *page;

	/* no reclaim, direct or by kswapd: only free memory is taken */
	gfp &= ~__GFP_RECLAIM;
	/* a failure is expected: it ends the loop */
	gfp |= __GFP_NOWARN | __GFP_NORETRY;
	/* leave the reserves below the watermarks alone */
	gfp |= __GFP_NOMEMALLOC;
	page = alloc_pages(gfp, order);
	if (!page)
		return false;
	frag_split(frag, page, order, 1ul << frag->order);
	return true;
}

static inline int frag_take_all(struct frag *frag)
{
	int order;

	for (order = LAB_NR_ORDERS - 1; order >= frag->order; order--) {
		while (frag_may_take(frag, order) && frag_take_block(frag, order)) {
			if (fatal_signal_pending(current))
				return -EINTR;
			cond_resched();
		}
	}
	return 0;
}

/* Each CPU has pcplists, from which only it allocates. */
static inline int frag_take_on_every_cpu(struct frag *frag)
{
	static cpumask_t old; /* only one task fragments at a time */
	int cpu, err = 0;

	cpumask_copy(&old, current->cpus_ptr);
	for_each_online_cpu(cpu) {
		/* A CPU that has gone offline meanwhile has no lists. */
		if (set_cpus_allowed_ptr(current, cpumask_of(cpu)))
			continue;
		err = frag_take_all(frag);
		if (err)
			break;
	}
	set_cpus_allowed_ptr(current, &old);
	return err;
}

/*
 * Fragments free memory: the caller sets order, max_kept and reserve. It repeats until a
 * pass finds nothing, because pages that others free, or that a CPU hands back late, may
 * form blocks again. Returns 0, or -EINTR if the task is being killed. The caller calls
 * frag_give() then as well.
 */
static inline int frag_take(struct frag *frag)
{
	unsigned long last = 0;
	int pass, err;

	INIT_LIST_HEAD(&frag->kept);
	frag->nr_kept = 0;
	for (pass = 0; pass < FRAG_MAX_PASSES; pass++) {
		err = frag_take_on_every_cpu(frag);
		if (err || frag->nr_kept == last)
			return err;
		last = frag->nr_kept;
		msleep_interruptible(FRAG_PASS_MS);
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

/* Frees the kept pages and returns their number, which should be @frag->nr_kept. */
static inline unsigned long frag_give(struct frag *frag)
{
	struct page *page, *next;
	unsigned long given = 0;

	list_for_each_entry_safe(page, next, &frag->kept, lru) {
		list_del(&page->lru);
		__free_page(page);
		given++;
		cond_resched();
	}
	return given;
}

#endif /* KVDEMO_FRAG_H */
