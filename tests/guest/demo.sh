# SPDX-License-Identifier: GPL-2.0-only
# insmod, dmesg, rmmod, as a user does it, with every parameter good and bad.
. ./lib.sh

page=$(page_size)

# Busybox tries finit_module, then init_module. The first does not read a file that
# is open for writing, so that a refused module is loaded, and logs the reason, just once.
exec 9<>/kvdemo.ko

# vmalloc areas whose caller was unloaded: its symbol does not resolve any more
orphans()
{
	grep -E ' 0x[0-9a-f]+ pages=' /proc/vmallocinfo
}

# load ARGUMENT...: insmod after a new mark
load()
{
	mark
	insmod /kvdemo.ko "$@" 2>/tmp/err
}

unload()
{
	rmmod kvdemo && has '^kvdemo: exit .* leaked=0$' && ! orphans
}

# good NAME REGEX ARGUMENT...: it loads, logs such a line, and leaves nothing
good()
{
	local name=$1 regex=$2 status=0

	shift 2
	{ load "$@" && has "$regex"; } || status=$?
	[ ! -d /sys/module/kvdemo ] || unload || status=$?
	ok "$status" "$name"
}

# refused PARAMETER ARGUMENT...: insmod fails, and one sentence names the parameter. Shell
# builtins where possible, because this runs a hundred times. Reading the log also clears it,
# so that the next call starts with an empty one.
refused()
{
	local name=$1 line said='' status=0

	shift
	insmod /kvdemo.ko "$@" 2>/tmp/err || status=$?
	dmesg -c >/tmp/said
	[ "$status" -ne 0 ] || return
	read -r err </tmp/err
	case $err in
	*'Invalid argument' | *'out of range' | *'Result not representable') ;;
	*) return 1 ;;
	esac
	[ ! -d /sys/module/kvdemo ] || return
	while IFS= read -r line; do
		line=${line#*] }
		case $line in
		'kvdemo: '*)
			[ -z "$said" ] || return
			said=$line
			;;
		esac
	done </tmp/said
	case $said in
	*"$name"*' allowed is '*) ;;
	*) return 1 ;;
	esac
}

# The same after a new mark
is_refused()
{
	mark
	refused "$@"
}

# all_bad NAME PARAMETER VALUE...: each value is refused. The kernel splits arguments at blanks,
# so a value with blanks is quoted for it.
all_bad()
{
	local name=$1 parameter=$2 value status=0

	shift 2
	mark
	for value; do
		case $value in
		*[[:space:]]*) value="\"$value\"" ;;
		esac
		refused "$parameter" "$parameter=$value" && continue
		echo "# $parameter=$value: $(cat /tmp/err)" | cut -c1-200
		grep kvdemo: /tmp/said | sed 's/^/#   /'
		rmmod kvdemo 2>/dev/null
		mark
		status=1
	done
	ok $status "$name"
}

line()
{
	echo "^kvdemo: alloc size=$1 policy=$2 path=$3 why=$4 "
}

defaults()
{
	load || return
	log >/tmp/log
	shows /tmp/log '^kvdemo: version=.* page_size='"$page"' policy=noretry' \
		"$(line 1024 noretry slab small)" \
		"$(line "$page" noretry slab small)" \
		"$(line $((page + 1)) noretry slab contiguous)" \
		"$(line $((2 * page)) noretry slab contiguous)" \
		"$(line $((2 * page + 1)) noretry pages contiguous)" \
		"$(line $((8 * page)) noretry pages contiguous)" \
		"$(line $((8 * page)) noretry vmalloc forced)" \
		"$(line $((8 * page + 1)) noretry pages contiguous)" \
		'alloc .* path=pages .* kmalloc_ns=[0-9]+ vmalloc_ns=- total_ns=[0-9]+$' \
		'alloc .* path=vmalloc why=forced node=[0-9]+ order=- pages=8 runs=[1-8] kmalloc_ns=- vmalloc_ns=[0-9]+' \
		'^kvdemo: summary policy=noretry slab=[1-9][0-9]* pages=[1-9][0-9]* vmalloc=[1-9][0-9]* none=0 ' &&
		lacks 'kvdemo: .*[0-9a-f]{16}' && unload
}

