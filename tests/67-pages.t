#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The sessions of the pages, typed in the guest of make shell, and, on Debian 12's kernel,
# the log that README shows of a plain insmod. The printed lines must appear again, with
# other numbers.
. "$(dirname "$0")/lib.sh"
. tests/pages.sh

# Pages of other sizes have other boundaries.
if [ "$page" -ne 4096 ]; then
	echo "1..0 # SKIP the sessions were recorded with pages of 4 KiB"
	exit
fi
blocks console "$work/any-" "${english[@]}"
blocks "console $TARGET" "$work/row-" "${english[@]}"
[ "$TARGET" != bookworm ] || blocks 'text demo' "$work/demo-" README.md
mapfile -t sessions < <(ls "$work"/*-[0-9]*)
# One session makes the kernel kill a process, so it has a guest of its own.
blocks "console $TARGET kills" "$work/kills-" "${english[@]}"
mapfile -t kills < <(ls "$work"/kills-[0-9]* 2>/dev/null)

plan $((${#sessions[@]} + 1 + ${#kills[@]} * 2))
guest "${#sessions[@]}" -t 600 tests/guest/pages.sh "$built"/*.ko "${sessions[@]}"
for session in "${kills[@]}"; do
	guest 1 -x killed -l "build/log/$TARGET-pages-kills.log" tests/guest/pages.sh "$built"/*.ko "$session"
done
