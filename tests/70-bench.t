#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The short form of `make bench`: its bars at three sizes, and the same p50 where a
# cell runs once more from its state. `make check-all` runs it on 6.1 and 7.3.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

# what would make it another measurement
unset ACCEL FULL INIT_ON_ALLOC STATES
csv=build/bench/$TARGET-short.csv

# The first run of each cell beside the second: 1 % apart at most, 5 % where
# compaction has something to move.
agree()
{
	awk -F, '
	function apart(was, is) { return was > 0 ? 100 * (is - was) / was : 100 }
	function beyond(most, x) { return x > most || x < -most }
	FNR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
	{ name = $at["state"] " " $at["policy"] " " $at["size"] " " $at["pattern"] }
	$at["run"] == 1 { p50[name] = $at["pair_p50"]; mean[name] = $at["pair_mean"] }
	$at["run"] == 2 {
		by = apart(p50[name], $at["pair_p50"])
		by_mean = apart(mean[name], $at["pair_mean"])
		printf "# %-34s %8d %8d %+.2f%%, means %+.2f%%\n", name, p50[name], $at["pair_p50"], by, by_mean
		most = $at["state"] ~ /^movable/ ? 5 : 1
		bad += beyond(most, by) || beyond(most, by_mean)
		seen++
	}
	END { exit !(seen >= 22 && !bad) }' "$csv"
}

# As a reader would see it: what was measured, and on what
drawn()
{
	local picture

	mkdir -p build/bench/short
	cp "$csv" "build/bench/short/$TARGET.csv"
	rm -f "build/bench/short/$TARGET"-*.svg
	scripts/bench/plot build/bench/short "$TARGET" || return
	for picture in cost paths latency; do
		grep -q "Linux $(sed -n '2s/,.*//p' "$csv"), instructions, init_on_alloc=0" \
			"build/bench/short/$TARGET-$picture.svg" || return
	done
}

scripts/install-missing gnuplot-nox qemu-utils
plan 4
try 'the short form runs' scripts/bench/run -s "$TARGET" "$csv"
try 'it meets its bars' scripts/bench/check "$csv"
agree && status=0 || status=1
ok "$status" 'two runs agree in every p50, within 1 %, movable 5 %'
try 'it is drawn, with kernel and unit' drawn
