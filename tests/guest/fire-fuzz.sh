# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# KVLOADS loads with random parameters.
# shellcheck source=tests/guest/lib.sh
. /lib.sh

# Refusals are many, and each is a line: only the exits are kept.
fuzz_loads()
{
	/fuzz load "$KVSEED" "$KVLOADS" /kvdemo.ko kvdemo && [ ! -d /sys/module/kvdemo ]
}

mark
try "$KVLOADS random parameter strings" fuzz_loads
try 'none of them leaked' lacks 'kvdemo: exit .*leaked=[1-9]'
mark
insmod /kvdemo.ko
try 'then it loads as ever' has '^kvdemo: summary .* none=0 '
rmmod kvdemo
