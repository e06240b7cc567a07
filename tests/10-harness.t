#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The harness must notice guests that go wrong on purpose.
programs=yes
. "$(dirname "$0")/lib.sh"

part=harness # of the names of logs

# ends STATUS MESSAGE NAME GUEST-SCRIPT [BOOT OPTION...]
ends()
{
	local status=0 wanted=$1 message=$2 name=$3

	printf '. /lib.sh\n%s\n' "$4" >"$work/$wanted.sh"
	setpriv --pdeathsig TERM scripts/boot -t 60 "${@:5}" -l "build/log/$TARGET-$part-$wanted.log" "$TARGET" \
		"$work/$wanted.sh" "$built/kvdemo.ko" "$built/kvdemo_test.ko" \
		>"$work/out" 2>&1 || status=$?
	[ "$status" -eq "$wanted" ] && grep -q -- "$message" "$work/out" &&
		{ [[ $wanted == [02] ]] || grep -q 'serial log: .*/build/log/' "$work/out"; }
	ok $? "$name" "$work/out"
}

# judges STATUS MESSAGE NAME LOG [BOOT OPTION...]: the same of a log that no guest wrote
judges()
{
	fake_qemu "$work/says/qemu-system-x86_64" "$4"
	PATH=$work/says:$PATH KVDEMO_ACCEL=tcg ends "$1" "$2" "$3" true "${@:5}"
}

# row_says VERDICT NAME COMMANDS [ROW]: check-all's verdict of the row if make runs these
# commands; never: the row is not run
row_says()
{
	local red=0 run=0 table=0 row=${4:-bookworm}

	rm -rf "$work/rows"
	printf '#!/bin/sh\n%s\n' "$3" | program "$work/rows/bin/make"
	cp -r scripts tests "$work/rows"
	[[ $1 != FAIL* ]] || red=1
	local -x PATH=$work/rows/bin:$PATH XDG_CACHE_HOME=$work/rows/cache
	{
		[ "$3" = never ] || "$work/rows/scripts/check-row" run "$row" || run=1
		"$work/rows/scripts/check-row" table "$row" || table=1
		[ "$table" -eq "$red" ] && [[ $3 = never || $run -eq $red ]]
	} >"$work/out" 2>&1 && grep -q "^$row .*  $1" "$work/out"
	ok $? "$2" "$work/out"
}

# The table that make demo prints, and the lines after it
demo_table()
{
	scripts/demo "$TARGET" sizes=64K,5M >"$work/demo" 2>&1 || { cat "$work/demo"; return 1; }
	grep -q '^ *size  path  *why  *try_ns ' "$work/demo" &&
		grep -Eq '^ *65536  pages    contiguous  +[0-9]+  +-  +[0-9]+$' "$work/demo" &&
		grep -Eq '^ *5242880  vmalloc  too-large  +[0-9]+  +[0-9]+  +[0-9]+$' "$work/demo" &&
		tail -n 4 "$work/demo" | grep -c '^Try next: ' | grep -qx 2 &&
		[ -s "$(sed -n 's/^The whole log: //p' "$work/demo")" ]
}

# Nothing of ours runs before init, so a kernel that is lost there is started a second
# time, but not a third.
lost()
{
	local part=lost work=$work/lost

	program "$work/bin/qemu-system-x86_64" <<-END
		#!/bin/sh
		while [ -e '$work/talks' ]; do
			echo 'the kernel begins' >>build/log/$TARGET-$part-6.log
			sleep 0.3
		done
		mkdir '$work/once' 2>/dev/null || exec '$(type -p qemu-system-x86_64)' "\$@"
		[ ! -e '$work/spins' ] || exec sleep 1000
		echo 'the kernel begins' >build/log/$TARGET-$part-0.log
	END
	PATH=$work/bin:$PATH ends 0 'did not come to init, once more: QEMU ended (0)' \
		'a kernel that is lost before init is started again, and told' 'ok 0 one' -p 1
	rmdir "$work/once"
	: >"$work/spins"
	PATH=$work/bin:$PATH ends 0 'once more: it said nothing for 21 s' 'a kernel that prints nothing before init is started again' \
		'ok 0 one' -p 1 -b 60
	: >"$work/talks"
	PATH=$work/bin:$PATH ends 6 'did not come to init, twice: not within 9 s' 'a kernel that is lost twice is not started a third time' \
		true -b 9
	rm "$work/talks"
	ends 3 'did not come to init, once more' 'a kernel that panics before init is started again, and ends in a panic' \
		true -a rdinit=/none
}

