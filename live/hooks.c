// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hooks. None of the kernel's functions is replaced: at the entry of three of them an
 * ftrace callback reads the arguments, and changes gfp or size.
 *
 *	kvmalloc_node(size, .., gfp, ..)	the mark: a call that may fall back gets a
 *						gfp bit that callers do not normally pass
 *	 kmalloc_large_node(size, gfp, node)	the attempt: a marked one loses the mark,
 *						and the policy changes its gfp or skips it
 *	 vmalloc_node_range(size, .., gfp, ..)	the fallback: a marked call that comes here
 *						loses the mark; its attempt failed
 *
 * (The names differ from release to release, see compat.h.) The mark is __GFP_WRITE.
 * If it reaches the page allocator, it only spreads dirty pages over the nodes. A slot,
 * found by the address of the task, holds the caller and the start of the attempt. At the
 * attempt it also tells a mark from a __GFP_WRITE that another kmalloc caller passed.
 *
 * This file is compiled without calls of ftrace, so its functions are not traced
 * themselves.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/preempt.h>

#include "demo/trace.h"
#include "live.h"

#define MARK	((__force unsigned long)__GFP_WRITE)

/*
 * Requests with these flags ask for more than a policy gives, or for something else. They
 * are counted and keep the kernel's own attempt.
 */
#define GFP_OWN_RULE	(__GFP_NORETRY | __GFP_RETRY_MAYFAIL | __GFP_THISNODE | \
			 __GFP_DMA | __GFP_DMA32)

/* Slots: a call between mark and fallback */

#define SLOT_BITS	10

/* Flags in the lower bits of slot.owner, which is the address of a task */
#define SLOT_MARKED	1ul	/* taken, as between mark and attempt */
#define SLOT_FALLING	2ul	/* in the fallback, with times=1 */
#define SLOT_TIMED	4ul	/* the return probe will see this fallback end */

/*
 * Once the attempt has begun, another task may take the slot, because no hook sees an
 * attempt succeed. So the fallback takes it again before it reads it. The slot holds no
 * more than needed, because each call pays for every store.
 */
struct slot {
	unsigned long owner;
	const struct live_row *row;
	const struct kvdemo_policy *cure;	/* NULL: the attempt is the kernel's */
	size_t size;	/* of the attempt: the size asked for, or raised by policy vmalloc */
	size_t asked;	/* under policy vmalloc: the size asked for, before it was raised */
	u64 start;	/* 0: the attempt was skipped */
	gfp_t gfp;	/* as the caller passed it */
	int node;
} ____cacheline_aligned;

static struct slot slots[1 << SLOT_BITS];

/* A hash, because the slab allocator puts tasks at the same few offsets of each slab. */
static __always_inline struct slot *slot_of(const struct task_struct *task)
{
	struct slot *slot;

	slot = &slots[((u32)(unsigned long)task * GOLDEN_RATIO_32) >> (32 - SLOT_BITS)];
	OPTIMIZER_HIDE_VAR(slot); /* it is not calculated again at each use */
	return slot;
}

#define me	((unsigned long)current)

static __always_inline bool take_slot(struct slot *slot, unsigned long task)
{
	unsigned long owner = READ_ONCE(slot->owner);

	return !(owner & SLOT_MARKED) &&
	       cmpxchg(&slot->owner, owner, task | SLOT_MARKED) == owner;
}

/* Takes the slot again if this task still owns it, with the flags @bits. */
static __always_inline bool retake_slot(struct slot *slot, unsigned long bits)
{
	return cmpxchg(&slot->owner, me | bits, me | SLOT_MARKED) == (me | bits);
}

/* @owner may take it again; another task may take it first. */
static __always_inline void leave_slot(struct slot *slot, unsigned long owner)
{
	/* pairs with the cmpxchg() of whichever task takes the slot next */
	smp_store_release(&slot->owner, owner);
}

/* The self-check: a call of our own, which is made to fall back */

struct live_check live_check;
static const struct live_row check_row = { .cure = &kvdemo_policies[KVDEMO_VMALLOC] };

/* The mark */

/* The smallest size that no slab cache serves, and to which a smaller one is raised */
#define SMALLEST	(KMALLOC_MAX_CACHE_SIZE + 1)

