#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Does ExOS behave like Linux?  The same programs on the host and in a guest.

  tests/alike/run.py [-v] [--rounds N] [--host-only] [NAME]...

*.cases are scripts: `=== NAME [bash] [noerr]`, then what sh (busybox's, or
bash) is to run, in an empty directory with nothing as standard input.
noerr: what it says on standard error is not compared.  *.c are programs,
built with musl and with glibc, statically.  Standard output, standard error
and exit status must be the same on both.  The guest runs all of them in one
boot; what hangs or brings it down counts as failed, and another boot goes on
behind it.

Then come what can only be asked of the guest: exo.py (streams, signals,
statuses, limits) and term.py (an interactive shell on a pty).

NAMEs are parts of names of cases; none: all.  Prints failures and
`N passed, N failed`.
"""

import argparse
import concurrent.futures
import contextlib
import difflib
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import exo
import term

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
import usual				# noqa: E402

ROOT = os.path.realpath(f"{HERE}/../..")
BUILD = f"{ROOT}/build/alike"
work = None				# a directory of this run
EXO = f"{ROOT}/exo"
PROGRAMS = f"{ROOT}/tests/programs"	# cases that need more than busybox and bash
TOOLS = {"bash": "/bin/bash-static", "zsh": "/bin/zsh-static", "lua": f"{BUILD}/tools/lua", "sqlite": f"{BUILD}/tools/sqlite"}
GUEST = "/alike"				# where the cases lie in the guest
SILENCE_S = 180				# a case that says nothing for so long hangs; the slowest takes 4 s, on several processors of a busy host a minute
SHOWN = 12				# lines of a difference
SHARDS = 2				# machines at a time

# Runs the cases named on standard input: status, sizes, output, errors of each.
DRIVER = """
umask 022
while read -r name shell; do
  mkdir -p run/$name && cd run/$name || exit 99
  echo "begin $name"
  $shell ../../cases/$name >../../out 2>../../err </dev/null
  status=$?
  cd ../..
  echo "end $name $status $(wc -c <out) $(wc -c <err)"
  cat out err
  chmod -R u+rwx run/$name 2>/dev/null
  rm -rf run/$name
