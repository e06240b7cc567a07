#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Requests while another process eats memory, without swap and with it.
. "$(dirname "$0")/lib.sh"

# The checkers keep a shadow of all memory, and each page that is swapped takes them
# long.
memory=128 swap=64M
if [[ $extra == *debug* ]]; then
	memory=256 swap=16M
fi
truncate -s $swap "$work/swap"

pressure()
{
	fire 9 "${one[@]}" -t 900 -m "$memory" -x pressed "$@" tests/guest/fire-pressure.sh \
		"$built/kvdemo.ko" "$helpers/eat"
}

plan 20
pressure -l "build/log/$TARGET-fire-pressure.log" -a "KVSLOW=$slow $light"
pressure -l "build/log/$TARGET-fire-swap.log" -a "KVSWAP=yes KVSLOW=$slow $light" \
	-q "-drive if=none,id=swap,format=raw,file=$work/swap -device nvme,serial=swap,drive=swap"