/* On the common path a call has, of these bits, only KVDEMO_COMPAT_FALLS_BACK. */
#define GFP_LOOK	(KVDEMO_COMPAT_FALLS_BACK | __GFP_WRITE | __GFP_NOFAIL | GFP_OWN_RULE)

static __always_inline unsigned long class_of(size_t size)
{
	return __fls(size - 1);
}

/*
 * kvmalloc refuses more than INT_MAX bytes. A __GFP_WRITE of the caller would look like
 * our mark. A call from direct reclaim would take the slot of the attempt that reclaims.
 */
static bool is_followed(size_t size, gfp_t gfp)
{
	return size <= INT_MAX && kvdemo_compat_falls_back(gfp) && !(gfp & __GFP_WRITE) &&
	       !(current->flags & PF_MEMALLOC);
}

/* A slab cache would serve a smaller size, and slab caches are not hooked. */
static size_t raise(struct slot *slot, struct ftrace_regs *fregs)
{
	slot->asked = KVDEMO_COMPAT_ARG(fregs, 0);
	if (slot->asked > KMALLOC_MAX_CACHE_SIZE)
		return slot->asked;
	KVDEMO_COMPAT_ARG(fregs, 0) = SMALLEST;
	return SMALLEST;
}

static __always_inline void fill_slot(struct slot *slot, size_t size, gfp_t gfp,
				      const struct live_row *row,
				      const struct kvdemo_policy *cure)
{
	slot->size = size;
	slot->row = row;
	slot->gfp = gfp;
	slot->cure = cure;
}

/* The mark, for any call whose row is known */
static void mark_rare(struct ftrace_regs *fregs, const struct live_row *row)
{
	unsigned long *gfp = &KVDEMO_COMPAT_ARG(fregs, KVDEMO_COMPAT_GFP_ARG);
	const struct kvdemo_policy *cure = row->cure;
	size_t size = KVDEMO_COMPAT_ARG(fregs, 0);
	struct slot *slot = slot_of(current);
	gfp_t asked = (__force gfp_t)*gfp;

	/* Policy vmalloc does not change a request that must not fail. */
	if (asked & GFP_OWN_RULE || (asked & __GFP_NOFAIL && cure && !cure->tries))
		cure = NULL;
	if (!is_followed(size, asked) ||
	    (size <= KMALLOC_MAX_CACHE_SIZE && (!cure || cure->tries))) {
		this_cpu_inc(live_blind.left);
		/*
		 * The fallback hook takes the caller's __GFP_WRITE for our mark. It must not
		 * find the slot of an earlier call.
		 */
		if (asked & __GFP_WRITE)
			cmpxchg(&slot->owner, me, 0);
	} else if (!take_slot(slot, me)) {
		this_cpu_inc(live_blind.lost);
	} else {
		fill_slot(slot, cure && !cure->tries ? raise(slot, fregs) : size, asked, row, cure);
		*gfp |= MARK;
	}
}

/* Returns whether this call is that of the self-check. An interrupt may call kvmalloc as well. */
static bool mark_check(struct ftrace_regs *fregs, unsigned long caller)
{
	if (READ_ONCE(live_check.task) != current || !in_task())
		return false;
	if (KVDEMO_COMPAT_ARG(fregs, 0) == LIVE_CHECK_SIZE &&
	    (__force gfp_t)KVDEMO_COMPAT_ARG(fregs, KVDEMO_COMPAT_GFP_ARG) == LIVE_CHECK_GFP) {
		live_check.mark = true;
		live_check.caller = caller;
		mark_rare(fregs, &check_row);
	}
	return true;
}

/*
 * A call off the common path: a rare size or flag, a new caller or one that is made to
 * fall back, a call from reclaim, or one that finds its slot taken. Where a tracer hides
 * all callers, the self-check shares their row.
 */
static noinline void mark_other(struct ftrace_regs *fregs, const struct live_row *row)
{
	if (mark_check(fregs, live_caller(row->key)))
		return;
	this_cpu_inc(row->stats->calls);
	mark_rare(fregs, row);
}

/* A caller that is new, or whose row is not where its hash says */
static noinline void mark_searched(struct ftrace_regs *fregs, unsigned long caller, u64 key)
{
	const struct live_row *row;

	if (mark_check(fregs, caller))
		return;
	row = live_row_search(key);
	if (row)
		mark_other(fregs, row);
	else
		this_cpu_inc(live_blind.lost);
}

