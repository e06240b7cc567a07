# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034 # variables are for the tests as well
# Shared by the *.t files: TAP on stdout, one boot of a guest per call of guest.

set -euo pipefail
top=$(dirname "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")")
cd "$top"
. scripts/env
mkdir -p build
# A directory of this test, which goes with it. Programs run in build, because /tmp may be
# mounted noexec.
work=$(mktemp -d ${programs:+-p "$PWD/build"})
trap 'rm -rf "$work"' EXIT
TARGET=${TARGET:-bookworm}
built=$top/build/$TARGET
row=$(scripts/target row "$TARGET")
declare arch extra huge page policy
eval "$row"
# Under the checkers starting a process takes a quarter of a second, so tests do less
# there ($slow). Tests that touch much memory switch off page poisoning and unmapping of
# freed pages ($light), because KASAN finds uses after free as well. Tests with one busy
# task get one CPU ($one): a second one would cost a fifth of the time for wake-ups.
slow='' light='' one=()
if [[ $extra == *debug* ]]; then
	slow=1 light='page_poison=0 debug_pagealloc=off' one=(-c 1)
fi

plan()
{
	echo "1..$1"
}

# ok STATUS NAME [FILE]: one test; FILE is shown where it failed
ok()
{
	if [ "$1" -eq 0 ]; then
		echo "ok - $2"
	else
		echo "not ok - $2"
		[ -z "${3:-}" ] || tail -n 40 "$3" | sed 's/^/# /' >&2
	fi
}

# until_true COMMAND...: within half a minute
until_true()
{
	local i

	for ((i = 0; i < 300; i++)); do
		! "$@" || return 0
		sleep 0.1
	done
	return 1
}

# try NAME COMMAND...: the command is the test, its output the explanation
try()
{
	local status=0 name=$1

	shift
	"$@" >"$work/tried" 2>&1 || status=$?
	ok "$status" "$name" "$work/tried"
}

# silent COMMAND...: it succeeds and prints nothing; lines of sudo and scripts/target about
# this machine do not count
silent()
{
	local out status=0

	out=$("$@" 2>&1) || status=$?
	[ "$status" -ne 0 ] || out=$(sed -E '/^(sudo|target): /d' <<<"$out")
	[ -z "$out" ] || printf '%s\n' "$out"
	[ "$status" -eq 0 ] && [ -z "$out" ]
}

# guest N [BOOT OPTION...] SCRIPT [FILE...]: N tests in the guest, and its verdict
guest()
{
	local n=$1 options=()

	shift
	while [ "${1:0:1}" = - ]; do
		options+=("$1" "$2")
		shift 2
	done
	# A guest may run for hours, so it ends with its test, even if the test is killed.
	setpriv --pdeathsig TERM scripts/boot -p "$n" "${options[@]}" "$TARGET" "$@" || true
}

# program FILE: makes one, from stdin
program()
{
	mkdir -p "$(dirname "$1")"
	cat >"$1"
	chmod +x "$1"
}

# fake_qemu FILE LOG: makes a stand-in for QEMU, which writes a log that no guest wrote: init
# begins, then the lines of LOG. In LOG %s stands for the nonce.
fake_qemu()
{
	program "$1" <<-END
		#!/bin/sh
		log=\$(echo "\$*" | sed 's/.*-serial file:\([^ ]*\).*/\1/')
		nonce=\$(echo "\$*" | sed 's/.* KVNONCE=\([^ ]*\).*/\1/')
		printf ' Run /init as init process\n$2\n' "\$nonce" | sed 's/^/[    1.0] /' >"\$log"
	END
}

# Prints the name of the file with the configuration of the target's kernel
config()
{
	local root

	root=$(KVDEMO_REFRESH=0 scripts/target make "$TARGET")
	# a kernel that was built there, or one that Debian built
	if [ -d "$root/build" ]; then
		echo "$root/build/include/config/auto.conf"
	else
		echo "$root/root/usr/src/linux-headers-$(<"$root/release")/.config"
	fi
}

# Does the target's kernel have what kvdemo_live.ko hooks? If not, that refuses to load.
hooks()
{
	[ "$arch" != i386 ] && grep -q '^CONFIG_DYNAMIC_FTRACE=y' "$(config)"
}
