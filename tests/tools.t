#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The recipes of doc/runtime.md for perf, trace-cmd and bpftrace, as they stand there, and
# the bench on the running kernel. The guest is a whole Debian with these tools, so `make
# check-user` runs this, not `make check`.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/pages.sh
. tests/pages.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The packages are unpacked here into one archive, because the guest would take minutes.
# The root lacks libLLVM, so it is added.
root=$(scripts/target make "$TARGET")/root
mapfile -t llvm < <(dpkg-query --admindir="$root/var/lib/dpkg" -Wf '${Package}\n' 'libllvm*' 2>/dev/null)
scripts/target apt "$TARGET" "$work/apt" apt-get -qq -y --download-only --reinstall install \
	linux-perf trace-cmd bpftrace "${llvm[@]}" >&2
for deb in "$work"/apt/archives/*.deb; do
	dpkg-deb --fsys-tarfile "$deb"
done >"$work/tools.tar"
rm -r "$work/apt"
blocks 'sh tools' "$work/tools" doc/runtime.md
for tool in perf trace-cmd bpftrace; do
	sed -n "s/^$tool .*kvdemo.*/exec &/p" "$work/tools1" >"$work/$tool"
done
blocks 'sh 65-trace tools' "$work/listeners" doc/runtime.md
mv "$work"/listeners{1,}
cp "$built"/kvdemo{,_bench}.ko "$work"
cp scripts/bench/host "$work/bench-host"

plan 9
guest 8 -m 4096 -t 600 -R "$work" tests/guest/tools.sh
