# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# What the watch costs, in a guest whose clock counts instructions. KVMOST is the
# most that a watched pair of kvmalloc and kvfree may cost, in thousandths of an
# unwatched one.
# shellcheck source=tests/guest/lib.sh
. /lib.sh

# pair: the price of one, of 2000 pairs of 16 KiB
pair()
{
	mark
	insmod /kvdemo_test_watch.ko pairs=2000
	rmmod kvdemo_test_watch
	log | sed -n 's/^kvdemo_test_watch: pairs=2000 ns_per_pair=//p'
}

cost()
{
	local before watched after

	before=$(pair)
	insmod /kvdemo_watch.ko || return
	watched=$(pair)
	grep -q '^ *2200 .* 16384  \[gone\]$' /sys/kernel/debug/kvdemo/callers || return
	rmmod kvdemo_watch
	after=$(pair)
	[ "$before" -le "$after" ] || before=$after
	echo "# unwatched $before, watched $watched: $((watched * 1000 / before)) thousandths, $KVMOST at most"
	[ "$before" -gt 0 ] && [ "$watched" -gt "$before" ] &&
		[ $((watched * 1000)) -le $((before * KVMOST)) ] &&
		[ $((after * 100)) -le $((before * 102)) ]
}

insmod /kvdemo.ko sizes=64
try "a watched pair costs at most $KVMOST thousandths of an unwatched one" cost
