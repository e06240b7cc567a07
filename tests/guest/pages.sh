# SPDX-License-Identifier: GPL-2.0-only
# Types the sessions of the pages: /any-N, /row-N and /kills-N hold the lines that a reader
# types, after '# ', and sees. /demo-1 holds the log of a plain insmod.
. ./lib.sh

# Numbers differ between runs, and so does the padding of columns; sizes, orders and
# counts of a log line do not.
plain()
{
	awk '{
		gsub(/0x[0-9a-f]+/, "N")
		sub(/^\[ *[0-9.]+\] /, "")
		line = ""
		for (i = 1; i <= NF; i++) {
			if ($i !~ /^(size|order|pages|policy|slab|none|leaked|bytes_req)=/)
				gsub(/[0-9]+/, "N", $i)
			line = line " " $i
		}
		print line
	}' "$1" | sort -u
}

# type_all FILE: its commands, one after the other, in one shell, as make shell has it
type_all()
{
	sed -n 's/^# //p' "$1" >/tmp/typed
	sh /tmp/typed >/tmp/shown 2>&1
	sed -i 's,^/tmp/typed: line [0-9]*: ,sh: ,;s,^/tmp/typed: [0-9]*: ,sh: ,' /tmp/shown
}

# Every line that the page prints must be in the output.
seen()
{
	grep -v '^# ' "$1" >/tmp/printed
	plain /tmp/printed >/tmp/wanted
	plain /tmp/shown >/tmp/seen
	[ -s /tmp/wanted ] || return
	while read -r line; do
		grep -qxF -- " $line" /tmp/seen && continue
		echo "# not seen: $line"
		sed 's/^/# /' /tmp/shown | head -n 40
		return 1
	done </tmp/wanted
}

begin()
{
	mark
	insmod /kvdemo.ko || return
	cd /sys/kernel/debug/kvdemo || return
}

end()
{
	cd / || return
	# shellcheck disable=SC2046 # a list
	unload $(sed -n 's/^\(kvdemo_[a-z]*\|kv_[a-z]*\) .*/\1/p' /proc/modules) kvdemo || return
	: >/sys/kernel/tracing/trace
}

session()
{
	begin || return
	type_all "$1"
	end && seen "$1"
}

demo()
{
	mark
	insmod /kvdemo.ko && rmmod kvdemo || return
	log >/tmp/shown
	seen "$1"
}

for file in /any-* /row-* /kills-*; do
	[ -e "$file" ] || continue
	try "a session: $(sed -n 's/^# //p' "$file" | head -n 2 | tr '\n#' '; ')" session "$file"
done
for file in /demo-*; do
	[ -e "$file" ] || continue
	try "README shows what a plain insmod logs" demo "$file"
done
