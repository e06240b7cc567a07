# SPDX-License-Identifier: GPL-2.0-only
# Files that a user without privilege can open, and addresses that anyone can see.
. ./lib.sh

mkdir -p /etc
echo 'root:x:0:0::/:/bin/sh' >/etc/passwd
echo 'nobody:x:65534:65534::/:/bin/sh' >>/etc/passwd
# The modes of the files themselves count, not those of the mounts.
chmod 755 /sys/kernel/debug /sys/kernel/tracing /sys/kernel/debug/tracing 2>/dev/null
mount -o remount,mode=755 /sys/kernel/debug
mount -o remount,mode=755 /sys/kernel/tracing
echo 1 >/proc/sys/kernel/kptr_restrict

as_nobody()
{
	su -s /bin/sh nobody -c "$1"
}

# Files of ours. Those that the kernel makes for each module are readable by all.
files()
{
	find /sys/kernel/debug/kvdemo /sys/kernel/debug/kvdemo_bench /sys/kernel/tracing/events/kvdemo \
		/sys/module/kvdemo*/parameters -type f 2>/dev/null
}

# closed HOW: the user nobody cannot open a file that way
closed()
{
	files >/tmp/files
	as_nobody "while read -r file; do
		( : $1 \$file ) && echo \"# nobody may: $1 \$file\"
	done </tmp/files; echo asked of \$(wc -l </tmp/files)" >/tmp/opened 2>/dev/null
	grep '^#' /tmp/opened && return 1
	grep -qx "asked of $(wc -l </tmp/files)" /tmp/opened
}

insmod /kvdemo.ko hold=1
insmod /kvdemo_test.ko
[ ! -e /kvdemo_live.ko ] || insmod /kvdemo_live.ko
insmod /kvdemo_frag.ko share=1
insmod /kvdemo_bench.ko policy=vmalloc size=4K n=32
echo "# $(files | wc -l) files of kvdemo"
root_reads()
{
	for file in kvdemo/held kvdemo/callers kvdemo_bench/csv; do
		[ -e /kvdemo_live.ko ] || [ $file != kvdemo/callers ] || continue
		cat /sys/kernel/debug/$file >/tmp/file && [ -s /tmp/file ] || return
	done
}
try 'there are files, and root reads them' root_reads
try 'a command can run as the user nobody' [ "$(as_nobody 'id -u')" = 65534 ]
try 'nobody without privilege can read one' closed '<'
try 'nor write one' closed '>>'

# Kernel addresses, as x86-64 has them, in what kvdemo logs and shows
addresses()
{
	{
		log | grep 'kvdemo'
		# With SLUB debugging, 7.3 does not hash pointers.
		[ -e /sys/kernel/debug/kmemleak ] || cat /sys/kernel/tracing/trace
		files | while read -r file; do
			head -c 65536 "$file" 2>/dev/null
		done
	} | grep -E '(^|[^0-9a-f])(0x)?ffff[0-9a-f]{12}([^0-9a-f]|$)' | sed 's/^/# address: /'
}
echo 1 >/sys/kernel/tracing/events/kvdemo/enable
echo 64K >/sys/kernel/debug/kvdemo/alloc
echo all >/sys/kernel/debug/kvdemo/free
echo 0 >/sys/kernel/tracing/events/kvdemo/enable
grep -q kvdemo_free /sys/kernel/tracing/trace
ok $? 'the trace has our events'
[ -z "$(addresses)" ]
ok $? 'no address is in the log, the trace or a file, for root either'
addresses
unload kvdemo_bench kvdemo_frag kvdemo_live kvdemo_test kvdemo
