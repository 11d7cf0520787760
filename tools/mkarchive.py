#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Boot archives (include/exo/archive.h): a flat table of files with page-aligned contents.

  mkarchive.py OUT [--base ARCHIVE] [SPEC]...
  mkarchive.py --list ARCHIVE
  mkarchive.py --extract ARCHIVE NAME        contents to standard output

SPECs, in order; a later one replaces what is there under that name:

  HOST:GUEST             a host file, or a host directory with all that is in it
  dir:GUEST:MODE[:UID]   a directory, e.g. dir:tmp:1777; of that user and the group of that number
  link:GUEST:TARGET      a symbolic link
  text:GUEST:TEXT        a small file; backslash escapes are understood
  @FILE                  more of the above, one a line; # begins a comment

An archive with a base costs what copying the base's contents inside the host's
kernel costs: the base's tables are taken over as they are and its data is one
block that only moves.  `exo run` makes one at each start.
"""

import errno
import os
import stat
import sys
from struct import Struct

MAGIC = 0x3152414f5845
PAGE = 4096
HEADER = Struct("<QQIIII")			# struct exo_archive
ENTRY = Struct("<IIIIIIQQQQQ")			# struct exo_archive_entry
NAME, NAME_BYTES, MODE, UID, GID, LINK, MTIME, DATA, BYTES = range(9)


class ArchiveError(Exception):
    pass


def page_up(n):
    return (n + PAGE - 1) & -PAGE


def clean(name):
    """The archive's form of a guest path: no leading slash, no . or .. parts."""
    parts = []
    for part in name.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


