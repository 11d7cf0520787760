#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""How deep can the kernel's stack get?  Read from the binary, so that it holds for what runs.

  stack.py [-v] ELF

A function uses what it pushes and subtracts; the calls in it are followed.
Where calls through pointers go is in stack.toml, together with the limit.
Recursion is an error: the kernel has none.
"""

import fnmatch
import os
import re
import subprocess
import sys
import tomllib

FUNCTION = re.compile(r"^[0-9a-f]+ <([^>]+)>:$")
INSTRUCTION = re.compile(r"^\s*[0-9a-f]+:\s+(?:notrack |bnd )*(\S+)\s*(.*)$")
TARGET = re.compile(r"<([^>+]+)(?:\+0x[0-9a-f]+)?>")
SWITCH = re.compile(r"^\*.*,8\)")		# a jump through a table stays in its function
STORED = 8					# the return address


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
            current.append((found[1], found[2]))
    return code


def taken(mnemonic, value):
    """Bytes that the stack pointer goes down by; 128 are taken by adding -128, which is shorter."""
    if value >= 1 << 63:
        value -= 1 << 64
    return max(value if mnemonic.startswith("sub") else -value, 0)


def plain(name):
    """Without what the compiler adds to a specialised copy."""
    return name.partition(".")[0]


def matches(name, patterns):
    return any(fnmatch.fnmatchcase(plain(name), p) for p in patterns)


class Stack:
    def __init__(self, code, facts):
        self.code, self.facts = code, facts
        self.problems = []
        self.use, self.calls = {}, {}
        for name in code:
            self.use[name], self.calls[name] = self.scan(name)
        self.deepest = {}		# function -> (bytes, functions below)

    def scan(self, name):
        """(bytes used, functions called)"""
        use, calls = STORED, set()
        for mnemonic, operands in self.code[name]:
            if mnemonic.startswith("push"):
                use += 8
            elif mnemonic.startswith(("sub", "add")) and re.match(r"\$0x[0-9a-f]+,%rsp$", operands):
                use += taken(mnemonic, int(operands[1:].split(",")[0], 16))
            elif mnemonic.startswith(("call", "j")):
                calls |= self.reached(name, mnemonic, operands)
        return use, calls

    def reached(self, name, mnemonic, operands):
        if not operands.startswith("*"):
            target = TARGET.search(operands)
            return {target[1]} - {name} if target else set()
        if mnemonic.startswith("j") and SWITCH.match(operands):
            return set()
        patterns = self.facts["indirect"].get(plain(name))
        if patterns is None:
            self.problems.append(f"{name}: a call through a pointer, and stack.toml does not say where to")
            return set()
        wanted = [w for p in patterns for w in (self.facts["groups"][p[1:]] if p[0] == "@" else [p])]
        return {t for t in self.code if matches(t, wanted)} - {name}

    def below(self, name):
        for target in sorted(self.calls[name]):
            if target in self.code and not matches(target, self.facts["final"] + self.facts["fresh"]):
                yield target

    def depth(self, name, busy=()):
        if name in busy:
            if f"{plain(busy[-1])} -> {plain(name)}" not in self.facts["circles"]:
                self.problems.append("recursion: " + " -> ".join([*busy[busy.index(name):], name]))
            return 0, ()
        if name not in self.deepest:
            best = max((self.depth(t, (*busy, name)) for t in self.below(name)), default=(0, ()))
            self.deepest[name] = self.use[name] + best[0], (name, *best[1])
        return self.deepest[name]


def main(argv):
    verbose = argv[:1] == ["-v"]
    with open(os.path.dirname(os.path.realpath(__file__)) + "/stack.toml", "rb") as f:
        facts = tomllib.load(f)
    sys.setrecursionlimit(10000)
    stack = Stack(disassemble(argv[-1]), facts)
    used, path = max(stack.depth(name) for name in stack.code)
    steps = " -> ".join(f"{name} {stack.use[name]}" for name in path)
    if used > facts["limit"]:
        stack.problems.append(f"{used} bytes, more than {facts['limit']}: {steps}")
    for problem in stack.problems:
        print(f"stack: {problem}")
    if verbose:
        print(f"stack: {used} bytes at most: {steps}")
    return 1 if stack.problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
