#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# kvdemo_frag.ko: what it takes, what it leaves, what it gives back.
. "$(dirname "$0")/lib.sh"

if [ "$arch" = s390x ]; then
	echo "1..0 # SKIP page tables of $TARGET are blocks of order 2, and a fork without one wakes the OOM killer"
	exit
fi

# With redzones an object of 4 KiB takes a slab of order 2, and insmod without one wakes
# the OOM killer.
min_order=${slow:+3}

# With pages above 16 KiB, or under KASAN, a back-off period is over before a buffer is
# filled: three tests skip there, and no others.
skips=0
if [ "$page" -gt 16384 ] || [ -n "$slow" ]; then
	skips=3 slow=1
fi

# Before 6.19 vmalloc wakes nobody, so the test of its wake-ups (KVLOUD) skips.
loud=
if [ "$policy" = noretry ]; then
	loud=1
fi
[ "$skips$loud" = 0 ] || skips=$((skips + 1))
# cma=0: the fragmenter takes pages that cannot be moved, and gets none that are reserved
# for CMA.
plan 16
guest 15 -m 512 -S "$skips" -a "cma=0 KVPAGE=$page KVLOUD=$loud KVSLOW=$slow KVMINORDER=$min_order $light" \
	tests/guest/frag.sh "$built/kvdemo.ko" "$built/kvdemo_frag.ko"