class Archive:
    def __init__(self, base=None):
        """base: path or descriptor of an archive to begin with."""
        self.entries = []			# lists as in ENTRY; DATA is still relative
        self.strings = bytearray()
        self.index = {}				# name -> entry number, of what was added here
        self.inodes = {}			# (device, inode) -> entry number: hard links
        self.sources = []			# (offset in the data area, path, descriptor or bytes, length)
        self.data_bytes = 0
        self.base_fd = None
        self.base_count = 0
        if base is not None:
            self._open_base(base)

    # ---- the base: tables as they are, data as one block ----

    def _open_base(self, base):
        self.base_fd = fd = base if isinstance(base, int) else os.open(base, os.O_RDONLY | os.O_CLOEXEC)
        head = os.pread(fd, HEADER.size, 0)
        if len(head) < HEADER.size:
            raise ArchiveError("base archive too short")
        magic, total, count, names, names_bytes, _ = HEADER.unpack(head)
        if magic != MAGIC or total != os.fstat(fd).st_size:
            raise ArchiveError("base is no boot archive")
        if names < HEADER.size + count * ENTRY.size or names + names_bytes > total:
            raise ArchiveError("the base archive's tables lie outside it")
        table = os.pread(fd, names + names_bytes - HEADER.size, HEADER.size)
        self.base_count = count
        self.entries = [list(e) for e in ENTRY.iter_unpack(table[:count * ENTRY.size])]
        self.strings = bytearray(table[names - HEADER.size:])
        begin = page_up(names + names_bytes)
        for entry in self.entries:
            if stat.S_ISREG(entry[MODE]) and entry[BYTES]:
                entry[DATA] -= begin
                if entry[DATA] < 0 or entry[DATA] + entry[BYTES] > total - begin:
                    raise ArchiveError("contents in the base archive lie outside it")
        self.data_bytes = total - begin
        self.sources.append((0, (fd, begin), self.data_bytes))

    def _find(self, name):
        """Entry number of a name, or None.  The base is searched, not indexed: few names are asked for."""
        number = self.index.get(name)
        if number is not None or not self.base_count:
            return number
        wanted = name.encode() + b"\0"
        at = self.strings.find(wanted)
        while at >= 0:
            if at == 0 or self.strings[at - 1] == 0:
                for number in range(self.base_count):
                    if self.entries[number][NAME] == at:
                        self.index[name] = number
                        return number
            at = self.strings.find(wanted, at + 1)
        return None

    def mode(self, name):
        """st_mode of a name (links are not followed), or None."""
        number = self._find(clean(name))
        return None if number is None else self.entries[number][MODE]

    # ---- adding ----

    def _string(self, text):
        at = len(self.strings)
        self.strings += os.fsencode(text) + b"\0"
        return at

    def _entry(self, name, mode, mtime_ns, link=0):
        if not name:
            raise ArchiveError("the root directory needs no entry")
        number = self._find(name)
        if number is None:
            parent = name.rpartition("/")[0]
            if parent and self._find(parent) is None:
                self._entry(parent, stat.S_IFDIR | 0o755, mtime_ns)
            number = len(self.entries)
            self.entries.append([self._string(name), len(os.fsencode(name)), 0, 0, 0, 0, 0, 0, 0, 0, 0])
            self.index[name] = number
        entry = self.entries[number]
        if entry[MODE] and stat.S_ISDIR(entry[MODE]) != stat.S_ISDIR(mode):
            raise ArchiveError(f"/{name}: a directory and something else under one name")
        entry[MODE:] = [mode, 0, 0, link, mtime_ns, 0, 0, 0, 0]
        return number

    def _contents(self, number, source, size):
        entry = self.entries[number]
        entry[BYTES] = size
        if size:
            entry[DATA] = self.data_bytes
            self.sources.append((self.data_bytes, source, size))
            self.data_bytes += page_up(size)

    def add_dir(self, name, mode=0o755, mtime_ns=0, owner=0):
        entry = self.entries[self._entry(clean(name), stat.S_IFDIR | mode, mtime_ns)]
        entry[UID] = entry[GID] = owner

    def add_link(self, name, target, mtime_ns=0):
        self._entry(clean(name), stat.S_IFLNK | 0o777, mtime_ns, self._string(target))

    def add_bytes(self, name, data, mode=0o644, mtime_ns=0):
        self._contents(self._entry(clean(name), stat.S_IFREG | mode, mtime_ns), bytes(data), len(data))

    def add_file(self, name, host, mode=None):
        """A host file; symbolic links to it are followed."""
        info = os.stat(host)
        if not stat.S_ISREG(info.st_mode):
            raise ArchiveError(f"{host}: not a regular file")
        self._add_regular(clean(name), host, info, mode)

    def _add_regular(self, name, host, info, mode=None):
        identity = (info.st_dev, info.st_ino)
        first = self.inodes.get(identity) if info.st_nlink > 1 else None
        permissions = stat.S_IFREG | (stat.S_IMODE(info.st_mode) if mode is None else mode)
        if first is not None and self._find(name) != first:
            self._entry(name, permissions, info.st_mtime_ns, first + 1)
            return
        number = self._entry(name, permissions, info.st_mtime_ns)
        self._contents(number, host, info.st_size)
        self.inodes[identity] = number

    def add(self, host, name):
        """A host file or directory, with modes and links; the name is what the guest sees."""
        name = clean(name)
        if not os.path.isdir(host):
            self.add_file(name, host)
            return
        if name:
            info = os.stat(host)
            self._entry(name, stat.S_IFDIR | stat.S_IMODE(info.st_mode), info.st_mtime_ns)
        pending = [(host, name)]
        while pending:
            directory, prefix = pending.pop()
            with os.scandir(directory) as found:
                for item in sorted(found, key=lambda i: i.name):
                    self._add_item(item, f"{prefix}/{item.name}" if prefix else item.name, pending)

    def _add_item(self, item, name, pending):
        info = item.stat(follow_symlinks=False)
        kind = stat.S_IFMT(info.st_mode)
        if kind == stat.S_IFDIR:
            self._entry(name, info.st_mode, info.st_mtime_ns)
            pending.append((item.path, name))
        elif kind == stat.S_IFLNK:
            self._entry(name, info.st_mode, info.st_mtime_ns, self._string(os.readlink(item.path)))
        elif kind == stat.S_IFREG:
            self._add_regular(name, item.path, info)
        elif kind in (stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO):
            self.entries[self._entry(name, info.st_mode, info.st_mtime_ns)][BYTES] = info.st_rdev
        # A socket is nothing without the process behind it: left out.

    def add_spec(self, spec):
        if spec.startswith("@"):
            with open(spec[1:]) as f:
                for line in f:
                    line = line.partition("#")[0].strip()
                    if line:
                        self.add_spec(line)
            return
        kind, _, rest = spec.partition(":")
        name, _, value = rest.partition(":")
        if not rest:
            raise ArchiveError(f"{spec}: HOST:GUEST wanted")
        if kind == "dir":
            mode, _, owner = value.partition(":")
            self.add_dir(name, int(mode, 8) if mode else 0o755, owner=int(owner or 0))
        elif kind == "link":
            self.add_link(name, value)
        elif kind == "text":
            self.add_bytes(name, value.encode("latin-1", "backslashreplace").decode("unicode_escape").encode())
        else:
            self.add(kind, rest)

    # ---- writing ----

    def bytes(self):
        names = HEADER.size + len(self.entries) * ENTRY.size
        return page_up(names + len(self.strings)) + self.data_bytes

    def write(self, fd):
        """To an empty regular file or memfd."""
        names = HEADER.size + len(self.entries) * ENTRY.size
        begin = page_up(names + len(self.strings))
        total = begin + self.data_bytes
        if names + len(self.strings) > 0xffffffff:
            raise ArchiveError("too many names")
        table = bytearray(HEADER.pack(MAGIC, total, len(self.entries), names, len(self.strings), 0))
        for entry in self.entries:
            if entry[BYTES] and stat.S_ISREG(entry[MODE]):
                entry = entry[:DATA] + [entry[DATA] + begin] + entry[BYTES:]
            table += ENTRY.pack(*entry)
        os.truncate(fd, total)
        os.pwrite(fd, table + self.strings, 0)
        for offset, source, size in self.sources:
            if isinstance(source, bytes):
                os.pwrite(fd, source, begin + offset)
            elif isinstance(source, tuple):
                copy(source[0], source[1], fd, begin + offset, size, "the base archive")
            else:
                copy_path(source, fd, begin + offset, size)


