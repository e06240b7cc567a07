#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The user's own commands on the running kernel: make, make load, make unload.
# The guest is a whole Debian, because it compiles. That takes minutes, so `make
# check-user` runs it, not `make check`.
. "$(dirname "$0")/lib.sh"

src=$work/src
mkdir "$src"

# Unpacks what make dist packs. An unpacked tarball has no git, so its own files are copied.
packed()
{
	if [ ! -e .git ]; then
		cp -r Kbuild Makefile LICENSE dkms.conf ./*.[ch] demo live lab samples scripts tests "$src"
		return
	fi
	tar -xzf "$(make -s dist)" --strip-components=1 -C "$src" && [ ! -e "$src/.git" ]
}

plan 7
try 'make dist packs all that the user needs' packed
guest 5 -m 4096 -t 2700 -R "$src" tests/guest/user.sh
