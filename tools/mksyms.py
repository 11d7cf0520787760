# SPDX-License-Identifier: ISC
"""nm -n of the kernel on standard input, its symbol table as assembly on standard output."""

import sys


def main():
    base, rows = None, []
    for line in sys.stdin:
        address, kind, name = line.split()[:3]
        if name == "kernel_start":
            base = int(address, 16)
        if kind in "tT" and name not in ("kernel_start", "text_end"):
            rows.append((int(address, 16), name))
    print("/* SPDX-License-Identifier: ISC */\n\t.section .ksyms, \"a\"\n\t.balign 8")
    print("\t.globl symbols_count, symbols, symbols_names\nsymbols_count:\t.long", len(rows))
    print("symbols:")
    at = 0
    for address, name in rows:
        print(f"\t.long {address - base}, {at}")
        at += len(name) + 1
    print("symbols_names:")
    for _, name in rows:
        print(f"\t.asciz \"{name}\"")
    print("\t.section .note.GNU-stack, \"\", @progbits")


main()
