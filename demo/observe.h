/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who looks at allocations. A driver that lifts kvdemo_alloc.c goes without this
 * file.
 */
#ifndef KVDEMO_OBSERVE_H
#define KVDEMO_OBSERVE_H

#include <linux/jump_label.h>

#include "trace.h"

struct seq_file;

/* Counts tracers, statistics and a forced fallback: each adds one. */
DECLARE_STATIC_KEY_FALSE(kvdemo_rare_key);

void kvdemo_observe(const struct kvdemo_request *rq,
		    const struct kvdemo_result *res, const void *p,
		    s64 total_ns, unsigned long caller);

int kvdemo_stats_switch(bool on);
void kvdemo_stats_reset(void);
void kvdemo_stats_show(struct seq_file *seq);
void kvdemo_stats_exit(void);

#endif /* KVDEMO_OBSERVE_H */
