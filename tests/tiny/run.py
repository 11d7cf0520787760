#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Tiny, the second library OS: by itself, beside ExOS, and with programs started under it."""

import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = "./build/apps"
TINY = f"{BUILD}/tiny.elf"
UNDER = ["--libos", TINY]

# name, arguments of exo run, status, what standard output must match
CASES = [
    ("alone", [TINY], 0, r"tiny: task 4: exception 14 at 0x\w+, address 0x8\n"
                         r"tiny: 1000 \+ 2000 \+ 3000 counted, \d+ pages\n"),
    ("tasks", UNDER + [f"{BUILD}/tiny/chorus"], 7, r"((one|two|three)\n){3}17984 primes\n"),
    ("faults", UNDER + [f"{BUILD}/tiny/wild"], 0, r"(tiny: task \d+: exception \d+ at 0x\w+, address 0x\w+\n){6}"
                                                 r"tiny: Linux call 12287 is not known here\n"),
    ("unmodified", UNDER + ["./build/tests/tiny/hello", "a", "b c"], 3, r"1: a\n2: b c\n"),
    ("not its kind", UNDER + ["/bin/sh", "-c", "true"], None, r"tiny: .*\n"),
    ("no program", UNDER + ["nowhere"], 127, r""),
    ("no library", ["--libos", "./build/tests/tiny/hello", "true"], 125, r""),
    ("beside ExOS", ["--add", f"{TINY}:/root/tiny", "sh", "-c", "/root/tiny | tail -1; /root/tiny >/dev/null; echo $?"], 0,
     r"tiny: 1000 \+ 2000 \+ 3000 counted, \d+ pages\n0\n"),
]


def main():
    passed = failed = 0
    for name, arguments, status, pattern in CASES:
        done = subprocess.run([f"{ROOT}/exo", "run", "--timeout", "60", *arguments], cwd=ROOT, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, check=False)
        said = done.stdout.decode(errors="replace")
        if status in (None, done.returncode) and done.returncode != 124 and re.fullmatch(pattern, said, re.DOTALL):
            passed += 1
            continue
        failed += 1
        print(f"FAIL tiny/{name}: status {done.returncode}\n{said}{done.stderr.decode(errors='replace')}")
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
