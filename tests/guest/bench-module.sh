# SPDX-License-Identifier: GPL-2.0-only
# The bench as a user runs it on a running machine: insmod, read csv, rmmod.
. ./lib.sh

dir=/sys/kernel/debug/kvdemo_bench
size=$((4 * KVPAGE))

# bench PARAMETER...: measures a cell and leaves its row in /tmp/csv
bench()
{
	insmod /kvdemo_bench.ko "$@" && cat $dir/csv >/tmp/csv && rmmod kvdemo_bench
}

# each NAME VALUES PARAMETER...: a cell for each value of the parameter NAME; all rows in /tmp/csv
each()
{
	local name=$1 values=$2 value

	shift 2
	: >/tmp/rows
	for value in $values; do
		bench "$name=$value" "$@" && cat /tmp/csv >>/tmp/rows || return
	done
	sed '2,${/^kernel,/d}' /tmp/rows >/tmp/csv
}

table()
{
	each policy 'native backoff vmalloc' size=$size n=60 || return
	columns policy verdict size n none slab pages vmalloc >/tmp/rows
	sed 's/^/# /' /tmp/rows
	[ "$(cat /tmp/rows)" = "native ok $size 60 0 0 60 0
backoff ok $size 60 0 0 60 0
vmalloc ok $size 60 0 0 0 60" ] || return
	for step in alloc pair; do
		columns ${step}_p50 ${step}_p90 ${step}_p99 ${step}_max ${step}_mean
	done | awk '!($1 <= $2 && $2 <= $3 && $3 <= $4 && $5 <= $4) { bad = 1 } END { exit bad || NR != 6 }'
}

patterns()
{
	each pattern 'loop hold' policy=backoff size=$size n=50 || return
	[ "$(columns pattern verdict n)" = 'loop ok 50
hold ok 50' ] || { columns pattern verdict n | sed 's/^/# /'; return 1; }
}

void()
{
	bench policy=vmalloc size=$size n=32 memory=unmovable &&
		[ "$(columns verdict n pair_p50)" = 'void-free-block 0 0' ]
}

# A loop on idle memory takes the half of a split block, whose other half is held.
halves()
{
	bench policy=backoff size=$((32 * KVPAGE)) n=32 || return
	columns verdict pages soaked >/tmp/rows
	read -r verdict pages soaked </tmp/rows
	echo "# $verdict pages=$pages soaked=$soaked"
	[ "$verdict $pages" = 'ok 32' ] && [ "$soaked" -ge 1 ] && [ "$soaked" -le 64 ]
}

# max_free KIB: the larger of KIB, which was free before the cell began, and of what is
# free now. Others, such as KASAN's quarantine, may free memory meanwhile, so a test also
# allows one buffer more.
max_free()
{
	local now

	now=$(kib MemFree)
	echo $((now > $1 ? now : $1))
}

keeps_a_quarter()
{
	insmod /kvdemo_frag.ko order=3 || return
	free=$(kib MemFree)
	bench policy=vmalloc size=4M n=200 memory=unmovable
	free=$(max_free "$free")
	rmmod kvdemo_frag
	columns verdict n kept >/tmp/rows
	read -r verdict n kept </tmp/rows
	echo "# $verdict n=$n kept=$kept of $free KiB that were free"
	[ "$verdict $n" = 'ok 200' ] && [ "$kept" -ge 1 ] && [ $(((kept - 1) * 4096 * 4)) -le "$free" ]
}

holds_a_quarter()
{
	before=$(kib MemFree)
	bench policy=vmalloc pattern=hold size=1M || return
	free=$(max_free "$before")
	columns verdict n >/tmp/rows
	read -r verdict n </tmp/rows
	echo "# $verdict n=$n of $before KiB that were free, or $free"
	[ "$verdict" = ok ] && [ "$n" -ge $((before / 1024 / 8)) ] && [ $(((n - 1) * 1024 * 4)) -le "$free" ]
}

n_as_asked()
{
	each size '4K 1M' policy=vmalloc pattern=hold n=1000 || return
	columns size verdict n | sed 's/^/# /'
	[ "$(columns size verdict n)" = "4096 ok 1000
1048576 void-too-large 0" ]
}

conditions()
{
	bench policy=vmalloc size=$size n=32 || return
	columns init_on_alloc debug empty >/tmp/rows
	echo "# $(cat /tmp/rows)"
	read -r zeroed checked empty </tmp/rows
	[ "$zeroed" -eq "$zeroes" ] &&
		[ "$checked" -eq "${KVSLOW:-0}" ] && [ "$empty" -ge 1 ]
}

# An attempt that may reclaim and compact does so if no block is free.
stalls()
{
	insmod /kvdemo_frag.ko order=3 || return
	each policy 'noretry noreclaim' size=$((16 * KVPAGE)) n=32 memory=unmovable
	rmmod kvdemo_frag
	columns policy compact_stall allocstall >/tmp/rows
	sed 's/^/# /' /tmp/rows
	[ "$(awk '$2 + $3 > 0 { print $1 }' /tmp/rows)" = noretry ]
}

# By default, n is 256 MiB by size, from 32 to 1000.
default_n()
{
	each size '1K 1M 16M' policy=vmalloc &&
		[ "$(columns n | tr '\n' ' ')" = '1000 256 32 ' ]
}

bad_values()
{
	local parameter text

	while read -r parameter text; do
		mark
		! insmod /kvdemo_bench.ko "$parameter" 2>/dev/null &&
			has "^kvdemo_bench: $parameter is $text" && continue
		echo "# $parameter"
		return 1
	done <<-'END'
		n=100001 out of range: allowed is 0 to 100000$
		n=x invalid: allowed is
		n=0x10 invalid: allowed is
		size=1Q invalid: allowed is a size up to INT_MAX
		size=0 invalid
		size=-1 invalid
		size=2G invalid
		size=17179869185G invalid
		policy=fifo invalid: allowed is the name of a policy$
		pattern=zigzag invalid: allowed is loop, hold$
		memory=full invalid: allowed is idle, unmovable, movable, lower$
	END
}

# grouped ACCOUNT: a cell in a cgroup below the root; $peak is what was charged at most
grouped()
{
	insmod /kvdemo_bench.ko pattern=hold size=$size n=250 account="$1" || return
	in_group /cg/bench cat $dir/csv >/tmp/csv
	peak=$(cat /cg/bench/memory.peak)
	echo "# account=$1: $(columns verdict), $peak bytes"
	rmmod kvdemo_bench && [ "$(columns verdict)" = ok ]
}

charged()
{
	bench size=$size n=250 account=1 && [ "$(columns verdict n)" = 'void-not-charged 0' ] &&
		grouped 0 && [ "$peak" -lt $((250 * size)) ] &&
		grouped 1 && [ "$peak" -ge $((250 * size)) ]
}

# The second read does not measure again, which would give other figures.
once()
{
	insmod /kvdemo_bench.ko n=50 && cat $dir/csv >/tmp/csv && cat $dir/csv >/tmp/again &&
		rmmod kvdemo_bench && [ "$(columns verdict policy size n)" = 'ok noretry 65536 50' ] &&
		cmp /tmp/csv /tmp/again
}

ended()
{
	local i=0

	while [ -d "/proc/$1" ] && [ $((i += 1)) -le 10 ]; do sleep 0.1; done
	[ $i -le 10 ]
}

# A read takes 5 seconds here. It holds the module until a signal ends it; the next one
# begins anew.
stopped()
{
	insmod /kvdemo_bench.ko size=$size n=100 pause_us=50000 || return
	cat $dir/csv >/tmp/csv &
	sleep 1
	! rmmod kvdemo_bench 2>/dev/null && kill $! && ended $! && [ ! -s /tmp/csv ] &&
		cat $dir/csv >/tmp/csv && [ "$(columns verdict n)" = 'ok 100' ] &&
		! rmmod kvdemo 2>/dev/null && rmmod kvdemo_bench && [ ! -e $dir ]
}

# while the log still holds it
zeroes=$(dmesg | grep -c 'mem auto-init: .*heap alloc:on')
insmod /kvdemo.ko sizes=64
try 'a row a policy, each sample in one path, quantiles that rise' table
try 'each pattern runs' patterns
try 'a cell that finds other memory than it is about is void' void
try 'an idle cell finds the half of a block, and holds the other' halves
single=${KVSINGLE:+"the vmalloc of this kernel looks for no blocks"}
try_unless "$single" 'buffers of vmalloc in a block are kept, up to a quarter of what is free' \
	keeps_a_quarter
try 'n follows from the size' default_n
try 'hold takes a quarter of what is free at most' holds_a_quarter
try 'n is what was asked for, or the cell is void' n_as_asked
try 'zeroing, checkers and the empty loop are in the table' conditions
try 'what reclaims or compacts is counted' stalls
try 'bad values are refused with a sentence' bad_values
why=
{ memory_group bench && [ -e /cg/bench/memory.peak ]; } 2>/dev/null ||
	why='the kernel does not count the peak of a cgroup'
try_unless "$why" 'account=1 charges a cgroup; in the root, which is not charged, the cell is void' charged
try 'a cell is measured once' once
try 'a signal stops it, the next read measures, and rmmod waits for both' stopped
try 'then kvdemo.ko unloads' rmmod kvdemo
