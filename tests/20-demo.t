#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# kvdemo.ko as a user meets it: load, log, unload, each parameter, good and bad.
# rcu_expedited: a refused insmod waits for grace periods, and there are 200.
# init_on_alloc=0, for else the kernel would make the zeroes that zero=1 asks for.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

# Where the vmalloc area is smaller than memory it can be exhausted.
tests=42 exhaust=
if [ "$arch" = i386 ]; then
	tests=43 exhaust=1
fi

plan $((tests + 1))
guest "$tests" -m 512 -t 300 \
	-a "init_on_alloc=0 rcupdate.rcu_expedited=1 KVEXHAUST=$exhaust" \
	tests/guest/demo.sh "$built/kvdemo.ko"
