# SPDX-License-Identifier: GPL-2.0-only
# Makes one state of memory, KVSTATE, for scripts/bench/run. Then it reads numbers from the
# second serial port, each 1000 + a line of /cells, runs the bench with the parameters of
# that line, and sends the CSV back.
. ./lib.sh

# Two files take all but 16 MiB. They are written in turns, so that their pages alternate
# (by awk's print, because its printf and busybox's tee look at each character). One file
# is removed: its pages are free, each between two that can be moved. Other free blocks of
# order 2 and above are held, and a third file takes single pages until $KVLEVEL MiB stay.
movable()
{
	local half=$((($(mib_free) - 16) / 2)) more

	# A guest of 1 GiB keeps 44 MiB for urgent requests, and the files would call the OOM killer.
	[ "$KVLEVEL" -lt 320 ] || echo 12288 >/proc/sys/vm/min_free_kbytes
	mkdir /tmp/m
	mount -t tmpfs -o size=100%,huge=never movable /tmp/m || return
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
	# More memory comes free during the writes and a moment later.
	for _ in $(seq 20); do
		sleep 0.2
		more=$(($(mib_free) - KVLEVEL))
		[ $more -gt 0 ] || break
		dd if=/dev/zero bs=64k count=$((more * 16)) >>/tmp/m/level 2>/dev/null
	done
	echo "# $(mib_free) MiB are free" >&3
	[ "$(mib_free)" -le $((KVLEVEL + 2)) ] && [ "$(mib_free)" -ge $((KVLEVEL - 8)) ]
}

# Keeps one page of four of each block, first in the upper zone, until that has no block.
lower()
{
	local share

	# 1 % of a guest of 6 GiB is 60 MiB, which breaks 240 MiB of blocks.
	share=$(awk '/^Node .* zone/ { zone = $4 } /^ *managed/ { n[zone] = $2; all += $2 }
		END { print int(n["Normal"] / 4 * 100 / all) + 1 }' /proc/zoneinfo)
	insmod /kvdemo_frag.ko order=2 share="$share" && insmod /kvdemo.ko sizes=64
	sed 's/^/# /' /proc/buddyinfo >&3
}

# Otherwise compaction could move the pages of the files of the initramfs.
echo 0 >/proc/sys/vm/compact_unevictable_allowed
# Otherwise kcompactd would undo the state while the guest settles.
echo 0 >/proc/sys/vm/compaction_proactiveness
stty -F "$KVTTY" raw -echo
exec 3<>"$KVTTY"
case $KVSTATE in
idle) insmod /kvdemo.ko sizes=64 ;;
# 16 KiB, of order 2, is the smallest size that has to fall back. Order 1 stays free,
# because 6.1 kills a process if a fork finds no block of it.
unmovable) fragment ;;
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
	# __GFP_ACCOUNT charges nothing in the root cgroup. Other cells stay there: with a second
	# memory cgroup their prices on 6.1 were 1 % higher.
	case $line in *account=1*) memory_group bench && echo $$ >/cg/bench/cgroup.procs ;; esac
	# shellcheck disable=SC2086 # a list of parameters
	insmod /kvdemo_bench.ko $line && cat /sys/kernel/debug/kvdemo_bench/csv >&3
	# Let the console finish its lines before the state is restored.
	sleep 1
	echo done-with-cell >&3
done
