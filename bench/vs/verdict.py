#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The claims of the original papers, asked again here.

  ./exo claims                what they are, and what was found when docs/claims.md was last made
  ./exo claims ID...          measure these now, in two guests of each system
  ./exo claims --update       measure all, and put them into docs/claims.md
"""

import json
import os
import re
import subprocess
import sys
from types import SimpleNamespace

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path += [f"{ROOT}/tools", f"{ROOT}/bench"]
import exos				# noqa: E402
import report				# noqa: E402
from claims import CLAIMS, LATER, Beside, Shown, Within		# noqa: E402

DOCUMENT = f"{ROOT}/docs/claims.md"


def beside_linux(claims, rounds):
    """{op: row} of all operations that they ask for, in one run."""
    ops = sorted({c.experiment.op for c in claims if isinstance(c.experiment, Beside)})
    if not ops:
        return {}
    words = [word for op in ops for word in ("--op", op)]
    done = subprocess.run([sys.executable, f"{ROOT}/bench/vs/run.py", "--json", *rounds, *words], stdout=subprocess.PIPE, check=True)
    return {row["op"]: row for row in json.loads(done.stdout)["rows"]}


def native(claims):
    """{row: instructions}"""
    if not any(isinstance(c.experiment, Within) for c in claims):
        return {}
    return exos.native(ROOT, SimpleNamespace(accel="tcg"), timed=False)


def judged(times, claimed):
    """The verdict on a factor."""
    if times is None:
        return "not measured"
    if claimed < 0.9:
        return "holds" if times < 1 else f"no longer: {times:.2g} times faster"
    if times >= claimed:
        return "holds"
    return f"falls short: {times:.2g} of {claimed:g} times"


def beside(claim, row):
    """(ours, Linux's, times by instructions, by time, verdict)"""
    side = "native" if claim.experiment.native else "exos"
    times = row["native_ratio"] if claim.experiment.native else row["ratio"]
    fewer = row["native_insn_ratio"] if claim.experiment.native else row["insn_ratio"]
    return (report.number(row[f"{side}_insns"]), report.number(row["linux_insns"]), report.times(fewer), report.times(times),
            judged(times, claim.experiment.times))


def within(claim, rows):
    slow, fast = rows.get(claim.experiment.slow), rows.get(claim.experiment.fast)
    times = slow / fast if slow and fast else None
    return report.number(fast), f"(the other way: {report.number(slow)})", report.times(times), "-", judged(times, claim.experiment.times)


def shown(claim):
    said = exos.boot(ROOT, f"apps/demos/{claim.experiment.demo}", SimpleNamespace(accel="tcg"), timed=False)
    numbers = re.search(claim.experiment.says, said)
    if not numbers:
        return "-", "-", "-", "-", "not measured"
    less, more = (int(number) for number in numbers.groups())
    return "-", "-", "-", "-", f"{'holds' if less < more else 'does not hold'}: {less}, {more}"


def command(claim):
    kind = claim.experiment
    if isinstance(kind, Beside):
        return f"exo bench --vs linux --op {kind.op}"
    return "exo bench" if isinstance(kind, Within) else f"exo run ./build/apps/demos/{kind.demo}.elf"


HEADS = ("id", "source", "claim", "ours", "Linux", "times fewer", "times faster", "verdict", "experiment")


def measured(claims, rounds):
    rows, natives = beside_linux(claims, rounds), native(claims)
    for claim in claims:
        if isinstance(claim.experiment, Beside):
            found = beside(claim, rows[claim.experiment.op])
        else:
            found = shown(claim) if isinstance(claim.experiment, Shown) else within(claim, natives)
        yield (claim.id, claim.source, claim.says + ("" if claim.certain else " *"), *found, f"`{command(claim)}`")


def markdown(lines):
    rule = ("---", "---", "---", "---:", "---:", "---:", "---:", "---", "---")
    return "\n".join("| " + " | ".join(line) + " |" for line in (HEADS, rule, *lines))


def last_found():
    """{id: the cells of its line} in the document."""
    with open(DOCUMENT) as f:
        lines = [[cell.strip() for cell in line.strip("|\n ").split(" | ")] for line in f if line.startswith("| ")]
    return {cells[0]: cells for cells in lines if len(cells) == len(HEADS)}


def overview():
    found = last_found()
    width = max(len(c.id) for c in CLAIMS)
    for claim in CLAIMS:
        print(f"{claim.id:{width}}  {claim.source}  {found[claim.id][7] if claim.id in found else 'not measured':34}  {claim.says}")
    print("\nnot to be asked yet (neither network nor disk):")
    for name, source, says in LATER:
        print(f"  {name} ({source}): {says}")
    print("\nexo claims ID measures one now; docs/claims.md has the figures.")


def tell(line):
    ident, source, says, ours, linux, fewer, faster, verdict, how = line
    print(f"{ident} ({source}{', as commonly reported' if says.endswith('*') else ''}): {says.rstrip(' *')}")
    if ours != "-":
        print(f"  here {ours} instructions, {linux if linux.startswith('(') else 'Linux ' + linux}: {fewer} times fewer" + (f", {faster} times faster" if faster != "-" else ""))
    print(f"  {verdict}\n  {how.strip('`')}")


def main():
    words = sys.argv[1:]
    if not words:
        return overview()
    if words == ["--help"] or words == ["-h"]:
        return print(__doc__)
    if words == ["--update"]:
        report.update(DOCUMENT, "claims", markdown(measured(CLAIMS, [])))
        return overview()
    known = {claim.id: claim for claim in CLAIMS}
    for word in words:
        if word not in known:
            sys.exit(f"exo claims: no such claim: {word} (exo claims lists them)")
    for line in measured([known[word] for word in words], ["--rounds", "2"]):
        tell(line)
    return None


main()
