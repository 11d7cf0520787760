#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""What is the same in every source file, and how big things may be.

  layout.py [FILE...]        without names: every source file that git knows or would add

Limits are hard; the usual size is far below them (a file 150 to 300 lines, a
function about 15).
"""

import os
import re
import subprocess
import sys

COLUMNS = 100				# of code
COLUMNS_COMMENT = 130			# with the comment behind it, and of headers' tables
FILE_LINES = 500
FUNCTION_LINES = 80
KERNEL_ASM_LINES = 1200
C = (".c", ".h", ".S")
SOURCES = C + (".py", ".sh", ".mk")
WIDE = ("abi/", "docs/", "tests/")		# data and tests may have long lines
ASM = re.compile(r"\b(?:__asm__|asm)\b(?:\s+(?:volatile|goto))?\s*\(\s*\"(?P<text>[^\"]*)\"")


def sources(names):
    if names:
        return names
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], capture_output=True,
                            text=True, check=True).stdout.split("\n")
    return sorted(n for n in listed if (n.endswith(SOURCES) or n == "exo") and os.path.isfile(n))


def functions(lines):
    """(name, first line number, length) of each C function."""
    start = name = None
    for number, line in enumerate(lines, 1):
        found = re.match(r"(?:[\w*]+[\s*]+)*\**(\w+)\s*\(", line)
        if found and not line.startswith(("\t", " ", "#", "}")):
            name, start = found[1], number
        elif line.startswith("{") and name:
            pass
        elif line.startswith("}") and name:
            yield name, start, number - start + 1
            name = None
        elif line.rstrip().endswith(";") and not line.startswith(("\t", " ")):
            name = None


def conditional_in_function(lines):
    inside = False
    for number, line in enumerate(lines, 1):
        if line.startswith("{"):
            inside = True
        elif line.startswith("}"):
            inside = False
        elif inside and re.match(r"\s*#\s*(?:if|else|elif|endif)", line):
            yield number


def common(path, text, lines):
    if "SPDX-License-Identifier: ISC" not in "\n".join(lines[:3]):
        yield 1, "no SPDX line"
    if text and not text.endswith("\n"):
        yield len(lines), "no newline at the end"
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield number, "blanks at the end of the line"
        if re.search(r"\b(?:TODO|FIXME|XXX)\b", line) and not path.endswith("layout.py"):
            yield number, "unfinished: TODO, FIXME or XXX"
        if path.endswith(C) and not path.startswith(WIDE):
            yield from too_wide(path, number, line.expandtabs(8))
    if len(lines) > FILE_LINES:
        yield 1, f"{len(lines)} lines, more than {FILE_LINES}"


def too_wide(path, number, line):
    code = re.sub(r"\s*/\*.*", "", line)
    if len(line) > COLUMNS_COMMENT:
        yield number, f"longer than {COLUMNS_COMMENT} columns"
    elif len(code) > COLUMNS and path.endswith(".c"):
        yield number, f"longer than {COLUMNS} columns"


def c_rules(path, lines):
    for name, number, length in functions(lines):
        if length > FUNCTION_LINES:
            yield number, f"{name}: {length} lines, more than {FUNCTION_LINES}"
    if not path.startswith("tests/"):
        for number in conditional_in_function(lines):
            yield number, "#if in a function body: conditional files, not conditional code"
    for number, line in enumerate(lines, 1):
        if re.match(r"\s*#\s*if\s+0\b", line):
            yield number, "#if 0: dead code"
        if re.match(r"\s*//", line) and not line.startswith("// sources:"):
            yield number, "// comment"
        found = ASM.search(line)
        if found and found["text"] and path.startswith("kernel/") and "/arch/" not in path:
            yield number, "assembly outside an arch folder"


# What only the code of one processor knows: its instructions, and numbers that it gave meaning to.  The names of registers
# in save areas and of bits of the exposed tables are the interface's (include/exo).
MACHINE = (
    (re.compile(r"\b(?:__asm__|__asm|asm)\b(?!\s*(?:volatile\s*)?\(\s*\"\"\s*[:)])"), "assembly"),
    (re.compile(r"<(?:\w*intrin|cpuid|sys/io|sys/perm)\.h>|\b__builtin_(?:ia32|cpu)_\w+|\b_(?:xgetbv|xsave\w*|rdrand\w*|mm_\w+)\("), "an intrinsic"),
    (re.compile(r"#\s*define\s+(?:MSR|CPUID|CR[0-4]|EFER|XCR0?|PTE|DR[0-7]|FAULT|FXSAVE|XSAVE|FLAGS)_\w+\s+[\w(]", re.I), "a constant of the processor"),
    (re.compile(r"\b0x(?:c000008[0-4]|c0000100|c0000101|c0000102|c0000103|000f{10}000|f{10}000)(?:u?l{0,2})\b", re.I), "a number of the processor (MSR, page-table entry)"),
    (re.compile(r"\b(?:exo_pte(?:_at)?\([^()]*\)|page_entry\([^()]*\)|pte)\s*(?:&|>>)\s*\(?\s*(?:0x|\d)", re.I), "a bit of a page-table entry by number"),
)
PORTABLE = ("libexo/", "exos/")


def machine_rules(path, lines):
    if not path.startswith(PORTABLE) or "/arch/" in path:
        return
    for number, line in enumerate(lines, 1):
        code = re.sub(r"/\*.*?(?:\*/|$)", "", line)
        if re.match(r"\s*\*", code):
            continue
        for pattern, what in MACHINE:
            if pattern.search(code):
                yield number, f"{what} outside an arch folder"


def python_rules(path, lines):
    start = None
    for number, line in enumerate([*lines, "end"], 1):
        if start and line.strip() and len(line) - len(line.lstrip()) <= depth:
            if number - start > FUNCTION_LINES:
                yield start, f"{name}: more than {FUNCTION_LINES} lines"
            start = None
        found = re.match(r"(\s*)def (\w+)", line)
        if found and not start:
            start, depth, name = number, len(found[1]), found[2]


def main(names):
    bad = asm = 0
    for path in sources(names):
        with open(path, encoding="utf-8") as f:
            text = f.read()
        lines = text.split("\n")[:-1] if text.endswith("\n") else text.split("\n")
        found = list(common(path, text, lines))
        if path.endswith((".c", ".h")):
            found += c_rules(path, lines)
            found += machine_rules(path, lines)
        if path.endswith(".py"):
            found += python_rules(path, lines)
        if path.startswith(PORTABLE) and "/arch/" not in path and path.endswith((".S", ".s")):
            found.append((1, "assembly outside an arch folder"))
        if path.startswith("kernel/") and path.endswith(".S"):
            asm += len(lines)
        for number, what in found:
            bad += 1
            print(f"{path}:{number}: {what}")
    if asm > KERNEL_ASM_LINES:
        bad += 1
        print(f"kernel: {asm} lines of assembly, more than {KERNEL_ASM_LINES}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
