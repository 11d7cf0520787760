#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""ExOS beside Linux: the same static programs on both, in the same emulated machine, in the same run.

  ./exo bench --vs linux [--full] [--group G]... [--op OP]... [--json | --html FILE] [--update]

Guests alternate, so that what else the host does touches both alike: Linux as
it does best under emulation (-cpu max,-erms,-pku, mitigations=off), ExOS, and
so on; Linux once as it comes (plain max, mitigations on).  Elapsed time is the
median of all batches of all guests; instructions are counted in a guest of
each with -icount, exactly.
"""

import argparse
import json
import os
import platform
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path += [f"{ROOT}/tools", f"{ROOT}/bench"]
import exos				# noqa: E402
import jobs				# noqa: E402
import linux				# noqa: E402
import qemu				# noqa: E402
import report				# noqa: E402
import result				# noqa: E402
import rows				# noqa: E402

ROUNDS, ROUNDS_FULL = 2, 5
TEXT, TEXT_SHORT = 10 << 20, 1 << 20
TIMEOUT_S = 600


def note(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


class Bench:
    def __init__(self, options, scratch):
        self.options, self.scratch = options, scratch
        self.image = linux.kernel(ROOT, options.linux)
        self.groups, self.programs, self.two = chosen(options)
        self.measured = {name: result.Column() for name in ("linux", "plain", "exos", "linux-insns", "exos-insns")}
        if options.least:
            result.Column.middle = staticmethod(min)
        self.measured |= {"native": {}, "native-insns": {}}
        self.data = jobs.write(scratch, jobs.files(ROOT, self.programs, TEXT if options.full else TEXT_SHORT))

    def guests(self, name, how, groups, programs=()):
        """The two guests of a job: archives are made once."""
        job = os.path.join(self.scratch, f"{name}.job")
        with open(job, "wb") as f:
            f.write(jobs.script(groups, programs, how))
        files = {**self.data, "bench/job": job}
        archive = os.path.join(self.scratch, f"{name}.cpio")
        linux.initramfs(ROOT, archive, files)
        return files, archive

    def add(self, column, said):
        found = result.costs(said)
        if "@end" not in said:
            note(f"a guest ({column}) did not finish; the last it said: {said[-300:]!r}")
        self.measured[column].add(found)

    def linux(self, column, archive, plain=False, icount=False):
        note(f"Linux{' as it comes' if plain else ''}{', counting' if icount else ''}")
        said, _ = linux.run(linux.command(self.image, archive, self.options, plain, icount), TIMEOUT_S)
        self.add(column, said)

    def exos(self, column, files, icount=False):
        note(f"ExOS{', counting' if icount else ''}")
        self.add(column, exos.run(exos.command(ROOT, files, self.options, icount), TIMEOUT_S))

    def timed(self):
        files, archive = self.guests("timed", "timed", self.groups, self.programs)
        for turn in range(self.options.rounds):
            self.linux("linux", archive)
            self.exos("exos", files)
            self.native(timed=True)
            if turn == 0 and not self.options.quick:
                self.linux("plain", archive, plain=True)

    def counted(self):
        if self.options.accel == "kvm":
            return
        files, archive = self.guests("counted", "counted", self.groups, self.programs)
        self.linux("linux-insns", archive, icount=True)
        self.exos("exos-insns", files, icount=True)
        self.native(timed=False)

    def native(self, timed):
        """The least of all runs, as in bench/run.py."""
        kept = self.measured["native" if timed else "native-insns"]
        for name, cost in exos.native(ROOT, self.options, timed).items():
            kept[name] = min(cost, kept.get(name, cost))

    def two_cpus(self):
        if not self.two:
            return
        self.options.cpus = 2
        files, archive = self.guests("two", "timed", [[op for op, *_ in self.two]])
        for _ in range(self.options.rounds):
            self.linux("linux", archive)
            self.exos("exos", files)

    def rows(self):
        specs = [(spec, name) for name, specs in rows.GROUPS for spec in specs]
        specs += [(spec, "transfer") for spec in rows.TWO]
        specs += [((op, what, None), "programs") for op, what, _ in rows.PROGRAMS]
        wanted = {op for names in self.groups for op in names} | {op for op, *_ in self.two} | {op for op, _ in self.programs}
        order = [name for name, _ in rows.GROUPS] + ["programs"]
        found = [result.row(spec, name, self.measured) for spec, name in specs if spec[0] in wanted]
        return sorted(found, key=lambda row: order.index(row["group"]))


def chosen(options):
    """(names of operations by group, programs, rows of two CPUs)"""
    groups = [[op for op, *_ in specs if not options.op or op in options.op] for name, specs in rows.GROUPS
              if not options.group or name in options.group]
    two = [spec for spec in rows.TWO if not options.op or spec[0] in options.op] if not options.group or "transfer" in options.group else []
    programs = [(op, command) for op, _, command in rows.PROGRAMS if not options.op or op in options.op] \
        if not options.group or "programs" in options.group else []
    return [names for names in groups if names], programs, two if not options.quick else []


def machine(options, image):
    """What is measured on: for figures of other machines, bench/machines."""
    model = ""
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {"cpu": model, "cpus": os.cpu_count(), "host": platform.release(), "accel": options.accel, "guest_memory": options.memory,
            "linux": os.path.basename(image).removeprefix("vmlinuz-")}


def parse():
    parser = argparse.ArgumentParser(prog="exo bench", description=__doc__.split("\n")[0])
    parser.add_argument("--vs", choices=["linux"], default="linux")
    parser.add_argument("--full", action="store_true", help="more runs, longer programs: for releases")
    parser.add_argument("--quick", action="store_true", help="one round, Linux as it does best alone, one CPU")
    parser.add_argument("--rounds", type=int, help=f"guests of each ({ROUNDS}; {ROUNDS_FULL} with --full)")
    parser.add_argument("--least", action="store_true", help="the least of all batches, not their median: on a host that is busy with other things")
    parser.add_argument("--group", action="append", choices=[name for name, _ in rows.GROUPS] + ["programs"])
    parser.add_argument("--op", action="append", help="that operation alone (repeatable)")
    parser.add_argument("--linux", metavar="KERNEL", help=f"a bzImage; else {linux.PACKAGE}'s")
    parser.add_argument("--cpus", type=int, default=1)
    parser.add_argument("--memory", default="256M")
    parser.add_argument("--accel", choices=["tcg", "kvm"], default="tcg")
    parser.add_argument("--json", action="store_true", help="that instead of the table")
    parser.add_argument("--update", action="store_true", help="put the figures in docs/performance.md, too")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else ROUNDS_FULL if options.full else ROUNDS)
    if options.accel == "kvm":
        qemu.choose_accel("kvm")
    return options


def main():
    options = parse()
    with tempfile.TemporaryDirectory(prefix="exo-vs-") as scratch:
        try:
            bench = Bench(options, scratch)
        except linux.NoLinux as problem:
            sys.exit(f"bench: {problem}")
        bench.timed()
        bench.counted()
        bench.two_cpus()
    found = {"machine": machine(options, bench.image), "figure": "least" if options.least else "median", "rows": bench.rows()}
    with open(f"{ROOT}/build/versus.json", "w") as f:
        json.dump(found, f, indent=1)
    if options.json:
        json.dump(found, sys.stdout, indent=1)
        print()
    else:
        print(report.table(found["rows"]))
    if options.update:
        report.update(f"{ROOT}/docs/performance.md", "versus", report.markdown(found["rows"]))


main()
