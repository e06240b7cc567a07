#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# kvdemo.ko as a user meets it: load, log, unload, each parameter, good and bad.
# init_on_alloc=0, for else the kernel would make the zeroes that zero=1 asks for.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

plan 40
guest 39 -m 512 -a init_on_alloc=0 tests/guest/demo.sh "$built/kvdemo.ko"
