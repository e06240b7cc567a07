# SPDX-License-Identifier: GPL-2.0-only
# Tools on the events and on kvdemo_live, as doc/runtime.md and doc/live.md call them, and
# bench-host.
. ./lib.sh

export HOME=/root LC_ALL=C.UTF-8
dir=/sys/kernel/debug/kvdemo
cd /tmp || exit

# start TOOL READY: starts the page's command, with its output in /tmp/TOOL, until READY
start()
{
	local tries=0

	sh "/src/$1" >"/tmp/$1" 2>&1 &
	pid=$!
	until "$2" || [ $((tries += 1)) -gt 200 ]; do
		sleep 1
	done
}

# bpftrace 0.17 misses a signal that comes while it does not wait for events
interrupt()
{
	while kill -INT $pid 2>/dev/null; do
		sleep 5
	done
	wait $pid
}

# during TOOL READY: starts it, allocates and frees buffers, and interrupts it. Whether it
# holds the module goes to /tmp/TOOL.held.
during()
{
	start "$1" "$2"
	holders >"/tmp/$1.held"
	# a tool may look ready a little before it listens
	for _ in 1 2 3 4 5 6 7 8; do
		echo '64K count=9' >$dir/alloc && echo '64K policy=vmalloc' >$dir/alloc && echo all >$dir/free
		sleep 1
	done
	interrupt
}

# The answer of rmmod, and who listens, as doc/runtime.md finds out
holders()
{
	rmmod kvdemo 2>&1
	sh /src/listeners
}

/usr/bin/tar -xi --keep-directory-symlink -C / -f /src/tools.tar && ldconfig
ok $? 'the tools are there'

# As make bench-host calls it, where the modules are
bench_host()
{
	(cd /src && scripts/bench/host /tmp/host/csv "$@") >/tmp/said 2>&1
}

priced()
{
	bench_host patterns=loop,hold sizes=4K,64K policies=native,backoff reps=2 &&
		shows /tmp/said '^bench-host: 16 cells in /tmp/host/csv, in ns$' &&
		shows /tmp/host/csv '^kernel,policy,.*,state,unit,run,seed$' \
			',backoff,hold,idle,ok,65536,.*,host,ns,2,-$' &&
		[ "$(cut -d, -f2 /tmp/host/csv | sed -n '2p;10p' | tr '\n' ' ')" = 'native backoff ' ] && unloaded
}

unloaded()
{
	grep '^kvdemo' /proc/modules | sed 's/^/# loaded: /' | grep . && return 1
	return 0
}

refused()
{
	! bench_host sizes=4X && unloaded
}
try 'bench-host prices the cells, in time and in turns, and unloads what it loaded' priced
try 'it also unloads where the bench refuses a parameter' refused
insmod /src/kvdemo.ko sizes=64

watched()
{
	insmod /src/kvdemo_live.ko || return
	calls 3 65536
	TERM=linux timeout 20 sh /src/operator1 >/tmp/watch
	shows /tmp/watch 'callers' 'hooks=ok' 'proc_sys_call_handler\+'
}
try 'watch shows the worst callers in a terminal' watched

exported()
{
	sh /src/operator2 && /src/promtool check metrics </tmp/kvdemo.prom &&
		shows /tmp/kvdemo.prom '^kvdemo_hooks_ok 1$' \
			'^kvdemo_calls_total\{caller="proc_sys_call_handler\+0x[0-9a-f/x]+",size_to="65536",policy="native"\} 3$' \
			'^kvdemo_failed_attempt_seconds_total\{.*\} [0-9.e-]+$' && rmmod kvdemo_live
}
try 'promtool takes what the recipe for node_exporter writes' exported

# D: a direct call, as a BPF program at the entry makes it
attached()
{
	grep -q '^kvmalloc_node .* D' /sys/kernel/tracing/enabled_functions
}

# seen N: the hooks see N calls, and then go
seen()
{
	calls "$1" 65536
	callers_have "$1" proc_sys_call_handler && rmmod kvdemo_live
}

beside_fentry()
{
	local status=0

	insmod /src/kvdemo_live.ko || return
	start fentry attached
	attached && seen 4 && insmod /src/kvdemo_live.ko && seen 5 || status=1
	interrupt
	shows /tmp/fentry '^@calls: [1-9]' && return $status
}
try 'beside a BPF program at the entry of kvmalloc, in either order, it sees every call' beside_fentry

opened()
{
	for fd in "/proc/$pid/fd/"*; do
		case $(readlink "$fd") in *perf_event*) return 0 ;; esac
	done
	return 1
}

enabled()
{
	[ "$(cat /sys/kernel/tracing/events/kvdemo/kvdemo_alloc/enable)" != 0 ]
}

reads()
{
	during "$1" "$2"
	shift 2
	shows "$@"
}

words='gfp=GFP_KERNEL\|__GFP_NOWARN .* policy=vmalloc path=vmalloc why=policy'
try 'perf trace prints paths, whys, policies and gfp by name' \
	reads perf opened /tmp/perf " size=65536 $words"
during trace-cmd enabled
trace-cmd report >/tmp/report 2>&1
try 'trace-cmd likewise, and the caller' \
	shows /tmp/report " kvdemo_alloc: .* caller=kvdemo_take\+[0-9a-fx]* .* size=65536 $words"
try 'bpftrace draws what the try cost each caller' \
	reads bpftrace opened /tmp/bpftrace '^@\[kvdemo_take\]:' '^\[0\] +[0-9]+ \|@' '^\[[0-9]+K, [0-9]+[KM]\) +[1-9][0-9]* \|@'

held()
{
	shows /tmp/perf.held 'temporarily unavailable' '/proc/[0-9]+/fd/.* anon_inode:\[perf_event\]' &&
		shows /tmp/bpftrace.held 'temporarily unavailable' '/proc/[0-9]+/fd/.* anon_inode:\[perf_event\]' &&
		shows /tmp/trace-cmd.held 'temporarily unavailable' '^events/kvdemo/kvdemo_alloc/enable:1$' &&
		rmmod kvdemo
}
try 'each holds the module while it listens, and doc/runtime.md finds it' held
