# SPDX-License-Identifier: GPL-2.0-only
# KVLOADS loads with random valid parameters, then KVSECONDS of load on all CPUs
# beside writers, readers and modules that load and unload.
. ./lib.sh

fire=/sys/module/kvdemo_test/parameters

random_parameters()
{
	awk -v seed="$KVSEED" -v n="$KVLOADS" '
	function pick(list, a) { return a[1 + int(rand() * split(list, a))] }
	function size() { return int(rand() * pick("1 4 16 64 256 1024 4096 16384 65536 262144 524288")) }
	BEGIN {
		srand(seed)
		while (n--) {
			policy = pick("noretry noreclaim backoff native kmalloc vmalloc")
			line = "policy=" policy " count=" 1 + int(rand() * 8) " zero=" pick("0 0 1")
			line = line " hold=" pick("0 1") " node=" pick("-1 -1 -1 -1 0") " gfp="
			line = line pick("GFP_KERNEL GFP_KERNEL GFP_KERNEL_ACCOUNT GFP_KERNEL|__GFP_ZERO GFP_KERNEL|__GFP_RETRY_MAYFAIL")
			if (policy != "kmalloc")
				line = line " force_fallback=" pick("0 0 1")
			line = line " sizes=" size()
			for (i = int(rand() * 4); i > 0; i--)
				line = line "," size()
			# eight of these exceed the default cap of the debug kernel
			if (policy != "kmalloc" && rand() < 0.1)
				line = line ",5M cap=96M"
			print line
		}
	}'
}

# each_load FILE: with the parameters of each of its lines
each_load()
{
	while read -r parameters; do
		# shellcheck disable=SC2086 # a list of parameters
		insmod /kvdemo.ko $parameters && rmmod kvdemo && continue
		echo "# with $parameters"
		return 1
	done <"$1"
}

loads()
{
	each_load /tmp/parameters || return
	echo "# count: loads=$(wc -l </tmp/parameters)"
	[ "$(wc -l </tmp/parameters)" -eq "$KVLOADS" ] && has 'kvdemo: exit .* leaked=0$'
}

# used FILE: KiB that are not available, KiB of slab, areas of vmalloc. Only a settled
# guest counts, because the debug kernel keeps freed memory in a quarantine. Free pages
# on pcplists are missing in MemAvailable, up to 8 MiB on 7.3, and each refresh of the
# counters shortens a list by an eighth. Stacks of kworkers, which come and go, are areas,
# and so are freed areas that wait to be unmapped with others.
used()
{
	sync
	echo 3 >/proc/sys/vm/drop_caches
	echo 1 >/proc/sys/vm/compact_memory
	sleep 2
	i=0
	while [ $((i += 1)) -le 50 ]; do echo 1 >/proc/sys/vm/stat_refresh; done
	awk '/^(MemTotal|MemAvailable|Slab):/ { v[$1] = $2 }
		END { print v["MemTotal:"] - v["MemAvailable:"], v["Slab:"] }' /proc/meminfo >"$1"
	grep -cv 'kernel_clone+\|unpurged' /proc/vmallocinfo >>"$1"
}

# within NAME BEFORE AFTER NOISE
within()
{
	echo "# $1: $2 before, $3 after, $4 is noise"
	[ $(($3 - $2)) -le "$4" ]
}

returned()
{
	# shellcheck disable=SC2046 # two words and one
	set -- $(cat /tmp/before /tmp/after)
	within 'KiB in use' "$1" "$4" 4096 && within 'KiB of slab' "$2" "$5" 2048 &&
		within 'vmalloc areas' "$3" "$6" 3
}

random_parameters >/tmp/parameters
# The first loads fill caches that stay filled.
head -n 10 /tmp/parameters >/tmp/first
each_load /tmp/first
used /tmp/before
mark
try "$KVLOADS loads and unloads" loads
used /tmp/after
try 'memory, slab and vmalloc areas are where they were' returned

# refused MODULE: while it is in use, rmmod fails at once. The load may have ended a
# moment ago: it prints its last line before it releases the module.
refused()
{
	if rmmod "$1" 2>/tmp/err; then
		has '^kvdemo_test: load '
	elif [ -d "/sys/module/$1" ]; then
		shows /tmp/err 'temporarily unavailable' && : >/tmp/tried
	fi
}

trace()
{
	echo "$1" 2>/dev/null >/sys/kernel/tracing/events/kvdemo/enable
} 2>/dev/null

# while_there PID COMMAND...: repeats COMMAND while PID lives
while_there()
{
	local pid=$1

	shift
	while kill -0 "$pid" 2>/dev/null; do "$@"; done
}

# Held buffers, the policy, a tracer on and off, with reads in between
churn()
{
	for policy in noretry backoff native vmalloc; do
		put policy $policy
		put alloc "size=20000 count=4"
		put alloc "size=64K policy=noreclaim zero=1"
		trace 1
		put alloc nonsense
	done
	put free all
	trace 0
	sleep 0.1
}

look()
{
	cat /sys/kernel/debug/kvdemo/held /sys/kernel/debug/kvdemo/policies >/dev/null 2>&1
	sleep 0.1
}

# The modules beside kvdemo.ko, where this kernel has them
come_and_go()
{
	for module in live frag; do
		[ -e /kvdemo_$module.ko ] || continue
		insmod /kvdemo_$module.ko 2>/dev/null && rmmod kvdemo_$module && : >/tmp/came-$module
	done
	sleep 0.5
}

try_to_unload()
{
	for module in kvdemo kvdemo_test; do
		refused $module || touch /tmp/unloaded
	done
	sleep 0.3
}

# all_beside PID: all of these functions at once, until the process ends
all_beside()
{
	while_there "$1" churn &
	while_there "$1" look &
	while_there "$1" come_and_go &
	while_there "$1" try_to_unload
	wait
}

mark
insmod /kvdemo.ko sizes=64
insmod /kvdemo_test.ko
echo "$KVSEED $KVSECONDS $KVALLOCS" >$fire/load &
load=$!
while kill -0 $load 2>/dev/null && ! grep -qs kvdemo_load /proc/[0-9]*/comm; do
	sleep 0.1
done
all_beside $load &
beside=$!
wait $load
ok $? "$KVSECONDS s on all CPUs: the pattern of every buffer is intact"
wait $beside
try 'meanwhile unloads were refused, none got through and none hung' \
	[ -e /tmp/tried -a ! -e /tmp/unloaded ]
# Everything that should happen beside the load did happen.
beside()
{
	for module in live frag; do
		[ ! -e /kvdemo_$module.ko ] || [ -e /tmp/came-$module ] || { echo "# $module never came"; return 1; }
	done
	has '^kvdemo: alloc .* policy=noreclaim ' && has '^kvdemo: free all='
}
try 'and buffers, modules and switches came and went beside it' beside
log | sed -n 's/^kvdemo_test: load /# /p'
log | sed -n 's/^kvdemo_test: load \(allocs=[0-9]*\) .*/# count: \1/p'
try "at least $KVALLOCS allocations were checked" \
	[ "$(log | sed -n 's/^kvdemo_test: load allocs=\([0-9]*\) .*/\1/p')" -ge "$KVALLOCS" ]
try 'no allocation that may fall back failed' has '^kvdemo_test: load .* failed=0 bad=0$'
put free all
try 'then it unloads' unload kvdemo_test kvdemo
