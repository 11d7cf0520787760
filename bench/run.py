#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Measure: a table on standard output, build/bench.json for machines.

  bench/run.py [--quick] [--update]
  bench/run.py --profile ROW		where the instructions of one row go, by function
  bench/run.py --order		the library's functions and variables in exos/order, by what rows use

What is measured:
  instructions   guest instructions of one operation, kernel and stub (exact: -icount)
  linux          the same of Linux calls under ExOS, seen by a program inside
  elapsed        of both: median time by the host's clock, and how many null calls of the kernel
                 take as long in the same machine; emulated time alone says nothing
  private        pages that the library keeps for a process
  ratio          time of a whole start beside a kernel that exits at once
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
sys.path[:0] = [f"{ROOT}/tools", f"{ROOT}/bench/profile"]
import attribute			# noqa: E402
import order				# noqa: E402
import rows				# noqa: E402
import mkarchive				# noqa: E402
import qemu					# noqa: E402

KERNEL = f"{ROOT}/build/aegis.elf"
TIMED = 3				# runs by the host's clock: others may be using it
DOC = f"{ROOT}/docs/performance.md"


def measured(text):
    found = {}
    for name, n in re.findall(r"bench (\S+) (\d+)", text):
        found[name] = min(int(n), found.get(name, int(n)))
    return found


def native(scratch, program, append="", args="", timed=False, cpus=1, extra=()):
    """The rows that a program says that runs as boot/init."""
    archive = mkarchive.Archive()
    archive.add_file("boot/init", f"{ROOT}/build/bench/{program}.elf", 0o755)
    archive.add_bytes("boot/args", f"{args}\0".encode())
    with open(f"{scratch}/archive", "wb") as f:
        archive.write(f.fileno())
    argv = qemu.command(KERNEL, f"{scratch}/archive", accel="tcg", icount=not timed, append=append, cpus=cpus, extra=extra,
                        ports={qemu.PORT_LOG: f"file,path={scratch}/log"})
    subprocess.run(argv, stdin=subprocess.DEVNULL, timeout=300)
    with open(f"{scratch}/log", errors="replace") as f:
        said = f.read()
    result = measured(said)
    if not result or "FAIL" in said:
        sys.exit(f"bench: {program} did not finish:\n{said}")
    return result


def hosted(program, *args, icount=True, extra=()):
    """The rows that a Linux program says that runs under ExOS."""
    done = subprocess.run([f"{ROOT}/exo", "run", "--accel", "tcg", *(["--icount"] if icount else []), *(f"--qemu={word}" for word in extra),
                           f"./build/bench/{program}", *args], cwd=ROOT, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=600)
    result = measured(done.stdout)
    if done.returncode or not result:
        sys.exit(f"bench: {program}: exo run ended with {done.returncode}: {done.stderr.strip()}")
    return result


def elapsed(run):
    """{row: (nanoseconds, null calls)} of timed runs, whose clock and null calls are rows, too: the best of a few."""
    several = [run() for _ in range(TIMED)]
    ticks = {name: min(one[name] for one in several) for name in several[0]}
    hz, null = ticks.pop("tsc-hz"), ticks.pop("null-calls-100") / 100
    ticks["null-call"] = null		# one alone is not much longer than the clock's step
    return {name: (took * 1e9 / hz, took / null) for name, took in ticks.items()}


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


def times(result, part, name):
    """The cells for elapsed time: none where it was not measured."""
    if "elapsed" not in result:
        return ()
    ns, null = result["elapsed"][part].get(name, (0, 0))
    return (f"{ns:,.0f}", f"{null:,.1f}")


def linux_rows(result):
    """A row that needs what ExOS has not is left out, not invented."""
    return [(what, result["linux"][name], *times(result, "linux", name), f"{aim}" if aim else "")
            for name, what, aim in rows.LINUX if name in result["linux"]]


def tables(result):
    """[(anchor in the document, title, heads, rows)]: one form for the terminal and the document."""
    kernel, longest = result["instructions"], result["longest"]
    clock = ("elapsed ns", "in null calls") if "elapsed" in result else ()

    def shown(name):
        return "-" if name is None else kernel[name]

    found = [
        ("kernel", "Kernel primitives, with the stub", ("operation", "instructions", *clock, "aim", "the path"),
         [(what, kernel[name], *times(result, "kernel", name), f"{aim}" if aim else "", where)
          for name, what, aim, where in rows.KERNEL]),
        ("bindings", "Secure bindings", ("form", "bind", "use"),
         [(what, shown(bind), shown(use)) for what, bind, use in rows.BINDINGS]),
        ("longest", f"The longest entry; aim {rows.LONGEST_AIM}", ("stress", "instructions"),
         [(what, longest[name]) for name, what in rows.LONGEST]),
        ("linux", "Linux calls under ExOS, seen by the program", ("call", "instructions", *clock, "aim"), linux_rows(result)),
        ("private", "What the library keeps for a process that does nothing", ("pages", "number"),
         [(what, result["private"][name]) for name, what in rows.PRIVATE]),
        ("events", "Between environments and processors", ("event", "instructions", "the path"),
         [(what, result["events"][name], where) for name, what, where in rows.EVENTS]),
        ("memory", "Memory given back under ExOS", ("what", "instructions"),
         [(what, result["memory"][name]) for name, what in rows.MEMORY])]
    if "ratio" in result:
        found.append(("start", "Start, beside a guest that stops at once", ("", "ratio", "aim"),
                      [("exo run true", f"{result['ratio']['exo-run-true']:.1f}", "5")]))
    return found


