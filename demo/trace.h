/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracepoints kvdemo:kvdemo_alloc and kvdemo:kvdemo_free. Look at them with
 * tracefs, perf, trace-cmd or bpftrace; switched off they cost a static branch.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM kvdemo

#if !defined(KVDEMO_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define KVDEMO_TRACE_H

#include <linux/string.h>
#include <linux/tracepoint.h>
#include <trace/events/mmflags.h>

#include "kvdemo.h"

#ifndef KVDEMO_TRACE_ONCE
#define KVDEMO_TRACE_ONCE

/* A caller of kvdemo's API made the allocation. */
#define KVDEMO_ORIGIN_API	"api"
/* A caller of the kernel's kvmalloc made it, and kvdemo_live emits the event. */
#define KVDEMO_ORIGIN_KERNEL	"kernel"

/* Room for our longest word and its NUL. The name of a caller's own policy may be cut. */
#define KVDEMO_WORD_SIZE	16

int kvdemo_trace_reg(void);
void kvdemo_trace_unreg(void);

#endif /* KVDEMO_TRACE_ONCE */

/*
 * Policy, path and why are text, because a histogram prints text as it is, and a policy of
 * the caller has a name but no number. A step that was not taken costs 0 ns here, so that
 * a histogram can add.
 */
TRACE_EVENT_FN(kvdemo_alloc,
	TP_PROTO(const char *origin, const struct kvdemo_request *rq,
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
		__array(char, origin, KVDEMO_WORD_SIZE)
		__array(char, policy, KVDEMO_WORD_SIZE)
		__array(char, path, KVDEMO_WORD_SIZE)
		__array(char, why, KVDEMO_WORD_SIZE)
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
		strscpy_pad(__entry->origin, origin, KVDEMO_WORD_SIZE);
		strscpy_pad(__entry->policy, rq->policy->name ?: "?", KVDEMO_WORD_SIZE);
		strscpy_pad(__entry->path, kvdemo_path_name(res->path), KVDEMO_WORD_SIZE);
		strscpy_pad(__entry->why, kvdemo_why_name(res->why), KVDEMO_WORD_SIZE);
	),

	TP_printk("origin=%s caller=%pS ptr=%p size=%zu gfp=%s node=%d policy=%s path=%s why=%s kmalloc_ns=%lld vmalloc_ns=%lld total_ns=%lld",
		__entry->origin, (void *)__entry->caller, __entry->ptr, __entry->size,
		show_gfp_flags(__entry->gfp), __entry->node, __entry->policy,
		__entry->path, __entry->why,
		__entry->kmalloc_ns, __entry->vmalloc_ns, __entry->total_ns),

	kvdemo_trace_reg, kvdemo_trace_unreg
);

TRACE_EVENT_FN(kvdemo_free,
	TP_PROTO(const void *ptr, enum kvdemo_path path, unsigned long caller),

	TP_ARGS(ptr, path, caller),

	TP_STRUCT__entry(
		__field(unsigned long, caller)
		__field(const void *, ptr)
		__array(char, path, KVDEMO_WORD_SIZE)
	),

	TP_fast_assign(
		__entry->caller = caller;
		__entry->ptr = ptr;
		strscpy_pad(__entry->path, kvdemo_path_name(path), KVDEMO_WORD_SIZE);
	),

	TP_printk("caller=%pS ptr=%p path=%s", (void *)__entry->caller,
		__entry->ptr, __entry->path),

	kvdemo_trace_reg, kvdemo_trace_unreg
);

#endif /* KVDEMO_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH demo
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
