# SPDX-License-Identifier: GPL-2.0-only
# The kernel's own kvmalloc watched, cured and provoked.
. ./lib.sh

page=$(page_size)
table=/sys/kernel/debug/kvdemo/callers
trace=/sys/kernel/tracing
bench=/sys/kernel/debug/kvdemo_bench/csv
params=/sys/module/kvdemo_test/parameters
# The kernel zeroes such a buffer, which must take less than a back-off period.
large=$((64 * page))
[ "$page" -le 4096 ] || large=$((16 * page))
other=$((4 * page))
policies='noreclaim backoff noretry vmalloc'

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

table()
{
	cat $table >/tmp/table
}

# header KEY: its value
header()
{
	sed -n "s/^# .*\b$1=\([^ ]*\).*/\1/p" /tmp/table
}

# column NAME SIZE CALLER: of all such rows, summed, or the word
column()
{
	awk -v name="$1" -v size="$2" -v caller="$3" '
		/^#/ { next }
		!at { for (i = 1; i <= NF; i++) if ($i == name) at = i; next }
		$9 == size && $11 " " $12 ~ caller { sum += $at; word = $at }
		END { print word ~ /^[a-z-]/ ? word : sum + 0 }' /tmp/table
}

by_handler='^proc_sys_call_handler[+]0x'
by_bench='[+]0x.* [[]kvdemo_bench[]]$'

show()
{
	head -9 /tmp/table | sed 's/^/# /'
	return 1
}

# row SIZE CALLER COLUMN=VALUE...: the table shows this of such calls
row()
{
	local size=$1 caller=$2 value

	shift 2
	for value; do
		[ "$(column "${value%%=*}" "$size" "$caller")" = "${value#*=}" ] && continue
		echo "# calls of $size by $caller: not $value"
		show || return
	done
}

# The same of calls of $large bytes by proc_sys_call_handler()
large_row()
{
	row $large "$by_handler" "$@"
}

large_column()
{
	column "$1" $large "$by_handler"
}

needs_kvdemo()
{
	mark
	! insmod /kvdemo_live.ko 2>/dev/null && has 'kvdemo_live: Unknown symbol kvdemo_'
}
[ -n "$KVREFUSES" ] || try 'without kvdemo.ko it does not load, and the log names a symbol' needs_kvdemo

insmod /kvdemo.ko sizes=64 cap=3G

# refused REGEX PARAMETER...: such a sentence, and nothing is left behind
refused()
{
	local regex=$1

	shift
	mark
	if insmod /kvdemo_live.ko "$@" 2>/dev/null; then
		echo "# taken: $*"
		rmmod kvdemo_live
		return 1
	fi
	has "^kvdemo_live: $regex" && [ ! -d /sys/module/kvdemo_live ] && [ ! -e $table ]
}

if [ -n "$KVREFUSES" ]; then
	try 'where ftrace shows no arguments, it is refused with a sentence' \
		refused 'cannot watch [_a-z]*: allowed is a kernel of 64 bit '
	rmmod kvdemo
	exit
fi

# Before kvdemo_live.ko, whose hooks its probes then follow
unhooked()
{
	insmod /kvdemo_test.ko && echo unhooked >$params/live
}
try 'each flag is noted with nothing hooked' unhooked

loads()
{
	live && has '^kvdemo_live: watching [_a-z]*kvmalloc_node[_a-z]*, gfp is its argument [1-4], policy=native$' &&
		table && [ "$(header hooks)" = ok ]
}
try 'it loads, and says what it watches' loads

named()
{
	calls 7 65537 && calls 3 131073 && calls 2 100 && table &&
		row 131072 "$by_handler" calls=7 policy=native failures=- fallbacks=0 &&
		row 262144 "$by_handler" calls=3
}
# With pages of 64 KiB a call of 64 KiB would be a small one.
size=64K
[ "$page" -le 32768 ] || size=256K
try 'the table names a caller of the kernel, its size class and its calls' named

# bench N: the calls of a module, which is then still there
bench()
{
	insmod /kvdemo_bench.ko policy=native size=$size n="$1" && cat $bench >/dev/null && table
}
bench_bytes=$((${size%K} * 1024))