done
"""
ENVIRONMENT = {"HOME": "/", "USER": "root", "LC_ALL": "C", "SHELL": "/bin/sh"}


class Case:
    def __init__(self, name, shell, errors, text=None):
        self.name, self.shell, self.errors, self.text = name, shell, errors, text


def cases_of(path):
    found = []
    with open(path) as f:
        for line in f:
            if line.startswith("=== "):
                words = line[4:].split()
                flags = [w for w in words if w in ("bash", "noerr")]
                name = "_".join(w for w in words if w not in flags)
                prefix = os.path.basename(path).partition(".")[0]
                found.append(Case(f"{prefix}/{name}".replace("/", "-"), "bash" if "bash" in flags else "sh",
                                  "noerr" not in flags, ""))
            elif found:
                found[-1].text += line
    return found


def programs():
    """C programs as make has built them: NAME.musl and NAME.glibc."""
    found = []
    for source in sorted(os.listdir(HERE)):
        if source.endswith(".c"):
            for libc in ("musl", "glibc"):
                found.append(Case(f"c-{source[:-2]}.{libc}", "sh", True, f"../../bin/{source[:-2]}.{libc}\n"))
    return found


def build(cases):
    """A program that is not there fails alike everywhere."""
    wanted = [f"build/alike/bin/{c.name[2:]}" for c in cases if c.name.startswith("c-")]
    wanted += [os.path.relpath(program, ROOT) for program in TOOLS.values() if program.startswith(ROOT)]
    if wanted:
        env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS")}		# its jobs are not ours
        subprocess.run(["make", "-s", "-C", ROOT, "-j", str(os.cpu_count() or 1), *wanted], env=env, check=True)


def prepare(cases):
    """work/tree: what host and guest find alike."""
    build(cases)
    os.makedirs(f"{work}/tree/cases")
    os.makedirs(f"{work}/tree/bin")
    for case in cases:
        with open(f"{work}/tree/cases/{case.name}", "w") as f:
            f.write(case.text)
    with open(f"{work}/tree/driver", "w") as f:
        f.write(DRIVER)
    for name in os.listdir(f"{BUILD}/bin") if os.path.isdir(f"{BUILD}/bin") else []:
        shutil.copy(f"{BUILD}/bin/{name}", f"{work}/tree/bin/{name}")
    host_path()


def host_path():
    """work/path: the same busybox and bash as in the guest, and nothing else."""
    place = f"{work}/path"
    os.makedirs(place)
    applets = subprocess.run(["busybox", "--list"], stdout=subprocess.PIPE, text=True, check=True)
    for name in applets.stdout.split():
        os.symlink("/bin/busybox", f"{place}/{name}")
    for name, program in TOOLS.items():
        os.symlink(program, f"{place}/{name}")


def on_host(shard):
    tree = f"{work}/host.{shard}"
    shutil.rmtree(tree, ignore_errors=True)
    shutil.copytree(f"{work}/tree", tree)
    return subprocess.Popen(["sh", "driver"], cwd=tree, env={**ENVIRONMENT, "PATH": f"{work}/path"},
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            start_new_session=True), tree


def on_guest(_shard):
    command = [EXO, "run", "--memory", "512M", "--workdir", GUEST]
    for name, program in TOOLS.items():
        command += ["--add", f"{program}:/bin/{name}"]
    for name in ("cases", "bin", "driver"):
        command += ["--add", f"{work}/tree/{name}:{GUEST}/{name}"]
    for name, value in ENVIRONMENT.items():
        command += ["--env", f"{name}={value}"]
    command += exo.OPTIONS
    return subprocess.Popen([*command, "sh", "driver"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, start_new_session=True), GUEST


class Reader:
    """Lines and counted bytes from a pipe that may fall silent."""

    def __init__(self, stream):
        self.fd, self.buffer = stream.fileno(), b""

    def more(self):
        if not select.select([self.fd], [], [], SILENCE_S)[0]:
            raise TimeoutError
        data = os.read(self.fd, 1 << 16)
        if not data:
            raise EOFError
        self.buffer += data

    def line(self):
        while b"\n" not in self.buffer:
            self.more()
        line, _, self.buffer = self.buffer.partition(b"\n")
        return line.decode(errors="replace")

    def take(self, count):
        while len(self.buffer) < count:
            self.more()
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data


def results(process, cases, place, seen):
    """Fill seen: name -> (status, output, errors); returns the case at which it broke off, and how."""
    process.stdin.write("".join(f"{c.name} {c.shell}\n" for c in cases).encode())
    process.stdin.close()
    reader, current = Reader(process.stdout), None
    try:
        for case in cases:
            current = case
            begin = time.monotonic()
            line = reader.line()
            if line != f"begin {case.name}":
                return case, f"the driver said {line!r}"
            words = reader.line().split()
            if len(words) != 5 or words[:2] != ["end", case.name]:
                return case, f"the driver said {' '.join(words)!r}"
            out, err = (reader.take(int(n)).decode(errors="backslashreplace").replace(place, "/HERE")
                        for n in words[3:])
            seen[case.name] = int(words[2]), out, err, time.monotonic() - begin
    except TimeoutError:
        return current, f"hangs: nothing for {SILENCE_S} s"
    except EOFError:
        return current, f"the machine ended"
    return None, ""


def run_all(start, cases, shard):
    """Boot as often as needed; cases that broke a machine have a reason instead of a result."""
    seen, todo = {}, list(cases)
    while todo:
        process, place = start(shard)
        broken, why = results(process, todo, place, seen)
        if broken is None:
            process.wait()
            break
        os.killpg(process.pid, signal.SIGKILL)
        said = process.stderr.read().decode(errors="replace") if process.stderr else ""
        process.wait()
        seen[broken.name] = why + "".join("\n    | " + line for line in said.splitlines()[-SHOWN:])
        todo = todo[todo.index(broken) + 1:]
    return seen


def difference(host, guest):
    lines = list(difflib.unified_diff(host.splitlines(), guest.splitlines(), "host", "guest", n=1, lineterm=""))
    more = [f"    ... {len(lines) - 2 - SHOWN} more"] if len(lines) > SHOWN + 2 else []
    return "\n".join(["    " + line[:200] for line in lines[2:SHOWN + 2]] + more)


def compare(case, host, guest):
    """Why they are not alike, or ''."""
    if isinstance(host, str) or isinstance(guest, str):
        return host if isinstance(host, str) else guest
    why = []
    if case.name.startswith("c-") and int(host[0]) >= 126:
        why.append(f"status {host[0]} on the host: it did not run there, so nothing is compared")
    if host[0] != guest[0]:
        why.append(f"status {guest[0]}, not {host[0]}")
    if host[1] != guest[1]:
        why.append("output:\n" + difference(host[1], guest[1]))
    if case.errors and host[2] != guest[2]:
        why.append("errors:\n" + difference(host[2], guest[2]))
    return "\n  ".join(why)


class Tally:
    def __init__(self, verbose):
        self.verbose, self.passed, self.failed = verbose, 0, 0

    def result(self, name, why="", seconds=None):
        if why:
            self.failed += 1
            print(f"FAIL alike {name}: {why}", flush=True)
        else:
            self.passed += 1
            if self.verbose:
                print(f"ok {name}" + (f" {seconds:.1f} s" if seconds is not None else ""), flush=True)


def run_shards(start, cases, shards):
    """The cases dealt out to machines that run at the same time."""
    with concurrent.futures.ThreadPoolExecutor(shards) as pool:
        parts = pool.map(lambda n: run_all(start, cases[n::shards], n), range(shards))
        return {name: result for part in parts for name, result in part.items()}


def scripts(tally, options):
    cases = [c for place in (HERE, PROGRAMS) for name in sorted(os.listdir(place)) if name.endswith(".cases")
             for c in cases_of(f"{place}/{name}")]
    cases = [c for c in cases + programs() if wanted(c.name, options)]
    if not cases:
        return
    prepare(cases)
    begin = time.monotonic()
    host = run_shards(on_host, cases, SHARDS)
    middle = time.monotonic()
    guest = run_shards(on_host if options.host_only else on_guest, cases, SHARDS)
    for case in cases:
        tally.result(case.name, compare(case, host[case.name], guest[case.name]))
    if options.v:
        print(f"host {middle - begin:.1f} s, guest {time.monotonic() - middle:.1f} s")
        slow = sorted((r[3], n) for n, r in guest.items() if not isinstance(r, str))[-10:]
        print("\n".join(f"  {s:.2f} s {n}" for s, n in reversed(slow)))


def functions(tally, options, module):
    for test in module.TESTS:
        name = f"{module.__name__}-{test.__name__}"
        if not wanted(name, options):
            continue
        begin, why = time.monotonic(), ""
        try:
            test()
        except (AssertionError, OSError, subprocess.SubprocessError, ValueError) as problem:
            why = f"{test.__doc__}: {type(problem).__name__} {problem}"
        tally.result(name, why, time.monotonic() - begin)


def wanted(name, options):
    return not options.names or any(part in name for part in options.names)


def main():
    global work
    parser = argparse.ArgumentParser(description="Linux against ExOS.")
    parser.add_argument("names", nargs="*", help="parts of names; none: all")
    parser.add_argument("-v", action="store_true", help="show what passes, and times")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--host-only", action="store_true", help="the host against itself: are the cases deterministic?")
    parser.add_argument("--with", action="append", default=[], dest="exo", metavar="OPTION",
                        help="a further option of every `exo run`, e.g. --with=--machine=q35")
    options = parser.parse_args()
    exo.OPTIONS += options.exo
    tally = Tally(options.v)
    os.makedirs(BUILD, exist_ok=True)
    with contextlib.suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, 0)		# programs say their niceness: the caller's is not the guest's
    subprocess.run([EXO, "run", "true"], stderr=subprocess.DEVNULL, check=True)	# whatever has to be built is built
    for _ in range(options.rounds):
        work = tempfile.mkdtemp(prefix="run.", dir=BUILD)
        try:
            scripts(tally, options)
        finally:
            shutil.rmtree(work, ignore_errors=True)
        if not options.host_only:
            functions(tally, options, exo)
            functions(tally, options, term)
    print(f"{tally.passed} passed, {tally.failed} failed")
    return tally.failed != 0


if __name__ == "__main__":
    usual.signals_as_usual()
    sys.exit(main())
