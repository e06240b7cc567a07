#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# make shell, on a terminal, as a person types.
. "$(dirname "$0")/lib.sh"

mkfifo "$work/keys"

# shell KEYS: make shell; after its greeting these keys are pressed. Its exit status.
shell()
{
	local typist i

	: >"$work/screen"
	timeout 300 script -qfec "make --no-print-directory TARGET=$TARGET shell" \
		"$work/screen" <"$work/keys" >/dev/null 2>&1 &
	typist=$!
	exec 3>"$work/keys"
	for ((i = 0; i < 1200; i++)); do
		! grep -q 'ends the guest' "$work/screen" || break
		sleep 0.2
	done
	printf '%b' "$1" >&3
	wait "$typist"
}

shows()
{
	grep -E -- "$1" "$work/screen" || { tail -n 20 "$work/screen"; return 1; }
}

typed='pwd; cat policies; ls /*.ko | wc -l\necho 64K >alloc; cut -c 12-22 held\nexit\n'

plan 6
try 'a shell comes up, and exit ends it with the guest' shell "$typed"
try 'it starts in the directory that takes commands' shows '^/sys/kernel/debug/kvdemo'
try 'kvdemo is loaded' shows '^\[noretry\] noreclaim backoff'
try 'all modules are at hand' shows "^$(find "$built" -maxdepth 1 -name '*.ko' | wc -l)[^0-9]*$"
try 'a command works' shows '^ +65536'
try 'Ctrl-A X ends it at once' shell '\001x'
