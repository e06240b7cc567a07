// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buffers taken for a user: allocated, filled, verified, logged, and given back
 * or held. The demo on load and the debugfs files share this.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpuset.h>
#include <linux/delay.h>
#include <linux/export.h>
#include <linux/kernel.h>
#include <linux/lockdep.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/printk.h>
#include <linux/ratelimit.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/timekeeping.h>
#include <linux/vmstat.h>

#include "compat.h"
#include "demo.h"

/*
 * The default cap is an eighth of usable memory, at most a quarter of what is available, and
 * at most 1 GiB, because an eighth of a large machine is too much for a demo.
 */
#define CAP_SHARE	8
#define CAP_FREE_SHARE	4
#define CAP_CEILING	SZ_1G

/* Overhead of a buffer, and of each page of vmalloc: a PTE and a pointer */
#define OVERHEAD	1024
#define PAGE_OVERHEAD	16

/* Much longer than a worker needs to free the pages of failed requests */
#define SETTLE_MS	50

/* Protects the counters, the held buffers and the active policy. */
DEFINE_MUTEX(kvdemo_lock);
LIST_HEAD(kvdemo_held);
static u64 held_footprint; /* the most memory that these may take, in bytes */

/* Allocations and frees of the module itself; the difference is a leak. */
static struct {
	unsigned long taken, given;
	u64 taken_bytes, given_bytes;
	unsigned long paths[KVDEMO_NR_PATHS];
	u64 kmalloc_ns, vmalloc_ns;
} total;

/* The pages that kmalloc gives this task. Without hardwall it may take other nodes as well. */
struct reach {
	u64 managed;
	u64 available;	/* an estimate: free ones, and half of the page cache */
	bool all;	/* no page is out of reach */
};

static void add_zone(struct reach *pages, struct zone *zone)
{
	u64 free = zone_page_state(zone, NR_FREE_PAGES), cma, cached;

	/* kmalloc gets no page of CMA, and the page cache does. */
	cma = zone_page_state(zone, NR_FREE_CMA_PAGES);
	cached = zone_page_state(zone, NR_ZONE_INACTIVE_FILE) +
		 zone_page_state(zone, NR_ZONE_ACTIVE_FILE);
	pages->all &= !cma;
	pages->managed += zone_managed_pages(zone);
	pages->available += free - min(free, cma) + cached / 2;
}

static struct reach count_reach(void)
{
	struct reach pages = { .all = true };
	struct zone *zone;
	int nid, i;

	for_each_online_node(nid) {
		for (i = 0; i < MAX_NR_ZONES; i++) {
			zone = &NODE_DATA(nid)->node_zones[i];
			/* kmalloc uses no highmem and no ZONE_MOVABLE. */
			if (i <= ZONE_NORMAL && node_isset(nid, cpuset_current_mems_allowed))
				add_zone(&pages, zone);
			else
				pages.all &= !managed_zone(zone);
		}
	}
	return pages;
}

/**
 * kvdemo_available() - memory that kmalloc can give this task without swapping, as an estimate
 *
 * Context: process context.
 * Return: bytes.
 */
u64 kvdemo_available(void)
{
	struct reach pages = count_reach();
	u64 available = si_mem_available();

	/* si_mem_available() also counts pages that are out of reach. */
	if (!pages.all)
		available = min(available, pages.available);
	return available * PAGE_SIZE;
}
EXPORT_SYMBOL_GPL(kvdemo_available);

/**
 * kvdemo_default_cap() - a modest share of the memory of this machine
 *
 * Context: process context.
 * Return: bytes.
 */
u64 kvdemo_default_cap(void)
{
	u64 usable = count_reach().managed * PAGE_SIZE;

	return min3(usable / CAP_SHARE, kvdemo_available() / CAP_FREE_SHARE, (u64)CAP_CEILING);
}

/*
 * Fallbacks that may map huge pages, and then round up to them: the running kernel's own
 * (5.18, 9becb6889130), vmalloc with a node, and policy backoff above KMALLOC_MAX_SIZE.
 */
static bool may_map_huge(const struct kvdemo_request *rq)
{
	return rq->policy->native || KVDEMO_VMALLOC_HUGE ||
	       (rq->policy->backs_off && rq->size > KMALLOC_MAX_SIZE) ||
	       (KVDEMO_VMALLOC_NODE && rq->node != NUMA_NO_NODE);
}

