#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# kvdemo_bench.ko by itself: its table, its parameters, the ways it ends. `make bench`
# judges the figures.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

# Before 6.19 vmalloc takes single pages, and what it gets lies in a block by chance:
# two tests less.
single=
[ "$policy" = noreclaim ] || single=2
# cma=0: what is set aside there no unmovable page gets, and the bench cannot soak it up.
plan 18
guest 17 -S "${single:-0}" -a "cma=0 KVSLOW=$slow KVPAGE=$page KVSINGLE=$single $light" \
	tests/guest/bench-module.sh "$built"/kvdemo{,_frag,_bench}.ko
