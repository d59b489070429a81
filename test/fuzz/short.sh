#!/bin/bash
# A short run of every fuzz target over its corpus:  short.sh BUILD [SECONDS each [TARGET]]
# As many at once as there are processors; what each prints stands in one piece.
# Long runs: doc/testing.md.
set -u
build=${1:?} seconds=${2:-10}
src=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# One target: prints its end; status 0 when it has found nothing.
run_one() {
	local target=$1 name args corpus
	name=$(basename "$target" _fuzz)
	mkdir -p "$work/$name"
	args=(-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1)
	[ -f "$src/$name.dict" ] && args+=(-dict="$src/$name.dict")
	corpus=()
	[ -d "$src/corpus/$name" ] && corpus=("$src/corpus/$name")
	echo "== $name"
	# What has a format that changes makes its first corpus itself.
	if [ -x "$build/test/fuzz/${name}_seed" ] && ! "$build/test/fuzz/${name}_seed" \
	    "$work/$name" "$src"/../../cf/policies/*.conf; then
		echo "FAILED: ${name}_seed"
		return 1
	fi
	(cd "$work" && "$target" "${args[@]}" "$work/$name" "${corpus[@]}") 2>&1 | tail -25
	[ "${PIPESTATUS[0]}" = 0 ] && return
	echo "FAILED: $name"
	return 1
}

log_one() {
	local log
	log=$work/$(basename "$1").log
	if run_one "$1" >"$log" 2>&1; then : >"$log.good"; fi
}

build=$(cd "$build" && pwd)
targets=("$build"/test/fuzz/${3:-*}_fuzz)
for target in "${targets[@]}"; do
	while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n; done
	log_one "$target" &
done
wait
passed=0 failed=0
for target in "${targets[@]}"; do
	log=$work/$(basename "$target").log
	cat "$log"
	if [ -e "$log.good" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
