# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# The watch. A write of N bytes to a file of /proc/sys makes the kernel ask for a
# buffer of N + 1 in proc_sys_call_handler(). Zeros leave an empty string, and one
# process can write them again and again, where a read would have met the end.
# shellcheck source=tests/guest/lib.sh
. /lib.sh

page=$(page_size)
table=/sys/kernel/debug/kvdemo/callers
trace=/sys/kernel/tracing
bench=/sys/kernel/debug/kvdemo_bench/csv
large=$((64 * page))

# calls N SIZE: N calls of SIZE bytes
calls()
{
	dd if=/dev/zero of=/proc/sys/kernel/domainname bs=$(($2 - 1)) count="$1" 2>/dev/null
}

# callers N CALLS SIZE: N at the same time
callers()
{
	local i=0 pids=''

	while [ $((i += 1)) -le "$1" ]; do
		calls "$2" "$3" &
		pids="$pids $!"
	done
	# shellcheck disable=SC2086 # a list
	wait $pids
}

# watch PARAMETER...: from an empty table
watch()
{
	mark
	[ ! -d /sys/module/kvdemo_watch ] || rmmod kvdemo_watch || return
	insmod /kvdemo_watch.ko "$@"
}

table()
{
	cat $table >/tmp/table
}

# header KEY: its value
header()
{
	sed -n "s/^# .*\b$1=\([^ ]*\).*/\1/p" /tmp/table
}

# column NAME SIZE CALLER: of all such rows, summed
column()
{
	awk -v name="$1" -v size="$2" -v caller="$3" '
		/^#/ { next }
		!at { for (i = 1; i <= NF; i++) if ($i == name) at = i; next }
		$7 == size && $8 " " $9 ~ caller { sum += $at }
		END { print sum + 0 }' /tmp/table
}

by_handler='^proc_sys_call_handler[+]0x'

show()
{
	head -8 /tmp/table | sed 's/^/# /'
	return 1
}

needs_kvdemo()
{
	mark
	! insmod /kvdemo_watch.ko 2>/dev/null && has 'kvdemo_watch: Unknown symbol kvdemo_'
}
try 'without kvdemo.ko it does not load, and the log names a symbol' needs_kvdemo

insmod /kvdemo.ko sizes=64 cap=3G

loads()
{
	watch && has '^kvdemo_watch: watching [_a-z]*kvmalloc_node[_a-z]*, gfp is its argument [1-4]$'
}
try 'it loads, and says what it watches' loads

# Moved to another CPU in one, a caller panics the kernel: kvdemo_compat.h.
unoptimized()
{
	! grep 'trampoline.*OPTIMIZED' /sys/kernel/debug/kprobes/list
}
try 'what the watched return to is no optimized probe' unoptimized

named()
{
	calls 7 65536 && calls 3 65537 && calls 2 100 && table || return
	{ [ "$(column calls 65536 "$by_handler")" -eq 7 ] &&
		[ "$(column calls 131072 "$by_handler")" -eq 3 ] &&
		[ "$(column calls 128 "$by_handler")" -eq 2 ] &&
		[ "$(column total_ns 65536 "$by_handler")" -ge "$(column worst_ns 65536 "$by_handler")" ] &&
		[ "$(column worst_ns 65536 "$by_handler")" -gt 0 ] &&
		[ "$(column fallbacks 65536 "$by_handler")" -eq 0 ]; } || show
}
try 'the table names a caller of the kernel, its size class and its calls' named

# The calls of a module, which then goes: others may come to its addresses
of_module()
{
	local calls=1000

	watch && insmod /kvdemo_bench.ko policies=native sizes=16K n=$calls &&
		cat $bench >/dev/null && table || return
	[ "$(column calls 16384 '[+]0x.* [[]kvdemo_bench[]]$')" -eq $calls ] || show || return
	rmmod kvdemo_bench && table || return
	[ "$(column calls 16384 '^[[]gone[]]')" -eq $calls ] || show
}
try 'it names a caller in a module, and says when that has gone' of_module

no_addresses()
{
	! grep -E '[0-9a-f]{16}|[^+/]0x' /tmp/table
}
try 'the table has no raw address' no_addresses

# events COMMAND...: what it makes the kernel's callers do, into /tmp/trace
events()
{
	: >$trace/trace
	echo 1 >$trace/events/kvdemo/enable
	"$@"
	echo 0 >$trace/events/kvdemo/enable
	grep -o 'kvdemo_alloc: origin=kernel caller=proc_sys_call_handler.*' $trace/trace >/tmp/trace
	: >$trace/trace
}

