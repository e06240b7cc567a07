# SPDX-License-Identifier: GPL-2.0-only
# Do one thing wrong: KVCASE. dma and kfree are mistakes of a driver that is made to fall back.
. ./lib.sh

awake=/sys/module/kvdemo_test/parameters/awake
failslab=/sys/kernel/debug/failslab

insmod /kvdemo.ko sizes=64
insmod /kvdemo_test.ko
case $KVCASE in
null)
	fault $failslab 0
	for cache in /sys/kernel/slab/kmalloc-4k /sys/kernel/slab/kmalloc-rnd-*-4k; do
		[ ! -e "$cache" ] || echo 1 >"$cache/failslab"
	done
	echo Y >$failslab/cache-filter
	/sweep fail $awake null
	;;
dma | kfree)
	insmod /kvdemo_live.ko policy=vmalloc callers=kv_wrong && insmod /kv_wrong.ko mistake="$KVCASE"
	;;
*)
	echo "$KVCASE" >$awake
	;;
esac
# kmemleak finds what is left behind when init looks for leaks.
rmmod kvdemo_test && rmmod kvdemo
