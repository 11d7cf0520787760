# SPDX-License-Identifier: ISC
"""--get: files that come back from the guest.

The guest is not trusted: a name may not leave the place that the user gave,
neither by .. nor through a symbolic link sent before, and no set-id bit comes
back.
"""

import os
import stat
import struct

from . import ExoError, control, say


class Fetch:
    def __init__(self, wanted):
        """wanted: the --get options."""
        self.guest, self.host = [], []
        for spec in wanted:
            guest, _, host = spec.partition(":")
            if not guest:
                raise ExoError(f"--get: GUEST[:HOST] wanted, not '{spec}'")
            base = os.path.basename(guest.rstrip("/")) or "root"
            host = host or base
            self.guest.append(guest)
            self.host.append(os.path.join(host, base) if os.path.isdir(host) else host)
        self.directories = set()		# made here: what may have something below it
        self.file = None			# (descriptor, path, bytes still to come, mode, mtime)
        self.seen = set()
        self.index = None			# what the messages are about now
        self.given_up = set()			# the host cannot take these: one line is enough
        self.refused = False			# the present file: its data goes nowhere
        self.failed = False

    def message(self, kind, body):
        try:
            if kind == control.FILE:
                self.index, = struct.unpack_from("<I", body)
                self.refused = self.index in self.given_up
            if kind != control.NOFILE and self.refused:
                return
            if kind == control.FILE:
                self.begin(body)
            elif kind == control.DATA:
                self.data(body)
            elif kind == control.NOFILE:
                index, error = control.NOFILE_BODY.unpack_from(body)
                self.seen.add(index)
                self.fail(f"--get {self.guest[index]}: {os.strerror(error)}")
        except OSError as problem:
            self.given_up.add(self.index)
            self.refuse(f"{problem.filename or self.host[self.index]}: {problem.strerror}")
        except (ValueError, IndexError, struct.error) as problem:
            self.refuse(problem)

    def refuse(self, why):
        self.refused = True
        self.close()
        self.fail(f"--get: {why}")

    def fail(self, text):
        self.failed = True
        say(text)

    def begin(self, body):
        if self.file:
            raise ValueError(f"{self.file[1]}: cut short")
        index, mode, size, mtime_ns = control.FILE_BODY.unpack_from(body)
        name, target = body[control.FILE_BODY.size:].split(b"\0")[:2]
        self.seen.add(index)
        path = self.place(index, os.fsdecode(name))
        if stat.S_ISDIR(mode):
            if not os.path.isdir(path) or os.path.islink(path):
                os.mkdir(path)
            self.directories.add(path)
            return
        if os.path.lexists(path):
            os.unlink(path)
        if stat.S_ISLNK(mode):
            os.symlink(os.fsdecode(target), path)
        elif stat.S_ISREG(mode):
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            self.file = [fd, path, size, mode & 0o777, mtime_ns]
            if size == 0:
                self.close()
        else:
            raise ValueError(f"{path}: of a kind that is not copied")

    def place(self, index, name):
        if not name:
            return self.host[index]
        parts = name.split("/")
        if "" in parts or "." in parts or ".." in parts:
            raise ValueError(f"bad name from the guest: {name!r}")
        path = os.path.join(self.host[index], name)
        if os.path.dirname(path) not in self.directories:
            raise ValueError(f"bad name from the guest: {name!r}")
        return path

    def data(self, body):
        if not self.file:
            raise ValueError("data without a file")
        if len(body) > self.file[2]:
            raise ValueError(f"{self.file[1]}: longer than announced")
        os.write(self.file[0], body)
        self.file[2] -= len(body)
        if self.file[2] == 0:
            self.close()

    def close(self):
        if self.file:
            fd, _, _, mode, mtime_ns = self.file
            self.file = None
            os.fchmod(fd, mode)
            os.utime(fd, ns=(mtime_ns, mtime_ns))
            os.close(fd)

    def finish(self):
        """True: everything asked for is there."""
        if self.file:
            path = self.file[1]
            self.close()
            self.fail(f"--get: {path}: cut short")
        for index, guest in enumerate(self.guest):
            if index not in self.seen:
                self.fail(f"--get {guest}: the guest did not send it")
        return not self.failed
