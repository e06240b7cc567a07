# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# What the watch costs, in a guest whose clock counts instructions. KVMAX is
# what a watched pair of kvmalloc and kvfree may cost at most, in thousandths of an
# unwatched one.
# shellcheck source=tests/guest/lib.sh
. /lib.sh

pairs=2000
# thousandths that a pair may cost more than before once the watch has gone
drift=20

# pair: the price of one, the median of $pairs of 16 KiB
pair()
{
	insmod /kvdemo_bench.ko policies=native sizes=16K n=$pairs || return
	awk -F, -v i=1 'NR == 1 { while ($i != "pair_p50" && i < NF) i++; next } { print $i }' \
		/sys/kernel/debug/kvdemo_bench/csv
	rmmod kvdemo_bench
}

cost()
{
	local before watched after

	before=$(pair)
	# With 512 entries this caller shares its place on 5.10: eleven instructions more.
	insmod /kvdemo_watch.ko entries=4096 || return
	watched=$(pair)
	grep -q "^ *$pairs .* 16384  \[gone\]$" /sys/kernel/debug/kvdemo/callers || return
	rmmod kvdemo_watch
	after=$(pair)
	[ "$before" -le "$after" ] || before=$after
	echo "# unwatched $before, watched $watched: $((watched * 1000 / before)) thousandths, $KVMAX at most; after $after"
	[ "$before" -gt 0 ] && [ "$watched" -gt "$before" ] &&
		[ $((watched * 1000)) -le $((before * KVMAX)) ] &&
		[ $((after * 1000)) -le $((before * (1000 + drift))) ]
}

insmod /kvdemo.ko sizes=64
try "a watched pair costs at most $KVMAX thousandths of an unwatched one" cost
