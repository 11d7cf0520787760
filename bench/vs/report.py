# SPDX-License-Identifier: ISC
"""The table of a terminal, and the one of docs/performance.md."""

import re


def number(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def times(value):
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 20 else f"{value:.1f}"


def aim(row):
    parts = [times(row["aim"]) if row["aim"] is not None else ""]
    if row["native_aim"] is not None:
        parts.append(f"native {row['native_aim']}")
    if row["insn_aim"] is not None:
        parts.append(f"instr. {row['insn_aim']}")
    return ", ".join(p for p in parts if p)


def met(row):
    return {None: "", True: "met", False: "missed"}[row["met"]]


HEADS = ("operation", "Linux", "plain", "ExOS", "native", "times", "native", "spread",
         "Linux", "ExOS", "native", "times", "aim", "")


def cells(row):
    spread = "-" if row["spread"] is None else f"{row['spread']:.0%}"
    linux, ours, native = (row.get(f"{system}_{'kib' if row['unit'] == 'KiB' else 'ns'}") for system in ("linux", "exos", "native"))
    return (row["what"], number(linux), number(row["linux_plain_ns"]), number(ours), number(native),
            times(row["ratio"]), times(row["native_ratio"]), spread,
            number(row["linux_insns"]), number(row["exos_insns"]), number(row["native_insns"]), times(row["insn_ratio"]),
            aim(row), met(row))


def table(rows):
    """For a terminal: elapsed nanoseconds, then instructions."""
    lines, group = [HEADS], None
    for row in rows:
        if row["group"] != group:
            group = row["group"]
            lines.append((f"[{group}]", *[""] * (len(HEADS) - 1)))
        lines.append(cells(row))
    widths = [max(len(line[n]) for line in lines) for n in range(len(HEADS))]
    shown = ["  ".join(c.ljust(w) if n in (0, 12, 13) else c.rjust(w) for n, (c, w) in enumerate(zip(line, widths, strict=True))).rstrip()
             for line in lines]
    over = " " * (widths[0] + 2) + "elapsed ns".ljust(sum(widths[1:8]) + 14) + "  guest instructions"
    return "\n".join([over, *shown])


def markdown(rows):
    """No nanoseconds: they are one host's.  What repeats anywhere: instructions, and ratios by and large."""
    heads = ("operation", "Linux, instructions", "ExOS", "native", "times fewer", "times faster", "native, times faster", "aim", "")
    lines = [heads, ("---", *["---:"] * 6, "---", "---")]
    for row in rows:
        lines.append((row["what"], number(row["linux_insns"]), number(row["exos_insns"]), number(row["native_insns"]),
                      times(row["insn_ratio"]), times(row["ratio"]), times(row["native_ratio"]), aim(row), met(row)))
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def update(path, anchor, text):
    """Put it into the document between the comments with that anchor."""
    with open(path) as f:
        document = f.read()
    document, count = re.subn(rf"(<!-- {anchor} -->\n).*?(<!-- end -->)", lambda m: m[1] + text + "\n" + m[2], document, flags=re.S)
    if count != 1:
        raise SystemExit(f"bench: {path} has no place for {anchor}")
    with open(path, "w") as f:
        f.write(document)
