# SPDX-License-Identifier: GPL-2.0-only
# debugfs kvdemo/ and the tracepoints, as an administrator uses them.
. ./lib.sh

page=$(page_size)
dir=/sys/kernel/debug/kvdemo

refuses()
{
	! put "$1" "$2" && grep -q "$3" /tmp/put
}

# reload PARAMETER...: kvdemo.ko, with these
reload()
{
	unload kvdemo && insmod /kvdemo.ko sizes=64 "$@"
}

held()
{
	tail -n +2 $dir/held
}

modes()
{
	[ "$(cd $dir && stat -c %n=%a:%u -- * | tr '\n' ' ')" = \
		'alloc=200:0 free=200:0 held=400:0 policies=400:0 policy=200:0 ' ] &&
		[ "$(stat -c %a /sys/kernel/debug)" = 700 ]
}

one_size()
{
	mark
	put alloc 64K && [ "$(held | wc -l)" -eq 1 ] || return
	line=$(held | awk '{ print "size=" $2, "policy=" $3, "path=" $4, "why=" $5, "node=" $12, "order=" $6,
		"pages=" $7, "runs=" $8, "kmalloc_ns=" $9, "vmalloc_ns=" $10, "total_ns=" $11 }')
	has "^kvdemo: alloc $line\$" && has ' size=65536 policy=noretry '
}

all_keys()
{
	mark
	put alloc "count=3  size=$((4 * page)) policy=vmalloc	node=0 gfp=GFP_KERNEL|__GFP_NOWARN zero=1" &&
		[ "$(held | grep -c "^ *[2-4]  *$((4 * page))  *vmalloc  *vmalloc  *policy  *-  *4 ")" -eq 3 ] &&
		put alloc "0x$(printf %x $((2 * page))) force_fallback" &&
		held | grep -q "^ *5  *$((2 * page))  *noretry  *vmalloc  *forced "
}

some_freed()
{
	refuses free +3 'Invalid argument' && put free 3 && [ "$(held | awk '{ print $1 }' | tr '\n' ' ')" = '1 2 4 5 ' ] &&
		refuses free 3 'Invalid argument' && has 'free="*3"* is invalid: allowed is all' &&
		put free all && [ -z "$(held)" ] &&
		has "^kvdemo: free all=4 bytes=$((65536 + 10 * page))$"
}

switched()
{
	[ "$(cat $dir/policies)" = '[noretry] noreclaim backoff native kmalloc vmalloc' ] &&
		put policy vmalloc &&
		[ "$(cat $dir/policies)" = 'noretry noreclaim backoff native kmalloc [vmalloc]' ] &&
		put alloc 100 && held | grep -q ' 100  vmalloc  *vmalloc  *policy ' &&
		refuses policy fifo 'Invalid argument' &&
		has 'policy=fifo is invalid: allowed is noretry, noreclaim' &&
		refuses alloc 'count=2 policy=vmalloc' 'Invalid argument' &&
		has 'alloc=count=2 policy=vmalloc is invalid: allowed is a size, as in 64K' &&
		put policy noretry && put free all
}

by_parameter()
{
	mark
	reload policy=backoff && grep -qF '[backoff]' $dir/policies && reload
}

over_the_cap()
{
	reload cap=$((20 * page)) && mark || return
	put alloc $((16 * page)) && refuses alloc $((4 * page)) 'allocate memory' &&
		has "^kvdemo: size and count may take [0-9]* bytes at a time, beside [0-9]* that are held: allowed is cap=$((20 * page))$" &&
		[ "$(held | wc -l)" -eq 1 ] && put free all && put alloc "$page,64 count=3" && [ "$(held | wc -l)" -eq 6 ] && put free all &&
		refuses alloc "size=1 count=1000 policy=vmalloc" 'allocate memory' || return
	# The kernel's own fallback rounds up to a huge page, here of 2 MiB.
	[ "$page" -ne 4096 ] || { reload cap=5M && mark &&
		put alloc 4194305 && put free all && refuses alloc '4194305 policy=native' 'allocate memory'; }
}

