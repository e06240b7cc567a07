/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels that kvdemo_live.ko meets.
 */
#ifndef KVDEMO_LIVE_COMPAT_H
#define KVDEMO_LIVE_COMPAT_H

#include <linux/ftrace.h>
#include <linux/ptrace.h>
#include <linux/slab.h>

#include "kvdemo_compat.h"

/*
 * The function behind kvmalloc(), and which of its arguments holds the gfp; the size is
 * argument 0. 6.11, "mm/slab: Introduce kvmalloc_buckets_node() that can take
 * kmem_buckets argument", 6.18, "mm/slub: allow to set node and align in
 * k[v]realloc", and a token in 7.2 each moved it by one, the first and the last only
 * where they are configured. So the arguments that the kernel's own macro passes on are
 * counted: the gfp is the last but one.
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

/*
 * The function behind large kmalloc, under each of its names, the newest first; a
 * kernel has several of them, and the first that it has is the innermost. 6.1,
 * "mm/sl[au]b: generalize kmalloc subsystem", and 6.10, "mm/slab: enable slab
 * allocation tagging for kmalloc and friends", renamed it. size, gfp and node are its
 * arguments 0 to 2.
 */
#define KVDEMO_COMPAT_LARGE \
	"___kmalloc_large_node", "__kmalloc_large_node", "kmalloc_large_node"

/*
 * The function that kvmalloc_node() calls for the fallback, and its argument that holds
 * the gfp; the size is argument 0. 5.18, 9becb6889130 "kvmalloc: use vmalloc_huge for
 * vmalloc allocations"; 6.10 as above.
 */
#if KVDEMO_SINCE(5, 18)
#define KVDEMO_COMPAT_FALLBACK \
	"__vmalloc_node_range_noprof", "__vmalloc_node_range"
#define KVDEMO_COMPAT_FALLBACK_GFP	4
#else
#define KVDEMO_COMPAT_FALLBACK		"__vmalloc_node"
#define KVDEMO_COMPAT_FALLBACK_GFP	2
#endif

/*
 * Argument @n of a hooked function, to be read and written. 5.11, d19ad0775dcd "ftrace:
 * Have the callbacks receive a struct ftrace_regs instead of pt_regs"; 6.13, "ftrace:
 * Make ftrace_regs abstract from direct use". An architecture that has
 * DYNAMIC_FTRACE_WITH_ARGS gives the arguments to every callback. x86-64 of 5.10 gives
 * them to those that ask for all registers.
 */
#ifdef arch_ftrace_regs
#define kvdemo_compat_fregs(fregs)	arch_ftrace_regs(fregs)
#else
#define kvdemo_compat_fregs(fregs)	(fregs)
#endif

#if !KVDEMO_SINCE(5, 11)
#define ftrace_regs		pt_regs
#endif

#if defined(CONFIG_X86_64) && !KVDEMO_SINCE(5, 11)
#define kvdemo_compat_pt_regs(fregs)	(fregs)
#define KVDEMO_COMPAT_FTRACE	(FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_RECURSION_SAFE)
#elif defined(CONFIG_X86_64)
#define kvdemo_compat_pt_regs(fregs)	(&kvdemo_compat_fregs(fregs)->regs)
#endif

#ifdef kvdemo_compat_pt_regs
static __always_inline unsigned long *kvdemo_compat_x86_arg(struct pt_regs *regs, int n)
{
	switch (n) {
	case 0: return &regs->di;
	case 1: return &regs->si;
	case 2: return &regs->dx;
	case 3: return &regs->cx;
	case 4: return &regs->r8;
	default: return &regs->r9;
	}
}

#define KVDEMO_COMPAT_ARG(fregs, n) \
	(*kvdemo_compat_x86_arg(kvdemo_compat_pt_regs(fregs), n))
