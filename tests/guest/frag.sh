# SPDX-License-Identifier: GPL-2.0-only
# The fragmenter, judged by /proc/buddyinfo, /proc/meminfo and kvdemo.
. ./lib.sh

# blocks ORDER: free blocks of that order and above in zones below HighMem
blocks()
{
	awk -v order="$1" '!/HighMem|Movable/ { for (i = 5 + order; i <= NF; i++) n += $i }
		END { print n + 0 }' /proc/buddyinfo
}

value()
{
	log | sed -n "s/^kvdemo_frag: .*\b$1=\([0-9]*\).*/\1/p" | head -1
}

# Of thousands of blocks a few may be free again, because other processes free memory.
few=64

# MiB that the kernel itself may have taken meanwhile
slack=8

# The attempts that may fail before policy backoff skips one, where pages can be moved:
# BACKOFF_BURST of kvdemo_backoff.h
burst=24

# MiB: the count of free pages of each of two CPUs lags by up to 125
# (calculate_normal_threshold()), and figures in MiB are rounded down.
drift=$(((2 * 125 * KVPAGE + 1048575) / 1048576))

# MiB free, with pages on pcplists, which MemFree leaves out: 3 to 8 MiB on 7.3 and with
# large pages
mib_unused()
{
	awk -v page="$KVPAGE" '/^MemFree:/ { kib = $2 } /^ *count:/ { listed += $2 }
		END { print int((kib + listed * page / 1024) / 1024) }' /proc/meminfo /proc/zoneinfo
}

fragments()
{
	insmod /kvdemo_frag.ko || return
	above=$(blocks 4)
	echo "# blocks of order 4 and above: $above, free: $(mib_free) MiB"
	[ "$above" -le "$few" ]
}

# Many, because pcplists hide single pages that together form blocks. The first failure
# wakes kcompactd, which drains them.
hold_many()
{
	size=$((KVPAGE * 16))
	count=$((160 * 1048576 / size))
	[ $count -le 1000 ] || count=1000
	mark
	insmod /kvdemo.ko sizes=$size count=$count hold=1 policy="$1" cap=1G && rmmod kvdemo
}

falls_back()
{
	hold_many noreclaim || return
	n=$(log | grep -c 'path=vmalloc why=kmalloc-failed')
	echo "# fell back: $n of $count"
	[ $((n * 2)) -ge $count ]
}

# period_begins MIN MAX: MIN to MAX attempts fail before policy backoff skips one. A second
# without a failure comes first, because only then a burst begins. A period lasts 10 ms
# at most, and on a busy host few attempts fall into one: then another round is made.
period_begins()
{
	for _ in 1 2 3 4 5; do
		sleep 1.5
		hold_many backoff || return
		first=$(log | awk '/ why=kmalloc-failed / { n++ } / why=backoff / { print n; exit }')
		echo "# failures before the first skipped attempt: ${first:-none was skipped}"
		[ "${first:-$1}" -ge "$1" ] || return 1
		[ "${first:-$(($2 + 1))}" -gt "$2" ] || return 0
	done
	return 1
}

# The pages of a file can be moved. These are a quarter of memory, twice what is needed.
with_movable()
{
	mkdir -p /tmp/m
	mount -t tmpfs movable /tmp/m || return
	dd if=/dev/zero of=/tmp/m/file bs=64k count=2048 && "$@"
	code=$?
	umount /tmp/m
	return $code
}

# Each round frees a block that is sixteen times as large, right after a period has begun.
# Only shell builtins do this, because a period lasts 10 ms at most. The next request is a
# byte smaller, so that the log tells it from those before.
larger_ends_it()
{
	for id in 1 2 3 4 5; do
		echo "$size policy=backoff count=40" >"$dir/alloc"
		echo $id >"$dir/free"
		echo "$((size - 1)) policy=backoff" >"$dir/alloc"
	done
	skipped=$(log | grep -c ' why=backoff ')
	n=$(log | grep -c "size=$((size - 1)) .* path=pages why=contiguous")
	echo "# skipped attempts: $skipped, contiguous afterwards: $n of 5"
	[ "$skipped" -ge 5 ] && [ "$n" -eq 5 ]
}