# The same sources are not built again in the same root; changed sources are. A build
# with a warning fails, and fails again.
kept()
{
	local dir=$work/kept

	mkdir -p "$dir/scripts" "$dir/build/row"
	cp scripts/modules scripts/env "$dir/scripts"
	program "$dir/scripts/target" <<-'END'
		#!/bin/sh
		[ "$1" = build ] || { echo "${0%/*}/../cache"; exit; }
		echo built >>"${0%/*}/../builds"
		cp "$3/one.c" "$3/one.ko"; : >"$3/Module.symvers"
		cat "$3/one.c"
	END
	(
		cd "$dir"
		echo root >build/row/root
		again() { scripts/modules row one.c && cmp one.c build/row/one.ko && [ "$(wc -l <builds)" -eq "$1" ]; }
		echo one >one.c && again 1 && again 1 && echo two >one.c && again 2 &&
			echo another >build/row/root && again 3 && echo one >one.c && again 4 &&
			echo 'one.c:1: warning: odd' >one.c && ! again 5 && ! again 6 && [ "$(wc -l <builds)" -eq 6 ] &&
			rm -r cache/modules && : >cache/modules && echo two >one.c && again 7 && again 8
	)
}
kept_apart()
{
	local dir=$work/apart first

	cp -r "$work/kept" "$dir"
	(
		cd "$dir"
		rm cache/modules builds
		sed -i '3s/$/; sleep 1/' scripts/target
		echo slow >one.c
		scripts/modules row one.c &
		first=$!
		until_true test -s builds
		echo late >one.c && scripts/modules row one.c && cmp one.c build/row/one.ko && wait "$first" &&
			echo slow >one.c && scripts/modules row one.c && cmp one.c build/row/one.ko
	)
}

# built WANTED PROGRAMS COMMAND...: with just these compilers and linkers, the kernel's
# make is given WANTED
built()
{
	local dir=$work/clang tool said

	mkdir -p "$dir/bin" "$dir/headers/include/config"
	rm -f "$dir"/bin/{clang,ld}*
	for tool in bash sh env make sed sort grep uname id cat; do
		ln -sf "$(type -P $tool)" "$dir/bin"
	done
	for tool in $2; do
		program "$dir/bin/$tool" <<<'#!/bin/sh'
	done
	# shellcheck disable=SC2016 # for make
	echo 'modules:; @echo "said LLVM=$(LLVM) CC=$(CC) LD=$(LD) M=$(M)"' >"$dir/headers/Makefile"
	said=$(PATH=$dir/bin env -u MAKEFLAGS "${@:3}" 2>&1) || true
	grep -qxF "$1" <<<"$said" || { printf '%s\n' "$* gave:" "$said"; return 1; }
}

# The compiler that built a kernel builds its modules, unless the user names another.
by_clang()
{
	local dir=$work/clang all='clang-19 ld.lld-19 clang ld.lld clang-21 ld.lld-21'
	local plain=(make -s KDIR="$dir/headers") dkms MAKE

	# the command of dkms.conf, to which DKMS appends its choice
	# shellcheck disable=SC2034
	local kernel_source_dir=$dir/headers parallel_jobs=1
	eval "$(grep '^MAKE' dkms.conf)"
	read -ra dkms <<<"${MAKE[0]}"
	mkdir -p "$dir/headers/include/config"
	printf '%s\n' CONFIG_CC_IS_CLANG=y CONFIG_CLANG_VERSION=190107 >"$dir/headers/include/config/auto.conf"
	built "said LLVM=-19 CC=cc LD=ld M=$top" "$all" "${plain[@]}" &&
		built "said LLVM=1 CC=cc LD=ld M=$top" 'clang-19 clang ld.lld' "${plain[@]}" &&
		built "said LLVM=-18 CC=cc LD=ld M=$top" 'clang-9 ld.lld-9 clang-18 ld.lld-18 clang' "${plain[@]}" &&
		built "said LLVM=-19 CC=cc LD=ld M=$top" "$all" "${dkms[@]}" LLVM=1 &&
		built "said LLVM=-19 CC=cc LD=ld M=$top" "$all" "${dkms[@]}" CC=clang LD=ld.lld &&
		CC=gcc built "said LLVM=-19 CC=gcc LD=ld M=$top" "$all" "${plain[@]}" &&
		built "said LLVM= CC=gcc-12 LD=ld M=$top" "$all" "${plain[@]}" CC=gcc-12 &&
		built "said LLVM= CC=cc LD=ld M=$top" "$all" "${plain[@]}" LLVM=0 &&
		built "said LLVM=-21 CC=cc LD=ld M=$top" "$all" "${plain[@]}" LLVM=-21 &&
		LLVM=1 built "said LLVM=1 CC=cc LD=ld M=$top" "$all" "${plain[@]}" &&
		built "kbuild: clang 19 built the kernel of $dir/headers, and there is no clang with its lld here: install clang-19 and lld-19 (or clang and lld), or name a compiler: CC= or LLVM=" \
			'clang ld.lld-19' "${plain[@]}" &&
		printf '%s\n' CONFIG_CC_IS_GCC=y CONFIG_CLANG_VERSION=0 >"$dir/headers/include/config/auto.conf" &&
		built "said LLVM= CC=cc LD=ld M=$top" "$all" "${plain[@]}"
}

