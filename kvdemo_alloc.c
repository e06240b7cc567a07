// SPDX-License-Identifier: GPL-2.0-only
/*
 * The wrapper. In the order of a request: the table of policies, the contiguous
 * attempt, the fallback, the reason, one request from end to end, the API. How
 * policy backoff remembers failures stands last.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bug.h>
#include <linux/export.h>
#include <linux/jump_label.h>
#include <linux/jiffies.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>

#include "kvdemo.h"

/* A driver that takes this file in keeps its symbols to itself. */
#ifndef KVDEMO_EXPORTS
#undef EXPORT_SYMBOL_GPL
#define EXPORT_SYMBOL_GPL(symbol)
#endif

/* The rule of 4.12 and the page allocator agree on where an order is costly. */
#define COSTLY_SIZE	((size_t)PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER)

/* vmalloc promises neither a zone nor a node, so such a request has no fallback. */
#define GFP_BOUND	(__GFP_DMA | __GFP_THISNODE)

/*
 * The rules. Above PAGE_SIZE every attempt also gets __GFP_NOWARN: with a fallback
 * a failure is not worth a report, without one the caller sees NULL.
 */
const struct kvdemo_policy kvdemo_policies[KVDEMO_NR_POLICIES] = {
	[KVDEMO_NORETRY] = {
		.name = "noretry",
		.desc = "the kernel's of 4.12: one light round of reclaim, no retry",
		/* give up after one round: a fallback exists */
		.set = __GFP_NORETRY,
		/* 4.12, 6c5ab6511f71: REPEAT counts for costly orders only */
		.mayfail_above = COSTLY_SIZE,
		.tries = true,
		.falls_back = true,
	},
	[KVDEMO_NORECLAIM] = {
		.name = "noreclaim",
		.desc = "the kernel's since 6.16: only free memory is asked",
		/* 6.16, 46459154f997: compaction is left to kcompactd */
		.clear = __GFP_DIRECT_RECLAIM,
		.mayfail_above = PAGE_SIZE,
		.tries = true,
		.falls_back = true,
	},
	[KVDEMO_BACKOFF] = {
		.name = "backoff",
		.desc = "ours: noreclaim, and a failed order rests for a while",
		/* as noreclaim; kswapd is still woken, once per back-off period */
		.clear = __GFP_DIRECT_RECLAIM,
		.mayfail_above = PAGE_SIZE,
		.tries = true,
		.falls_back = true,
		.backs_off = true,
	},
	[KVDEMO_NATIVE] = {
		.name = "native",
		.desc = "the running kernel's kvmalloc_node()",
		.tries = true,
		.falls_back = true,
		.native = true,
	},
	[KVDEMO_KMALLOC] = {
		.name = "kmalloc",
		.desc = "kmalloc only, no fallback",
		/* plain GFP_KERNEL wakes the OOM killer up to the costly order */
		.set = __GFP_NORETRY,
		.mayfail_above = COSTLY_SIZE,
		.tries = true,
	},
	[KVDEMO_VMALLOC] = {
		.name = "vmalloc",
		.desc = "vmalloc only, at every size",
		.falls_back = true,
	},
};
EXPORT_SYMBOL_GPL(kvdemo_policies);

/* Policy backoff, at the end of this file */
static __always_inline bool backoff_skips(const struct kvdemo_request *rq);
static void backoff_failed(const struct kvdemo_request *rq);

/* While a request is served: no reason is known yet. */
#define WHY_OPEN	KVDEMO_NR_WHYS

/* The attempt */

static __always_inline gfp_t try_gfp(const struct kvdemo_request *rq)
{
	const struct kvdemo_policy *policy = rq->policy;
	gfp_t gfp = rq->gfp;

	if (rq->size <= PAGE_SIZE)
		return gfp;
	gfp |= __GFP_NOWARN; /* the fallback, or the caller, reports */
	/* One test covers the rare flags; inline, so the common path saves no registers. */
	if (unlikely(gfp & (__GFP_RETRY_MAYFAIL | GFP_BOUND))) {
		/* no fallback follows, and the OOM killer makes no blocks */
		if (gfp & GFP_BOUND && policy->falls_back)
			return gfp | __GFP_RETRY_MAYFAIL;
		if (gfp & __GFP_RETRY_MAYFAIL && rq->size > policy->mayfail_above)
			return gfp;
	}
	return (gfp | policy->set) & ~policy->clear;
}

