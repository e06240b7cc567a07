/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the files of kvdemo_live.ko.
 */
#ifndef KVDEMO_LIVE_H
#define KVDEMO_LIVE_H

#include <linux/hash.h>
#include <linux/jump_label.h>
#include <linux/log2.h>
#include <linux/percpu.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/timex.h>
#include <linux/types.h>

#include "compat.h"
#include "kvdemo.h"

#define LIVE_SYMBOL	__stringify(kvdemo_compat_kvmalloc)
#define LIVE_CLASSES	64	/* class n: more than 2^n, at most 2^(n+1) bytes */

/**
 * struct live_row - a caller and a size class
 * @key: see live_key(); 0 and GONE of callers.c are free rows
 * @stats: what each CPU counted
 * @cure: the policy of that caller; NULL: it is only counted
 * @plain: the flags of GFP_LOOK (hooks.c) that a call on the common path has; all flags if no
 *	call of this row takes that path
 * @unknown: a tracer hides the caller
 *
 * The size is a power of 2, so that a shift finds a row.
 */
struct live_row {
	u64 key;
	struct live_stats __percpu *stats;
	const struct kvdemo_policy *cure;
	gfp_t plain;
	bool unknown;
};

/**
 * struct live_stats - what one CPU counted for a row
 * @calls: calls that it made; first, so that the hot path adds no offset
 * @failed: attempts that were made and failed
 * @skipped: attempts that the policy skipped
 * @fallbacks: calls that came to the fallback
 * @try: ticks from the start of a failed attempt to that of the fallback
 * @worst: the longest of these
 * @failures: fallbacks that got nothing, with times=1
 * @fallback: ticks in fallbacks, with times=1
 */
struct live_stats {
	u64 calls;
	u64 failed;
	u64 skipped;
	u64 fallbacks;
	u64 try;
	u64 worst;
	u64 failures;
	u64 fallback;
};

/**
 * struct live_blind - what one CPU could not see
 * @lost: calls without a row or a slot
 * @left: calls that were counted and not followed: because of their flags or size, or
 *	because reclaim makes them
 */
struct live_blind {
	unsigned long lost;
	unsigned long left;
};

extern struct live_row *live_rows;
extern unsigned int live_mask;	/* the number of rows - 1 */
DECLARE_PER_CPU(struct live_blind, live_blind);

/* All kernel addresses have the same upper byte. */
static __always_inline u64 live_key(unsigned long caller, unsigned long class)
{
	return (u64)caller << 8 | class;
}

/* Where to look first. The lower half of the key tells the callers and classes apart. */
static __always_inline struct live_row *live_home(u64 key)
{
	return live_rows + (((u32)key * GOLDEN_RATIO_32) >> 16 & live_mask);
}

struct live_row *live_row_search(u64 key);

/* The clock: ticks of the CPU's counter where it is good, else ns */
DECLARE_STATIC_KEY_TRUE(live_counter);

static __always_inline u64 live_ticks(void)
{
	return static_branch_likely(&live_counter) ? (u64)get_cycles() : local_clock();
}

/* Never negative: a task may wake on another CPU, whose counter may be behind. */
static __always_inline u64 live_took(u64 start)
{
	return max_t(s64, live_ticks() - start, 0);
}

/* callers.c */
unsigned long live_caller(u64 key);
u64 live_ns(u64 ticks);
int live_rows_make(unsigned int asked);
void live_rows_free(void);
void live_file_make(void);
void live_file_remove(void);
void live_log_sums(u64 ms);

/* main.c */
const struct kvdemo_policy *live_policy_of(unsigned long caller);
bool live_has_policy(const struct kvdemo_policy *policy);

/* hooks.c */

#define LIVE_CHECK_SIZE	(KMALLOC_MAX_CACHE_SIZE + PAGE_SIZE + 16)
#define LIVE_CHECK_GFP	(GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN)

/**
 * struct live_check - what the hooks saw of a call of our own
 * @task: the task that makes it
 * @caller: the caller that the mark saw
 * @mark: the call was seen, with its arguments
 * @try: so was its attempt
 * @fallback: so was its fallback
 * @timed: with times=1, the return probe saw the fallback as well
 */
extern struct live_check {
	struct task_struct *task;
	unsigned long caller;
	bool mark;
	bool try;
	bool fallback;
	bool timed;
} live_check;

/* linux/ftrace.h declares them only where there is a function tracer. */
struct ftrace_ops;
struct ftrace_regs;
struct kretprobe;

extern struct kretprobe live_times_probe;
extern bool live_with_times;	/* the end of fallbacks is seen */

void live_on_mark(unsigned long ip, unsigned long caller, struct ftrace_ops *ops,
		  struct ftrace_regs *fregs);
void live_on_try(unsigned long ip, unsigned long parent, struct ftrace_ops *ops,
		 struct ftrace_regs *fregs);
void live_on_fallback(unsigned long ip, unsigned long parent, struct ftrace_ops *ops,
		      struct ftrace_regs *fregs);

/* attach.c */
int live_hook(bool times);
void live_unhook(void);
const char *live_blindness(void);
const char *live_hooked(int which);

#endif /* KVDEMO_LIVE_H */
