#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# kvdemo_live.ko, with callers that the kernel has and a user can start.
. "$(dirname "$0")/lib.sh"

# Two nodes, or one where the kernel has no more. 16 callers have a buffer of 64 pages each.
nodes=2
[ "$arch" != s390x ] || nodes=1
# The largest buffers, of KMALLOC_MAX_SIZE and more, must fit into either node.
memory=512
[ "$page" -le 4096 ] && [ -z "$slow" ] || memory=2048
modules=("$built"/kvdemo{,_live,_frag,_bench,_test}.ko "$built/kv_wrong.ko")

# Without hooks the only test in the guest is that the module refuses to load.
if ! hooks; then
	plan 2
	guest 1 -a KVREFUSES=yes tests/guest/live.sh "${modules[@]}"
	exit
fi
plan 37

# Three tests are for x86, two of them without the checkers. Under the checkers one more skips,
# because a back-off period is too short there.
skips=3
[ "$arch" != amd64 ] || [ -n "$slow" ] || skips=0
# On powerpc a return probe is refused, see KVDEMO_COMPAT_PANICS. A probe at the entry of a
# function was seen to panic as well, so no task may migrate: the guest has one CPU.
times=1 cpus=2
if [ "$(grep -cE '^CONFIG_(PPC|OPTPROBES|PREEMPTION)=y' "$(config)")" -eq 3 ]; then
	times=0 cpus=1 nodes=1 skips=$((skips + 2))
fi
guest 36 -t 900 -S "$skips" -m "$memory" -c "$cpus" -n "$nodes" \
	-a "cma=0 KVTIMES=$times KVSLOW=$slow $light" tests/guest/live.sh "${modules[@]}"
