/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kvdemo - which memory did kvmalloc() give you, why, and at what price?
 *
 * The public API: allocate under a named fallback policy, learn the path and its
 * price, inspect the pages of a buffer. A driver can take this file, kvdemo_compat.h,
 * kvdemo_alloc.c and kvdemo_backoff.h as they are.
 */
#ifndef KVDEMO_H
#define KVDEMO_H

#include <linux/gfp.h>
#include <linux/nodemask.h>
#include <linux/overflow.h>
#include <linux/slab.h>
#include <linux/types.h>

#include "kvdemo_compat.h"

struct dentry;

#define KVDEMO_VERSION "1.0.0"

/**
 * enum kvdemo_path - what kind of memory an address is
 * @KVDEMO_PATH_NONE: no memory: NULL or ZERO_SIZE_PTR
 * @KVDEMO_PATH_SLAB: kmalloc, served by a slab cache
 * @KVDEMO_PATH_PAGES: kmalloc, served by the page allocator ("large kmalloc")
 * @KVDEMO_PATH_VMALLOC: vmalloc: contiguous in virtual addresses only
 * @KVDEMO_NR_PATHS: how many paths there are
 *
 * A buffer of KVDEMO_PATH_VMALLOC must not be passed to virt_to_phys(),
 * virt_to_page(), sg_init_one(), sg_set_buf() or dma_map_single(), because they
 * assume physically contiguous memory in the linear map. Nor must it be passed to
 * kfree(): kvfree() or vfree() free it. vmalloc_to_page() finds its pages.
 */
enum kvdemo_path {
	KVDEMO_PATH_NONE,
	KVDEMO_PATH_SLAB,
	KVDEMO_PATH_PAGES,
	KVDEMO_PATH_VMALLOC,
	KVDEMO_NR_PATHS,
};

/**
 * enum kvdemo_why - why a request took its path; the first that applies is reported
 * @KVDEMO_WHY_ZERO: size 0 gives ZERO_SIZE_PTR under every policy
 * @KVDEMO_WHY_INVALID: more than INT_MAX bytes, refused as kvmalloc_node()
 *	does since 5.15 (7661809d493b "mm: don't allow oversized kvmalloc() calls")
 * @KVDEMO_WHY_IMPOSSIBLE: no step that the policy allows can ever serve it: above
 *	KMALLOC_MAX_SIZE without a fallback; __GFP_DMA or __GFP_THISNODE under policy
 *	vmalloc; __GFP_DMA32 always
 * @KVDEMO_WHY_NO_MEMORY: every step that the policy allows failed
 * @KVDEMO_WHY_FORCED: the fallback was forced (above PAGE_SIZE only)
 * @KVDEMO_WHY_POLICY: the policy never tries kmalloc
 * @KVDEMO_WHY_TOO_LARGE: above KMALLOC_MAX_SIZE only vmalloc can serve
 * @KVDEMO_WHY_BACKOFF: policy backoff skipped the attempt, because one had just failed
 * @KVDEMO_WHY_KMALLOC_FAILED: the contiguous attempt failed, and vmalloc served
 * @KVDEMO_WHY_SMALL: at or below PAGE_SIZE, where no fallback exists
 * @KVDEMO_WHY_CONTIGUOUS: kmalloc served above PAGE_SIZE
 * @KVDEMO_NR_WHYS: how many reasons there are
 */
enum kvdemo_why {
	KVDEMO_WHY_ZERO,
	KVDEMO_WHY_INVALID,
	KVDEMO_WHY_IMPOSSIBLE,
	KVDEMO_WHY_NO_MEMORY,
	KVDEMO_WHY_FORCED,
	KVDEMO_WHY_POLICY,
	KVDEMO_WHY_TOO_LARGE,
	KVDEMO_WHY_BACKOFF,
	KVDEMO_WHY_KMALLOC_FAILED,
	KVDEMO_WHY_SMALL,
	KVDEMO_WHY_CONTIGUOUS,
	KVDEMO_NR_WHYS,
};

/**
 * enum kvdemo_policy_id - index of a row of kvdemo_policies[]
 * @KVDEMO_NORETRY: the kernel's rule of 4.12, and this module's default
 * @KVDEMO_NORECLAIM: the kernel's rule since 6.16
 * @KVDEMO_BACKOFF: noreclaim that remembers failures
 * @KVDEMO_NATIVE: the running kernel's kvmalloc_node()
 * @KVDEMO_KMALLOC: kmalloc only
 * @KVDEMO_VMALLOC: vmalloc only
 * @KVDEMO_NR_POLICIES: how many policies there are
 */
