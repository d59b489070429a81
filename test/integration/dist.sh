#!/bin/bash
# make distcheck (out of tree, install into DESTDIR, uninstall), and that the
# tarball holds every file that git has under the house's folders.  dist.sh BUILD
set -eu
build=${1:?}
src=$(cd "$(dirname "$0")/../.." && pwd)
make -s -j"$(nproc)" -C "$build" distcheck AM_DISTCHECK_CONFIGURE_FLAGS=
tarball=$(ls -t "$build"/waybill-*.tar.gz | head -1)
missing=$(comm -23 \
	<(cd "$src" && git ls-files | grep -vE '^(\.gitignore|\.ci/|\.clang-format)' | sort) \
	<(tar tzf "$tarball" | sed 's|^[^/]*/||' | sort))
if [ -n "$missing" ]; then
	echo "not in the tarball:"; echo "$missing"
	echo "1 passed, 1 failed"; exit 1
fi
echo "2 passed, 0 failed"
