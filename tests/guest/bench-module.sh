# SPDX-License-Identifier: GPL-2.0-only
# The bench as a user runs it on a running machine: insmod, read csv, stop, rmmod.
. ./lib.sh

dir=/sys/kernel/debug/kvdemo_bench
size=$((4 * KVPAGE))

# bench PARAMETER...: runs to its end and leaves the table in /tmp/csv
bench()
{
	mark
	insmod /kvdemo_bench.ko "$@" && cat $dir/csv >/tmp/csv && rmmod kvdemo_bench
}

table()
{
	bench policies=native,backoff,vmalloc sizes=$size n=60 || return
	columns policy verdict size n none slab pages vmalloc >/tmp/rows
	sed 's/^/# /' /tmp/rows
	[ "$(cat /tmp/rows)" = "backoff ok $size 60 0 0 60 0
native ok $size 60 0 0 60 0
vmalloc ok $size 60 0 0 0 60" ] || return
	for step in alloc pair; do
		columns ${step}_p50 ${step}_p90 ${step}_p99 ${step}_max ${step}_mean
	done | awk '!($1 <= $2 && $2 <= $3 && $3 <= $4 && $5 <= $4) { bad = 1 } END { exit bad || NR != 6 }'
}

# Checks the log of the run that table() made.
progress()
{
	[ "$(log | grep -c '^kvdemo_bench: progress cell=[1-3] of=3 ')" -eq 3 ] &&
		has '^kvdemo_bench: end cells=3 of=3$'
}

patterns()
{
	bench policies=backoff sizes=$size n=50 patterns=loop,hold,random || return
	[ "$(columns pattern verdict n)" = 'loop ok 50
hold ok 50
random ok 50' ] || { columns pattern verdict n | sed 's/^/# /'; return 1; }
}

rotates()
{
	bench policies=native,backoff,vmalloc sizes=100 n=32 reps=2 &&
		[ "$(columns rep policy | tr '\n' ' ')" = \
			'0 backoff 0 native 0 vmalloc 1 native 1 vmalloc 1 backoff ' ]
}

void()
{
	bench policies=vmalloc sizes=$size n=32 memory=unmovable &&
		[ "$(columns verdict n pair_p50)" = 'void-free-block 0 0' ]
}

# A loop on idle memory takes the half of a split block, whose other half is held.
halves()
{
	bench policies=backoff sizes=$((32 * KVPAGE)) n=32 || return
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
	bench policies=vmalloc sizes=4M n=200 memory=unmovable
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
	bench policies=vmalloc patterns=hold sizes=1M || return
	free=$(max_free "$before")
	columns verdict n >/tmp/rows
	read -r verdict n </tmp/rows
	echo "# $verdict n=$n of $before KiB that were free, or $free"
	[ "$verdict" = ok ] && [ "$n" -ge $((before / 1024 / 8)) ] && [ $(((n - 1) * 1024 * 4)) -le "$free" ]
}

n_as_asked()
{
	bench policies=vmalloc patterns=hold sizes=4K,1M n=1000 || return
	columns size verdict n | sed 's/^/# /'
	[ "$(columns size verdict n)" = "4096 ok 1000
1048576 void-too-large 0" ]
}

conditions()
{
	bench policies=vmalloc sizes=$size n=32 || return
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
	bench policies=noretry,noreclaim sizes=$((16 * KVPAGE)) n=32 memory=unmovable
	rmmod kvdemo_frag
	columns policy compact_stall allocstall >/tmp/rows
	sed 's/^/# /' /tmp/rows
	[ "$(awk '$2 + $3 > 0 { print $1 }' /tmp/rows)" = noretry ]
}

# By default, n is 256 MiB by size, from 32 to 1000.
default_n()
{
	bench policies=vmalloc sizes=1K,1M,16M &&
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
		reps=0 out of range: allowed is 1 to 1000$
		sizes=1Q invalid: allowed is 1 to 48 sizes
		sizes=0 invalid
		sizes=-1 invalid
		sizes=2G invalid
		sizes=17179869185G invalid
		policies=fifo invalid: allowed is names of policies
		patterns=zigzag invalid: allowed is loop, hold, random$
		memory=full invalid: allowed is idle, unmovable, movable, lower$
		memory=idle,movable invalid: allowed is idle, unmovable, movable, lower$
	END
}

# begin: starts a run that would last for hours
begin()
{
	mark
	insmod /kvdemo_bench.ko policies=native sizes=$size n=100000 pause_us=100000 || return
	until log | grep -q '^kvdemo_bench: progress '; do sleep 0.1; done
	sleep 1
}

stopped()
{
	begin || return
	echo 1 >$dir/stop
	timeout 10 cat $dir/csv >/tmp/csv || return
	n=$(columns n)
	echo "# $n samples"
	[ "$(columns verdict)" = stopped ] && [ "$n" -ge 1 ] && [ "$n" -lt 1000 ] &&
		has '^kvdemo_bench: end cells=1 of=1 stopped$' && rmmod kvdemo_bench
}

unloaded()
{
	begin || return
	! rmmod kvdemo 2>/dev/null && timeout 10 rmmod kvdemo_bench &&
		[ ! -e $dir ] && has '^kvdemo_bench: end cells=1 of=1 stopped$'
}

# while the log still holds it
zeroes=$(dmesg | grep -c 'mem auto-init: .*heap alloc:on')
insmod /kvdemo.ko sizes=64
try 'a row a policy, each sample in one path, quantiles that rise' table
try 'the console says how far it is' progress
try 'each pattern runs' patterns
try 'each repetition begins with the next policy' rotates
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
try 'a write to stop ends it, and the table has what there was' stopped
try 'so does rmmod, and kvdemo.ko stays while the bench is there' unloaded
try 'then kvdemo.ko unloads' rmmod kvdemo
