#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Checks of the sources and the pages without running them. The tools are those of
# Debian 12; checkpatch and kernel-doc are those of its kernel's source.
. "$(dirname "$0")/lib.sh"
. tests/pages.sh

lint=/usr/local/share/kvdemo-lint/scripts
rooms=(demo live lab samples tests/modules)
mapfile -t c_files < <(find . "${rooms[@]}" -maxdepth 1 -name '*.[ch]' ! -name '*.mod.c' | sed 's,^\./,,' | sort)
mapfile -t code < <(printf '%s\n' "${c_files[@]}" | grep -vx demo/trace.h)
mapfile -t files < <(find scripts tests debian .ci -type f | sort)
mapfile -t python_files < <(grep -l '^#!.*python3$' "${files[@]}")
mapfile -t shell_files < <(grep -lE '^#!.*sh$|shellcheck shell=' "${files[@]}"; ls tests/guest/*.sh)

in_root()
{
	scripts/target run bookworm -b "$top:/src" -- env -C /src "$@"
}

# builds DIR MAKE-ARGUMENT...: it builds in Debian 12's root without a warning
builds()
{
	local status=0

	scripts/target build bookworm "$@" >"$1/log" 2>&1 || status=$?
	! grep -iE 'warning|error' "$1/log" || status=1
	return "$status"
}

# A build with a warning fails (scripts/modules), but a sparse that never ran is also silent.
checked()
{
	local file

	for file in "${c_files[@]}"; do
		[[ $file != *.c ]] || grep -q "^  CHECK .*/$file\$" "$built/log" || { echo "$file"; return 1; }
	done
}

documented()
{
	local names name

	mapfile -t names < <(sed -n 's/^EXPORT_SYMBOL_GPL(\(.*\));/\1/p' "${c_files[@]}")
	[ "${#names[@]}" -gt 5 ] || return
	for name in "${names[@]%_noprof}"; do
		grep -q "^ \* $name() - \|const struct kvdemo_policy $name\[" "${c_files[@]}" ||
			{ echo "$name has no kernel-doc"; return 1; }
	done
}

same_version()
{
	local version

	version=$(sed -n 's/^#define KVDEMO_VERSION "\(.*\)"/\1/p' kvdemo.h)
	[ -n "$version" ] && grep -qx "PACKAGE_VERSION=\"$version\"" dkms.conf &&
		grep -q "version=$version " README.md && sed 1q debian/changelog | grep -qF "kvdemo ($version) "
}

# The regex, applied as dkms does: [[ release =~ regex ]]
releases()
{
	local BUILD_EXCLUSIVE_KERNEL release

	eval "$(grep '^BUILD_EXCLUSIVE_KERNEL=' dkms.conf)"
	for release in 5.10.0-30-amd64 5.10.223 5.15.0 5.19.17-rt 6.1.0-56-cloud-amd64 \
		6.12.107+deb13-rt-amd64 6.18.44 7.3.4+deb13-cloud-amd64 9.9.9 10.0.1 12.1; do
		[[ $release =~ $BUILD_EXCLUSIVE_KERNEL ]] || { echo "refused: $release"; return 1; }
	done
	for release in 2.6.32-5 3.16.0-4-amd64 4.4.10 4.19.0-27-amd64 5.1.2 5.4.0-26 5.9.16; do
		[[ ! $release =~ $BUILD_EXCLUSIVE_KERNEL ]] || { echo "taken: $release"; return 1; }
	done
}

unwanted()
{
	! grep -nE "$@"
}

# A function begins with a line "{" or "name() {", and ends with a "}" in the first column.
short_functions()
{
	awk '$0 == "{" || /^[a-z_]+\(\) [{]$/ { start = FNR }
		/^}/ && start {
			if (FNR - start > 41) {
				print FILENAME ":" start
				long = 1
			}
			start = 0
		}
		END { exit long }' "${c_files[@]}" "${shell_files[@]}"
}