static u64 vmalloc_footprint(const struct kvdemo_request *rq)
{
	if (!may_map_huge(rq))
		return PAGE_ALIGN((u64)rq->size);
	if (rq->size >= PMD_SIZE)
		return ALIGN((u64)rq->size, PMD_SIZE);
	return ALIGN((u64)rq->size, 1ul << kvdemo_compat_vmap_shift(rq->size));
}

/*
 * The most memory that a buffer may take: kmalloc rounds up to a power of two, vmalloc to
 * pages, or to huge pages.
 */
static u64 footprint(const struct kvdemo_request *rq)
{
	u64 kmalloc = 0, vmalloc = 0;

	if (!rq->size)
		return OVERHEAD;
	if (rq->policy->tries && rq->size <= KMALLOC_MAX_SIZE)
		kmalloc = roundup_pow_of_two(rq->size);
	if (rq->policy->falls_back &&
	    (rq->size > PAGE_SIZE || !rq->policy->tries))
		vmalloc = vmalloc_footprint(rq);
	vmalloc += (vmalloc >> PAGE_SHIFT) * PAGE_OVERHEAD;
	return max(kmalloc, vmalloc) + OVERHEAD;
}

static struct kvdemo_request request_of(const struct kvdemo_ask *ask,
					const struct kvdemo_item *item)
{
	struct kvdemo_request rq = ask->rq;

	rq.size = item->size;
	rq.force_fallback |= item->force_fallback;
	return rq;
}

/**
 * kvdemo_need() - the most memory that a request may take at a time
 * @ask: the request
 *
 * Context: any.
 * Return: bytes of all its buffers if they are held, otherwise of the largest one.
 */
u64 kvdemo_need(const struct kvdemo_ask *ask)
{
	u64 bytes, need = 0;
	unsigned int i;

	for (i = 0; i < ask->nr_items; i++) {
		struct kvdemo_request rq = request_of(ask, &ask->items[i]);

		bytes = footprint(&rq);
		need = ask->hold ? need + bytes * ask->count : max(need, bytes);
	}
	return need;
}

/**
 * kvdemo_fits() - does a request fit the cap, beside what is held?
 * @ask: the request
 *
 * Context: process context; a line in the log says why it does not.
 */
bool kvdemo_fits(const struct kvdemo_ask *ask)
{
	u64 need = kvdemo_need(ask);
	/* A cap given by the user is final; the default was computed at load. */
	u64 most = ask->cap_is_default ? kvdemo_available() / 2 : U64_MAX;

	if (held_footprint + need > ask->cap)
		pr_err_ratelimited("size and count may take %llu bytes at a time, beside %llu that are held: allowed is cap=%llu\n",
				   need, held_footprint, ask->cap);
	else if (need > most)
		pr_err_ratelimited("size and count may take %llu bytes at a time: allowed is half of what is available now, %llu\n",
				   need, most);
	else
		return true;
	return false;
}

/* Each page has a byte. One page behind two addresses is noticed if these bytes differ. */
static u8 byte_of(size_t at)
{
	return (at >> PAGE_SHIFT) ^ (at >> (PAGE_SHIFT + 8)) ^ 0xa5;
}

/*
 * Fills a page, after a check that it is zero if that was asked for. With @filled it checks
 * instead that the page is still filled.
 */
static bool check_page(const struct kvdemo_buf *buf, size_t at, bool filled)
{
	size_t len = min_t(size_t, buf->rq.size - at, PAGE_SIZE);
	u8 byte = filled ? byte_of(at) : 0;

	if ((filled || buf->rq.gfp & __GFP_ZERO) && memchr_inv(buf->p + at, byte, len)) {
		pr_err("size=%zu: memory %s\n", buf->rq.size,
		       filled ? "does not keep its contents" : "is not zero");
		return false;
	}
	if (!filled)
		memset(buf->p + at, byte_of(at), len);
	return true;
}

/* Returns 0; -EIO if memory is not zero or loses its contents; -EINTR on a fatal signal. */
static int verify(const struct kvdemo_buf *buf)
{
	size_t at, size = ZERO_OR_NULL_PTR(buf->p) ? 0 : buf->rq.size;
	int filled;

	for (filled = 0; filled < 2; filled++) {
		for (at = 0; at < size; at += PAGE_SIZE) {
			if (fatal_signal_pending(current))
				return -EINTR;
			if (!check_page(buf, at, filled))
				return -EIO;
			cond_resched();
		}
	}
	return 0;
}

