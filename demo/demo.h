/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the parts of kvdemo.ko. No other module includes it, and a driver that
 * copies the wrapper does not need it.
 */
#ifndef KVDEMO_DEMO_H
#define KVDEMO_DEMO_H

#include <linux/list.h>
#include <linux/mutex.h>

#include "kvdemo.h"

#define KVDEMO_MAX_SIZES	32

/**
 * struct kvdemo_item - one size of a request
 * @size: in bytes
 * @force_fallback: for this item only
 */
struct kvdemo_item {
	unsigned int size;
	bool force_fallback;
};

/**
 * struct kvdemo_ask - what a user asked for in words: load parameters, or a line of debugfs
 * @rq: the request, without the size
 * @items: the sizes
 * @nr_items: how many there are
 * @count: allocations of each size
 * @zero: __GFP_ZERO, whatever gfp= says
 * @hold: keep the buffers
 * @cap: most bytes allocated at any time, with those that are held already; 0: none given
 * @cap_is_default: the user gave no cap
 * @bad: the value that was read last, or the bad part of it
 */
struct kvdemo_ask {
	struct kvdemo_request rq;
	struct kvdemo_item items[KVDEMO_MAX_SIZES];
	unsigned int nr_items;
	unsigned int count;
	bool zero;
	bool hold;
	u64 cap;
	bool cap_is_default;
	const char *bad;
};

/**
 * struct kvdemo_buf - a buffer that was taken for a user
 * @list: links held buffers in kvdemo_held
 * @id: its number since the module was loaded, from 1
 * @p: the memory
 * @rq: what was asked for
 * @res: the outcome
 * @total_ns: price of the whole request in ns
 * @layout: where it lies in physical memory
 */
struct kvdemo_buf {
	struct list_head list;
	unsigned long id;
	void *p;
	struct kvdemo_request rq;
	struct kvdemo_result res;
	s64 total_ns;
	struct kvdemo_layout layout;
};

/* -1 for vmalloc memory and for no memory: they have no order */
static inline s64 kvdemo_order_of(const struct kvdemo_layout *layout)
{
	bool kmalloced = layout->path == KVDEMO_PATH_SLAB ||
			 layout->path == KVDEMO_PATH_PAGES;

	return kmalloced ? (s64)layout->order : -1;
}

/* kvdemo_main.c: the load parameters */
extern struct kvdemo_ask kvdemo_demo;

/* words.c */
bool kvdemo_ask_is_key(const struct kvdemo_ask *ask, const char *word);
int kvdemo_ask_set(struct kvdemo_ask *ask, const char *key, const char *val);
int kvdemo_ask_finish(struct kvdemo_ask *ask);

/* buf.c */
extern struct mutex kvdemo_lock;
extern struct list_head kvdemo_held;
u64 kvdemo_default_cap(void);
u64 kvdemo_need(const struct kvdemo_ask *ask);
bool kvdemo_fits(const struct kvdemo_ask *ask);
int kvdemo_run(const struct kvdemo_ask *ask);
int kvdemo_give_back_id(unsigned long id);
void kvdemo_give_back_all(void);
void kvdemo_log_summary(const struct kvdemo_policy *policy);
void kvdemo_log_exit(void);
const char *kvdemo_or_dash(char *str, size_t len, s64 n);

/* debugfs.c */
void kvdemo_debugfs_init(void);
void kvdemo_debugfs_exit(void);

#endif /* KVDEMO_DEMO_H */
