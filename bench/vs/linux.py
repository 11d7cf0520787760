# SPDX-License-Identifier: ISC
"""The Linux guest: the distribution's own cloud kernel and an initramfs of ours."""

import glob
import os
import shutil
import stat
import subprocess
import threading
import time

import debian

PACKAGE = "linux-image-cloud-amd64"
Q35 = "q35,smm=off,vmport=off,hpet=off,sata=off,usb=off,graphics=off"
APPEND = "console=ttyS0 quiet loglevel=0 tsc=reliable clocksource=tsc panic=-1"
CPU_FAIR = "max,-erms,-pku"		# what the emulator does badly is off, as for Aegis
CPU_PLAIN = "max"


class NoLinux(Exception):
    pass


def kernel(root, chosen=None):
    """The path of a bzImage: that one, one that is installed, or the package's, fetched into build/."""
    for path in [chosen] if chosen else sorted(glob.glob("/boot/vmlinuz-*-cloud-amd64"))[-1:]:
        if not os.access(path, os.R_OK):
            raise NoLinux(f"{path}: cannot be read")
        return path
    try:
        found = glob.glob(f"{debian.unpacked(debian.depends(PACKAGE))}/boot/vmlinuz-*")
    except (OSError, subprocess.CalledProcessError, IndexError):
        found = []
    if not found:
        raise NoLinux(f"Debian's package {PACKAGE} is neither installed nor can apt-get fetch it: install it, or give --linux KERNEL")
    return found[0]


class Initramfs:
    """A cpio archive of the form that the kernel reads ("newc")."""

    def __init__(self, path):
        self.out = open(path, "wb")		# noqa: SIM115
        self.number = 0
        self.seen = {""}

    def entry(self, name, mode, data=b"", size=None, device=(0, 0)):
        self.parents(name)
        self.number += 1
        size = len(data) if size is None else size
        word = name.encode() + b"\0"
        fields = (self.number, mode, 0, 0, 1, 0, size, 0, 0, *device, len(word), 0)
        self.out.write(b"070701" + b"".join(b"%08x" % n for n in fields) + word)
        self.pad()
        if isinstance(data, bytes):
            self.out.write(data)
        else:
            shutil.copyfileobj(data, self.out)
        self.pad()

    def pad(self):
        self.out.write(b"\0" * (-self.out.tell() % 4))

    def parents(self, name):
        parent = os.path.dirname(name)
        if parent not in self.seen:
            self.seen.add(parent)
            self.entry(parent, stat.S_IFDIR | 0o755)

    def file(self, name, host):
        with open(host, "rb") as f:
            info = os.fstat(f.fileno())
            self.entry(name, stat.S_IFREG | 0o755, f, info.st_size)

    def close(self):
        self.entry("TRAILER!!!", 0)
        self.out.close()


def initramfs(root, path, files):
    """busybox with all its names, and those files: {path in the guest: path on the host}."""
    archive = Initramfs(path)
    for name in ("dev", "root", "etc"):
        archive.entry(name, stat.S_IFDIR | 0o755)
        archive.seen.add(name)
    archive.entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    archive.file("init", f"{root}/build/bench/init")
    archive.file("bin/busybox", next(p for p in ("/bin/busybox", "/usr/bin/busybox") if os.path.exists(p)))
    with open(f"{root}/build/applets.spec") as f:
        for line in f:
            _, name, target = line.strip().split(":")
            archive.entry(name, stat.S_IFLNK | 0o777, target.encode())
    archive.entry("etc/passwd", stat.S_IFREG | 0o644, b"root:x:0:0:root:/root:/bin/sh\n")
    for name, host in files.items():
        archive.file(name, host)
    archive.close()


def command(image, archive, options, plain=False, icount=False):
    """What differs from Aegis's machine: the BIOS's serial port for a console, as Linux has no other built in."""
    accel = "kvm" if options.accel == "kvm" else "tcg,thread=" + ("single" if icount or options.cpus == 1 else "multi")
    cpu = "host" if options.accel == "kvm" else CPU_PLAIN if plain else CPU_FAIR
    argv = ["qemu-system-x86_64", "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-M", Q35,
            "-bios", "qboot.rom", "-accel", accel, "-cpu", cpu, "-smp", str(options.cpus), "-m", options.memory,
            "-kernel", image, "-initrd", archive, "-append", APPEND + ("" if plain else " mitigations=off"),
            "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-chardev", "stdio,id=c,signal=off", "-serial", "chardev:c"]
    return argv + (["-icount", "shift=0,sleep=off"] if icount else [])


def run(argv, timeout, marks=()):
    """(what it said, {mark: seconds until it was there})"""
    begin = time.monotonic()
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as guest:
        late = threading.Timer(timeout, guest.kill)
        late.start()
        said, found = bytearray(), {}
        while data := os.read(guest.stdout.fileno(), 65536):
            said += data
            for mark in marks:
                if mark not in found and mark.encode() in said:
                    found[mark] = time.monotonic() - begin
        late.cancel()
    return said.decode(errors="replace"), found
