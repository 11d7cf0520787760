# SPDX-License-Identifier: ISC
"""From what guests said to rows: medians, ratios, aims."""

import re
import statistics

import aims

SAID = re.compile(r"^op (\S+)((?: \d+)+)\r?$", re.M)


def costs(text):
    """{op: [cost of each batch]}, in nanoseconds or instructions."""
    return {name: [int(n) / 1000 for n in numbers.split()] for name, numbers in SAID.findall(text)}


NOTHING = ("linux_ns", "linux_plain_ns", "exos_ns", "native_ns", "linux_insns", "exos_insns", "native_insns",
           "insn_ratio", "native_insn_ratio", "spread", "floor")


class Column:
    """One system's figures: all batches of all its guests together."""

    middle = staticmethod(statistics.median)

    def __init__(self):
        self.batches = {}

    def add(self, found):
        for name, values in found.items():
            self.batches.setdefault(name, []).extend(values)

    def figure(self, name):
        values = self.batches.get(name)
        return self.middle(values) if values else None

    def least(self, name):
        values = self.batches.get(name)
        return min(values) if values else None

    def spread(self, name):
        """The middle half's width, as a part of the median."""
        values = sorted(self.batches.get(name, ()))
        if len(values) < 4:
            return None
        quarter = len(values) // 4
        return (values[-1 - quarter] - values[quarter]) / statistics.median(values)


def over(one, other):
    return one / other if one and other else None


def summed(native, names):
    """Of the parts that make up the same work; None if one is missing."""
    if not names or not native or any(name not in native for name in names):
        return None
    return sum(native[name] for name in names)


def row(spec, group, measured):
    """One row of --json.  measured: columns by name, and native figures."""
    op, what, names = spec
    time = {system: measured[system].figure(op) for system in ("linux", "plain", "exos")}
    insns = {system: measured[system + "-insns"].least(op) for system in ("linux", "exos")}
    native, native_insns = summed(measured["native"], names), summed(measured["native-insns"], names)
    aim, native_aim = aims.AIMS.get(op, (None, None))
    spread = [s for s in (measured["linux"].spread(op), measured["exos"].spread(op)) if s is not None]
    found = {
        "op": op, "group": group, "what": what, "unit": "ns",
        "linux_ns": time["linux"], "linux_plain_ns": time["plain"], "exos_ns": time["exos"], "native_ns": native,
        "linux_insns": insns["linux"], "exos_insns": insns["exos"], "native_insns": native_insns,
        "ratio": over(time["linux"], time["exos"]), "insn_ratio": over(insns["linux"], insns["exos"]),
        "native_ratio": over(time["linux"], native), "native_insn_ratio": over(insns["linux"], native_insns),
        "spread": max(spread) if spread else None, "aim": aim, "native_aim": native_aim,
        "insn_aim": aims.INSTRUCTIONS.get(op), "floor": aims.FLOOR.get(op),
    }
    return found | {"met": verdict(found)}


def sized(op, what, group, sizes):
    """A row that is no time."""
    linux, ours, native = (sizes[system].get(op) for system in ("linux", "exos", "native"))
    aim = aims.AIMS.get(op, (None, None))[0]
    found = {"op": op, "group": group, "what": what, "unit": "KiB", "linux_kib": linux, "exos_kib": ours, "native_kib": native,
             "ratio": over(linux, ours), "native_ratio": over(linux, native), "aim": aim, "native_aim": None, "insn_aim": None}
    return dict.fromkeys(NOTHING) | found | {"met": verdict(found | {"insn_ratio": None})}


def verdict(found):
    """Whether every aim is met of what was measured; None where there is none."""
    pairs = [(found["ratio"], found["aim"]), (found["native_ratio"], found["native_aim"]), (found["insn_ratio"], found["insn_aim"])]
    asked = [(got, aim) for got, aim in pairs if got is not None and aim is not None]
    return all(got >= aim for got, aim in asked) if asked else None
