#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Which part may include which: arrows point down.

    apps -> exos -> libexo -> include/exo          kernel -> include/exo
    in the kernel: resources meet through each other's x.h alone; the machine
    is reached through arch.h.

Also: no cycle among headers.
"""

import os
import re
import subprocess
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.M)
SYSTEM = {"stdint.h", "stddef.h", "stdbool.h", "stdarg.h", "stdnoreturn.h", "limits.h"}
GENERATED = ("exo/", "kernel/")		# build/gen
PARTS = ("include", "kernel", "libexo", "exos", "apps")
# part -> parts that it may include from
MAY = {
    "include": {"include"},
    "kernel": {"include", "kernel"},
    "libexo": {"include", "libexo"},
    "exos": {"include", "libexo", "exos"},
    "apps": {"include", "libexo", "exos", "apps"},
}


def resolve(path, quote, name, files):
    """The file of this repository that is meant; None: generated, or the host's."""
    if quote == '"':
        near = os.path.normpath(os.path.join(os.path.dirname(path), name))
        if near in files:
            return near
    for base in ("include", "libexo/include", "exos", "kernel", "."):
        far = os.path.normpath(os.path.join(base, name))
        if far in files:
            return far
    return None


def folder(path):
    """kernel/mem/x.c -> mem"""
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else ""


def kernel_arrow(path, target):
    """Why a kernel file may not include that one, or None."""
    here, there = folder(path), folder(target)
    name = os.path.basename(target)
    if here == there:
        return None
    if there == "arch":
        return None if name == "arch.h" else "the machine is reached through arch.h"
    if there == "core":
        return None
    if name != f"{there}.h":
        return f"resources meet through {there}.h alone"
    return None


def check(path, text, files):
    """(problems, headers of this repository that it includes)"""
    part = path.split("/")[0]
    problems, edges = [], []
    for found in INCLUDE.finditer(text):
        target = resolve(path, found[1], found[2], files)
        line = text.count("\n", 0, found.start()) + 1
        if target is None:
            if part in ("include", "kernel") and found[1] == "<" and found[2] not in SYSTEM \
                    and not found[2].startswith(GENERATED):
                problems.append((line, f"<{found[2]}>: no host header here"))
            continue
        edges.append(target)
        other = target.split("/")[0]
        if other in PARTS and other not in MAY[part]:
            problems.append((line, f"{part} may not include from {other}: {target}"))
        elif part == other == "kernel":
            why = kernel_arrow(path, target)
            if why:
                problems.append((line, f"{target}: {why}"))
    return problems, edges


def cycle(graph):
    """A list of headers that include each other, or None."""
    state = {}

    def visit(node, trail):
        state[node] = 1
        for target in graph.get(node, ()):
            if state.get(target) == 1:
                return [*trail[trail.index(target):], target] if target in trail else [node, target]
            if target not in state:
                found = visit(target, [*trail, target])
                if found:
                    return found
        state[node] = 2
        return None

    for node in list(graph):
        if node not in state:
            found = visit(node, [node])
            if found:
                return found
    return None


def main():
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], capture_output=True,
                            text=True, check=True).stdout.split("\n")
    files = {n for n in listed if n.endswith((".c", ".h", ".S")) and os.path.isfile(n)}
    bad, graph = 0, {}
    for path in sorted(files):
        if path.split("/")[0] not in PARTS:
            continue
        with open(path) as f:
            problems, graph[path] = check(path, f.read(), files)
        for line, what in problems:
            bad += 1
            print(f"{path}:{line}: {what}")
    found = cycle({k: v for k, v in graph.items() if k.endswith(".h")})
    if found:
        bad += 1
        print(f"headers include each other: {' -> '.join(found)}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