/* The fallback is asked for, and exists: see kvdemo_force_fallback(). */
static __always_inline bool is_forced(const struct kvdemo_request *rq)
{
	return unlikely(rq->force_fallback) && rq->policy->falls_back &&
	       rq->size > PAGE_SIZE && !(rq->gfp & (GFP_BOUND | __GFP_DMA32)) &&
	       kvdemo_compat_falls_back(rq->gfp);
}

/* Is kmalloc tried? If not, @why says for what reason. */
static __always_inline bool wants_try(const struct kvdemo_request *rq, enum kvdemo_why *why)
{
	const struct kvdemo_policy *policy = rq->policy;

	if (is_forced(rq)) {
		*why = KVDEMO_WHY_FORCED;
		return false;
	}
	if (!policy->backs_off) {
		if (!policy->tries)
			*why = KVDEMO_WHY_POLICY;
		return policy->tries;
	}
	/* A cache has free objects of its own, where no free block is seen. */
	if (rq->size <= KMALLOC_MAX_CACHE_SIZE)
		return true;
	if (rq->size > KMALLOC_MAX_SIZE) {
		*why = KVDEMO_WHY_TOO_LARGE;
		return false;
	}
	if (backoff_skips(rq)) {
		*why = KVDEMO_WHY_BACKOFF;
		return false;
	}
	return true;
}

static noinline void *try_timed(const struct kvdemo_request *rq, struct kvdemo_result *res,
				unsigned long caller)
{
	u64 start = ktime_get_ns();
	void *p = kvdemo_compat_kmalloc(rq->size, try_gfp(rq), rq->node, caller);

	res->kmalloc_ns = ktime_get_ns() - start;
	return p;
}

static __always_inline void *try_kmalloc(const struct kvdemo_request *rq,
					 struct kvdemo_result *res, unsigned long caller)
{
	if (unlikely(res))
		return try_timed(rq, res, caller);
	return kvdemo_compat_kmalloc(rq->size, try_gfp(rq), rq->node, caller);
}

/* The fallback */

/* Does the rule have one for such a request, be its size what it may? */
static bool has_fallback(const struct kvdemo_request *rq)
{
	if (rq->policy->tries && rq->size <= PAGE_SIZE)
		return false;
	return rq->policy->falls_back && !(rq->gfp & (GFP_BOUND | __GFP_DMA32));
}

static noinline void *kvdemo_vmalloc(const struct kvdemo_request *rq)
{
	gfp_t gfp = rq->gfp & KVDEMO_GFP_VMALLOC;
	void *p;

	/* order-0 pages else call the OOM killer, of a memory cgroup, too */
	if (rq->no_oom)
		gfp |= KVDEMO_GFP_VMALLOC_NO_OOM;
	/* The node-aware form maps huge pages: only for those who name a node. */
	if (KVDEMO_VMALLOC_NODE && rq->node != NUMA_NO_NODE)
		p = kvdemo_compat_vmalloc_node(rq->size, gfp, rq->node);
	else
		p = __vmalloc_noprof(rq->size, gfp);
	/* No tail call: /proc/vmallocinfo is to name this function. */
	barrier();
	return p;
}

static void *fall_back(const struct kvdemo_request *rq, struct kvdemo_result *res)
{
	u64 start;
	void *p;

	if (rq->size > INT_MAX) {
		/* 5.15, 7661809d493b: such a size is a bug of the caller */
		WARN_ON_ONCE(!(rq->gfp & __GFP_NOWARN));
		return NULL;
	}
	if (!has_fallback(rq))
		return NULL;
	start = res ? ktime_get_ns() : 0;
	p = kvdemo_vmalloc(rq);
	if (res)
		res->vmalloc_ns = ktime_get_ns() - start;
	return p;
}

/* The reason */

/* Why there is no memory. Is it more than what the policy may ask can ever serve? */
static enum kvdemo_why why_none(const struct kvdemo_request *rq)
{
	bool kmalloc_fits = rq->policy->tries && rq->size <= KMALLOC_MAX_SIZE;

	if (rq->size > INT_MAX)
		return KVDEMO_WHY_INVALID;
	/* kmalloc has no such zone, and would serve any other, with a splat */
	if (rq->gfp & __GFP_DMA32)
		return KVDEMO_WHY_IMPOSSIBLE;
	return kmalloc_fits || rq->policy->native || has_fallback(rq) ?
	       KVDEMO_WHY_NO_MEMORY : KVDEMO_WHY_IMPOSSIBLE;
}

