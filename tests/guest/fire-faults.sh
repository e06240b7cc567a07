# SPDX-License-Identifier: GPL-2.0-only
# Faults of the debug kernel's own fault injection, aimed at one task.
. ./lib.sh

debug=/sys/kernel/debug
tracing=/sys/kernel/tracing
fire=/sys/module/kvdemo_test/parameters

# fail-nth selects an allocation by its number and passes the filters of tasks by, but no
# other filter may leave one out.
fault $debug/failslab
fault $debug/fail_page_alloc 0

try 'insmod, with each allocation of it failing once' \
	/sweep load /kvdemo.ko kvdemo 'sizes=100,5000,20000 hold=1 zero=1'

insmod /kvdemo.ko sizes=64
# Each write to debugfs that allocates; what it got is freed before the next.
writes()
{
	for line in 1 5000 64K 5M 'size=64K count=3 zero=1 gfp=GFP_KERNEL_ACCOUNT' \
		'size=64K force_fallback=1' 'size=20000 policy=noreclaim' \
		'size=20000 policy=backoff' 'size=20000 policy=native' \
		'size=1 policy=vmalloc'; do
		/sweep write $debug/kvdemo/alloc "$line" $debug/kvdemo/free all ||
			{ echo "# alloc: $line"; return 1; }
	done
}
try 'debugfs: each write that allocates, with each allocation of it failing once' writes

reads()
{
	echo 64K >$debug/kvdemo/alloc
	for file in held policies; do
		/sweep read $debug/kvdemo/$file || return
	done
	echo all >$debug/kvdemo/free
}
try 'and each read' reads

# Without the names of tasks: the kernel ignores that recording them failed to start, and
# warns when it stops. The first start, without faults, allocates the buffers.
listens()
{
	echo 0 >$tracing/options/record-cmd
	for event in kvdemo_alloc kvdemo_free; do
		event=$tracing/events/kvdemo/$event/enable
		echo 1 >$event && echo 0 >$event && /sweep write $event 1 $event 0 || return
	done
}
try 'a tracer that begins to listen, with each allocation of it failing once' listens

watched()
{
	insmod /kvdemo_live.ko entries=32 && /sweep read $debug/kvdemo/callers &&
		rmmod kvdemo_live
}
no_live=
[ -e /kvdemo_live.ko ] || no_live='this kernel has no function tracer'
try_unless "$no_live" 'reads of the callers, with each allocation of them failing once' watched

# Tables smaller than a page: one fault makes them fail, because kvmalloc has no fallback
# for such a size.
try_unless "$no_live" 'and insmod of it, with each of its last allocations failing once' \
	/sweep load /kvdemo_live.ko kvdemo_live entries=32 200
# warn_alloc() is limited to one report in 10 s: after its report on kretprobe's pool,
# which is excused, it would not report ours.
sleep 10

insmod /kvdemo_test.ko
echo Y >$debug/failslab/cache-filter
echo 1 >/sys/kernel/slab/kmalloc-8k/failslab
echo 1 >/sys/kernel/slab/kmalloc-4k/failslab
try 'no page at all: path=none why=no-memory' /sweep fail $fire/faults 1
echo 0 >$debug/failslab/probability
echo 0 >$debug/fail_page_alloc/probability
try 'both unload' unload kvdemo_test kvdemo