#elif !defined(CONFIG_DYNAMIC_FTRACE_WITH_ARGS)
/* none of the above: KVDEMO_COMPAT_HOOKS is false */
#elif defined(CONFIG_ARM64)
#define KVDEMO_COMPAT_ARG(fregs, n)	(kvdemo_compat_fregs(fregs)->regs[n])
#elif defined(CONFIG_RISCV)
#define KVDEMO_COMPAT_ARG(fregs, n)	(kvdemo_compat_fregs(fregs)->args[n])
#elif defined(CONFIG_PPC64)
#define KVDEMO_COMPAT_ARG(fregs, n)	(kvdemo_compat_fregs(fregs)->regs.gpr[3 + (n)])
#elif defined(CONFIG_S390)
#define KVDEMO_COMPAT_ARG(fregs, n)	(kvdemo_compat_fregs(fregs)->regs.gprs[2 + (n)])
#endif

#if defined(KVDEMO_COMPAT_ARG) && defined(CONFIG_KALLSYMS) && \
	defined(CONFIG_64BIT) && defined(CONFIG_DYNAMIC_FTRACE)
#define KVDEMO_COMPAT_HOOKS	true
#else
/*
 * The module still compiles, and refuses to load. The compiler drops the calls of main.c into
 * parts that are not linked.
 */
#define KVDEMO_COMPAT_HOOKS	false
#undef KVDEMO_COMPAT_ARG
#define KVDEMO_COMPAT_ARG(fregs, n)	(((unsigned long *)(fregs))[n])
#endif

#ifndef KVDEMO_COMPAT_FTRACE
#define KVDEMO_COMPAT_FTRACE	0
#endif

/* An argument as a kprobe sees it */
#ifdef CONFIG_HAVE_FUNCTION_ARG_ACCESS_API
#define kvdemo_compat_argument(regs, n)	regs_get_kernel_argument(regs, n)
#else
#define kvdemo_compat_argument(regs, n)	((void)(regs), (void)(n), 0ul)
#endif

/* At the entry of a function: where it will return to */
#if defined(CONFIG_ARM64)
#define kvdemo_compat_return_address(regs)	procedure_link_pointer(regs)
#elif defined(CONFIG_RISCV)
#define kvdemo_compat_return_address(regs)	((regs)->ra)
#elif defined(CONFIG_PPC)
#define kvdemo_compat_return_address(regs)	((regs)->link)
#elif defined(CONFIG_S390)
#define kvdemo_compat_return_address(regs)	((regs)->gprs[14])
#else
#define kvdemo_compat_return_address(regs)	regs_get_kernel_stack_nth(regs, 0)
#endif

/*
 * 3.3, d7e7528bcd45 "Audit: push audit success and retcode into arch ptrace.h": on
 * powerpc regs_return_value() is for system calls. It negates the value if a condition
 * bit is set, which user space may have left set.
 */
#ifdef CONFIG_PPC
#define kvdemo_compat_return(regs)	((regs)->gpr[3])
#else
#define kvdemo_compat_return(regs)	regs_return_value(regs)
#endif

/*
 * 4.11, 51c9c0843993 "powerpc/kprobes: Implement Optprobes": on powerpc a return probe is
 * optimized into a detour that saves and restores r13, the per-CPU pointer. A task that
 * migrates meanwhile restores the r13 of its old CPU, and the kernel panics over the stack
 * canary. So times=1 is refused.
 */
#define KVDEMO_COMPAT_PANICS	(IS_ENABLED(CONFIG_PPC) && \
				 IS_ENABLED(CONFIG_OPTPROBES) && \
				 IS_ENABLED(CONFIG_PREEMPTION))

/* Only x86 has a counter that may turn out to be unstable. */
#if defined(CONFIG_X86_TSC) && defined(CONFIG_X86_64)
#include <asm/tsc.h>
#define kvdemo_compat_counter_stable()	(!check_tsc_unstable())
#else
#define kvdemo_compat_counter_stable()	true
#endif

#endif /* KVDEMO_LIVE_COMPAT_H */