/* @why holds the reason for which no attempt was made, if none was. */
static enum kvdemo_why why_of(const struct kvdemo_request *rq, const void *p,
			      enum kvdemo_path path, enum kvdemo_why why)
{
	if (!rq->size)
		return KVDEMO_WHY_ZERO;
	if (!p)
		return why_none(rq);
	if (path != KVDEMO_PATH_VMALLOC)
		return rq->size <= PAGE_SIZE ? KVDEMO_WHY_SMALL :
					       KVDEMO_WHY_CONTIGUOUS;
	if (why == KVDEMO_WHY_FORCED || why == KVDEMO_WHY_POLICY)
		return why;
	if (rq->size > KMALLOC_MAX_SIZE)
		return KVDEMO_WHY_TOO_LARGE;
	return why == KVDEMO_WHY_BACKOFF ? why : KVDEMO_WHY_KMALLOC_FAILED;
}

/* A bug of the caller that NULL alone would hide */
static void say_impossible(const struct kvdemo_request *rq, unsigned long caller)
{
	if (!(rq->gfp & __GFP_NOWARN))
		pr_warn_once("%pS asks for size=%zu gfp=%pGg under policy %s, which nothing can serve\n",
			     (void *)caller, rq->size, &rq->gfp, rq->policy->name);
}

/* One request, from end to end */

/* Out of line, because most requests end before it */
static noinline void *after_try(const struct kvdemo_request *rq, struct kvdemo_result *res,
				enum kvdemo_why why, unsigned long caller)
{
	void *p;

	if (!rq->size)
		return ZERO_SIZE_PTR;
	if (why == WHY_OPEN && rq->policy->backs_off && rq->size > KMALLOC_MAX_CACHE_SIZE)
		backoff_failed(rq);
	p = fall_back(rq, res);
	/* A skipped attempt must not cost the caller the memory. */
	if (!p && why == KVDEMO_WHY_BACKOFF)
		p = try_kmalloc(rq, res, caller);
	if (!p && why_none(rq) == KVDEMO_WHY_IMPOSSIBLE)
		say_impossible(rq, caller);
	return p;
}

/* Without @res there is no clock and no look at the page. */
static __always_inline void *serve(const struct kvdemo_request *rq, struct kvdemo_result *res,
				   unsigned long caller)
{
	enum kvdemo_why why = WHY_OPEN;
	void *p = NULL;

	if (unlikely(res)) {
		res->kmalloc_ns = KVDEMO_NS_NONE;
		res->vmalloc_ns = KVDEMO_NS_NONE;
	}
	/* Without a result kmalloc answers size 0, and after_try() where none is tried. */
	if (res && !rq->size)
		p = ZERO_SIZE_PTR;
	else if (likely(wants_try(rq, &why)))
		p = try_kmalloc(rq, res, caller);
	if (unlikely(!p))
		p = after_try(rq, res, why, caller);
	if (unlikely(res)) {
		res->path = kvdemo_path(p);
		res->why = why_of(rq, p, res->path, why);
	}
	return p;
}

/* Apart, so that a request without a result saves no registers for it */
static noinline void *serve_told(const struct kvdemo_request *rq, struct kvdemo_result *res,
				 unsigned long caller)
{
	return serve(rq, res, caller);
}

static noinline void *serve_native(const struct kvdemo_request *rq, struct kvdemo_result *res)
{
	void *p = kvmalloc_node_noprof(rq->size, rq->gfp, rq->node);

	if (res)
		kvdemo_outcome(rq, p, res);
	return p;
}

/* The contract of kvmalloc_node() in 4.12, and a zone that kmalloc does not have */
static __always_inline bool in_contract(gfp_t gfp)
{
	return (gfp & (GFP_KERNEL | __GFP_NORETRY | __GFP_NOFAIL | __GFP_DMA32)) ==
	       GFP_KERNEL;
}

/*
 * Outside the contract, the running kernel's own kvmalloc knows best what it can
 * promise, and a caller gets no less than there. It warns where that kernel's
 * documentation calls a flag unsupported; else one line names the first caller.
 */
static noinline void *serve_other(const struct kvdemo_request *asked,
				  struct kvdemo_result *res, unsigned long caller)
{
	struct kvdemo_request rq = *asked;