# The default cap is a share of memory at load. Other processes may use it by now.
eaten_since()
{
	local available eaten=0 more

	reload && mkdir -p /eaten && mount -t tmpfs -o size=100% eaten /eaten || return
	# Read once a round, because it changes by itself.
	while available=$(kib MemAvailable) && [ "$available" -gt $((70 * 1024)) ]; do
		more=$(((available / 1024 - 70) * 3 / 4 + 1))
		fallocate -o ${eaten}M -l ${more}M /eaten/file || return
		eaten=$((eaten + more))
	done
	mark
	refuses alloc '1M count=40' 'allocate memory' &&
		has '^kvdemo: size and count may take [0-9]+ bytes at a time: allowed is half of what is available now, [0-9]+$' &&
		[ -z "$(held)" ] && put alloc '1M count=5' && put free all && umount /eaten &&
		put alloc '1M count=40' && put free all
}

no_memory()
{
	reload cap=2G && mark || return
	refuses alloc '1G policy=kmalloc' 'allocate memory' && has 'path=none why=impossible' &&
		[ -z "$(held)" ] && put alloc 0 && [ -z "$(held)" ]
}

# A memory cgroup of 16 MiB, of version 1 or 2, as $group
small_cgroup()
{
	group=/cg/small
	case $1 in
	1)
		mkdir -p /cg && mount -t cgroup -o memory none /cg && mkdir $group &&
			echo 16M >$group/memory.limit_in_bytes
		;;
	2) memory_group small && echo 16M >$group/memory.max ;;
	esac
}

# within COMMAND...: runs in that cgroup; memory must fall short and nothing be killed
within()
{
	mark
	in_group "$group" "$@" || return
	has 'path=none why=no-memory' && lacks 'invoked oom-killer|Out of memory|out of memory: Kill'
}

# The caps come from the machine's memory; the cgroup has less left.
spares_the_group()
{
	small_cgroup "$1" || return
	for policy in noretry noreclaim backoff kmalloc vmalloc; do
		reload &&
			within sh -c "echo '1M count=40 gfp=GFP_KERNEL_ACCOUNT policy=$policy' >$dir/alloc" &&
			[ "$(held | wc -l)" -ge 8 ] && unload kvdemo &&
			within insmod /kvdemo.ko sizes=1M count=40 hold=1 gfp=GFP_KERNEL_ACCOUNT policy=$policy || return
	done
	# The group is gone once its last page is.
	reload && rmdir $group && umount /cg
}

full_group_stops_nobody()
{
	small_cgroup "$1" && reload && mark || return
	insmod /kvdemo_test.ko
	in_group $group sh -c 'echo 1 >/sys/module/kvdemo_test/parameters/full_group'
	code=$?
	tap
	rmmod kvdemo_test && reload && rmdir $group && umount /cg && return $code
}

# bad NAME FILE LINE...: each is refused as invalid
bad()
{
	local name=$1 file=$2 line status=0

	shift 2
	for line; do
		refuses "$file" "$line" 'Invalid argument\|out of range\|not representable' && continue
		echo "# $file took '$line': $(cat /tmp/put)" | cut -c1-200
		status=1
	done
	[ -z "$(held)" ] || status=1
	ok $status "$name"
}

# flood LINE SENTENCE: of 60 refusals the log takes only some, ten in five seconds.
flood()
{
	sleep 5
	mark
	i=0
	while [ $((i += 1)) -le 60 ]; do ! put alloc "$1" || return; done
	said=$(log | grep -c "^kvdemo: $2")
	[ "$said" -ge 10 ] && [ "$said" -lt 60 ]
}

limited()
{
	flood x 'size=x is invalid: allowed is one list of 1 to 32 sizes' &&
		flood '64 force_fallback=1 policy=kmalloc' \
			'force_fallback=1 is invalid: policy=kmalloc has no fallback'
}

