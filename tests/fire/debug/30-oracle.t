#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Under injected failures our noreclaim does the same as the running kernel's
# kvmalloc_node(); and /proc/allocinfo names the caller, not the wrapper.
TARGET=debug
. "$(dirname "$0")/../lib.sh"

plan 13
fire 12 "${one[@]}" -m 1024 -t 600 -a "KVSEED=$SEED KVPAIRS=$(share 1000) $light" \
	tests/guest/fire-oracle.sh "${modules[@]}" "$helpers/sweep"
