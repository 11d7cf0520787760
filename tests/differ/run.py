#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Random call sequences on the host's Linux and in a guest: line for line the same?

  tests/differ/run.py [-v] [--seeds N] [--first N] [--host-only] [--keep FILE] [KIND[:SEED]]...

Sequences come from generate.py by kind and seed; build/differ/differ runs
them, hundreds to a boot, in a directory of a tmpfs.  Of those that end alike
nothing is said.  Others are made shorter as long as they differ, sorted by
the call at which they part, and one of each sort is shown.  KIND:SEED runs
that one; a KIND alone all of it.  --host-only: the host against itself, which
shows whether the sequences are deterministic.

Run as root, every sequence runs as root and other seeds as user 1000; else as
who one is, on both sides as a user without rights.
"""

import argparse
import concurrent.futures
import errno
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.realpath(f"{HERE}/../..")
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import usual					# noqa: E402
from generate import KINDS, generate		# noqa: E402

PROGRAM = f"{ROOT}/build/differ/differ"
EXO = f"{ROOT}/exo"
COUNTS = {"files": 1000, "signals": 600, "memory": 600, "processes": 200}	# seeds in a run of all
SHOWN = 12				# sorts of differences in full
SHARDS = 2				# machines at a time
PATIENCE_S = 300
USER = 1000
LEFT_MOST = 256 << 10, 4, 0	# bytes, inodes, processes
OPTIONS = []
leaks = []				# of guests


class Sequence:
    def __init__(self, kind, seed, lines):
        self.kind, self.seed, self.lines = kind, seed, lines

    def named(self, number):
        return f"# {self.kind} {number}\n" + "".join(line + "\n" for line in self.lines)


def blocks(said):
    """Output, cut at the heads: number -> lines."""
    found, current = {}, None
    for line in said.split("\n"):
        if line.startswith("# "):
            current = found.setdefault(line[2:], [])
        elif current is not None:
            current.append(line)
    return found


def on_host(path, uid, place):
    os.makedirs(place)
    os.chmod(place, 0o777)
    env = {"DIFFER_UID": str(uid)} if uid else {}
    done = subprocess.run([PROGRAM, path], cwd=place, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, timeout=PATIENCE_S, start_new_session=True)
    return done.stdout.decode(errors="replace"), f"status {done.returncode}"


def on_guest(path, uid, _place):
    command = [EXO, "run", *OPTIONS, "--memory", "256M", "--workdir", "/tmp", "--timeout", str(PATIENCE_S)]
    command += ["--env", f"DIFFER_UID={uid}"] if uid else []
    command += ["--add", f"{PROGRAM}:/bin/differ", "--add", f"{path}:/sequences", "differ", "/sequences"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          start_new_session=True)
    said = done.stderr.decode(errors="replace").strip().splitlines()[-3:]
    for left in re.findall(r"differ: left (-?\d+) bytes, (-?\d+) inodes, (-?\d+) processes", " ".join(said)):
        if any(int(found) > most for found, most in zip(left, LEFT_MOST)):
            leaks.append("left behind: {} bytes, {} inodes, {} processes".format(*left))
    return done.stdout.decode(errors="replace"), f"status {done.returncode} {' '.join(said)}"


def outcomes(sequences, run, uid, work):
    """What each led to, in order; whatever brings the machine down is left out, and another goes on behind it."""
    results, first = [None] * len(sequences), 0
    while first < len(sequences):
        path = tempfile.mktemp(dir=work)
        with open(path, "w") as f:
            f.writelines(s.named(first + n) for n, s in enumerate(sequences[first:]))
        os.chmod(path, 0o644)
        said, how = run(path, uid, path + ".d")
        shutil.rmtree(path + ".d", ignore_errors=True)
        found = blocks(said)
        if not found:
            raise SystemExit(f"FAIL differ: nothing was run: {how}\n0 passed, 1 failed")
        for number in range(first, len(sequences)):
            if str(number + 1) in found or (number + 1 == len(sequences) and "end" in found):
                results[number] = found.get(str(number), ["?"])
            else:
                results[number] = found.get(str(number), []) + [f"(the machine: {how})"]
                break
        first = number + 1
    return results


def sharded(sequences, run, uid, work):
    with concurrent.futures.ThreadPoolExecutor(SHARDS) as pool:
        parts = list(pool.map(lambda n: outcomes(sequences[n::SHARDS], run, uid, work), range(SHARDS)))
    results = [None] * len(sequences)
    for shard, part in enumerate(parts):
        results[shard::SHARDS] = part
    return results


def parted(host, guest):
    """The first pair of lines that differ, or None."""
    for a, b in zip(host + [""] * len(guest), guest + [""] * len(host)):
        if a != b:
            return a, b
    return None


def sort_of(pair):
    """Differences that look alike: the call, and the two results without what varies."""
    def plain(line):
        call, equals, rest = line.partition(" = ")
        word = call.split(" ")
        word = word[1] if re.match(r"p\d ", call) else word[0]
        rest = rest or line[len(word):]
        return word + equals + re.sub(r"[0-9a-f]{6,}|(?<![-\d])\d{2,}|'.*", "#", rest)[:40]
    return plain(pair[0]) + " | " + plain(pair[1])


class Both:
    """Host and guest, for one user."""

    def __init__(self, guest, uid, work):
        self.guest, self.uid, self.work = guest, uid, work

    def differences(self, sequences):
        host = sharded(sequences, on_host, self.uid, self.work)
        guest = sharded(sequences, self.guest, self.uid, self.work)
        return [parted(h, g) for h, g in zip(host, guest)]

    def shorten(self, sequence, sort):
        """Take away pieces, smaller and smaller ones, as long as the same sort of difference remains."""
        piece = max(len(sequence.lines) // 2, 1)
        while True:
            tries = [Sequence(sequence.kind, sequence.seed, sequence.lines[:at] + sequence.lines[at + piece:])
                     for at in range(0, len(sequence.lines), piece)]
            tries = [t for t in tries if t.lines]
            pairs = self.differences(tries) if tries else []
            kept = next((t for t, pair in zip(tries, pairs) if pair and sort_of(pair) == sort), None)
            if kept:
                sequence = kept
            elif piece == 1:
                return sequence
            piece = min(piece, max(len(sequence.lines) // 2, 1)) if kept else max(piece // 2, 1)


def readable(line):
    return re.sub(r" = -(\d+)", lambda m: f" = -{errno.errorcode.get(int(m[1]), m[1])}", line)


def show(both, found, options):
    """One of each sort, shortened."""
    sorts = {}
    for sequence, pair in found:
        sorts.setdefault(sort_of(pair), []).append((sequence, pair))
    for number, (sort, members) in enumerate(sorted(sorts.items(), key=lambda item: -len(item[1]))):
        sequence, pair = min(members, key=lambda m: len(m[0].lines))
        who = f" as user {both.uid}" if both.uid else ""
        print(f"FAIL differ {sequence.kind}:{sequence.seed}{who} ({len(members)} like it)")
        print(f"    host  {readable(pair[0])}\n    guest {readable(pair[1])}", flush=True)
        if number < options.shown:
            for line in both.shorten(sequence, sort).lines:
                print(f"      | {line}")


def wanted(options):
    chosen = []
    for word in options.kinds or KINDS:
        kind, _, seed = word.partition(":")
        first, count = options.first, options.seeds or COUNTS[kind]
        seeds = [int(seed)] if seed else range(first, first + count)
        chosen += [Sequence(kind, n, generate(kind, n)) for n in seeds]
    return chosen


def main():
    parser = argparse.ArgumentParser(description="Random call sequences: Linux against ExOS.")
    parser.add_argument("kinds", nargs="*", metavar="KIND[:SEED]", help=f"of {', '.join(KINDS)}; none: all")
    parser.add_argument("-v", action="store_true", help="say how long it took")
    parser.add_argument("--seeds", type=int, help="how many of each kind")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--host-only", action="store_true", help="the host against itself")
    parser.add_argument("--shown", type=int, default=SHOWN, help="sorts of differences that are shortened")
    parser.add_argument("--user", choices=("root", "user", "both"), default="both")
    parser.add_argument("--with", action="append", default=[], dest="exo", metavar="OPTION",
                        help="a further option of every `exo run`")
    options = parser.parse_args()
    OPTIONS.extend(options.exo)
    begin = time.monotonic()
    sequences = wanted(options)
    work = tempfile.mkdtemp(prefix="differ.", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    os.chmod(work, 0o755)
    failed = 0
    try:
        for both, part in halves(sequences, options, work):
            pairs = both.differences(part)
            found = [(s, pair) for s, pair in zip(part, pairs) if pair]
            failed += len(found)
            show(both, found, options)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if options.v:
        print(f"{len(sequences)} sequences, {time.monotonic() - begin:.1f} s")
    for leak in leaks:
        failed += 1
        print(f"FAIL differ: {leak}")
    print(f"{len(sequences) + len(leaks) - failed} passed, {failed} failed")
    return failed != 0


def halves(sequences, options, work):
    """Even seeds as root and odd ones as a user, where one can choose."""
    guest = on_host if options.host_only else on_guest
    users = {"root": [0], "user": [USER], "both": [0, USER]}[options.user]
    if os.getuid() != 0:
        users = [USER]			# the guest's becomes a user; the host's is one
    for uid in users:
        part = [s for s in sequences if len(users) == 1 or (s.seed % 2 == 1) == (uid != 0)]
        if part:
            yield Both(guest, uid, work), part


if __name__ == "__main__":
    usual.signals_as_usual()
    sys.exit(main())
