#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Every suite, and one sum.

  all.py TARGET...       make targets that print `ok NAME`, `FAIL NAME...`, `N passed, N failed`

Shown are failures and one line for each suite.  A suite that ends without a
sum, or with a status that does not fit it, has failed once more.
"""

import os
import re
import subprocess
import sys
import time

import usual

SUM = re.compile(r"^(\d+) passed, (\d+) failed")
JOBS = str(os.cpu_count() or 1)


def suite(target):
    """(passed, failed)"""
    begin = time.monotonic()
    passed = failed = 0
    summed = False
    if sys.stdout.isatty():
        print(f"{target} ...", end="\r", flush=True)
    process = subprocess.Popen(["make", "--no-print-directory", "-j", JOBS, target], text=True,
                               errors="replace", stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for line in process.stdout:
        found = SUM.match(line)
        if found:
            summed = True
            passed, failed = passed + int(found[1]), failed + int(found[2])
        elif not line.startswith("ok "):
            sys.stdout.write(line)
            sys.stdout.flush()
    status = process.wait()
    if not summed or (status != 0 and failed == 0):
        print(f"FAIL {target}: ended with status {status}, without {'a failure' if summed else 'a sum'}")
        failed += 1
    print(f"{target}: {passed} passed, {failed} failed, {time.monotonic() - begin:.0f} s", flush=True)
    return passed, failed


def main(targets):
    usual.signals_as_usual()
    try:
        results = [suite(target) for target in targets]
    except KeyboardInterrupt:
        print("interrupted")
        return 130
    passed, failed = (sum(column) for column in zip(*results))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