enum kvdemo_policy_id {
	KVDEMO_NORETRY,
	KVDEMO_NORECLAIM,
	KVDEMO_BACKOFF,
	KVDEMO_NATIVE,
	KVDEMO_KMALLOC,
	KVDEMO_VMALLOC,
	KVDEMO_NR_POLICIES,
};

/**
 * struct kvdemo_policy - how to attempt kmalloc, and whether to fall back
 * @name: the word used in parameters and logs
 * @desc: one line for people
 * @set: gfp bits that the attempt gets above PAGE_SIZE; 0 for native and vmalloc
 * @keep: gfp bits that the attempt may have above PAGE_SIZE
 * @mayfail_above: above this many bytes a request with __GFP_RETRY_MAYFAIL keeps its
 *	gfp, to which only __GFP_NOWARN is added; @set and @keep do not apply
 * @tries: kmalloc is tried
 * @falls_back: vmalloc is tried after it, above PAGE_SIZE (at any size where
 *	kmalloc is not tried at all)
 * @backs_off: after a failure, attempts of that order are skipped for a while
 * @native: the running kernel's kvmalloc_node() serves all requests
 */
struct kvdemo_policy {
	const char *name;
	const char *desc;
	gfp_t set;
	gfp_t keep;
	size_t mayfail_above;
	bool tries;
	bool falls_back;
	bool backs_off;
	bool native;
};

/**
 * struct kvdemo_request - what a caller asks for
 * @size: in bytes; 0 gives ZERO_SIZE_PTR
 * @gfp: a superset of GFP_KERNEL, without __GFP_NORETRY, __GFP_NOFAIL and
 *	__GFP_DMA32; see kvdemo_alloc() for others
 * @node: preferred NUMA node, or NUMA_NO_NODE
 * @policy: a row of kvdemo_policies[]
 * @force_fallback: go to vmalloc at once, where kvdemo_force_fallback() acts
 * @no_oom: the fallback fails instead of calling the OOM killer, also a cgroup's; before
 *	7.1 its page tables may call it. No effect on the contiguous attempt and policy
 *	native. Up to PAGE_SIZE, without a fallback, pass __GFP_RETRY_MAYFAIL instead.
 */
struct kvdemo_request {
	size_t size;
	gfp_t gfp;
	int node;
	const struct kvdemo_policy *policy;
	bool force_fallback;
	bool no_oom;
};

/* The price of a step that was not taken, or that the kernel took under policy native */
#define KVDEMO_NS_NONE (-1)

/**
 * struct kvdemo_result - what the caller got
 * @path: read from the address and its page, never inferred from the size
 * @why: the first reason of enum kvdemo_why that applies
 * @kmalloc_ns: price of the contiguous attempt in ns, or KVDEMO_NS_NONE
 * @vmalloc_ns: price of the fallback in ns, or KVDEMO_NS_NONE
 */
struct kvdemo_result {
	enum kvdemo_path path;
	enum kvdemo_why why;
	s64 kmalloc_ns;
	s64 vmalloc_ns;
};

/**
 * struct kvdemo_layout - where an allocation lies in physical memory
 * @path: as in &struct kvdemo_result
 * @order: of the compound page behind slab and pages; 0 for vmalloc
 * @pages: number of pages that hold the bytes
 * @runs: number of runs of physically consecutive pages
 * @nodes: all nodes that hold a page
 */
struct kvdemo_layout {
	enum kvdemo_path path;
	unsigned int order;
	unsigned long pages;
	unsigned long runs;
	nodemask_t nodes;
};

/**
 * struct kvdemo_observer - callbacks for every allocation and free of the API
 * @alloc: gets the request, its result, the buffer, the price of the whole request in
 *	ns, and an address in the caller of the API
 * @free: gets the buffer before it is freed, its path, and an address in the caller
 *
 * Both run in the context of the allocation or free.
 */
struct kvdemo_observer {
	void (*alloc)(const struct kvdemo_request *rq, const struct kvdemo_result *res,
		      const void *p, s64 total_ns, unsigned long caller);
	void (*free)(const void *p, enum kvdemo_path path, unsigned long caller);
};

extern const struct kvdemo_policy kvdemo_policies[KVDEMO_NR_POLICIES];

