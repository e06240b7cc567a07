/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels that the wrapper meets. The other directories have a
 * compat.h of their own, and no other file checks versions. Each check names the
 * release and the commit title. Where the headers show a feature by a macro, the macro
 * is tested, because stable kernels backport features.
 */
#ifndef KVDEMO_COMPAT_H
#define KVDEMO_COMPAT_H

#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/version.h>
#include <linux/vmalloc.h>

#define KVDEMO_SINCE(major, minor) \
	(KERNEL_VERSION(major, minor, 0) <= LINUX_VERSION_CODE)

#if !KVDEMO_SINCE(5, 10)
#error "kvdemo supports Linux 5.10 and later"
#endif

/*
 * 6.10, 7bd230a26648 "mm/slab: enable slab allocation tagging for kmalloc and
 * friends" and 88ae5fb755b0 "mm: vmalloc: enable memory allocation profiling"
 * made the allocators macros around _noprof functions. A wrapper calls those, so that
 * its caller is charged.
 */
#ifndef alloc_hooks
#define alloc_hooks(call)	(call)
#define kvmalloc_node_noprof	kvmalloc_node
#define __vmalloc_noprof	__vmalloc
#define vmalloc_huge_noprof	vmalloc_huge
#endif

/*
 * 6.18, "mm/slub: allow to set node and align in k[v]realloc", removed kvmalloc_node_noprof.
 * 7.2 has it again.
 */
#if defined(kvmalloc_node_align_noprof) && !defined(kvmalloc_node_noprof)
#define kvmalloc_node_noprof(size, gfp, node)	kvmalloc_node_align_noprof(size, 1, gfp, node)
#endif

/*
 * kmalloc for a given caller: kmem:kmalloc and the slab's records then name the driver
 * instead of the wrapper. From 6.6 on the caller also selects one of the copies of a
 * cache (3c6152940584 "Randomized slab caches for kmalloc()"). The names changed in 6.1,
 * "mm/slab_common: remove CONFIG_NUMA ifdefs for common kmalloc functions", and in 6.10.
 */
#if defined(kmalloc_node_track_caller_noprof) || KVDEMO_SINCE(6, 10)
#define kvdemo_compat_kmalloc(size, gfp, node, caller) \
	kmalloc_node_track_caller_noprof(size, gfp, node, caller)
#elif KVDEMO_SINCE(6, 1) || defined(CONFIG_NUMA)
#define kvdemo_compat_kmalloc(size, gfp, node, caller) \
	__kmalloc_node_track_caller(size, gfp, node, caller)
#else
#define kvdemo_compat_kmalloc(size, gfp, node, caller) \
	((void)(node), __kmalloc_track_caller(size, gfp, caller))
#endif

/*
 * 5.16, 86cffecdeaa2 "Compiler Attributes: add __alloc_size() for better bounds
 * checking": FORTIFY_SOURCE then knows how large a buffer is.
 */
#ifndef __alloc_size
#define __alloc_size(...)
#endif

/*
 * Does the kernel's own kvmalloc_node() fall back with these flags? From 5.17 on, with all
 * that may block (a421ef303008 "mm: allow !GFP_KERNEL allocations for kvmalloc"); before,
 * with a superset of GFP_KERNEL. For requests that may not block the answer is no, although
 * 6.19 falls back for them (c6307674ed82 "mm: kvmalloc: add non-blocking support for vmalloc").
 */
#define KVDEMO_COMPAT_FALLS_BACK	(KVDEMO_SINCE(5, 17) ? __GFP_DIRECT_RECLAIM : GFP_KERNEL)

static inline bool kvdemo_compat_falls_back(gfp_t gfp)
{
	return (gfp & KVDEMO_COMPAT_FALLS_BACK) == KVDEMO_COMPAT_FALLS_BACK;
}

/*
 * Does the documentation of this kernel's kvmalloc_node() call these flags unsupported?
 * It does so for NORETRY on every release, for NOFAIL before 5.17, and for requests that
 * may not block from 5.17 to 6.18, by the commits above.
 */
static inline bool kvdemo_compat_unsupported(gfp_t gfp)
{
	if (gfp & __GFP_NORETRY)
		return true;
	if (!KVDEMO_SINCE(5, 17))
		return gfp & __GFP_NOFAIL;
	return !KVDEMO_SINCE(6, 19) && !(gfp & __GFP_DIRECT_RECLAIM);
}

