/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What kvdemo_watch.c, kvdemo_frag.c, kvdemo_bench.c and the test modules share:
 * numbers as parameters, and what is said of a bad value. And how much free memory
 * there is in blocks of each order.
 */
#ifndef KVDEMO_LAB_H
#define KVDEMO_LAB_H

#include <linux/ctype.h>
#include <linux/kernel.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/moduleparam.h>
#include <linux/nodemask.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/string.h>
#include <linux/vmstat.h>

#define LAB_ECHO_LEN	64
#define LAB_NR_ORDERS	((int)ARRAY_SIZE(((struct zone *)NULL)->free_area))

/**
 * CHECK() - what a test asserts; a failure says where and what, up to ten in 5 s
 * @cond: what must hold
 * @fmt: what else there is to say
 *
 * Return: whether it holds.
 */
#define CHECK(cond, fmt, ...) ({					\
	bool __holds = (cond);						\
	if (!__holds)							\
		pr_info_ratelimited("# line %d: %s: " fmt "\n", __LINE__, \
				    #cond, ##__VA_ARGS__);		\
	__holds;							\
})

/**
 * struct lab_number - a parameter that is a number
 * @value: its default, then what the user gave
 * @min: the least that is allowed
 * @max: the most that is allowed
 * @err: set on a bad value, for init to fail with
 */
struct lab_number {
	unsigned int value, min, max;
	int *err;
};

/**
 * lab_bad() - say once what is wrong with a parameter
 * @name: of the parameter
 * @val: as the user gave it
 * @allowed: what is
 * @err: where the error is kept; only the first bad value is told
 * @code: -EINVAL or -ERANGE
 *
 * Return: 0, for a setter that fails makes the kernel print a line of its own.
 */
static inline int lab_bad(const char *name, const char *val,
			  const char *allowed, int *err, int code)
{
	size_t len = val ? strlen(val) : 0;

	if (*err)
		return 0;
	*err = code;
	pr_err("%s=%*pE%s is %s: allowed is %s\n", name,
	       (int)min_t(size_t, len, LAB_ECHO_LEN), val ?: "",
	       len > LAB_ECHO_LEN ? "..." : "",
	       code == -ERANGE ? "out of range" : "invalid", allowed);
	return 0;
}

static inline int lab_number_set(const char *val, const struct kernel_param *kp)
{
	struct lab_number *number = kp->arg;
	char allowed[32];
	unsigned int value;
	int code = -EINVAL;

	/* base 0 would read 0100 as 64, and kstrtouint() takes a sign and a newline */
	if (val && isdigit(*val) && !strchr(val, '\n'))
		code = kstrtouint(val, 10, &value);

	if (!code && (value < number->min || value > number->max))
		code = -ERANGE;
	if (!code) {
		number->value = value;
		return 0;
	}
	snprintf(allowed, sizeof(allowed), "%u to %u", number->min, number->max);
	return lab_bad(kp->name, val, allowed, number->err, code);
}

static inline int lab_number_get(char *buf, const struct kernel_param *kp)
{
	const struct lab_number *number = kp->arg;

	return scnprintf(buf, PAGE_SIZE, "%u\n", number->value);
}

/* NOARG: a bare word reaches the setter, too. */
static const struct kernel_param_ops __maybe_unused lab_number_ops = {
	.flags = KERNEL_PARAM_OPS_FL_NOARG,
	.set = lab_number_set,
	.get = lab_number_get,
};

/**
 * struct lab_free - the free memory that GFP_KERNEL can be served from
 * @pages: all of it
 * @blocks: how many free blocks of each order; the lists of the CPUs apart
 */
struct lab_free {
	unsigned long pages;
	unsigned long blocks[LAB_NR_ORDERS];
};

/*
 * A zone keeps this much (__zone_watermark_ok(), but for what atomic callers may
 * use): for the kernel's own work, more for a while after a block of another
 * migrate type was broken up, and from those who could be served elsewhere, too.
 */
static inline bool lab_zone_gives(struct zone *zone, int order)
{
	unsigned long keeps = min_wmark_pages(zone) + zone->lowmem_reserve[ZONE_NORMAL];

	return managed_zone(zone) &&
	       zone_page_state(zone, NR_FREE_PAGES) >= keeps + (1ul << order);
}

static inline void lab_add_blocks(struct lab_free *sum, struct zone *zone)
{
	int order;

	for (order = 0; order < LAB_NR_ORDERS; order++)
		sum->blocks[order] += READ_ONCE(zone->free_area[order].nr_free);
}

/**
 * lab_count_free() - count the free blocks of each order
 * @sum: filled in
 * @order: of the zones that would give a block of this order
 *
 * Read without the zone's lock: the figures are of a moment, each by itself.
 */
static inline void lab_count_free(struct lab_free *sum, int order)
{
	struct zone *zone;
	int nid, i;

	memset(sum, 0, sizeof(*sum));
	for_each_online_node(nid) {
		for (i = 0; i <= ZONE_NORMAL; i++) {
			zone = &NODE_DATA(nid)->node_zones[i];
			if (!lab_zone_gives(zone, order))
				continue;
			sum->pages += zone_page_state(zone, NR_FREE_PAGES);
			lab_add_blocks(sum, zone);
		}
	}
}

/**
 * lab_free_from() - free pages in blocks of an order and above
 * @sum: from lab_count_free()
 * @order: the smallest that counts
 *
 * Return: pages.
 */
static inline unsigned long lab_free_from(const struct lab_free *sum, int order)
{
	unsigned long pages = 0;

	for (; order < LAB_NR_ORDERS; order++)
		pages += sum->blocks[order] << order;
	return pages;
}

#endif /* KVDEMO_LAB_H */
