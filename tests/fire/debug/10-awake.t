#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# A silent checker proves nothing. So each gets a bug in a boot of its own, and must report
# it and end that boot.
TARGET=debug
. "$(dirname "$0")/../lib.sh"

plan 7
caught 0 none 'kvdemo-verdict .*' 'no bug, no report'
caught 3 uaf 'BUG: KASAN: slab-use-after-free in read_freed.*' 'KASAN catches a use after free in a slab'
caught 3 uaf-vmalloc 'BUG: KASAN: .* in read_freed.*' 'KASAN catches a use after free in vmalloc memory'
caught 4 leak 'kmemleak: 1 new suspected memory leaks' 'kmemleak catches a leak'
caught 4 lock 'WARNING: possible circular locking dependency detected' 'lockdep catches a lock inversion'
caught 3 ubsan 'UBSAN: shift-out-of-bounds in .*awake\.c' 'UBSAN catches a shift out of bounds'
caught 3 null 'KASAN: null-ptr-deref.*' 'fault injection finds a caller that does not check for NULL'
