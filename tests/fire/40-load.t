#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Hundreds of loads and unloads, and all CPUs on the API while files, events and other
# modules are used and removed.
. "$(dirname "$0")/lib.sh"

# The least number of allocations for a minute of load, however long they take; the
# checkers slow them down. A longer run ends after its time.
min_allocs=100000 seconds=${FIRE_SECONDS:-$(share 60)}
# Under the checkers kvdemo_live alone takes seconds to come and go.
if [ -n "$slow" ]; then
	min_allocs=10000
	[ "$seconds" -ge 30 ] || seconds=30
fi
[ "$seconds" -ge 60 ] || min_allocs=$((min_allocs * seconds / 60))

# The modules beside kvdemo.ko are loaded and unloaded as well.
others=("$built/kvdemo_frag.ko")
! hooks || others+=("$built/kvdemo_live.ko")

plan 9
fire 8 -m 512 -t $((900 + seconds)) -x unload \
	-a "rcupdate.rcu_expedited=1 KVSEED=$SEED KVLOADS=$(share 200) KVSECONDS=$seconds KVALLOCS=$min_allocs $light" \
	tests/guest/fire-load.sh "${modules[@]}" "${others[@]}"
