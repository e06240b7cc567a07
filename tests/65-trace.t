#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The tracepoints, and README's recipes and session as they stand there.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A recipe is a block that begins with this cd; what comes before its cat starts
# it, what follows ends it.
awk -v to="$work/recipe" '
	/^    cd .*\/kvdemo_alloc$/ { n++; part = "start" }
	!/^    / { part = "" }
	part {
		if ($1 == "cat")
			part = "show"
		print > (to n "." part)
		if (part == "show")
			part = "end"
	}' README.md
for part in "$work"/recipe*.{show,end}; do
	sed -i '1i cd /sys/kernel/tracing/events/kvdemo/kvdemo_alloc' "$part"
done

# Who listens to the events, as README finds out
sed -n '/^    cd .*\/tracing$/,/^$/s/^    //p' README.md >"$work/listeners"

# The session: what stands behind the prompt, and what was printed. The kernel has
# something to say of its clocks a second after the boot, which a reader is past.
sed -n 's/^    # //p' README.md | sed -n '/^cat policies$/,/rmmod/{s/dmesg |/& grep kvdemo: |/;p}' >"$work/session"
sed -n '/^    # cat policies$/,/^$/s/^    //p' README.md | grep -v '^# ' >"$work/printed"

skips=0
grep -q '^CONFIG_HIST_TRIGGERS=y' "$(config)" || skips=3
# The session was recorded with pages of 4 KiB.
[ "$page" -eq 4096 ] || skips=$((skips + 1))
# KVSLOW: under KASAN a rest of policy backoff is over before the next allocation.
plan 14
guest 13 -c 1 -S "$skips" -a "KVSLOW=$slow" tests/guest/trace.sh "$built"/kvdemo{,_test}.ko "$work"/{recipe*,listeners,session,printed}