# line PATH WHY: of a read of $large bytes
line()
{
	echo ' ptr=[^ ]* size='$large' gfp=GFP_KERNEL|__GFP_ZERO node=-1 policy=native path='"$1 why=$2"' kmalloc_ns=0 vmalloc_ns=0 total_ns=[1-9]'
}

traced()
{
	events calls 3 $large
	[ "$(grep -c "$(line pages contiguous)" /tmp/trace)" -eq 3 ] && return
	sed 's/^/# /' /tmp/trace
	return 1
}
try 'each call is an event with origin=kernel, its size, gfp, node and path' traced

silent()
{
	watch && calls 3 $large && [ ! -s /tmp/trace ] &&
		! grep -q kvdemo_alloc $trace/trace
}
: >/tmp/trace
try 'and none while nobody traces' silent

# More than there is: path=none, and a line for who asked
fails()
{
	watch || return
	: >$trace/trace
	echo 1 >$trace/events/kvdemo/enable
	! echo '1900M policy=native' >/sys/kernel/debug/kvdemo/alloc || return
	echo 0 >$trace/events/kvdemo/enable
	table
	{ [ "$(column failures 2147483648 '[[]kvdemo[]]$')" -eq 1 ] && [ "$(header failures)" -eq 1 ] &&
		grep -q 'origin=kernel caller=.*\[kvdemo\] .* path=none why=no-memory ' $trace/trace; } || show
} 2>/dev/null
try 'a call that got nothing is a failure of its caller' fails

# Compaction finds a block now and then, so not every call falls back. One that is
# found, and given back, would serve all that follow, so it is held before the next
# round. One round was seen in which the first call compacted for 50 ms and the other
# 19 had its block; they are bounded, for so are the blocks.
fragmented()
{
	local round=0

	watch && insmod /kvdemo_frag.ko || return
	while [ $((round += 1)) -le 20 ]; do
		echo "$large policy=kmalloc count=30" >/sys/kernel/debug/kvdemo/alloc
		events calls 20 $large
		table
		fallbacks=$(column fallbacks $large "$by_handler")
		[ "$fallbacks" -eq 0 ] || break
	done
	echo all >/sys/kernel/debug/kvdemo/free
	rmmod kvdemo_frag
	{ [ "$fallbacks" -ge 1 ] && [ "$(column calls $large "$by_handler")" -eq $((20 * round)) ] &&
		[ "$(column fallback_ns $large "$by_handler")" -gt 0 ] &&
		[ "$(header fallbacks)" -ge "$fallbacks" ]; } || show || return
	[ "$(grep -c "$(line vmalloc kmalloc-failed)" /tmp/trace)" -eq "$fallbacks" ] && return
	sed 's/^/# /' /tmp/trace
	return 1
} 2>/dev/null
try 'in fragmented memory it shows the fallback, and the event, too' fragmented

sorted()
{
	grep -v '^#' /tmp/table | sed 1d >/tmp/rows
	sort -k5,5nr -k4,4nr /tmp/rows | awk '{ print $5, $4 }' >/tmp/sorted
	{ awk '{ print $5, $4 }' /tmp/rows | cmp -s - /tmp/sorted &&
		[ "$(wc -l </tmp/rows)" -eq "$(header rows)" ] &&
		sed -n 1p /tmp/rows | grep -q ' proc_sys_call_handler' &&
		[ "$(header order)" = fallback_ns,total_ns ]; } || show
}
try 'the worst comes first: what fell back' sorted

parallel()
{
	watch && callers 16 25 $large && table || return
	{ [ "$(column calls $large "$by_handler")" -eq 400 ] &&
		[ "$(header lost) $(header missed)" = '0 0' ] &&
		[ "$(awk '/^ *[0-9]/ { n += $1 } END { print n }' /tmp/table)" -eq "$(header calls)" ]; } || show
}
try '16 callers at once: every call is counted, none is lost' parallel

# With a row on each of two CPUs one of three size classes finds none at all,
# wherever the caller runs.
lost()
{
	watch entries=1 && calls 40 $large && calls 40 $((2 * large)) && calls 40 $((large / 2)) &&
		table || return
	{ [ "$(header entries)" -eq 1 ] && [ "$(header rows)" -le 2 ] && [ "$(header lost)" -ge 40 ] &&
		[ $(($(header lost) + $(header calls))) -ge 120 ]; } || show
}
try 'the table is bounded, and what finds no room in it is counted as lost' lost

