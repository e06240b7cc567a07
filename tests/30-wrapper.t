#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The wrapper, through kvdemo_test.ko, on two nodes and with init_on_alloc=0, so
# that zeroes are the wrapper's own doing.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

# QEMU gives this machine no NUMA.
nodes=2
[ "$arch" != s390x ] || nodes=1

# Each node must hold a block of KMALLOC_MAX_SIZE: 32 MiB with 16 KiB pages.
memory=512
[ "$page" -le 4096 ] || memory=1536

plan 21
guest 20 -m "$memory" -n "$nodes" -a "init_on_alloc=0 KVNATIVE=$policy" tests/guest/wrapper.sh \
	"$built/kvdemo.ko" "$built/kvdemo_test.ko"
