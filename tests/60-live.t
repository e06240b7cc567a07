#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# kvdemo_live.ko, with callers that the kernel has and a user can start.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

# 16 callers have a buffer of 64 pages each.
memory=512
[ "$page" -le 4096 ] || memory=768
modules=("$built"/kvdemo{,_live,_frag,_bench,_test}.ko)

# Without hooks all that is left is the refusal.
if ! hooks; then
	plan 3
	guest 2 -a KVREFUSES=yes tests/guest/live.sh "${modules[@]}"
	exit
fi
plan 30

# It comes and goes beside calls in flight ten times on the default and the newest
# kernel; elsewhere, and under the checkers, five times.
rounds=5
case $TARGET in
bookworm | trixie-backports) rounds=10 ;;
esac
skips=1
[ "$arch" != amd64 ] || skips=0
# On powerpc a return probe may be refused.
times=1
[ "$(grep -cE '^CONFIG_(PPC|OPTPROBES|PREEMPTION)=y' "$(config)")" -lt 3 ] || times=0
guest 29 -S "$skips" -m "$memory" -a "KVROUNDS=$rounds KVTIMES=$times $light" tests/guest/live.sh "${modules[@]}"