# Another module may get the addresses of one that has gone.
of_module()
{
	live && bench 1000 && row $bench_bytes "$by_bench" calls=1000 &&
		rmmod kvdemo_bench && bench 500 && row $bench_bytes "$by_bench" calls=500 &&
		rmmod kvdemo_bench && table && row $bench_bytes '^[[]gone[]]' calls=1500 || return
	[ "$(grep -c "$bench_bytes .*\[gone\]" /tmp/table)" -eq 1 ] || show
}
try 'it names a caller in a module; those that have gone share a row' of_module

no_addresses()
{
	! grep -E '[0-9a-f]{16}|[^+/]0x' /tmp/table
}
try 'the table has no raw address' no_addresses

# traced POLICY PATH WHY REST: such an event of a call of $large bytes
traced()
{
	local event='^kvdemo_alloc: origin=kernel caller=proc_sys_call_handler'

	shows /tmp/trace "$event.* size=$large gfp=GFP_KERNEL\\|__GFP_ZERO node=-1 policy=$1 path=$2 why=$3 $4"
}

# falls_back PARAMETER...: loads it with these. Then calls in fragmented memory, until 20 fell
# back, and under policy backoff until one was skipped. Compaction finds a block now and then.
falls_back()
{
	local round=0

	live "$@" || return
	while [ $((round += 1)) -le 20 ]; do
		hold_blocks $large 30
		events calls 60 $large
		table
		fallbacks=$(large_column fallbacks)
		[ "$fallbacks" -ge 20 ] || continue
		[ "${1:-}" = policy=backoff ] || break
		[ "$(large_column skipped)" -eq 0 ] || break
	done
	[ "$fallbacks" -ge 20 ] || show
} 2>/dev/null
shorten_pcplists
insmod /kvdemo_frag.ko

watched()
{
	falls_back && large_row failed="$fallbacks" skipped=0 failures=- || return
	worst=$(large_column worst_ns)
	{ [ "$worst" -gt 0 ] && [ "$(large_column try_ns)" -ge "$worst" ]; } || show || return
	traced native '\?' kmalloc-failed 'kmalloc_ns=[1-9][0-9]* vmalloc_ns=0 '
}
try 'in fragmented memory it shows failed attempts, and the event, too' watched

# More rows, so that they are not in order by chance
sorted()
{
	calls 3 $other && calls 5 $((2 * other)) && calls 2 $((4 * other)) &&
		calls 4 $((8 * other)) && table || return
	grep -v '^#' /tmp/table | sed 1d >/tmp/rows
	sort -k5,5nr -k4,4nr -k1,1nr /tmp/rows | awk '{ print $5, $4, $1 }' >/tmp/sorted
	{ awk '{ print $5, $4, $1 }' /tmp/rows | cmp -s - /tmp/sorted &&
		[ "$(wc -l </tmp/rows)" -eq "$(header rows)" ] &&
		[ "$(awk '{ n += $1 } END { print n }' /tmp/rows)" -eq "$(header calls)" ] &&
		sed -n 1p /tmp/rows | grep -q ' proc_sys_call_handler' &&
		[ "$(header order)" = try_ns,fallbacks,calls ]; } || show
}
try 'the worst comes first: what failed attempts cost' sorted

timed()
{
	if [ "$KVTIMES" = 0 ]; then
		rmmod kvdemo_live
		refused 'times=1 is refused: on powerpc ' times=1
		return
	fi
	falls_back times=1 && large_row failures=0 || return
	{ [ "$(large_column fallback_ns)" -gt 0 ] && [ "$(header missed)" -eq 0 ]; } ||
		show || return
	traced native vmalloc kmalloc-failed 'kmalloc_ns=[1-9][0-9]* vmalloc_ns=[1-9]'
}
try 'times=1 adds the price of fallbacks, and the event has the path' timed

