#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""How deep can the kernel's stack get?  Read from the binary, so that it holds for what runs.

  stack.py ELF LIMIT [NAME...]     NAMEs: functions that end the machine; what they use is not counted

Each function's own use is what it pushes and subtracts; the calls in it are
followed.  A call through a pointer may reach any function whose address is
stored somewhere or loaded into a register.  Recursion is an error: the kernel
has none.  Entry paths begin with what the processor and entry.S push, which
is part of their own use.
"""

import re
import struct
import subprocess
import sys

FUNCTION = re.compile(r"^[0-9a-f]+ <([^>]+)>:$")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S+)\s*(.*)$")
TARGET = re.compile(r"<([^>+]+)(\+0x[0-9a-f]+)?>")


def disassemble(path):
    """{function: [(mnemonic, operands)]}"""
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", "-w", path], capture_output=True,
                          text=True, check=True).stdout
    code, current = {}, None
    for line in text.splitlines():
        found = FUNCTION.match(line)
        if found:
            current = code.setdefault(found[1], [])
            continue
        found = INSTRUCTION.match(line)
        if found and current is not None:
            current.append((found[2], found[3]))
    return code


def symbols(path):
    """{address: function}"""
    text = subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout
    return {int(a, 16): n for a, t, n in (line.split() for line in text.splitlines()
                                          if len(line.split()) == 3) if t in "tT"}


def stored_addresses(path, names):
    """Functions whose address lies, 8-aligned, anywhere in the file's data."""
    with open(path, "rb") as f:
        image = f.read()
    offset, = struct.unpack_from("<Q", image, 40)
    size, count = struct.unpack_from("<HH", image, 58)
    found = set()
    for number in range(count):
        _, kind, flags, _, at, length = struct.unpack_from("<IIQQQQ", image, offset + number * size)
        if kind == 1 and flags & 2 and not flags & 4:		# PROGBITS, allocated, no code
            for word, in struct.iter_unpack("<Q", image[at:at + length // 8 * 8]):
                if word in names:
                    found.add(names[word])
    return found


class Stack:
    def __init__(self, path, final):
        self.code = disassemble(path)
        names = symbols(path)
        self.taken = stored_addresses(path, names)
        self.final = set(final)
        self.use, self.calls = {}, {}
        for name, body in self.code.items():
            self.scan(name, body, names)
        self.deepest = {}		# function -> (bytes, path)
        self.busy = []
        self.problems = set()

    def scan(self, name, body, names):
        use, calls = 0, set()
        for mnemonic, operands in body:
            if mnemonic.startswith("push"):
                use += 8
            elif mnemonic == "sub" and operands.endswith(",%rsp") and operands.startswith("$"):
                use += int(operands[1:].split(",")[0], 16)
            elif mnemonic.startswith("mov") and operands.startswith("$0xffffffff"):
                address = int(operands[1:].split(",")[0], 16)
                if address in names:
                    self.taken.add(names[address])
            elif mnemonic == "lea" and TARGET.search(operands) and not TARGET.search(operands)[2]:
                self.taken.add(TARGET.search(operands)[1])
            if mnemonic.startswith(("call", "jmp")):
                target = TARGET.search(operands)
                if operands.startswith("*"):
                    if mnemonic.startswith("call") or not target:
                        calls.add("*")
                elif target and target[1] != name:
                    calls.add(target[1])
            if mnemonic.startswith("call"):
                use_call = 8
                use = max(use, use_call)
        self.use[name], self.calls[name] = use + 8, calls

    def targets(self, name):
        """Switch tables are jumps too; they stay within a function, so * costs what calls cost."""
        for target in self.calls.get(name, ()):
            if target == "*":
                yield from (t for t in self.taken if t in self.code and t not in self.final)
            elif target in self.code and target not in self.final:
                yield target

    def depth(self, name):
        if name in self.deepest:
            return self.deepest[name]
        self.busy.append(name)
        best, trail = 0, ()
        for target in sorted(set(self.targets(name))):
            if target in self.busy:
                circle = self.busy[self.busy.index(target):] + [target]
                if "*" not in self.calls.get(self.busy[-1], ()) or target in self.calls[name]:
                    self.problems.add(" -> ".join(circle))
                continue
            used, below = self.depth(target)
            if used > best:
                best, trail = used, below
        self.busy.pop()
        self.deepest[name] = self.use[name] + best, (name, *trail)
        return self.deepest[name]


def main(argv):
    if len(argv) < 2:
        sys.exit(__doc__)
    path, limit = argv[0], int(argv[1])
    sys.setrecursionlimit(10000)
    stack = Stack(path, argv[2:])
    worst = max((stack.depth(name) for name in stack.code), default=(0, ()))
    for circle in sorted(stack.problems):
        print(f"recursion: {circle}")
    steps = " -> ".join(f"{name} ({stack.use[name]})" for name in worst[1])
    if worst[0] > limit:
        print(f"stack: {worst[0]} bytes, more than {limit}: {steps}")
        return 1
    print(f"stack: {worst[0]} bytes at most: {steps}")
    return 1 if stack.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
