#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The wrapper, through kvdemo_test.ko, on two nodes, and with init_on_alloc=0, so that
# zeroes come from __GFP_ZERO alone.
. "$(dirname "$0")/lib.sh"

# A kernel without NUMA can show no nodes: two tests skip there, and no others.
nodes=2 skips=0
case $arch in
i386) skips=2 ;;
s390x) skips=2 nodes=1 ;;
esac
# 5.10 has no __alloc_size().
[ "$TARGET" != bullseye ] || skips=1
# Only Debian's x86 has a zone below the one that serves first, in so small a guest.
[[ $arch == @(amd64|i386) && $extra != *built* ]] || skips=$((skips + 1))

# Debian's kernels have cpusets of cgroup version 1 up to 6.1. On 5.10, 6.1 and 6.12 large
# kmalloc was seen to ignore memory policies, on 7.3 not.
[[ $TARGET == @(bookworm|bullseye) ]] || skips=$((skips + 2))
bind=()
if [ "$arch" = amd64 ] && [ "$policy" = noreclaim ]; then
	flock build/lock make -s build/helpers/bind >&2
	bind=(build/helpers/bind)
else
	skips=$((skips + 1))
fi

# Each node must hold a block of KMALLOC_MAX_SIZE, 32 MiB with 16 KiB pages, and some huge
# pages. Under the checkers the kernel takes most of node 0.
memory=512
[ "$page" -le 4096 ] && [ -z "$slow" ] || memory=1536

plan 24
guest 23 -m "$memory" -n "$nodes" -S "$skips" \
	-a "init_on_alloc=0 KVNATIVE=$policy KVHUGE=$huge" tests/guest/wrapper.sh \
	"$built/kvdemo.ko" "$built/kvdemo_test.ko" "${bind[@]}"
