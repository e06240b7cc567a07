# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# One state of memory, for scripts/bench/run: KVSTATE says which. Then each line on
# the second serial port is the number of a line of /cells, from 1001 on: the
# parameters of a cell, whose CSV goes back.
# shellcheck source=tests/guest/lib.sh
. /lib.sh

# Order 2 and above, for 16 KiB is the smallest size that shall fall back. Order
# 1 is left: 6.1 would rather kill than not fork. What direct compaction can still
# make of the pages of user space is held, too: afterwards it finds nothing.
unmovable()
{
	insmod /kvdemo_frag.ko order=2 &&
		insmod /kvdemo.ko sizes=16K count=1000 policy=kmalloc hold=1
}

# Two files take all but 16 MiB, written by turns (awk's print writes a page at once,
# where its printf and busybox's tee look at each character): their pages alternate. One file
# goes, and its pages are free, each between two that could be moved. What blocks of
# order 2 and above there are beside is held, and a third file fills single pages up to
# the level: $KVLEVEL MiB stay free.
movable()
{
	local half=$((($(mib_free) - 16) / 2)) more

	mkdir /tmp/m
	mount -t tmpfs -o size=95%,huge=never movable /tmp/m || return
	awk -v pages=$((half * 256)) 'BEGIN {
		ORS = ""
		for (page = sprintf("%4096s", ""); n < pages; n++) {
			print page >"/tmp/m/kept"
			print page >"/tmp/m/holes"
		}
	}'
	[ "$(stat -c %s /tmp/m/kept)" -eq $((half * 1048576)) ] || return
	rm /tmp/m/holes
	insmod /kvdemo_frag.ko order=2 reserve=16 || return
	insmod /kvdemo.ko sizes=64
	# More comes free while it is filled, and a moment later.
	for _ in $(seq 20); do
		sleep 0.2
		more=$(($(mib_free) - KVLEVEL))
		[ $more -gt 0 ] || break
		dd if=/dev/zero bs=64k count=$((more * 16)) >>/tmp/m/level 2>/dev/null
	done
	echo "# $(mib_free) MiB are free" >&3
	[ "$(mib_free)" -le $((KVLEVEL + 2)) ] && [ "$(mib_free)" -ge $((KVLEVEL - 8)) ]
}

# Of each block one page of four is kept, the upper zone first, until that one has none.
lower()
{
	local share

	# 1 % of a guest of 6 GiB is 60 MiB, which breaks 240 MiB of blocks.
	share=$(awk '/^Node .* zone/ { zone = $4 } /^ *managed/ { n[zone] = $2; all += $2 }
		END { print int(n["Normal"] / 4 * 100 / all) + 1 }' /proc/zoneinfo)
	insmod /kvdemo_frag.ko order=2 share="$share" && insmod /kvdemo.ko sizes=64
	sed 's/^/# /' /proc/buddyinfo >&3
}

# The files of the initramfs are pages that compaction could move, else.
echo 0 >/proc/sys/vm/compact_unevictable_allowed
# While the guest settles kcompactd would undo the state, on its own account.
echo 0 >/proc/sys/vm/compaction_proactiveness
stty -F "$KVTTY" raw -echo
exec 3<>"$KVTTY"
case $KVSTATE in
idle) insmod /kvdemo.ko sizes=64 ;;
unmovable) unmovable ;;
movable) movable ;;
lower) lower ;;
esac || exit
cells=1000
while read -r _ line; do
	cells=$((cells + 1))
	eval "cell_$cells=\$line"
done </cells
settle 20 || echo "# not settled" >&3
echo ready >&3
while read -r number <&3; do
	[ "$number" != end ] || break
	eval "line=\$cell_$number"
	# shellcheck disable=SC2086 # a list of parameters
	insmod /kvdemo_bench.ko $line && cat /sys/kernel/debug/kvdemo_bench/csv >&3
	# The console is to be done with its lines before the next state comes.
	sleep 1
	echo done-with-cell >&3
done
