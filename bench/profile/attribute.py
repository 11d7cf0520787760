# SPDX-License-Identifier: ISC
"""Where the instructions of one operation go, by function.

    show(Record(FILE), images(ROOT, PROGRAM))

FILE is what record.c wrote.  An instruction belongs to the kernel by its address; to ExOS's
library, whose image lies somewhere in the last slot but one of the lower half; or else to the one of the
programs known (the server and the bench) that has these very bytes there.

"inside" counts what a function calls, too: who called whom is guessed from where control went, by
a stack for all: what is entered at its first instruction was called, what is entered elsewhere
was returned to.  Switches between processes make it wrong for who waits.
"""

import bisect
import collections
import struct
import subprocess

KERNEL, LIBRARY = 0xffffffff80000000, 0x7f0000000000
IMAGE_MASK = 0x1fffff			# the library's image: 2 MiB, aligned (exos/server/proto.h)

# What costs more under emulation than its one instruction says.
# Of bytes without the prefix for wide or high registers.
SPECIAL = {"pages flushed (invlpg)": lambda b: b[:2] == b"\x0f\x01" and b[2] & 0x38 == 0x38 and b[2] < 0xc0,
           "calls of the kernel": lambda b: b[:2] == b"\x0f\x05",
           "ways out of it (sysret, iretq)": lambda b: b[:2] == b"\x0f\x07" or b[:1] == b"\xcf",
           "vector registers saved or loaded": lambda b: b[:2] == b"\x0f\xae" and b[2] & 0x38 in (0, 8, 0x20, 0x28)
           and b[2] < 0xc0}


def opcode(code):
    """Of one instruction, to be asked for SPECIAL."""
    code = code.lstrip(b"\x65")
    return (code[1:] if code[0] & 0xf0 == 0x40 else code).ljust(4, b"\x90")


def loads_cr3(code):
    b = opcode(code)
    return b[:2] == b"\x0f\x22" and b[2] & 0x38 == 0x18


class Image:
    """The functions of an ELF file, and its bytes."""

    def __init__(self, name, path):
        self.name, self.symbols = name, []
        listed = subprocess.run(["nm", "-n", path], check=True, capture_output=True, text=True).stdout
        for line in listed.splitlines():
            fields = line.split()
            if len(fields) == 3 and fields[1] in "tTwWiV":
                self.symbols.append((int(fields[0], 16), fields[2]))
        self.starts = [address for address, _ in self.symbols]
        with open(path, "rb") as f:
            self.bytes = f.read()
        phoff, = struct.unpack_from("<Q", self.bytes, 32)
        size, count = struct.unpack_from("<HH", self.bytes, 54)
        self.loads = [struct.unpack_from("<QQQQ", self.bytes, phoff + i * size + 8)
                      for i in range(count) if struct.unpack_from("<I", self.bytes, phoff + i * size) == (1,)]

    def has(self, address, code):
        for offset, start, _, filled in self.loads:
            if start <= address < start + filled:
                at = offset + address - start
                return self.bytes[at:at + len(code)] == code
        return False

    def function(self, address):
        """(name, whether this is its beginning)"""
        at = bisect.bisect_right(self.starts, address) - 1
        if at < 0:
            return f"{address:#x}", False
        while at > 0 and self.starts[at - 1] == self.starts[at]:
            at -= 1
        return self.symbols[at][1], self.starts[at] == address


class Record:
    """What was executed: `known`, [(address, bytes)], and `executed`, indices of it."""

    def __init__(self, path):
        with open(path, "rb") as f:
            count, length, self.translated, accesses = struct.unpack("<QQQQ", f.read(32))
            self.known = []
            for _ in range(count):
                address, size, code = struct.unpack("<QB15s", f.read(24))
                self.known.append((address, code[:size]))
            self.executed = struct.unpack(f"<{length}I", f.read(4 * length))
            words = struct.unpack(f"<{2 * accesses}Q", f.read(16 * accesses))
            self.accesses = list(zip(words[::2], words[1::2], strict=True))	# (address, after so many executed)


