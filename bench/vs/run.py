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
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path += [f"{ROOT}/tools", f"{ROOT}/bench"]
import boot				# noqa: E402
import exos				# noqa: E402
import jobs				# noqa: E402
import linux				# noqa: E402
import page				# noqa: E402
import qemu				# noqa: E402
import report				# noqa: E402
import result				# noqa: E402
import rows				# noqa: E402

ROUNDS, ROUNDS_FULL = 2, 5
STARTS = 5
NATIVE = 3				# runs in a round: a demo measures once
TEXT, TEXT_SHORT = 10 << 20, 1 << 20
TIMEOUT_S = 600


def note(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


class Bench:
    def __init__(self, options, scratch):
        self.options, self.scratch = options, scratch
        self.suffix, options.exo = "", ()
        self.ops = subprocess.run([f"{ROOT}/build/bench/ops", "list"], check=True, capture_output=True, text=True).stdout.split()
        self.image = linux.kernel(ROOT, options.linux)
        self.groups, self.programs, self.others = chosen(options)
        self.measured = {name: result.Column() for name in ("linux", "plain", "exos", "linux-insns", "exos-insns")}
        if options.least:
            result.Column.middle = staticmethod(min)
        self.measured |= {"native": {}, "native-insns": {}}
        self.boot = boot.Boot(ROOT, self.image, options, scratch) if not options.op and (not options.group or "boot" in options.group) else None
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
        found = {name + self.suffix: cost for name, cost in result.costs(said).items()}
        if "@end" not in said:
            note(f"a guest ({column}) did not finish; the last it said: {said[-300:]!r}")
        self.measured[column].add(found)

    def linux(self, column, archive, plain=False, icount=False):
        note(f"Linux{' as it comes' if plain else ''}{', counting' if icount else ''}")
        said, _ = linux.run(linux.command(self.image, archive, self.options, plain, icount), TIMEOUT_S)
        self.add(column, said)

    def starts(self):
        """Each of them several times: a start is short."""
        if not self.boot:
            return
        note("starts")
        for turn in range(STARTS):
            self.measured["linux"].add(self.boot.on_linux())
            self.measured["exos"].add(self.boot.on_exos())
            for op, ns in self.boot.on_nothing().items():
                self.measured["native"][op] = min(ns, self.measured["native"].get(op, ns))
            if turn == 0 and not self.options.quick:
                self.measured["plain"].add(self.boot.on_linux(plain=True))

    def exos(self, column, files, icount=False):
        note(f"ExOS{', counting' if icount else ''}")
        self.add(column, exos.run(exos.command(ROOT, files, self.options, icount), TIMEOUT_S))

    def timed(self):
        if not self.groups and not self.programs:
            return
        files, archive = self.guests("timed", "timed", self.groups, self.programs)
        for turn in range(self.options.rounds):
            self.linux("linux", archive)
            self.exos("exos", files)
            self.native(timed=True)
            if turn == 0 and not self.options.quick:
                self.linux("plain", archive, plain=True)

    def counted(self):
        if self.options.accel == "kvm" or (not self.groups and not self.programs):
            return
        files, archive = self.guests("counted", "counted", self.groups, self.programs)
        self.linux("linux-insns", archive, icount=True)
        self.exos("exos-insns", files, icount=True)
        self.native(timed=False)

    def native(self, timed):
        for _ in range(NATIVE if timed else 1):
            self.keep(exos.native(ROOT, self.options, timed), timed)

    def other_guests(self):
        """More processors or more memory, each with its own operations."""
        for number, shape in enumerate(self.others):
            note(f"{shape.group}: {shape.cpus} CPUs, {shape.memory} {' '.join(shape.exo)}")
            self.shape(shape.cpus, shape.memory, shape.suffix, shape.exo)
            groups = [[op] for op, *_ in shape.rows if op in self.ops]
            files, archive = self.guests(f"other{number}", "timed", groups)
            for _ in range(self.options.rounds):
                self.linux("linux", archive)
                self.exos("exos", files)
                self.natively(shape, timed=True)
            if shape.counted and self.options.accel == "tcg":
                files, archive = self.guests(f"other{number}c", "counted", groups)
                self.linux("linux-insns", archive, icount=True)
                self.exos("exos-insns", files, icount=True)
                self.natively(shape, timed=False)

    def natively(self, shape, timed):
        if shape.native:
            self.keep(exos.said_rows(exos.boot(ROOT, shape.native, self.options, timed, shape.memory), timed), timed)

    def keep(self, found, timed):
        """The least of all runs, as in bench/run.py."""
        kept = self.measured["native" if timed else "native-insns"]
        for name, cost in found.items():
            kept[name] = min(cost, kept.get(name, cost))

    def shape(self, cpus, memory, suffix="", exo=()):
        self.options.cpus, self.options.memory, self.options.exo, self.suffix = cpus, memory, exo, suffix

    def rows(self):
        specs = [(spec, name) for name, specs in rows.GROUPS for spec in specs]
        specs += [((op + shape.suffix, what, names), shape.group) for shape in self.others for op, what, names in shape.rows]
        specs += [((op, what, None), "programs") for op, what, _ in rows.PROGRAMS]
        wanted = {op for names in self.groups for op in names} | {op for op, _ in self.programs}
        wanted |= {op + shape.suffix for shape in self.others for op, *_ in shape.rows}
        specs += [((op, what, (op,)), "boot") for op, what, unit in boot.OPS if unit == "ns" and self.boot]
        wanted |= {op for op, *_ in boot.OPS}
        order = [name for name, _ in rows.GROUPS] + ["programs", "boot", "scale"]
        found = [result.row(spec, name, self.measured) for spec, name in specs if spec[0] in wanted]
        if self.boot:
            sizes = self.boot.sizes()
            found += [result.sized(op, what, "boot", sizes) for op, what, unit in boot.OPS if unit != "ns"]
        return sorted(found, key=lambda row: order.index(row["group"]))


def chosen(options):
    """(names of operations by group, programs, guests of another shape)"""
    groups = [[op for op, *_ in specs if not options.op or op in options.op] for name, specs in rows.GROUPS
              if not options.group or name in options.group]
    programs = [(op, command) for op, _, command in rows.PROGRAMS if not options.op or op in options.op] \
        if not options.group or "programs" in options.group else []
    return [names for names in groups if names], programs, other_guests(options)


def other_guests(options):
    """Those of rows.OTHERS whose group is asked for, or one of whose operations is by name."""
    found = []
    for shape in rows.OTHERS:
        own = tuple(spec for spec in shape.rows if not options.op or spec[0] + shape.suffix in options.op)
        by_name = options.op or options.full or (options.group and shape.group in options.group and shape.full)
        if own and (by_name or (not shape.full and not options.quick)) and (not options.group or shape.group in options.group):
            found.append(shape._replace(rows=own))
    return found


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
    parser.add_argument("--group", action="append", choices=[name for name, _ in rows.GROUPS] + ["programs", "boot", "scale"],
                        help="the operations of that group alone (repeatable)")
    parser.add_argument("--op", action="append", help="that operation alone (repeatable; a wrong name lists all)")
    parser.add_argument("--linux", metavar="KERNEL", help=f"a bzImage; else {linux.PACKAGE}'s")
    parser.add_argument("--cpus", type=int, default=1, help="processors of both guests (1)")
    parser.add_argument("--memory", default="256M", help="memory of both guests (256M)")
    parser.add_argument("--accel", choices=["tcg", "kvm"], default="tcg", help="QEMU's emulation, or KVM, where nothing is counted (tcg)")
    parser.add_argument("--json", action="store_true", help="JSON instead of the table")
    parser.add_argument("--html", metavar="FILE", help="a page with plots, too")
    parser.add_argument("--machine", metavar="NAME", help="write bench/machines/NAME.json, too")
    parser.add_argument("--update", action="store_true", help="put the figures in docs/performance.md, too")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else ROUNDS_FULL if options.full else ROUNDS)
    if options.accel == "kvm" and not qemu.kvm_works():
        parser.error("KVM does not work here (/dev/kvm absent, or it runs no 64-bit guest)")
    unknown = [op for op in options.op or () if op not in operations()]
    if unknown:
        parser.error(f"no such operation: {', '.join(unknown)}; there are {', '.join(operations())} (and --group boot)")
    if not any(chosen(options)) and "boot" not in (options.group or ()):
        parser.error("the groups have none of these operations")
    return options


