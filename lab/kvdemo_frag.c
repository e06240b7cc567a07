// SPDX-License-Identifier: GPL-2.0-only
/*
 * insmod kvdemo_frag.ko fragments free memory, rmmod gives it back. frag.h says how:
 * with order=N it keeps one page of each 2^N, with order=1 every second page. The log
 * says how many pages it keeps; /proc/buddyinfo has the free blocks of each order.
 *
 * It takes free memory only, so nothing is reclaimed and no process is killed for it.
 * It keeps at most share= percent of it and leaves at least reserve= MiB free. Blocks
 * smaller than order N are left. The default N is above the costly order, because the
 * kernel may call the OOM killer for a missing block of a smaller order.
 *
 * Blocks in CMA areas stay whole, because the kernel places no unmovable pages there.
 * For the same reason kmalloc cannot use them.
 *
 * Pages on the pcplists are neither counted nor taken: single pages, a few MiB in all.
 * They form blocks again when these lists are drained, which kcompactd does after a
 * failed attempt.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/sizes.h>

#include "kvdemo_compat.h"
#include "demo/param.h"
#include "frag.h"

/* A little more than half, because pages on the pcplists do not count as free. */
#define MAX_SHARE	60
#define DEFAULT_ORDER	(PAGE_ALLOC_COSTLY_ORDER + 1)
#define DEFAULT_RESERVE	64
#define PAGES_PER_MIB	(SZ_1M / PAGE_SIZE)

static int frag_err;

static struct param_number max_share = {
	.value = MAX_SHARE, .min = 1, .max = MAX_SHARE, .err = &frag_err,
};
module_param_cb(share, &param_number_ops, &max_share, 0400);
MODULE_PARM_DESC(share, "percent of free memory to keep at most: 1 to 60, default 60");

static struct param_number reserve = {
	.value = DEFAULT_RESERVE, .min = 16, .max = UINT_MAX / PAGES_PER_MIB, .err = &frag_err,
};
module_param_cb(reserve, &param_number_ops, &reserve, 0400);
MODULE_PARM_DESC(reserve, "MiB to leave free at least: 16 and more, default 64");

static struct param_number min_order = {
	.value = DEFAULT_ORDER, .min = 1, .max = LAB_NR_ORDERS - 1, .err = &frag_err,
};
module_param_cb(order, &param_number_ops, &min_order, 0400);
MODULE_PARM_DESC(order, "smallest order of which no block is left: 1 to the largest, default 4; with 3 or less the OOM killer may kill other processes");

static struct frag frag;

static void give_all(void)
{
	pr_info("given back=%lu of kept=%lu pages\n", frag_give(&frag), frag.nr_kept);
}

static int __init kvdemo_frag_init(void)
{
	struct lab_free now;
	int err = frag_err;

	if (err)
		return err;
	lab_count_free(&now, 0);
	frag.order = min_order.value;
	frag.max_kept = div_u64((u64)now.pages * max_share.value, 100);
	frag.reserve = reserve.value * PAGES_PER_MIB;
	pr_info("free=%lu pages share=%u%% reserve=%lu pages order=%u\n",
		now.pages, max_share.value, frag.reserve, min_order.value);
	err = frag_take(&frag);
	if (err) {
		pr_err("interrupted: nothing is kept\n");
		give_all();
		return err;
	}
	lab_count_free(&now, 0);
	pr_info("fragmented kept=%lu free=%lu pages\n", frag.nr_kept, now.pages);
	return 0;
}

static void __exit kvdemo_frag_exit(void)
{
	give_all();
}

module_init(kvdemo_frag_init);
module_exit(kvdemo_frag_exit);

MODULE_DESCRIPTION("Fragments free memory while it is loaded, within bounds");
MODULE_AUTHOR("The kvdemo authors");
MODULE_LICENSE("GPL");