def copy_path(path, out, at, size):
    source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        copy(source, 0, out, at, size, path)
    finally:
        os.close(source)


def copy(source, begin, out, at, size, what):
    """Inside the host's kernel; the file may not shrink meanwhile."""
    os.lseek(out, at, os.SEEK_SET)
    end = begin + size
    while begin < end:
        try:
            done = os.sendfile(out, source, begin, end - begin)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.ENOSYS):
                raise
            done = os.write(out, os.pread(source, min(end - begin, 1 << 20), begin))
        if done == 0:
            raise ArchiveError(f"{what}: became shorter while it was read")
        begin += done


def make(path, specs, base=None):
    """An archive file from specs, in one step: it is there whole or not at all."""
    archive = Archive(base)
    for spec in specs:
        archive.add_spec(spec)
    temporary = f"{path}.{os.getpid()}"
    fd = os.open(temporary, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    try:
        archive.write(fd)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    finally:
        os.close(fd)


# ---- reading -------------------------------------------------------------------------------------

def read(path):
    """[(name, mode, link target or '', contents)]: for tests and --list."""
    with open(path, "rb") as f:
        image = f.read()
    if len(image) < HEADER.size:
        raise ArchiveError(f"{path}: too short")
    magic, total, count, names, names_bytes, _ = HEADER.unpack_from(image)
    if magic != MAGIC or total != len(image):
        raise ArchiveError(f"{path}: no boot archive")
    if names < HEADER.size + count * ENTRY.size or names + names_bytes > total:
        raise ArchiveError(f"{path}: tables outside it")

    def text(at):
        end = image.find(b"\0", names + at, names + names_bytes)
        if end < 0:
            raise ArchiveError(f"{path}: a name that does not end")
        return os.fsdecode(image[names + at:end])

    found = []
    for number in range(count):
        entry = ENTRY.unpack_from(image, HEADER.size + number * ENTRY.size)
        data, target = b"", ""
        if stat.S_ISLNK(entry[MODE]):
            target = text(entry[LINK])
        elif stat.S_ISREG(entry[MODE]) and entry[LINK]:
            if entry[LINK] > number:
                raise ArchiveError(f"{path}: a hard link to what comes later")
            target, data = "/" + found[entry[LINK] - 1][0], found[entry[LINK] - 1][3]
        elif stat.S_ISREG(entry[MODE]):
            if entry[DATA] + entry[BYTES] > total:
                raise ArchiveError(f"{path}: contents outside it")
            data = image[entry[DATA]:entry[DATA] + entry[BYTES]]
        found.append((text(entry[NAME]), entry[MODE], target, data))
    return found


def main(argv):
    if len(argv) == 2 and argv[0] == "--list":
        for name, mode, target, data in read(argv[1]):
            print(stat.filemode(mode), f"{len(data):9}", name, "-> " + target if target else "")
    elif len(argv) == 3 and argv[0] == "--extract":
        wanted = [data for name, _, _, data in read(argv[1]) if name == clean(argv[2])]
        if not wanted:
            raise ArchiveError(f"{argv[2]}: not in the archive")
        sys.stdout.buffer.write(wanted[0])
    elif argv and not argv[0].startswith("-"):
        base = None
        if argv[1:2] == ["--base"]:
            base, argv = argv[2], argv[:1] + argv[3:]
        make(argv[0], argv[1:], base)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (ArchiveError, OSError, ValueError, IndexError) as problem:
        sys.exit(f"mkarchive: {problem}")
