# SPDX-License-Identifier: GPL-2.0-only
# The tests of kvdemo_test.ko, and the kernel's own tables beside them.
. ./lib.sh

# /proc/vmallocinfo counts the pages of each buffer by node: N0=16
counted_on()
{
	insmod /kvdemo.ko sizes=64K policy=vmalloc hold=1 node="$1" || return
	grep '\[kvdemo\]' /proc/vmallocinfo >/tmp/info
	rmmod kvdemo
	# Before 6.16 the kernel exports no vmalloc that takes both flags and a node.
	if [ "$KVNATIVE" = noretry ]; then
		has '^kvdemo: node=[0-9]* acts on the contiguous try only: before 6.16' || return
	else
		lacks 'acts on the contiguous try only' || return
	fi
	pages=$(sed -n "s/.* pages=\([0-9]*\) .*/\1/p" /tmp/info)
	sum=$(grep -o ' N[0-9]*=[0-9]*' /tmp/info | awk -F= '{ n += $2 } END { print n }')
	[ "$pages" -gt 0 ] && [ "$sum" = "$pages" ] &&
		has "path=vmalloc why=policy node=$(grep -o ' N[0-9]*=' /tmp/info |
			tr -d ' N=\n') "
}

mark
try 'the module loads' insmod /kvdemo.ko sizes=64
mark
release=$(release)
# 6.19 and 7.0 would warn about RETRY_MAYFAIL in __vmalloc().
case $release in
6019 | 7000) mayfail=0 ;;
*) mayfail=1 ;;
esac
nomemalloc=$((release < 6019))
try 'the test module loads' insmod /kvdemo_test.ko only= native="$KVNATIVE" \
	mayfail=$mayfail nomemalloc=$nomemalloc
tap

# confined COMMAND...: COMMAND binds memory to node 1, and runs the module's test there
confined()
{
	mark
	"$@" sh -c 'echo 1 >/sys/module/kvdemo_test/parameters/confined'
	code=$?
	tap
	return $code
}

in_cpuset()
(
	mkdir -p /cs/one && cd /cs/one && echo 0-1 >cpuset.cpus && echo 1 >cpuset.mems &&
		echo 1 >cpuset.mem_hardwall && in_group . "$@"
)
why='this kernel has no cpusets of cgroup version 1, or no node 1'
mkdir /cs
[ -d /sys/devices/system/node/node1 ] && mount -t cgroup -o cpuset cs /cs 2>/dev/null && why=
no_cpuset=$why
try_unless "$why" 'failures in a cpuset without blocks start no back-off period' confined in_cpuset
why=
[ -x /bind ] || why='the kmalloc of this kernel ignores memory policies, or there is no helper for it'
try_unless "$why" 'nor do failures under a memory policy' confined /bind 1
try 'both unload' sh -c 'rmmod kvdemo_test && rmmod kvdemo'

# An eighth of one node, and of both
cap_of_one_node()
{
	local inside outside

	inside=$(default_cap in_cpuset insmod) && outside=$(default_cap insmod) || return
	echo "# cap=$inside in the cpuset, cap=$outside outside"
	[ "$inside" -gt 0 ] && [ $((inside * 3 / 2)) -lt "$outside" ]
}
try_unless "$no_cpuset" 'the default cap leaves out nodes that a cpuset excludes' cap_of_one_node
try 'no vmalloc area without an owner is left' \
	sh -c '! grep -E " 0x[0-9a-f]+ pages=" /proc/vmallocinfo'
mark
why=
[ -d /sys/devices/system/node ] || why='a kernel without NUMA counts no nodes'
try_unless "$why" 'the node in the log is the node in /proc/vmallocinfo' counted_on 0

# area SIZE POLICY: the bytes of address space that a held buffer takes
area()
{
	insmod /kvdemo.ko sizes="$1" policy="$2" hold=1 || return
	awk '/\[kvdemo\] pages=/ && $2 > max { max = $2 } END { print max }' /proc/vmallocinfo
	rmmod kvdemo
}

# If the kernel's own fallback maps huge pages, it rounds up to them.
huge()
{
	mark
	insmod /kvdemo.ko
	size=$(log | sed -n 's/^kvdemo: alloc size=\([0-9]*\) .* why=too-large .*/\1/p')
	rmmod kvdemo
	ours=$(area "$size" noretry)
	native=$(area "$size" native)
	echo "# size=$size: ours takes $ours bytes, native $native"
	[ "$ours" -gt "$size" ] || return
	if [ "$KVHUGE" = yes ]; then
		[ "$native" -gt "$ours" ]
	else
		[ "$native" -eq "$ours" ]
	fi
}

maps_huge()
{
	ours=$(area "$size" backoff)
	plain=$(area "$size" noretry)
	echo "# size=$size: backoff takes $ours bytes, noretry $plain"
	if [ "$KVHUGE" = yes ] && [ "$dearer" = 0 ]; then
		[ "$ours" -gt "$plain" ]
	else
		[ "$ours" -eq "$plain" ]
	fi
}

# At KMALLOC_MAX_SIZE + 1 more than an eighth would be padding, at twice as much less a page
# little is. With pages of 64 KiB it is an eighth at both.
backoff_huge()
{
	[ "$(area "$size" backoff)" -eq "$(area "$size" noretry)" ] ||
		[ $(((native - $(page_size) - size) * 8)) -le "$size" ] || return
	size=$((2 * (size - 1) - $(page_size)))
	# the tests before have fragmented memory
	echo 1 >/proc/sys/vm/compact_memory
	maps_huge
}
# kvdemo_compat_huge_is_cheaper(): from 6.7 to 7.1 it depends on the pcplist.
dearer=$((release >= 6007 && release < 7002))
try 'above KMALLOC_MAX_SIZE noretry maps no huge pages, native as tests/targets says' huge
try 'but for backoff, where they are cheaper' backoff_huge
shorten_pcplists
dearer=0
try 'and where pcplists are short' maps_huge
