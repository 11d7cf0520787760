# SPDX-License-Identifier: ISC
"""What the guest finds: the base image, added files, and boot/run."""

import errno
import os
import posixpath
import stat
import struct
import time

import mkarchive

from . import ExoError, terminal

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MACHINES = {3: "i386", 8: "MIPS", 20: "PowerPC", 21: "PowerPC", 22: "S/390", 40: "ARM", 183: "AArch64",
            243: "RISC-V", 258: "LoongArch"}
KERNEL_MEMORY = 24 << 20		# beside the archive: kernel, tables, a first program


def same_output():
    """Whether standard error is the same file as standard output: their order must be kept then."""
    return os.path.samestat(os.fstat(1), os.fstat(2))


class Guest:
    def __init__(self, root, options, tty):
        self.options = options
        self.tty = tty			# which descriptors are the terminal: "", "01" or "012"
        self.cwd = "/" + mkarchive.clean(options.workdir)
        try:
            self.archive = mkarchive.Archive(f"{root}/build/base.exoar")
            if self.cwd != "/" and self.archive.mode(self.cwd) is None:
                self.archive.add_dir(self.cwd)
            for spec in options.add:
                self.add(spec)
            self.argv, self.exec = self.program(list(options.program))
            if options.libos is not None:
                self.check_program(options.libos)
                self.archive.add_file("boot/libos", options.libos)
            self.archive.add_bytes("boot/run", self.run_file(), 0o600)
            if self.archive.bytes() + KERNEL_MEMORY > options.memory:
                need = (self.archive.bytes() + KERNEL_MEMORY + (1 << 20) - 1) >> 20
                raise ExoError(f"too little memory: at least --memory {need}M is needed here")
        except mkarchive.ArchiveError as problem:
            raise ExoError(str(problem)) from None
        except OSError as problem:
            raise ExoError(f"{problem.filename}: {problem.strerror}") from None

    def add(self, spec):
        host, colon, guest = spec.partition(":")
        if not host or (colon and not guest):
            raise ExoError(f"--add: HOST[:GUEST] wanted, not '{spec}'")
        if not os.path.exists(host):
            raise ExoError(f"--add: {host}: no such file or directory")
        if not guest:
            guest = os.path.basename(os.path.abspath(host))
        elif guest.endswith("/"):
            guest += os.path.basename(os.path.abspath(host))
        self.archive.add(host, posixpath.join(self.cwd, guest))

    def program(self, argv):
        """(argv, path for exec or None)"""
        if not argv:
            return (["-sh"] if self.tty else ["sh"]), "/bin/sh"
        name = argv[0]
        if not name:
            raise ExoError("PROGRAM is the empty string", 127)
        if not name.startswith(("./", "../")):
            return argv, None
        self.check_program(name)
        place = os.path.normpath(name)
        while place.startswith("../"):
            place = place[3:]
        argv[0] = "./" + place
        self.archive.add_file(posixpath.join(self.cwd, place), name)
        return argv, None

    def check_program(self, name):
        """The plain reasons why it cannot run, told before the guest starts."""
        try:
            with open(name, "rb") as f:
                info = os.fstat(f.fileno())
                if stat.S_ISDIR(info.st_mode):
                    raise IsADirectoryError
                head = f.read(4096)
        except (FileNotFoundError, NotADirectoryError):
            raise ExoError(f"{name}: no such file", 127) from None
        except IsADirectoryError:
            raise ExoError(f"{name}: is a directory", 126) from None
        except OSError as problem:
            raise ExoError(f"{name}: {problem.strerror}", 126) from None
        if not info.st_mode & 0o111:
            raise ExoError(f"{name}: not executable (chmod +x)", 126)
        if head[:2] == b"#!":
            return
        if head[:4] != b"\x7fELF" or len(head) < 64:
            raise ExoError(f"{name}: neither an ELF program nor a script that begins with #!", 126)
        self.check_elf(name, head)

    def check_elf(self, name, head):
        kind, machine = struct.unpack_from("<HH", head, 16)
        if head[4] != 2 or head[5] != 1 or machine != 62:
            other = MACHINES.get(machine, f"machine {machine}")
            raise ExoError(f"{name}: a program for {other}, not for x86-64", 126)
        if kind not in (2, 3):
            raise ExoError(f"{name}: an ELF file, but no program", 126)
        at, = struct.unpack_from("<Q", head, 32)
        size, count = struct.unpack_from("<HH", head, 54)
        for number in range(count):
            if at + (number + 1) * size > len(head) or size < 56:
                break
            if struct.unpack_from("<I", head, at + number * size)[0] == 3:	# PT_INTERP
                begin, = struct.unpack_from("<Q", head, at + number * size + 8)
                self.check_interpreter(name, head[begin:].partition(b"\0")[0].decode(errors="replace"))

    def check_interpreter(self, name, interpreter):
        if self.archive.mode(interpreter) is None:
            raise ExoError(f"{name}: dynamically linked, and its loader {interpreter} is not in the guest"
                           " (link it statically, or --add the loader and the libraries)", 126)

    def environment(self):
        values = {"PATH": PATH, "HOME": "/root", "USER": "root", "SHELL": "/bin/sh"}
        if self.tty:
            values["TERM"] = os.environ.get("TERM", "linux")
        for spec in self.options.env:
            name, equals, value = spec.partition("=")
            if equals:
                values[name] = value
            elif name in os.environ:
                values[name] = os.environ[name]
        return values

    def run_file(self):
        """Records key=value NUL: docs/console.md."""
        options = self.options
        records = [("version", "1"), ("cwd", self.cwd), ("clock", str(time.time_ns()))]
        records += [("arg", word) for word in self.argv]
        records += [("env", f"{name}={value}") for name, value in self.environment().items()]
        if self.exec:
            records.append(("exec", self.exec))
        if options.libos is not None:
            records.append(("libos", "/boot/libos"))
        if self.tty:
            rows, columns = terminal.size()
            records += [("tty", self.tty), ("rows", str(rows)), ("cols", str(columns))]
        if same_output():
            records.append(("joined", "1"))
        if options.trace is not None:
            records.append(("trace", options.trace))
        if options.ktrace is not None:
            records.append(("ktrace", "1"))
        if options.stats:
            records.append(("stats", "1"))
        if options.no_rewrite:
            records.append(("rewrite", "0"))
        if options.kill_server is not None:
            names = ("crash-every", "crash-stride", "crash-op", "crash-fault", "crash-again")
            records += [(n, str(v)) for n, v in zip(names, options.kill_server)]
        if options.scatter:
            records.append(("scatter", "1"))
        if options.verbose:
            records.append(("verbose", "1"))
        for spec in options.get:
            records.append(("get", posixpath.join(self.cwd, spec.partition(":")[0])))
        for _, value in records:
            if "\0" in value:
                raise ExoError("an argument contains a NUL byte")
        return b"".join(os.fsencode(f"{key}={value}") + b"\0" for key, value in records)

    def image(self):
        """The archive in memory: an inheritable descriptor."""
        fd = os.memfd_create("archive", 0)
        try:
            self.archive.write(fd)
        except (mkarchive.ArchiveError, OSError) as problem:
            raise ExoError(str(problem)) from None
        return fd

    def not_run(self, error):
        """Why 126."""
        name = self.options.program[0] if self.options.program else "/bin/sh"
        if error == errno.ENOENT:	# the program itself would be status 127
            return f"{name}: the interpreter that it names is not in the guest (--add it)"
        mode = self.archive.mode(posixpath.join(self.cwd, name))
        if mode is not None and stat.S_ISDIR(mode):
            return f"{name}: is a directory"
        return f"{name}: {os.strerror(error)}"

    def not_found(self):
        """Why 127: one line, with the way out when there is one."""
        name = self.options.program[0]
        where = f"{name}: not found in the guest" + ("" if "/" in name else "'s PATH")
        host = name if "/" in name else None
        if host is None:
            for directory in os.environ.get("PATH", PATH).split(":"):
                if directory and os.access(f"{directory}/{name}", os.X_OK):
                    host = f"{directory}/{name}"
                    break
        if host and os.path.isfile(host):
            way = f"--add {host}:{host}" if host.startswith("/") else f"./{host}"
            return f"{where}; the host has it: {way}"
        return where
