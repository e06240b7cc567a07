# SPDX-License-Identifier: GPL-2.0-only
# The tracepoints say what the log says, and the recipes of doc/runtime.md work.
. ./lib.sh

page=$(page_size)
trace=/sys/kernel/tracing
events=$trace/events/kvdemo

every_policy()
{
	for policy in noretry noreclaim backoff native kmalloc vmalloc; do
		for size in 0 1000 $((4 * page)) $((page + 1)); do
			put alloc "$size policy=$policy count=2"
		done
		put alloc "$largest policy=$policy"
	done
	put alloc "$((4 * page)) force_fallback=1"
	put free all
}

# Compares log and trace line by line, with - for 0
same()
{
	for key in size policy path why kmalloc_ns vmalloc_ns; do
		log | grep '^kvdemo: alloc ' | grep -o " $key=[^ ]*" | sed 's/=-$/=0/' >/tmp/log.$key
		grep '^kvdemo_alloc: ' /tmp/trace | grep -o " $key=[^ ]*" >/tmp/trace.$key
		[ "$(wc -l </tmp/log.$key)" -ge 40 ] || { echo "# few lines"; return 1; }
		cmp -s /tmp/log.$key /tmp/trace.$key && continue
		echo "# $key differs:"
		diff /tmp/log.$key /tmp/trace.$key | head -4 | sed 's/^/# /'
		return 1
	done
	for word in none slab pages vmalloc; do grep -q " path=$word " /tmp/trace || return; done
	for word in zero impossible forced policy too-large small contiguous; do
		grep -q " why=$word " /tmp/trace || return
	done
}

# perf, trace-cmd and bpftrace do not know our enums, so the event holds words.
words()
{
	for word in origin policy path why; do
		grep -q "field:char $word\[16\];" $events/kvdemo_alloc/format || return
	done
	! grep -E 'KVDEMO_[A-Z]' $events/kvdemo_alloc/format $events/kvdemo_free/format
}

named()
{
	! grep '^kvdemo_alloc: ' /tmp/trace | grep -vq ' origin=api caller=kvdemo_take+[0-9a-fx/]* \[kvdemo\] ' &&
		grep -q " size=1000 gfp=GFP_KERNEL|__GFP_RETRY_MAYFAIL node=-1 " /tmp/trace &&
		grep -q " size=$((4 * page)) gfp=GFP_KERNEL|__GFP_NOWARN node=-1 " /tmp/trace
}

# Each buffer is freed once, with the same address and path as at its allocation. The address
# is hashed, but not by 5.10, which lacks the option for it, nor where SLUB's debugging is on
# (KVSLOW).
freed()
{
	sed -n 's/^kvdemo_alloc: .* \(ptr=[^ ]*\) .* \(path=[slabpgevmoc]*\) .*/\1 \2/p' /tmp/trace |
		grep -v 'path=none' | sort >/tmp/got
	sed -n 's/^kvdemo_free: .* \(ptr=[^ ]*\) \(path=[^ ]*\)$/\1 \2/p' /tmp/trace |
		grep -v 'path=none' | sort >/tmp/given
	[ "$(wc -l </tmp/got)" -ge 30 ] && cmp /tmp/got /tmp/given &&
		{ [ "$KVSLOW" ] || [ ! -e $trace/options/hash-ptr ] || ! grep -E 'ffff[0-9a-f]{12}' /tmp/trace; }
}

# called REGEX TESTS: only these tests run, an event matches, all come from the module
called()
{
	events insmod /kvdemo_test.ko only="$2"
	rmmod kvdemo_test
	grep '^kvdemo_alloc: ' /tmp/trace >/tmp/alloc
	! grep -v ' origin=api caller=[a-z_.0-9]*+[0-9a-fx/]* \[kvdemo_test\] ' /tmp/alloc |
		sed 's/^/# /' | grep . && grep -Eq "$1" /tmp/alloc
}

# Events name the caller of each form of the API, and the rarer reasons.
callers()
{
	called ' caller=with_macros[+.]' family && called ' why=invalid ' refused &&
		called ' why=kmalloc-failed ' backoff &&
		{ [ -n "$KVSLOW" ] || grep -q ' why=backoff ' /tmp/alloc; }
}

silent()
{
	: >$trace/trace
	put alloc "$((4 * page)) count=5" && put free all && ! grep -q kvdemo $trace/trace
}

# in_use: rmmod is refused, and the module still works
in_use()
{
	! rmmod kvdemo 2>/tmp/err && grep -q 'temporarily unavailable' /tmp/err &&
		put alloc $((4 * page)) && put free all
}

