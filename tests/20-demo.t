#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# kvdemo.ko as a user meets it: load, log, unload, each parameter, good and bad.
# rcu_expedited: a refused insmod waits for grace periods, and there are 200.
# init_on_alloc=0, for else the kernel would make the zeroes that zero=1 asks for.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

plan 41
guest 40 -m 512 -a "init_on_alloc=0 rcupdate.rcu_expedited=1" tests/guest/demo.sh "$built/kvdemo.ko"
