# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# One thread and two, by turns, for scripts/bench/threads.
# shellcheck source=tests/guest/lib.sh
. /lib.sh

# cells MEMORY POLICIES
cells()
{
	for _ in 1 2 3; do
		for threads in 1 2; do
			insmod /kvdemo_bench.ko memory="$1" policies="$2" sizes="$KVSIZES" n=1000 \
				patterns=threads threads=$threads &&
				cat /sys/kernel/debug/kvdemo_bench/csv >/dev/null
			rmmod kvdemo_bench
		done
	done
}

insmod /kvdemo.ko sizes=64
cells idle native,noretry,backoff,vmalloc
insmod /kvdemo_frag.ko order=2
cells unmovable noreclaim,backoff,vmalloc
