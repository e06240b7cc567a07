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

/**
 * struct kvdemo_ask - a request that a user wrote in words
 * @rq: the request; @rq.size in bytes
 * @count: how many allocations
 * @zero: __GFP_ZERO, whatever gfp= says
 */
struct kvdemo_ask {
	struct kvdemo_request rq;
	unsigned int count;
	bool zero;
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

#define KVDEMO_MAX_SIZES	32

/**
 * struct kvdemo_item - one size of the demo
 * @size: in bytes
 * @force_fallback: for this item only
 */
struct kvdemo_item {
	size_t size;
	bool force_fallback;
};

/**
 * struct kvdemo_demo - the load parameters
 * @items: the sizes
 * @nr_items: how many there are
 * @ask: the request that all items share
 * @hold: keep the buffers until rmmod
 * @cap: most bytes allocated at any time
 * @cap_is_default: the user gave no cap
 */
extern struct kvdemo_demo {
	struct kvdemo_item items[KVDEMO_MAX_SIZES];
	unsigned int nr_items;
	struct kvdemo_ask ask;
	bool hold;
	u64 cap;
	bool cap_is_default;
} kvdemo_demo;

/* -1 for vmalloc memory and for no memory: they have no order */
static inline s64 kvdemo_order_of(const struct kvdemo_layout *layout)
{
	bool kmalloced = layout->path == KVDEMO_PATH_SLAB ||
			 layout->path == KVDEMO_PATH_PAGES;

	return kmalloced ? (s64)layout->order : -1;
}

extern struct mutex kvdemo_lock;
extern struct list_head kvdemo_held;
extern u64 kvdemo_held_footprint;

/* params.c */
struct kvdemo_request kvdemo_demo_request(const struct kvdemo_item *item);
int kvdemo_demo_prepare(void);

/* words.c */
int kvdemo_parse_switch(const char *val, bool *on);
int kvdemo_ask_set(struct kvdemo_ask *ask, const char *key, const char *val);
int kvdemo_ask_finish(struct kvdemo_ask *ask);
bool kvdemo_ask_is_key(const char *word);
void kvdemo_say_bad_ask(const char *key, const char *val, int err);
void kvdemo_say_bad_whole(const struct kvdemo_ask *ask);

/* buf.c */
u64 kvdemo_default_cap(void);
u64 kvdemo_footprint(const struct kvdemo_request *rq);
int kvdemo_take(const struct kvdemo_request *rq, bool hold);
bool kvdemo_only_failures(void);
void kvdemo_settle(void);
int kvdemo_give_back_id(unsigned long id);
void kvdemo_give_back_all(void);
void kvdemo_log_summary(const struct kvdemo_policy *policy);
void kvdemo_log_exit(void);
const char *kvdemo_or_dash(char *str, size_t len, s64 n);

/* debugfs.c */
void kvdemo_debugfs_init(void);
void kvdemo_debugfs_exit(void);

#endif /* KVDEMO_DEMO_H */
