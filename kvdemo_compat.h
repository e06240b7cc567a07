/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The differences between kernels that the wrapper meets; each other room has a
 * compat.h of its own, and no other file has such a check. Each names the release
 * and the commit title. A feature that the headers show by a macro is tested by
 * that macro, because stable kernels backport features.
 */
#ifndef KVDEMO_COMPAT_H
#define KVDEMO_COMPAT_H

#include <linux/gfp.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/nodemask.h>
#include <linux/slab.h>
#include <linux/topology.h>
#include <linux/version.h>
#include <linux/vmalloc.h>
#include <linux/vmstat.h>

#define KVDEMO_SINCE(major, minor) \
	(KERNEL_VERSION(major, minor, 0) <= LINUX_VERSION_CODE)

#if !KVDEMO_SINCE(5, 10)
#error "kvdemo supports Linux 5.10 and later"
#endif

/*
 * 6.10, 7bd230a26648 "mm/slab: enable slab allocation tagging for kmalloc and
 * friends" and 88ae5fb755b0 "mm: vmalloc: enable memory allocation profiling"
 * made the allocators macros around _noprof functions. A wrapper that is to be
 * charged to its caller calls those.
 */
#ifndef alloc_hooks
#define alloc_hooks(call)	(call)
#define kmalloc_node_noprof	kmalloc_node
#define kvmalloc_node_noprof	kvmalloc_node
#define __vmalloc_noprof	__vmalloc
#endif

/*
 * 6.19, "mm/vmalloc: warn on invalid vmalloc gfp flags": __vmalloc() warns
 * about a bit outside its list and drops it. The list of 6.19 and 7.0 lacks
 * __GFP_RETRY_MAYFAIL, which 7.1 took in. Elsewhere it is passed on as
 * kvmalloc_node() does, for it keeps order-0 requests from the OOM killer.
 */
#if KVDEMO_SINCE(6, 19) && !KVDEMO_SINCE(7, 1)
#define KVDEMO_GFP_MAYFAIL	((__force gfp_t)0)
#else
#define KVDEMO_GFP_MAYFAIL	__GFP_RETRY_MAYFAIL
#endif

/*
 * Nor is __GFP_NOMEMALLOC on the list. It forbids where others allow: before, who
 * must leave the reserves alone is heard.
 */
#if KVDEMO_SINCE(6, 19)
#define KVDEMO_GFP_NOMEMALLOC	((__force gfp_t)0)
#else
#define KVDEMO_GFP_NOMEMALLOC	__GFP_NOMEMALLOC
#endif

/* The bits that vmalloc takes, NORETRY and NOFAIL apart. */
#define KVDEMO_GFP_VMALLOC \
	(GFP_KERNEL | __GFP_HARDWALL | __GFP_HIGH | __GFP_ACCOUNT | \
	 __GFP_ZERO | __GFP_NOWARN | __GFP_NOLOCKDEP | KVDEMO_GFP_MAYFAIL | \
	 KVDEMO_GFP_NOMEMALLOC)

/*
 * 6.16, "mm: Add vmalloc_huge_node()": the first exported vmalloc that takes
 * both gfp and node. It may map huge pages, as the kernel's own fallback does.
 */
#ifdef vmalloc_huge_node
#define KVDEMO_VMALLOC_NODE	true
#define kvdemo_compat_vmalloc_node	vmalloc_huge_node_noprof
#else
#define KVDEMO_VMALLOC_NODE	false
#define kvdemo_compat_vmalloc_node(size, gfp, node)	\
	((void)(node), __vmalloc_noprof(size, gfp))
#endif

#endif /* KVDEMO_COMPAT_H */
