# SPDX-License-Identifier: GPL-2.0-only
# Requests, and the machine, when memory runs out. KVSWAP: there is a disk to swap to.
. ./lib.sh

# With the cap filled, three quarters of what was available are still available, less
# the module's code and log.
reserve()
{
	before=$(kib MemAvailable)
	bytes=$(default_cap insmod)
	# a little less, because the cap of the next load is a quarter of what is left then
	count=$((bytes * 9 / 10 / (65536 + 1024)))
	echo "# cap=$bytes: $count buffers of 64K"
	insmod /kvdemo.ko sizes=64K hold=1 count=$count || return
	after=$(kib MemAvailable)
	echo "# $before KiB available before, $after KiB after"
	[ "$after" -ge $((before * 3 / 4 - 2048)) ] && unload kvdemo
}

if [ -n "$KVSWAP" ]; then
	mkswap /dev/nvme0n1 >/dev/null
	swapon /dev/nvme0n1
fi
try "swap: ${KVSWAP:-no}" [ "$(grep -c '^/dev/nvme' /proc/swaps)" -eq $((${KVSWAP:+1} + 0)) ]
mark
try 'filling to the cap leaves three quarters of what was available' reserve

refused()
{
	insmod /kvdemo.ko sizes=64K hold=1 count=1000 2>/tmp/err && return 1
	has '^kvdemo: size and count may take [0-9]+ bytes at a time, beside 0 that are held: allowed is cap=[0-9]+$' &&
		lacks 'invoked oom-killer'
}

# victim KIB: an eater that is killed before others
victim()
{
	echo 1000 >/proc/self/oom_score_adj && exec /eat "$1"
}

# eats KIB: start the eater and wait until it holds that much. Near the end it may be
# killed for a page that another process needs; then a second eater starts.
eats()
{
	for _ in 1 2 3 4 5; do
		rm -f /tmp/eaten
		victim "$1" >/tmp/eaten &
		eater=$!
		while [ ! -s /tmp/eaten ] && kill -0 $eater 2>/dev/null; do
			sleep 0.1
		done
		cat /tmp/eaten
		[ ! -s /tmp/eaten ] || ! kill -0 $eater || return 0
	done
	return 1
}

# These take 16 MiB: more than the eater leaves free, less than it frees when killed. Each
# request may fail or succeed.
fails_or_not()
{
	insmod /kvdemo.ko sizes=16K,64K,256K,1M count=12 hold=1 cap=4G policy="$1" gfp="$2" 2>/tmp/err ||
		grep -q 'allocate memory' /tmp/err || return
	has '^kvdemo: summary ' && lacks 'kvdemo: alloc .*path=none why=(contiguous|kmalloc-failed|too-large)' &&
		unload kvdemo
}

# If our task caused a kill, it was for a single page.
single_pages()
{
	mark
	fails_or_not "$1" "$2" || return
	kills=$(log | grep -c 'insmod invoked oom-killer')
	asked=$(log | sed -n 's/.*insmod invoked oom-killer:.*order=\(-*[0-9]*\).*/\1/p' | sort -u | tr '\n' ' ')
	failed=$(log | grep -c 'path=none why=no-memory')
	short=$((short + kills + failed))
	echo "# $1: $kills kills by our task, of order ${asked:-none}; $failed requests failed"
	[ -z "$asked" ] || [ "$asked" = '0 ' ]
}

# 7.3 selects more victims, one in about 20 ms, before the first has freed its memory.
# These processes are small victims, so that the shell is not one.
spares()
{
	local n

	n=$(pidof eat | wc -w)
	while [ $((n += 1)) -le 20 ]; do
		victim 99999999 >/dev/null &
	done
}

short=0 status=0
spares
# The eater counts free swap as available, but a module's memory cannot be swapped.
left=12000
[ -z "$KVSWAP" ] || left=20000
eats $left || status=1
mark
try 'the cap refuses with a sentence, and nobody is killed' refused
kill -0 "$eater" || status=1
ok $status 'the eater is still there'
mark
try 'RETRY_MAYFAIL: requests fail, with path=none why=no-memory, or succeed' \
	single_pages noretry 'GFP_KERNEL|__GFP_RETRY_MAYFAIL'
kill "$eater" 2>/dev/null
wait "$eater"

name='with the cap lifted no kill is for more than a single page'
status=0
# Under the checkers a round takes a minute.
policies='noretry noreclaim backoff native'
[ -z "$KVSLOW" ] || policies='noretry backoff'
for policy in $policies; do
	spares
	eats 12000 || status=1
	single_pages "$policy" GFP_KERNEL || status=1
	kill "$eater" 2>/dev/null
	wait "$eater"
done
ok $status "$name"
try 'memory was short: a request failed, or somebody was killed' [ $short -ge 1 ]
mark
insmod /kvdemo.ko
try 'then memory is back: the default sizes load' has '^kvdemo: summary .* none=0 '
try 'and it unloads' unload kvdemo
killall eat 2>/dev/null
true
