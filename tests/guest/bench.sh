# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# One state of memory, for scripts/bench: KVSTATE says which. Then each line on
# the second serial port is the parameters of a cell, and its CSV goes back.
# shellcheck source=tests/guest/lib.sh
. /lib.sh

mib_free()
{
	awk '/^MemFree:/ { print int($2 / 1024) }' /proc/meminfo
}

# Order 2 and above, for 16 KiB is the smallest size that shall fall back. Order
# 1 is left: 6.1 would rather kill than not fork. What direct compaction can still
# make of the pages of user space is held, too: afterwards it finds nothing.
unmovable()
{
	insmod /kvdemo_frag.ko order=2 &&
		insmod /kvdemo.ko sizes=16K count=1000 policy=kmalloc hold=1
}

# tee writes both files by turns, so their pages alternate; then one file goes.
# What was free beside them is fragmented for good, and a third file fills up to
# the level: $1 MiB are left.
movable()
{
	mkdir /tmp/m
	mount -t tmpfs -o size=100%,huge=never movable /tmp/m ||
		mount -t tmpfs -o size=100% movable /tmp/m
	head -c $(($(mib_free) - 64))M /dev/zero | tee /tmp/m/a >/tmp/m/b &&
		head -c 1M /dev/zero >/tmp/m/c
}

settle()
{
	calm=0
	while [ "$calm" -lt 20 ]; do
		sleep 0.1
		read -r _ _ _ running _ </proc/loadavg
		calm=$((calm + 1))
		[ "${running%/*}" -le 1 ] || calm=0
	done
}

# The files of the initramfs are pages that compaction could move, else.
echo 0 >/proc/sys/vm/compact_unevictable_allowed
case $KVSTATE in
idle) insmod /kvdemo.ko sizes=64 ;;
unmovable) unmovable ;;
esac
settle
stty -F /dev/ttyS1 raw -echo
exec 3<>/dev/ttyS1
echo ready >&3
while read -r line <&3; do
	[ "$line" != end ] || break
	# shellcheck disable=SC2086 # a list of parameters
	insmod /kvdemo_bench.ko $line && cat /sys/kernel/debug/kvdemo_bench/csv >&3
	# The console is to be done with its lines before the next state comes.
	sleep 1
	echo "done" >&3
done
