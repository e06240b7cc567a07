# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# What guest scripts share. Every line on stdout reaches the host; TAP lines
# are counted there against the plan that the host knows.

# ok STATUS NAME...: one test
ok()
{
	local status=$1

	shift
	if [ "$status" -eq 0 ]; then
		echo "ok - $*"
	else
		echo "not ok - $*"
	fi
}

# try NAME COMMAND...: the command is the test
try()
{
	local name=$1 status=0

	shift
	"$@" || status=$?
	ok "$status" "$name"
}

# The kernel log since the last call of mark, without time stamps
mark()
{
	dmesg -c >/dev/null
}

log()
{
	dmesg | sed 's/^\[[^]]*\] //; /^guest: /d'
}

# has REGEX: the log since mark has such a line; lacks: it has none
has()
{
	log | grep -Eq -- "$1" && return 0
	echo "# no line matches: $1"
	log | tail -5 | sed 's/^/# /'
	return 1
}

lacks()
{
	log | grep -E -- "$1" | sed 's/^/# unwanted: /' | grep . && return 1
	return 0
}

# shows FILE REGEX...: a line of it matches each
shows()
{
	local file=$1 regex

	shift
	for regex; do
		grep -Eq -- "$regex" "$file" && continue
		echo "# nothing shows $regex in:"
		tail -n 20 "$file" | sed 's/^/# /'
		return 1
	done
}

# The TAP lines of a test module
tap()
{
	log | sed -n 's/^kvdemo_test: \(.*\)/\1/p' | grep -E '^(not )?ok |^#'
}

# fault DIRECTORY MIN-ORDER: on a kernel with fault injection, all allocations
# of a task fail that has set /proc/self/make-it-fail
fault()
{
	echo Y >"$1/task-filter"
	echo 0 >"$1/verbose"
	echo -1 >"$1/times"
	echo N >"$1/ignore-gfp-wait"
	[ ! -e "$1/min-order" ] || {
		echo N >"$1/ignore-gfp-highmem"
		echo "$2" >"$1/min-order"
	}
	# last, for until then it would be the failure of all tasks
	echo 100 >"$1/probability"
}