/**
 * kvdemo_or_dash() - a number, or "-" for what does not exist or was not done
 * @str: room for the number
 * @len: of @str
 * @n: negative for "-"
 *
 * Context: any.
 * Return: the string.
 */
const char *kvdemo_or_dash(char *str, size_t len, s64 n)
{
	if (n < 0)
		return "-";
	snprintf(str, len, "%lld", n);
	return str;
}

static void log_alloc(const struct kvdemo_buf *buf)
{
	char kmalloc_ns[24], vmalloc_ns[24], order[24], asked[24] = "";
	const struct kvdemo_layout *layout = &buf->layout;

	if (buf->rq.node != NUMA_NO_NODE)
		snprintf(asked, sizeof(asked), " asked_node=%d", buf->rq.node);
	/* No page, no node: an empty mask would print nothing. */
	pr_info("alloc size=%zu policy=%s path=%s why=%s node=%*pbl%s order=%s pages=%lu runs=%lu kmalloc_ns=%s vmalloc_ns=%s total_ns=%lld%s\n",
		buf->rq.size, buf->rq.policy->name,
		kvdemo_path_name(buf->res.path), kvdemo_why_name(buf->res.why),
		nodemask_pr_args(&layout->nodes), layout->pages ? "" : "-",
		kvdemo_or_dash(order, sizeof(order), kvdemo_order_of(layout)),
		layout->pages, layout->runs,
		kvdemo_or_dash(kmalloc_ns, sizeof(kmalloc_ns), buf->res.kmalloc_ns),
		kvdemo_or_dash(vmalloc_ns, sizeof(vmalloc_ns), buf->res.vmalloc_ns),
		buf->total_ns, asked);
}

/*
 * /proc/vmallocinfo names the caller, so it shows the buffer: its size in whole pages plus
 * one guard page, unless huge pages may be mapped.
 */
static void log_held(const struct kvdemo_buf *buf)
{
	if (!is_vmalloc_addr(buf->p))
		return;
	if (may_map_huge(&buf->rq))
		pr_info("held size=%zu: grep '\\[" KBUILD_MODNAME "\\]' /proc/vmallocinfo\n",
			buf->rq.size);
	else
		pr_info("held size=%zu: grep ' %zu .*\\[" KBUILD_MODNAME "\\]' /proc/vmallocinfo\n",
			buf->rq.size, (size_t)(PAGE_ALIGN(buf->rq.size) + PAGE_SIZE));
}

static void give_back(struct kvdemo_buf *buf)
{
	kvdemo_kvfree(buf->p);
	if (!ZERO_OR_NULL_PTR(buf->p)) {
		total.given++;
		total.given_bytes += buf->rq.size;
	}
	kfree(buf);
}

static void account(const struct kvdemo_buf *buf)
{
	total.paths[buf->res.path]++;
	total.kmalloc_ns += max_t(s64, buf->res.kmalloc_ns, 0);
	total.vmalloc_ns += max_t(s64, buf->res.vmalloc_ns, 0);
	if (ZERO_OR_NULL_PTR(buf->p))
		return;
	total.taken++;
	total.taken_bytes += buf->rq.size;
}

static void hold_it(struct kvdemo_buf *buf)
{
	static unsigned long last_id;

	buf->id = ++last_id;
	list_add_tail(&buf->list, &kvdemo_held);
	held_footprint += footprint(&buf->rq);
	log_held(buf);
}

/*
 * Allocates, verifies and logs one buffer. Returns 1, or 0 if there is no memory, which the
 * log shows as path=none, or an error of kvdemo_run(). Out of line, because the events name
 * it as the caller.
 */
static noinline int kvdemo_take(const struct kvdemo_request *rq, bool hold)
{
	struct kvdemo_buf *buf = kzalloc(sizeof(*buf), GFP_KERNEL);
	u64 start;
	int err;

	if (!buf)
		return -ENOMEM;
	buf->rq = *rq;
	/* The caps come from the machine's memory; a memory cgroup may have less left. */
	buf->rq.no_oom = true;
	/* Policies change no attempt up to PAGE_SIZE, and this one must not call the OOM killer. */
	if (rq->size <= PAGE_SIZE && !rq->policy->native)
		buf->rq.gfp |= __GFP_RETRY_MAYFAIL;
	/* Attempts have NOWARN anyway, and path=none reports a failed vmalloc. */
	if (rq->size > PAGE_SIZE || !rq->policy->tries)
		buf->rq.gfp |= __GFP_NOWARN;

	start = ktime_get_ns();
	buf->p = kvdemo_alloc(&buf->rq, &buf->res);
	buf->total_ns = ktime_get_ns() - start;
	account(buf);
	kvdemo_inspect(buf->p, rq->size, &buf->layout);
	log_alloc(buf);

	/* Size 0 is no failure, although it gets no memory. */
	err = verify(buf) ?: !!buf->p;
	if (hold && err == 1 && buf->rq.size)
		hold_it(buf);
	else
		give_back(buf);
	return err;
}

