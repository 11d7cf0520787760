# SPDX-License-Identifier: ISC
"""A page of its own: how many times faster than Linux, a bar for each figure, and the table."""

import html
import math

import report

WIDTH, LABEL, LINE = 980, 360, 46
PLOT = WIDTH - LABEL - 60
LOW, HIGH = 0.1, 1000			# ends of the axis
BARS = (("ratio", "#2f6f9f", "elapsed"), ("insn_ratio", "#9fc3dd", "instructions"), ("native_ratio", "#c9802b", "native, elapsed"))

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 1100px; color: #1c1c1c; background: #fff }
table { border-collapse: collapse; font-size: 12.5px } td, th { padding: 2px 8px; text-align: right; border-bottom: 1px solid #e4e4e4 }
td:first-child, th:first-child { text-align: left } tr.group td { font-weight: bold; padding-top: 1em; border: 0 }
.missed { color: #b03020 } .met { color: #207030 } svg text { font: 12px system-ui, sans-serif; fill: #1c1c1c } .note { color: #555 }
"""


def place(value):
    """Where a ratio lies on the axis."""
    part = (math.log10(min(max(value, LOW), HIGH)) - math.log10(LOW)) / (math.log10(HIGH) - math.log10(LOW))
    return LABEL + part * PLOT


def axis(height):
    lines = []
    for power in range(-1, 4):
        x = place(10.0 ** power)
        lines.append(f'<line x1="{x:.1f}" y1="22" x2="{x:.1f}" y2="{height}" stroke="{"#888" if power == 0 else "#ddd"}"/>')
        lines.append(f'<text x="{x:.1f}" y="14" text-anchor="middle">{10.0 ** power:g}x</text>')
    return lines


def bars(row, top):
    """From 1 to the ratio: to the right is faster than Linux."""
    lines = [f'<text x="{LABEL - 10}" y="{top + 22}" text-anchor="end">{html.escape(row["what"][:58])}</text>']
    for number, (key, colour, _) in enumerate(BARS):
        value = row.get(key)
        if value is None:
            continue
        begin, end = sorted((place(1), place(value)))
        y = top + 4 + number * 12
        lines.append(f'<rect x="{begin:.1f}" y="{y}" width="{max(end - begin, 1):.1f}" height="10" fill="{colour}"/>')
        lines.append(f'<text x="{place(value) + (4 if value >= 1 else -4):.1f}" y="{y + 9}" style="font-size:10px" '
                     f'text-anchor="{"start" if value >= 1 else "end"}">{report.times(value)}</text>')
    if row["aim"] is not None:
        x = place(row["aim"])
        lines.append(f'<line x1="{x:.1f}" y1="{top + 2}" x2="{x:.1f}" y2="{top + 16}" stroke="#b03020" stroke-width="2"><title>aim: {row["aim"]}</title></line>')
    return lines


def plot(rows):
    height = 30 + LINE * len(rows)
    parts = axis(height)
    for number, row in enumerate(rows):
        parts += bars(row, 24 + number * LINE)
    return f'<svg width="{WIDTH}" height="{height}" role="img" aria-label="times faster than Linux">{"".join(parts)}</svg>'


def table(rows):
    lines = ["<tr>" + "".join(f"<th>{html.escape(h)}</th>" for h in report.HEADS) + "</tr>"]
    group = None
    for row in rows:
        if row["group"] != group:
            group = row["group"]
            lines.append(f'<tr class="group"><td colspan="{len(report.HEADS)}">{html.escape(group)}</td></tr>')
        verdict = report.met(row)
        cells = "".join(f"<td>{html.escape(c)}</td>" for c in report.cells(row)[:-1])
        lines.append(f'<tr>{cells}<td class="{verdict}">{verdict}</td></tr>')
    return "<table>" + "\n".join(lines) + "</table>"


def page(found):
    groups = dict.fromkeys(row["group"] for row in found["rows"])
    legend = ", ".join(f'<span style="color:{colour}">&#9632;</span> {text}' for _, colour, text in BARS)
    where = ", ".join(f"{html.escape(str(k))}: {html.escape(str(v))}" for k, v in found["machine"].items())
    plots = "".join(f"<h2>{html.escape(g)}</h2>" + plot([r for r in found["rows"] if r["group"] == g]) for g in groups)
    return (f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>ExOS beside Linux</title><style>{STYLE}</style></head><body>'
            f"<h1>ExOS beside Linux</h1><p>How many times faster than Linux, in the same emulated machine, on a logarithmic scale: {legend}; "
            f'the red mark is the aim. Bars to the left are slower.</p><p class="note">{where}. Elapsed: {html.escape(found["figure"])} of all batches.</p>'
            f"{plots}<h2>Figures</h2><p>Elapsed nanoseconds, then guest instructions.</p>{table(found['rows'])}</body></html>\n")
