#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The scripts and the machine that they run on: their needs, the caller's environment, and
# the files and processes that they leave. No guest is booted: a script in PATH stands in
# for QEMU.
programs=yes
. "$(dirname "$0")/lib.sh"

# make check holds the root; some tests need a caller that does not.
unset KVDEMO_HELD KVDEMO_CALLER KVDEMO_OWNED
export KVDEMO_ACCEL=tcg # no probe

# as_root NAME COMMAND...: a test that only root can make
as_root()
{
	if [ "$EUID" -eq 0 ]; then try "$@"; else echo "ok - $1 # SKIP for root"; fi
}

# says SENTENCE COMMAND...: it fails with that one line, and make's own
says()
{
	! "${@:2}" >"$work/out" 2>&1 || return
	cat "$work/out"
	[ "$(grep -vc '^make' "$work/out")" -eq 1 ] && grep -q -- "$1" "$work/out"
}

# refuses HOW...: make demo, started that way, prints one sentence and installs nothing
refuses()
{
	program "$work/bin/apt-get" <<<"#!/bin/sh
		echo \"\$*\" >>'$work/asked'"
	says 'does not let root .*docker: --privileged' \
		env XDG_CACHE_HOME="$work/empty" PATH="$work/bin:$PATH" "$@" make demo || return
	rm "$work/bin/apt-get"
	[ ! -e "$work/asked" ] && [ -z "$(find "$work/empty" -type f ! -name '*.lock')" ]
}

locked_proc()
{
	# a user namespace may mount /proc only if no part of it is hidden
	refuses unshare --mount --pid --fork --mount-proc sh -c \
		'mount -t tmpfs kvdemo /proc/sys && exec unshare --map-root-user "$@"' sh
}

# Settings that could change every tool
hostile=(BASH_ENV="$work/bad" ENV="$work/bad" CDPATH=/ 'GLOBIGNORE=*' POSIXLY_CORRECT=1 SHELLOPTS=noglob
	BASHOPTS=failglob GREP_OPTIONS=-v GREP_COLORS=x TAR_OPTIONS=--nothing XZ_OPT=--nothing
	DPKG_ADMINDIR=/nothing LANGUAGE=de LC_MESSAGES=de_DE.UTF-8 PERL5OPT=-Mnothing PERL5LIB=/nothing
	HARNESS_OPTIONS=nothing PYTHONSTARTUP=/nothing GNUTERM=x11 GIT_DIR=/nothing QEMU_MODULE_DIR=/nothing
	CPATH=/nothing KBUILD_OUTPUT=/nothing KBUILD_EXTMOD=/nothing 'BASH_FUNC_sed%%=() { exit 9; }')

# in_hostile COMMAND...: none of these settings is in the environment that COMMAND prints
in_hostile()
{
	local setting

	echo 'exit 3' >"$work/bad"
	env "${hostile[@]}" "$@" >"$work/out" || return
	grep -q '^PATH=' "$work/out" || return
	for setting in "${hostile[@]}"; do
		! grep -F "$setting" "$work/out" || return
	done
}

prove_is_clean()
{
	printf '#!/bin/sh\nenv >%q\necho 1..1\necho ok\n' "$work/env" | program "$work/env.t"
	: >"$work/env"
	in_hostile sh -c "make check TESTS='$work/env.t' >&2 && cat '$work/env'"
}

# A script that is called without make has read BASH_ENV before its first line.
script_is_clean()
{
	unset 'hostile[0]'
	in_hostile scripts/target hold bookworm env
}

# Variables of make and kbuild are passed on.
kbuild_is_asked()
{
	mkdir -p "$work/headers"
	printf 'modules:\n\t@env\n' >"$work/headers/Makefile"
	KCFLAGS=-DX ARCH=x86 CROSS_COMPILE=y- LLVM=1 V=1 in_hostile make -s KDIR="$work/headers" || return
	[ "$(grep -cxE 'KCFLAGS=-DX|ARCH=x86|CROSS_COMPILE=y-|LLVM=1|V=1' "$work/out")" -eq 5 ]
}

bad_paths()
{
	says "TMPDIR is '/not there'" env TMPDIR='/not there' scripts/target list &&
		says "TMPDIR is '\.'" env TMPDIR=. scripts/boot bookworm tests/guest/demo.sh &&
		says 'no directory with blanks or colons in its name: /a b' make KDIR='/a b'
}

# A clone by a Git that converts line ends to those of Windows
cloned()
{
	(
		mkdir "$work/repo" && cp -r scripts tests Makefile .gitattributes "$work/repo"
		cd "$work/repo"
		git init -q . && git add -A 2>/dev/null &&
			git -c user.name=x -c user.email=x@localhost commit -qm x &&
			git -c core.autocrlf=true clone -q . "$work/clone" 2>/dev/null || return
		[ -x "$work/clone/scripts/boot" ] && ! grep -rlI $'\r' "$work/clone" --exclude-dir=.git
	)
}