/*
 * Each call above PAGE_SIZE comes here. Rare cases are tail calls, so that the common path
 * saves no registers. The row can be used with preemption on, because its caller is on the
 * stack, and so its module stays loaded.
 */
static __always_inline void mark_large(unsigned long caller, struct ftrace_regs *fregs)
{
	size_t size = KVDEMO_COMPAT_ARG(fregs, 0);
	gfp_t gfp = (__force gfp_t)KVDEMO_COMPAT_ARG(fregs, KVDEMO_COMPAT_GFP_ARG);
	u64 key = live_key(caller, class_of(size));
	const struct live_row *row = live_home(key);
	struct slot *slot = slot_of(current);

	/* pairs with make_row() of callers.c: the row is filled */
	if (unlikely(smp_load_acquire(&row->key) != key))
		return mark_searched(fregs, caller, key);
	if (unlikely((gfp & GFP_LOOK) != row->plain || current->flags & PF_MEMALLOC ||
		     !take_slot(slot, me)))
		return mark_other(fregs, row);
	this_cpu_inc(row->stats->calls);
	fill_slot(slot, size, gfp, row, row->cure);
	KVDEMO_COMPAT_ARG(fregs, KVDEMO_COMPAT_GFP_ARG) |= MARK;
}

/**
 * live_on_mark() - the mark: kvmalloc is called
 * @ip: of the function
 * @caller: where it will return to
 * @ops: of the hook
 * @fregs: the arguments
 *
 * Context: that of the call.
 */
void live_on_mark(unsigned long ip, unsigned long caller, struct ftrace_ops *ops,
		  struct ftrace_regs *fregs)
{
	if (unlikely(KVDEMO_COMPAT_ARG(fregs, 0) > PAGE_SIZE))
		mark_large(caller, fregs);
}

/* The attempt */

/*
 * The gfp of the attempt under the policy. The kernel's own rule may have set NORETRY and
 * cleared DIRECT_RECLAIM. The caller had DIRECT_RECLAIM and no flag of GFP_OWN_RULE, because
 * other requests have no cure.
 */
static __always_inline gfp_t cured_gfp(const struct kvdemo_policy *cure, gfp_t gfp)
{
	return ((gfp & ~__GFP_NORETRY) | __GFP_DIRECT_RECLAIM | cure->set) & cure->keep;
}

/* An attempt that would warn of its failure, or must not fail, is left alone. */
static __always_inline bool may_fail(gfp_t gfp)
{
	return (gfp & (__GFP_NOWARN | __GFP_NOFAIL)) == __GFP_NOWARN;
}

static noinline void start_by_local_clock(struct slot *slot)
{
	slot->start = local_clock();
	leave_slot(slot, me);
}

/* The attempt is made. */
static __always_inline void start(struct slot *slot)
{
	if (!static_branch_likely(&live_counter))
		return start_by_local_clock(slot);
	slot->start = get_cycles();
	leave_slot(slot, me);
}

/* The attempt of the self-check is always skipped. */
static bool check_try(const struct slot *slot, int node)
{
	if (likely(slot->row != &check_row))
		return false;
	live_check.try = slot->size == LIVE_CHECK_SIZE && node == NUMA_NO_NODE;
	return true;
}

/* kmalloc refuses this size at once. */
static void skip(struct slot *slot, struct ftrace_regs *fregs)
{
	KVDEMO_COMPAT_ARG(fregs, 0) = KMALLOC_MAX_SIZE + 1;
	slot->start = 0;
	leave_slot(slot, me);
}

/* The policy may skip this attempt, or must leave it as it is. */
static noinline void try_cured(struct slot *slot, struct ftrace_regs *fregs)
{
	gfp_t gfp = (__force gfp_t)KVDEMO_COMPAT_ARG(fregs, 1);
	int node = KVDEMO_COMPAT_ARG(fregs, 2);

	if (!may_fail(gfp) || slot->size > KMALLOC_MAX_SIZE)
		return start(slot);
	if (check_try(slot, node) || (!(slot->gfp & __GFP_NOFAIL) &&
				      !kvdemo_may_try(slot->cure, slot->size, node)))
		return skip(slot, fregs);
	/* While memory is short, policy vmalloc keeps the kernel's attempt. */
	if (slot->cure->tries)
		KVDEMO_COMPAT_ARG(fregs, 1) = (__force unsigned long)cured_gfp(slot->cure, gfp);
	start(slot);
}

