# SPDX-License-Identifier: ISC
"""Functions and variables of the library and the server in the order in which their linker scripts had better place them.

What most rows use comes first, then what each row adds, in the order of the rows: each page that a row
does not touch is one that nobody looks for after a change of address space.
"""

import bisect
import collections
import subprocess

import attribute

LIBRARY_DATA = (0x210000, 0x300000)		# of the library's image, from its base
SERVER_DATA = (0x400000, 0x1000000)
SMALL = {"library": 4096, "server": 256}	# what is larger has pages of its own anyway
HEAD = """\
/* SPDX-License-Identifier: ISC */
/* Made by bench/run.py --order: {what} of the {part} that measured calls use, those together that are used together. */
"""


class Variables:
    def __init__(self, path, small):
        self.small = small
        listed = subprocess.run(["nm", "-n", "-S", path], check=True, capture_output=True, text=True).stdout
        rows = [line.split() for line in listed.splitlines()]
        self.rows = [(int(r[0], 16), int(r[1], 16), r[3]) for r in rows if len(r) == 4 and r[2] in "bBdD"]
        self.starts = [start for start, _, _ in self.rows]

    def name(self, offset):
        at = bisect.bisect_right(self.starts, offset) - 1
        if at < 0 or offset >= self.rows[at][0] + self.rows[at][1] or self.rows[at][1] > self.small:
            return None
        return self.rows[at][2]


def used(record, images, variables):
    """{part: (names of functions, names of variables)}, of the library and the server in this record."""
    functions = {"library": {}, "server": {}}
    data = {"library": {}, "server": {}}
    base = 0
    for which in dict.fromkeys(record.executed):
        part, name, _ = attribute.find(images, *record.known[which])
        if part in functions:
            functions[part][name] = True
        if part == "library":
            base = record.known[which][0] & ~attribute.IMAGE_MASK
    for address, _ in record.accesses:
        for part, origin, (begin, end) in (("library", base, LIBRARY_DATA), ("server", 0, SERVER_DATA)):
            if not begin <= address - origin < end:
                continue
            # words of eight bytes: what begins inside of one was meant, too
            for offset in range(address - origin, address - origin + 8):
                name = variables[part].name(offset)
                if name:
                    data[part][name] = True
    return {part: (list(functions[part]), list(data[part])) for part in functions}


def ordered(lists):
    """[[name]] of rows, those first that matter most -> names: what most rows use, then what each one adds."""
    rows = collections.Counter(name for names in lists for name in names)
    common = [name for name, count in rows.most_common() if count * 2 >= len(lists)]
    return list(dict.fromkeys([*common, *(name for names in lists for name in names)]))


def write(path, part, what, names, sections):
    with open(path, "w") as f:
        f.write(HEAD.format(part=part, what=what))
        f.writelines("*(" + " ".join(section.format(name) for section in sections) + ")\n" for name in names)


def write_all(folder, lists):
    """lists: what `used` gave for each row."""
    for part, prefix in (("library", ""), ("server", "server_")):
        write(f"{folder}/{prefix}text.ld", part, "functions", ordered([row[part][0] for row in lists]), [".text.{}"])
        # Zeroes, too, so that all lie in the same pages: a few KiB more to be copied at an exec.
        write(f"{folder}/{prefix}data.ld", part, "variables", ordered([row[part][1] for row in lists]),
              [".data.{}", ".data.*.{}", ".bss.{}"])
