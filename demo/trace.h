/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracepoints kvdemo:kvdemo_alloc and kvdemo:kvdemo_free. Look at them with
 * tracefs, perf, trace-cmd or bpftrace; switched off they cost a static branch.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kvdemo

#if !defined(KVDEMO_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KVDEMO_TRACE_H

#include <linux/tracepoint.h>
#include <trace/events/mmflags.h>

#include "kvdemo.h"

#ifndef KVDEMO_TRACE_ONCE
#define KVDEMO_TRACE_ONCE

/**
 * enum kvdemo_origin - whose allocation an event is
 * @KVDEMO_ORIGIN_API: a caller of kvdemo's API
 * @KVDEMO_ORIGIN_KERNEL: a caller of the kernel's kvmalloc, seen by kvdemo_watch
 */
enum kvdemo_origin {
	KVDEMO_ORIGIN_API,
	KVDEMO_ORIGIN_KERNEL,
};

#define KVDEMO_ORIGIN_WORDS(word, last)			\
	word(KVDEMO_ORIGIN_API, "api")			\
	last(KVDEMO_ORIGIN_KERNEL, "kernel")

int kvdemo_trace_reg(void);
void kvdemo_trace_unreg(void);

/* The words that the log has, too. */
#define KVDEMO_PATH_WORDS(word, last)		\
	word(KVDEMO_PATH_NONE, "none")		\
	word(KVDEMO_PATH_SLAB, "slab")		\
	word(KVDEMO_PATH_PAGES, "pages")	\
	last(KVDEMO_PATH_VMALLOC, "vmalloc")

#define KVDEMO_WHY_WORDS(word, last)				\
	word(KVDEMO_WHY_ZERO, "zero")				\
	word(KVDEMO_WHY_INVALID, "invalid")			\
	word(KVDEMO_WHY_IMPOSSIBLE, "impossible")		\
	word(KVDEMO_WHY_NO_MEMORY, "no-memory")			\
	word(KVDEMO_WHY_FORCED, "forced")			\
	word(KVDEMO_WHY_POLICY, "policy")			\
	word(KVDEMO_WHY_TOO_LARGE, "too-large")			\
	word(KVDEMO_WHY_BACKOFF, "backoff")			\
	word(KVDEMO_WHY_KMALLOC_FAILED, "kmalloc-failed")	\
	word(KVDEMO_WHY_SMALL, "small")				\
	last(KVDEMO_WHY_CONTIGUOUS, "contiguous")

#define KVDEMO_POLICY_WORDS(word, last)		\
	word(KVDEMO_NORETRY, "noretry")		\
	word(KVDEMO_NORECLAIM, "noreclaim")	\
	word(KVDEMO_BACKOFF, "backoff")		\
	word(KVDEMO_NATIVE, "native")		\
	word(KVDEMO_KMALLOC, "kmalloc")		\
	last(KVDEMO_VMALLOC, "vmalloc")

/* Who adds a word to an enum adds it here. */
#define ONE(id, word)	+ 1
static_assert((0 KVDEMO_PATH_WORDS(ONE, ONE)) == KVDEMO_NR_PATHS);
static_assert((0 KVDEMO_WHY_WORDS(ONE, ONE)) == KVDEMO_NR_WHYS);
static_assert((0 KVDEMO_POLICY_WORDS(ONE, ONE)) == KVDEMO_NR_POLICIES);
#undef ONE

#endif /* KVDEMO_TRACE_ONCE */

/* User space parses the format and knows no C enum: its values are put there. */
#undef DEFINE_ENUM
#define DEFINE_ENUM(id, word)	TRACE_DEFINE_ENUM(id);

KVDEMO_ORIGIN_WORDS(DEFINE_ENUM, DEFINE_ENUM)
KVDEMO_PATH_WORDS(DEFINE_ENUM, DEFINE_ENUM)
KVDEMO_WHY_WORDS(DEFINE_ENUM, DEFINE_ENUM)
KVDEMO_POLICY_WORDS(DEFINE_ENUM, DEFINE_ENUM)

#undef PAIR
#undef LAST_PAIR
#define PAIR(id, word)		{ id, word },
#define LAST_PAIR(id, word)	{ id, word }

/* A step that was not made costs 0 ns here, so that a histogram can add. */
TRACE_EVENT_FN(kvdemo_alloc,
	TP_PROTO(enum kvdemo_origin origin, const struct kvdemo_request *rq,
		 const struct kvdemo_result *res, const void *ptr,
		 s64 total_ns, unsigned long caller),

	TP_ARGS(origin, rq, res, ptr, total_ns, caller),

	TP_STRUCT__entry(
		__field(unsigned long, caller)
		__field(const void *, ptr)
		__field(size_t, size)
		__field(unsigned long, gfp)
		__field(s64, kmalloc_ns)
		__field(s64, vmalloc_ns)
		__field(s64, total_ns)
		__field(int, node)
		__field(int, origin)
		__field(int, policy)
		__field(int, path)
		__field(int, why)
	),

	TP_fast_assign(
		__entry->caller = caller;
		__entry->ptr = ptr;
		__entry->size = rq->size;
		__entry->gfp = (__force unsigned long)rq->gfp;
		__entry->kmalloc_ns = max_t(s64, res->kmalloc_ns, 0);
		__entry->vmalloc_ns = max_t(s64, res->vmalloc_ns, 0);
		__entry->total_ns = total_ns;
		__entry->node = rq->node;
		__entry->origin = origin;
		__entry->policy = rq->policy - kvdemo_policies;
		__entry->path = res->path;
		__entry->why = res->why;
	),

	TP_printk("origin=%s caller=%pS ptr=%p size=%zu gfp=%s node=%d policy=%s path=%s why=%s kmalloc_ns=%lld vmalloc_ns=%lld total_ns=%lld",
		__print_symbolic(__entry->origin,
				 KVDEMO_ORIGIN_WORDS(PAIR, LAST_PAIR)),
		(void *)__entry->caller, __entry->ptr, __entry->size,
		show_gfp_flags(__entry->gfp), __entry->node,
		__print_symbolic(__entry->policy,
				 KVDEMO_POLICY_WORDS(PAIR, LAST_PAIR)),
		__print_symbolic(__entry->path,
				 KVDEMO_PATH_WORDS(PAIR, LAST_PAIR)),
		__print_symbolic(__entry->why,
				 KVDEMO_WHY_WORDS(PAIR, LAST_PAIR)),
		__entry->kmalloc_ns, __entry->vmalloc_ns, __entry->total_ns),

	kvdemo_trace_reg, kvdemo_trace_unreg
);

TRACE_EVENT_FN(kvdemo_free,
	TP_PROTO(const void *ptr, enum kvdemo_path path, unsigned long caller),

	TP_ARGS(ptr, path, caller),

	TP_STRUCT__entry(
		__field(unsigned long, caller)
		__field(const void *, ptr)
		__field(int, path)
	),

	TP_fast_assign(
		__entry->caller = caller;
		__entry->ptr = ptr;
		__entry->path = path;
	),

	TP_printk("caller=%pS ptr=%p path=%s", (void *)__entry->caller,
		__entry->ptr,
		__print_symbolic(__entry->path,
				 KVDEMO_PATH_WORDS(PAIR, LAST_PAIR))),

	kvdemo_trace_reg, kvdemo_trace_unreg
);

#endif /* KVDEMO_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH demo
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
