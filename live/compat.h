/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the watch needs to know of the kernel it runs on.
 */
#ifndef KVDEMO_LIVE_COMPAT_H
#define KVDEMO_LIVE_COMPAT_H

#include <linux/ptrace.h>
#include <linux/slab.h>
#include <linux/topology.h>

#include "kvdemo_compat.h"

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
 * panics over the stack canary.
 */
#define KVDEMO_COMPAT_PANICS	(IS_ENABLED(CONFIG_PPC) && \
				 IS_ENABLED(CONFIG_OPTPROBES) && \
				 IS_ENABLED(CONFIG_PREEMPTION))

#endif /* KVDEMO_LIVE_COMPAT_H */
