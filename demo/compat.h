/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels that only the demo meets.
 */
#ifndef KVDEMO_DEMO_COMPAT_H
#define KVDEMO_DEMO_COMPAT_H

#include <linux/vmalloc.h>

#include "kvdemo_compat.h"

/*
 * 5.14, 3382bbee0464 "mm/vmalloc: enable mapping of huge pages at pte level in
 * vmalloc": if vmalloc may map huge pages, it may map an area below PMD_SIZE by runs of
 * contiguous PTEs. arm64 does so from 6.16 on.
 */
#if KVDEMO_SINCE(5, 14)
#define kvdemo_compat_vmap_shift(size)	arch_vmap_pte_supported_shift(size)
#else
#define kvdemo_compat_vmap_shift(size)	((void)(size), PAGE_SHIFT)
#endif

/*
 * 5.13, 121e6f3258fe "mm/vmalloc: hugepage vmalloc mappings": on architectures with
 * huge vmalloc (powerpc) each vmalloc may map huge pages. Since 5.18, 559089e0a93d
 * "vmalloc: replace VM_NO_HUGE_VMAP with VM_ALLOW_HUGE_VMAP", only callers that ask.
 */
#if KVDEMO_SINCE(5, 13) && !KVDEMO_SINCE(5, 18)
#define KVDEMO_VMALLOC_HUGE	IS_ENABLED(CONFIG_HAVE_ARCH_HUGE_VMALLOC)
#else
#define KVDEMO_VMALLOC_HUGE	false
#endif

#endif /* KVDEMO_DEMO_COMPAT_H */
