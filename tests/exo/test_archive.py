#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Boot archives: what goes in comes out, with and without a base.

Prints `ok NAME` or `FAIL NAME: why`, and last `N passed, N failed`.
"""

import os
import random
import shutil
import stat
import sys
import tempfile
import traceback

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)) + "/../../tools")
import mkarchive					# noqa: E402

work = tempfile.mkdtemp(prefix="archive-test-")


def write(archive, name):
    path = f"{work}/{name}"
    with open(path, "wb") as f:
        archive.write(f.fileno())
    return path


def contents(path):
    return {name: (mode, target, data) for name, mode, target, data in mkarchive.read(path)}


def make_base():
    archive = mkarchive.Archive()
    archive.add_spec("dir:tmp:1777")
    archive.add_bytes("bin/bash", b"B" * 5000, 0o755)
    archive.add_bytes("bin/sh", b"S" * 4096, 0o755)
    archive.add_link("bin/ash", "sh")
    archive.add_bytes("etc/empty", b"")
    return write(archive, "base")


def test_round_trip():
    found = contents(make_base())
    assert found["tmp"][0] == stat.S_IFDIR | 0o1777
    assert found["bin/bash"] == (stat.S_IFREG | 0o755, "", b"B" * 5000)
    assert found["bin/ash"][1] == "sh"
    assert found["etc/empty"][2] == b""


def test_damage():
    """Mutants of an archive are refused by ArchiveError, or read."""
    with open(make_base(), "rb") as f:
        good = f.read()
    draw, tables, refused = random.Random(1), 32 + 64 * 8 + 64, 0
    for _ in range(3000):
        image = bytearray(good)
        for _ in range(draw.randint(1, 3)):
            at = draw.randrange(tables) & ~3
            image[at:at + 4] = draw.choice((b"\xff\xff\xff\xff", bytes(4), image[(at * 7) % tables & ~3:][:4], draw.randbytes(4)))
        path = f"{work}/damaged"
        with open(path, "wb") as f:
            f.write(image[:draw.randrange(len(good))] if draw.random() < 0.05 else image)
        for use in (mkarchive.read, lambda p: write(mkarchive.Archive(p), "again")):
            try:
                use(path)
            except mkarchive.ArchiveError:
                refused += 1
    assert refused > 100


def test_layout():
    path = make_base()
    with open(path, "rb") as f:
        image = f.read()
    magic, total, count, names, names_bytes, _ = mkarchive.HEADER.unpack_from(image)
    assert total == len(image) and total % mkarchive.PAGE == 0
    seen = set()
    for number in range(count):
        entry = mkarchive.ENTRY.unpack_from(image, 32 + 64 * number)
        at, size = names + entry[mkarchive.NAME], entry[mkarchive.NAME_BYTES]
        name = image[at:at + size].decode()
        assert image[at + size] == 0
        parent = name.rpartition("/")[0]
        assert not parent or parent in seen, f"{name} before its directory"
        seen.add(name)
        if stat.S_ISREG(entry[mkarchive.MODE]):
            assert entry[mkarchive.DATA] % mkarchive.PAGE == 0
            assert entry[mkarchive.DATA] + entry[mkarchive.BYTES] <= total


def test_addition():
    archive = mkarchive.Archive(make_base())
    archive.add_bytes("sh", b"not bin/sh")		# a suffix of another name
    archive.add_bytes("a/b/c", b"deep")
    found = contents(write(archive, "more"))
    assert found["sh"][2] == b"not bin/sh" and found["bin/sh"][2] == b"S" * 4096
    assert found["a/b"][0] == stat.S_IFDIR | 0o755 and found["a/b/c"][2] == b"deep"


def test_replacement():
    archive = mkarchive.Archive(make_base())
    archive.add_bytes("bin/sh", b"new", 0o700)
    path = write(archive, "replaced")
    assert [e[0] for e in mkarchive.read(path)].count("bin/sh") == 1
    assert contents(path)["bin/sh"] == (stat.S_IFREG | 0o700, "", b"new")
    again = mkarchive.Archive(path)			# a base that itself had a base
    again.add_bytes("x", b"y" * 9000)
    found = contents(write(again, "again"))
    assert found["bin/sh"][2] == b"new" and found["bin/bash"][2] == b"B" * 5000
    assert found["x"][2] == b"y" * 9000


def test_tree():
    os.makedirs(f"{work}/tree/sub")
    with open(f"{work}/tree/one", "wb") as f:
        f.write(b"1" * 4097)
    os.chmod(f"{work}/tree/one", 0o4755)
    os.link(f"{work}/tree/one", f"{work}/tree/sub/two")
    os.symlink("nowhere", f"{work}/tree/sub/link")
    archive = mkarchive.Archive(make_base())
    archive.add(f"{work}/tree", "/opt/tree")
    found = contents(write(archive, "tree.ar"))
    assert found["opt/tree/one"][0] == stat.S_IFREG | 0o4755
    assert found["opt/tree/sub/two"][1] == "/opt/tree/one" and len(found["opt/tree/sub/two"][2]) == 4097
    assert found["opt/tree/sub/link"][1] == "nowhere"


def test_refusals():
    for wrong in (lambda: mkarchive.Archive(f"{work}/tree/one"),
                  lambda: mkarchive.Archive().add_dir("/"),
                  lambda: mkarchive.Archive(make_base()).add_bytes("bin", b""),
                  lambda: mkarchive.Archive().add_spec("nothing")):
        try:
            wrong()
        except mkarchive.ArchiveError:
            continue
        raise AssertionError("not refused")


def main():
    passed = failed = 0
    for name, test in list(globals().items()):
        if name.startswith("test_"):
            try:
                test()
                passed += 1
                print(f"ok archive/{name[5:]}")
            except Exception:				# a test says what it likes
                failed += 1
                print(f"FAIL archive/{name[5:]}: {traceback.format_exc()}")
    shutil.rmtree(work)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


sys.exit(main())
