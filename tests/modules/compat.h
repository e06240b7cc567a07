/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels that the tests meet.
 */
#ifndef KVDEMO_TEST_COMPAT_H
#define KVDEMO_TEST_COMPAT_H

#include "kvdemo_compat.h"

/*
 * 6.1, 11e9734bcb6a "mm/slab_common: unify NUMA and UMA version of
 * tracepoints": kmem:kmalloc_node became kmem:kmalloc, with the same arguments.
 */
#if KVDEMO_SINCE(6, 1)
#define kvdemo_compat_trace(action)	action##_trace_kmalloc
#else
#define kvdemo_compat_trace(action)	action##_trace_kmalloc_node
#endif

/*
 * 6.0, b347aa7b5747 "mm/tracing: add 'accounted' entry into output of allocation
 * tracepoints": only this release's probe of kmalloc_node also gets the cache.
 */
#if KVDEMO_SINCE(6, 0) && !KVDEMO_SINCE(6, 1)
#define KVDEMO_COMPAT_TRACE_CACHE	struct kmem_cache *cache,
#else
#define KVDEMO_COMPAT_TRACE_CACHE
#endif

/*
 * The page allocator of kernels before 6.10. 5.13, 84172f4bb752 "mm/page_alloc: combine
 * __alloc_pages and __alloc_pages_nodemask".
 */
#if KVDEMO_SINCE(5, 13)
#define kvdemo_compat_alloc_pages	"__alloc_pages"
#else
#define kvdemo_compat_alloc_pages	"__alloc_pages_nodemask"
#endif

/*
 * 6.19, "mm/vmalloc: warn on invalid vmalloc gfp flags": __vmalloc() takes no
 * __GFP_WRITE.
 */
#define KVDEMO_COMPAT_VMALLOC_TAKES	(KVDEMO_SINCE(6, 19) ? ~__GFP_WRITE : ~(gfp_t)0)

#endif /* KVDEMO_TEST_COMPAT_H */