static __always_inline void try_marked(struct ftrace_regs *fregs)
{
	struct slot *slot = slot_of(current);
	gfp_t gfp;

	/* The caller of some other kmalloc may have passed this bit. */
	if ((READ_ONCE(slot->owner) ^ SLOT_MARKED) != me ||
	    slot->size != KVDEMO_COMPAT_ARG(fregs, 0))
		return;
	KVDEMO_COMPAT_ARG(fregs, 1) &= ~MARK;
	slot->node = KVDEMO_COMPAT_ARG(fregs, 2);
	if (unlikely(slot->cure)) {
		gfp = (__force gfp_t)KVDEMO_COMPAT_ARG(fregs, 1);
		/* Otherwise kvdemo_may_try() would be true. */
		if (!slot->cure->set || !may_fail(gfp) ||
		    this_cpu_read(*(kvdemo_backoff_seen + class_of(slot->size))))
			return try_cured(slot, fregs);
		gfp = cured_gfp(slot->cure, gfp);
		KVDEMO_COMPAT_ARG(fregs, 1) = (__force unsigned long)gfp;
	}
	start(slot);
}

/**
 * live_on_try() - the attempt: large kmalloc is called
 * @ip: of the function
 * @parent: where it will return to
 * @ops: of the hook
 * @fregs: the arguments
 *
 * Context: that of the call.
 */
void live_on_try(unsigned long ip, unsigned long parent, struct ftrace_ops *ops,
		 struct ftrace_regs *fregs)
{
	if (unlikely(KVDEMO_COMPAT_ARG(fregs, 1) & MARK))
		try_marked(fregs);
}

/* The fallback */

bool live_with_times __read_mostly;

static enum kvdemo_why why_of(const struct slot *slot)
{
	if (!slot->start)
		return slot->cure->tries ? KVDEMO_WHY_BACKOFF : KVDEMO_WHY_POLICY;
	return slot->size > KMALLOC_MAX_SIZE ? KVDEMO_WHY_TOO_LARGE :
					       KVDEMO_WHY_KMALLOC_FAILED;
}

static bool was_tried(const struct slot *slot)
{
	return slot->start && slot->size <= KMALLOC_MAX_SIZE;
}

/*
 * @ticks: of the attempt, if one was made. Without times=1 the fallback has just begun, and
 * whether it gets memory is unknown.
 */
static void emit(const struct slot *slot, const void *p, u64 ticks, s64 fallback)
{
	s64 try = was_tried(slot) ? (s64)live_ns(ticks) : KVDEMO_NS_NONE;
	const struct kvdemo_request rq = {
		.size = slot->cure && !slot->cure->tries ? slot->asked : slot->size,
		.gfp = slot->gfp, .node = slot->node,
		.policy = slot->cure ?: &kvdemo_policies[KVDEMO_NATIVE],
	};
	const struct kvdemo_result res = {
		.path = fallback < 0 ? KVDEMO_NR_PATHS : kvdemo_path(p),
		.why = fallback < 0 || p ? why_of(slot) : KVDEMO_WHY_NO_MEMORY,
		.kmalloc_ns = try,
		.vmalloc_ns = fallback,
	};

	trace_kvdemo_alloc(KVDEMO_ORIGIN_KERNEL, &rq, &res, p, max_t(s64, try, 0) +
			   max_t(s64, fallback, 0), live_caller(slot->row->key));
}

static noinline void learn(const struct slot *slot)
{
	const struct kvdemo_request rq = {
		.size = slot->size, .gfp = slot->gfp, .node = slot->node,
		.policy = slot->cure,
	};

	kvdemo_try_failed(&rq);
}

static void count_fallback(const struct slot *slot, u64 took)
{
	struct live_stats *stats = this_cpu_ptr(slot->row->stats);

	stats->fallbacks++;
	stats->skipped += !slot->start;
	if (was_tried(slot)) {
		stats->failed++;
		stats->try += took;
		stats->worst = max(stats->worst, took);
	}
}