# Input that a shell variable cannot hold: a NUL, 64 KiB, two lines, nothing
garbage()
{
	for bytes in '64K\0' '\0' '64\0K\n' '64K\n64K\n' '64K\n\n' '\n' '\377\376\n'; do
		! printf %b "$bytes" 2>/dev/null >$dir/alloc || return
	done
	! dd if=/dev/urandom of=$dir/alloc bs=65536 count=1 2>/tmp/err || return
	tr '\0' A </dev/zero | head -c 65536 >/tmp/64k
	! dd if=/tmp/64k of=$dir/alloc bs=65536 count=1 2>/tmp/err || return
	! dd if=/tmp/64k of=$dir/free bs=257 count=1 2>/tmp/err || return
	# valid in its first 256 characters
	! put alloc "64$(printf %300s '')" && [ -z "$(held)" ] || return
	! put alloc "$(printf %-257s 64)" && put alloc "$(printf %-256s 64)" && put free all
}

# 8 writers, 10 rounds each, and a reader of every file
writer()
{
	for i in 1 2 3 4 5 6 7 8 9 10; do
		put alloc "$((i * 777)) policy=$1"
		put alloc 'count=0'
		put alloc 'size=4K count=3'
	done
	put policy "$1"
}

crowd()
{
	for policy in noretry noreclaim backoff native kmalloc vmalloc noretry backoff; do
		writer $policy &
	done
	for i in 1 2 3 4 5 6 7 8 9; do cat $dir/*; done >/dev/null 2>&1
	wait
	[ "$(held | wc -l)" -eq $((8 * 10 * 4)) ] &&
		[ "$(held | awk '{ n += $2 } END { print n }')" -eq $((8 * (777 * 55 + 10 * 3 * 4096))) ] &&
		put free all && [ -z "$(held)" ]
}

busy()
{
	exec 7>$dir/alloc
	! rmmod kvdemo 2>/tmp/err && grep -q 'temporarily unavailable' /tmp/err &&
		echo 64 >&7 && exec 7>&- && unload kvdemo
}

under_unload()
{
	mark
	while [ ! -e /tmp/stop ]; do echo '16K count=5' >$dir/alloc; done 2>/dev/null &
	while [ ! -e /tmp/stop ]; do cat $dir/held $dir/policies; done >/dev/null 2>&1 &
	loads=0 unloads=0
	while [ $unloads -lt 5 ] && [ $loads -lt 500 ]; do
		[ -d /sys/module/kvdemo ] || insmod /kvdemo.ko sizes=64 cap=4M
		loads=$((loads + 1))
		rmmod kvdemo 2>/dev/null && unloads=$((unloads + 1))
	done
	: >/tmp/stop
	wait
	[ $unloads -eq 5 ] && [ "$(log | grep -c '^kvdemo: exit .* leaked=0$')" -eq 5 ]
}

unloaded()
{
	insmod /kvdemo.ko sizes=64 && put alloc "$((4 * page)) count=3" && mark && rmmod kvdemo &&
		has "^kvdemo: free all=3 bytes=$((12 * page))$" && has ' leaked=0$' && [ ! -e $dir ]
}

insmod /kvdemo.ko sizes=64
try 'kvdemo/ is for root: what is read 0400, what is written 0200' modes
try 'alloc takes a size; log and held agree' one_size
try 'alloc takes every key' all_keys
try 'free takes an id, or all' some_freed
try 'policy switches, policies shows which' switched
try 'the load parameter policy is the active one' by_parameter
try 'over the cap is ENOMEM, with a sentence' over_the_cap
try 'so is what others have taken since' eaten_since
try 'a write fails with ENOMEM if all its allocations fail' no_memory
# Debian's kernels have cgroup version 1 up to 6.1. 5.10 is tested with it, others with 2.
case $(uname -r) in
5.10*) version=1 ;;
*) version=2 ;;
esac
try 'a cgroup that is short of memory is no kill' spares_the_group $version
try 'and starts no back-off period' full_group_stops_nobody $version
bad 'bad sizes' alloc '' ' ' -1 1.5K 12Q 2147483648 99999999999999999999 size= 'size=1 size=x' '64K 64' 64K, zero=1
bad 'bad keys and values' alloc '64 foo=1' '64 =1' '64 policy=fifo' '64 policy' '64 node=77' '64 count=0' \
	'64 count=1001' '64 zero=2' '64 gfp=GFP_ATOMIC' '64 force_fallback=1 policy=kmalloc' "$(printf '%300d' 1)"
bad 'bad ids' free '' 0 1 -1 +1 77777777777777777777 ALL 'all ' x 1x
bad 'bad policies' policy '' fifo 'noretry ' NORETRY 'noretry backoff'
try 'the log is not flooded' limited
try 'NULs, 64 KiB of garbage, two lines' garbage
try 'eight writers and a reader at once' crowd
try 'an open file keeps the module' busy
try 'writers and readers while it comes and goes' under_unload
try 'unload frees what is held and says how much' unloaded

# Every module is loaded. The modes of the files are tested, and not those of the mounts.
opens_none()
{
	mkdir /etc
	printf '%s:/:/bin/sh\n' root:x:0:0: nobody:x:65534:65534: >/etc/passwd
	mount -o remount,mode=755 /sys/kernel/debug
	mount -o remount,mode=755 /sys/kernel/tracing
	insmod /kvdemo.ko hold=1 && insmod /kvdemo_test.ko && insmod /kvdemo_frag.ko order=8 share=1 &&
		insmod /kvdemo_bench.ko policy=vmalloc size=4K n=32 || return
	[ ! -e /kvdemo_live.ko ] || insmod /kvdemo_live.ko || return
	find $dir ${dir}_bench /sys/kernel/tracing/events/kvdemo /sys/module/kvdemo*/parameters -type f >/tmp/files
	# shellcheck disable=SC2016 # the inner shell expands it
	su -s /bin/sh nobody -c 'while read -r file; do
		! true <$file || echo "# nobody may read $file"
		! true >>$file || echo "# nobody may write $file"
	done; echo asked by $(id -u)' </tmp/files >/tmp/opened 2>/dev/null
	grep '^#' /tmp/opened
	[ "$(cat /tmp/opened)" = 'asked by 65534' ] && [ "$(wc -l </tmp/files)" -ge 20 ]
}

