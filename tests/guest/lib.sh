# SPDX-License-Identifier: GPL-2.0-only
# Shared by the guest scripts, which start beside it, in /. Every line on stdout reaches the
# host, which counts the TAP lines against its plan.

# ok STATUS NAME...: one test
ok()
{
	local not=''

	[ "$1" -eq 0 ] || not='not '
	shift
	echo "${not}ok - $*"
}

# try NAME COMMAND...: the command is the test
try()
{
	local name=$1 status=0

	shift
	"$@" || status=$?
	ok "$status" "$name"
}

# try_unless REASON NAME COMMAND...: as try, but skipped where there is a reason
try_unless()
{
	local reason=$1

	shift
	if [ -n "$reason" ]; then
		echo "ok - $1 # SKIP $reason"
	else
		try "$@"
	fi
}

mark()
{
	dmesg -c >/dev/null
}

# The kernel log since the last call of mark, without time stamps
log()
{
	dmesg | sed 's/^\[[^]]*\] //; /^guest: /d'
}

# has REGEX: the log since mark has such a line; lacks: it has none. One process after
# dmesg does it all, because under TCG a process costs as much as a thousand lines.
has()
{
	dmesg | WANTED=$1 awk '{ sub(/^\[[^]]*\] /, "") }
		!/^guest: / && $0 ~ ENVIRON["WANTED"] { found = 1; exit }
		END { exit !found }' && return
	echo "# no line matches: $1"
	log | tail -5 | sed 's/^/# /'
	return 1
}

lacks()
{
	log | grep -E -- "$1" | sed 's/^/# unwanted: /' | grep . && return 1
	return 0
}

# shows FILE REGEX...: each REGEX matches a line of FILE
shows()
{
	local file=$1 regex

	shift
	for regex; do
		grep -Eq -- "$regex" "$file" && continue
		echo "# nothing shows $regex in:"
		tail -n 20 "$file" | sed 's/^/# /'
		return 1
	done
}

# The release of the kernel as a number: 6.19 is 6019
release()
{
	uname -r | awk -F'[.-]' '{ print $1 * 1000 + $2 }'
}

page_size()
{
	awk '/^KernelPageSize/ { print $2 * 1024; exit }' /proc/self/smaps
}

# kib NAME: a value of /proc/meminfo
kib()
{
	awk -v name="$1:" '$1 == name { print $2 }' /proc/meminfo
}

mib_free()
{
	echo $(($(kib MemFree) / 1024))
}

# settle N [MOST]: wait until nothing else was runnable for N tenths of a second in a row, or
# until MOST tenths are over
settle()
{
	local calm=0 tries=0

	while [ $calm -lt "$1" ] && [ $((tries += 1)) -le "${2:-200}" ]; do
		sleep 0.1
		read -r _ _ _ running _ </proc/loadavg
		calm=$((calm + 1))
		[ "${running%/*}" -le 1 ] || calm=0
	done
	[ $calm -ge "$1" ]
}

# From 6.7 on a pcplist grows to tens of MiB. Its pages are the missing parts of blocks: when
# kcompactd drains it, hundreds of blocks come free.
shorten_pcplists()
{
	file=/proc/sys/vm/percpu_pagelist_high_fraction # since 5.14
	[ ! -e $file ] || echo 1000000 >$file
}

# memory_group NAME: makes /cg/NAME, a memory cgroup of version 2
memory_group()
{
	mkdir -p /cg && mount -t cgroup2 none /cg && echo +memory >/cg/cgroup.subtree_control &&
		mkdir "/cg/$1"
}

# in_group DIRECTORY COMMAND...: runs the command in that cgroup
in_group()
{
	# shellcheck disable=SC2016 # the inner shell expands it
	sh -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$@"
}

# hold_blocks SIZE COUNT: in fragmented memory, holds blocks that compaction has made or still
# makes. If a request freed such a block, it would serve all later requests. Compaction on 6.1
# was seen to make one after 40 attempts that failed.
hold_blocks()
{
	# put fails where no block is left.
	put alloc "$1 policy=kmalloc count=$2" || :
}

# Leaves no free block of order 2 or above.
fragment()
{
	insmod /kvdemo_frag.ko order=2 && insmod /kvdemo.ko sizes=64 && hold_blocks 16K 1000
}

