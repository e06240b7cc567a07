#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# kvdemo_frag.ko: what it takes, what it leaves, what it gives back.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

plan 16
guest 15 -m 512 -t 300 -a "KVPAGE=$page" tests/guest/frag.sh "$built/kvdemo.ko" \
	"$built/kvdemo_frag.ko"
