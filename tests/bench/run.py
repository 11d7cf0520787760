#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The bench runs, what it says can be read, and no kernel primitive became dearer unnoticed.  Nothing here depends on elapsed time.

  counts    the kernel's rows: not 5 % more instructions than docs/performance.md has; who makes one dearer says so there
  ops       every operation of bench/linux runs under ExOS, but those that need what it has not
  profile   of a Linux call and of a kernel's, all that is executed is found in some function; the sum is the row's
  versus    from what guests say to rows, table, document and page
  unprotected  the kernel that checks no rights is not started by mistake
  linux     one operation beside Linux, where there is a kernel for it: installed, or fetched before
"""

import argparse
import glob
import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as tree

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [f"{ROOT}/bench/vs"]
sys.path += [f"{ROOT}/tools", f"{ROOT}/bench"]
import aims			# noqa: E402
import debian			# noqa: E402
import exos			# noqa: E402
import page			# noqa: E402
import report			# noqa: E402
import result			# noqa: E402
import rows			# noqa: E402

MORE = 1.05
CANNOT = {"dirty", "futex-processes-2", "futex-threads-2"}	# no soft-dirty bits, one processor
LONG = {"pairs-256", "pairs-512", "alive-10000"}		# seconds each
passed = failed = 0


def check(good, what, why=""):
    global passed, failed
    if good:
        passed += 1
        print(f"ok bench/{what}")
    else:
        failed += 1
        print(f"FAIL bench/{what}{': ' if why else ''}{why}")


def documented():
    """[(what a row is, instructions)] of the table "kernel" in docs/performance.md."""
    with open(f"{ROOT}/docs/performance.md") as f:
        text = re.search(r"<!-- kernel -->\n(.*?)<!-- end -->", f.read(), re.S)[1]
    return [(what, int(n)) for what, n in re.findall(r"^\| ([^|]+?) \| (\d+) \|", text, re.M)]


def counts():
    """The document has the rows of bench/rows.py in their order."""
    spec = {}
    with open(f"{ROOT}/bench/rows.py") as f:
        exec(compile(f.read(), "rows.py", "exec"), spec)	# not by import: bench/vs has a rows.py, too
    options = argparse.Namespace(accel="tcg")
    got, known = exos.native(ROOT, options, timed=False), documented()
    check([what for what, _ in known] == [what for _, what, _, _ in spec["KERNEL"]], "counts/table")
    for (name, *_), (_, n) in zip(spec["KERNEL"], known, strict=False):
        check(got[name] <= n * MORE, f"counts/{name}", f"{got[name]} instructions, {n} in docs/performance.md")
    for name in {n for _, specs in rows.GROUPS for _, _, names in specs for n in names or ()}:
        check(name in got, f"native/{name.replace(' ', '-')}")


def ops():
    """All at once, and what they cannot is known."""
    program = f"{ROOT}/build/bench/ops"
    names = subprocess.run([program, "list"], check=True, capture_output=True, text=True).stdout.split()
    names = [name for name in names if name not in LONG]
    argv = [f"{ROOT}/exo", "run", "--accel", "tcg", "--icount", "--timeout", "300", "--add", f"{program}:/bench/ops", "--", "/bench/ops", "counted"]
    done = subprocess.run([*argv, *names], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=400)
    found, refused = result.costs(done.stdout), set(re.findall(r"^op (\S+) cannot", done.stdout, re.M))
    for name in names:
        if name not in CANNOT:
            check(min(found.get(name, [0])) > 0, f"ops/{name}", done.stderr[-200:])
    check(refused == CANNOT, "ops/refused", str(refused))
    listed = {op for _, specs in rows.GROUPS for op, *_ in specs} | {op for shape in rows.OTHERS for op, *_ in shape.rows}
    check(listed - {"alive-yield"} == {*names} | LONG, "ops/listed", str(listed ^ ({*names} | LONG)))
    check(set(aims.AIMS) <= listed | {op for op, *_ in rows.PROGRAMS} | {"boot-output", "memory", "getpid-reflected"}, "ops/aims")


LINUX = "@up\r\nop getpid 500000 520000 480000 510000\r\nop stat 4000000 4100000 3900000 4000000\nop dirty 90000\n@end\n"
EXOS = "op getpid 20000 21000 19000 20000\nop stat 2000000 2000000 1900000 2100000\nop dirty cannot\n@end\n"


def measured():
    columns = {name: result.Column() for name in ("linux", "plain", "exos", "linux-insns", "exos-insns")}
    columns["linux"].add(result.costs(LINUX))
    columns["exos"].add(result.costs(EXOS))
    columns["linux-insns"].add(result.costs("op getpid 300000 310000\n"))
    columns["exos-insns"].add(result.costs("op getpid 30000 31000\n"))
    return columns | {"native": {"null-call": 50.0}, "native-insns": {"null-call": 30}}


def versus():
    found = measured()
    getpid = result.row(("getpid", "getpid", ("null-call",)), "calls", found)
    stat = result.row(("stat", "stat", None), "files", found)
    dirty = result.row(("dirty", "a <dirty> page", ("none",)), "exceptions", found)
    size = result.sized("memory", "memory", "boot", {"linux": {"memory": 50}, "exos": {"memory": 10}, "native": {}})
    check(getpid["linux_ns"] == 505 and getpid["exos_ns"] == 20, "versus/medians", str(getpid))
    check(getpid["ratio"] == 25.25 and getpid["met"] is True and getpid["insn_ratio"] == 10, "versus/met", str(getpid))
    check(getpid["native_ratio"] == 10.1 and getpid["native_insn_ratio"] == 10, "versus/native")
    check(stat["ratio"] == 2 and stat["met"] is False and stat["exos_insns"] is None, "versus/missed", str(stat))
    check(dirty["exos_ns"] is None and dirty["ratio"] is None and dirty["met"] is None, "versus/absent", str(dirty))
    check(size["ratio"] == 5 and size["met"] is True and size["linux_kib"] == 50, "versus/sized", str(size))
    check(abs(getpid["spread"] - 0.0396) < 0.02, "versus/spread", str(getpid["spread"]))
    lines = [getpid, stat, dirty, size]
    json.dumps(lines)
    wanted = {"op", "linux_ns", "exos_ns", "native_ns", "linux_insns", "exos_insns", "native_insns", "ratio", "aim"}
    check(all(wanted <= set(row) for row in lines), "versus/schema")
    check(len(report.table(lines).splitlines()) == 2 + 4 + 4, "versus/table", report.table(lines))
    check(report.markdown(lines).count("\n") == 5, "versus/markdown")
    shown = page.page({"rows": lines, "machine": {"cpu": "a & b"}, "figure": "median"})
    document = tree.fromstring(re.sub(r"<!DOCTYPE[^>]*>|<meta[^>]*>", "", shown))
    check(len(document.findall(".//svg")) == 4 and "a <dirty> page" in "".join(document.itertext()), "versus/page")
    with tempfile.NamedTemporaryFile("w+", suffix=".md") as f:
        f.write("a\n<!-- x -->\nold\n<!-- end -->\nb\n")
        f.flush()
        report.update(f.name, "x", "new")
        with open(f.name) as again:
            check(again.read() == "a\n<!-- x -->\nnew\n<!-- end -->\nb\n", "versus/update")


def unprotected():
    """The kernel that checks no rights runs for who asks for it, is announced, and is refused otherwise."""
    kernel = f"{ROOT}/build/unprotected/aegis.elf"
    runs = [subprocess.run([f"{ROOT}/exo", "run", *words, "echo", "hello"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
            for words in (["--kernel", kernel], ["--unprotected"], ["--unprotected", "--kernel", kernel], [])]
    check(runs[0].returncode == 125 and "--unprotected" in runs[0].stderr and not runs[0].stdout, "unprotected/refused", str(runs[0]))
    for done, name in ((runs[1], "asked-for"), (runs[2], "by-name")):
        check(done.stdout == "hello\n" and "no protection" in done.stderr, f"unprotected/{name}", str(done))
    check(runs[3].stdout == "hello\n" and not runs[3].stderr, "unprotected/not-by-itself", str(runs[3]))


def profile():
    """What the two readings of the clock take, and the call around the row, belong to it, too."""
    for name, part in (("getpid", "library"), ("claim-frame", "kernel")):
        done = subprocess.run([sys.executable, f"{ROOT}/bench/run.py", "--profile", name], capture_output=True, text=True, timeout=120)
        total = re.match(r"(\d+) instructions", done.stdout)
        parts = dict((what, int(n)) for n, what in re.findall(r"^ +(\d+) +[0-9.]+ %  (\S+)$", done.stdout, re.M))
        check(total and sum(parts.values()) == int(total[1]) and "?" not in parts, f"profile/{name}", done.stdout[:300] + done.stderr[-300:])
        check(parts.get(part, 0) > 50 and parts["program"] < 100, f"profile/{name}-parts", str(parts))
    done = subprocess.run([sys.executable, f"{ROOT}/bench/run.py", "--profile", "nonsense"], capture_output=True, text=True, timeout=120)
    check(done.returncode == 1 and "no row is called nonsense" in done.stderr, "profile/unknown", str(done))


def beside():
    """Nothing is fetched for a test."""
    there = glob.glob("/boot/vmlinuz-*-cloud-amd64") or glob.glob(f"{debian.BUILD}/packages/linux-image-*/root/boot/vmlinuz-*")
    if not there:
        print("bench/linux: not run: no Linux kernel here; ./exo bench --vs linux fetches one")
        return
    argv = [sys.executable, f"{ROOT}/bench/vs/run.py", "--linux", there[0], "--quick", "--op", "getpid", "--op", "dirty", "--json"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=600)
    found = {row["op"]: row for row in json.loads(done.stdout or '{"rows": []}')["rows"]}
    check(done.returncode == 0 and set(found) == {"getpid", "dirty"}, "linux/rows", done.stderr[-300:])
    check(all(found["getpid"][key] for key in ("linux_ns", "exos_ns", "native_ns", "linux_insns", "exos_insns", "native_insns")), "linux/getpid", str(found))
    check(found["dirty"]["linux_insns"] and found["dirty"]["exos_ns"] is None, "linux/dirty", str(found))


counts()
ops()
versus()
unprotected()
profile()
beside()
print(f"{passed} passed, {failed} failed")
sys.exit(failed != 0)
