/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Shared by the two files of kvdemo_bench.ko: bench.c has the parameters and the row,
 * bench_cell.c measures the cell.
 */
#ifndef KVDEMO_LAB_BENCH_H
#define KVDEMO_LAB_BENCH_H

#include <linux/types.h>

#include "kvdemo.h"

#define BENCH_MIN_N	32
#define BENCH_MAX_N	1000

enum bench_pattern {
	PATTERN_LOOP,	/* each buffer is freed before the next is allocated */
	PATTERN_HOLD,	/* all are allocated, then all are freed */
	NR_PATTERNS,
};

enum bench_memory {
	MEMORY_IDLE,	/* there are free blocks of the cell's order */
	MEMORY_UNMOVABLE, /* there is none, and compaction cannot make one */
	MEMORY_MOVABLE,	/* there is none, and compaction can make some */
	MEMORY_LOWER,	/* there are some in the lower zones of the node only */
	NR_MEMORIES,
};

/* The steps that are timed. A pair is an allocation and its free. */
enum bench_step { STEP_ALLOC, STEP_PAIR, NR_STEPS };
enum bench_stat { STAT_MEAN, STAT_P50, STAT_P90, STAT_P99, STAT_MAX, NR_BENCH_STATS };
enum bench_event { EVENT_STALL, EVENT_ALLOCSTALL, EVENT_WAKEUP, NR_EVENTS };

/* The columns of a row that are numbers */
enum bench_number {
	NUM_SIZE, NUM_N, NUM_ASKED, NUM_PAUSE_US, NUM_ACCOUNT, NUM_LOCAL_NODE,
	NUM_PATH,
	NUM_STAT = NUM_PATH + KVDEMO_NR_PATHS,
	NUM_EVENT = NUM_STAT + NR_STEPS * NR_BENCH_STATS,
	NUM_KEPT = NUM_EVENT + NR_EVENTS,
	NUM_SOAKED, NUM_EMPTY, NUM_INIT_ON_ALLOC, NUM_DEBUG,
	NR_NUMBERS,
};

/* A measurement: one policy, one size and one pattern */
struct bench_cell {
	const struct kvdemo_policy *policy;
	enum bench_pattern pattern;
	enum bench_memory memory; /* the state that free memory has to be in */
	size_t size;		/* of a buffer */
	unsigned int n;		/* samples to take; 0 lets the cell choose */
	unsigned int pause_us;	/* sleep between two allocations */
	bool account;		/* the memory is charged to the task's cgroup */
	bool local_node;	/* the node of this CPU is named */
};

const char *bench_run_cell(const struct bench_cell *cell, u64 *numbers);

#endif /* KVDEMO_LAB_BENCH_H */
