# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034 # variables are for the tests as well
# Shared by the tests of `make check-fire`. FIRE=10 asks for a tenth of each load.
# shellcheck source=tests/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

FIRE=${FIRE:-1}
SEED=${SEED:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
for name in FIRE SEED; do
	[[ ${!name} =~ ^[1-9][0-9]*$ ]] || {
		echo "$name is a number from 1 on, not '${!name}'" >&2
		exit 2
	}
done
helpers=$top/build/helpers
modules=("$built/kvdemo.ko" "$built/kvdemo_test.ko")
# A test may run by itself, so it builds. The lock keeps two tests from building at once.
flock build/lock make -s TARGET="$TARGET" "build/$TARGET/built" helpers >&2
counts=$top/build/fire/$TARGET-$(basename "$0" .t)
mkdir -p "$(dirname "$counts")"
: >"$counts"
echo "# $TARGET $(basename "$0" .t): seed $SEED" >&2

# share N: a load's length under FIRE
share()
{
	echo $((($1 + FIRE - 1) / FIRE))
}

# As guest of tests/lib.sh; what the guest counted goes into the result table.
fire()
{
	local start=$SECONDS

	guest "$@" | tee "$work/said"
	sed -n 's/^# count: //p' "$work/said" >>"$counts"
	echo "seconds=$((SECONDS - start))" >>"$counts"
}

# caught STATUS CASE REGEX NAME [FILE...]: a boot in which that CASE goes wrong ends with
# STATUS, and its log says why
caught()
{
	local status=0 told=0 start=$SECONDS log=build/log/$TARGET-awake-$2.log

	scripts/boot "${one[@]}" -m 256 -a "KVCASE=$2" -l "$log" "$TARGET" \
		tests/guest/fire-awake.sh "${modules[@]}" "$helpers/sweep" "${@:5}" >"$work/said" 2>&1 || status=$?
	echo "proofs=1 seconds=$((SECONDS - start))" >>"$counts"
	{ grep -oEm1 -- "$3" "$log" | sed 's/^/# /' | grep . && [ "$status" -eq "$1" ]; } || told=1
	ok $told "$4" "$work/said"
}
