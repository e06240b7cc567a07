#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Flags outside the contract of 4.12, in a boot with panic_on_warn=0.
. "$(dirname "$0")/lib.sh"

# The expected result of NORETRY, NOFAIL, NOFS, NOIO, NOWAIT and ATOMIC on this kernel, of
# more than INT_MAX bytes and of DMA32. It comes from the releases, not from kvdemo_compat.h.
case $(<"$(scripts/target make "$TARGET")/release") in
5.1[0-6].*) blocking=0 expected=warns,warns,tells,tells,tells,tells ;;
5.* | 6.[0-9][.-]* | 6.1[0-8][.-]*) blocking=1 expected=warns,tells,tells,tells,warns,warns ;;
*) blocking=1 expected=warns,tells,tells,tells,tells,tells ;;
esac
expected+=,warns,refuses
plan 18
# Most of memory is in ZONE_MOVABLE.
guest 17 -x warned -c 1 -m 1024 -a "movablecore=640M KVBLOCKING=$blocking KVEXPECTED=$expected" \
	tests/guest/contract.sh "$built"/kvdemo{,_test}.ko
