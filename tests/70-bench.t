#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The short form of `make bench`: its bars at three sizes, and the same p50 where a
# cell runs once more from its state. `make check-all` runs it on 6.1 and 7.3.
. "$(dirname "$0")/lib.sh"

# these would change the measurement
unset ACCEL BOOT_ARGS FULL STATES
csv=build/bench/$TARGET-short.csv

# The picture names the unit, the kernel and init_on_alloc.
drawn()
{
	mkdir -p build/bench/short
	cp "$csv" "build/bench/short/$TARGET.csv"
	rm -f "build/bench/short/$TARGET-cost.svg"
	scripts/bench/report plot build/bench/short "$TARGET" &&
		grep "Linux $(sed -n '2s/,.*//p' "$csv"), instructions, init_on_alloc=0" \
			"build/bench/short/$TARGET-cost.svg"
}

scripts/install-missing gnuplot-nox python3
plan 4
try 'the short form runs' scripts/bench/run -s "$TARGET" "$csv"
try 'it meets its bars' scripts/bench/report check "$csv"
try 'two runs agree in every p50: idle 1 %, fragmented 3 %, movable 5 %' scripts/bench/report agree "$csv"
try 'it is drawn, with kernel and unit' drawn
