// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hooks. None of the kernel's functions is replaced: at the entry of three of them an
 * ftrace callback reads the arguments, and changes gfp or size.
 *
 *	kvmalloc_node(size, .., gfp, ..)	the mark: a call that may fall back gets a
 *						gfp bit that no caller of kvmalloc uses
 *	 kmalloc_large_node(size, gfp, node)	the attempt: a marked one loses the mark,
 *						and the policy changes its gfp or skips it
 *	 vmalloc_node_range(size, .., gfp, ..)	the fallback: a marked call that comes here
 *						loses the mark; its attempt failed
 *
 * (The names differ from release to release, see compat.h.) The mark is __GFP_WRITE.
 * Should it reach the page allocator, it does no more than spread dirty pages over the
 * nodes. It says for certain that an attempt or a fallback is that of a kvmalloc call.
 * Who called, and when the attempt began, lies in a slot that the task finds by its
 * address.
 *
 * This file is compiled without instrumentation, so its functions are not traced
 * themselves.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/hash.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/topology.h>

#include "demo/trace.h"
#include "live.h"

#define MARK	((__force unsigned long)__GFP_WRITE)

/*
 * A caller of these wants more, or something else, than any policy gives: it is watched
 * and keeps the kernel's own attempt.
 */
#define GFP_OWN_RULE	(__GFP_NORETRY | __GFP_RETRY_MAYFAIL | __GFP_THISNODE | \
			 __GFP_DMA | __GFP_DMA32)

/* Slots: a call between mark and fallback */

#define SLOT_BITS	10

/* In the lower bits of the owner, a task */
#define SLOT_MARKED	1ul	/* between mark and attempt: the slot is taken */
#define SLOT_FALLING	2ul	/* in the fallback, with times=1 */

/*
 * From the attempt on another task may take the slot, because nothing tells when an
 * attempt succeeds. The owner is read again after what is read of a slot.
 */
struct slot {
	unsigned long owner;
	int row;
	gfp_t gfp;	/* as the caller passed it */
	const struct kvdemo_policy *policy;
	size_t asked;
	size_t size;	/* asked for, or raised by policy vmalloc */
	u64 start;
	unsigned long caller;
	int node;
	bool skipped;
	bool timed;
};

static struct slot slots[1 << SLOT_BITS];

static __always_inline struct slot *my_slot(void)
{
	return &slots[hash_ptr(current, SLOT_BITS)];
}

#define me	((unsigned long)current)

static __always_inline bool take_slot(struct slot *slot)
{
	unsigned long owner = READ_ONCE(slot->owner);

	return !(owner & SLOT_MARKED) &&
	       cmpxchg(&slot->owner, owner, me | SLOT_MARKED) == owner;
}

/* A copy of the slot, if it is still this task's */
static bool read_slot(struct slot *to, unsigned long owner)
{
	const struct slot *slot = my_slot();

	/* pairs with the cmpxchg() of who takes the slot */
	if (smp_load_acquire(&slot->owner) != owner)
		return false;
	*to = *slot;
	smp_rmb(); /* the copy before the second look at the owner */
	return READ_ONCE(slot->owner) == owner;
}

/* The self-check: a call of our own, which is made to fall back */

struct live_check live_check;

static __always_inline bool is_check(void)
{
	return unlikely(READ_ONCE(live_check.task) == current);
}

/* The mark */

static __always_inline unsigned int class_of(size_t size)
{
	return fls_long(size - 1);
}

/* A call that is followed up to the fallback */
static __always_inline void follow(struct slot *slot, struct ftrace_regs *fregs, int row,
				   unsigned long caller, const struct kvdemo_policy *policy)
{
	unsigned long *gfp = &KVDEMO_COMPAT_ARG(fregs, KVDEMO_COMPAT_GFP_ARG);
	size_t size = KVDEMO_COMPAT_ARG(fregs, 0);

	slot->asked = size;
	/* A slab cache would serve it, at which no hook is. */
	if (unlikely(size <= KMALLOC_MAX_CACHE_SIZE)) {
		size = KMALLOC_MAX_CACHE_SIZE + 1;
		KVDEMO_COMPAT_ARG(fregs, 0) = size;
	}
	slot->size = size;
	slot->row = row;
	slot->gfp = (__force gfp_t)*gfp;
	slot->policy = policy;
	slot->caller = caller;
	slot->skipped = false;
	slot->timed = false;
	*gfp |= MARK;
}