cured()
{
	falls_back policy=backoff callers=vmlinux || return
	skipped=$(large_column skipped)
	[ "$skipped" -gt 0 ] || show || return
	large_row policy=backoff failed=$((fallbacks - skipped)) || return
	traced backoff '\?' backoff 'kmalloc_ns=0 vmalloc_ns=0 '
}
why=${KVSLOW:+'under KASAN a back-off period is over before the next call'}
try_unless "$why" 'backoff skips attempts of the callers that are named' cured

# While attempts of many tasks fail at the same time, each finds its own slot. Of 16 tasks in
# 1024 slots two share one in a ninth of all rounds, and then lose some calls. In others
# compaction finds blocks.
crowd()
{
	for _ in 1 2 3 4 5; do
		hold_blocks $large 60
		live times="$KVTIMES" && callers 16 60 $large && table || return
		large_row calls=960 || return
		[ "$(header fallbacks)" -lt 480 ] || [ "$(header lost)" -gt 4 ] || return 0
	done
	show
}
try 'of failed attempts of 16 tasks at once hardly any is lost' crowd
echo all >/sys/kernel/debug/kvdemo/free
rmmod kvdemo_frag

provoked()
{
	live policy=vmalloc callers=kvdemo-bench && calls 20 $large && bench 200 &&
		row $bench_bytes "$by_bench" skipped=200 && large_row policy=native fallbacks=0 &&
		grep -q "^[^,]*,native,loop,idle,ok,$bench_bytes,200,200,0,0,0,0,0,0,200," $bench
}
try 'policy=vmalloc makes a module fall back that comes later, and nobody else' provoked
rmmod kvdemo_bench

# With its high watermark, one and a half times the lowest, above all that is free, no zone can
# spare the pages of a fallback. (The guest has no CMA: arm64 would give one node more of it.)
short_of_pages()
{
	local marks status=0

	marks=$(cat /proc/sys/vm/min_free_kbytes)
	live policy=vmalloc callers=kvdemo_bench || return
	echo $(($(kib MemFree) * 3 / 4)) >/proc/sys/vm/min_free_kbytes
	{ bench 20 && row $bench_bytes "$by_bench" calls=20 skipped=0; } || status=1
	echo "$marks" >/proc/sys/vm/min_free_kbytes
	rmmod kvdemo_bench
	return $status
}
try 'where no zone can spare the pages, no attempt is skipped' short_of_pages

by_name()
{
	live policy=noreclaim callers=vmlinux,kvdemo_bench:vmalloc && calls 3 $large && bench 20 || return
	rmmod kvdemo_bench
	large_row policy=noreclaim && row $bench_bytes "$by_bench" policy=vmalloc skipped=20
}
try 'name:policy gives one caller another policy' by_name

# flags POLICY [PARAMETER...]: with it, each call is compared with what was noted
flags()
{
	local policy=$1

	shift
	live "$@" && echo "$policy" >$params/live && return
	tap | head -5
	return 1
}
try 'each flag keeps its meaning while it watches' flags native
for policy in $policies; do
	try "each flag keeps its meaning under $policy" flags "$policy" policy="$policy" callers=kvdemo_test
done

# Each call skips its attempt, and the one that then gets no memory is counted.
short_of_space()
{
	local by_test='[[]kvdemo_test[]]$' skipped

	live policy=vmalloc callers=kvdemo_test times=1 && echo space >$params/live_short && table || return
	skipped=$(column skipped 262144 "$by_test")
	echo "# $skipped attempts skipped"
	[ "$skipped" -gt 0 ] && row 262144 "$by_test" fallbacks="$skipped" failures=1
}
why=
[ "$(uname -m)" = x86_64 ] && [ -z "$KVSLOW" ] || why='the space is taken by pages of 1 GiB, without KASAN'
try_unless "$why" "where vmalloc's space is taken, a skipped call fails and is counted" short_of_space

# The two mistakes of which a stock kernel says nothing
mistaken()
{
	local mistake

	live policy=vmalloc callers=kv_wrong || return
	for mistake in sg phys; do
		insmod /kv_wrong.ko mistake=$mistake && rmmod kv_wrong || return
	done
	has '^kvdemo_live: use_sg[+].* gives sg_init_one[(][)] vmalloc memory' &&
		has '^kv_wrong: virt_to_phys[(][)]: the address is no memory$'
}
[ -z "$why" ] || why='elsewhere a wrong address may be plausible, and checkers stop the kernel'
try_unless "$why" 'a driver that takes its memory for contiguous is found' mistaken