# If QEMU, mmdebstrap or headers are missing, each of these commands prints all that must be
# installed, and neither makes a root nor installs.
asks_first()
{
	local command

	for command in 'make demo' 'make bench' 'scripts/target make bookworm' 'make dkms-install KVER=1.2.3-none'; do
		! scripts/target run "$TARGET" -b "$top:/src" -- env -C /src KVDEMO_INSTALL=0 \
			sh -c "$command" >"$work/out" 2>&1 || return
		cat "$work/out"
		grep -Eq '^apt-get install --no-install-recommends .*(mmdebstrap .*qemu-system|gnuplot|linux-headers-1.2.3-none)' "$work/out" &&
			! grep -E 'making the root|installing|apt-get update' "$work/out" || return
	done
}

plan 40
set +e
try 'KVDEMO_INSTALL=0 prints what to type, and nothing is downloaded' asks_first
try 'make demo closes with a table, and says what to try next' demo_table
row_says pass 'a row that passes' 'echo "Files=1, Tests=5, 1 wallclock secs"'
row_says 'FAIL, see build/log/bookworm-check.log' 'a row with a failed test is red' \
	'echo "Files=1, Tests=5, 1 wallclock secs"; exit 2'
row_says 'FAIL: no test ran' 'a row that ran no test is red' true
row_says 'FAIL: the mirror is down or incomplete' 'a mirror that is down is told as such' \
	'echo "target: the mirror is down or incomplete: no test has failed"; exit 2'
row_says 'FAIL, see build/log/bookworm-check.log' 'a mirror that is down explains no failed test' \
	'echo "target: the mirror is down or incomplete: no test has failed"
	echo "Files=1, Tests=5, 1 wallclock secs"; exit 2'
row_says 'left out: this machine runs no i386 programs' 'a row whose programs this machine cannot run is left out' \
	'echo "target: this machine runs no i386 programs, which it needs"; exit 2' bookworm-i386
row_says 'FAIL, see build/log/bookworm-check.log' 'but not a row of another architecture' \
	'echo "target: this machine runs no i386 programs, which it needs"; exit 2'
row_says 'FAIL: a test was skipped, see build/log/bookworm-check.log' 'a test that was left out is red' \
	'echo "[01:02:03] tests/30-wrapper.t .. skipped: no reason"; echo "Files=2, Tests=5, 1 wallclock secs"'
row_says pass 'a test that is not for that architecture may be left out' \
	'echo "tests/50-dkms.t .. skipped: as is known"; echo "Files=2, Tests=5, 1 wallclock secs"' riscv64
row_says 'FAIL: never ran' 'a row that never ran is red' never
# shellcheck disable=SC2016 # for that shell
CHECKED=bookworm row_says 'pass (the rest: make check)' 'a row that make check has just passed does the rest' \
	'case $* in *70-bench*) ;; *60-live*) echo "Files=1, Tests=5, 1 wallclock secs" ;; esac'
