#!/bin/bash
# A short run of every fuzz target over its corpus:  short.sh BUILD [SECONDS each [TARGET]]
# Long runs: doc/testing.md.
set -u
build=${1:?} seconds=${2:-10}
src=$(cd "$(dirname "$0")" && pwd)
passed=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for target in "$build"/test/fuzz/${3:-*}_fuzz; do
	name=$(basename "$target" _fuzz)
	mkdir -p "$work/$name"
	args=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1)
	[ -f "$src/$name.dict" ] && args+=(-dict="$src/$name.dict")
	corpus=()
	[ -d "$src/corpus/$name" ] && corpus=("$src/corpus/$name")
	# What has a format that changes makes its first corpus itself.
	[ -x "$build/test/fuzz/${name}_seed" ] && ! "$build/test/fuzz/${name}_seed" \
	    "$work/$name" "$src"/../../cf/policies/*.conf && failed=$((failed + 1))
	echo "== $name"
	if (cd "$work" && "$target" "${args[@]}" "$work/$name" "${corpus[@]}") 2>&1 | tail -25; [ "${PIPESTATUS[0]}" = 0 ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1)); echo "FAILED: $name"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
