#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Allocations made to fail, one by one and all at once: a clean error or a clean
# success each time, and nothing left behind. init looks for leaks at the end of every
# boot of this kernel.
TARGET=debug
. "$(dirname "$0")/../lib.sh"

live=() skips=2
if hooks; then
	live=("$built/kvdemo_live.ko") skips=0
fi
plan 9
fire 8 -S "$skips" "${one[@]}" -m 1024 -t 900 -x faults -a "rcupdate.rcu_expedited=1 $light" \
	tests/guest/fire-faults.sh "${modules[@]}" "${live[@]}" "$helpers/sweep"
