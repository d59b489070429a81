#!/bin/bash
# The policies that the project ships: check without a word, all tests pass,
# and what `show` prints compiles to the same rules.   policies.sh BUILD
set -u
waybill=${1:?}/waybill
cd "$(dirname "$0")/../../cf/policies"
passed=0 failed=0
ok() { passed=$((passed + 1)); }
no() { failed=$((failed + 1)); echo "FAILED: $*"; }
for f in *.conf; do
	out=$("$waybill" check "$f" 2>&1) && [ -z "$(printf '%s' "$out" | grep -E 'warning|error')" ] && ok || no "check $f: $out"
	out=$("$waybill" test "$f" 2>&1) && ok || no "test $f: $out"
done
echo "$passed passed, $failed failed"
[ $failed = 0 ] && [ $passed -gt 0 ]
