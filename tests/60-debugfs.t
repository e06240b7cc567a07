#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Run-time control: debugfs.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

plan 23
guest 22 -t 300 tests/guest/debugfs.sh "$built/kvdemo.ko"
