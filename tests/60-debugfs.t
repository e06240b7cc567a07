#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Run-time control: debugfs; and what users other than root can open.
. "$(dirname "$0")/lib.sh"

lockdown=yes skips=0
config=$(config)
[ -s "$config" ]
grep -q '^CONFIG_SECURITY_LOCKDOWN_LSM=y' "$config" || lockdown='' skips=1
modules=("$built"/kvdemo{,_test,_frag,_bench}.ko)
! hooks || modules+=("$built/kvdemo_live.ko")
plan 25
# A test fills memory through a file system that clears each page, which is slow on s390x.
memory=512
[ "$arch" != s390x ] || memory=384
# init_on_alloc=0, because most of the time would go into pages that are zeroed twice.
guest 24 -t 600 -m $memory -x unload -S "$skips" -a "init_on_alloc=0 rcupdate.rcu_expedited=1 KVLOCKDOWN=$lockdown" \
	tests/guest/debugfs.sh "${modules[@]}"
