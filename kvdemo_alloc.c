// SPDX-License-Identifier: GPL-2.0-only
/*
 * The wrapper, in the order of a request: the table of policies, the contiguous
 * attempt, the fallback, the reason, one request from end to end, the API.
 * kvdemo_backoff.h has what policy backoff remembers.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/bug.h>
#include <linux/export.h>
#include <linux/jump_label.h>
#include <linux/limits.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/timekeeping.h>

#include "kvdemo.h"
#include "kvdemo_backoff.h"

/* A driver that includes this file exports nothing. */
#ifndef KVDEMO_EXPORTS
#undef EXPORT_SYMBOL_GPL
#define EXPORT_SYMBOL_GPL(symbol)
#endif

/* Sizes above this are costly to kvmalloc of 4.12 and to the page allocator. */
#define COSTLY_SIZE	((size_t)PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER)

/* The page allocator stays silent: the caller or the fallback reports a failure. */
#define TRY_GFP	__GFP_NOWARN
#define ALL_GFP	(~(__force gfp_t)0)

const struct kvdemo_policy kvdemo_policies[KVDEMO_NR_POLICIES] = {
	[KVDEMO_NORETRY] = {
		.name = "noretry",
		.desc = "the kernel's of 4.12: one light round of reclaim, no retry",
		/* give up after one round: a fallback exists */
		.set = TRY_GFP | __GFP_NORETRY,
		.keep = ALL_GFP,
		/* 4.12, 6c5ab6511f71: REPEAT, now RETRY_MAYFAIL, acts on costly orders only */
		.mayfail_above = COSTLY_SIZE,
		.tries = true,
		.falls_back = true,
	},
	[KVDEMO_NORECLAIM] = {
		.name = "noreclaim",
		.desc = "the kernel's since 6.16: takes free memory, reclaims nothing",
		.set = TRY_GFP,
		/* 6.16, 46459154f997: compaction is left to kcompactd */
		.keep = ~__GFP_DIRECT_RECLAIM,
		.mayfail_above = PAGE_SIZE,
		.tries = true,
		.falls_back = true,
	},
	[KVDEMO_BACKOFF] = {
		.name = "backoff",
		.desc = "ours: noreclaim, and no attempt for a while after one failed",
		/*
		 * From 6.3 (1ebbb21811b7) until it was fixed (6a204d4b14c9), an attempt
		 * without direct reclaim took from the reserve of atomic requests.
		 */
		.set = TRY_GFP | __GFP_NOMEMALLOC,
		/*
		 * As noreclaim; an attempt that fails still wakes kswapd. With HIGH it might
		 * take half of the pages that the min watermark reserves.
		 */
		.keep = ~(__GFP_DIRECT_RECLAIM | __GFP_HIGH),
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
		/* for orders that are not costly, plain GFP_KERNEL would call the OOM killer */
		.set = TRY_GFP | __GFP_NORETRY,
		.keep = ALL_GFP,
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

/* No attempt was skipped: the outcome gives the reason. */
#define WHY_OPEN	KVDEMO_NR_WHYS

/* The attempt */

static gfp_t try_gfp(const struct kvdemo_request *rq)
{
	const struct kvdemo_policy *policy = rq->policy;
	gfp_t gfp = rq->gfp;

	if (rq->size <= PAGE_SIZE)
		return gfp;
	/* No fallback follows: try hard, but without OOM kills, which make no free block. */
	if (gfp & GFP_BOUND && policy->falls_back)
		return gfp | TRY_GFP | __GFP_RETRY_MAYFAIL;
	if (gfp & __GFP_RETRY_MAYFAIL && rq->size > policy->mayfail_above)
		return gfp | TRY_GFP;
	return (gfp | policy->set) & policy->keep;
}

/* Is the fallback forced, and is there one? See kvdemo_force_fallback(). */
static bool is_forced(const struct kvdemo_request *rq)
{
	return unlikely(rq->force_fallback) && rq->policy->falls_back &&
	       rq->size > PAGE_SIZE && !(rq->gfp & (GFP_BOUND | __GFP_DMA32)) &&
	       kvdemo_compat_falls_back(rq->gfp);
}

/* Is kmalloc attempted? If not, @why is set to the reason. */
static bool wants_try(const struct kvdemo_request *rq, enum kvdemo_why *why)
{
	if (is_forced(rq))
		*why = KVDEMO_WHY_FORCED;
	else if (!rq->policy->tries)
		*why = KVDEMO_WHY_POLICY;
	else if (rq->policy->backs_off && rq->size > KMALLOC_MAX_SIZE)
		*why = KVDEMO_WHY_TOO_LARGE;
	/* Slab caches serve smaller sizes, and may have free objects without a free block. */
	else if (rq->policy->backs_off && rq->size > KMALLOC_MAX_CACHE_SIZE &&
		 backoff_rests(rq->size, rq->gfp))
		*why = KVDEMO_WHY_BACKOFF;
	else
		return true;
	return false;
}

static void *try_kmalloc(const struct kvdemo_request *rq, struct kvdemo_result *res,
			 unsigned long caller)
{
	u64 start = res ? ktime_get_ns() : 0;
	void *p = kvdemo_compat_kmalloc(rq->size, try_gfp(rq), rq->node, caller);

	if (res)
		res->kmalloc_ns = ktime_get_ns() - start;
	return p;
}

/* The fallback */

/* Does the policy have a fallback for this request? fall_back() refuses over INT_MAX. */
static bool has_fallback(const struct kvdemo_request *rq)
{
	if (rq->policy->tries && rq->size <= PAGE_SIZE)
		return false;
	return rq->policy->falls_back && !(rq->gfp & (GFP_BOUND | __GFP_DMA32));
}

/*
 * Must vmalloc be told the node? __vmalloc() prefers this CPU's node anyway, while
 * vmalloc_huge_node() reclaims for blocks (on arm64 from 64 KiB on).
 */
static bool is_elsewhere(int node)
{
	return KVDEMO_VMALLOC_NODE && node != NUMA_NO_NODE &&
	       ((node != numa_mem_id() && node != numa_node_id()) || has_mempolicy());
}

static noinline void *kvdemo_vmalloc(const struct kvdemo_request *rq, enum kvdemo_why why)
{
	gfp_t gfp = rq->gfp & KVDEMO_GFP_VMALLOC;
	void *p;

	/* Otherwise vmalloc's order-0 requests may call the OOM killer, global or of a cgroup. */
	if (rq->no_oom || rq->gfp & __GFP_RETRY_MAYFAIL)
		gfp |= KVDEMO_GFP_VMALLOC_NO_OOM;
	if (why == KVDEMO_WHY_TOO_LARGE && backoff_maps_huge(rq))
		p = kvdemo_compat_vmalloc_huge(rq->size, gfp, rq->node);
	else if (likely(!is_elsewhere(rq->node)))
		/* Without KSWAPD_RECLAIM another node needs vmalloc_huge_node(), which reclaims. */
		p = __vmalloc_noprof(rq->size, why == KVDEMO_WHY_BACKOFF && backoff_is_quiet(rq) ?
				     gfp & ~__GFP_KSWAPD_RECLAIM : gfp);
	else if ((gfp & ~__GFP_ZERO) == GFP_KERNEL)
		p = kvdemo_compat_vmalloc_plain(rq->size, gfp, rq->node);
	else
		p = kvdemo_compat_vmalloc_node(rq->size, gfp, rq->node);
	/* No tail call, so that /proc/vmallocinfo names this function. */
	barrier();
	return p;
}

static void *fall_back(const struct kvdemo_request *rq, struct kvdemo_result *res,
		       enum kvdemo_why why)
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
	p = kvdemo_vmalloc(rq, why);
	if (res)
		res->vmalloc_ns = ktime_get_ns() - start;
	return p;
}

/* The reason */

/* The reason for NULL: could a step that the policy allows ever serve this request? */
static enum kvdemo_why why_none(const struct kvdemo_request *rq)
{
	bool kmalloc_fits = rq->policy->tries && rq->size <= KMALLOC_MAX_SIZE;

	if (rq->size > INT_MAX)
		return KVDEMO_WHY_INVALID;
	/* kmalloc would WARN, drop the flag, and serve from another zone. */
	if (rq->gfp & __GFP_DMA32)
		return KVDEMO_WHY_IMPOSSIBLE;
	return kmalloc_fits || rq->policy->native || has_fallback(rq) ?
	       KVDEMO_WHY_NO_MEMORY : KVDEMO_WHY_IMPOSSIBLE;
}

/* @why: why the attempt was skipped; WHY_OPEN where it was made. */
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

/* The request is a bug of the caller, which NULL alone would hide. */
static void say_impossible(const struct kvdemo_request *rq, unsigned long caller)
{
	if (!(rq->gfp & __GFP_NOWARN))
		pr_warn_once("%pS asks for size=%zu gfp=%pGg under policy %s, which nothing can serve\n",
			     (void *)caller, rq->size, &rq->gfp, rq->policy->name);
}

/* One request, from end to end */

/* Out of line, because most attempts succeed. */
static noinline void *after_try(const struct kvdemo_request *rq, struct kvdemo_result *res,
				enum kvdemo_why why, unsigned long caller)
{
	void *p;

	if (why == WHY_OPEN && rq->policy->backs_off && rq->size > KMALLOC_MAX_CACHE_SIZE)
		backoff_failed(rq);
	p = fall_back(rq, res, why);
	/* A skipped attempt never makes a request fail. */
	if (!p && why == KVDEMO_WHY_BACKOFF)
		p = try_kmalloc(rq, res, caller);
	if (!p && why_none(rq) == KVDEMO_WHY_IMPOSSIBLE)
		say_impossible(rq, caller);
	return p;
}

/* Takes the steps of the policy. @why is set if the attempt is skipped. */
static void *serve_steps(const struct kvdemo_request *rq, struct kvdemo_result *res,
			 enum kvdemo_why *why, unsigned long caller)
{
	void *p = NULL;

	if (!rq->size)
		return ZERO_SIZE_PTR;
	if (rq->gfp & __GFP_DMA32) {
		say_impossible(rq, caller);
		return NULL;
	}
	/* The prices of the kernel's own kvmalloc cannot be measured from outside. */
	if (rq->policy->native && !is_forced(rq))
		return kvmalloc_node_noprof(rq->size, rq->gfp, rq->node);
	if (wants_try(rq, why))
		p = try_kmalloc(rq, res, caller);
	return p ?: after_try(rq, res, *why, caller);
}

/* Flags that kvmalloc_node() of 4.12 did not support, except DMA32, which nothing can serve */
static bool is_outside(gfp_t gfp)
{
	return (gfp & (GFP_KERNEL | __GFP_NORETRY | __GFP_NOFAIL)) != GFP_KERNEL &&
	       !(gfp & __GFP_DMA32);
}

/* Warns if this kernel's documentation calls a flag unsupported. Otherwise logs one line. */
static void say_outside(const struct kvdemo_request *rq, unsigned long caller)
{
	if (kvdemo_compat_unsupported(rq->gfp))
		WARN_ONCE(1, pr_fmt("%pS: gfp=%pGg is not supported by this kernel's kvmalloc\n"),
			  (void *)caller, &rq->gfp);
	else
		pr_info_once("%pS asks for gfp=%pGg: this kernel's own kvmalloc_node() serves all such requests\n",
			     (void *)caller, &rq->gfp);
}

/*
 * Serves any request. The clock and the page are read only to fill @res. The running kernel's own
 * kvmalloc serves flags outside the contract, so that the wrapper gives no less than it.
 */
static noinline void *serve_rare(const struct kvdemo_request *rq, struct kvdemo_result *res,
				 unsigned long caller)
{
	enum kvdemo_why why = WHY_OPEN;
	struct kvdemo_request native;
	void *p;

	if (is_outside(rq->gfp)) {
		say_outside(rq, caller);
		if (!is_forced(rq)) {
			native = *rq;
			native.policy = &kvdemo_policies[KVDEMO_NATIVE];
			native.force_fallback = false;
			rq = &native;
		}
	}
	if (res) {
		res->kmalloc_ns = KVDEMO_NS_NONE;
		res->vmalloc_ns = KVDEMO_NS_NONE;
	}
	p = serve_steps(rq, res, &why, caller);
	if (res) {
		res->path = kvdemo_path(p);
		res->why = why_of(rq, p, res->path, why);
	}
	return p;
}

/* In the contract, and without the flags that try_gfp() treats specially */
static __always_inline bool is_plain(gfp_t gfp)
{
	return (gfp & (GFP_KERNEL | __GFP_NORETRY | __GFP_NOFAIL | __GFP_DMA32 | GFP_BOUND |
		       __GFP_RETRY_MAYFAIL)) == GFP_KERNEL;
}

/* Does what serve_rare() does for an order that has failed, in at least 40 instructions less. */
static noinline void *serve_remembered(const struct kvdemo_request *rq, unsigned long caller)
{
	void *p;

	if (rq->size > KMALLOC_MAX_SIZE || !backoff_rests(rq->size, rq->gfp))
		return serve_rare(rq, NULL, caller);
	p = kvdemo_vmalloc(rq, KVDEMO_WHY_BACKOFF);
	/* A skipped attempt never makes a request fail. */
	return likely(p) ? p : try_kmalloc(rq, NULL, caller);
}

/* The common path. Rare flags, back-off periods and policies without @set are out of line. */
static __always_inline void *serve_any(const struct kvdemo_request *rq,
				       struct kvdemo_result *res, unsigned long caller)
{
	const struct kvdemo_policy *policy = rq->policy;
	gfp_t gfp = rq->gfp;
	void *p;

	if (unlikely(!is_plain(gfp) || res || rq->force_fallback || !policy->set))
		return serve_rare(rq, res, caller);
	if (rq->size > PAGE_SIZE) {
		if (policy->backs_off && unlikely(backoff_remembers(rq->size)))
			return serve_remembered(rq, caller);
		gfp = (gfp | policy->set) & policy->keep;
	}
	p = kvdemo_compat_kmalloc(rq->size, gfp, rq->node, caller);
	return likely(p) ? p : after_try(rq, NULL, WHY_OPEN, caller);
}

/* The API */

/**
 * kvdemo_path() - what kind of memory an address is
 * @p: an address that kvmalloc or this file returned, or into such a buffer
 *
 * Reads the address and, in the linear map, the head page. A slab page belongs to a
 * cache, any other page to a large kmalloc.
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

/* One static branch for two rare cases: an observer, or a fallback forced on everyone. */
static DEFINE_STATIC_KEY_FALSE(rare_key);

static const struct kvdemo_observer *observer;
static bool force_fallback;
static DEFINE_MUTEX(force_lock);

/**
 * kvdemo_observe() - call an observer for every allocation and free of the API
 * @who: the observer; there is only one, and it must outlive every caller of the API
 * @on: true, or false to undo one call with true
 *
 * While nobody observes, the allocation path pays nothing for it.
 *
 * Context: process context, may sleep. A call of the observer may still be running when
 * this returns.
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
	if (is_outside(rq.gfp) && !is_forced(&rq))
		rq.policy = &kvdemo_policies[KVDEMO_NATIVE];
	/* pairs with kvdemo_observe() */
	who = smp_load_acquire(&observer);
	if (who)
		who->alloc(&rq, &seen, p, ktime_get_ns() - start, caller);
	if (res)
		*res = seen;
	return p;
}

