# SPDX-License-Identifier: GPL-2.0-only
# kvdemo_live.ko under random requests, faults and loads, and beside a live patch, suspend
# and a task that sleeps in its attempt
. ./lib.sh

debug=/sys/kernel/debug
patch=/sys/kernel/livepatch/kvdemo_patch
fire=/sys/module/kvdemo_test/parameters

insmod /kvdemo.ko sizes=64
insmod /kvdemo_test.ko
echo unhooked >$fire/live

# Each of the four policies has a quarter of the requests. On the debug kernel allocations fail.
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
try "$KVREQUESTS random requests, under four policies, keep their contents" random

loads()
{
	load_in_flight "$KVLOADS" 16384 65536 262144 || return
	log | sed -n 's/^kvdemo_live: stopped .* unhook_ms=//p' | sort -n |
		awk '{ v[NR] = $1 } END { print "# unhook_ms: median", v[int((NR + 1) / 2)], "most", v[NR], "of", NR }'
	echo "# count: loads=$KVLOADS"
}
try "$KVLOADS loads and unloads while all CPUs allocate, and no mark is left" loads

# until_ok COMMAND...: waits until it succeeds, for 30 s at most
until_ok()
{
	local tries=0

	until "$@" 2>/dev/null; do
		[ $((tries += 1)) -le 150 ] || return
		sleep 0.2
	done
}

patched()
{
	[ "$(cat $patch/transition)" = 0 ]
}

# First the hooks come before the live patch, then after it. From 6.19 on this patch hides the
# fallback, because its __vmalloc() would warn of the mark. The calls are still counted, with
# the one that warms up.
beside_patch()
{
	local hidden='its fallback was not seen as it was made'

	live policy=noretry callers=vmlinux && insmod /kvdemo_patch.ko && until_ok patched || return
	/calls listxattr 50 >/dev/null
	[ "$(cat /sys/module/kvdemo_patch/parameters/calls)" -ge 45 ] || return
	if [ "$(release)" -ge 6019 ]; then
		callers_have 51 listxattr "blind: $hidden" &&
			! live policy=backoff callers=vmlinux 2>/dev/null &&
			has "kvdemo_live: cannot watch .*: $hidden"
	else
		callers_have 51 listxattr && live policy=backoff callers=vmlinux &&
			/calls listxattr 60 >/dev/null && callers_have 61 listxattr
	fi && echo 0 >$patch/enabled && until_ok rmmod kvdemo_patch
}
why=
[ -e /kvdemo_patch.ko ] || why='the kernel has no live patches'
try_unless "$why" 'beside a live patch of kvmalloc, in either order, it sees every call or says that it is blind' beside_patch

suspended()
{
	live policy=backoff callers=all || return
	{ /calls listxattr 30000 >/dev/null; : >/tmp/called; } &
	# An alarm that came before the machine sleeps would not wake it.
	echo +10 >$clock && echo mem >/sys/power/state && [ ! -e /tmp/called ] || return
	wait
	has 'PM: suspend exit' && callers_have 30001 listxattr
}
clock=/sys/class/rtc/rtc0/wakealarm
why=
{ grep -qw mem /sys/power/state && [ -e $clock ]; } 2>/dev/null || why='the kernel cannot suspend'
try_unless "$why" 'the machine sleeps and wakes while calls are made: every call is counted' suspended

# From 5.18 on, in a cgroup above memory.high, an attempt sleeps for up to 2 s after it got its
# pages. RCU tasks does not wait for a task that has slept, so rmmod does not.
sleeps()
{
	stack=/proc/$sleeper/stack
	grep -q mem_cgroup_handle_over_high "$stack" && grep -q kvmalloc "$stack"
}

asleep()
{
	live policy=noretry callers=kvdemo_test || return
	sh -c "echo \$\$ >/cg/high/cgroup.procs; dd if=/dev/zero of=/tmp/fill bs=1M count=40 2>/dev/null
		echo 8M >/cg/high/memory.high; echo group >$fire/live_short 2>/dev/null" &
	sleeper=$!
	until_ok sleeps && rmmod kvdemo_live || return
	log | sed -n 's/^kvdemo_live: stopped .* unhook_ms=/# unhook_ms: /p' | tail -n 1
	until_ok sleeps && echo max >/cg/high/memory.high && wait &&
		[ "$(cat $fire/live_leaked)" -eq 0 ]
}
why=
memory_group high 2>/dev/null || why='the kernel has no memory cgroups of version 2'
try_unless "$why" 'it unloads while a task sleeps in its attempt' asleep

try 'then it unloads' unload kvdemo_test kvdemo
