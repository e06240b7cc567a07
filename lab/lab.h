/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How much free memory there is in blocks of each order.
 */
#ifndef KVDEMO_LAB_H
#define KVDEMO_LAB_H

#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/nodemask.h>
#include <linux/string.h>
#include <linux/vmstat.h>

#define LAB_NR_ORDERS	((int)ARRAY_SIZE(((struct zone *)NULL)->free_area))

/* The free memory that GFP_KERNEL can be served from */
struct lab_free {
	unsigned long pages; /* all of it */
	unsigned long cma; /* free pages that it is not served from */
	unsigned long blocks[LAB_NR_ORDERS]; /* of each order, with CMA, without pcplists */
};

/*
 * Does a zone give GFP_KERNEL a block of @order? As in __zone_watermark_ok() it keeps its
 * watermark, with the boost after a block of another migrate type was broken up, its reserve
 * against requests that other zones could serve, and the pages of CMA.
 */
static inline bool lab_zone_gives(struct zone *zone, int order)
{
	unsigned long keeps = min_wmark_pages(zone) + zone->lowmem_reserve[ZONE_NORMAL] +
			      zone_page_state(zone, NR_FREE_CMA_PAGES);

	return managed_zone(zone) &&
	       zone_page_state(zone, NR_FREE_PAGES) >= keeps + (1ul << order);
}

static inline void lab_add_zone(struct lab_free *sum, struct zone *zone)
{
	int order;

	sum->pages += zone_page_state(zone, NR_FREE_PAGES) -
		      zone_page_state(zone, NR_FREE_CMA_PAGES);
	sum->cma += zone_page_state(zone, NR_FREE_CMA_PAGES);
	for (order = 0; order < LAB_NR_ORDERS; order++)
		sum->blocks[order] += READ_ONCE(zone->free_area[order].nr_free);
}

/*
 * Counts the zones that would give a block of @order. It reads without their locks, so
 * the figures need not fit each other exactly.
 */
static inline void lab_count_free(struct lab_free *sum, int order)
{
	struct zone *zone;
	int nid, i;

	memset(sum, 0, sizeof(*sum));
	for_each_online_node(nid) {
		for (i = 0; i <= ZONE_NORMAL; i++) {
			zone = &NODE_DATA(nid)->node_zones[i];
			if (lab_zone_gives(zone, order))
				lab_add_zone(sum, zone);
		}
	}
}

/* The free pages in blocks of @order and above; the blocks of CMA are taken to be whole */
static inline unsigned long lab_free_from(const struct lab_free *sum, int order)
{
	unsigned long pages = 0;

	for (; order < LAB_NR_ORDERS; order++)
		pages += sum->blocks[order] << order;
	return pages - min(pages, sum->cma);
}

#endif /* KVDEMO_LAB_H */