	if (rq.gfp & __GFP_DMA32) {
		void *p = rq.size ? NULL : ZERO_SIZE_PTR;

		if (!p)
			say_impossible(&rq, caller);
		if (res)
			kvdemo_outcome(&rq, p, res);
		return p;
	}
	if (kvdemo_compat_unsupported(rq.gfp))
		WARN_ONCE(1, pr_fmt("%pS: gfp=%pGg is not supported by this kernel's kvmalloc\n"),
			  (void *)caller, &rq.gfp);
	else
		pr_info_once("%pS asks for gfp=%pGg: this kernel's own kvmalloc_node() serves all such requests\n",
			     (void *)caller, &rq.gfp);
	if (is_forced(&rq))
		return serve_told(&rq, res, caller);
	rq.policy = &kvdemo_policies[KVDEMO_NATIVE];
	return serve_native(&rq, res);
}

static __always_inline void *serve_any(const struct kvdemo_request *rq,
				       struct kvdemo_result *res, unsigned long caller)
{
	if (unlikely(!in_contract(rq->gfp)))
		return serve_other(rq, res, caller);
	if (rq->policy->native && !is_forced(rq))
		return serve_native(rq, res);
	return unlikely(res) ? serve_told(rq, res, caller) : serve(rq, NULL, caller);
}

/* The API */

/**
 * kvdemo_path() - what kind of memory an address is
 * @p: an address that kvmalloc or this file returned, or into such a buffer
 *
 * Reads the address and, in the linear map, the head page: a slab page was
 * handed out by a cache, any other is large kmalloc.
 *
 * Context: any.
 * Return: the path; KVDEMO_PATH_NONE for NULL and ZERO_SIZE_PTR.
 */
enum kvdemo_path kvdemo_path(const void *p)
{
	if (ZERO_OR_NULL_PTR(p))
		return KVDEMO_PATH_NONE;
	if (is_vmalloc_addr(p))
		return KVDEMO_PATH_VMALLOC;
	if (PageSlab(virt_to_head_page(p)))
		return KVDEMO_PATH_SLAB;
	return KVDEMO_PATH_PAGES;
}
EXPORT_SYMBOL_GPL(kvdemo_path);

/**
 * kvdemo_outcome() - what a call of the kernel's own kvmalloc came to
 * @rq: what was asked for
 * @p: what kvmalloc_node() returned
 * @res: path and why are filled in; the prices of the two steps cannot be measured
 *	from outside
 *
 * Context: any.
 */
void kvdemo_outcome(const struct kvdemo_request *rq, const void *p,
		    struct kvdemo_result *res)
{
	res->path = kvdemo_path(p);
	res->why = why_of(rq, p, res->path, WHY_OPEN);
	res->kmalloc_ns = KVDEMO_NS_NONE;
	res->vmalloc_ns = KVDEMO_NS_NONE;
}
EXPORT_SYMBOL_GPL(kvdemo_outcome);

/* One static branch for what is rare: an observer, or the fallback forced on all. */
static DEFINE_STATIC_KEY_FALSE(rare_key);

static const struct kvdemo_observer *observer;
static bool force_fallback;
static DEFINE_MUTEX(force_lock);

/**
 * kvdemo_observe() - call an observer for every allocation and free of the API
 * @who: the one observer that there is; it outlives every caller of the API
 * @on: false takes one call with true back
 *
 * While nobody observes, the allocation path pays nothing for it.
 *
 * Context: process context, may sleep. A call of the observer may go on after the last.
 */
void kvdemo_observe(const struct kvdemo_observer *who, bool on)
{
	/* pairs with alloc_rare() and kvfree_rare() */
	smp_store_release(&observer, who);
	if (on)
		static_branch_inc(&rare_key);
	else
		static_branch_dec(&rare_key);
}

void kvdemo_force_fallback(bool on)
{
	mutex_lock(&force_lock);
	if (on && !force_fallback)
		static_branch_inc(&rare_key);
	else if (!on && force_fallback)
		static_branch_dec(&rare_key);
	WRITE_ONCE(force_fallback, on);
	mutex_unlock(&force_lock);
}
EXPORT_SYMBOL_GPL(kvdemo_force_fallback);

/* Observers need the result even when the caller passes none. */
static noinline void *alloc_rare(const struct kvdemo_request *asked,
				 struct kvdemo_result *res, unsigned long caller)
{
	const struct kvdemo_observer *who;
	struct kvdemo_request rq = *asked;
	struct kvdemo_result seen;
	u64 start = ktime_get_ns();
	void *p;

