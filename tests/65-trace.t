#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The tracepoints, and the recipes of doc/runtime.md as they stand there.
. "$(dirname "$0")/lib.sh"

. tests/pages.sh

# A recipe begins with cd to the event. The lines before its cat start it, the lines after
# it end it.
blocks 'sh 65-trace' "$work/recipe" doc/runtime.md
for recipe in "$work"/recipe[0-9]; do
	awk -v to="$recipe" '
	BEGIN { part = "start" }
	$1 == "cat" { part = "show" }
	{ print > (to "." part) }
	part == "show" { part = "end" }' "$recipe"
	sed -i '1i cd /sys/kernel/tracing/events/kvdemo/kvdemo_alloc' "$recipe".{show,end}
	rm "$recipe"
done

# The commands by which the page finds listeners
blocks 'sh 65-trace tools' "$work/listeners" doc/runtime.md
mv "$work"/listeners{1,}

skips=0
grep -q '^CONFIG_HIST_TRIGGERS=y' "$(config)" || skips=3
# KVSLOW: under KASAN a back-off period is over before the next allocation.
plan 13
guest 12 -c 1 -S "$skips" -a "KVSLOW=$slow" tests/guest/trace.sh "$built"/kvdemo{,_test}.ko "$work"/{recipe*,listeners}
