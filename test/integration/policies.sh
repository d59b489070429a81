#!/bin/bash
# The policies that the project ships: check without a word, all tests pass,
# and what `show` prints compiles to the same rules.  Those of bad/ fail with
# status 1 and no image, at the line and with the words that their first line
# says.   policies.sh BUILD
set -u
waybill=${1:?}/waybill
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
# Whose tables anybody may read here: so are those of a repository.
cp -R "$(dirname "$0")/../../cf/policies" "$tmp/policies"
cd "$tmp/policies"
chmod o-r tables/*users
passed=0 failed=0
ok() { passed=$((passed + 1)); }
no() { failed=$((failed + 1)); echo "FAILED: $*"; }
# What a policy decides: its functions, without lines and wording.
code() { "$waybill" disasm "$1" | sed -n '/^function/,$p' | sed -E '/^  ;/d; s/(RULE +[0-9]+):.*/\1/'; }
for f in *.conf; do
	out=$("$waybill" check "$f" 2>&1) && [ -z "$(printf '%s' "$out" | grep -E 'warning|error')" ] && ok || no "check $f: $out"
	out=$("$waybill" test "$f" 2>&1) && ok || no "test $f: $out"
	"$waybill" show "$f" >"$tmp/shown.conf" &&
	    "$waybill" compile "$f" -o "$tmp/one" >"$tmp/out" 2>&1 &&
	    "$waybill" compile "$tmp/shown.conf" -o "$tmp/two" >>"$tmp/out" 2>&1 &&
	    diff <(code "$tmp/one") <(code "$tmp/two") >>"$tmp/out" && ok ||
	    no "show $f: $(head -20 "$tmp/out")"
done
for f in bad/*.conf; do
	want=$(sed -n '1s/^# expect: //p' "$f")
	rm -f "$tmp/image"
	out=$("$waybill" compile "$f" -o "$tmp/image" 2>&1)
	status=$?
	if [ -z "$want" ] || [ $status != 1 ] || [ -e "$tmp/image" ]; then
		no "$f: status $status: $out"
	elif printf '%s\n' "$out" | grep -E "^$f:${want%%:*}:" | grep -qF -- "${want#*: }"; then
		ok
	else
		no "$f wants $want: $out"
	fi
done
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed -gt 0 ]