	rq.force_fallback |= READ_ONCE(force_fallback);
	p = serve_any(&rq, &seen, caller);
	/* Report the policy that really ran. */
	if (!in_contract(rq.gfp) && !is_forced(&rq) && !(rq.gfp & __GFP_DMA32))
		rq.policy = &kvdemo_policies[KVDEMO_NATIVE];
	/* pairs with kvdemo_observe() */
	who = smp_load_acquire(&observer);
	if (who)
		who->alloc(&rq, &seen, p, ktime_get_ns() - start, caller);
	if (res)
		*res = seen;
	return p;
}

/* kvdemo_alloc(), to be charged to its caller; documented in kvdemo.h */
void *kvdemo_alloc_noprof(const struct kvdemo_request *rq,
			  struct kvdemo_result *res)
{
	if (static_branch_unlikely(&rare_key))
		return alloc_rare(rq, res, _RET_IP_);
	return serve_any(rq, res, _RET_IP_);
}
EXPORT_SYMBOL_GPL(kvdemo_alloc_noprof);

/* kvdemo_kvmalloc_node(), to be charged to its caller */
void *kvdemo_kvmalloc_node_noprof(size_t size, gfp_t flags, int node)
{
	const struct kvdemo_request rq = {
		.size = size, .gfp = flags, .node = node,
		.policy = &kvdemo_policies[KVDEMO_NORETRY],
	};

	if (static_branch_unlikely(&rare_key))
		return alloc_rare(&rq, NULL, _RET_IP_);
	return serve_any(&rq, NULL, _RET_IP_);
}
EXPORT_SYMBOL_GPL(kvdemo_kvmalloc_node_noprof);

static noinline void kvfree_rare(const void *p, unsigned long caller)
{
	const struct kvdemo_observer *who;

	/* pairs with kvdemo_observe() */
	who = smp_load_acquire(&observer);
	/* The path is told while the memory is still ours. */
	if (who)
		who->free(p, kvdemo_path(p), caller);
}

/**
 * kvdemo_kvfree() - free what any policy returned
 * @p: the buffer; NULL and ZERO_SIZE_PTR are allowed
 *
 * As kvfree(), and an observer is told of it.
 *
 * Context: process context, may sleep.
 */
void kvdemo_kvfree(const void *p)
{
	if (static_branch_unlikely(&rare_key))
		kvfree_rare(p, _RET_IP_);
	kvfree(p);
}
EXPORT_SYMBOL_GPL(kvdemo_kvfree);

/*
 * Policy backoff. After a failed attempt of an order, this CPU makes no other of that
 * order until more blocks are free than at the fewest seen since, or until a period
 * of BACKOFF_TICKS is over: an attempt wakes kswapd and kcompactd, and somebody must.
 *
 * What is seen are the free lists of the zone that serves the request first, from
 * that order up, and the list of that order in the lower zones of its node. They are
 * read without the zone's lock: a hint. Blocks that are free but not for this request
 * (CMA, watermarks) were free at the failure, too.
 *
 * Where compaction has pages to move, the first BACKOFF_BURST failures after a calm
 * second start no back-off period, because compaction has to be asked many times in a
 * row: kswapd must find nothing to reclaim 16 times (MAX_RECLAIM_RETRIES) before it
 * leaves a zone that is short of free pages to kcompactd, which then passes over
 * calls of its own accord.
 *
 * A skipped attempt, and one that succeeds, write nothing that CPUs share.
 */
#define BACKOFF_TICKS	max(HZ / 250, 1)
#define BACKOFF_BURST	24
#define NR_ORDERS	(KMALLOC_SHIFT_MAX - PAGE_SHIFT + 1)

/* What a CPU remembers of an order */
struct backoff {
	u32 seen;	/* 1 + the fewest free blocks since the failure; 0: attempts are made */
	u32 since;	/* jiffies at the last failure */
	const struct zone *zone;	/* that serves first */
	u8 burst;	/* failures since the last calm second */
};

static DEFINE_PER_CPU(struct backoff, kvdemo_backoff[NR_ORDERS]);

/* get_order() of a size above PAGE_SIZE, and two instructions less */
static __always_inline unsigned int backoff_order(size_t size)
{
	return __fls(size - 1) - PAGE_SHIFT + 1;
}

static struct zone *first_zone(int node)
{
	struct zoneref *ref;

	if (node == NUMA_NO_NODE)
		node = numa_mem_id();
	ref = node_zonelist(node, GFP_KERNEL)->_zonerefs;
	/* highmem and movable zones come first, and are not for kmalloc */
	while (zonelist_zone_idx(ref) > ZONE_NORMAL)
		ref++;
	return zonelist_zone(ref);
}