# Under native, calls of kvdemo keep the kernel's rule, whoever else is cured.
honest()
{
	live policy=noretry callers=all,kvdemo_bench:vmalloc &&
		echo "$other policy=native count=5" >/sys/kernel/debug/kvdemo/alloc && calls 3 $large &&
		table || return
	echo all >/sys/kernel/debug/kvdemo/free
	row $other '[[]kvdemo[]]$' policy=native calls=5 && large_row policy=noretry
}
try 'callers=all leaves out the callers of kvdemo itself' honest

# Of three size classes two find no row.
lost()
{
	live entries=1 && calls 40 $large && calls 40 $((2 * large)) && calls 40 $((large / 2)) &&
		table || return
	{ [ "$(header entries)" -eq 1 ] && [ "$(header rows)" -le 1 ] && [ "$(header lost)" -ge 80 ] &&
		[ $(($(header lost) + $(header calls))) -ge 120 ]; } || show
}
try 'the table is bounded, and what finds no room in it is counted as lost' lost

# probe KIND: somebody else's probes on what is hooked, at the entry (p) or the return (r)
probe()
{
	local name

	for name in mark try fallback; do
		echo "$1:kvdemo_$name $(header "$name")" >>$trace/kprobe_events || return
	done
	echo 1 >$trace/events/kprobes/enable
}

unprobe()
{
	echo 0 >$trace/events/kprobes/enable
	echo >$trace/kprobe_events
	: >$trace/trace
}

# tracer NAME: the kernel's own, on the same functions
tracer()
{
	local name

	for name in mark try fallback; do
		header "$name" >>$trace/set_ftrace_filter
	done
	echo "$1" >$trace/current_tracer
}

untracer()
{
	echo nop >$trace/current_tracer
	echo >$trace/set_ftrace_filter
	: >$trace/trace
}

# seen N ON: so many calls, and their caller. Or the table says that a probe hides it.
seen()
{
	if [ "$(header hooks)" = ok ] || [ "$2" != probe ]; then
		large_row calls="$1"
	else
		[ "$(header unknown)" -eq "$1" ] && row $large trampoline policy=unknown
	fi
}

# stacked ON KIND: somebody else's tool on the same functions, set before or after, hides no
# caller; or it does, and the table says so.
stacked()
{
	local status=0

	live policy=noreclaim callers=vmlinux && table && "$1" "$2" || return
	calls 4 $large && table && seen 4 "$1" || status=1
	# Where the tool hides callers, the self-check refuses to load.
	if live policy=noreclaim callers=vmlinux 2>/dev/null; then
		calls 5 $large && table && seen 5 "$1" || status=1
	else
		has '^kvdemo_live: cannot watch .*: the caller of ' || status=1
	fi
	"un$1"
	[ $status -eq 0 ] || show
}
try 'return probes of others on the same functions, in either order, hide no caller unsaid' stacked probe r
try 'neither do probes of others at their entry' stacked probe p
try 'neither does the function tracer' stacked tracer function
try 'neither does function_graph' stacked tracer function_graph

hotplug()
{
	local i=0 cpu=/sys/devices/system/cpu/cpu1/online status=0

	live policy=backoff callers=all || return
	callers 4 100 $large &
	while [ $((i += 1)) -le 5 ]; do
		echo 0 >$cpu && calls 10 $large && echo 1 >$cpu || status=1
	done
	wait
	echo 0 >$cpu && table && echo 1 >$cpu
	[ $status -eq 0 ] && large_row calls=450
}
why=
[ -w /sys/devices/system/cpu/cpu1/online ] || why='no CPU can go offline'
try_unless "$why" 'a CPU goes and comes while calls are made: every call is counted' hotplug