const struct kvdemo_policy *kvdemo_policy_find(const char *name);
const char *kvdemo_path_name(enum kvdemo_path path);
const char *kvdemo_why_name(enum kvdemo_why why);
enum kvdemo_path kvdemo_path(const void *p);
int kvdemo_inspect(const void *p, size_t size, struct kvdemo_layout *layout);
void kvdemo_kvfree(const void *p);
void kvdemo_observe(const struct kvdemo_observer *who, bool on);
struct dentry *kvdemo_debugfs_dir(void);
u64 kvdemo_available(void);

/**
 * kvdemo_force_fallback() - send every caller to the fallback, or stop it
 * @on: whether requests above PAGE_SIZE go to vmalloc at once
 *
 * It acts on every policy that has a fallback. It does not act on requests that are
 * bound to a zone or a node, nor on those that may not block. Before 5.17 it acts only on
 * supersets of GFP_KERNEL, because the kernel's kvmalloc falls back for no others.
 *
 * It is meant for a driver under test: a mistake with memory outside the linear map
 * shows at the first allocation. The pages may still be consecutive, because from 6.19
 * on vmalloc takes a block where it finds one. While it is off, the allocation path
 * pays nothing for it. There is one switch for all callers, so the last call wins.
 *
 * Context: process context, may sleep.
 */
void kvdemo_force_fallback(bool on);

/**
 * kvdemo_may_try() - may the contiguous attempt of a request be made?
 * @policy: of the request
 * @size: in bytes, above KMALLOC_MAX_CACHE_SIZE, where no slab cache serves, and at most
 *	KMALLOC_MAX_SIZE
 * @node: asked for, or NUMA_NO_NODE
 *
 * The request has no __GFP_RETRY_MAYFAIL, and the caller makes the attempt itself.
 * kvdemo_live.ko applies a policy to the kernel's own attempts by this function and
 * kvdemo_try_failed(). A driver that copies the wrapper has neither of them.
 *
 * A skipped attempt must not cost the caller the memory. The fallback may still fail for
 * lack of vmalloc address space, or in a full memory cgroup.
 *
 * Context: any.
 * Return: false if the policy skips or never makes this attempt, and the first zone of the
 * node, or one below it, stays above its high watermark without the pages of the request.
 * Otherwise true.
 */
bool kvdemo_may_try(const struct kvdemo_policy *policy, size_t size, int node);

/*
 * See kvdemo_backoff.h. While the entry of a size is 0, kvdemo_may_try() is true, unless
 * the policy never makes an attempt.
 */
DECLARE_PER_CPU(u32, kvdemo_backoff_seen[BITS_PER_LONG]);

/**
 * kvdemo_try_failed() - note that the attempt of kvdemo_may_try() failed
 * @rq: what was asked for, with the caller's gfp; the size as for kvdemo_may_try()
 *
 * Context: process context.
 */
void kvdemo_try_failed(const struct kvdemo_request *rq);

void *kvdemo_alloc_noprof(const struct kvdemo_request *rq,
			  struct kvdemo_result *res);
void *kvdemo_kvmalloc_node_noprof(size_t size, gfp_t flags, int node) __alloc_size(1);

/* The function behind the macro kvdemo_kvmalloc_array_node(), which charges the caller */
static inline __alloc_size(1, 2) void *
kvdemo_kvmalloc_array_node_noprof(size_t n, size_t size, gfp_t flags, int node)
{
	size_t bytes;

	if (unlikely(check_mul_overflow(n, size, &bytes)))
		return NULL;
	return kvdemo_kvmalloc_node_noprof(bytes, flags, node);
}

/**
 * kvdemo_alloc() - allocate under a policy and say what happened
 * @rq: the request; all fields are set, @rq->policy is not NULL and @rq->node is
 *	NUMA_NO_NODE or a node that is online
 * @res: filled in with path, why and prices; may be NULL, then nothing is measured
 *
 * Where the kernel has allocation profiling (6.10 and later, kvdemo_compat.h), this and
 * all the forms below charge the memory to their caller, not to the wrapper.
 *
 * The contiguous attempt prefers the node. From 6.16 on the fallback prefers it as well
 * (KVDEMO_VMALLOC_NODE); before, __vmalloc() prefers this CPU's node. The fallback
 * gets only the bits of KVDEMO_GFP_VMALLOC, because vmalloc warns about others.
 *
 * Except under policy native, __GFP_DMA and __GFP_THISNODE get no fallback, because
 * vmalloc can promise neither. Policies with a fallback make one attempt with
 * __GFP_RETRY_MAYFAIL instead, and policy vmalloc gives NULL. __GFP_DMA32 gives NULL
 * under every policy, because kmalloc has no such zone.
 *
 * Flags that are no superset of GFP_KERNEL, or hold __GFP_NORETRY or __GFP_NOFAIL, are
 * outside the contract of kvmalloc_node() in 4.12 (a7c3e901a46f "mm: introduce
 * kv[mz]alloc helpers"). Under every policy the running kernel's own kvmalloc_node()
 * serves such a request. A WARN_ONCE follows where that kernel's documentation calls
 * the flag unsupported, and otherwise one line that names the caller. More than INT_MAX
 * bytes give NULL, with a WARN_ON_ONCE unless the caller passes __GFP_NOWARN
 * (7661809d493b, 5.15).
 *
 * Context: process context, may sleep.
 * Return: the buffer, to be freed by kvfree() or kvdemo_kvfree(); ZERO_SIZE_PTR for
 * size 0; NULL where every step that the policy allows failed.
 */
