# SPDX-License-Identifier: GPL-2.0-only
# make demo-live: the running kernel's own kvmalloc watched, cured and provoked, in a
# guest whose clock counts instructions.
. ./lib.sh

table=/sys/kernel/debug/kvdemo/callers

# The columns' names, the worst row, and the rows of our calls
rows()
{
	grep -vE '^# (mark|calls|lost|order)=' $table | awk 'NR < 3 || / listxattr/ || / proc_sys_call_handler/ || /kv_wrong/'
}

mark
fragment || exit
echo "Memory is fragmented: no free block of 16 KiB and more is left."
echo
echo "# insmod kvdemo_live.ko"
insmod /kvdemo_live.ko || exit
hold_blocks 64K 300
native=$(/calls listxattr 1000) || exit
echo "1000 times listxattr() of 64 KiB, watched: $native instructions each"
rows
rmmod kvdemo_live || exit
echo
echo "# insmod kvdemo_live.ko policy=backoff callers=vmlinux"
insmod /kvdemo_live.ko policy=backoff callers=vmlinux || exit
hold_blocks 64K 300
cured=$(/calls listxattr 1000) || exit
echo "1000 times listxattr() of 64 KiB, cured: $cured instructions each"
rows
rmmod kvdemo_live kvdemo_frag || exit
echo
echo "native $native, cured $cured instructions: $((native / cured)) times cheaper"
echo
echo "# insmod kv_wrong.ko mistake=sg"
insmod /kv_wrong.ko mistake=sg || exit
dmesg | grep -o 'kv_wrong: size.*'
rmmod kv_wrong
echo "# insmod kvdemo_live.ko policy=vmalloc callers=kv_wrong; insmod kv_wrong.ko mistake=sg"
mark
insmod /kvdemo_live.ko policy=vmalloc callers=kv_wrong || exit
insmod /kv_wrong.ko mistake=sg || exit
dmesg | grep -oE 'kv_wrong: size.*|kvdemo_live: .*gives.*'
# Later kernels may defer compaction, and so fail cheaply.
{ [ $((native / cured)) -ge 20 ] || ! uname -r | grep -q '^6\.1\.'; } && has '^kvdemo_live: use_sg.*gives sg_init_one' &&
	has '^kv_wrong: size=65536: vmalloc$'
