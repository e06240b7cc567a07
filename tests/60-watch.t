#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# kvdemo_watch.ko, with callers that the kernel has and a user can start.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

# 16 callers have a buffer of 64 pages each.
memory=512
[ "$page" -le 4096 ] || memory=768
modules=("$built"/kvdemo{,_watch,_frag,_bench}.ko)

# cost MAX KERNEL-ARGUMENT: instructions are counted, so one CPU and no KVM. A
# random address now and then shares its place in the table with another, which
# is six instructions more: nokaslr.
cost()
{
	KVDEMO_ACCEL=tcg guest 1 -c 1 -q '-icount shift=0,sleep=off' \
		-l "build/log/$TARGET-watch-cost-$1.log" -a "nokaslr $2 KVMAX=$1" \
		tests/guest/watch-cost.sh "${modules[@]}"
}

# The price is asked of two kernels, of the second where it tells most: on 5.10 a return
# probe alone costs most, and zeroing would hide it.
prices=()
case $TARGET in
bookworm) prices=('1100 init_on_alloc=1' '1450 init_on_alloc=0') ;;
bullseye) prices=('1450 init_on_alloc=0') ;;
esac
plan $((23 + 2 * ${#prices[@]}))

# It comes and goes beside calls in flight fifteen times on the default and the newest
# kernel; elsewhere, and under the checkers, five times.
rounds=5
case $TARGET in
bookworm | trixie-backports) rounds=15 ;;
esac
guest 22 -m "$memory" -a "KVROUNDS=$rounds $light" tests/guest/watch.sh "${modules[@]}"
for price in "${prices[@]}"; do
	# shellcheck disable=SC2086 # two words
	cost $price
done