/*
 * 6.19, "mm/vmalloc: warn on invalid vmalloc gfp flags": __vmalloc() warns
 * about a bit outside its list and drops it. The list of 6.19 and 7.0 lacks
 * __GFP_RETRY_MAYFAIL, which 7.1 added. On other releases it is passed on, as
 * kvmalloc_node() does, because with it order-0 requests do not call the OOM killer. With
 * NORETRY they do not either, but give up earlier.
 */
#if KVDEMO_SINCE(6, 19) && !KVDEMO_SINCE(7, 1)
#define KVDEMO_GFP_VMALLOC_NO_OOM	__GFP_NORETRY
#else
#define KVDEMO_GFP_VMALLOC_NO_OOM	__GFP_RETRY_MAYFAIL
#endif

/*
 * __GFP_NOMEMALLOC is not on the list either. It only restricts a request, so it is
 * passed on while vmalloc accepts it.
 */
#if KVDEMO_SINCE(6, 19)
#define KVDEMO_GFP_NOMEMALLOC	((__force gfp_t)0)
#else
#define KVDEMO_GFP_NOMEMALLOC	__GFP_NOMEMALLOC
#endif

/*
 * The bits that vmalloc takes, except NORETRY and RETRY_MAYFAIL. NOFAIL is among them since
 * 5.17, 9376130c390a "mm/vmalloc: add support for __GFP_NOFAIL": a forced request may hold it.
 */
#define KVDEMO_GFP_VMALLOC \
	(GFP_KERNEL | __GFP_HARDWALL | __GFP_HIGH | __GFP_ACCOUNT | \
	 __GFP_ZERO | __GFP_NOWARN | __GFP_NOLOCKDEP | __GFP_NOFAIL | \
	 KVDEMO_GFP_NOMEMALLOC)

/*
 * 6.16, "mm: Add vmalloc_huge_node()": the first exported vmalloc that takes both gfp
 * and node. It maps huge pages where it can, as the kernel's own fallback does.
 * vmalloc_node() maps none and takes no flags, so it serves only GFP_KERNEL, with or
 * without __GFP_ZERO.
 */
#ifdef vmalloc_huge_node
#define KVDEMO_VMALLOC_NODE	true
#define kvdemo_compat_vmalloc_node	vmalloc_huge_node_noprof
#define kvdemo_compat_vmalloc_huge	vmalloc_huge_node_noprof
static inline void *kvdemo_compat_vmalloc_plain(size_t size, gfp_t gfp, int node)
{
	return gfp & __GFP_ZERO ? vzalloc_node_noprof(size, node) : vmalloc_node_noprof(size, node);
}
#else
#define KVDEMO_VMALLOC_NODE	false
#define kvdemo_compat_vmalloc_node(size, gfp, node)	\
	((void)(node), __vmalloc_noprof(size, gfp))
#define kvdemo_compat_vmalloc_plain	kvdemo_compat_vmalloc_node
/* 5.18, 559089e0a93d "vmalloc: replace VM_NO_HUGE_VMAP with VM_ALLOW_HUGE_VMAP" */
#if KVDEMO_SINCE(5, 18)
#define kvdemo_compat_vmalloc_huge(size, gfp, node)	\
	((void)(node), vmalloc_huge_noprof(size, gfp))
#else
#define kvdemo_compat_vmalloc_huge	kvdemo_compat_vmalloc_node
#endif
#endif

/*
 * Above KMALLOC_MAX_SIZE: are huge pages cheaper than single ones? From 6.7 on (90b41691b988
 * "mm: add framework for PCP high auto-tuning") a pcplist grows to pageset_high_max pages.
 * Single pages that it holds are the cheapest, so up to there they win. From 7.2 on
 * ("vmalloc: optimize vfree with free_pages_bulk()") huge pages are freed in one piece, and
 * win again. Measured on 6.1, 6.12, 7.2 and 7.3 (doc/bench.md).
 */
static inline bool kvdemo_compat_huge_is_cheaper(const struct zone *zone, unsigned long pages)
{
#if !defined(CONFIG_HAVE_ARCH_HUGE_VMALLOC) || !KVDEMO_SINCE(5, 18)
	return false;
#elif KVDEMO_SINCE(6, 7) && !KVDEMO_SINCE(7, 2)
	return pages > READ_ONCE(zone->pageset_high_max);
#else
	return true;
#endif
}

/*
 * 6.19, a06157804399 "mm/vmalloc: request large order pages from buddy allocator": vmalloc
 * asks for blocks first, and each such attempt that fails wakes kcompactd.
 */
#define KVDEMO_VMALLOC_WAKES	KVDEMO_SINCE(6, 19)

#endif /* KVDEMO_COMPAT_H */
