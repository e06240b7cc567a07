// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tests of kvdemo_watch.ko need in the guest. On load: pairs of the
 * kernel's kvmalloc() and kvfree(), timed together, the price in the log. With
 * fragment=1 free memory is fragmented until rmmod, so that the kernel's own
 * callers must fall back.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sizes.h>

#include "kvdemo_compat.h"

static unsigned int pairs;
module_param(pairs, uint, 0);
MODULE_PARM_DESC(pairs, "how many pairs of 16 KiB to time, 10 or more");

static bool fragment;
module_param(fragment, bool, 0);
MODULE_PARM_DESC(fragment, "leave few free blocks of 16 pages, and none of 64, until rmmod");

#define BATCHES		10

static noinline void run_pairs(unsigned int n)
{
	while (n--)
		kvfree(kvmalloc(SZ_16K, GFP_KERNEL));
}

/*
 * Every second of these stays: what lies between is free, and merges with nothing.
 * Else it is chance whether a pair splits a larger block and puts it together
 * again, for 150 or 300 instructions.
 */
#define FENCES		16

static void *fences[FENCES];

static void set_fences(void)
{
	int i;

	for (i = 0; i < FENCES; i++)
		fences[i] = kmalloc(SZ_16K, GFP_KERNEL);
	for (i = 0; i < FENCES; i += 2)
		kfree(fences[i]);
}

static void drop_fences(void)
{
	int i;

	for (i = 1; i < FENCES; i += 2)
		kfree(fences[i]);
}

/* The cheapest of some batches, for a timer tick spoils the one that it hits */
static void time_pairs(void)
{
	u64 start, ns, least = U64_MAX;
	int i;

	set_fences();
	/* The first batch is cold. */
	for (i = 0; i <= BATCHES; i++) {
		start = ktime_get_ns();
		run_pairs(pairs / BATCHES);
		ns = ktime_get_ns() - start;
		if (i)
			least = min(least, ns);
	}
	drop_fences();
	pr_info("pairs=%u ns_per_pair=%llu\n", pairs, div_u64(least, pairs / BATCHES));
}

/* One page of each block is kept, by its lru, which nobody else uses then. */
static LIST_HEAD(kept);

#define BLOCK_ORDER	4

static unsigned long keep_blocks(gfp_t gfp)
{
	unsigned long i, nr;
	struct page *page;

	for (nr = 0; nr < totalram_pages(); nr++) {
		page = alloc_pages(gfp, BLOCK_ORDER);
		if (!page)
			break;
		split_page(page, BLOCK_ORDER);
		list_add(&page->lru, &kept);
		for (i = 1; i < 1ul << BLOCK_ORDER; i++)
			__free_page(page + i);
	}
	return nr;
}

/* What compaction can find it may find now, until it finds no more. */
static void fragment_memory(void)
{
	unsigned long nr = keep_blocks((GFP_KERNEL | __GFP_NOWARN) & ~__GFP_RECLAIM);
	int calm = 0;

	while (calm < 5) {
		calm = keep_blocks(GFP_KERNEL | __GFP_NOWARN | __GFP_NORETRY) ?
			0 : calm + 1;
		msleep(20);
	}
	pr_info("fragmented, %lu blocks and more\n", nr);
}

static int __init kvdemo_test_watch_init(void)
{
	if (pairs && pairs < BATCHES) {
		pr_err("pairs=%u is out of range: allowed is 0, and %u and more\n", pairs, BATCHES);
		return -ERANGE;
	}
	if (pairs)
		time_pairs();
	if (fragment)
		fragment_memory();
	return 0;
}

static void __exit kvdemo_test_watch_exit(void)
{
	struct page *page, *next;

	list_for_each_entry_safe(page, next, &kept, lru)
		__free_page(page);
}

module_init(kvdemo_test_watch_init);
module_exit(kvdemo_test_watch_exit);

MODULE_DESCRIPTION("A caller of the kernel's kvmalloc, and fragmented memory, for tests");
MODULE_AUTHOR("The kvdemo authors");
MODULE_LICENSE("GPL");
