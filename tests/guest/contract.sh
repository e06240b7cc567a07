# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# Each breach of the contract makes the kernel WARN once, in kvdemo's own code.
# shellcheck source=tests/guest/lib.sh
. /lib.sh

insmod /kvdemo.ko sizes=64
for number in 1 2 3 4; do
	echo 1 >/sys/kernel/debug/clear_warn_once
	mark
	insmod /kvdemo_test.ko warn=$number
	tap
	rmmod kvdemo_test
	ok $(($(log | grep -c 'WARNING: .*kvdemo_alloc\.c') - 1)) "case $number warned once"
done
rmmod kvdemo
