#!/bin/bash
# A build without the libraries that can be left out: it is whole, links none
# of them, and says of each driver that it is not there.   bare.sh DIR
set -u
dir=${1:?}
src=$(cd "$(dirname "$0")/../.." && pwd)
passed=0 failed=0
ok() { passed=$((passed + 1)); }
no() { failed=$((failed + 1)); echo "FAILED: $*"; }

# Tests of servers need not be built; those of the compiler and of tables do.
"$src/tools/build" "$dir" --enable-werror --without-ldap --without-pgsql --without-redis \
    --without-db || { echo "0 passed, 1 failed"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for p in "$dir"/waybill "$dir"/waybill-*; do
	[ -f "$p" ] && [ -x "$p" ] || continue
	if readelf -d "$p" | grep -qE 'NEEDED.*lib(pq|ldap|lber|hiredis|db-)'; then
		no "$p is linked with what was left out"
	else
		ok
	fi
done
for driver in pgsql ldap redis; do
	out=$("$dir/test/integration/asked_query" driver=$driver where=x "query=GET {key}" </dev/null)
	[ "$out" = "refused this program was built without that driver" ] && ok || no "$driver: $out"
	cat >"$work/p.conf" <<-END
		edition 1
		hostname "mail.example"
		map m = $driver "ldap://host" { $([ $driver = ldap ] &&
		    echo 'base "dc=x"; filter "(uid={key})"; attributes "mail"' ||
		    echo 'query "GET {key}"') }
		listen smtp on "127.0.0.1:2525"
		on rcpt { sender.user in m => reject; otherwise => reject }
		route { otherwise => reject }
	END
	out=$("$dir/waybill" check "$work/p.conf" 2>&1) && no "$driver is not refused"
	case $out in
	*"built without the driver '$driver'"*"--with-$driver"*) ok ;;
	*) no "$driver: $out" ;;
	esac
done
# What is always there works.
sqlite3 "$work/db" "create table t (k, v); insert into t values ('ann', 'x')"
out=$(echo "ask 1 616e6e" | "$dir/test/integration/asked_query" driver=sqlite \
    where="$work/db" "query=select v from t where k = {key}" 2>&1 | tail -1)
[ "$out" = "1 found 78" ] && ok || no "sqlite: $out"
tests=$(make -s -C "$dir" print-tests | tr ' ' '\n' | grep -E '^test/unit/(cf|maps)/')
make -s -C "$dir" -j"$(nproc)" $tests >/dev/null || no "the unit tests do not build"
for t in $tests; do
	out=$(cd "$dir" && "./$t" 2>&1) && ok || { no "$t"; echo "$out" | tail -20; }
	echo "$out" | grep ' skipped, '
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