static void fall(const struct slot *slot)
{
	u64 took = slot->start ? live_took(slot->start) : 0;

	if (was_tried(slot) && slot->cure)
		learn(slot);
	preempt_disable_notrace();
	count_fallback(slot, took);
	preempt_enable_notrace();
	if (!live_with_times && trace_kvdemo_alloc_enabled())
		emit(slot, NULL, took, KVDEMO_NS_NONE);
}

static void check_fallback(struct ftrace_regs *fregs)
{
	gfp_t gfp = (__force gfp_t)KVDEMO_COMPAT_ARG(fregs, KVDEMO_COMPAT_FALLBACK_GFP);

	live_check.fallback = KVDEMO_COMPAT_ARG(fregs, 0) == LIVE_CHECK_SIZE &&
			      gfp == LIVE_CHECK_GFP;
}

static noinline void fallback_marked(struct ftrace_regs *fregs)
{
	struct slot *slot = slot_of(current);
	unsigned long next = 0, bits = READ_ONCE(slot->owner) & SLOT_TIMED;

	KVDEMO_COMPAT_ARG(fregs, KVDEMO_COMPAT_FALLBACK_GFP) &= ~MARK;
	/* data_race: if another task has the slot, retake_slot() fails. */
	if (data_race(slot->size) != KVDEMO_COMPAT_ARG(fregs, 0) || !retake_slot(slot, bits)) {
		this_cpu_inc(live_blind.lost);
		/* No attempt was seen: this task would never get its slot again. */
		cmpxchg(&slot->owner, me | SLOT_MARKED, 0);
		return;
	}
	if (slot->row == &check_row) {
		check_fallback(fregs);
	} else {
		fall(slot);
		if (live_with_times)
			next = me | bits | SLOT_FALLING;
	}
	leave_slot(slot, next);
}

/**
 * live_on_fallback() - the fallback: vmalloc is called
 * @ip: of the function
 * @parent: where it will return to
 * @ops: of the hook
 * @fregs: the arguments
 *
 * Context: that of the call.
 */
void live_on_fallback(unsigned long ip, unsigned long parent, struct ftrace_ops *ops,
		      struct ftrace_regs *fregs)
{
	if (unlikely(KVDEMO_COMPAT_ARG(fregs, KVDEMO_COMPAT_FALLBACK_GFP) & MARK))
		fallback_marked(fregs);
}

/* times=1: the end of the fallback */

/*
 * live_on_fallback() may run before this handler or after it. If vmalloc calls itself
 * within a fallback, the inner call finds SLOT_TIMED and is not timed.
 */
static int on_times_entry(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	u64 *start = (u64 *)ri->data;
	bool marked = kvdemo_compat_argument(regs, KVDEMO_COMPAT_FALLBACK_GFP) & MARK;
	unsigned long owner = marked ? me : me | SLOT_FALLING;
	size_t size = kvdemo_compat_argument(regs, 0);
	struct slot *slot = slot_of(current);

	if (READ_ONCE(live_check.task) == current && size == LIVE_CHECK_SIZE)
		live_check.timed = true;
	/* data_race: if another task has the slot, cmpxchg() fails. */
	if (data_race(slot->size != size || slot->row == &check_row) ||
	    cmpxchg(&slot->owner, owner, owner | SLOT_TIMED) != owner)
		return 1;
	*start = live_ticks();
	return 0;
}

NOKPROBE_SYMBOL(on_times_entry);

static int on_times_return(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const void *p = (const void *)kvdemo_compat_return(regs);
	u64 start = *(u64 *)ri->data, took = live_took(start);
	struct slot *slot = slot_of(current);
	struct live_stats *stats;

	if (!retake_slot(slot, SLOT_FALLING | SLOT_TIMED)) {
		this_cpu_inc(live_blind.lost);
		return 0;
	}
	stats = this_cpu_ptr(slot->row->stats);
	stats->failures += !p;
	stats->fallback += took;
	if (trace_kvdemo_alloc_enabled())
		emit(slot, p, max_t(s64, start - slot->start, 0), live_ns(took));
	leave_slot(slot, 0);
	return 0;
}

NOKPROBE_SYMBOL(on_times_return);

struct kretprobe live_times_probe = {
	.entry_handler = on_times_entry,
	.handler = on_times_return,
	.data_size = sizeof(u64),	/* its start */
	.maxactive = 256,	/* calls of vmalloc at a time: more are counted as missed */
};