/* Free blocks of @order and above, and of @order in that many zones below: these lie before */
static u32 free_blocks(const struct zone *zone, unsigned int order, unsigned int lower)
{
	const struct free_area *end = zone->free_area + NR_ORDERS;
	const struct free_area *area;
	u32 blocks = 0;

	BUILD_BUG_ON(ARRAY_SIZE(zone->free_area) < NR_ORDERS);
	for (area = zone->free_area + order; area < end; area++)
		blocks += READ_ONCE(area->nr_free);
	while (lower--)
		blocks += READ_ONCE((--zone)->free_area[order].nr_free);
	return blocks;
}

/* Out of line: a CPU whose last attempt succeeded does not come here. */
static noinline bool backoff_rests(unsigned int order, gfp_t gfp)
{
	struct backoff *b = raw_cpu_ptr(kvdemo_backoff + order);
	const struct zone *zone = READ_ONCE(b->zone);
	u32 now, seen = READ_ONCE(b->seen);

	/* No failure was recorded on this CPU: the task migrated. */
	if (unlikely(!seen || !zone))
		return false;
	now = free_blocks(zone, order, zone_idx(zone)) + 1;
	/* A caller of RETRY_MAYFAIL wants contiguous memory at a price. */
	if (gfp & __GFP_RETRY_MAYFAIL || now > seen ||
	    (u32)jiffies - READ_ONCE(b->since) >= BACKOFF_TICKS) {
		/* The attempt starts afresh, so a success has nothing left to do. */
		WRITE_ONCE(b->seen, 0);
		return false;
	}
	/* Where others took some, what comes back counts as new. */
	if (now < seen)
		WRITE_ONCE(b->seen, now);
	return true;
}

/* A migration between the accesses spoils a guess, nothing else. */
static __always_inline bool backoff_skips(const struct kvdemo_request *rq)
{
	unsigned int order = backoff_order(rq->size);

	return unlikely(this_cpu_read((kvdemo_backoff + order)->seen)) &&
	       backoff_rests(order, rq->gfp);
}

/*
 * Pages on the LRU lists are what compaction can move. Where they are an eighth of
 * the zone or less, it was not seen to make a block, and 24 attempts are not free.
 */
static bool has_movable(struct zone *zone)
{
	unsigned long pages = 0;
	int item;

	for (item = NR_ZONE_INACTIVE_ANON; item <= NR_ZONE_ACTIVE_FILE; item++)
		pages += zone_page_state(zone, item);
	return pages > zone_managed_pages(zone) / 8;
}

static bool in_burst(struct backoff *b, struct zone *zone)
{
	if ((u32)jiffies - b->since > HZ)
		b->burst = 0;
	if (b->burst >= BACKOFF_BURST || !has_movable(zone))
		return false;
	b->burst++;
	return true;
}

/* May the failure be that of one cgroup, cpuset or memory policy? */
static bool is_confined(gfp_t gfp)
{
	if (gfp & (__GFP_ACCOUNT | __GFP_HARDWALL))
		return true;
#ifdef CONFIG_NUMA
	return current->mempolicy;
#else
	return false;
#endif
}

static noinline void backoff_failed(const struct kvdemo_request *rq)
{
	unsigned int order = backoff_order(rq->size);
	struct zone *zone = first_zone(rq->node);
	struct backoff *b = raw_cpu_ptr(kvdemo_backoff + order);
	bool bursts;

	/* A full node or zone says nothing of all memory. */
	if (rq->gfp & GFP_BOUND)
		return;
	/* Without a free block it is the memory, whatever confines the request. */
	if (is_confined(rq->gfp) && free_blocks(zone, order, 0))
		return;
	bursts = in_burst(b, zone);
	b->since = jiffies;
	WRITE_ONCE(b->zone, zone);
	WRITE_ONCE(b->seen, bursts ? 0 : free_blocks(zone, order, zone_idx(zone)) + 1);
}

#ifdef KVDEMO_EXPORTS /* for kvdemo_live.ko, documented in kvdemo.h */
bool kvdemo_may_try(const struct kvdemo_request *rq, gfp_t *gfp)
{
	enum kvdemo_why why;

	*gfp = try_gfp(rq);
	return wants_try(rq, &why);
}
EXPORT_SYMBOL_GPL(kvdemo_may_try);

void kvdemo_try_failed(const struct kvdemo_request *rq)
{
	if (rq->policy->backs_off)
		backoff_failed(rq);
}
EXPORT_SYMBOL_GPL(kvdemo_try_failed);
#endif
