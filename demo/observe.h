/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The observer of the wrapper: tracepoints and statistics.
 */
#ifndef KVDEMO_OBSERVE_H
#define KVDEMO_OBSERVE_H

#include "trace.h"

struct seq_file;

int kvdemo_stats_switch(bool on);
void kvdemo_stats_reset(void);
void kvdemo_stats_show(struct seq_file *seq);
void kvdemo_stats_exit(void);

#endif /* KVDEMO_OBSERVE_H */
