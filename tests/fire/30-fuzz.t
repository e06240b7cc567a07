#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Random and mutated parameters and writes: no splat, no hang, nothing leaked.
. "$(dirname "$0")/lib.sh"

plan 5
fire 4 "${one[@]}" -m 512 -t $((300 + $(share 600))) \
	-a "rcupdate.rcu_expedited=1 KVSEED=$SEED KVLOADS=$(share 1000) KVWRITES=$(share 100000) $light" \
	tests/guest/fire-fuzz.sh "${modules[@]}" "$helpers/fuzz"
