#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The WARNs of the flags contract, asserted in a boot of their own.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

plan 9
guest 8 -w 4 -c 1 tests/guest/contract.sh "$built/kvdemo.ko" "$built/kvdemo_test.ko"
