#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What protection costs: the same programs on a kernel that checks no rights.

  ./exo bench --unprotected [--update]

Guest instructions, which repeat.  Beside whole programs stand the operations
that ask for rights most.
"""

import os
import sys
import tempfile
from types import SimpleNamespace

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path += [f"{ROOT}/tools", f"{ROOT}/bench"]
import exos				# noqa: E402
import jobs				# noqa: E402
import report				# noqa: E402
import result				# noqa: E402
import rows				# noqa: E402

AIM = 0.05				# of whole programs
OPS = ("touch", "mmap-touch-munmap", "pipe-ping-pong", "fork", "fork-exec", "open-close", "create-unlink", "sigsegv", "appel1")
TEXT = 1 << 20
TIMEOUT_S = 600


def measured(scratch, exo):
    """{op: instructions}"""
    programs = [(op, command) for op, _, command in rows.PROGRAMS]
    job = os.path.join(scratch, "job")
    with open(job, "wb") as f:
        f.write(jobs.script([OPS], programs, "counted"))
    files = {**jobs.write(scratch, jobs.files(ROOT, programs, TEXT)), "bench/job": job}
    options = SimpleNamespace(accel="tcg", cpus=1, memory="256M", exo=exo)
    said = exos.run(exos.command(ROOT, files, options, icount=True), TIMEOUT_S)
    if "@end" not in said:
        sys.exit(f"bench: the guest did not finish: {said[-300:]}")
    return {op: min(batches) for op, batches in result.costs(said).items()}


def table(protected, free):
    what = {op: text for _, specs in rows.GROUPS for op, text, *_ in specs} | {op: text for op, text, _ in rows.PROGRAMS}
    for op in [*OPS, *(op for op, *_ in rows.PROGRAMS)]:
        if op in protected and op in free:
            yield what[op], report.number(free[op]), report.number(protected[op]), f"{protected[op] / free[op] - 1:+.1%}"


def main():
    with tempfile.TemporaryDirectory(prefix="exo-cost-") as scratch:
        protected, free = measured(scratch, ()), measured(scratch, ("--unprotected",))
    heads = ("operation", "without", "with protection", "cost")
    lines = [heads, *table(protected, free)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(heads))]
    for line in lines:
        print("  ".join(cell.ljust(w) if n == 0 else cell.rjust(w) for n, (cell, w) in enumerate(zip(line, widths, strict=True))))
    if "--update" in sys.argv[1:]:
        text = "\n".join("| " + " | ".join(line) + " |" for line in [heads, ("---", "---:", "---:", "---:"), *lines[1:]])
        report.update(f"{ROOT}/docs/performance.md", "protection", text)
    late = [op for op, *_ in rows.PROGRAMS if op in free and op in protected and protected[op] > free[op] * (1 + AIM)]
    if late:
        sys.exit(f"bench: protection costs more than {AIM:.0%}: {', '.join(late)}")


if __name__ == "__main__":
    main()
