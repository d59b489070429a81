#!/usr/bin/env python3
"""Runs the integration tests against the build in WB_BUILD.

    all.py [--sanitized] [NAME ...]

Every test/integration/*_test.py is a unittest module; --sanitized leaves out
those that say SANITIZED = False.  Ends with "N passed, N failed".
"""
import argparse
import glob
import importlib
import os
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
APART = {"valgrind_test"}  # has a step of its own


def main():
    ap = argparse.ArgumentParser(description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--sanitized", action="store_true")
    ap.add_argument("names", nargs="*")
    a = ap.parse_args()
    names = a.names or sorted(
        os.path.basename(p)[:-3] for p in glob.glob(f"{HERE}/*_test.py"))
    suite = unittest.TestSuite()
    for name in names:
        if name in APART and not a.names:
            continue
        module = importlib.import_module(name)
        if a.sanitized and getattr(module, "SANITIZED", True) is False:
            continue
        suite.addTests(unittest.defaultTestLoader.loadTestsFromModule(module))
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    failed = len(result.failures) + len(result.errors)
    for what, why in result.skipped:
        print(f"skipped: {what}: {why}")
    print(f"{result.testsRun - failed - len(result.skipped)} passed, {failed} failed")
    return 1 if failed or not result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main())
