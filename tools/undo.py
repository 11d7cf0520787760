#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Assembly in which every store to memory is preceded by a note of what it overwrites.

    undo.py [--push] IN.s OUT.s

For ExOS's server, which takes back what it had half done when it ends (exos/server/undo.h).
The compiler leaves r14 and r15 alone (or, with --push, they are saved around each note).
No flag is changed.  Stores to the stack by rsp are not noted: it is not there any more when
notes are read.  What is not understood is an error, so that no store goes unnoticed.
"""

import re
import sys

SIZES = {"b": 1, "w": 2, "l": 4, "q": 8}
# What writes its last operand; with a size as suffix.
WRITES = re.compile(r"(?:mov|add|sub|and|or|xor|adc|sbb|inc|dec|neg|not|sal|shl|shr|sar|rol|ror|"
                    r"xchg|xadd|cmpxchg|btc|bts|btr|shld|shrd|pop)([bwlq])$")
READS = re.compile(r"(?:cmp|test|push|lea|bt|mul|imul|div|idiv)[bwlq]?$|cmov|mov[sz]|callq?$|jmpq?$|nop|"
                   r"movabs|prefetch|bs[fr]|tzcnt|lzcnt|popcnt|bswap|invlpg|cvt")
STRINGS = re.compile(r"(?:stos|movs)([bwlq])$")
MEMORY = re.compile(r"(?:%[a-z]s:)?[^%$,()]*\([^)]*\)$|[A-Za-z_.][\w.+-]*$")
LIBRARY = re.compile(r"\t(callq?|jmpq?)\t(memcpy|memset|memmove)$")


def operands(text):
    """Split at commas outside parentheses."""
    return [o.strip() for o in re.split(r",(?![^(]*\))", text)] if text else []


def note(place, size, push):
    load = {1: "movzbl\t{}, %r14d", 2: "movzwl\t{}, %r14d", 4: "movl\t{}, %r14d", 8: "movq\t{}, %r14"}
    lines = ["movq\tundo_end(%rip), %r15", load[size].format(place), "movq\t%r14, 8(%r15)",
             f"leaq\t{place}, %r14", "movq\t%r14, (%r15)"]
    if size < 8:
        lines.append(f"movb\t${size}, 7(%r15)")
    lines += ["leaq\t16(%r15), %r15", "movq\t%r15, undo_end(%rip)"]
    if push:
        lines = ["pushq\t%r14", "pushq\t%r15", *lines, "popq\t%r15", "popq\t%r14"]
    return "".join(f"\t{line}\n" for line in lines)


def noted(line, push):
    """The note that belongs before this line, or ''."""
    match = re.match(r"\t(?:(lock|rep|repz|repnz)[ \t]+)?([a-z]\w*)(?:[ \t]+(.*?))?\s*$", line)
    if not match:
        return ""
    prefix, name, rest = match.groups()
    strings = STRINGS.match(name)
    if strings and (prefix == "rep" or not rest):
        return f"\tcall\tundo_string_{strings[1]}{'' if prefix else '_one'}\n"
    args = operands(rest)
    if not args or args[-1].startswith(("%", "$", "*")) or not MEMORY.match(args[-1]):
        return ""
    place = args[-1]
    if READS.match(name) or name.startswith("j") or name in ("call", "syscall", "ud2"):
        return ""
    if place.startswith("%gs:") or re.search(r"\(%rsp", place):
        return ""
    writes = WRITES.match(name)
    if name.startswith("set"):
        return note(place, 1, push)
    if not writes:
        raise SystemExit(f"undo.py: is this a store?\n{line}")
    return note(place, SIZES[writes[1]], push)


def main():
    arguments = sys.argv[1:]
    push = "--push" in arguments
    source, target = [a for a in arguments if a != "--push"]
    out = []
    with open(source, encoding="utf-8") as f:
        for line in f:
            # One instruction a line but in inline assembly.
            parts = [line] if not re.match(r"\t[a-z]", line) or '"' in line else [
                "\t" + p.strip() + "\n" for p in line.split("#")[0].split(";") if p.strip()]
            for part in parts:
                library = LIBRARY.match(part)
                if library:
                    part = f"\t{library[1]}\tundo_{library[2]}\n"
                out.append(noted(part, push) + part)
    with open(target, "w", encoding="utf-8") as f:
        f.write("".join(out))


if __name__ == "__main__":
    main()