# The grep that dmesg prints is run as it stands.
held()
{
	load sizes="$((16 * page)),100" policy=vmalloc hold=1 count=2 || return
	log | sed -n 's/^kvdemo: held size=[0-9]*: //p' >/tmp/greps
	[ "$(wc -l </tmp/greps)" -eq 4 ] || return
	while read -r command; do
		[ "$(sh -c "$command" | wc -l)" -ge 2 ] || return
	done </tmp/greps
	unload
}

# 32 MiB of kmalloc memory are allocated and freed, in blocks too large for pcplists.
# The check uses the kernel's counters, not those of the module.
given_back()
{
	local before

	before=$(kib MemFree)
	load sizes="$((16 * page)),$((16 * page))" count=$((16384 * 1024 / 16 / page)) hold=1 || return
	[ $((before - $(kib MemFree))) -gt 28000 ] || return
	unload && [ $((before - $(kib MemFree))) -lt 5000 ] && return
	echo "# MemFree: $before KiB before, $(kib MemFree) KiB after"
	return 1
}

try 'the default sizes, and what each became' defaults
# both sides of KMALLOC_MAX_SIZE, or a line that says why not
good 'the largest boundary' \
	"$(line '[0-9]+' noretry vmalloc too-large)|^kvdemo: left out size=[0-9]+: over cap=[0-9]+\$"
try 'a held vmalloc buffer is found by the printed grep' held
try 'held kmalloc memory is really given back' given_back
good 'sizes= takes suffixes and hexadecimal' "$(line 65536 noretry '[a-z]+' '[a-z]+')" sizes=1,64K,0x100,1m
good 'sizes=0 is ZERO_SIZE_PTR' "$(line 0 noretry none zero)node=- .* kmalloc_ns=- vmalloc_ns=-" sizes=0
for policy in noreclaim backoff native kmalloc; do
	good "policy=$policy" "$(line $((4 * page)) $policy pages contiguous)" \
		sizes=$((4 * page)) policy=$policy
done
good 'policy=vmalloc' "$(line 1 vmalloc vmalloc policy)" sizes=1 policy=vmalloc
good 'force_fallback=1 comes before policy=vmalloc' "$(line $((4 * page)) vmalloc vmalloc forced)" \
	sizes=$((4 * page)) policy=vmalloc force_fallback=1
good 'policy=native prints one price' ' kmalloc_ns=- vmalloc_ns=- total_ns=[0-9]+$' policy=native
good 'node=0' ' node=0 .* asked_node=0$' node=0 sizes=1K
good 'node=-1' ' node=0 ' node=-1 sizes=1K
good 'gfp= takes all its words' "$(line 1024 noretry slab small)" sizes=1K \
	'gfp=GFP_KERNEL_ACCOUNT|__GFP_ZERO|__GFP_NOWARN|__GFP_RETRY_MAYFAIL|GFP_KERNEL'
good 'count=1000' ' summary policy=noretry slab=1000 ' count=1000 sizes=8
good 'zero=1' "$(line $((16 * page)) noretry pages contiguous)" zero=1 sizes="$((16 * page)),8"
good 'zero as a bare word' "$(line 8 noretry slab small)" zero sizes=8
good 'force_fallback=1' "$(line $((page + 1)) noretry vmalloc forced)" \
	force_fallback=1 sizes="$page,$((page + 1))"
good 'hold=1 by default sizes' ' held size=' hold=1
good 'a small cap leaves out default sizes' ' left out size=.*: over cap=65536' cap=64K
all_bad 'sizes=: bad lists' sizes '' , 1K, ,1K 1K,,2K -1 +1 12Q 1KK K 0x 0xK 1.5K ' 1' '1 ' \
	"1$(printf '\nkvdemo: forged')" 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33
all_bad 'sizes=: too large' sizes 18446744073709551615 18446744073709551616 \
	99999999999999999999999999999 17179869184G 2147483648 2G 1024G
all_bad 'sizes=: 10 000 characters' sizes "$(printf '%10000d' 0 | tr ' ' A)" \
	"$(printf '%5000d' 0 | sed 's/ /1,/g')"
all_bad 'policy=: unknown' policy '' foo NORETRY noretry, 'noretry ' \
	"$(printf '%10000d' 0 | tr ' ' A)"