static void mark_check(struct ftrace_regs *fregs, unsigned long caller)
{
	struct slot *slot = my_slot();

	if (KVDEMO_COMPAT_ARG(fregs, 0) != LIVE_CHECK_SIZE ||
	    KVDEMO_COMPAT_ARG(fregs, KVDEMO_COMPAT_GFP_ARG) != (__force unsigned long)LIVE_CHECK_GFP)
		return;
	live_check.mark = true;
	live_check.caller = caller;
	if (take_slot(slot))
		follow(slot, fregs, LIVE_NO_ROW, caller, &kvdemo_policies[KVDEMO_VMALLOC]);
}

/* May such a call be followed? */
static __always_inline bool is_followed(size_t size, gfp_t gfp)
{
	/* More than INT_MAX is refused, and a foreign mark could not be told from ours. */
	return size <= INT_MAX && kvdemo_compat_falls_back(gfp) && !(gfp & __GFP_WRITE) &&
	       /* out of the reclaim of an attempt: the slot is that of the outer call */
	       !(current->flags & PF_MEMALLOC);
}

static __always_inline void count_and_mark(unsigned long caller, struct ftrace_regs *fregs)
{
	size_t size = KVDEMO_COMPAT_ARG(fregs, 0);
	gfp_t gfp = (__force gfp_t)KVDEMO_COMPAT_ARG(fregs, KVDEMO_COMPAT_GFP_ARG);
	const struct kvdemo_policy *policy;
	struct slot *slot = my_slot();
	int row = live_row(caller, class_of(size));

	if (unlikely(row == LIVE_NO_ROW)) {
		this_cpu_inc(live_blind.lost);
		return;
	}
	this_cpu_read(live_table)[row].calls++;
	policy = live_rows[row].policy;
	/* A request that must not fail is not provoked. */
	if (unlikely(gfp & GFP_OWN_RULE || (gfp & __GFP_NOFAIL && !policy->tries)))
		policy = &kvdemo_policies[KVDEMO_NATIVE];
	if (!is_followed(size, gfp) || (size <= KMALLOC_MAX_CACHE_SIZE && policy->tries))
		this_cpu_inc(live_blind.left);
	else if (likely(take_slot(slot)))
		follow(slot, fregs, row, caller, policy);
	else
		this_cpu_inc(live_blind.lost);
}

