#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The kernel of the row `cfi` checks the type of each function that it calls through a
# pointer: the module that makes such a call with a wrong type must end its boot.
TARGET=cfi
. "$(dirname "$0")/../lib.sh"

plan 2
caught 0 none 'kvdemo-verdict .*' 'no bug, no report'
caught 3 cfi 'CFI failure at awake_cfi.*' 'CFI catches a call of a function as one of another type'
