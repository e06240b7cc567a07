# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# KVLOADS loads with random valid parameters, then KVSECONDS of load on all CPUs.
# shellcheck source=tests/guest/lib.sh
. /lib.sh

fire=/sys/module/kvdemo_fire/parameters

random_parameters()
{
	awk -v seed="$KVSEED" -v n="$KVLOADS" '
	function pick(list, a) { return a[1 + int(rand() * split(list, a))] }
	function size(bits, most) {
		for (most = 1; bits; bits--)
			most *= 2
		return int(rand() * most)
	}
	function sizes(i, s) {
		for (i = int(rand() * 4); i >= 0; i--)
			s = s "," size(int(rand() * 20))
		return substr(s, 2)
	}
	BEGIN {
		srand(seed)
		while (n--) {
			policy = pick("noretry noreclaim backoff native kmalloc vmalloc")
			line = "policy=" policy " count=" 1 + int(rand() * 8) " sizes=" sizes()
			if (policy != "kmalloc" && rand() < 0.1)
				line = line ",5M"
			if (policy != "kmalloc" && rand() < 0.3)
				line = line " force_fallback=1"
			if (rand() < 0.3)
				line = line " zero=1"
			if (rand() < 0.5)
				line = line " hold=1"
			if (rand() < 0.3)
				line = line " gfp=" pick("GFP_KERNEL_ACCOUNT GFP_KERNEL|__GFP_ZERO GFP_KERNEL|__GFP_RETRY_MAYFAIL")
			if (rand() < 0.2)
				line = line " node=0"
			print line
		}
	}'
}

loads()
{
	while read -r parameters; do
		# shellcheck disable=SC2086 # a list of parameters
		insmod /kvdemo.ko $parameters && rmmod kvdemo && continue
		echo "# with $parameters"
		return 1
	done </tmp/parameters
	echo "# count: loads=$(wc -l </tmp/parameters)"
	[ "$(wc -l </tmp/parameters)" -eq "$KVLOADS" ]
}

# used FILE: KiB that are not available, KiB of slab, areas of vmalloc. The
# debug kernel keeps what was freed in a quarantine; only a settled guest counts.
used()
{
	sync
	echo 3 >/proc/sys/vm/drop_caches
	echo 1 >/proc/sys/vm/compact_memory
	sleep 2
	awk '/^(MemTotal|MemAvailable|Slab):/ { v[$1] = $2 }
		END { print v["MemTotal:"] - v["MemAvailable:"], v["Slab:"] }' /proc/meminfo >"$1"
	wc -l </proc/vmallocinfo >>"$1"
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
		within 'vmalloc areas' "$3" "$6" 8
}

random_parameters >/tmp/parameters
# The first loads fill caches that stay.
head -n 10 /tmp/parameters >/tmp/first
while read -r parameters; do
	# shellcheck disable=SC2086
	insmod /kvdemo.ko $parameters && rmmod kvdemo
done </tmp/first
used /tmp/before
try "$KVLOADS loads and unloads" loads
used /tmp/after
try 'memory, slab and vmalloc areas are where they were' returned

# refused MODULE: in use it is not unloaded, and rmmod comes back at once
refused()
{
	rmmod "$1" 2>/tmp/err && { echo "# $1 went"; return 1; }
	grep -q 'temporarily unavailable' /tmp/err && return
	echo "# $1: $(cat /tmp/err)"
	return 1
}

# What goes on beside the load, until it ends
abuse()
{
	while kill -0 "$1" 2>/dev/null; do
		refused kvdemo && refused kvdemo_fire || return
		rounds=$((rounds + 1))
		sleep 0.2
	done
	[ "$rounds" -gt 0 ]
}

mark
insmod /kvdemo.ko sizes=64
insmod /kvdemo_fire.ko
rounds=0
echo "$KVSEED $KVSECONDS" >$fire/load &
load=$!
while ! grep -q kvdemo_load /proc/[0-9]*/comm; do
	sleep 0.1
done
try "under load no unload gets through, and none hangs" abuse $load
wait $load
ok $? "$KVSECONDS s on all CPUs: the pattern of every buffer is intact"
log | sed -n 's/^kvdemo_fire: load /# /p'
log | sed -n 's/^kvdemo_fire: load \(allocs=[0-9]*\) .*/# count: \1/p'
echo "# $rounds rounds of abuse beside it"
try "at least $KVLEAST allocations were checked" \
	[ "$(log | sed -n 's/^kvdemo_fire: load allocs=\([0-9]*\) .*/\1/p')" -ge "$KVLEAST" ]
try 'no allocation that may fall back failed' has '^kvdemo_fire: load .* failed=0 bad=0$'
try 'then it unloads' sh -c 'rmmod kvdemo_fire && rmmod kvdemo'