CHECKED="bookworm trixie" row_says 'pass (all of it: make check)' 'and where nothing is left says so' false trixie
# Each is refused at once, with a sentence that has the variable or the value.
wrong_lists()
{
	local command said variable

	while IFS='|' read -r variable said command; do
		# shellcheck disable=SC2086 # several words
		! timeout 60 $command "$variable" </dev/null >"$work/out" 2>&1 || return
		grep -F "$said" "$work/out" || { cat "$work/out"; return 1; }
	done <<-'END'
		ROWS=|no rows: ROWS= names|make -s check-all
		FIRE_ROWS=|no rows: FIRE_ROWS= names|make -s check-fire
		BENCH_ROWS=|no rows: BENCH_ROWS= names|make -s bench
		BENCH_ROWS=bookworm none|no row 'none'|make -s bench
		SEEDS=|SEEDS= names numbers from 1 on, not ''|make -s bench BENCH_ROWS=bookworm
		SEED=x|SEED= or SEEDS= names numbers from 1 on, not 'x'|make -s bench BENCH_ROWS=bookworm
		TARGET=|no row ''|make -s demo
		TARGET=bookworm true|no row 'bookworm true'|make -s check
		TESTS=|TESTS= names files such as tests/20-demo.t, not ''|make -s check
		TESTS=none.t|not 'none.t'|make -s check
		KVDEMO_INSTALL=no|KVDEMO_INSTALL is 0 or 1, not 'no'|make -s bench-row-none
		reps=0|reps=0 is invalid: allowed is 1 to 1000|scripts/bench/host build/none.csv
		reps=x|reps=x is invalid: allowed is 1 to 1000|scripts/bench/host build/none.csv
		sizes=|sizes= is invalid: allowed is words|scripts/bench/host build/none.csv
		ARGS=drop-zero none|no line of tests/mutants begins with 'none'|make -s mutants
	END
}
try 'modules are built again where sources or root are others, or there was a warning' kept
try 'two builds at a time get the modules of their own sources' kept_apart
try 'an empty or wrong list, and a KVDEMO_INSTALL that is neither 0 nor 1, are refused with a sentence' wrong_lists
# This waits for most of a minute, beside the other tests.
lost &
lost=$!
trap 'kill "$lost" 2>/dev/null; rm -rf "$work"' EXIT
try 'the clang that built a kernel builds its modules' by_clang
no_bench()
{
	! scripts/bench/run s390x "$work/csv" 2>"$work/out" &&
		grep 's390x: BENCH_ROWS names rows .* whose machine is pc or virt' "$work/out"
}
try 'a bench of another machine than pc and virt is refused' no_bench
ends 1 'a test failed in the guest' 'a failed test is red' 'ok 1 one' -p 1
ends 1 'its script ended with 7' 'so is a script that fails without one' 'ok 0 one; exit 7' -p 1
line='guest: ok - one' passed='kvdemo-verdict nonce=%s status=0'
judges 0 'ok - .*: verdict of the guest' 'a log like that of a good guest passes' "$line\n$passed" -p 1
judges 1 'a test failed in the guest' 'a failed test in front of a long log is red' \
	"guest: not ok - one$(printf '\\nguest: # %d filler of a long log' {1..400})\n$passed" -p 1
ends 3 'panicked: .*sysrq triggered crash' 'a panic is red' \
	'echo c >/proc/sysrq-trigger'
ends 3 'panicked: .*panic_on_warn set' 'a WARN is red' \
	'insmod /kvdemo.ko sizes=1; insmod /kvdemo_test.ko outside=1; ok 0 one'
judges 4 'splat in the log: BUG: on purpose' 'a splat without a panic is red' \
	"BUG: on purpose\n$line\n$passed" -p 1
judges 4 'splat in the log: rcu: INFO' 'an RCU stall is red' \
	"rcu: INFO: rcu_preempt self-detected stall on CPU\n$line\n$passed" -p 1
judges 4 'splat in the log: Call trace:' 'a stack is red, also as arm64 spells it' \
	"Call trace:\n$line\n$passed" -p 1
ends 5 'time-out: no end within 12 s' 'a guest that hangs is red' 'ok 0 one; sleep 1000' -t 12
ends 6 'the guest vanished' 'a guest that powers off is red' 'ok 0 one; poweroff -f' -p 1
judges 6 'the guest vanished' 'a verdict without the nonce of this run is none' \
	"$line\nkvdemo-verdict nonce=0 status=0" -p 1
judges 7 'wrong number of tests: 1 reported, 2 planned' 'a test that did not run is red' \
	"$line\n$passed" -p 2
judges 7 'wrong number of tests: 0 reported, 1 planned' 'a guest without tests is red' "$passed" -p 1
judges 7 'wrong number of skipped tests: 1, 0 expected' 'a test that was skipped is red' \
	"guest: ok - one # SKIP no reason\n$passed" -p 1
KVDEMO_ACCEL=KVM ends 2 "is kvm or tcg, not 'KVM'" 'an unknown accelerator is refused' true
ends 2 'do not share' 'more nodes than CPUs are refused' true -n 2 -c 1
wait "$lost"