# Every source file but data and texts
licensed()
{
	! awk 'FNR <= 2 && /SPDX-License-Identifier/ { has[FILENAME] = 1 }
		END { for (i = 1; i < ARGC; i++) if (!(ARGV[i] in has)) print ARGV[i] }' \
		"${c_files[@]}" Kbuild Makefile dkms.conf "${files[@]}" |
		grep -vE '^(debian/(changelog|control|copyright|source/format)|scripts/help|tests/(splats|targets|mutants|pages))$'
}

explained()
{
	local names name

	mapfile -t names < <(sed -n 's/^\t\t\.name = "\(.*\)",/\1/p' kvdemo_alloc.c)
	[ "${#names[@]}" -gt 5 ] || return
	for name in "${names[@]}"; do
		grep '^MODULE_PARM_DESC(policy,' kvdemo_main.c | grep -qw "$name" ||
			{ echo "policy $name is not in modinfo"; return 1; }
		grep -q "^| \`$name\`" README.md ||
			{ echo "policy $name is not in the README's table"; return 1; }
	done
}

# boot would silently ignore a rule that it cannot read.
rules_hold()
{
	local line status

	while read -r line; do
		[[ $line =~ ^(forbid|allow|warned|pressed|faults|unload|killed)\ +(.*[^ ])\ +\#\ . ]] ||
			{ echo "no rule: $line"; return 1; }
		status=0
		grep -E -e "${BASH_REMATCH[2]}" /dev/null || status=$?
		[ "$status" -eq 1 ] || { echo "no expression: $line"; return 1; }
	done < <(grep -v '^#' tests/splats)
}

kernels()
{
	local name suite arch kernel page policy rest

	# shellcheck disable=SC2016 # a backquote is all it is
	[ "$(grep -c '^| `.*(.*) | [0-9]* | `no' doc/testing.md)" -eq "$(scripts/target list | wc -l)" ] || return
	while read -r name suite arch kernel _ _ _ _ page policy _ rest; do
		grep -qxF "| \`$name\` | $suite | $arch ($kernel) | $page | \`$policy\` |" doc/testing.md ||
			{ echo "doc/testing.md has no line for $name ($rest)"; return 1; }
	done < <(grep -v '^#' tests/targets)
}

# driver HEAD CALL: the source of a driver that makes that call at load
driver()
{
	cat <<-END
		#include <linux/module.h>
		$1
		static int __init driver_init(void)
		{
			$2
			return 0;
		}
		module_init(driver_init);
		MODULE_DESCRIPTION("a driver, for a test");
		MODULE_LICENSE("GPL");
	END
}

# As doc/driver.md promises: four files suffice for a driver, and export no symbol
lifted()
{
	local copy=$work/lifted

	mkdir "$copy"
	cp kvdemo.h kvdemo_compat.h kvdemo_alloc.c kvdemo_backoff.h "$copy"
	driver '#include "kvdemo.h"' \
		'kvdemo_kvfree(kvdemo_kvzalloc(PAGE_SIZE * 3, GFP_KERNEL));' >"$copy/driver.c"
	printf 'obj-m := lifted.o\nlifted-y := driver.o kvdemo_alloc.o\n' >"$copy/Kbuild"
	builds "$copy" W=1 && [ ! -s "$copy/Module.symvers" ]
}

# The lines that doc/driver.md has a driver compiled with, and the options of its make
against()
{
	local copy=$work/against options=()

	mkdir -p "$copy/kvdemo"
	cp kvdemo.h kvdemo_compat.h "$built/Module.symvers" "$copy/kvdemo"
	blocks c "$copy/part" doc/driver.md
	driver "$(<"$copy/part1")" "{
		size_t size = PAGE_SIZE * 3;
		$(<"$copy/part2")
		kvfree(p);
		kvfree(kvmalloc(size, GFP_KERNEL));
	}" >"$copy/driver.c"
	echo 'obj-m := driver.o' >"$copy/Kbuild"
	mapfile -t options < <(grep -o '[A-Z_]*=[^ ]*/path/to/kvdemo[^ ]*' doc/driver.md |
		sed 's,/path/to,/src,')
	builds "$copy" "${options[@]}" && grep -q kvdemo_kvmalloc "$copy/driver.mod.c"
}

# The macros of the kernel dictate the format of a trace header. (An empty file among the
# arguments would end checkpatch, with status 0 and the rest unread.)
form=COMPLEX_MACRO,TRAILING_SEMICOLON,PARENTHESIS_ALIGNMENT,OPEN_ENDED_LINE,MACRO_ARG_REUSE
checkpatch()
{
	in_root perl "$lint/checkpatch.pl" --strict --terse --no-summary --show-types --file "$@"
}

prices()
{
	# shellcheck disable=SC2016 # backquotes are all they are
	diff <(scripts/bench/report prices doc/csv/bookworm.csv) <(grep -A 5 '^| size | `vmalloc`' README.md)
}

plan 31
try 'checkpatch --strict is silent' silent checkpatch "${code[@]}" tests/guest/*.c
try 'and about the trace header, but for its form' silent checkpatch --ignore "$form" demo/trace.h
try 'W=1 and sparse (C=2) are silent about each file' checked
try 'kernel-doc -Werror is silent' silent in_root perl "$lint/kernel-doc" -none -Werror \
	"${c_files[@]}"
try 'every exported symbol is documented' documented
try 'shellcheck is silent' silent in_root shellcheck -x "${shell_files[@]}"
try 'Python is compiled without a warning' silent in_root python3 -W error -c \
	'import pathlib, sys; [compile(pathlib.Path(p).read_text(), p, "exec") for p in sys.argv[1:]]' \
	"${python_files[@]}"
try 'every script is executable' \
	sh -c '! find scripts tests debian .ci -type f ! -perm -100 -exec grep -l "^#!" {} + | grep .'
try 'one version in module, dkms.conf, README and Debian package' same_version
try 'BUILD_EXCLUSIVE_KERNEL takes 5.10 and later, and 10.x' releases
try 'no version check outside the compat headers' \
	unwanted 'LINUX_VERSION_CODE|KERNEL_VERSION\(|KVDEMO_SINCE' "${c_files[@]/#*compat.h//dev/null}"
try 'no raw pointer, no BUG_ON' unwanted '%px|(^|[^_])BUG_ON\(' "${c_files[@]}"
try 'no function has more than 40 lines' short_functions
try 'SPDX line first' licensed
try 'modinfo and README explain every policy' explained
try 'each line of tests/mutants changes the file that it names' scripts/mutants -n
try 'each rule of tests/splats has a reason, and grep takes it' rules_hold
try 'doc/testing.md names every kernel of tests/targets' kernels
try 'doc/bench.md has the figures of doc/csv' cmp <(sed '1,/^<!-- make bench-doc -->$/d' doc/bench.md) \
	<(scripts/bench/report tables doc/csv/*.csv)
try 'doc/live.md has those of doc/csv/live' cmp <(sed '1,/^<!-- make bench-doc -->$/d' doc/live.md) \
	<(scripts/bench/report live doc/csv/live/*.csv)
# shellcheck disable=SC2016 # a backquote is all it is
try 'doc/install.md has a remedy beside the message of lockdown' \
	grep '^| `Operation not permitted`.* `Lockdown: insmod: unsigned module .* enrol ' doc/install.md
try 'the wrapper can be lifted into a driver' lifted
try 'a driver can be built against kvdemo, as doc/driver.md says' against
try 'README has at most 200 lines' [ "$(wc -l <README.md)" -le 200 ]
try 'every command of the pages is run by a test, or marked' commands_run
try 'no more and no fewer blocks than planned are marked as not run' marks 5
try 'every link of the pages leads somewhere' links
try 'every target and file that the pages name is there' names
try "README's prices are those of the table that make bench left" prices
try 'README.ko.md has the commands, parameters and figures of README.md' same_facts README.md README.ko.md
try 'so has doc/kvmalloc.ko.md those of doc/kvmalloc.md' same_facts doc/kvmalloc.md doc/kvmalloc.ko.md
