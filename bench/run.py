#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Measure: a table on standard output, build/bench.json for machines.

  bench/run.py [--quick]

Three kinds of figures, never absolute times:
  instructions   guest instructions of one operation, kernel and stub (exact: -icount)
  ratio          elapsed time beside a kernel that exits at once, in the same QEMU
  linux          guest instructions of Linux calls under ExOS, seen by a program inside (exact)
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, f"{ROOT}/tools")
import mkarchive				# noqa: E402
import qemu					# noqa: E402

KERNEL = f"{ROOT}/build/aegis.elf"
AIMS = {"null-call": 30, "exception-to-handler": 40, "transfer-one-way": 60}


def boot(archive, log, icount):
    argv = qemu.command(KERNEL, archive, accel="tcg", icount=icount, ports={qemu.PORT_LOG: f"file,path={log}"})
    return subprocess.run(argv, stdin=subprocess.DEVNULL, timeout=300).returncode


def primitives(scratch):
    archive = mkarchive.Archive()
    archive.add_file("boot/init", f"{ROOT}/build/bench/kernel.elf", 0o755)
    with open(f"{scratch}/archive", "wb") as f:
        archive.write(f.fileno())
    boot(f"{scratch}/archive", f"{scratch}/log", icount=True)
    with open(f"{scratch}/log", errors="replace") as f:
        said = f.read()
    rows = {name: int(n) for name, n in re.findall(r"bench (\S+) (\d+)", said)}
    if not rows or "FAIL" in said:
        sys.exit(f"bench: the guest did not finish:\n{said}")
    return rows


def calls():
    """Linux calls under ExOS: a program that reads the time stamp counter around each."""
    done = subprocess.run([f"{ROOT}/exo", "run", "--accel", "tcg", "--icount", "./build/bench/calls"], cwd=ROOT,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
    rows = {name: int(n) for name, n in re.findall(r"bench (\S+) (\d+)", done.stdout)}
    if done.returncode or not rows:
        sys.exit(f"bench: exo run ended with {done.returncode}: {done.stderr.strip()}")
    return rows


def seconds(argv, runs):
    took = []
    for _ in range(runs + 1):
        begin = time.monotonic()
        subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        took.append(time.monotonic() - begin)
    return statistics.median(took[1:])


def start_ratio(scratch, runs):
    """`exo run true` beside a guest that stops at its first instructions."""
    archive = mkarchive.Archive()
    archive.add_file("boot/init", f"{ROOT}/build/bench/off.elf", 0o755)
    with open(f"{scratch}/off", "wb") as f:
        archive.write(f.fileno())
    argv = qemu.command(KERNEL, f"{scratch}/off", accel="tcg")
    empty = seconds(argv, runs)
    return {"exo-run-true": seconds([f"{ROOT}/exo", "run", "--accel", "tcg", "true"], runs) / empty}


def table(title, rows, unit, aims):
    print(f"\n{title} ({unit})")
    for name, value in rows.items():
        aim = f"   aim <= {aims[name]}" if name in aims else ""
        print(f"  {name:32} {value:>10}{aim}" if isinstance(value, int) else f"  {name:32} {value:>10.2f}{aim}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="leave out what is timed")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        result = {"instructions": primitives(scratch), "linux": calls()}
        if not options.quick:
            result["ratio"] = start_ratio(scratch, 9)
    table("Kernel primitives", result["instructions"], "guest instructions, with the stub", AIMS)
    table("Linux calls under ExOS", result["linux"], "guest instructions seen by the program", {})
    if "ratio" in result:
        table("Start", result["ratio"], "elapsed, beside a guest that stops at once", {"exo-run-true": 5})
    with open(f"{ROOT}/build/bench.json", "w") as f:
        json.dump(result, f, indent=1)
    print("\nbuild/bench.json has the same for machines")


main()