all_bad 'node=: unknown or offline' node '' -2 -1x +0 1 63 1023 1024 2147483647 99999999999 x 0x1 '0 0'
all_bad 'gfp=: not of the list' gfp '' GFP_ATOMIC __GFP_ZERO 'GFP_KERNEL|' '|GFP_KERNEL' \
	'GFP_KERNEL||__GFP_ZERO' gfp_kernel 'GFP_KERNEL|__GFP_NOFAIL' 'GFP_KERNEL,__GFP_ZERO' 0xcc0
all_bad 'count=: not 1 to 1000' count '' 0 -1 +5 '5 ' 1001 1.5 4294967296 4294967297 x 1K
all_bad 'cap=: not a size above 0' cap '' 0 -1 x 99999999999999G 1T
all_bad 'zero=: neither 0 nor 1' zero '' 2 maybe -1 0x1 10 nope y 1AAAAAAAAAAAAAAAA '1 '
all_bad 'hold=: neither 0 nor 1' hold '' 2 maybe 01
all_bad 'force_fallback=: neither 0 nor 1' force_fallback '' 2 maybe true_or_so
try 'force_fallback=1 with policy=kmalloc is refused' is_refused force_fallback \
	force_fallback=1 policy=kmalloc
try 'over the cap is refused' is_refused 'size and count' sizes=64K cap=65535
try 'so is a held total over the cap' is_refused 'size and count' sizes=32K count=3 hold=1 cap=65536
try 'the cap counts pages, not bytes' is_refused 'size and count' sizes=1 count=1000 hold=1 policy=vmalloc cap=2M
# A share of memory, at most 1 GiB, which machines with more than 8 GiB reach
share_of_memory()
{
	local gib=1073741824 share

	share=$(($(kib MemTotal) * 128))
	is_refused 'size and count' sizes=2147483647 count=2 hold=1 || return
	cap=$(sed -n 's/.* allowed is cap=\([0-9]*\)$/\1/p' /tmp/said)
	echo "# cap=$cap, an eighth of memory is $share"
	[ "$cap" -gt 0 ] && [ "$cap" -le $gib ] && [ "$cap" -le $share ] &&
		{ [ $share -le $gib ] || [ "$cap" -eq $gib ]; }
}
try 'the default cap is a share of memory, and at most 1 GiB' share_of_memory
long_echo()
{
	! load policy="$(printf '%10000d' 0 | tr ' ' A)" && has '^kvdemo: policy=A{64}\.\.\. is invalid: ' &&
		lacks 'A{65}'
}
try 'an echoed value is cut to 64 characters' long_echo
only_failures()
{
	! load sizes=1G cap=2G policy=kmalloc && grep -q 'allocate memory' /tmp/err &&
		has 'path=none why=impossible' && has '^kvdemo: exit .* leaked=0$' && [ ! -d /sys/module/kvdemo ]
}
try 'insmod fails with ENOMEM if every allocation fails' only_failures
# A buffer of 32 MiB takes a while to fill, so insmod is killed in the middle.
opened_early()
{
	mark
	insmod /kvdemo.ko sizes=32M count=1000 policy=vmalloc cap=1G &
	loader=$!
	until dmesg | grep -q 'kvdemo: alloc '; do kill -0 $loader || return; done
	[ -e /sys/kernel/debug/kvdemo ]
	early=$?
	kill -KILL $loader
	! wait $loader
	[ $early -ne 0 ] && [ ! -e /sys/kernel/debug/kvdemo ] && [ ! -d /sys/module/kvdemo ] &&
		has '^kvdemo: exit .* leaked=0$'
}
try 'no file exists before insmod has succeeded' opened_early
good 'a failure among others is a line' 'path=none why=impossible' sizes=64,1G cap=2G policy=kmalloc
good 'size 0 is no failure' 'path=none why=impossible' sizes=0,1G cap=2G policy=kmalloc

# With a small vmalloc area, address space runs out before memory does.
exhausted()
{
	load policy=vmalloc sizes=8M,512K,32K,4096 count=100 hold=1 cap=2G &&
		has 'size=4096 .*path=vmalloc why=policy' &&
		has 'size=4096 .*path=none why=no-memory' && unload
}
[ -z "$KVEXHAUST" ] ||
	try 'an exhausted vmalloc area is path=none why=no-memory' exhausted