# A root made without a mirror: a stub of mmdebstrap leaves empty files.
fake_root()
{
	program "$work/bin/mmdebstrap" <<-'END'
		#!/bin/sh
		for new; do case $new in */root) break ;; esac; done
		mkdir -p "$new" "${new%/*}/layer"
		touch "${new%/*}"/vmlinuz "${new%/*}"/busybox "${new%/*}"/release "${new%/*}"/cc "${new%/*}"/checked
	END
	program "$work/bin/apt-get" <<<'#!/bin/sh'
	program "$work/bin/apt-cache" <<<$'#!/bin/sh\necho "  Candidate: 2"'
	program "$work/bin/dpkg-query" <<-END
		#!/bin/sh
		case \$* in *--admindir*) echo 1 ;; *) exec '$(type -p dpkg-query)' "\$@" ;; esac
	END
}

# Root makes the demo in somebody's checkout, then its owner does. The place is one that
# this owner can reach. No user of this machine has the number 12345.
theirs()
{
	local dir=$work/theirs

	fake_root
	fake_qemu "$work/bin/qemu-system-x86_64" 'kvdemo-verdict nonce=%s status=0'
	mkdir "$dir"
	cp -r Makefile Kbuild kvdemo.h scripts tests "$work/bin" "$dir"
	printf '#!/bin/sh\ntouch build/bookworm/kvdemo.ko build/bookworm/built\n' >"$dir/scripts/modules"
	chown -R 12345:12345 "$dir"
	rm "$work"/bin/*
	# shellcheck disable=SC2016 # for that shell
	unshare --mount sh -euc '
		mount --bind "$1" /mnt
		cd /mnt
		export XDG_CACHE_HOME=/mnt/cache KVDEMO_REFRESH=0 PATH=/mnt/bin:$PATH TMPDIR=/tmp
		make demo
		[ -z "$(find . -user 0 ! -path "./cache/kvdemo/roots/*/root" ! -name layer -print | tee /dev/stderr)" ]
		setpriv --reuid 12345 --regid 12345 --clear-groups make demo
		touch build/log/old
		if setpriv --reuid 12345 --regid 12345 --clear-groups make demo 2>said; then exit 1; fi
		cat said
		grep -q "^./build/log/old belongs to root: sudo chown -R 12345 ./mnt.$" said' sh "$dir"
}

# stuck_qemu END: a stub of QEMU that changes the terminal, and then does END. It logs that
# init runs, because boot would kill a silent guest.
stuck_qemu()
{
	program "$work/bin/qemu-system-x86_64" <<-END
		#!/bin/sh
		stty raw -echo 2>/dev/null
		log=\$(echo "\$*" | sed -n 's/.*-serial file:\([^ ]*\).*/\1/p')
		[ -z "\$log" ] || echo ' Run /init as init process' >"\$log"
		echo \$\$ >'$work/qemu'
		$1
	END
	rm -f "$work/qemu"
}

terminal()
{
	# shellcheck disable=SC2016 # for that shell
	stuck_qemu 'kill -KILL $$'
	cat >"$work/session" <<-END
		stty -g >'$work/before'
		PATH='$work/bin:$PATH' scripts/boot -i bookworm tests/guest/shell.sh
		stty -g >'$work/after'
	END
	script -qfec "bash '$work/session'" "$work/screen" </dev/null >/dev/null 2>&1
	grep -q 'accelerator' "$work/screen" && [ -s "$work/qemu" ] && cmp "$work/before" "$work/after"
}

gone() { [ ! -d "/proc/$1" ] || [[ $(ps -o stat= "$1") == Z* ]]; }

# ends_with SIGNAL COMMAND...: COMMAND starts that QEMU, and SIGNAL ends both
ends_with()
{
	local caller

	stuck_qemu 'exec sleep 1000'
	PATH=$work/bin:$PATH "${@:2}" >"$work/out" 2>&1 &
	caller=$!
	until_true test -s "$work/qemu" || { cat "$work/out"; return 1; }
	kill "-$1" "$caller"
	wait "$caller"
	until_true gone "$(<"$work/qemu")" || { kill -KILL "$(<"$work/qemu")"; return 1; }
}

# A process of root outlives the caller of sudo, so the caller is passed on by its number.
caller_gone()
{
	local caller root

	sleep 1000 &
	caller=$!
	KVDEMO_CALLER=$caller scripts/target run bookworm -b "$work:/out" -- sh -c 'echo >/out/runs; exec sleep 1000' &
	root=$!
	until_true test -e "$work/runs" || return
	kill "$caller"
	wait "$caller" || true
	until_true gone "$root" || { kill "$root"; return 1; }
}