# listeners REGEX...: the page's commands show each; none: nobody listens
listeners()
{
	sh /listeners >/tmp/shown
	[ $# -gt 0 ] || { ! grep . /tmp/shown; return; }
	shows /tmp/shown "$@"
}

# held_by EVENT FILE LINE UNDO: the line in the event's file makes it listen
held_by()
{
	echo "$3" >"$1/$2" && in_use && listeners "^$1/$2:${3%%:*}" && echo "$4" >"$1/$2" && listeners
}

# From 6.14 on a tracer can wait for a module. It holds one that loads, and releases one
# that fails to load.
awaited()
{
	rmmod kvdemo || return
	if echo :mod:kvdemo >$trace/set_event; then
		insmod /kvdemo.ko policy=x && return 1
		echo :mod:kvdemo >$trace/set_event && insmod /kvdemo.ko sizes=64 && in_use &&
			echo 0 >$events/enable
	else
		insmod /kvdemo.ko sizes=64
	fi
} 2>/dev/null

# Listeners in tracefs, also in an instance of it, for each event
listened()
{
	mkdir $trace/instances/other
	cd $trace || return
	for event in events/kvdemo/kvdemo_alloc events/kvdemo/kvdemo_free instances/other/events/kvdemo/kvdemo_alloc; do
		held_by $event enable 1 0 && held_by $event trigger stacktrace '!stacktrace' &&
			listeners || return
	done
	held_by events/kvdemo/kvdemo_alloc trigger 'hist:keys=path' '!hist:keys=path' ||
		[ ! -e $events/kvdemo_alloc/hist ] || return
	cd / && rmdir $trace/instances/other && awaited
}

# These files belong to the kernel and hold no reference. SECURITY.md says why no test
# reads on.
unloaded()
{
	exec 5<$events/kvdemo_alloc/format 6<$events/kvdemo_alloc/id
	mark
	rmmod kvdemo && [ ! -e $events ] && has ' leaked=0$' && insmod /kvdemo.ko sizes=64
	status=$?
	exec 5<&- 6<&-
	return $status
}

# recipe NUMBER CHECK: the commands of the page around some allocations, whose log is in
# /tmp/said; the check looks at what the last command prints
recipe()
{
	mark
	sh -e "/recipe$1.start" && put alloc "$((4 * page)) count=7" &&
		put alloc "$((4 * page)) count=2 force_fallback=1" &&
		put alloc '2M policy=vmalloc' && put alloc '100 policy=native' && put free all
	timeout 5 sh "/recipe$1.show" >/tmp/shown
	sh -e "/recipe$1.end" || return
	log >/tmp/said
	"$2"
}

counts()
{
	set -- ' policy: noretry +, path: pages +, why: contiguous +} hitcount: +7$' \
		' policy: noretry +, path: vmalloc +, why: forced +} hitcount: +2$' \
		' policy: vmalloc +, path: vmalloc +, why: policy +} hitcount: +1$' \
		' policy: native +, path: slab +, why: small +} hitcount: +1$'
	shows /tmp/shown "$@" && [ "$(grep -c "} hitcount:" /tmp/shown)" -eq 4 ]
}

# The log has the same prices: bucket n holds more than 2^(n-1), at most 2^n.
prices()
{
	awk '/kmalloc_ns=[1-9]/ {
		for (i = 3; i <= NF; i++) { split($i, kv, "="); v[kv[1]] = kv[2] }
		n[log2(v["size"]) " " log2(v["kmalloc_ns"])]++
	}
	function log2(x, n, p) { for (p = 1; p < x; p *= 2) n++; return n + 0 }
	END { for (i in n) print i, n[i] }' /tmp/said | sort -n >/tmp/wanted
	sed -n 's/.* size: ~ 2^\([0-9]*\) *, kmalloc_ns: ~ 2^\([0-9]*\) *} hitcount: *\([0-9]*\)$/\1 \2 \3/p' \
		/tmp/shown | sort -n >/tmp/seen
	[ -s /tmp/wanted ] && cmp -s /tmp/wanted /tmp/seen && return
	diff /tmp/wanted /tmp/seen | sed 's/^/# /'
	return 1
}

fallbacks()
{
	ns=$(sed -n 's/^kvdemo: alloc size=2097152 .* vmalloc_ns=\([0-9]*\) .*/\1/p' /tmp/said)
	shows /tmp/shown "caller: \[[0-9a-f]+\] kvdemo_take .*size: +2097152 .*hitcount: +1 +kmalloc_ns: +0 +vmalloc_ns: +$ns\$"
}

large()
{
	shows /tmp/shown 'kvdemo_alloc: .* size=2097152 .* path=vmalloc why=policy' &&
		[ "$(grep -c kvdemo_alloc: /tmp/shown)" -eq 1 ]
}

hist()
{
	local why=

	[ -e $events/kvdemo_alloc/hist ] || why='this kernel has no hist triggers'
	try_unless "$why" "$1" recipe "$2" "$3"
}

mark
insmod /kvdemo.ko cap=1G
# the boundary above which only vmalloc serves
largest=$(log | sed -n 's/^kvdemo: alloc size=\([0-9]*\) .* why=too-large .*/\1/p')
mark
events every_policy
try 'log and kvdemo_alloc say the same, in the same words' same
try 'caller, origin and gfp by name' named
try 'for tools the format has words, no enum' words
try 'every buffer has its kvdemo_free' freed
try 'callers of the API are named' callers
try 'switched off they are silent' silent
try 'rmmod is refused while somebody listens, and doc/runtime.md finds out who' listened
try 'it unloads while files of its events are open' unloaded
hist 'recipe 1: paths and reasons by policy' 1 counts
hist 'recipe 2: what the try costs, by size' 2 prices
hist 'recipe 3: who falls back' 3 fallbacks
try 'recipe 4: what is larger than 1 MiB' recipe 4 large
rmmod kvdemo
