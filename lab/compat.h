/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels that the bench meets.
 */
#ifndef KVDEMO_LAB_COMPAT_H
#define KVDEMO_LAB_COMPAT_H

#include <linux/mm.h>
#include <linux/vmstat.h>

#include "kvdemo_compat.h"

/*
 * 7.1, "mm: move pgscan, pgsteal, pgrefill to node stats": all_vm_events() no longer
 * has these events.
 */
#if KVDEMO_SINCE(7, 1)
#define kvdemo_compat_pgscan_direct(events)	global_node_page_state(PGSCAN_DIRECT)
#else
#define kvdemo_compat_pgscan_direct(events)	((events)[PGSCAN_DIRECT])
#endif

#endif /* KVDEMO_LAB_COMPAT_H */
