#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# DKMS in the target's root, as `make dkms-install` calls it; then modprobe of
# what it installed, in the guest.
. "$(dirname "$0")/lib.sh"

if [ "$arch" != amd64 ]; then
	echo "1..0 # SKIP DKMS builds for the machine it runs on, and the root of $TARGET is not of its architecture"
	exit
fi
if [[ $extra == *built* ]]; then
	echo "1..0 # SKIP no package brings headers of the kernel $TARGET, which DKMS would build for"
	exit
fi
root=$(scripts/target make "$TARGET")
release=$(cat "$root/release")

# How versions replace each other depends on DKMS and not on the kernel, so one row for
# each of DKMS 2.8, 3.0 and 3.2 shows it.
tests=20 brief=()
case $TARGET in
trixie-* | sid) tests=17 brief=(brief) ;;
esac
plan "$tests"
# Changes in the root are forgotten after each command, so all steps are one run.
scripts/target run "$TARGET" -b "$top:/src" -b "$work:/out" -- \
	env -C /src bash tests/dkms-story "$release" "${brief[@]}" || true
guest 4 tests/guest/modprobe.sh "$work/lib"
