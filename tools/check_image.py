#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""check_image.py ELF: does the library image keep its promises?

Two segments; relocations of one type only, all in the data; nothing undefined.
"""

import struct
import sys

R_RELATIVE = 8
DATA = 0x210000


def main(path):
    with open(path, "rb") as f:
        image = f.read()
    if image[:4] != b"\x7fELF":
        sys.exit(f"{path}: not an ELF file")
    phoff, = struct.unpack_from("<Q", image, 32)
    phnum, = struct.unpack_from("<H", image, 56)
    loads = []
    for n in range(phnum):
        kind, flags, offset, va, _, filesz, memsz, _ = struct.unpack_from("<IIQQQQQQ", image, phoff + 56 * n)
        if kind == 1:
            loads.append((flags, offset, va, filesz, memsz))
    if [l[2] for l in loads] != [0, DATA] or loads[0][1] % 4096 or loads[0][0] & 2:
        sys.exit(f"{path}: segments are not text at 0 and data at {DATA:#x}")
    text, data = loads
    base = text[1]
    magic, = struct.unpack_from("<Q", image, base)
    rela, count = struct.unpack_from("<QQ", image, base + 40)
    if magic != 0x31474d49534f5845:
        sys.exit(f"{path}: no header at its first byte")
    for n in range(count):
        offset, info, addend = struct.unpack_from("<QQq", image, base + rela + 24 * n)
        if info != R_RELATIVE:
            sys.exit(f"{path}: relocation type {info & 0xffffffff} at {offset:#x} (undefined symbol {info >> 32}?)")
        if not DATA <= offset <= DATA + data[3] - 8:
            sys.exit(f"{path}: relocation at {offset:#x}, outside the data")
        if not 0 <= addend < DATA + data[4]:
            sys.exit(f"{path}: relocation to {addend:#x}, outside the image")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
