// SPDX-License-Identifier: GPL-2.0-only
/*
 * The wrapper: request -> gfp of the contiguous try -> kmalloc_node() ->
 * fallback -> result. Everything that decides between kmalloc and vmalloc is
 * in this file; what a policy is stands in one row of kvdemo_policies[].
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
#include <linux/string.h>
#include <linux/timekeeping.h>

#include "kvdemo.h"

/* A driver that takes this file in keeps its symbols to itself, unobserved. */
#ifdef KVDEMO_EXPORTS
#include "demo/observe.h"
#else
#undef EXPORT_SYMBOL_GPL
#define EXPORT_SYMBOL_GPL(symbol)
static inline bool trace_kvdemo_free_enabled(void) { return false; }
static inline void kvdemo_observe(const struct kvdemo_request *rq,
				  const struct kvdemo_result *res, const void *p,
				  s64 total_ns, unsigned long caller) { }
static inline void trace_kvdemo_free(const void *p, enum kvdemo_path path,
				     unsigned long caller) { }
#endif

/* What the 4.12 rule and the costly order of the page allocator agree on. */
#define COSTLY_SIZE	((size_t)PAGE_SIZE << PAGE_ALLOC_COSTLY_ORDER)

/*
 * The rules. Above PAGE_SIZE every try also gets __GFP_NOWARN, for a failure
 * that has a fallback is not worth a report, and who has none looks at the result.
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
		/* as noreclaim; kswapd is still woken, once per rest */
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

static const char * const path_names[KVDEMO_NR_PATHS] = {
	[KVDEMO_PATH_NONE] = "none",
	[KVDEMO_PATH_SLAB] = "slab",
	[KVDEMO_PATH_PAGES] = "pages",
	[KVDEMO_PATH_VMALLOC] = "vmalloc",
};

static const char * const why_names[KVDEMO_NR_WHYS] = {
	[KVDEMO_WHY_ZERO] = "zero",
	[KVDEMO_WHY_INVALID] = "invalid",
	[KVDEMO_WHY_NO_MEMORY] = "no-memory",
	[KVDEMO_WHY_FORCED] = "forced",
	[KVDEMO_WHY_POLICY] = "policy",
	[KVDEMO_WHY_TOO_LARGE] = "too-large",
	[KVDEMO_WHY_BACKOFF] = "backoff",
	[KVDEMO_WHY_KMALLOC_FAILED] = "kmalloc-failed",
	[KVDEMO_WHY_SMALL] = "small",
	[KVDEMO_WHY_CONTIGUOUS] = "contiguous",
};

/**
 * kvdemo_policy_find() - the policy of a name
 * @name: a whole word, such as "noretry"
 *
 * Context: any.
 * Return: a row of kvdemo_policies[], or NULL for an unknown name.
 */
const struct kvdemo_policy *kvdemo_policy_find(const char *name)
{
	int i;

	for (i = 0; i < KVDEMO_NR_POLICIES; i++)
		if (!strcmp(name, kvdemo_policies[i].name))
			return &kvdemo_policies[i];
	return NULL;
}
EXPORT_SYMBOL_GPL(kvdemo_policy_find);

/**
 * kvdemo_path_name() - the word for a path
 * @path: any value
 *
 * Context: any.
 * Return: the word that logs use; "?" for a value out of range.
 */
const char *kvdemo_path_name(enum kvdemo_path path)
{
	return path < KVDEMO_NR_PATHS ? path_names[path] : "?";
}
EXPORT_SYMBOL_GPL(kvdemo_path_name);

/**
 * kvdemo_why_name() - the word for a reason
 * @why: any value
 *
 * Context: any.
 * Return: the word that logs use; "?" for a value out of range.
 */
const char *kvdemo_why_name(enum kvdemo_why why)
{
	return why < KVDEMO_NR_WHYS ? why_names[why] : "?";
}
EXPORT_SYMBOL_GPL(kvdemo_why_name);

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

/* vmalloc promises neither a zone nor a node: for these no memory is safer. */
#define GFP_BOUND	(__GFP_DMA | __GFP_THISNODE)

