# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# The tests of kvdemo_test.ko, and what the kernel's own tables say beside them.
# shellcheck source=tests/guest/lib.sh
. /lib.sh

# /proc/vmallocinfo counts the pages of each buffer by node: N0=16
counted_on()
{
	insmod /kvdemo.ko sizes=64K policy=vmalloc hold=1 node="$1" || return
	grep '\[kvdemo\]' /proc/vmallocinfo >/tmp/info
	rmmod kvdemo
	pages=$(sed -n "s/.* pages=\([0-9]*\) .*/\1/p" /tmp/info)
	sum=$(grep -o ' N[0-9]*=[0-9]*' /tmp/info | awk -F= '{ n += $2 } END { print n }')
	[ "$pages" -gt 0 ] && [ "$sum" = "$pages" ] &&
		has "path=vmalloc why=policy node=$(grep -o ' N[0-9]*=' /tmp/info |
			tr -d ' N=\n') "
}

mark
try 'the module loads' insmod /kvdemo.ko sizes=64
mark
try 'the test module loads' insmod /kvdemo_test.ko dirty=1 native="$KVNATIVE"
tap
try 'both unload' sh -c 'rmmod kvdemo_test && rmmod kvdemo'
try 'no vmalloc area without an owner is left' \
	sh -c '! grep -E " 0x[0-9a-f]+ pages=" /proc/vmallocinfo'
mark
name='the node in the log is the node in /proc/vmallocinfo'
if [ -d /sys/devices/system/node ]; then
	try "$name" counted_on 0
else
	echo "ok - $name # SKIP a kernel without NUMA counts no nodes"
fi
