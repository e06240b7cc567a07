// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracepoints of trace.h. The module cannot be unloaded while a tracer listens.
 */
#include <linux/export.h>
#include <linux/module.h>

#define CREATE_TRACE_POINTS
#include "trace.h"

/* kvdemo_live emits it for the kernel's own callers. */
EXPORT_TRACEPOINT_SYMBOL_GPL(kvdemo_alloc);

static void tell_alloc(const struct kvdemo_request *rq, const struct kvdemo_result *res,
		       const void *p, s64 total_ns, unsigned long caller)
{
	trace_kvdemo_alloc(KVDEMO_ORIGIN_API, rq, res, p, total_ns, caller);
}

static void tell_free(const void *p, enum kvdemo_path path, unsigned long caller)
{
	trace_kvdemo_free(p, path, caller);
}

static const struct kvdemo_observer observer = { .alloc = tell_alloc, .free = tell_free };

/**
 * kvdemo_trace_reg() - an event gets its first listener
 *
 * It takes a reference to the module, because a hist trigger that outlives the module
 * makes the kernel WARN.
 *
 * Context: process context; the tracepoint code serialises.
 * Return: 0, or -ENODEV while the module is being unloaded.
 */
int kvdemo_trace_reg(void)
{
	if (!try_module_get(THIS_MODULE))
		return -ENODEV;
	kvdemo_observe(&observer, true);
	return 0;
}

/**
 * kvdemo_trace_unreg() - an event loses its last listener
 *
 * The kernel still writes to the tracepoint after this. tracefs and perf hold
 * event_mutex until that is done, and an unload waits for event_mutex.
 *
 * Context: process context; the tracepoint code serialises.
 */
void kvdemo_trace_unreg(void)
{
	kvdemo_observe(&observer, false);
	module_put(THIS_MODULE);
}
