# SPDX-License-Identifier: GPL-2.0-only
# KVLOADS loads with random parameters, KVWRITES writes to the debugfs files.
. ./lib.sh

debug=/sys/kernel/debug/kvdemo

fuzz_loads()
{
	/fuzz load "$KVSEED" "$KVLOADS" /kvdemo.ko kvdemo && [ ! -d /sys/module/kvdemo ]
}

try "$KVLOADS random parameter strings" fuzz_loads

fuzz_writes()
{
	insmod /kvdemo.ko cap=32M sizes=64 || return
	# Two at a time on the same files, most of them on those that do most
	set -- $debug/alloc $debug/alloc $debug/alloc $debug/free $debug/*
	/fuzz write "$KVSEED" $((KVWRITES / 2)) "$@" &
	/fuzz write $((KVSEED + 1)) $((KVWRITES / 2)) "$@" || return
	wait $!
}
try "$KVWRITES random writes to debugfs" fuzz_writes
mark
rmmod kvdemo
try 'and it unloads, with nothing leaked' has '^kvdemo: exit .* leaked=0$'
mark
insmod /kvdemo.ko
try 'then it loads as ever' has '^kvdemo: summary .* none=0 '
rmmod kvdemo