/*
 * Policy backoff: what each CPU remembers of each order. After a failed try no
 * other is made until the free list of that order holds more blocks than it did
 * then, or REST has passed: a try wakes kswapd and kcompactd, and somebody must.
 *
 * Neither needs a clock finer than jiffies, whose reading would cost more than
 * the look. Both are hints: one list is looked at, without its lock, of the first
 * zone that the request would be served from. Blocks that are there but not for us
 * (CMA, watermarks) were there at the failure, too. Larger ones are found by the next
 * try; where pages can be moved, all from that order on are looked at, as one sum, for
 * kcompactd empties whole pageblocks: on 6.12 that is another 2.5 points of contiguous
 * memory, where noreclaim got it and backoff did not.
 *
 * Where compaction has pages to move, the first BURST failures after a calm second
 * start no rest, for it wants to be asked many times in a row: kswapd must find
 * nothing to reclaim 16 times (MAX_RECLAIM_RETRIES) before it leaves a zone that is
 * short of free pages to kcompactd, which then passes over calls of its own accord.
 * With one try in 4 ms 6.12 gave none of the contiguous memory that noreclaim got.
 *
 * A skipped try, and one that succeeds, write nothing that CPUs share.
 */
#define BACKOFF_REST	max(HZ / 250, 1)
#define BACKOFF_BURST	24
#define NR_ORDERS	(KMALLOC_SHIFT_MAX - PAGE_SHIFT + 1)

struct backoff {
	u32 seen;	/* 1 + free blocks at the last failure; 0: try */
	u32 since;	/* jiffies then; a REST before where pages can be moved */
};

/* Apart, for an index into 8 bytes each is two instructions less. */
static DEFINE_PER_CPU(struct backoff, kvdemo_backoff[NR_ORDERS]);
static DEFINE_PER_CPU(const unsigned long *, kvdemo_backoff_free[NR_ORDERS]);
static DEFINE_PER_CPU(u8, kvdemo_backoff_burst[NR_ORDERS]);
/* seen of all orders from this one on, where pages can be moved; else 0 */
static DEFINE_PER_CPU(u32, kvdemo_backoff_larger[NR_ORDERS]);

/* get_order() of a size above PAGE_SIZE, and two instructions less */
static __always_inline unsigned int backoff_order(size_t size)
{
	return __fls(size - 1) - PAGE_SHIFT + 1;
}

/* The zone that a request is served from first */
static struct zone *backoff_zone(int node)
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

/* How many blocks of @order the free lists from that order on hold */
static u32 free_blocks(const unsigned long *nr_free, unsigned int order)
{
	const struct free_area *area = container_of(nr_free, struct free_area, nr_free);
	unsigned int larger;
	u32 blocks = 0;

	BUILD_BUG_ON(ARRAY_SIZE(((struct zone *)NULL)->free_area) < NR_ORDERS);
	for (larger = order; larger < NR_ORDERS; larger++, area++)
		blocks += READ_ONCE(area->nr_free) << (larger - order);
	return blocks;
}

/*
 * Where pages can be moved each skip comes here, for since is set back by a REST: the
 * rest is over for the look at one list, and lasts another for this one.
 */
static bool larger_rests(unsigned int order, gfp_t gfp, const unsigned long *nr_free)
{
	u32 since = raw_cpu_read((kvdemo_backoff + order)->since);
	u32 *seen = raw_cpu_ptr(kvdemo_backoff_larger + order);
	u32 now;

	if (!*seen)
		return false;
	now = free_blocks(nr_free, order) + 1;
	if (gfp & __GFP_RETRY_MAYFAIL || now > *seen ||
	    (u32)jiffies - since >= 2 * BACKOFF_REST)
		return false;
	*seen = now;
	return true;
}

/*
 * Kept out of line: a CPU whose last try succeeded does not come here. The try
 * that is allowed starts afresh, so a success has nothing left to do.
 */