bad_values()
{
	local bad

	rmmod kvdemo_live
	for bad in entries=0 entries=4097 times=2; do
		refused "$bad is out of range: allowed is [01] to [0-9]*$" $bad || return
	done
	for bad in policy=kmalloc policy=fifo policy= policy; do
		refused "policy=.* is invalid: allowed is native, noreclaim, backoff, noretry, vmalloc$" $bad || return
	done
	for bad in callers= callers=a,,b callers=a,a callers=x-y,x_y callers=a:kmalloc callers=a:b:c \
		'callers=../a' callers=kvdemo callers=kvdemo_live callers \
		"callers=$(seq -s, 17)" "callers=$(printf '%0100d' 0)"; do
		refused "callers=.* is invalid: allowed is 1 to 16 of vmlinux, all and names " \
			policy=backoff "$bad" || return
	done
	for bad in $policies; do
		refused "policy=$bad is refused: allowed is this policy with callers=" policy="$bad" || return
	done
	for bad in all vmlinux; do
		refused "callers=$bad is invalid: allowed is only names of modules under policy vmalloc" \
			policy=vmalloc callers=$bad || return
	done
	refused 'callers=vmlinux:vmalloc is invalid: allowed is only names of modules ' \
		callers=vmlinux:vmalloc,xfs:backoff || return
	refused 'entries=0 is out of range: ' entries=0 callers=, && lacks 'callers=' || return
	refused 'callers=xfs is invalid: allowed is name:policy, because policy= is native' callers=xfs || return
	# octal it would be 64
	live entries=0100 && table && [ "$(header entries)" -eq 128 ] && rmmod kvdemo_live
}
try 'bad parameters are refused with a sentence' bad_values

# While the module is loaded, nobody can switch ftrace off. On 7.3 nobody ever can.
no_ftrace()
{
	mark
	echo 0 >/proc/sys/kernel/ftrace_enabled
	if log | grep -q 'ftrace_enabled file is deprecated and no longer disables ftrace'; then
		live && rmmod kvdemo_live
		return
	fi
	refused 'cannot hook .*: allowed is no kernel.ftrace_enabled=0$' || return
	echo 1 >/proc/sys/kernel/ftrace_enabled
	live && ! echo 0 2>/dev/null >/proc/sys/kernel/ftrace_enabled && rmmod kvdemo_live
}
try 'where ftrace is switched off it says so' no_ftrace

try 'it loads and unloads while calls are in flight, and leaves no mark' \
	load_in_flight 5 $large $other

# refused_while FILE VALUE REGEX [PARAMETER]: it is refused while that file of 0 or 1 has VALUE
refused_while()
{
	local file=$1 value=$2 status=0

	shift 2
	echo "$value" >"$file"
	refused "$@" || status=1
	echo $((1 - value)) >"$file"
	return $status
}
why=
[ "$KVTIMES" = 1 ] || why='times=1 is refused'
try_unless "$why" 'where return probes are switched off, times=1 is refused' \
	refused_while /sys/kernel/debug/kprobes/enabled 0 \
	'cannot watch .*: the return probe did not see its fallback$' times=1

# The self-check notices somebody else's probe that changes arguments.
why=
[ "$(uname -m)" = x86_64 ] || why='the probe of the test can change arguments on x86 only'
try_unless "$why" 'where another tool changes the arguments it is refused' \
	refused_while $params/live_liar 1 'cannot watch .*: its fallback was not seen as it was made$'
rmmod kvdemo_test

while_read()
{
	live || return
	! (exec 3<$table && rmmod kvdemo_live 2>/dev/null) && [ -e $table ] &&
		! rmmod kvdemo 2>/dev/null
}
try 'it stays while the table is open, and kvdemo.ko while it is there' while_read

says_what_it_saw()
{
	calls 3 $large
	rmmod kvdemo_live &&
		has '^kvdemo_live: stopped calls=[1-9][0-9]* failed=0 skipped=0 fallbacks=0 lost=0 missed=0 unknown=0 left=[0-9]* unhook_ms=[0-9]*$' &&
		[ ! -e $table ]
}
try 'unloading sums up and takes the table away' says_what_it_saw

try 'kvdemo.ko unloads after it' rmmod kvdemo
