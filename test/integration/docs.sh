#!/bin/bash
# Documentation holds what it says: manual pages are well-formed, generated
# pages are up to date, what waybill.conf(5) says is so, policies inside the
# pages compile.   docs.sh BUILD
set -u
build=${1:?}
src=$(cd "$(dirname "$0")/../.." && pwd)
cd "$src"
passed=0 failed=0
ok() { passed=$((passed + 1)); }
no() { failed=$((failed + 1)); echo "FAILED: $*"; }

for page in man/*.[1-9]; do
	if out=$(mandoc -T lint -W warning "$page" 2>&1) && [ -z "$out" ]; then ok; else no "$page: $out"; fi
done
# Made from the tables: what stands in doc/ is what the program prints.
for d in opcodes messages reasons levels; do
	if "$build/test/doc/print_tables" $d | diff -u "doc/$d.md" - ; then ok; else no "doc/$d.md is old: make -C BUILD doc-tables"; fi
done
# waybill.conf(5): its examples, grammar and lists.
out=$(python3 test/doc/manual.py "$build")
read -r p f < <(printf '%s\n' "$out" | awk '{ p = $1; f = $3 } END { print p, f }')
passed=$((passed + ${p:-0})) failed=$((failed + ${f:-1}))
printf '%s\n' "$out" | grep -vE '^[0-9]+ passed, [0-9]+ failed$'
# Every ```waybill block of the pages is a whole policy: check and test it.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r cf/policies/tables "$work/tables"
for page in README.md doc/*.md; do
	awk -v w="$work" -v p="$(basename "$page" .md)" '
		/^```waybill$/ { n++; f = w "/" p "-" n ".conf"; next }
		/^```$/ { f = "" } f { print > f }' "$page"
done
for f in "$work"/*.conf; do
	[ -e "$f" ] || continue
	out=$("$build/waybill" check "$f" 2>&1) && ok || no "$(basename "$f"): $out"
	out=$("$build/waybill" test "$f" 2>&1) && ok || no "$(basename "$f"): $out"
done
# Links between the pages lead somewhere.
for page in README.md doc/*.md; do
	for to in $(grep -oE '\]\([^)#:]+' "$page" | sed 's/^](//'); do
		[ -e "$(dirname "$page")/$to" ] && ok || no "$page: link to $to"
	done
done
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed -gt 0 ]
