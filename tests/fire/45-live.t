#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# kvdemo_live.ko: random requests of the kernel's own kvmalloc under each policy, and
# loads by the hundred while all CPUs allocate.
# shellcheck source=tests/fire/lib.sh
. "$(dirname "$0")/lib.sh"

plan 4
fire 3 -m 512 -t 1500 \
	-a "rcupdate.rcu_expedited=1 KVSEED=$SEED KVLOADS=$(share 200) KVREQUESTS=$(share 10000) $light" \
	tests/guest/fire-live.sh "${modules[@]}" "$built/kvdemo_live.ko" "$helpers/sweep"
