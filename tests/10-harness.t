#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The harness must see what it is there to see: guests that go wrong on purpose.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# ends STATUS MESSAGE NAME GUEST-SCRIPT [BOOT OPTION...]
ends()
{
	local status=0 wanted=$1 message=$2 name=$3

	printf '. /lib.sh\n%s\n' "$4" >"$work/$wanted.sh"
	scripts/boot -t 60 "${@:5}" -l "build/log/$TARGET-harness-$wanted.log" "$TARGET" \
		"$work/$wanted.sh" "$built/kvdemo.ko" "$built/kvdemo_test.ko" \
		>"$work/out" 2>&1 || status=$?
	[ "$status" -eq "$wanted" ] && grep -q -- "$message" "$work/out" &&
		{ [[ $wanted == [02] ]] || grep -q 'serial log: .*/build/log/' "$work/out"; }
	ok $? "$name" "$work/out"
}

plan 15
set +e
ends 0 'ok - .*: verdict of the guest' 'a good guest passes' \
	'ok 0 one; ok 0 two' -p 2
ends 1 'a test failed in the guest' 'a failed test is red' 'ok 1 one' -p 1
ends 1 'its script ended with 7' 'so is a script that fails without one' 'ok 0 one; exit 7' -p 1
# shellcheck disable=SC2016 # for the guest's shell
ends 1 'a test failed in the guest' 'so is one in front of a long log' \
	'ok 1 one; i=0; while [ $((i += 1)) -lt 400 ]; do echo "# $i filler of a long log"; done' -p 1
ends 3 'panicked: .*sysrq triggered crash' 'a panic is red' \
	'echo c >/proc/sysrq-trigger'
ends 3 'panicked: .*panic_on_warn set' 'a WARN is red' \
	'insmod /kvdemo.ko sizes=1; insmod /kvdemo_test.ko warn=1; ok 0 one'
ends 4 'splat in the log: BUG: on purpose' 'a splat without a panic is red' \
	'echo "BUG: on purpose" >/dev/kmsg; ok 0 one' -p 1
ends 4 'wrong number of warnings: 0 seen, 1 expected' 'a WARN that did not come is red' \
	'ok 0 one' -w 1
ends 5 'time-out: no end within 12 s' 'a guest that hangs is red' 'ok 0 one; sleep 1000' -t 12
ends 6 'the guest vanished' 'a guest that powers off is red' 'ok 0 one; poweroff -f' -p 1
ends 6 'the guest vanished' 'a verdict without the nonce of this run is none' \
	'ok 0 one; echo "kvdemo-verdict nonce=0 status=0" >/dev/kmsg; poweroff -f' -p 1
ends 7 'wrong number of tests: 1 reported, 2 planned' 'a test that did not run is red' \
	'ok 0 one' -p 2
ends 7 'wrong number of tests: 0 reported, 1 planned' 'a guest without tests is red' true -p 1
ends 7 'wrong number of skipped tests: 1, 0 expected' 'a test that was skipped is red' \
	'echo "ok - one # SKIP no reason"' -p 1
ends 2 'do not share' 'options that make no machine are told' true -n 2 -c 1