/**
 * kvdemo_run() - allocate all buffers of a request
 * @ask: the request
 *
 * From 6.19 on a worker frees the pages of a failed vmalloc. Until it has run, a full memory
 * cgroup stays full, and the next page that the task touches could call the cgroup's OOM
 * killer. So if a request failed, this waits at the end.
 *
 * Context: process context, may sleep; kvdemo_lock is held.
 * Return: 0; -ENOMEM if each request failed, or if there is no memory to record one; -EIO if
 * memory was not zero or lost its contents; -EINTR on a fatal signal.
 */
int kvdemo_run(const struct kvdemo_ask *ask)
{
	unsigned int i, failed = 0, n = ask->nr_items * ask->count;
	int got = 0;

	lockdep_assert_held(&kvdemo_lock);
	for (i = 0; i < n && got >= 0; i++) {
		struct kvdemo_request rq = request_of(ask, &ask->items[i / ask->count]);

		got = fatal_signal_pending(current) ? -EINTR : kvdemo_take(&rq, ask->hold);
		failed += !got;
		cond_resched();
	}
	if (failed)
		msleep(SETTLE_MS);
	if (got < 0)
		return got;
	return failed && failed == n ? -ENOMEM : 0;
}

static void let_go(struct kvdemo_buf *buf)
{
	lockdep_assert_held(&kvdemo_lock);
	list_del(&buf->list);
	held_footprint -= footprint(&buf->rq);
	give_back(buf);
}

/**
 * kvdemo_give_back_id() - free one held buffer
 * @id: its number
 *
 * Context: process context, may sleep; kvdemo_lock is held.
 * Return: 0; -EINVAL if no held buffer has that number.
 */
int kvdemo_give_back_id(unsigned long id)
{
	struct kvdemo_buf *buf;

	list_for_each_entry(buf, &kvdemo_held, list) {
		if (buf->id != id)
			continue;
		pr_info("free id=%lu size=%zu path=%s\n", id, buf->rq.size,
			kvdemo_path_name(buf->res.path));
		let_go(buf);
		return 0;
	}
	return -EINVAL;
}

/**
 * kvdemo_give_back_all() - free all held buffers, and log how much that was
 *
 * Context: process context, may sleep; kvdemo_lock is held.
 */
void kvdemo_give_back_all(void)
{
	struct kvdemo_buf *buf, *next;
	unsigned long n = 0;
	u64 bytes = 0;

	list_for_each_entry_safe(buf, next, &kvdemo_held, list) {
		n++;
		bytes += buf->rq.size;
		let_go(buf);
		cond_resched();
	}
	if (n)
		pr_info("free all=%lu bytes=%llu\n", n, bytes);
}

/**
 * kvdemo_log_summary() - log the totals of all allocations so far
 * @policy: under which they were made
 *
 * Context: kvdemo_lock is held.
 */
void kvdemo_log_summary(const struct kvdemo_policy *policy)
{
	pr_info("summary policy=%s slab=%lu pages=%lu vmalloc=%lu none=%lu kmalloc_ns=%llu vmalloc_ns=%llu\n",
		policy->name, total.paths[KVDEMO_PATH_SLAB],
		total.paths[KVDEMO_PATH_PAGES], total.paths[KVDEMO_PATH_VMALLOC],
		total.paths[KVDEMO_PATH_NONE], total.kmalloc_ns,
		total.vmalloc_ns);
}

/**
 * kvdemo_log_exit() - log whether all memory was freed
 *
 * Context: kvdemo_lock is held.
 */
void kvdemo_log_exit(void)
{
	pr_info("exit allocs=%lu frees=%lu bytes=%llu leaked=%llu\n",
		total.taken, total.given, total.taken_bytes,
		total.taken_bytes - total.given_bytes);
}
