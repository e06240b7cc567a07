/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every difference between kernels that kvdemo meets, and no other file has
 * one. Each names the release and the commit title. A feature that the headers
 * show by a macro is tested by that macro: stable kernels backport features.
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

/*
 * 5.14, 3382bbee0464 "mm/vmalloc: enable mapping of huge pages at pte level in
 * vmalloc": where huge pages may be mapped at all, an area below PMD_SIZE is made of
 * runs of contiguous PTEs, as arm64 does from 6.16 on.
 */
#if KVDEMO_SINCE(5, 14)
#define kvdemo_compat_vmap_shift(size)	arch_vmap_pte_supported_shift(size)
#else
#define kvdemo_compat_vmap_shift(size)	((void)(size), PAGE_SHIFT)
#endif

/*
 * 5.13, 121e6f3258fe "mm/vmalloc: hugepage vmalloc mappings": where an architecture
 * takes them (powerpc), each vmalloc may map huge pages, until 5.18, 559089e0a93d
 * "vmalloc: replace VM_NO_HUGE_VMAP with VM_ALLOW_HUGE_VMAP": only who asks for it.
 */
#if KVDEMO_SINCE(5, 13) && !KVDEMO_SINCE(5, 18)
#define KVDEMO_VMALLOC_HUGE	IS_ENABLED(CONFIG_HAVE_ARCH_HUGE_VMALLOC)
#else
#define KVDEMO_VMALLOC_HUGE	false
#endif

/*
 * 6.1, 11e9734bcb6a "mm/slab_common: unify NUMA and UMA version of
 * tracepoints": kmem:kmalloc_node became kmem:kmalloc, with the same arguments.
 * Only kvdemo_test.c listens to it.
 */
#if KVDEMO_SINCE(6, 1)
#define kvdemo_compat_trace(action)	action##_trace_kmalloc
#else
#define kvdemo_compat_trace(action)	action##_trace_kmalloc_node
#endif

/*
 * 5.18, 09f49dca570a "mm: handle uninitialized numa nodes gracefully": before, the
 * allocators took no node that is offline, as that of a CPU may be which has not
 * come up yet.
 */
static inline int kvdemo_compat_cpu_node(int cpu)
{
	int node = cpu_to_node(cpu);

	return node != NUMA_NO_NODE && node_online(node) ? node : NUMA_NO_NODE;
}

/*
 * 7.1, "mm: move pgscan, pgsteal, pgrefill to node stats": no longer among the
 * events of all_vm_events(). Only kvdemo_bench.c reads it.
 */
#if KVDEMO_SINCE(7, 1)
#define kvdemo_compat_pgscan_direct(events)	global_node_page_state(PGSCAN_DIRECT)
#else
#define kvdemo_compat_pgscan_direct(events)	((events)[PGSCAN_DIRECT])
#endif

/*
 * What is below only kvdemo_watch.c needs. The function behind kvmalloc(), and
 * which of its arguments holds the gfp, the size being argument 0. 6.11,
 * "mm/slab: Introduce kvmalloc_buckets_node() that can take kmem_buckets
 * argument", 6.18, "mm/slub: allow to set node and align in k[v]realloc", and a
 * token in 7.2 moved it, each by one, and the first and last only where they are
 * configured. So the kernel's own macro is asked what it passes on: the gfp is
 * the last but one.
 */
#ifndef kvmalloc_node
#define kvdemo_compat_kvmalloc	kvmalloc_node
#define KVDEMO_COMPAT_GFP_ARG	1
#elif !defined(kvmalloc_node_noprof)
#define kvdemo_compat_kvmalloc	kvmalloc_node_noprof
#define KVDEMO_COMPAT_GFP_ARG	1
#else
#define kvdemo_compat_kvmalloc	__kvmalloc_node_noprof
#define __kvmalloc_node_noprof(args...)	(COUNT_ARGS(args) - 2)
enum { KVDEMO_COMPAT_GFP_ARG = kvmalloc_node_noprof(0, 0, 0) };
#undef __kvmalloc_node_noprof
#endif

/* Where a kprobe sees no arguments, the watch's self-check sees none either. */
#ifdef CONFIG_HAVE_FUNCTION_ARG_ACCESS_API
#define kvdemo_compat_argument(regs, n)	regs_get_kernel_argument(regs, n)
#else
#define kvdemo_compat_argument(regs, n)	((void)(regs), (void)(n), 0ul)
#endif

/*
 * 5.18, 73f9b911faa7 "kprobes: Use rethook for kretprobe if possible": a return
 * handler finds its caller in the registers. What the instance holds may be the
 * trampoline of another return probe; earlier kernels correct that one.
 */
#if KVDEMO_SINCE(5, 18) || defined(CONFIG_KRETPROBE_ON_RETHOOK)
#define kvdemo_compat_caller(ri, regs)	instruction_pointer(regs)
#else
#define kvdemo_compat_caller(ri, regs)	((unsigned long)(ri)->ret_addr)
#endif

/*
 * 3.3, d7e7528bcd45 "Audit: push audit success and retcode into arch ptrace.h": on
 * powerpc regs_return_value() is that of a system call, negative where a bit is set
 * that user space may have left set.
 */
#ifdef CONFIG_PPC
#define kvdemo_compat_return(regs)	((regs)->gpr[3])
#else
#define kvdemo_compat_return(regs)	regs_return_value(regs)
#endif

/*
 * 4.11, 51c9c0843993 "powerpc/kprobes: Implement Optprobes": what a call returns to
 * under a return probe is a kprobe there, which is optimized into a detour that saves
 * and restores r13 (r2 on 32 bit), what the CPU knows itself by. A task that is moved
 * to another CPU meanwhile takes the register of the first along, and the kernel
 * panics over the stack canary. Its name: 5.16, adf8a61a940c "kprobes: treewide: Make
 * it harder to refer kretprobe_trampoline directly"; 6.13, 19f1bc3fb554 "powerpc:
 * Replace kretprobe code with rethook on powerpc".
 */
#if !defined(CONFIG_PPC) || !defined(CONFIG_OPTPROBES) || !defined(CONFIG_PREEMPTION)
#define KVDEMO_COMPAT_TRAMPOLINE	NULL
#elif defined(CONFIG_KRETPROBE_ON_RETHOOK)
#define KVDEMO_COMPAT_TRAMPOLINE	"arch_rethook_trampoline"
#elif KVDEMO_SINCE(5, 16)
#define KVDEMO_COMPAT_TRAMPOLINE	"__kretprobe_trampoline"
#else
#define KVDEMO_COMPAT_TRAMPOLINE	"kretprobe_trampoline"
#endif

#endif /* KVDEMO_COMPAT_H */
