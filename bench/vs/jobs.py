# SPDX-License-Identifier: ISC
"""What both guests get: the programs, their data, and the shell script that runs them."""

import io
import os
import random
import subprocess
import tarfile

import debian

WORDS = 4096

LUA = """\
local function fib(n) if n < 2 then return n end return fib(n - 1) + fib(n - 2) end
local t, text = {}, {}
for i = 1, 20000 do t[i] = (i * 7919) % 10007 end
table.sort(t)
for i = 1, 2000 do text[#text + 1] = string.format("%d:%s", t[i], string.rep("x", i % 7)) end
local all = table.concat(text, " ")
local count = 0
for word in all:gmatch("%d+") do count = count + #word end
print(fib(18), #all, count)
"""


def text(size):
    """The same each time: words of a small vocabulary, in lines."""
    draw = random.Random(1)
    words = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(2, 9))) for _ in range(WORDS)]
    block = "\n".join(" ".join(draw.choices(words, k=10)) for _ in range(4000)).encode() + b"\n"
    return (block * (size // len(block) + 1))[:size]


def tree():
    """A tar of 200 files in 20 directories, 4 KiB each."""
    data, out = text(1 << 20), io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for n in range(200):
            body = data[n * 4096:(n + 1) * 4096] + (b"needle\n" if n % 10 == 0 else b"")
            info = tarfile.TarInfo(f"tree/{n % 20:02}/file{n:03}")
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return out.getvalue()


def sql():
    lines = ["create table t(a integer primary key, b text, c integer);", "begin;"]
    lines += [f"insert into t values({n}, 'row number {n}', {n * 7919 % 1009});" for n in range(500)]
    lines += ["commit;", "create index i on t(c);"]
    lines += [f"insert into t values({n}, 'alone', {n % 1009});" for n in range(500, 540)]
    lines += [f"select count(*), sum(a) from t where c = {n};" for n in range(100)]
    lines += ["select count(*) from t a, t b where a.c = b.c;", "delete from t where a % 3 = 0;", "vacuum;"]
    return "\n".join(lines) + "\n"


def compiler():
    """{path in the guest: host path} of gcc, what it starts and what those load; nothing where it is not installed as usual."""
    try:
        cc1 = subprocess.run(["gcc", "-print-prog-name=cc1"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return {}
    programs = ["/usr/bin/gcc", "/usr/bin/as", cc1]
    if not all(os.path.isabs(p) and os.path.exists(p) for p in programs):
        return {}
    return {path.lstrip("/"): os.path.realpath(path) for path in [*programs, *debian.libraries(*programs)]}


def c_file():
    """Thirty functions, preprocessed: no headers are needed."""
    return "".join(f"int f{n}(int *a, int n) {{ int s = {n}; for (int i = 0; i < n; i++) s += a[i] * {n + 3} ^ i; return s; }}\n"
                   for n in range(30))


def files(root, programs, size):
    """{path in the guest: host path or bytes}"""
    found = {"bench/ops": f"{root}/build/bench/ops"}
    if programs:
        found |= {"bench/lua": f"{root}/build/alike/tools/lua", "bench/sqlite": f"{root}/build/alike/tools/sqlite",
                  "bench/script.lua": LUA.encode(), "bench/script.sql": sql().encode(),
                  "bench/tree.tar": tree(), "bench/text": text(size),
                  "bench/small.i": c_file().encode(), **compiler()}
    return found


def script(groups, commands, how):
    """One invocation of ops for each group: what kills one leaves the others."""
    lines = [f"/bench/ops {how} {' '.join(names)}" for names in groups]
    lines += [f"/bench/ops {how} : {name} '{command}'" for name, command in commands]
    return "\n".join(["cd /tmp", *lines, "echo @end", ""]).encode()


def write(place, found):
    """Bytes become files, so that both guests can take them the same way."""
    paths = {}
    for number, (name, what) in enumerate(sorted(found.items())):
        if isinstance(what, bytes):
            paths[name] = os.path.join(place, str(number))
            with open(paths[name], "wb") as f:
                f.write(what)
        else:
            paths[name] = what
    return paths
