#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# kvdemo_bench.ko by itself: its table, its parameters, the ways it ends. `make bench`
# judges the figures.
. "$(dirname "$0")/lib.sh"

# Before 6.19 vmalloc takes single pages, which lie in one block by chance only: a test skips.
single=
[ "$policy" = noreclaim ] || single=1
# cma=0: the bench cannot soak up memory that is reserved for CMA.
plan 16
guest 15 -S "${single:-0}" -a "cma=0 KVSLOW=$slow KVPAGE=$page KVSINGLE=$single $light" \
	tests/guest/bench-module.sh "$built"/kvdemo{,_frag,_bench}.ko