RIGHT = ("instructions", "elapsed ns", "in null calls", "bind", "use", "number")


def show(title, heads, lines):
    columns = [max(len(str(line[n])) for line in [heads, *lines]) for n in range(len(heads))]
    print(f"\n{title}")
    for line in [heads, *lines]:
        cells = [str(c).rjust(w) if head in RIGHT else str(c).ljust(w)
                 for head, c, w in zip(heads, line, columns, strict=True)]
        print("  " + "  ".join(cells).rstrip())


def markdown(heads, lines):
    rule = ["---:" if head in RIGHT else "---" for head in heads]
    return "\n".join("| " + " | ".join(str(c) for c in line) + " |" for line in [heads, rule, *lines])


def update(found):
    """Put the tables in the document, each between the comments with its anchor."""
    with open(DOC) as f:
        text = f.read()
    for anchor, _, heads, lines in found:
        text, count = re.subn(rf"(<!-- {anchor} -->\n).*?(<!-- end -->)",
                              lambda m, t=markdown(heads, lines): m[1] + t + "\n" + m[2], text, flags=re.S)
        if count != 1:
            sys.exit(f"bench: {DOC} has no place for {anchor}")
    with open(DOC, "w") as f:
        f.write(text)


def row_number(name):
    number = 0
    for byte in name.encode():		# bench/cost.h
        number = (number * 31 + byte) & 0xffffffff
    return number


def recorded(scratch, name):
    """One row's program runs under the plugin, with no other row: the program, and what it did or None."""
    extra = ("-plugin", f"{ROOT}/build/bench/record.so,out={scratch}/record")
    if os.path.exists(f"{scratch}/record"):
        os.unlink(f"{scratch}/record")
    if name in [row[0] for row in rows.LINUX]:
        hosted("calls", "row", name, extra=extra)
        program = "bench/calls"
    elif name in [row[0] for row in rows.KERNEL]:
        native(scratch, "kernel", args=f"row={row_number(name)}", extra=extra)
        program = "bench/kernel.elf"
    else:
        sys.exit(f"bench: no row is called {name}: " + " ".join(row[0] for row in rows.KERNEL + rows.LINUX))
    if not os.path.exists(f"{scratch}/record"):
        return program, None
    return program, attribute.Record(f"{scratch}/record")


def profile(scratch, name):
    program, record = recorded(scratch, name)
    if record is None:
        sys.exit(f"bench: {name} is not measured by one span of time: nothing to profile")
    attribute.show(record, attribute.images(ROOT, program))


def reorder(scratch):
    """Those rows first in which processes change."""
    names = [row[0] for row in rows.LINUX]
    variables = {part: order.Variables(f"{ROOT}/build/{name}", order.SMALL[part])
                 for part, name in (("library", "exos.elf"), ("server", "init.elf"))}
    used = []
    for name in sorted(names, key=lambda name: (name not in rows.SWITCHING, names.index(name))):
        program, record = recorded(scratch, name)
        if record:
            used.append(order.used(record, attribute.images(ROOT, program), variables))
    order.write_all(f"{ROOT}/exos/order", used)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="leave out what is timed")
    parser.add_argument("--update", action="store_true", help="put the tables in docs/performance.md, too")
    parser.add_argument("--profile", metavar="ROW", help="where the instructions of one row go, and nothing else")
    parser.add_argument("--order", action="store_true", help="write exos/order anew")
    options = parser.parse_args()
    if options.order:
        with tempfile.TemporaryDirectory() as scratch:
            return reorder(scratch)
    if options.profile:
        with tempfile.TemporaryDirectory() as scratch:
            return profile(scratch, options.profile)
    with tempfile.TemporaryDirectory() as scratch:
        result = {"instructions": native(scratch, "kernel"),
                  "longest": native(scratch, "longest", append="trace"), "linux": hosted("calls"),
                  "private": hosted("private"), "memory": hosted("memory"),
                  "events": {**native(scratch, "events"), **native(scratch, "events", cpus=2)}}
        if not options.quick:
            result["elapsed"] = {"kernel": elapsed(lambda: native(scratch, "kernel", args="timed=1", timed=True)),
                                 "linux": elapsed(lambda: hosted("calls", "timed", icount=False))}
            result["ratio"] = start_ratio(scratch, 9)
    found = tables(result)
    for _, title, heads, lines in found:
        show(title, heads, lines)
    if options.update:
        if options.quick:
            sys.exit("bench: --update needs what --quick leaves out")
        update(found)
    with open(f"{ROOT}/build/bench.json", "w") as f:
        json.dump(result, f, indent=1)
    print("\nbuild/bench.json has the same for machines")
    late = [name for name, took in result["longest"].items() if took > rows.LONGEST_AIM]
    if late:
        sys.exit(f"bench: longer than {rows.LONGEST_AIM} instructions: {', '.join(late)}")
    late = [name for name, _, aim in rows.LINUX if aim and result["linux"].get(name, 0) > aim]
    if late:
        sys.exit(f"bench: more than the aim: {', '.join(late)}")
    if result["private"]["private-kept"] > rows.PRIVATE_AIM:
        sys.exit(f"bench: the library keeps more than {rows.PRIVATE_AIM} pages of data for each process")


main()
