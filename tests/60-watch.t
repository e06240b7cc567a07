#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# kvdemo_watch.ko, with callers that the kernel has and a user can start.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

# Of 256 KiB, or of 4 MiB with large pages, 16 readers have a buffer at a time.
memory=512
[ "$page" -le 4096 ] || memory=1536

plan 20
guest 19 -m "$memory" -t 300 tests/guest/watch.sh "$built"/kvdemo{,_watch,_test_watch}.ko
