#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Random and mutated parameters and writes: no splat, no hang, nothing leaked.
# shellcheck source=tests/fire/lib.sh
. "$(dirname "$0")/lib.sh"

# One seed each, so that they run side by side with other tests.
plan 4
fire 3 -m 512 -t $((240 + $(share 480))) \
	-a "rcupdate.rcu_expedited=1 KVSEED=$SEED KVLOADS=$(share 1000)" \
	tests/guest/fire-fuzz.sh "${modules[@]}" "$helpers/fuzz"