# calls N SIZE: N calls of the kernel's own kvmalloc for SIZE bytes. A write of SIZE - 1 bytes
# to a file of /proc/sys makes one in proc_sys_call_handler(). It is a write, because a second
# read would return the end of the file. The zeros set an empty name.
calls()
{
	dd if=/dev/zero of=/proc/sys/kernel/domainname bs=$(($2 - 1)) count="$1" 2>/dev/null
}

# live PARAMETER...: loads kvdemo_live.ko with these, from an empty table
live()
{
	mark
	[ ! -d /sys/module/kvdemo_live ] || rmmod kvdemo_live || return
	insmod /kvdemo_live.ko "$@"
}

# callers_have N CALLER [HOOKS]: the table has N calls of 64 KiB, and says this of the hooks
callers_have()
{
	cat /sys/kernel/debug/kvdemo/callers >/tmp/callers
	shows /tmp/callers "^# hooks=${3:-ok}\$" "^ +$1 .* 65536 .* $2[+]"
}

# load_in_flight N SIZE...: kvdemo_live.ko comes and goes N times beside calls of these sizes,
# with noreclaim, noretry and backoff in turn. No attempt reaches the page allocator with its
# mark: kvdemo_test.ko counts such attempts, after a write to its parameter live.
load_in_flight()
{
	local i=0 status=0 rounds=$1 size leaked table=/sys/kernel/debug/kvdemo/callers

	shift
	mark
	rm -f /tmp/stop
	for size; do
		while [ ! -e /tmp/stop ]; do calls 200 "$size"; done &
	done
	set -- noreclaim noretry backoff
	while [ $((i += 1)) -le "$rounds" ]; do
		{ insmod /kvdemo_live.ko policy="$1" callers=all && cat $table >/dev/null &&
			rmmod kvdemo_live; } || status=1
		set -- "$2" "$3" "$1"
	done
	: >/tmp/stop
	wait
	has '^kvdemo_live: stopped calls=[1-9]' || return
	leaked=$(cat /sys/module/kvdemo_test/parameters/live_leaked)
	echo "# attempts with a mark: $leaked"
	[ "$leaked" -eq 0 ] && return $status
}

# events COMMAND...: the events of kvdemo beside it, into /tmp/trace
events()
{
	local trace=/sys/kernel/tracing

	: >$trace/trace
	echo 1 >$trace/events/kvdemo/enable
	"$@"
	echo 0 >$trace/events/kvdemo/enable
	grep -v '^#' $trace/trace | sed 's/.*: kvdemo_/kvdemo_/' >/tmp/trace
	: >$trace/trace
}

# columns NAME...: of each row in /tmp/csv, which is of the bench, one row a line
columns()
{
	awk -F, -v names="$*" '
		NR == 1 { n = split(names, name, " "); for (i = 1; i <= NF; i++) at[$i] = i; next }
		{ for (i = 1; i <= n; i++) printf "%s%s", $at[name[i]], i < n ? " " : "\n" }' /tmp/csv
}

# put FILE LINE: one write to a file of kvdemo; what the shell says of a refusal is in
# /tmp/put
put()
{
	{ echo "$2" >"/sys/kernel/debug/kvdemo/$1"; } 2>/tmp/put
}

# The TAP lines of a test module
tap()
{
	log | sed -n 's/^kvdemo_test: \(.*\)/\1/p' | grep -E '^(not )?ok |^#'
}

# default_cap COMMAND...: COMMAND ends with insmod; prints the default cap, which the log of
# a refused load names
default_cap()
{
	mark
	! "$@" /kvdemo.ko sizes=2147483647 2>/dev/null &&
		log | sed -n 's/.*allowed is cap=\([0-9]*\)$/\1/p' | sed 1q
}

# unload MODULE...: those that are loaded, kvdemo last, whose exit line must say leaked=0
unload()
{
	local module

	for module; do
		[ ! -d "/sys/module/$module" ] || rmmod "$module" || return
	done
	has '^kvdemo: exit .* leaked=0$'
}

# fault DIRECTORY MIN-ORDER: on a kernel with fault injection, every allocation fails in
# a task that has set /proc/self/make-it-fail
fault()
{
	echo Y >"$1/task-filter"
	echo 0 >"$1/verbose"
	echo -1 >"$1/times"
	echo N >"$1/ignore-gfp-wait"
	[ ! -e "$1/min-order" ] || {
		echo N >"$1/ignore-gfp-highmem"
		echo "$2" >"$1/min-order"
	}
	# last, because without the filters above it would hit all tasks
	echo 100 >"$1/probability"
}
