# SPDX-License-Identifier: GPL-2.0-only
# Flags outside the contract of 4.12: what this kernel's own kvmalloc gives, a WARN
# where its documentation calls them unsupported, and one line of the log elsewhere.
. ./lib.sh

# The module is loaded anew each time, because it logs each message once.
number=0
for reaction in $(echo "$KVEXPECTED" | tr , ' '); do
	number=$((number + 1))
	mark
	insmod /kvdemo.ko sizes=64
	insmod /kvdemo_test.ko outside=$number blocking="$KVBLOCKING"
	tap
	rmmod kvdemo_test
	rmmod kvdemo
	log | grep -E 'WARNING: .*kvdemo_alloc\.c|own kvmalloc_node\(\) serves|nothing can serve' >/tmp/said
	case $reaction in
	warns) pattern='WARNING: ' ;;
	tells) pattern='^kvdemo: .*\[kvdemo_test\] asks for gfp=.*own kvmalloc_node() serves' ;;
	refuses) pattern='^kvdemo: .*\[kvdemo_test\] asks for size=1024 gfp=.*under policy noretry, which nothing can serve' ;;
	esac
	status=1
	[ "$(wc -l </tmp/said)" -ne 1 ] || ! grep -q "$pattern" /tmp/said || status=0
	[ "$status" -eq 0 ] || sed 's/^/# /' /tmp/said
	ok "$status" "case $number $reaction, once"
done

# An eighth of the memory outside ZONE_MOVABLE, which kmalloc cannot use, or less
cap_without_movable()
{
	local usable cap

	usable=$(awk '/^Node/ { zone = $4 } /^ *managed/ && zone !~ /Movable|HighMem/ { n += $2 }
		END { print n }' /proc/zoneinfo)
	cap=$(default_cap insmod) || return
	echo "# cap=$cap, $usable pages outside ZONE_MOVABLE"
	[ "$cap" -gt 0 ] && [ $((cap * 8)) -le $((usable * $(page_size))) ]
}
try 'the default cap leaves out ZONE_MOVABLE' cap_without_movable
