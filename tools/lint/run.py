#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Run checks side by side; a check is a shell command that is silent when all is well.

  run.py NAME=COMMAND...

Prints `ok NAME` or what the command said and `FAIL NAME`; last `N passed, N failed`.
"""

import concurrent.futures
import os
import subprocess
import sys


def check(spec):
    name, _, command = spec.partition("=")
    done = subprocess.run(command, shell=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    return name, done.returncode, done.stdout


def main(specs):
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, status, said in pool.map(check, specs):
            failed += status != 0
            print(f"{said if status else ''}{'FAIL' if status else 'ok'} lint/{name}", flush=True)
    print(f"{len(specs) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
