#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The distribution's own test-suites of busybox, bash, zsh and python, on the host and in a guest, with the same binaries.

  tests/suites/run.py [-v] [SUITE[/UNIT]]...

A unit (one of a suite's files) passes when it says the same on both:
what fails alike is the suite's business.  Without sources nothing is tested,
and that is a failure.  makers.py has the suites, and what is left out and why.
What the units use beside the shell is the same on both, too: busybox, and some
of the host's programs with their libraries.
"""

import glob
import os
import re
import shutil
import subprocess
import sys

TESTS = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
sys.path[:0] = [f"{TESTS}/../tools", TESTS]
import usual				# noqa: E402
import debian				# noqa: E402
import makers				# noqa: E402
from debian import BUILD, PLACE, ROOT		# noqa: E402

UNIT_S = 600			# python's subprocess takes four minutes in a guest on a busy host
MARK = "=-=-= "
NOISE = re.compile(r"\bpid \d+|process group \(\d+\)|\[\d+\] \d+|/tmp/\S*\d{3,}\S*|\d+\.\d+s?\b|\d+m\d|/tmp/zsh\w{6}|@test_\d+_tmp")


def driver(units):
    """A script that runs the units and says where each begins and how it ends."""
    lines = ["umask 022; ulimit -n 1024"]
    for name, command in units:
        lines += [f"echo; echo '{MARK}begin {name}'",
                  f"(timeout {UNIT_S} sh -c '{command}') </dev/null 2>&1; echo; echo \"{MARK}end {name} $?\""]
    return "\n".join(lines) + "\n"


def outputs(text):
    """unit -> what it said, and how it ended"""
    found, name = {}, None
    for line in text.decode(errors="backslashreplace").split("\n"):
        if line.startswith(MARK):
            words = line[len(MARK):].split()
            name = words[1] if words[0] == "begin" else None
            found.setdefault(words[1], []).append(" ".join(words))
        elif name and "(no devices found)" not in line:
            found[name].append(NOISE.sub("N", line))
    return found


TEST = re.compile(r"(\w+ \([\w.]+\)).* \.\.\. (.*)|(?:ERROR|FAIL): (\w+ \([\w.]+\))")
# What ExOS says that it does not have (docs/exos.md): a network, F_NOTIFY, and so many sockets.
NOT_THERE = ("[Errno 97] Address family not supported", "AddressFamily.AF_INET", "test_fcntl_64_bit", "test_above_fd_setsize")


def each_test(lines):
    """Of a unit whose tests are named (python's): test -> its result, or what failed and why."""
    found, test = {}, None
    for line in lines:
        match = TEST.fullmatch(line)
        if match and match[1]:
            found[match[1]] = match[2]
        elif match:
            test = match[3]
        elif test and re.match(r"\w+(Error|Exception|Expired|Interrupt)\b", line):
            found[test] = found.get(test, "") + " " + line
    return found


def what_is_there(host, guest):
    """Both, with tests alone, but for those of what the guest does not have."""
    here, there = each_test(host), each_test(guest)
    missing = {test for test, result in there.items() if any(word in test + result for word in NOT_THERE)}
    return tuple([f"{test}: {result}" for test, result in sorted(found.items()) if test not in missing] + lines[-1:]
                 for found, lines in ((here, host), (there, guest)))


def run(command, path, **more):
    """What it says, which stands in the file, too."""
    with open(path, "wb") as f:
        try:
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=f, stderr=subprocess.STDOUT, timeout=1800, check=False, **more)
        except subprocess.TimeoutExpired:
            pass
    with open(path, "rb") as f:
        return f.read()


def both(suite, units, needed):
    """(host, guest): see outputs"""
    with open(f"{PLACE}/driver", "w") as f:
        f.write(driver(units))
    subprocess.run(["cp", "-a", PLACE, f"{BUILD}/tree"], check=True)	# before the host's run leaves things there
    shell = {"HOME": f"{PLACE}/home", "USER": "root", "LC_ALL": "C", "SHELL": "/bin/sh", "PATH": f"{PLACE}/path", "TERM": "xterm-256color"}
    options = [word for name, value in shell.items() for word in ("--env", f"{name}={value}")]
    options += [word for there, here in needed.items() for word in ("--add", f"{here}:{there}")]
    options += ["--add", f"{BUILD}/tree:{PLACE}", "--memory", "768M", "--timeout", "1500", "--workdir", "/"]
    host = run(["/bin/busybox", "sh", f"{PLACE}/driver"], f"{BUILD}/{suite}.host", env=shell, cwd="/", start_new_session=True)
    guest = run([f"{ROOT}/exo", "run", *options, "--", "/bin/busybox", "sh", f"{PLACE}/driver"], f"{BUILD}/{suite}.guest")
    return outputs(host), outputs(guest)


def commands():
    """The tools that the suites use, the same on both: busybox's and some that lie at their own paths. Returns those."""
    os.makedirs(f"{PLACE}/path")
    os.makedirs(f"{PLACE}/home")
    for name in subprocess.run(["busybox", "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout.split():
        os.symlink("/bin/busybox", f"{PLACE}/path/{name}")
    own = ["/bin/dash", "/bin/false", "/usr/bin/diff", "/usr/bin/getent", "/usr/bin/locale", "/usr/bin/perl"]
    for path in own:
        name = f"{PLACE}/path/{os.path.basename(path)}"
        os.path.lexists(name) and os.remove(name)
        os.symlink(path, name)
    places = ["/usr/lib/locale/C.utf8", "/lib/terminfo", *glob.glob("/usr/lib/*/perl-base"), "/etc/passwd", "/etc/group"]
    needed = {path: os.path.realpath(path) for path in [*own, *debian.libraries(*own), *places] if os.path.exists(path)}
    return needed | {"/bin/sh": needed["/bin/dash"]}


def test(suite, wanted, verbose):
    """(passed, failed)"""
    for place in (PLACE, f"{BUILD}/tree"):
        shutil.rmtree(place, ignore_errors=True)
    needed = commands()
    try:
        units, more = makers.SUITES[suite]()
    except (subprocess.CalledProcessError, OSError, IndexError) as problem:
        print(f"FAIL {suite}: NOT TESTED, no sources: {problem}")
        return 0, 1
    units = [unit for unit in units if unit[0] in wanted or not wanted and unit[0] not in makers.LEFT_OUT[suite]]
    host, guest = both(suite, units, needed | more)
    failed = 0
    for name, _ in units:
        if suite == "python" and name in host and name in guest:
            host[name], guest[name] = what_is_there(host[name], guest[name])
        if host.get(name) == guest.get(name) and host.get(name):
            print(f"ok {suite}/{name}" if verbose else "", end="\n" if verbose else "")
            continue
        failed += 1
        here, there = host.get(name, ["nothing"]), guest.get(name, ["nothing"])
        different = [f"  - {line}" for line in here if line not in there] + [f"  + {line}" for line in there if line not in here]
        print("\n".join([f"FAIL {suite}/{name}: host -, guest +", *different[:None if verbose else 6]]))
    print(f"{suite}: {len(units) - failed} alike, {failed} not", file=sys.stderr)
    return len(units) - failed, failed


def main(arguments):
    verbose = "-v" in arguments
    wanted = [a for a in arguments if a != "-v"]
    passed = failed = 0
    for suite in makers.SUITES:
        units = {w.partition("/")[2] for w in wanted if w.startswith(suite + "/")}
        if wanted and not units and suite not in wanted:
            continue
        good, bad = test(suite, units, verbose)
        passed, failed = passed + good, failed + bad
    shutil.rmtree(PLACE, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    usual.signals_as_usual()
    sys.exit(main(sys.argv[1:]))
