# SPDX-License-Identifier: GPL-2.0-only
# Our noreclaim against the kernel's own kvmalloc while allocations from one order on
# fail; and allocinfo.
. ./lib.sh

debug=/sys/kernel/debug
oracle=/sys/module/kvdemo_test/parameters/oracle

insmod /kvdemo.ko sizes=64
insmod /kvdemo_test.ko
fault $debug/failslab
fault $debug/fail_page_alloc 1
echo Y >$debug/failslab/cache-filter
for cache in kmalloc-8k kmalloc-cg-8k; do
	echo 1 >/sys/kernel/slab/$cache/failslab
done

# With redzones even the slab caches below PAGE_SIZE need blocks of order 1 and
# 2 to grow. Where these fail, only sizes take part that need no such cache: vmalloc
# keeps an array of its pages, and 128 pages need 1024 bytes.
for order in 1 2 3 4 5 6 7 8 9 10; do
	mark
	range='1 8388608'
	[ "$order" -gt 2 ] || range='8193 524288'
	echo "$order" >$debug/fail_page_alloc/min-order
	try "same path as kvmalloc_node where order $order and above fails" \
		/sweep fail $oracle "$((KVSEED + order)) $KVPAIRS $order $range"
	log | sed -n 's/^kvdemo_test: oracle \(pairs=.*\) order=.* \(fallbacks=.*\) differ=.*/# count: \1 \2/p'
done
rmmod kvdemo_test
rmmod kvdemo

# charged FILES: the bytes that allocinfo charges to lines of such source files
charged()
{
	awk -v files="$1" '$3 ~ files { bytes += $1 } END { print bytes + 0 }' /proc/allocinfo
}

# Each path and policy, held: allocinfo charges the bytes to the line that called the
# API, until they are freed. An unloaded module has no lines.
charges()
{
	for policy in noretry noreclaim backoff native vmalloc; do
		insmod /kvdemo.ko sizes=1K,64K,5M hold=1 policy=$policy || return
		ours=$(charged '(kvdemo_main|demo/buf)\.c:')
		wrapper=$(charged 'kvdemo_alloc\.c:')
		echo all >$debug/kvdemo/free
		freed=$((ours - $(charged '(kvdemo_main|demo/buf)\.c:')))
		rmmod kvdemo
		echo "# $policy: $ours bytes charged to the caller, $wrapper to the wrapper, $freed freed"
		[ "$ours" -ge $bytes ] && [ "$wrapper" -eq 0 ] || return
		echo "$freed" >>/tmp/freed
	done
}
bytes=$((5 * 1048576 + 65536 + 1024))
try '/proc/allocinfo charges the caller of the API' charges
try 'and no more once it has freed' \
	[ "$(awk -v bytes=$bytes '$1 >= bytes' /tmp/freed | wc -l)" -eq 5 ]
