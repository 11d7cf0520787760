#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Linux programs that test, each in a guest of its own, on one processor and on several.

  tests/guests.py [-v] [--cpus N]... [--gently] [--timeout S] FOLDER [NAME]...

FOLDER is hostile or linux; a program prints what fails and `N passed, N failed`
as its last line.  Without --cpus all run on 1 and on 2 processors, those of FAST on 4, too.
On several each new process begins on the next one (--scatter); --gently: where its
parent is, as without the option.  Output: failures, and one sum.
"""

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys

import usual

ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
SUM = re.compile(r"^(\d+) passed, (\d+) failed$")
FAST = {"armed", "cpus", "leaks", "robust", "setid", "shares", "signals", "swarms",		# of hostile
        "clock", "processes", "refused", "warm"}							# of linux


def how_many(name, options):
    return options.cpus or ((1, 2, 4) if name in FAST else (1, 2))


def run(folder, name, cpus, options):
    """(where, passed, failed, what it said)"""
    where = f"{folder}/{name}{f' [{cpus} cpus]' if cpus > 1 else ''}"
    command = [f"{ROOT}/exo", "run", "--cpus", str(cpus), "--timeout", str(options.timeout)]
    command += ["--scatter"] if cpus > 1 and not options.gently else []
    command += ["--add", f"{ROOT}/build/{folder}/{name}:/root/{name}", "--", f"/root/{name}"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = done.stdout.decode(errors="replace").splitlines()
    last = SUM.match(said[-1]) if said else None
    if not last:
        return where, 0, 1, said + [f"FAIL {where}: no sum, status {done.returncode}"]
    passed, failed = int(last[1]), int(last[2])
    said.pop()
    # A child's failure is one, though its parent may not have counted it.
    if (done.returncode or any(line.startswith("FAIL") for line in said)) and not failed:
        failed = 1
        said.append(f"FAIL {where}: status {done.returncode}")
    return where, passed, failed, said


def main():
    parser = argparse.ArgumentParser(description="Linux programs that test, in guests.")
    parser.add_argument("folder", choices=("hostile", "linux"))
    parser.add_argument("names", nargs="*")
    parser.add_argument("-v", action="store_true", help="show each sum")
    parser.add_argument("--cpus", action="append", type=int, choices=range(1, 9), metavar="N")
    parser.add_argument("--gently", action="store_true", help="without --scatter")
    parser.add_argument("--timeout", type=int, default=600)
    options = parser.parse_args()
    names = options.names or sorted(f[:-2] for f in os.listdir(f"{ROOT}/tests/{options.folder}") if f.endswith(".c"))
    jobs = [(options.folder, name, cpus, options) for name in names for cpus in how_many(name, options)]
    passed = failed = 0
    # As many machines at a time as leave each processor of theirs one of the host's, of two.
    for at_once, part in ((2, [j for j in jobs if j[2] == 1]), (1, [j for j in jobs if j[2] > 1])):
        with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
            for where, good, bad, said in pool.map(lambda job: run(*job), part):
                passed, failed = passed + good, failed + bad
                if bad:
                    print("\n".join([f"{where}:", *said]), flush=True)
                elif options.v:
                    print(f"{where}: {good} passed", flush=True)
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    usual.signals_as_usual()
    sys.exit(main())