/* The function behind the macro kvdemo_alloc() of kvdemo.h, which charges the caller */
void *kvdemo_alloc_noprof(const struct kvdemo_request *rq,
			  struct kvdemo_result *res)
{
	if (static_branch_unlikely(&rare_key))
		return alloc_rare(rq, res, _RET_IP_);
	return serve_any(rq, res, _RET_IP_);
}
EXPORT_SYMBOL_GPL(kvdemo_alloc_noprof);

/* The function behind the macro kvdemo_kvmalloc_node() of kvdemo.h, which charges the caller */
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
	/* before the memory is freed, because the path is read from its page */
	if (who)
		who->free(p, kvdemo_path(p), caller);
}

/**
 * kvdemo_kvfree() - free what any policy returned
 * @p: the buffer; NULL and ZERO_SIZE_PTR are allowed
 *
 * The same as kvfree(), and an observer sees it.
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

#ifdef KVDEMO_EXPORTS /* for kvdemo_live.ko, documented in kvdemo.h */
/*
 * Could the fallback get @pages of this node without reclaim? It may also take them from the
 * zones below the first; the zones of a node are one array.
 */
static bool node_has_spare(int node, unsigned long pages)
{
	struct zone *zone = first_zone(node), *lowest = zone->zone_pgdat->node_zones;

	do {
		if (has_spare(zone, pages))
			return true;
	} while (zone-- != lowest);
	return false;
}

bool kvdemo_may_try(const struct kvdemo_policy *policy, size_t size, int node)
{
	bool skips = !policy->tries || (policy->backs_off && backoff_rests(size, GFP_KERNEL));

	return !skips || !node_has_spare(node, PFN_UP(size));
}
EXPORT_SYMBOL_GPL(kvdemo_may_try);

void kvdemo_try_failed(const struct kvdemo_request *rq)
{
	if (rq->policy->backs_off)
		backoff_failed(rq);
}
EXPORT_SYMBOL_GPL(kvdemo_try_failed);

EXPORT_PER_CPU_SYMBOL_GPL(kvdemo_backoff_seen);
#endif
