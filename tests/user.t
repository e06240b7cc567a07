#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The user's own commands on the running kernel: make, make load, DKMS, modprobe.
# The guest is a whole Debian, for it compiles; so this takes minutes, and
# `make check-user` runs it, not `make check`.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"

src=$(mktemp -d)
trap 'rm -rf "$src"' EXIT
cp -r Kbuild Makefile LICENSE dkms.conf ./*.[ch] demo live lab samples scripts tests "$src"

plan 10
guest 9 -m 4096 -t 2700 -R "$src" tests/guest/user.sh
