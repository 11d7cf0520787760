#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The layout of C files: clang-format decides where lines break and how deep they are.

  format.py FILE...          say what is not laid out so
  format.py --fix FILE...    change it

Spaces within a line are the author's: columns of a table or of comments stay
aligned by hand.  So is where a long statement is broken, as long as its further
lines are indented by tabs and none is longer than 100 columns; and what stands between `clang-format off` and `on`.
"""

import difflib
import os
import subprocess
import sys

TOOL = os.environ.get("CLANG_FORMAT", "clang-format")
COLUMNS = 100


def shape(line):
    """A line without the spacing within it."""
    stripped = line.lstrip("\t ")
    indent = line[:len(line) - len(stripped)]
    # Blanks around operators, braces and commas are within the line too.
    return indent + "".join(stripped.split())


def indent(line):
    return line[:len(line) - len(line.lstrip("\t "))]


def content(lines):
    """What is written, without any spacing and line ends."""
    return "".join("".join(line.rstrip("\\\n") for line in lines).split())


def tabbed(before):
    """The further lines of a statement with their indentation rounded up to tabs."""
    least = len(indent(before[0])) + 1
    result = before[:1]
    for line in before[1:]:
        depth = (len(indent(line).expandtabs(8)) + 7) // 8
        if "\t" * depth != indent(line):
            depth = max(depth, least)
        result.append("\t" * depth + line.lstrip("\t "))
    return result


def author_breaks(before, after):
    """The lines to keep when they say the same and are only broken at other places, else None."""
    if not before or not after or indent(before[0]) != indent(after[0]) or content(before) != content(after):
        return None
    least = len(indent(before[0]))
    kept = tabbed(before)
    if any(len(indent(s)) < least or s.strip() in ("{", "}") for s in kept):
        return None
    return kept if all(len(s.expandtabs(8).rstrip("\n")) <= COLUMNS for s in kept) else None


def laid_out(path):
    """(lines as they are, lines as they should be)"""
    with open(path) as f:
        before = f.read().splitlines(keepends=True)
    done = subprocess.run([TOOL, path], capture_output=True, text=True, check=True)
    after = done.stdout.splitlines(keepends=True)
    matcher = difflib.SequenceMatcher(None, [shape(s) for s in before], [shape(s) for s in after],
                                      autojunk=False)
    result = []
    for tag, a, b, c, d in matcher.get_opcodes():
        kept = before[a:b] if tag == "equal" else author_breaks(before[a:b], after[c:d])
        result += after[c:d] if kept is None else kept
    return before, result


def main(argv):
    fix = argv[:1] == ["--fix"]
    bad = 0
    for path in argv[fix:]:
        if not path.endswith((".c", ".h")):
            print(f"format: {path}: only .c and .h files are laid out")
            continue
        before, after = laid_out(path)
        if before == after:
            continue
        bad += 1
        if fix:
            with open(path, "w") as f:
                f.writelines(after)
            continue
        for line in difflib.unified_diff(before, after, path, path + " (make format)", n=0):
            sys.stdout.write(line)
    if bad and not fix:
        print(f"format: {bad} files differ from .clang-format; `make format` changes them")
    return 1 if bad and not fix else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
