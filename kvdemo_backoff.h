/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policy backoff, a part of kvdemo_alloc.c.
 *
 * After an attempt has failed, this CPU skips attempts of that order for a back-off
 * period of BACKOFF_TICKS. The period ends early if more blocks are free than the fewest
 * since the failure. It is short, because only attempts wake kswapd and kcompactd. A
 * request with __GFP_RETRY_MAYFAIL is always attempted, and ends the period.
 *
 * Free blocks are read, without a lock, from the zone that serves the request first
 * (all blocks that are large enough) and from the lower zones of its node (blocks of
 * just that order). Blocks that are free but not for this request, such as those of CMA
 * or below a watermark, were already counted at the failure.
 *
 * Where compaction has pages to move, and no attempt has failed for a second, the next
 * BACKOFF_BURST failures start no period. Compaction needs many wake-ups in a row: in a
 * node that is short of free pages, kswapd must reclaim nothing 16 times
 * (MAX_RECLAIM_RETRIES) before kcompactd may run. kcompactd then ignores some wake-ups.
 *
 * A skipped attempt and a successful one write nothing that CPUs share.
 */
#ifndef KVDEMO_BACKOFF_H
#define KVDEMO_BACKOFF_H

#include <linux/cpuset.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/percpu.h>
#include <linux/pfn.h>
#include <linux/sched.h>
#include <linux/topology.h>
#include <linux/vmstat.h>

#include "kvdemo.h"

/* vmalloc promises neither a zone nor a node, so such a request has no fallback. */
#define GFP_BOUND	(__GFP_DMA | __GFP_THISNODE)

#define BACKOFF_TICKS	max(HZ / 250, 1)
#define BACKOFF_BURST	24
#define NR_ORDERS	(KMALLOC_SHIFT_MAX - PAGE_SHIFT + 1)

/*
 * Indexed by __fls(size - 1). 0: attempts are made. Otherwise 1 + the fewest free blocks
 * seen since the failure. Sizes above KMALLOC_MAX_SIZE are never attempted. It is not in
 * struct backoff, because an index into an array of u32 takes one instruction.
 */
DEFINE_PER_CPU(u32, kvdemo_backoff_seen[BITS_PER_LONG]) = {
	[KMALLOC_SHIFT_MAX ... BITS_PER_LONG - 1] = 1,
};

/* Not kvdemo_backoff_seen[index]: UBSAN would check an index that cannot be too large. */
#define seen_at(index)	(*(kvdemo_backoff_seen + (index)))

/* The last failure of an order */
struct backoff {
	const struct zone *zone;	/* the one that is tried first */
	u32 since;	/* jiffies */
	u8 burst;	/* failures that started no period, since a second without failure */
};

static DEFINE_PER_CPU(struct backoff, backoff_last[NR_ORDERS]);

/* @size is above PAGE_SIZE. */
static __always_inline unsigned int backoff_index(size_t size)
{
	return __fls(size - 1);
}

/* If the task migrates between two accesses, only a guess gets worse. */
static __always_inline u32 backoff_remembers(size_t size)
{
	return this_cpu_read(seen_at(backoff_index(size)));
}

static bool has_mempolicy(void)
{
#ifdef CONFIG_NUMA
	return current->mempolicy;
#else
	return false;
#endif
}

/* What GFP_KERNEL does not get: free pages of CMA, and the whole reserve of atomic requests */
static unsigned long foreign_pages(struct zone *zone)
{
	return zone_page_state(zone, NR_FREE_CMA_PAGES) + READ_ONCE(zone->nr_reserved_highatomic);
}

/*
 * Does the zone stay above @mark without @pages?
 * lowmem_reserve: the pages of a lower zone that GFP_KERNEL may not take; 0 for the first zone.
 */
static bool stays_above(struct zone *zone, unsigned long mark, unsigned long pages)
{
	pages += foreign_pages(zone) + zone->lowmem_reserve[ZONE_NORMAL];
	return zone_page_state(zone, NR_FREE_PAGES) > mark + pages;
}

/* Can the zone give @pages so that nobody reclaims? */
static bool has_spare(struct zone *zone, unsigned long pages)
{
	return stays_above(zone, high_wmark_pages(zone), pages);
}

static struct zoneref *first_zoneref(int node)
{
	struct zoneref *ref;

	if (node == NUMA_NO_NODE)
		node = numa_mem_id();
	ref = node_zonelist(node, GFP_KERNEL)->_zonerefs;
	/* Highmem and movable zones come first in the list, but kmalloc cannot use them. */
	while (zonelist_zone_idx(ref) > ZONE_NORMAL)
		ref++;
	return ref;
}

static struct zone *first_zone(int node)
{
	return zonelist_zone(first_zoneref(node));
}

/*
 * Free blocks as above; the zones of a node are one array. Each skipped attempt pays for the
 * first loop, so it is unrolled, from its end, which is constant.
 */
static __always_inline u32 free_blocks(const struct zone *zone, unsigned int order)
{
	const struct zone *lowest = zone->zone_pgdat->node_zones;
	unsigned long blocks = 0;
	int i;

	BUILD_BUG_ON(ARRAY_SIZE(zone->free_area) < NR_ORDERS);
#pragma GCC unroll 16
	for (i = NR_ORDERS - 1; i >= (int)order; i--)
		blocks += data_race(zone->free_area[i].nr_free); /* no lock */
	while (zone-- != lowest)
		blocks += data_race(zone->free_area[order].nr_free); /* no lock */
	return blocks;
}

/*
 * Is there a free block of @order or more for GFP_KERNEL? Those of CMA and of the reserve of
 * atomic requests have types of their own.
 */