# A lock of the caller is free once the caller has ended.
lock_free()
{
	flock -s "$work/held" env KVDEMO_CALLER=$$ scripts/target run bookworm -- true &&
		flock -n "$work/held" true
}

# While a guest starts, another clone looks for a newer kernel, and a third cleans.
held()
{
	(
		fake_root
		# A clone of another version, whose roots are others
		mkdir "$work/other"
		cp -r scripts tests "$work/other"
		sed -i 's/^second() {/&\n\t: another/' "$work/other/scripts/target"
		program "$work/bin/qemu-system-x86_64" <<-END
			#!/bin/sh
			kernel=\$(echo "\$*" | sed 's/.*-kernel \([^ ]*\).*/\1/')
			ls -i "\$kernel" >'$work/kernel'
			echo "\$kernel" >'$work/kernel.path'
			KVDEMO_REFRESH=1 scripts/target make bookworm
			timeout 10 scripts/target clean bookworm
			KVDEMO_REFRESH=0 timeout 60 '$work/other/scripts/target' make bookworm &&
				ls -i "\$kernel" | cmp - '$work/kernel' && : >'$work/same'
			exit 1
		END
		export XDG_CACHE_HOME=$work/lock PATH=$work/bin:$PATH
		scripts/boot -l "$work/held.log" bookworm tests/guest/demo.sh || true
		[ -e "$work/same" ] || return
		# Once the root is not in use, it is replaced and removed.
		KVDEMO_REFRESH=1 scripts/target make bookworm || return
		! cmp <(ls -i "$(<"$work/kernel.path")") "$work/kernel" || return
		scripts/target clean bookworm
		! find "$work/lock/kvdemo/roots" -mindepth 1 ! -name '*.lock' | grep .
	)
	local status=$?
	rm -f "$work"/bin/*
	return "$status"
}

no_setuid()
{
	local root

	root=$(scripts/target make bookworm)/root
	[ -x "$root/usr/bin/passwd" ] && ! find "$root" -xdev -type f -perm /6000 | grep .
}

# If the root's own QEMU runs, target gets the user that it runs as.
emulator_user()
{
	local wanted

	mkdir -p "$work/s"
	cp -r scripts tests "$work/s"
	cat >"$work/s/scripts/target" <<-END
		#!/bin/bash
		case \$1 in
		row) '$top/scripts/target' "\$@" | sed 's/^extra=.*/extra=qemu/' ;;
		run) echo "\$4" >'$work/user' ;;
		hold) KVDEMO_HELD=\$('$top/scripts/target' cache)/\$2 exec "\${@:3}" ;;
		*) exec '$top/scripts/target' "\$@" ;;
		esac
	END
	"$work/s/scripts/boot" -l "$work/user.log" bookworm tests/guest/demo.sh || true
	wanted=$(stat -c %u:%g scripts)
	[ "$EUID" -eq 0 ] || wanted=$(id -u):$(id -g)
	[ "${wanted%:*}" -ne 0 ] || wanted=65534:65534
	[ "$(<"$work/user")" = "$wanted" ] && [ "$(stat -c %u "$work/user.log")" = "$EUID" ] &&
		[ "$(scripts/target run bookworm -u "$wanted" -- id -u)" = "${wanted%:*}" ]
}

plan 17
set +e
as_root 'without CAP_SYS_ADMIN one sentence says so, before a download' refuses setpriv --bounding-set=-sys_admin
as_root 'the same without CAP_MKNOD' refuses setpriv --bounding-set=-mknod
as_root 'and where /proc cannot be mounted' locked_proc
try 'what the environment holds does not reach the tests' prove_is_clean
try 'nor what a script starts' script_is_clean
try 'nor kbuild, which gets what is meant for it' kbuild_is_asked
try 'a TMPDIR and a KDIR that do not work are refused by name' bad_paths
if type git >/dev/null 2>&1; then
	try 'a clone with core.autocrlf has no carriage return' cloned
else
	echo 'ok - a clone with core.autocrlf has no carriage return # SKIP without git'
fi
as_root "what root makes in somebody's checkout is theirs, and what it made is named" theirs
try 'the terminal is restored where QEMU is killed' terminal
# now, because the next tests wait for the start of QEMU for half a minute only
scripts/install-missing qemu-utils
try 'QEMU ends with a boot that is killed' ends_with KILL scripts/boot -i bookworm tests/guest/shell.sh
try 'and with a bench that is killed' ends_with KILL env STATES=idle scripts/bench/run -s bookworm "$work/csv"
try 'what runs as root ends with its caller' caller_gone
try "and keeps no lock of its caller's" lock_free
as_root 'nobody replaces or removes a root while a guest starts from it' held
try 'a root has no setuid program' no_setuid
try "the root's own QEMU runs for a user, not for root" emulator_user
