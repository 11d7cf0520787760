#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The distribution's own test-suites of busybox, bash and zsh, on the host and in a guest, with the same static binary.

  tests/suites/run.py [-v] [SUITE[/UNIT]]...

The sources come by `apt-get source` from the distribution that apt is set up
for, with lists of this run's own (build/suites/apt): the system's stay as they
are.  A unit (one of a suite's files) passes when it says the same on both:
what fails alike is the suite's business.  Without sources nothing is tested,
and that is a failure.
"""

import glob
import os
import re
import shutil
import subprocess
import sys

ROOT = os.path.realpath(f"{os.path.dirname(os.path.realpath(__file__))}/../..")
BUILD = f"{ROOT}/build/suites"
PLACE = "/tmp/exos-suites"			# the same path on both
UNIT_S = 60
MARK = "=-=-= "
# What reaches for the machine itself, the network, or what only the host has (locales; users by way of libraries, which
# crashes the static bash there).
LEFT_OUT = {"busybox": {"mount", "mdev", "makedevs", "wget", "hostname", "hostid", "uptime", "date", "all_sourcecode",
                        "start-stop-daemon", "mkfs.minix", "taskset", "pidof", "du"},
            "bash": {"all", "minimal", "gprof", "glob-test", "tilde", "jobs", "read"},
            "zsh": {"A07control", "W02jobs", "W03jobparameters", "X02zlevi", "X03zlebindkey", "X04zlehighlight",
                    "Y01completion", "Y02compmatch", "Y03arguments"}}
NOISE = re.compile(r"\bpid \d+|process group \(\d+\)|\[\d+\] \d+|/tmp/\S*\d{3,}\S*|\d+\.\d+s?\b|\d+m\d")


def apt_sources():
    """deb-src lines for what apt fetches packages from."""
    parts = f"{BUILD}/apt/parts"
    os.makedirs(parts, exist_ok=True)
    for path in ["/etc/apt/sources.list", *glob.glob("/etc/apt/sources.list.d/*.sources"), *glob.glob("/etc/apt/sources.list.d/*.list")]:
        if os.path.isfile(path):
            with open(path) as f:
                text = re.sub(r"^(Types:\s*|\s*)deb(?=\s|$)", r"\1deb-src", f.read(), flags=re.M)
            with open(f"{parts}/{os.path.basename(path)}", "w") as f:
                f.write(text)


def fetch(package):
    """Its source's directory; the message of apt-get when there is none."""
    place = f"{BUILD}/{package}"
    if glob.glob(f"{place}/{package}-*/"):
        return glob.glob(f"{place}/{package}-*/")[0].rstrip("/")
    for name in ("lists/partial", "cache/archives/partial"):
        os.makedirs(f"{BUILD}/apt/{name}", exist_ok=True)
    os.makedirs(place, exist_ok=True)
    apt_sources()
    apt = ["apt-get", "-qq", "-o", "Dir::Etc::SourceList=/dev/null", "-o", f"Dir::Etc::SourceParts={BUILD}/apt/parts",
           "-o", f"Dir::State::Lists={BUILD}/apt/lists", "-o", f"Dir::Cache={BUILD}/apt/cache", "-o", "APT::Sandbox::User=root"]
    if not glob.glob(f"{BUILD}/apt/lists/*Sources*"):
        subprocess.run([*apt, "update"], check=True)
    subprocess.run([*apt, "source", "--download-only", package], cwd=place, check=True)
    subprocess.run(["tar", "xf", *glob.glob(f"{place}/*.orig.tar.[gxb]z"), *glob.glob(f"{place}/*.orig.tar.bz2")], cwd=place, check=True)
    for debian in glob.glob(f"{place}/*.debian.tar.*"):
        subprocess.run(["tar", "xf", debian, "-C", glob.glob(f"{place}/{package}-*/")[0]], check=True)
    return glob.glob(f"{place}/{package}-*/")[0].rstrip("/")


def busybox(source):
    """[(unit, command)]; the tree is made in PLACE."""
    tree = f"{PLACE}/busybox"
    shutil.copytree(f"{source}/testsuite", f"{tree}/testsuite", symlinks=True)
    shutil.copy(f"{source}/debian/config/pkg/static", f"{tree}/.config")
    shutil.copy("/bin/busybox", f"{tree}/busybox")
    with open(f"{tree}/testsuite/runtest", "r+") as f:		# the links once, not for each unit
        text = f.read().replace('rm -rf "$LINKSDIR" 2>/dev/null', "").replace('mkdir "$LINKSDIR" 2>/dev/null\nfor', 'mkdir "$LINKSDIR" 2>/dev/null && for')
        f.seek(0)
        f.truncate()
        f.write(text)
    names = {name.removesuffix(".tests") for name in os.listdir(f"{tree}/testsuite")
             if name.endswith(".tests") or os.path.isdir(f"{tree}/testsuite/{name}")}
    return [(name, f"cd {tree}/testsuite && ./runtest -v {name}") for name in sorted(names)]


def bash(source):
    tree = f"{PLACE}/bash"
    shutil.copytree(f"{source}/tests", tree, symlinks=True)
    os.makedirs(f"{PLACE}/tmp")
    os.makedirs(f"{BUILD}/stub", exist_ok=True)
    for name in ("config.h", "bashansi.h"):
        with open(f"{BUILD}/stub/{name}", "w") as f:
            f.write("#define HAVE_STRING_H 1\n#define HAVE_STDLIB_H 1\n#define HAVE_LOCALE_H 1\n#include <stdlib.h>\n#include <string.h>\n")
    for name in ("recho", "zecho", "printenv", "xcase"):
        subprocess.run(["gcc", "-w", "-O1", "-static", f"-I{BUILD}/stub", f"{source}/support/{name}.c", "-o", f"{tree}/{name}"], check=True)
    names = sorted(name.removeprefix("run-") for name in os.listdir(tree) if name.startswith("run-"))
    return [(name, f"cd {tree} && PATH={tree}:$PATH THIS_SH=/bin/bash-static BASH_TSTOUT={PLACE}/bash.out TMPDIR={PLACE}/tmp sh ./run-{name}")
            for name in names]


def zsh(source):
    tree = f"{PLACE}/zsh"
    shutil.copytree(f"{source}/Test", f"{tree}/Test", symlinks=True)
    shutil.copytree(f"{source}/Functions", f"{tree}/Functions", symlinks=True)
    names = sorted(name.removesuffix(".ztst") for name in os.listdir(f"{tree}/Test") if name.endswith(".ztst"))
    return [(name, f"cd {tree}/Test && ZTST_testdir={tree}/Test ZTST_srcdir={tree}/Test ZTST_exe=/bin/zsh-static "
                   f"/bin/zsh-static +Z -f ./ztst.zsh ./{name}.ztst") for name in names]


def driver(units):
    """A script that runs the units and says where each begins and how it ends."""
    lines = ["umask 022"]
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
        elif name:
            found[name].append(NOISE.sub("N", line))
    return found


def run(command, **more):
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=1800, check=False, **more).stdout
    except subprocess.TimeoutExpired as late:
        return late.stdout or b""


