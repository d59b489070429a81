#!/usr/bin/env python3
"""Runs the integration tests against the build in WB_BUILD.

    all.py [--sanitized] [--jobs N] [NAME ...]

Every test/integration/*_test.py is a unittest module; --sanitized leaves out
those that say SANITIZED = False.  Each module is a process; N of them run side by
side (more than twice the processors, since they wait for most of their time).  Ends with "N passed, N failed".
"""
import argparse
import concurrent.futures
import glob
import importlib
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
APART = {"valgrind_test"}  # has a step of its own
LONG = ("keys_test", "verify_test", "table_reload_test", "smtp_chat_test", "smart_host_login_test",
        "dns_rules_test", "queue_test")    # begin first, so that none is alone at the end


def run_one(name, sanitized):
    """In this process; ends with its own line of figures."""
    module = importlib.import_module(name)
    if sanitized and getattr(module, "SANITIZED", True) is False:
        print("0 passed, 0 failed")
        return 0
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors)
    for what, why in result.skipped:
        print(f"skipped: {what}: {why}")
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed")
    return 1 if failed or not result.testsRun else 0


def run_apart(name, sanitized):
    """As a process: (passed, failed, what it printed)."""
    args = [sys.executable, os.path.abspath(__file__), "--here", name]
    began = time.monotonic()
    with tempfile.TemporaryFile("w+", errors="replace") as out:
        p = subprocess.Popen(args + ["--sanitized"] * sanitized, stdout=out,
                             stderr=subprocess.STDOUT, text=True)
        _, status, used = os.wait4(p.pid, 0)
        p.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read()
    print(f"{name}: {time.monotonic() - began:.0f} s, "
          f"{used.ru_utime + used.ru_stime:.0f} s of processor", flush=True)
    m = re.search(r"^(\d+) passed, (\d+) failed\n\Z", text, re.M)
    if m is None or (p.returncode != 0 and m[2] == "0"):
        return 0, 1, text + f"{name} ended with status {p.returncode}\n"
    return int(m[1]), int(m[2]), text[:m.start()]


def main():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--sanitized", action="store_true")
    ap.add_argument("--jobs", type=int, default=2 * os.cpu_count() + 2)
    ap.add_argument("--here", metavar="NAME", help=argparse.SUPPRESS)
    ap.add_argument("names", nargs="*")
    a = ap.parse_args()
    if a.here:
        return run_one(a.here, a.sanitized)
    names = a.names or sorted((n for n in (
        os.path.basename(p)[:-3] for p in glob.glob(f"{HERE}/*_test.py")) if n not in APART),
        key=lambda n: (n not in LONG, n))
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(a.jobs) as pool:
        for p, f, text in pool.map(lambda n: run_apart(n, a.sanitized), names):
            print(text, end="", flush=True)
            passed += p
            failed += f
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