# Root reads the files. Addresses of x86-64 and arm64 begin with ffff.
no_address()
{
	{ log && xargs cat </tmp/files 2>/dev/null; } >/tmp/shown
	unload kvdemo_bench kvdemo_frag kvdemo_live kvdemo_test kvdemo && shows /tmp/shown ' 1024  noretry ' '^size|^kernel,' &&
		! grep -E 'ffff[0-9a-f]{12}' /tmp/shown
}

mark
try 'a user without privilege can open no file' opens_none
try 'no address is in a file or in the log' no_address

# Lockdown cannot be undone, so this comes last.
locked_down()
{
	mount -t securityfs sec /sys/kernel/security 2>/dev/null
	insmod /kvdemo.ko sizes=64 && put alloc 64 && echo integrity >/sys/kernel/security/lockdown || return
	held | grep -q ' 64  noretry ' && grep -q noretry $dir/policies &&
		refuses alloc 64 'not permitted' && refuses policy native 'not permitted' && unload kvdemo && mark || return
	! insmod /kvdemo.ko 2>/tmp/err && grep -q 'Operation not permitted' /tmp/err &&
		has 'Lockdown: insmod: unsigned module loading is restricted'
}
why=
[ "$KVLOCKDOWN" ] || why='this kernel has no lockdown'
try_unless "$why" 'under lockdown files are read and not written, and an unsigned module is refused' locked_down