#define kvdemo_alloc(rq, res) \
	alloc_hooks(kvdemo_alloc_noprof(rq, res))

/**
 * kvdemo_kvmalloc_node() - kvmalloc_node() under the rule of 4.12
 * @size: in bytes; 0 gives ZERO_SIZE_PTR
 * @flags: a superset of GFP_KERNEL, without __GFP_NORETRY, __GFP_NOFAIL and
 *	__GFP_DMA32; __GFP_RETRY_MAYFAIL tries harder, above the costly order only
 * @node: preferred NUMA node, or NUMA_NO_NODE
 *
 * The same as kvdemo_alloc() with policy noretry and no result.
 *
 * Context: process context, may sleep.
 * Return: the buffer, to be freed by kvfree() or kvdemo_kvfree(), or NULL.
 */
#define kvdemo_kvmalloc_node(size, flags, node) \
	alloc_hooks(kvdemo_kvmalloc_node_noprof(size, flags, node))

/**
 * kvdemo_kvmalloc() - kvdemo_kvmalloc_node() on any node
 * @size: in bytes
 * @flags: as for kvdemo_kvmalloc_node()
 */
#define kvdemo_kvmalloc(size, flags) \
	kvdemo_kvmalloc_node(size, flags, NUMA_NO_NODE)

/**
 * kvdemo_kvzalloc_node() - zeroed memory from a preferred node
 * @size: in bytes
 * @flags: as for kvdemo_kvmalloc_node()
 * @node: preferred NUMA node, or NUMA_NO_NODE
 */
#define kvdemo_kvzalloc_node(size, flags, node) \
	kvdemo_kvmalloc_node(size, (flags) | __GFP_ZERO, node)

/**
 * kvdemo_kvzalloc() - zeroed memory from any node
 * @size: in bytes
 * @flags: as for kvdemo_kvmalloc_node()
 */
#define kvdemo_kvzalloc(size, flags) \
	kvdemo_kvzalloc_node(size, flags, NUMA_NO_NODE)

/**
 * kvdemo_kvmalloc_array_node() - array of @n elements of @size bytes
 * @n: number of elements
 * @size: bytes per element
 * @flags: as for kvdemo_kvmalloc_node()
 * @node: preferred NUMA node, or NUMA_NO_NODE
 *
 * Context: process context, may sleep.
 * Return: the buffer, or NULL where the product overflows or memory is short.
 */
#define kvdemo_kvmalloc_array_node(n, size, flags, node) \
	alloc_hooks(kvdemo_kvmalloc_array_node_noprof(n, size, flags, node))

/**
 * kvdemo_kvmalloc_array() - kvdemo_kvmalloc_array_node() on any node
 * @n: number of elements
 * @size: bytes per element
 * @flags: as for kvdemo_kvmalloc_node()
 */
#define kvdemo_kvmalloc_array(n, size, flags) \
	kvdemo_kvmalloc_array_node(n, size, flags, NUMA_NO_NODE)

/**
 * kvdemo_kvcalloc_node() - zeroed memory for an array, from a preferred node
 * @n: number of elements
 * @size: bytes per element
 * @flags: as for kvdemo_kvmalloc_node()
 * @node: preferred NUMA node, or NUMA_NO_NODE
 */
#define kvdemo_kvcalloc_node(n, size, flags, node) \
	kvdemo_kvmalloc_array_node(n, size, (flags) | __GFP_ZERO, node)

/**
 * kvdemo_kvcalloc() - zeroed memory for an array
 * @n: number of elements
 * @size: bytes per element
 * @flags: as for kvdemo_kvmalloc_node()
 */
#define kvdemo_kvcalloc(n, size, flags) \
	kvdemo_kvcalloc_node(n, size, flags, NUMA_NO_NODE)

#endif /* KVDEMO_H */
