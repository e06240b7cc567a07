# SPDX-License-Identifier: GPL-2.0-only
# kvdemo_live.ko under random requests, faults and loads
. ./lib.sh

debug=/sys/kernel/debug
fire=/sys/module/kvdemo_test/parameters

insmod /kvdemo.ko sizes=64
insmod /kvdemo_test.ko on_load=0
echo unhooked >$fire/live

# random: each policy has its share; on the debug kernel with allocations that fail
random()
{
	local policy

	mark
	if [ -e $debug/fail_page_alloc ]; then
		fault $debug/fail_page_alloc 1
		echo 30 >$debug/fail_page_alloc/probability
	fi
	for policy in noreclaim backoff noretry vmalloc; do
		insmod /kvdemo_live.ko policy=$policy callers=kvdemo_test || return
		if [ -e $debug/fail_page_alloc ]; then
			/sweep fail $fire/live_random "$KVSEED $((KVREQUESTS / 4))"
		else
			echo "$KVSEED $((KVREQUESTS / 4))" >$fire/live_random
		fi || return
		rmmod kvdemo_live || return
	done
	[ ! -e $debug/fail_page_alloc ] || echo 0 >$debug/fail_page_alloc/probability
	echo "# count: allocs=$KVREQUESTS"
	lacks '^kvdemo_test: # '
}
try "$KVREQUESTS random requests keep their contents under each policy" random

loads()
{
	load_in_flight "$KVLOADS" 16384 65536 262144 || return
	log | sed -n 's/^kvdemo_live: stopped .* unhook_ms=//p' | sort -n |
		awk '{ v[NR] = $1 } END { print "# unhook_ms: median", v[int((NR + 1) / 2)], "most", v[NR], "of", NR }'
	echo "# count: loads=$KVLOADS"
}
try "$KVLOADS loads and unloads while all CPUs allocate, and no mark is left" loads

try 'then it unloads' unload kvdemo_test kvdemo
