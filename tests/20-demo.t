#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# kvdemo.ko as a user meets it: load, log, unload, each parameter, good and bad.
# rcu_expedited: a refused insmod waits for grace periods, and there are 200.
# init_on_alloc=0, because otherwise the kernel would zero the memory that zero=1 checks.
. "$(dirname "$0")/lib.sh"

# With 1 GiB a 32-bit kernel has a vmalloc area of 120 MiB only: address space can run out
# before memory does.
tests=43 exhaust='' memory=512
if [ "$arch" = i386 ]; then
	tests=44 exhaust=1 memory=1024
fi
# Enough memory for an eighth to exceed the ceiling of the default cap. The host provides
# only the pages that are touched.
[ "$TARGET" != bookworm ] || memory=9216

# A node that could be hotplugged but is not online: node=1 must be refused.
machine=()
if [ "$arch" = amd64 ]; then
	machine=(-q "-m $memory,slots=2,maxmem=$((memory + 1536))M -numa node,nodeid=0,memdev=m0
		-object memory-backend-ram,id=m0,size=${memory}M,reserve=off -numa node,nodeid=1")
fi

# As doc/testing.md tells another project's CI: their module and guest script, from a
# directory outside this tree
outside()
{
	local there=$work/there

	mkdir "$there"
	cp samples/kv_hello.c "$there/driver.c"
	echo 'obj-m := driver.o' >"$there/Kbuild"
	printf '%s\n' '. /lib.sh' "try 'it loads' insmod driver.ko" \
		"try 'it logs' has '^driver: 1024 '" "try 'it unloads' rmmod driver" >"$there/theirs.sh"
	scripts/target build "$TARGET" "$there" &&
		(cd "$there" &&
			"$top/scripts/boot" -p 3 -l "$there/log" "$TARGET" theirs.sh driver.ko)
}

plan $((tests + 2))
try 'a module and a guest script of somebody else are built and booted' outside
guest "$tests" -c 1 -m $memory -t 600 \
	-a "init_on_alloc=0 rcupdate.rcu_expedited=1 KVEXHAUST=$exhaust $light" \
	"${machine[@]}" tests/guest/demo.sh "$built/kvdemo.ko"
