#!/bin/sh
# Disk images of the spool with unsynced writes dropped, torn and reordered:
# test/crash/images.c.   images.sh [N]   (N: images, default 1000; the long run: 100000)
set -eu
exec "${WB_BUILD:?}/test/crash/images" "${1:-1000}"