static bool has_block(const struct zone *zone, unsigned int order)
{
	int type;

	for (; order < NR_ORDERS; order++)
		for (type = 0; type < MIGRATE_PCPTYPES; type++)
			if (!list_empty(&zone->free_area[order].free_list[type]))
				return true;
	return false;
}

/* Does any zone have such a block, and may give it? Then the attempt would have found it. */
static bool any_has_block(int node, unsigned int order)
{
	struct zoneref *ref;
	struct zone *zone;

	for (ref = first_zoneref(node); (zone = zonelist_zone(ref)); ref++)
		if (zonelist_zone_idx(ref) <= ZONE_NORMAL && has_block(zone, order) &&
		    stays_above(zone, min_wmark_pages(zone), 1ul << order))
			return true;
	return false;
}

/* Do free blocks of @order or more hold @pages, without those that GFP_KERNEL does not get? */
static bool blocks_hold(struct zone *zone, unsigned int order, unsigned long pages)
{
	unsigned long found = 0;

	for (; order < NR_ORDERS; order++)
		found += data_race(zone->free_area[order].nr_free) << order; /* no lock */
	return found >= pages + foreign_pages(zone);
}

/* Is the attempt of this request skipped? */
static bool backoff_rests(size_t size, gfp_t gfp)
{
	unsigned int index = backoff_index(size), order = index - PAGE_SHIFT + 1;
	u32 now, seen = this_cpu_read(seen_at(index));
	const struct backoff *last;
	const struct zone *zone;

	if (!seen)
		return false;
	last = raw_cpu_ptr(backoff_last + order);
	zone = READ_ONCE(last->zone);
	/* No zone: the task that wrote @seen had migrated, and no attempt failed on this CPU. */
	now = likely(zone) ? free_blocks(zone, order) + 1 : U32_MAX;
	/* RETRY_MAYFAIL: the caller wants contiguous memory and accepts the price. */
	if (gfp & __GFP_RETRY_MAYFAIL || now > seen ||
	    (u32)jiffies - READ_ONCE(last->since) >= BACKOFF_TICKS) {
		/* Cleared before the attempt, so that a success need not write anything. */
		this_cpu_write(seen_at(index), 0);
		return false;
	}
	/* A block that was taken and is freed again later counts as new. */
	if (now < seen)
		this_cpu_write(seen_at(index), now);
	return true;
}

/*
 * Compaction moves pages of the LRU lists. With an eighth of the zone or less on them it
 * made no block in measurements, and a burst of 24 attempts would only cost time.
 */
static bool has_movable(struct zone *zone)
{
	unsigned long pages = 0;
	int item;

	for (item = NR_ZONE_INACTIVE_ANON; item <= NR_ZONE_ACTIVE_FILE; item++)
		pages += zone_page_state(zone, item);
	return pages > zone_managed_pages(zone) / 8;
}

static bool in_burst(struct backoff *last, struct zone *zone)
{
	if ((u32)jiffies - READ_ONCE(last->since) > HZ)
		last->burst = 0;
	if (READ_ONCE(last->burst) >= BACKOFF_BURST || !has_movable(zone))
		return false;
	last->burst++;
	return true;
}

/* May the failure come from a limit of one cgroup, cpuset or memory policy? */
static bool is_confined(gfp_t gfp)
{
	/* cgroup version 1 may confine a task without HARDWALL, and so mems_allowed counts. */
	return gfp & (__GFP_ACCOUNT | __GFP_HARDWALL) || has_mempolicy() ||
	       !nodes_subset(node_states[N_MEMORY], cpuset_current_mems_allowed);
}

static noinline void backoff_failed(const struct kvdemo_request *rq)
{
	unsigned int index = backoff_index(rq->size), order = index - PAGE_SHIFT + 1;
	struct zone *zone = first_zone(rq->node);
	struct backoff *last;
	bool bursts;

	/* One full node or zone does not mean that memory is short elsewhere. */
	if (rq->gfp & GFP_BOUND)
		return;
	/* With free blocks left, the cause is the caller's limit, and memory is not short. */
	if (is_confined(rq->gfp) && any_has_block(rq->node, order))
		return;
	last = raw_cpu_ptr(backoff_last + order);
	bursts = in_burst(last, zone);
	WRITE_ONCE(last->since, jiffies);
	WRITE_ONCE(last->zone, zone);
	this_cpu_write(seen_at(index),
		       bursts ? 0 : free_blocks(zone, order) + 1);
}

/*
 * May the fallback leave kswapd asleep? vmalloc's own attempts would otherwise wake
 * kcompactd at each request, although the policy has just decided to wake nobody. The
 * answer is yes while the zone has so much free memory that kswapd has nothing to do. A
 * memory policy may lead to another zone.
 */
static bool backoff_is_quiet(const struct kvdemo_request *rq)
{
	return KVDEMO_VMALLOC_WAKES && !has_mempolicy() &&
	       has_spare(first_zone(rq->node), PFN_UP(rq->size));
}

/*
 * Where huge pages are cheaper than single ones, they are used if enough huge blocks are
 * free, so that nothing is reclaimed for them, and if rounding up wastes no more than an
 * eighth. A memory policy may ask another node for them.
 */
static bool backoff_maps_huge(const struct kvdemo_request *rq)
{
	u64 bytes = ALIGN((u64)rq->size, PMD_SIZE);
	unsigned long pages = bytes >> PAGE_SHIFT;
	unsigned int order = PMD_SHIFT - PAGE_SHIFT;
	struct zone *zone = first_zone(rq->node);

	return !has_mempolicy() && order < NR_ORDERS && bytes - rq->size <= rq->size / 8 &&
	       kvdemo_compat_huge_is_cheaper(zone, pages) &&
	       blocks_hold(zone, order, pages) && has_spare(zone, pages);
}

#endif /* KVDEMO_BACKOFF_H */
