# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# What guest scripts share. Every line on stdout reaches the host; TAP lines
# are counted there against the plan that the host knows.

failed=0

# ok STATUS NAME...: one test
ok()
{
	status=$1
	shift
	if [ "$status" -eq 0 ]; then
		echo "ok - $*"
	else
		echo "not ok - $*"
		failed=1
	fi
}

# try NAME COMMAND...: the command is the test
try()
{
	name=$1
	shift
	status=0
	"$@" || status=$?
	ok "$status" "$name"
}

# Lines of the kernel log since the last call of mark, without time stamps.
mark()
{
	echo "guest-mark $((marks = ${marks:-0} + 1))" >/dev/kmsg
}

log()
{
	dmesg | sed 's/^\[[^]]*\] //' |
		awk -v mark="guest-mark ${marks:-0}" \
			'index($0, mark) { out = ""; next } { out = out $0 "\n" }
			 END { printf "%s", out }'
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

# The TAP lines of a test module
tap()
{
	log | sed -n 's/^kvdemo_test: \(.*\)/\1/p' | grep -E '^(not )?ok |^#'
}