def shell_scripts():
    """The host's /bin/sh is another shell."""
    for top, _, names in os.walk(PLACE):
        for name in names:
            path = f"{top}/{name}"
            if os.path.islink(path) or not os.path.isfile(path):
                continue
            with open(path, "rb+") as f:
                text = f.read()
                if text.startswith(b"#!/bin/sh\n"):
                    f.seek(0)
                    f.write(b"#!/bin/busybox sh\n" + text[10:])


def both(suite, units):
    """(host, guest): see outputs"""
    shell_scripts()
    with open(f"{PLACE}/driver", "w") as f:
        f.write(driver(units))
    subprocess.run(["cp", "-a", PLACE, f"{BUILD}/tree"], check=True)	# before the host's run leaves things there
    shell = {"HOME": "/", "USER": "root", "LC_ALL": "C", "SHELL": "/bin/sh", "PATH": f"{PLACE}/path", "TERM": "dumb"}
    host = run(["/bin/busybox", "sh", f"{PLACE}/driver"], env=shell, cwd="/", start_new_session=True)
    options = [word for name, value in shell.items() if name != "PATH" for word in ("--env", f"{name}={value}")]
    options += ["--add", "/bin/bash-static:/bin/bash-static", "--add", "/bin/zsh-static:/bin/zsh-static",
                "--add", f"{BUILD}/tree:{PLACE}", "--memory", "768M", "--timeout", "1500"]
    guest = run([f"{ROOT}/exo", "run", *options, "--", "sh", f"{PLACE}/driver"])
    for name, text in (("host", host), ("guest", guest)):
        with open(f"{BUILD}/{suite}.{name}", "wb") as f:
            f.write(text)
    return outputs(host), outputs(guest)


def links():
    os.makedirs(f"{PLACE}/path")
    for name in subprocess.run(["busybox", "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout.split():
        os.symlink("/bin/busybox", f"{PLACE}/path/{name}")


def test(suite, make, wanted, verbose):
    """(passed, failed)"""
    for place in (PLACE, f"{BUILD}/tree"):
        shutil.rmtree(place, ignore_errors=True)
    try:
        source = fetch(suite)
    except (subprocess.CalledProcessError, OSError, IndexError) as problem:
        print(f"FAIL {suite}: NOT TESTED, no sources: {problem}")
        return 0, 1
    links()
    units = [unit for unit in make(source) if unit[0] not in LEFT_OUT[suite] and (not wanted or unit[0] in wanted)]
    host, guest = both(suite, units)
    failed = 0
    for name, _ in units:
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
    for suite, make in (("busybox", busybox), ("bash", bash), ("zsh", zsh)):
        units = {w.partition("/")[2] for w in wanted if w.startswith(suite + "/")}
        if wanted and not units and suite not in wanted:
            continue
        good, bad = test(suite, make, units, verbose)
        passed, failed = passed + good, failed + bad
    shutil.rmtree(PLACE, ignore_errors=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
