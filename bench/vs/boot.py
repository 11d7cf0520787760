# SPDX-License-Identifier: ISC
"""Starting: until a program's first output, memory in use then, and how big what starts is."""

import os
import re
import struct
import tempfile
import time

import exos
import linux
import mkarchive
import qemu

JOB = b"echo @shell\ncat /proc/meminfo\necho @end\n"
OPS = (
    ("boot-user", "QEMU's start to the first user instruction's output (native: to its end)", "ns"),
    ("boot-output", "QEMU's start to a shell's first output", "ns"),
    ("memory", "KiB of 256 MiB in use then", "KiB"),
    ("image", "KiB of kernel (ExOS: with library and server; Linux: compressed, without modules)", "KiB"),
)


def loaded(path):
    """Bytes of an ELF file that are loaded: without symbols."""
    with open(path, "rb") as f:
        data = f.read()
    at, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    return sum(struct.unpack_from("<Q", data, at + n * size + 32)[0] for n in range(count)
               if struct.unpack_from("<I", data, at + n * size)[0] == 1)


def in_use(said, memory_kib):
    """All that the machine has and no program can get at once."""
    free = re.search(r"^MemFree: +(\d+) kB", said, re.M)
    return memory_kib - int(free[1]) if free else None


class Boot:
    def __init__(self, root, image, options, scratch):
        self.root, self.image, self.options = root, image, options
        self.job = os.path.join(scratch, "boot.job")
        with open(self.job, "wb") as f:
            f.write(JOB)
        self.archive = os.path.join(scratch, "boot.cpio")
        linux.initramfs(root, self.archive, {"bench/job": self.job})
        self.memory = {}

    def on_linux(self, plain=False):
        """{op: [figure]}"""
        said, marks = linux.run(linux.command(self.image, self.archive, self.options, plain), 60, ("@up", "@shell"))
        self.memory["linux"] = in_use(said, 256 << 10)
        return {"boot-user": [marks.get("@up", 0) * 1e9], "boot-output": [marks.get("@shell", 0) * 1e9]}

    def on_exos(self):
        found = {}
        for op, words, mark in (("boot-user", ["echo", "@up"], "@up"), ("boot-output", ["sh", "/bench/job"], "@shell")):
            argv = exos.command(self.root, {"bench/job": self.job}, self.options, program=words)
            said, marks = linux.run(argv, 60, (mark,))
            found[op] = [marks.get(mark, 0) * 1e9]
        self.memory["exos"] = in_use(said, 256 << 10)
        return found

    def on_nothing(self):
        """{op: ns} of a native program that only ends: from start to QEMU's end."""
        archive = mkarchive.Archive()
        archive.add_file("boot/init", f"{self.root}/build/bench/off.elf", 0o755)
        with tempfile.TemporaryDirectory() as scratch:
            with open(f"{scratch}/off", "wb") as f:
                archive.write(f.fileno())
            begin = time.monotonic()
            linux.run(qemu.command(f"{self.root}/build/aegis.elf", f"{scratch}/off", machine="q35", accel=self.options.accel), 60)
            return {"boot-user": (time.monotonic() - begin) * 1e9}

    def sizes(self):
        ours = sum(loaded(f"{self.root}/build/{name}.elf") for name in ("aegis", "exos", "init"))
        return {"linux": {"memory": self.memory.get("linux"), "image": os.path.getsize(self.image) >> 10},
                "exos": {"memory": self.memory.get("exos"), "image": ours >> 10},
                "native": {"image": loaded(f"{self.root}/build/aegis.elf") >> 10}}
