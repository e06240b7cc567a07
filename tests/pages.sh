# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # a backquote is all it is; for and from the tests
# Checks of the pages. Every block of a page is fenced, and the words after the fence say
# what it is:
#   console [ROW]  a session in the guest of make shell: lines after '# ' are typed, the
#                  others were printed. tests/67-pages.t types it, with ROW on that row
#                  only; with 'kills' it runs into the OOM killer, in a guest of its own
#   sh TEST...     tests/TEST.t takes the block as it stands, and runs it
#   sh             each command has a line in tests/pages, which names the test that runs
#                  it; or a comment '<!-- not run: reason -->' stands before the block
#   text, c        output, a picture or source; 'text demo' is the log of a plain insmod

mapfile -t pages < <(ls ./*.md doc/*.md)
# The English ones, with which the Korean ones are compared
mapfile -t english < <(printf '%s\n' "${pages[@]}" | grep -v '\.ko\.md$')

# blocks WORDS PREFIX FILE...: the blocks whose fence has these words become PREFIX1, ...
blocks()
{
	local words=$1 prefix=$2

	shift 2
	awk -v words="$words" -v prefix="$prefix" '
	/^```/ && inside { inside = 0; next }
	/^```/ { inside = 1; wanted = substr($0, 4) == words; n += wanted; next }
	inside && wanted { print > (prefix n) }' "$@"
}

# commands PAGE: what it says of each command, as three columns: kind, line, command.
# kind is the test of a block that is run as it stands, sh, or mark; a line that ends
# with a backslash goes on.
commands()
{
	awk '
	/^```/ && inside { inside = 0; mark = ""; next }
	/^```/ { inside = 1; kind = substr($0, 4); next }
	inside && kind ~ /^sh( |$)/ {
		line = before $0
		if (sub(/\\$/, "", line)) { before = line; next }
		before = ""
		sub(/  +# .*/, "", line)
		gsub(/  +/, " ", line)
		word = kind
		sub(/^sh ?/, "", word)
		print (mark ? "mark" : word ? word : "sh") "\t" NR "\t" line
	}
	!inside && /^<!-- not run: ..* -->$/ { mark = 1; next }
	!inside && NF { mark = "" }
	!inside && /^    (# |sudo |make|scripts\/|insmod |modprobe )/ { print "indented\t" NR "\t" $0 }
	' "$1"
}

# Every command of a page is run by a test, or marked.
commands_run()
{
	local page kind line command test text status=0 seen=$work/seen

	for page in "${pages[@]}"; do
		while IFS=$'\t' read -r kind line command; do
			case $kind in
			mark) continue ;;
			indented) echo "$page:$line: fence this block" ;;
			sh)
				echo "$command" >>"$seen"
				! sed 's/ ~ .*//' tests/pages | grep -qxF -- "$command" || continue
				echo "$page:$line: no line in tests/pages: $command"
				;;
			*)
				for test in $kind; do
					grep -q "blocks .sh $kind. " "tests/$test.t" || break
				done && continue
				echo "$page:$line: tests/$test.t does not take blocks of '$kind'"
				;;
			esac
			status=1
		done < <(commands "$page")
	done
	while IFS='~' read -r command test text; do
		test=${test// /} text=${text# }
		grep -qxF -- "${command% }" "$seen" || echo "tests/pages: no page says: $command"
		[ -n "$text" ] && grep -qF -- "$text" "$test" || echo "tests/pages: $test does not say: $text"
	done < <(grep -v '^#' tests/pages) | grep . && status=1
	return "$status"
}

# marks N: exactly N blocks of all pages are marked as not run
marks()
{
	local said

	said=$(grep -c '^<!-- not run: ..* -->$' "${pages[@]}" | awk -F: '{ n += $2 } END { print n }')
	echo "$said blocks are marked as not run"
	[ "$said" -eq "$1" ]
}

# Each link leads to a file, and to a heading in it.
links()
{
	local page link file status=0

	for page in "${pages[@]}"; do
		while read -r link; do
			file=$(dirname "$page")/${link%%#*}
			[ "${link#\#}" = "$link" ] || file=$page
			if [ ! -e "$file" ]; then
				echo "$page: no file $link"
				status=1
			elif [[ $link == *#* ]] && ! headings "$file" | grep -qx -- "${link#*#}"; then
				echo "$page: no heading $link"
				status=1
			fi
		done < <(grep -o '](\([^)]*\))' "$page" | sed 's/^](//;s/)$//' | grep -v '^https*:')
	done
	return "$status"
}

# headings FILE: as GitHub names them in links
headings()
{
	sed -n 's/^##* //p' "$1" | tr '[:upper:]' '[:lower:]' | sed 's/[^[:alnum:] _-]//g;s/ /-/g'
}

# Every target of make and every file of ours that a page names exists.
names()
{
	local page name status=0

	for page in "${pages[@]}"; do
		while read -r name; do
			grep -qE "(^|[ :])$name([ :]|$)" <(grep -E '^(\.PHONY|[a-z -]*:|	lint)' Makefile) ||
				{ echo "$page: no target $name"; status=1; }
		done < <(grep -oE '(`|^)make [a-z][a-z-]*' "$page" | sed 's/.*make //' | sort -u)
		while read -r name; do
			compgen -G "$name" >/dev/null || { echo "$page: no file $name"; status=1; }
		done < <(grep -oE '`(tests|scripts|doc|demo|live|lab|\.ci)/[a-zA-Z0-9_./*-]*' "$page" | tr -d '`' | sort -u)
	done
	return "$status"
}

# same_facts PAGE OTHER: two languages have the same blocks without their comments, the
# same figures, and the same words set as code
same_facts()
{
	diff <(facts "$1") <(facts "$2")
}

facts()
{
	local text

	awk '/^```/ { inside = !inside; print; next } inside' "$1" | sed 's/  *# .*//'
	text=$(sed '/^```/,/^```/d;s/](\([^)]*\))//g' "$1")
	grep -o '`[^`]*`' <<<"$text" | sort -u
	awk '{ gsub(/`[^`]*`/, ""); print }' <<<"$text" | grep -oE '[0-9]+([.,][0-9]+)*' | sort -u
}
