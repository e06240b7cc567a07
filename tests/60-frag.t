#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# kvdemo_frag.ko: what it takes, what it leaves, what it gives back.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

if [ "$arch" = s390x ]; then
	echo "1..0 # SKIP page tables of $TARGET are blocks of order 2, and a fork without one wakes the OOM killer"
	exit
fi

# cma=0: what is set aside for CMA is for pages that can be moved, and the
# fragmenter takes others.
skips=0
[ "$page" -le 16384 ] || skips=2
plan 18
guest 17 -m 512 -S "$skips" -t 300 -a "cma=0 KVPAGE=$page" tests/guest/frag.sh "$built/kvdemo.ko" \
	"$built/kvdemo_frag.ko"