ends_in_period()
{
	dir=/sys/kernel/debug/kvdemo size=$((KVPAGE * 16))
	insmod /kvdemo.ko sizes=64 cap=1G && echo "$((16 * size)) policy=kmalloc count=5" >"$dir/alloc" &&
		insmod /kvdemo_frag.ko && mark && with_movable larger_ends_it
	code=$?
	rmmod kvdemo kvdemo_frag
	return $code
}

# The n-th fallback of /tmp/trace is the n-th of /tmp/why. Of 0xcc0, GFP_KERNEL, 0x800 is
# __GFP_KSWAPD_RECLAIM. How many attempts are skipped depends on the speed of the machine.
quiet_above_the_mark()
{
	awk 'FILENAME == "/tmp/why" { why[++whys] = $1; next }
		/wakeup_kcompactd/ { wakes[quiet]++ }
		/ gfp=0x/ {
			quiet = / gfp=0x[0-9a-f]*[0-7]..$/
			n[why[++i], quiet]++
			late = quiet ? 0 : late + (why[i] == "backoff")
		}
		END {
			skipped = n["backoff", 1]; early = n["backoff", 0] - late
			print "# " i + 0 " fallbacks of " whys + 0 "; in a period, without kswapd: " \
				skipped + 0 ", with it before: " early + 0 ", and at the end: " late + 0 \
				"; after an attempt, without it: " n["kmalloc-failed", 1] + 0 \
				"; wake-ups of kcompactd: " wakes[1] + 0 " and " wakes[0] + 0
			if (i != whys || early > 2 + skipped / 4 || n["kmalloc-failed", 1])
				exit 1
			exit skipped < 5 || late < 5 ? 2 : wakes[0] <= wakes[1]
		}' /tmp/why /tmp/trace
}

# The flags of each fallback, and the wake-ups of kcompactd, while buffers of 125 MiB take
# free memory through the high watermark. It is put 50 MiB below what is free, so the lowest
# is some 30 MiB below what stays.
through_the_marks()
{
	insmod /kvdemo_frag.ko && cd /sys/kernel/tracing || return
	marks=$(cat /proc/sys/vm/min_free_kbytes)
	# Otherwise requests that break up blocks of another type raise the marks for a moment.
	echo 0 >/proc/sys/vm/watermark_boost_factor
	# the high watermark is one and a half times the lowest
	echo $((($(kib MemFree) - 51200) * 2 / 3)) >/proc/sys/vm/min_free_kbytes
	# shellcheck disable=SC2016 # tracefs knows $arg2
	echo 'p:kvdemo_fallback __vmalloc_noprof gfp=$arg2:x32' >kprobe_events
	echo 1 >events/kprobes/kvdemo_fallback/enable
	echo 1 >events/compaction/mm_compaction_wakeup_kcompactd/enable
	# The default size would lose the first of a thousand requests and their wake-ups.
	echo 8192 >buffer_size_kb
	: >trace
	mark
	size=$((KVPAGE > 4096 ? 16 * KVPAGE : 131072))
	insmod /kvdemo.ko sizes=$size count=$((131072000 / size)) hold=1 policy=backoff cap=1G &&
		rmmod kvdemo
	code=$?
	echo 0 >events/enable
	# the end of an event empties the trace
	cat trace >/tmp/trace
	echo >kprobe_events
	echo "$marks" >/proc/sys/vm/min_free_kbytes
	rmmod kvdemo_frag
	log | sed -n 's/.* path=vmalloc why=\([a-z-]*\) .*/\1/p' >/tmp/why
	quiet_above_the_mark && [ $code -eq 0 ] && lacks 'path=none'
}

# On a busy host few requests fall into a period: then another round is made.
quiet()
{
	for _ in 1 2 3 4 5; do
		code=0
		through_the_marks || code=$?
		[ $code -eq 2 ] || return $code
	done
	return 1
}

gives_back()
{
	before=$1
	rmmod kvdemo_frag || return
	after=$(mib_unused)
	echo "# free: $before MiB before, $after after"
	[ "$after" -ge $((before - slack - drift)) ] && has 'given back=([0-9]+) of kept=\1 pages'
}

