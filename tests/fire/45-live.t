#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# kvdemo_live.ko: random requests to the kernel's own kvmalloc, loads by the hundred while all
# CPUs allocate, a live patch, suspend, a task that sleeps, and a driver's mistakes.
. "$(dirname "$0")/lib.sh"

if ! hooks; then
	echo "1..0 # SKIP the kernel $TARGET has no function tracer, so kvdemo_live.ko refuses to load"
	exit
fi

# On the default kernel this also runs make demo-live, which checks how much a cure saves.
tests=9
[ "$TARGET" != bookworm ] || tests=10
plan $tests
patch=()
[ ! -e "$built/kvdemo_patch.ko" ] || patch=("$built/kvdemo_patch.ko")
# Some kernels have no live patches, and some cannot suspend.
has=$(grep -cE '^CONFIG_(LIVEPATCH|SUSPEND)=y' "$(config)" || true)
fire 6 -m 512 -t $((600 + $(share 3000))) -S $((2 - has)) \
	-a "rcupdate.rcu_expedited=1 KVSEED=$SEED KVLOADS=$(share 200) KVREQUESTS=$(share 10000) $light" \
	tests/guest/fire-live.sh "${modules[@]}" "$built/kvdemo_live.ko" "${patch[@]}" "$helpers"/{calls,sweep}
driver=("$built"/{kvdemo_live,kv_wrong}.ko)
caught 3 dma 'rejecting DMA map of vmalloc memory' \
	'dma_map_single() of vmalloc memory warns' "${driver[@]}"
caught 3 kfree 'kfree[+]0x[0-9a-f]*' 'kfree() of vmalloc memory is an oops' "${driver[@]}"
if [ "$TARGET" = bookworm ]; then
	try 'make demo-live shows all three uses' \
		flock build/lock make -s TARGET="$TARGET" demo-live
fi