static noinline bool backoff_rests(unsigned int order, gfp_t gfp)
{
	const unsigned long *nr_free = raw_cpu_read(*(kvdemo_backoff_free + order));
	struct backoff __percpu *b = kvdemo_backoff + order;
	u32 now;

	/* A task that has just moved here may be the first on this CPU. */
	if (unlikely(!nr_free))
		return false;
	now = READ_ONCE(*nr_free) + 1;
	/* Who asks for RETRY_MAYFAIL wants contiguous memory at a price. */
	if (gfp & __GFP_RETRY_MAYFAIL || now > raw_cpu_read(b->seen) ||
	    (u32)jiffies - raw_cpu_read(b->since) >= BACKOFF_REST) {
		if (larger_rests(order, gfp, nr_free))
			return true;
		raw_cpu_write(b->seen, 0);
		return false;
	}
	/* Where others took some, what comes back counts as new. */
	raw_cpu_write(b->seen, now);
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
 * the zone or less, it was not seen to make a block, and 24 tries are not free.
 */
static bool has_movable(struct zone *zone)
{
	unsigned long pages = 0;
	int item;

	for (item = NR_ZONE_INACTIVE_ANON; item <= NR_ZONE_ACTIVE_FILE; item++)
		pages += zone_page_state(zone, item);
	return pages > zone_managed_pages(zone) / 8;
}

/* Is a failure @passed jiffies after the last one of a burst? */
static bool in_burst(bool movable, unsigned int order, u32 passed)
{
	u8 *burst = raw_cpu_ptr(kvdemo_backoff_burst + order);

	if (passed > HZ)
		*burst = 0;
	if (*burst >= BACKOFF_BURST || !movable)
		return false;
	++*burst;
	return true;
}

/* May another node be asked than the one that backoff looks at? */
static bool has_mempolicy(void)
{
#ifdef CONFIG_NUMA
	return current->mempolicy;
#else
	return false;
#endif
}

static noinline void backoff_failed(size_t size, gfp_t gfp, int node)
{
	unsigned int order = backoff_order(size);
	unsigned long *nr_free;
	struct zone *zone;
	struct backoff *b;
	bool movable;
	u32 passed;

	/* One full memcg, node, zone or user's cpuset says nothing of all memory. */
	if (gfp & (__GFP_ACCOUNT | __GFP_HARDWALL | GFP_BOUND) || has_mempolicy())
		return;
	b = raw_cpu_ptr(kvdemo_backoff + order);
	zone = backoff_zone(node);
	nr_free = &zone->free_area[order].nr_free;
	this_cpu_write(*(kvdemo_backoff_free + order), nr_free);
	movable = has_movable(zone);
	passed = (u32)jiffies - b->since;
	b->since = jiffies;
	b->seen = 0;
	if (in_burst(movable, order, passed))
		return;
	b->seen = READ_ONCE(*nr_free) + 1;
	this_cpu_write(*(kvdemo_backoff_larger + order),
		       movable ? free_blocks(nr_free, order) + 1 : 0);
	if (movable)
		b->since -= BACKOFF_REST;
}

/*
 * One static branch for whatever is rare: someone looks, or the fallback is
 * forced on all callers.
 */
DEFINE_STATIC_KEY_FALSE(kvdemo_rare_key);

static bool force_fallback;
static DEFINE_MUTEX(force_lock);

/**
 * kvdemo_force_fallback() - send every caller to the fallback, or stop it
 * @on: true: above PAGE_SIZE each policy that can fall back does so at once, but
 *      for requests that a zone or a node binds, and for those whose flags are
 *      outside the contract and get kmalloc memory only
 *
 * For a driver under test: what it does to memory outside the linear map shows at
 * the first allocation, and not in a year. Its pages may yet be consecutive: from
 * 6.19 on vmalloc, too, takes a block where it finds one. While it is off the
 * allocation path pays nothing for it. It is one switch for all: the last call wins.
 *
 * Context: process context, may sleep.
 */
void kvdemo_force_fallback(bool on)
{
	mutex_lock(&force_lock);
	if (on && !force_fallback)
		static_branch_inc(&kvdemo_rare_key);
	else if (!on && force_fallback)
		static_branch_dec(&kvdemo_rare_key);
	WRITE_ONCE(force_fallback, on);
	mutex_unlock(&force_lock);
}
EXPORT_SYMBOL_GPL(kvdemo_force_fallback);

/* Acts where there is a fallback: above PAGE_SIZE, and for whom no zone or node binds. */
static __always_inline bool is_forced(const struct kvdemo_request *rq)
{
	return rq->force_fallback && rq->policy->falls_back &&
	       rq->size > PAGE_SIZE && !(rq->gfp & GFP_BOUND);
}

/* The contract of kvmalloc_node() in 4.12, and a zone that slab does not have */
static __always_inline bool gfp_allowed(gfp_t gfp)
{
	return (gfp & (GFP_KERNEL | __GFP_NORETRY | __GFP_NOFAIL | __GFP_DMA32)) ==
	       GFP_KERNEL;
}

static __always_inline gfp_t try_gfp(const struct kvdemo_request *rq)
{
	const struct kvdemo_policy *policy = rq->policy;
	gfp_t gfp = rq->gfp;

	if (rq->size <= PAGE_SIZE)
		return gfp;
	gfp |= __GFP_NOWARN; /* the fallback, or the caller, reports */
	/* One look for most. Not a call, or all would save registers. */
	if (unlikely(gfp & (__GFP_RETRY_MAYFAIL | GFP_BOUND))) {
		/* no fallback follows, and the OOM killer makes no blocks */
		if (gfp & GFP_BOUND && policy->falls_back)
			return gfp | __GFP_RETRY_MAYFAIL;
		if (gfp & __GFP_RETRY_MAYFAIL && rq->size > policy->mayfail_above)
			return gfp;
	}
	return (gfp | policy->set) & ~policy->clear;
}

/* Is kmalloc tried? If not, @why says for what reason. */
static __always_inline bool wants_try(const struct kvdemo_request *rq,
				      enum kvdemo_why *why)
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

/*
 * The cold side, fall_back() and what it calls, is out of line and takes its
 * arguments by value: a request that kmalloc serves then needs no stack.
 */
static bool may_fall_back(const struct kvdemo_policy *policy, size_t size,
			  gfp_t gfp)
{
	if (policy->tries && size <= PAGE_SIZE)
		return false;
	if (size > INT_MAX) {
		/* 5.15, 7661809d493b: such a size is a bug of the caller */
		WARN_ON_ONCE(!(gfp & __GFP_NOWARN));
		return false;
	}
	if (gfp & GFP_BOUND)
		return false;
	return policy->falls_back;
}

static noinline void *kvdemo_vmalloc(size_t size, gfp_t gfp, int node)
{
	void *p;

	/* From 6.19 vmalloc warns about bits that mean nothing to it. */
	gfp &= KVDEMO_GFP_VMALLOC;

	/* The node-aware form maps huge pages: only for those who name a node. */
	if (KVDEMO_VMALLOC_NODE && node != NUMA_NO_NODE)
		p = kvdemo_compat_vmalloc_node(size, gfp, node);
	else
		p = __vmalloc_noprof(size, gfp);
	/* No tail call: /proc/vmallocinfo is to name this function. */
	barrier();
	return p;
}

static noinline void *fall_back(const struct kvdemo_policy *policy, size_t size,
				gfp_t gfp, int node)
{
	return may_fall_back(policy, size, gfp) ? kvdemo_vmalloc(size, gfp, node) : NULL;
}

/* @why holds the reason for which no try was made, if none was. */
static enum kvdemo_why why_of(const struct kvdemo_request *rq, const void *p,
			      enum kvdemo_path path, enum kvdemo_why why)
{
	if (!rq->size)
		return KVDEMO_WHY_ZERO;
	if (!p)
		return rq->size > INT_MAX ? KVDEMO_WHY_INVALID :
					    KVDEMO_WHY_NO_MEMORY;
	if (path != KVDEMO_PATH_VMALLOC)
		return rq->size <= PAGE_SIZE ? KVDEMO_WHY_SMALL :
					       KVDEMO_WHY_CONTIGUOUS;
	if (why == KVDEMO_WHY_FORCED || why == KVDEMO_WHY_POLICY)
		return why;
	if (rq->size > KMALLOC_MAX_SIZE)
		return KVDEMO_WHY_TOO_LARGE;
	return why == KVDEMO_WHY_BACKOFF ? why : KVDEMO_WHY_KMALLOC_FAILED;
}

static __always_inline void note_failure(const struct kvdemo_request *rq)
{
	if (rq->policy->backs_off && rq->size > KMALLOC_MAX_CACHE_SIZE)
		backoff_failed(rq->size, rq->gfp, rq->node);
}

/*
 * A rest saves the price of a try, and must not cost the caller the memory: vmalloc
 * may have none, or, where a zone or node binds the request, may not be asked.
 */
static noinline void *fall_back_or_try(const struct kvdemo_policy *policy, size_t size,
				       gfp_t gfp, int node)
{
	const struct kvdemo_request rq = { .size = size, .gfp = gfp, .policy = policy };
	void *p = fall_back(policy, size, gfp, node);

	return p ?: kmalloc_node_noprof(size, try_gfp(&rq), node);
}

/*
 * Without a result: no clock, and no register that a request which kmalloc
 * serves would have to save. kvdemo_alloc_timed() takes the same steps.
 */
static __always_inline void *alloc_plain(const struct kvdemo_request *rq)
{
	enum kvdemo_why why;
	void *p;

	if (unlikely(!rq->size))
		return ZERO_SIZE_PTR;
	if (unlikely(!wants_try(rq, &why)))
		return why == KVDEMO_WHY_BACKOFF ?
			fall_back_or_try(rq->policy, rq->size, rq->gfp, rq->node) :
			fall_back(rq->policy, rq->size, rq->gfp, rq->node);
	p = kmalloc_node_noprof(rq->size, try_gfp(rq), rq->node);
	if (likely(p))
		return p;
	note_failure(rq);
	return fall_back(rq->policy, rq->size, rq->gfp, rq->node);
}

static __always_inline void *try_timed(const struct kvdemo_request *rq, s64 *ns)
{
	u64 start = ktime_get_ns();
	void *p = kmalloc_node_noprof(rq->size, try_gfp(rq), rq->node);

	*ns = ktime_get_ns() - start;
	return p;
}

/* Its name is what kmem:kmalloc shows as the call site. */
static noinline void *kvdemo_alloc_timed(const struct kvdemo_request *rq,
					 struct kvdemo_result *res)
{
	s64 kmalloc_ns = KVDEMO_NS_NONE, vmalloc_ns = KVDEMO_NS_NONE;
	enum kvdemo_why why = KVDEMO_NR_WHYS;
	void *p = NULL;
	u64 start;

	if (unlikely(!rq->size)) {
		p = ZERO_SIZE_PTR;
	} else if (wants_try(rq, &why)) {
		p = try_timed(rq, &kmalloc_ns);
		if (!p)
			note_failure(rq);
	}
	if (!p && may_fall_back(rq->policy, rq->size, rq->gfp)) {
		start = ktime_get_ns();
		p = kvdemo_vmalloc(rq->size, rq->gfp, rq->node);
		vmalloc_ns = ktime_get_ns() - start;
	}
	if (unlikely(!p) && why == KVDEMO_WHY_BACKOFF)
		p = try_timed(rq, &kmalloc_ns);
	res->path = kvdemo_path(p);
	res->why = why_of(rq, p, res->path, why);
	res->kmalloc_ns = kmalloc_ns;
	res->vmalloc_ns = vmalloc_ns;
	return p;
}

static __always_inline void *do_alloc(const struct kvdemo_request *rq,
				      struct kvdemo_result *res)
{
	return unlikely(res) ? kvdemo_alloc_timed(rq, res) : alloc_plain(rq);
}

/**
 * kvdemo_outcome() - what a call of the kernel's own kvmalloc came to
 * @rq: what was asked for
 * @p: what kvmalloc_node() returned
 * @res: filled in; the prices of the two steps are the kernel's own secret
 *
 * Context: any.
 */
void kvdemo_outcome(const struct kvdemo_request *rq, const void *p,
		    struct kvdemo_result *res)
{
	res->path = kvdemo_path(p);
	res->why = why_of(rq, p, res->path, KVDEMO_NR_WHYS);
	res->kmalloc_ns = KVDEMO_NS_NONE;
	res->vmalloc_ns = KVDEMO_NS_NONE;
}
EXPORT_SYMBOL_GPL(kvdemo_outcome);

static noinline void *alloc_native(const struct kvdemo_request *rq,
				   struct kvdemo_result *res)
{
	void *p = kvmalloc_node_noprof(rq->size, rq->gfp, rq->node);

	if (res)
		kvdemo_outcome(rq, p, res);
	return p;
}

/*
 * Flags outside the contract: kmalloc only, for vmalloc may sleep, and above
 * PAGE_SIZE without NOFAIL, which at a high order loops for ever. __GFP_DMA32 gets
 * nothing: kmalloc would drop it, with a splat, and take memory from any zone.
 */
static noinline void *alloc_kmalloc_only(size_t size, gfp_t gfp, int node,
					 struct kvdemo_result *res)
{
	const struct kvdemo_request rq = {
		.size = size,
		.gfp = size > PAGE_SIZE ? gfp & ~__GFP_NOFAIL : gfp,
		.node = node,
		.policy = &kvdemo_policies[KVDEMO_KMALLOC],
	};
	void *p;

	if (gfp & __GFP_DMA32) {
		p = size ? NULL : ZERO_SIZE_PTR;
		if (res)
			kvdemo_outcome(&rq, p, res);
		return p;
	}
	WARN_ON_ONCE(1);
	return do_alloc(&rq, res);
}

static __always_inline void *alloc_checked(const struct kvdemo_request *rq,
					   struct kvdemo_result *res)
{
	if (unlikely(!gfp_allowed(rq->gfp)))
		return alloc_kmalloc_only(rq->size, rq->gfp, rq->node, res);
	if (rq->policy->native && !is_forced(rq))
		return alloc_native(rq, res);
	return do_alloc(rq, res);
}

/* Who looks wants the result, whether the caller asked for it or not. */
static noinline void *alloc_rare(const struct kvdemo_request *asked,
				 struct kvdemo_result *res, unsigned long caller)
{
	struct kvdemo_request rq = *asked;
	struct kvdemo_result seen;
	u64 start = ktime_get_ns();
	void *p;

	rq.force_fallback |= READ_ONCE(force_fallback);
	p = alloc_checked(&rq, &seen);
	/* What alloc_kmalloc_only() served its policy did not. */
	if (!gfp_allowed(rq.gfp))
		rq.policy = &kvdemo_policies[KVDEMO_KMALLOC];
	kvdemo_observe(&rq, &seen, p, ktime_get_ns() - start, caller);
	if (res)
		*res = seen;
	return p;
}

/* kvdemo_alloc(), to be charged to its caller; documented in kvdemo.h */
void *kvdemo_alloc_noprof(const struct kvdemo_request *rq,
			  struct kvdemo_result *res)
{
	if (static_branch_unlikely(&kvdemo_rare_key))
		return alloc_rare(rq, res, _RET_IP_);
	return alloc_checked(rq, res);
}
EXPORT_SYMBOL_GPL(kvdemo_alloc_noprof);

/* By value, so that the request of the common way needs no stack */
static noinline void *kvmalloc_rare(size_t size, gfp_t flags, int node,
				    unsigned long caller)
{
	const struct kvdemo_request rq = {
		.size = size,
		.gfp = flags,
		.node = node,
		.policy = &kvdemo_policies[KVDEMO_NORETRY],
	};

	return alloc_rare(&rq, NULL, caller);
}

/* kvdemo_kvmalloc_node(), to be charged to its caller */
void *kvdemo_kvmalloc_node_noprof(size_t size, gfp_t flags, int node)
{
	const struct kvdemo_request rq = {
		.size = size,
		.gfp = flags,
		.node = node,
		.policy = &kvdemo_policies[KVDEMO_NORETRY],
	};

	if (static_branch_unlikely(&kvdemo_rare_key))
		return kvmalloc_rare(size, flags, node, _RET_IP_);
	return alloc_checked(&rq, NULL);
}
EXPORT_SYMBOL_GPL(kvdemo_kvmalloc_node_noprof);

/**
 * kvdemo_kvfree() - free what any policy returned
 * @p: the buffer; NULL and ZERO_SIZE_PTR are allowed
 *
 * As kvfree(), and kvdemo:kvdemo_free tells of it.
 *
 * Context: process context, may sleep.
 */
void kvdemo_kvfree(const void *p)
{
	/* The path is told while the memory is still ours. */
	if (trace_kvdemo_free_enabled())
		trace_kvdemo_free(p, kvdemo_path(p), _RET_IP_);
	kvfree(p);
}
EXPORT_SYMBOL_GPL(kvdemo_kvfree);

static struct page *page_of(const void *p)
{
	return is_vmalloc_addr(p) ? vmalloc_to_page(p) : virt_to_page(p);
}

/**
 * kvdemo_page_node() - the NUMA node of the page behind an address
 * @p: an address inside a live allocation, on any path
 *
 * Context: any.
 * Return: the node, or NUMA_NO_NODE for NULL, ZERO_SIZE_PTR and an address
 * that no page backs.
 */
int kvdemo_page_node(const void *p)
{
	struct page *page = ZERO_OR_NULL_PTR(p) ? NULL : page_of(p);

	return page ? page_to_nid(page) : NUMA_NO_NODE;
}
EXPORT_SYMBOL_GPL(kvdemo_page_node);

/*
 * Do @size bytes from @p end inside the compound page that holds @p? By frames, for
 * KASAN's tags make the addresses of an object and of its slab differ.
 */
static bool inside_compound(const void *p, size_t size, unsigned int order)
{
	size_t pages = page_to_pfn(virt_to_page(p)) - page_to_pfn(virt_to_head_page(p));
	size_t offset = (pages << PAGE_SHIFT) + offset_in_page(p);

	return size <= (PAGE_SIZE << order) - offset;
}

/**
 * kvdemo_inspect() - walk an allocation page by page
 * @p: what an allocation returned
 * @size: the bytes that were asked for
 * @layout: filled in; see &struct kvdemo_layout
 *
 * Takes time in proportion to @size, and stays off the allocation path.
 *
 * Context: process context, may sleep.
 * Return: 0; -EINVAL for NULL, ZERO_SIZE_PTR or size 0; -ERANGE where the slab,
 * the compound page or the vmalloc area ends before @size.
 */
int kvdemo_inspect(const void *p, size_t size, struct kvdemo_layout *layout)
{
	const void *at = PTR_ALIGN_DOWN(p, PAGE_SIZE);
	unsigned long pfn, last = 0;

	memset(layout, 0, sizeof(*layout));
	layout->node = NUMA_NO_NODE;
	layout->path = kvdemo_path(p);
	if (layout->path == KVDEMO_PATH_NONE || !size)
		return -EINVAL;
	if (size > ULONG_MAX - (unsigned long)p)
		return -ERANGE;
	if (layout->path != KVDEMO_PATH_VMALLOC) {
		layout->order = compound_order(virt_to_head_page(p));
		if (!inside_compound(p, size, layout->order))
			return -ERANGE;
	}
	layout->node = kvdemo_page_node(p);
	for (; at < p + size; at += PAGE_SIZE) {
		struct page *page = page_of(at);

		if (!page)
			return -ERANGE;
		pfn = page_to_pfn(page);
		layout->runs += !layout->pages || pfn != last + 1;
		layout->pages++;
		node_set(page_to_nid(page), layout->nodes);
		last = pfn;
		cond_resched();
	}
	return 0;
}
EXPORT_SYMBOL_GPL(kvdemo_inspect);