contiguous_again()
{
	mark
	insmod /kvdemo.ko sizes=$((KVPAGE * 256)) count=5 || return
	n=$(log | grep -c 'path=pages why=contiguous')
	rmmod kvdemo
	[ "$n" -eq 5 ]
}

keeps_share()
{
	insmod /kvdemo_frag.ko share=10 order=1 || return
	free=$(value free) kept=$(value kept)
	rmmod kvdemo_frag
	echo "# kept $kept of $free pages"
	[ "$kept" -gt $((free / 11)) ] && [ "$kept" -le $((free / 10)) ]
}

leaves_reserve()
{
	reserve=$(($(mib_free) * 3 / 4))
	insmod /kvdemo_frag.ko share=60 reserve=$reserve order=1 || return
	left=$(mib_free) unused=$(mib_unused)
	rmmod kvdemo_frag
	echo "# reserve=$reserve MiB, left: $left MiB, with the lists of the CPUs $unused MiB"
	[ "$unused" -ge $((reserve - 1 - drift)) ] && [ "$left" -lt $((reserve + 24)) ]
}

# KVMINORDER: the lowest order of which this kernel needs no free block to work
down_to_order()
{
	order=${KVMINORDER:-2}
	insmod /kvdemo_frag.ko order="$order" || return
	above=$(blocks "$order") below=$(($(blocks $((order - 1))) - above))
	rmmod kvdemo_frag
	echo "# blocks of order $order and above: $above, of the one below: $below"
	[ "$above" -le "$few" ] && [ "$below" -gt 1000 ]
}

# refused LINE PARAMETER: insmod fails, with this line and no other
refused()
{
	mark
	insmod /kvdemo_frag.ko "$2" 2>/dev/null && return 1
	has "^kvdemo_frag: $1" && lacks 'kvdemo_frag: (free|fragmented)'
}

# The kill comes when the module appears in the list: its load is then under way, and
# with a low order it takes long.
interrupted()
{
	before=$(mib_unused)
	for round in 1 2 3 4 5; do
		mark
		insmod /kvdemo_frag.ko order="${KVMINORDER:-1}" &
		until grep -q '^kvdemo_frag ' /proc/modules || ! kill -0 $!; do :; done
		kill -KILL $!
		wait
		! log | grep -q 'interrupted: nothing is kept' || break
		! grep -q '^kvdemo_frag ' /proc/modules || rmmod kvdemo_frag
	done
	after=$(mib_unused)
	echo "# killed in round $round, free: $before MiB before, $after after"
	has 'interrupted: nothing is kept' && [ "$after" -ge $((before - slack - drift)) ] &&
		! grep -q '^kvdemo_frag ' /proc/modules
}

shorten_pcplists
mark
free=$(mib_unused)
try 'no block above the costly order is left' fragments
try 'kmalloc falls back for real' falls_back
try 'rmmod gives all back' gives_back "$free"
try 'memory is contiguous again' contiguous_again
mark
try 'share= caps what is kept' keeps_share
try 'reserve= stays free' leaves_reserve
try 'order= leaves the smaller blocks' down_to_order
try 'share=0 is refused' refused 'share=0 is out of range: allowed is 1 to 60' share=0
try 'reserve=1 is refused' refused 'reserve=1 is out of range: allowed is 16' reserve=1
try 'order=99 is refused' refused 'order=99 is out of range: allowed is 1 to [0-9]' order=99
try 'a kill gives all back' interrupted
# Last, because this fills caches of the kernel, and memory there is not given back.
insmod /kvdemo_frag.ko
slow=${KVSLOW:+"a back-off period is over before a buffer is filled"}
try_unless "$slow" 'a back-off period begins at once where no page can be moved' period_begins 1 "$burst"
try_unless "$slow" 'a back-off period begins after 24 failures where pages can be moved' \
	with_movable period_begins $((burst + 1)) 200
rmmod kvdemo_frag
try_unless "$slow" 'it ends there for a larger block' ends_in_period
loud=${slow:-${KVLOUD:+"vmalloc wakes nobody before 6.19"}}
try_unless "$loud" 'in a back-off period kswapd is called below the high watermark only' quiet