/* Apart, so that a small call saves no registers for it */
static noinline void mark_large(unsigned long caller, struct ftrace_regs *fregs)
{
	if (is_check()) {
		mark_check(fregs, caller);
		return;
	}
	preempt_disable_notrace();
	count_and_mark(caller, fregs);
	preempt_enable_notrace();
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
 * A skipped attempt must not cost the caller the memory: some zone of the node has
 * the pages, and stays above its high watermark. What may still fail the fallback is
 * vmalloc's address space, or a memory cgroup.
 */
static bool has_pages(int node, size_t size)
{
	struct zone *zone;
	int i;

	if (node == NUMA_NO_NODE)
		node = numa_mem_id();
	for (i = ZONE_NORMAL; i >= 0; i--) {
		zone = &NODE_DATA(node)->node_zones[i];
		if (managed_zone(zone) &&
		    zone_page_state(zone, NR_FREE_PAGES) >
		    high_wmark_pages(zone) + zone->lowmem_reserve[ZONE_NORMAL] +
		    (size >> PAGE_SHIFT) + 1)
			return true;
	}
	return false;
}

static bool may_skip(const struct slot *slot, int node)
{
	return slot->row == LIVE_NO_ROW ||
	       (!(slot->gfp & __GFP_NOFAIL) && has_pages(node, slot->size));
}

/* The rule of the policy, from the wrapper */
static void apply(struct slot *slot, struct ftrace_regs *fregs)
{
	gfp_t gfp = (__force gfp_t)KVDEMO_COMPAT_ARG(fregs, 1);
	int node = KVDEMO_COMPAT_ARG(fregs, 2);
	const struct kvdemo_request rq = {
		.size = slot->size,
		/*
		 * Both may be the kernel's own rule. No caller that passes NORETRY comes
		 * here, and none without DIRECT_RECLAIM.
		 */
		.gfp = (gfp & ~__GFP_NORETRY) | __GFP_DIRECT_RECLAIM,
		.node = node,
		.policy = slot->policy,
	};

	/* A failure must stay silent, and must be allowed. */
	if (!(gfp & __GFP_NOWARN) || gfp & __GFP_NOFAIL || slot->size > KMALLOC_MAX_SIZE)
		return;
	if (!kvdemo_may_try(&rq, &gfp) && may_skip(slot, node)) {
		/* Nothing can serve so much: the attempt ends at once. */
		KVDEMO_COMPAT_ARG(fregs, 0) = KMALLOC_MAX_SIZE + 1;
		slot->skipped = true;
		return;
	}
	/* Where the pages are short, policy vmalloc leaves the kernel its attempt. */
	if (slot->policy->tries)
		KVDEMO_COMPAT_ARG(fregs, 1) = (__force unsigned long)gfp;
}

static noinline void try_marked(struct ftrace_regs *fregs)
{
	struct slot *slot = my_slot();

	if (is_check()) {
		live_check.try_called = true;
		live_check.try = KVDEMO_COMPAT_ARG(fregs, 0) == LIVE_CHECK_SIZE &&
			    (int)KVDEMO_COMPAT_ARG(fregs, 2) == NUMA_NO_NODE;
	}
	/* A foreign kmalloc may have this bit, too. */
	if (READ_ONCE(slot->owner) != (me | SLOT_MARKED) ||
	    slot->size != KVDEMO_COMPAT_ARG(fregs, 0))
		return;
	KVDEMO_COMPAT_ARG(fregs, 1) &= ~MARK;
	slot->node = KVDEMO_COMPAT_ARG(fregs, 2);
	if (!slot->policy->native)
		apply(slot, fregs);
	slot->start = live_ticks();
	/* pairs with read_slot(); from here on others may take it */
	smp_store_release(&slot->owner, me);
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
	if (slot->skipped)
		return slot->policy->tries ? KVDEMO_WHY_BACKOFF : KVDEMO_WHY_POLICY;
	return slot->size > KMALLOC_MAX_SIZE ? KVDEMO_WHY_TOO_LARGE :
					       KVDEMO_WHY_KMALLOC_FAILED;
}

/* Without times=1 the fallback has just begun, and whether it gets memory is unknown. */
static void emit(const struct slot *slot, const void *p, s64 try, s64 fallback)
{
	const struct kvdemo_request rq = {
		.size = slot->asked, .gfp = slot->gfp, .node = slot->node,
		.policy = slot->policy,
	};
	struct kvdemo_result res = {
		.path = fallback < 0 ? KVDEMO_NR_PATHS : kvdemo_path(p),
		.why = fallback < 0 || p ? why_of(slot) : KVDEMO_WHY_NO_MEMORY,
		.kmalloc_ns = try,
		.vmalloc_ns = fallback,
	};

	trace_kvdemo_alloc(KVDEMO_ORIGIN_KERNEL, &rq, &res, p, max_t(s64, try, 0) +
			   max_t(s64, fallback, 0), slot->caller);
}

static bool was_tried(const struct slot *slot)
{
	return !slot->skipped && slot->size <= KMALLOC_MAX_SIZE;
}

static void learn(const struct slot *slot)
{
	const struct kvdemo_request rq = {
		.size = slot->size, .gfp = slot->gfp, .node = slot->node,
		.policy = slot->policy,
	};

	kvdemo_try_failed(&rq);
}

static void count_fallback(const struct slot *slot, u64 took)
{
	struct live_stats *stats = this_cpu_read(live_table) + slot->row;

	stats->fallbacks++;
	stats->skipped += slot->skipped;
	if (was_tried(slot)) {
		stats->failed++;
		stats->try += took;
		stats->worst = max(stats->worst, took);
	}
}

static void fall(const struct slot *slot)
{
	u64 took = live_took(slot->start);

	if (was_tried(slot) && !slot->policy->native)
		learn(slot);
	preempt_disable_notrace();
	count_fallback(slot, took);
	preempt_enable_notrace();
	if (!live_with_times && trace_kvdemo_alloc_enabled())
		emit(slot, NULL, was_tried(slot) ? (s64)live_ns(took) : KVDEMO_NS_NONE,
		     KVDEMO_NS_NONE);
}

static void check_fallback(struct ftrace_regs *fregs)
{
	live_check.fallback_called = true;
	live_check.fallback = KVDEMO_COMPAT_ARG(fregs, 0) == LIVE_CHECK_SIZE &&
			 KVDEMO_COMPAT_ARG(fregs, KVDEMO_COMPAT_FALLBACK_GFP) ==
			 (__force unsigned long)LIVE_CHECK_GFP;
}

static noinline void fallback_marked(struct ftrace_regs *fregs)
{
	struct slot slot;

	KVDEMO_COMPAT_ARG(fregs, KVDEMO_COMPAT_FALLBACK_GFP) &= ~MARK;
	if (is_check()) {
		check_fallback(fregs);
		WRITE_ONCE(my_slot()->owner, 0);
		return;
	}
	if (!read_slot(&slot, me)) {
		this_cpu_inc(live_blind.lost);
		return;
	}
	fall(&slot);
	cmpxchg(&my_slot()->owner, me, live_with_times ? me | SLOT_FALLING : 0);
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

struct timing {
	u64 start;
};

/* The entry hook may run before this handler or after it. */
static int on_times_entry(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	struct timing *timing = (struct timing *)ri->data;
	struct slot *slot = my_slot();
	unsigned long owner = READ_ONCE(slot->owner);
	bool marked = kvdemo_compat_argument(regs, KVDEMO_COMPAT_FALLBACK_GFP) & MARK;

	/* What vmalloc asks of itself meanwhile finds the slot timed. */
	if (is_check() || owner != (marked ? me : me | SLOT_FALLING) || slot->timed ||
	    slot->size != kvdemo_compat_argument(regs, 0))
		return 1;
	slot->timed = true;
	timing->start = live_ticks();
	return 0;
}
NOKPROBE_SYMBOL(on_times_entry);

static int on_times_return(struct kretprobe_instance *ri, struct pt_regs *regs)
{
	const struct timing *timing = (const struct timing *)ri->data;
	const void *p = (const void *)kvdemo_compat_return(regs);
	u64 took = live_took(timing->start);
	struct live_stats *stats;
	struct slot slot;

	if (!read_slot(&slot, me | SLOT_FALLING)) {
		this_cpu_inc(live_blind.lost);
		return 0;
	}
	stats = this_cpu_read(live_table) + slot.row;
	stats->failures += !p;
	stats->fallback += took;
	if (trace_kvdemo_alloc_enabled())
		emit(&slot, p, was_tried(&slot) ?
		     (s64)live_ns(max_t(s64, timing->start - slot.start, 0)) : KVDEMO_NS_NONE,
		     live_ns(took));
	cmpxchg(&my_slot()->owner, me | SLOT_FALLING, 0);
	return 0;
}
NOKPROBE_SYMBOL(on_times_return);

struct kretprobe live_times_probe = {
	.entry_handler = on_times_entry,
	.handler = on_times_return,
	.data_size = sizeof(struct timing),
	.maxactive = 256,	/* tasks in a fallback at a time: more are counted as missed */
};
