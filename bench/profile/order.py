# SPDX-License-Identifier: ISC
"""Functions and variables of an image in the order in which its linker script had better place them.

What most rows use comes first, then what each row adds, in the order of the rows: each page that a row
does not touch is one that nobody looks for after a change of address space.
"""

import bisect
import collections
import subprocess

import attribute

DATA_AT, DATA_END = 0x210000, 0x300000		# of the library's image, from its base
SMALL = 4096					# what is larger has pages of its own anyway
HEAD = """\
/* SPDX-License-Identifier: ISC */
/* Made by bench/run.py --order: {what} of the library that measured calls use, those together that are used together. */
"""


class Variables:
    def __init__(self, path):
        listed = subprocess.run(["nm", "-n", "-S", path], check=True, capture_output=True, text=True).stdout
        rows = [line.split() for line in listed.splitlines()]
        self.rows = [(int(r[0], 16), int(r[1], 16), r[3]) for r in rows if len(r) == 4 and r[2] in "bBdD"]
        self.starts = [start for start, _, _ in self.rows]

    def name(self, offset):
        at = bisect.bisect_right(self.starts, offset) - 1
        if at < 0 or offset >= self.rows[at][0] + self.rows[at][1] or self.rows[at][1] > SMALL:
            return None
        return self.rows[at][2]


def used(record, images, variables):
    """The names of functions, and of variables, that the library used in this record."""
    functions, data, base = {}, {}, None
    for which in dict.fromkeys(record.executed):
        part, name, _ = attribute.find(images, *record.known[which])
        if part == "library":
            functions[name] = True
            base = record.known[which][0] & ~attribute.IMAGE_MASK
    for address, _ in record.accesses:
        if base is not None and DATA_AT <= address - base < DATA_END:
            # words of eight bytes: what begins inside of one was meant, too
            for offset in (address - base, address - base + 4):
                name = variables.name(offset)
                if name:
                    data[name] = True
    return list(functions), list(data)


def ordered(lists):
    """[[name]] of rows, those first that matter most -> names: what most rows use, then what each one adds."""
    rows = collections.Counter(name for names in lists for name in names)
    common = [name for name, count in rows.most_common() if count * 2 >= len(lists)]
    return list(dict.fromkeys([*common, *(name for names in lists for name in names)]))


def write(path, what, names, sections):
    with open(path, "w") as f:
        f.write(HEAD.format(what=what))
        f.writelines("*(" + " ".join(section.format(name) for section in sections) + ")\n" for name in names)


def write_all(folder, lists):
    """lists: what `used` gave for each row."""
    write(f"{folder}/text.ld", "functions", ordered([functions for functions, _ in lists]), [".text.{}"])
    # Zeroes, too, so that all lie in the same pages: a few KiB more to be copied at an exec.
    data = ordered([data for _, data in lists])
    write(f"{folder}/data.ld", "variables", data, [".data.{}", ".data.*.{}", ".bss.{}"])
