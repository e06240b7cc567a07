#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Flags outside the contract of 4.12, in a boot with panic_on_warn=0.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

# How many of the cases warn, by release: see the guest's script.
case $(<"$(scripts/target make "$TARGET")/release") in
5.1[0-6].*) warnings=3 ;;
5.* | 6.[0-9].* | 6.1[0-8].*) warnings=4 ;;
*) warnings=2 ;;
esac
plan 17
guest 16 -w "$warnings" -c 1 tests/guest/contract.sh "$built/kvdemo.ko" "$built/kvdemo_test.ko"