# Nothing is dropped silently: what was not seen was missed.
missed()
{
	local round=0

	watch maxactive=1 || return
	while [ $((round += 1)) -le 40 ]; do
		callers 4 50 $large && table || return
		[ $(($(column calls $large "$by_handler") + $(header missed))) -ge $((200 * round)) ] ||
			show || return
		[ "$(header missed)" -eq 0 ] || return 0
	done
	show
}
try 'calls that find no free instance are counted as missed' missed

# Whoever probes the same function for its return must not hide the caller.
stacked()
{
	local name

	watch && table || return
	name=$(header symbol)
	echo "r:kvdemo_other $name" >$trace/kprobe_events || return
	echo 1 >$trace/events/kprobes/kvdemo_other/enable
	calls 4 $large
	table
	echo 0 >$trace/events/kprobes/kvdemo_other/enable
	echo >$trace/kprobe_events
	: >$trace/trace
	[ "$(column calls $large "$by_handler")" -eq 4 ] || show
}
try 'the caller is found under the return probe of another' stacked

# refused REGEX PARAMETER: such a sentence, and nothing is left behind
refused()
{
	mark
	if insmod /kvdemo_watch.ko "$2" 2>/dev/null; then
		rmmod kvdemo_watch
		return 1
	fi
	has "^kvdemo_watch: $1" && [ ! -d /sys/module/kvdemo_watch ] && [ ! -e $table ]
}

# As a system may have them switched off for good. Whoever switches them off while an
# optimized probe is on its way out waits for ever, on 7.2 (mended in 7.3-rc4): first
# it is to be gone.
blind()
{
	local status=0

	sleep 1
	echo 0 >/sys/kernel/debug/kprobes/enabled
	refused 'cannot watch .*: none of 100 calls was seen: allowed are neither ' entries=64 || status=$?
	echo 1 >/sys/kernel/debug/kprobes/enabled
	return "$status"
}
rmmod kvdemo_watch
try 'where the kernel has its probes switched off, it says so' blind

wrong_argument()
{
	local arg right

	right=$(header gfp_arg)
	for arg in 1 2 3 4 5; do
		[ "$arg" -ne "$right" ] || continue
		refused "cannot watch .* with gfp as argument $arg a call of size=4321 gfp=0x[0-9a-f]+ node=-1 was seen with another (gfp|node): gfp_arg= may help$" \
			gfp_arg=$arg || return
	done
	watch gfp_arg="$right" && rmmod kvdemo_watch
}
try 'where gfp is no such argument, loading is refused with a sentence' wrong_argument

bad_values()
{
	local bad

	for bad in entries=0 entries=65537 maxactive=0 maxactive=65537 gfp_arg=0 gfp_arg=6; do
		refused "$bad is out of range: allowed is 1 to [0-9]*$" $bad || return
	done
	for bad in entries=x entries=-1 entries=0x40 maxactive= gfp_arg=1x; do
		refused "$bad is invalid: allowed is 1 to [0-9]*$" $bad || return
	done
	refused 'entries= is invalid: allowed is 1 to 65536$' entries || return
	# octal it would be 64
	watch entries=0100 && table && [ "$(header entries)" -eq 128 ] && rmmod kvdemo_watch
}
try 'so are parameters out of range' bad_values

in_flight()
{
	local i=0 status=0

	mark
	while [ ! -e /tmp/stop ]; do calls 50 $large; done &
	while [ $((i += 1)) -le "$KVROUNDS" ]; do
		{ insmod /kvdemo_watch.ko && cat $table >/dev/null && rmmod kvdemo_watch; } || status=1
	done
	: >/tmp/stop
	wait
	has '^kvdemo_watch: stopped calls=[1-9]' && return $status
}
try 'it loads and unloads while calls are in flight' in_flight

while_read()
{
	watch || return
	! (exec 3<$table && rmmod kvdemo_watch 2>/dev/null) && [ -e $table ] &&
		! rmmod kvdemo 2>/dev/null
}
try 'it stays while the table is open, and kvdemo.ko while it is there' while_read

says_what_it_saw()
{
	calls 3 $large
	rmmod kvdemo_watch &&
		has '^kvdemo_watch: stopped calls=[1-9][0-9]* fallbacks=0 failures=0 lost=0 missed=0$' &&
		[ ! -e $table ]
}
try 'unloading sums up and takes the table away' says_what_it_saw

try 'kvdemo.ko unloads after it' rmmod kvdemo
