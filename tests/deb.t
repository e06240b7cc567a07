#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The Debian package, in a guest that is a whole Debian: `make check-user` runs this for
# Debian 12 and 13, not `make check`.
. "$(dirname "$0")/lib.sh"

plan 7
try 'make deb makes the package, and lintian says nothing' make -s deb
mkdir "$work/src"
cp -r build/deb "$work/src"
guest 5 -m 4096 -t 2700 -R "$work/src" tests/guest/deb.sh
