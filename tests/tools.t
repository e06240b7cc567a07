#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The recipes of doc/runtime.md for perf, trace-cmd and bpftrace, those of doc/live.md for
# operators, a BPF program beside kvdemo_live, and the bench on the running kernel. The guest
# is a whole Debian with these tools, so `make check-user` runs this, not `make check`.
. "$(dirname "$0")/lib.sh"
. tests/pages.sh

# The packages become one archive here, because unpacking them in the guest would take
# minutes. The root lacks libLLVM, so it is added.
root=$(scripts/target make "$TARGET")/root
mapfile -t llvm < <(dpkg-query --admindir="$root/var/lib/dpkg" -Wf '${Package}\n' 'libllvm*' 2>/dev/null)
# Of the package prometheus the guest needs only promtool, without its dependencies.
# shellcheck disable=SC2016 # for that shell
scripts/target apt "$TARGET" "$work/apt" sh -c 'cd "$0" && apt-get -qq download prometheus &&
	apt-get -qq -y --download-only --reinstall install "$@"' \
	"$work" linux-perf trace-cmd bpftrace "${llvm[@]}" >&2
for deb in "$work"/apt/archives/*.deb; do
	dpkg-deb --fsys-tarfile "$deb"
done >"$work/tools.tar"
dpkg-deb --fsys-tarfile "$work"/prometheus_*.deb | tar -x -C "$work" --strip-components=3 ./usr/bin/promtool
rm -r "$work/apt" "$work"/prometheus_*.deb
blocks 'sh tools' "$work/tools" doc/runtime.md
for tool in perf trace-cmd bpftrace; do
	sed -n "s/^$tool .*kvdemo.*/exec &/p" "$work/tools1" >"$work/$tool"
done
blocks 'sh 65-trace tools' "$work/listeners" doc/runtime.md
mv "$work"/listeners{1,}
blocks 'sh tools' "$work/operator" doc/live.md
# timeout ends the shell, and not what it has started
sed -i 's/^watch/exec &/' "$work/operator1"
echo "exec bpftrace -e 'kfunc:kvmalloc_node { @calls = count(); }'" >"$work/fentry"
cp "$built"/kvdemo{,_bench,_live}.ko "$work"
cp --parents scripts/bench/host tests/guest/lib.sh "$work"

plan 11
guest 10 -m 4096 -t 1800 -R "$work" tests/guest/tools.sh