def operations():
    """What --op can name."""
    return [op for _, specs in rows.GROUPS for op, *_ in specs] + [op for op, *_ in rows.PROGRAMS] + \
        [op + shape.suffix for shape in rows.OTHERS for op, *_ in shape.rows]


def main():
    options = parse()
    with tempfile.TemporaryDirectory(prefix="exo-vs-") as scratch:
        try:
            bench = Bench(options, scratch)
        except linux.NoLinux as problem:
            sys.exit(f"bench: {problem}")
        bench.starts()
        bench.timed()
        bench.counted()
        bench.other_guests()
    found = {"machine": machine(options, bench.image), "figure": "least" if options.least else "median", "rows": bench.rows()}
    show(options, found)


def save(path, found):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        json.dump(found, f, indent=1)
        f.write("\n")


def show(options, found):
    if not options.op:			# what was asked for alone does not take the whole's place
        save(f"{ROOT}/build/versus.json", found)
    if options.machine:
        save(f"{ROOT}/bench/machines/{os.path.basename(options.machine)}.json", found)
    if options.html:
        with open(options.html, "w") as f:
            f.write(page.page(found))
    if options.json:
        json.dump(found, sys.stdout, indent=1)
        print()
    else:
        print(report.table(found["rows"]))
    if options.update:
        report.update(f"{ROOT}/docs/performance.md", "versus", report.markdown(found["rows"]))


main()
