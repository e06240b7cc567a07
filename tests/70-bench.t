#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The short form of `make bench`: its bars at three sizes, and the same p50 in a
# second run. `make check-all` runs it on 6.1.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

one=build/bench/$TARGET-short-1.csv two=build/bench/$TARGET-short-2.csv

# Each cell of the first run beside the same cell of the second, 1 % apart at most
agree()
{
	awk -F, -v OFS='\t' '
	FNR == 1 { for (i = 1; i <= NF; i++) at[$i] = i; next }
	{ name = $at["state"] " " $at["policy"] " " $at["size"]; p50 = $at["pair_p50"] }
	NR == FNR { first[name] = p50; next }
	{
		known = name in first && first[name] > 0
		apart = known ? 100 * (p50 - first[name]) / first[name] : 100
		printf "# %-34s %8d %8d %+.2f%%\n", name, first[name], p50, apart
		bad += apart > 1 || apart < -1
		seen++
	}
	END { exit !(seen >= 18 && !bad) }' "$one" "$two"
}

scripts/need qemu-utils
plan 4
try 'the short form runs' scripts/bench -s "$TARGET" "$one"
try 'it meets its bars' scripts/bars "$one"
try 'it runs again' scripts/bench -s "$TARGET" "$two"
agree && status=0 || status=1
ok "$status" 'two runs agree within 1 % in every p50'
