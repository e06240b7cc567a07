#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Only root may see and use the files, no user sees an address, and lockdown refuses an
# unsigned module.
. "$(dirname "$0")/lib.sh"

# The table of doc/install.md names the kernel's message, and has a remedy beside it.
remedied()
{
	grep -F 'Lockdown: insmod: unsigned module loading is restricted' doc/install.md |
		grep -q '^| .Operation not permitted.* enrol '
}

locked=3
# The debug kernel has no lockdown: it loads what its tests bring.
[[ $extra != *debug* ]] || locked=0
plan $((7 + locked + (locked ? 1 : 0)))
others=("$built"/kvdemo_{frag,bench}.ko)
! hooks || others+=("$built/kvdemo_live.ko")
fire 6 "${one[@]}" tests/guest/fire-privilege.sh "${modules[@]}" "${others[@]}"
if [ "$locked" -gt 0 ]; then
	fire 2 -a lockdown=integrity -l "build/log/$TARGET-fire-lockdown.log" \
		tests/guest/fire-lockdown.sh "${modules[@]}"
	try 'doc/install.md names that message and its remedy' remedied
fi
