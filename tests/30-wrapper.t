#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The wrapper, through kvdemo_test.ko, on two nodes and with init_on_alloc=0, so
# that zeroes are the wrapper's own doing.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

plan 21
guest 20 -m 512 -n 2 -a "init_on_alloc=0 KVNATIVE=$policy" tests/guest/wrapper.sh \
	"$built/kvdemo.ko" "$built/kvdemo_test.ko"