def find(images, address, code):
    """(part, function, whether it begins there)"""
    if address >= KERNEL:
        return ("kernel", *images["kernel"].function(address))
    if address >= LIBRARY:
        return ("library", *images["library"].function(address & IMAGE_MASK))
    for image in images.values():
        if image.has(address, code):
            return (image.name, *image.function(address))
    return ("?", f"{address & ~0xfff:#x}", False)


def attribute(record, images):
    """([(part, function)] -> instructions of its own, -> and of what it called)"""
    own, inside = collections.Counter(), collections.Counter()
    places = {}
    stack = []
    for which in record.executed:
        place = places.get(which)
        if place is None:
            part, name, begins = find(images, *record.known[which])
            place = places[which] = ((part, name), begins)
        function, begins = place
        own[function] += 1
        if not stack or stack[-1] != function:
            if begins or function not in stack:
                stack.append(function)
            else:
                while stack[-1] != function:
                    stack.pop()
            del stack[:-200]
            seen = set(stack)
        for each in seen:
            inside[each] += 1
    return own, inside


def special(record):
    times = collections.Counter(record.executed)
    for what, holds in SPECIAL.items():
        yield what, sum(n for which, n in times.items() if holds(opcode(record.known[which][1])))


def stretches(record):
    """Between changes of address space: [(instructions, blocks of them, {pages of code}, {of data})].

    After one the emulator finds each block and each page anew, which costs more than
    most instructions.  A block begins where control was sent to or another page begins.
    """
    found, begin, place = [], 0, 0
    executed, accesses = record.executed, record.accesses
    ends = [at for at, which in enumerate(executed) if loads_cr3(record.known[which][1])]
    for end in [*ends, len(executed) - 1]:
        blocks, code_pages, data_pages, expected = set(), set(), set(), None
        for which in executed[begin:end + 1]:
            address, code = record.known[which]
            if address != expected or address >> 12 not in code_pages:
                blocks.add(address)
            code_pages.add(address >> 12)
            expected = address + len(code)
        while place < len(accesses) and accesses[place][1] <= end + 1:
            data_pages.add(accesses[place][0] >> 12)
            place += 1
        found.append((end + 1 - begin, len(blocks), code_pages, data_pages))
        begin = end + 1
    return found


def images(root, program):
    named = {"kernel": "aegis.elf", "library": "exos.elf", "server": "init.elf", "program": program}
    return {name: Image(name, f"{root}/build/{path}") for name, path in named.items()}


def show(record, images, least=0.005):
    own, inside = attribute(record, images)
    total = sum(own.values())
    parts = collections.Counter()
    for (part, _), n in own.items():
        parts[part] += n
    print(f"{total} instructions, {record.translated} of them translated anew")
    for part, n in parts.most_common():
        print(f"  {n:8} {n * 100 / total:5.1f} %  {part}")
    for what, n in special(record):
        print(f"  {n:8}          {what}")
    print("\nbetween loads of CR3: instructions, blocks of them, pages of code, of data, of all")
    for count, blocks, code, data in stretches(record):
        print(f"  {count:8} {blocks:8} {len(code):8} {len(data):8} {len(code | data):8}")
    print(f"\n{'own':>10} {'':7}{'inside':>9}")
    for (part, name), n in own.most_common():
        if n >= total * least:
            print(f"  {n:8} {n * 100 / total:5.1f} % {inside[part, name]:8}  {part:8} {name}")
    shown = [(n, f) for f, n in inside.items() if n >= total * 0.03 and own[f] < total * least]
    print("\nand by what they call:")
    for n, (part, name) in sorted(shown, reverse=True):
        print(f"  {own[part, name]:8} {'':7} {n:8}  {part:8} {name}")
