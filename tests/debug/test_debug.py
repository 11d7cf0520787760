#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""gdb's commands, the kernel's trace and its panics, on real guests without a terminal.

Prints `ok NAME` or `FAIL NAME: why`, and last `N passed, N failed`.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.realpath(f"{os.path.dirname(os.path.realpath(__file__))}/../..")
sys.path.insert(0, f"{ROOT}/tools")
import mkarchive			# noqa: E402
import qemu				# noqa: E402

KERNEL, GUEST, EXO = f"{ROOT}/build/aegis.elf", f"{ROOT}/build/tests/debug/guest.elf", f"{ROOT}/exo"
LIMIT_S = 60
work = tempfile.mkdtemp(prefix="debug-test-")
passed = failed = 0


def expect(name, text, *patterns, absent=()):
    """Every pattern is in the text, each found behind the one before."""
    global passed, failed
    place = 0
    missing = [p for p in absent if re.search(p, text)]
    for pattern in patterns:
        found = re.compile(pattern, re.M).search(text, place)
        if not found:
            missing.append(pattern)
            break
        place = found.end()
    if missing:
        failed += 1
        print(f"FAIL {name}: {missing[0]!r} {'found' if missing[0] in absent else 'not found'} in:")
        print("".join(f"    | {line}\n" for line in text.splitlines()[-40:]), end="", flush=True)
    else:
        passed += 1
        print(f"ok {name}", flush=True)


def gdb(attach, *commands):
    """What a gdb that is started by these words says to each command."""
    argv = [*attach, "-batch", "-nx"]
    for command in ("set pagination off", "set width 0", *commands):
        argv += ["-ex", f"echo \\n## {command}\\n", "-ex", command]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", timeout=LIMIT_S, check=False)
    parts = done.stdout.split("\n## ")
    said = {}
    for part in parts[1:]:
        command, _, text = part.partition("\n")
        said[command] = said.get(command, "") + text
    return said


# ---- the commands: a native program with known objects ---------------------------------------------

def at_guest(*commands):
    archive = mkarchive.Archive()
    archive.add_file("boot/init", GUEST, 0o755)
    with open(f"{work}/archive", "wb") as f:
        archive.write(f.fileno())
    path = f"{work}/gdb"
    argv = qemu.command(KERNEL, f"{work}/archive", accel="tcg", append="trace", uart=f"file,path={work}/uart",
                        extra=["-S", "-gdb", f"unix:{path},server=on,wait=off"])
    guest = subprocess.Popen(argv, stdin=subprocess.DEVNULL)
    try:
        while not os.path.exists(path):
            guest.poll() is None or sys.exit("test_debug.py: QEMU does not start")
        said = gdb(["gdb", "-q", "-x", f"{ROOT}/tools/gdb/exo.py", "-ex", f"target remote {path}", KERNEL],
                   "exo symbols 0 " + GUEST, "hbreak debug_here", "continue", *commands, "delete", "detach")
        status = guest.wait(LIMIT_S)
    finally:
        guest.kill()
    with open(f"{work}/uart", errors="replace") as f:
        expect("the guest went on afterwards", f"{f.read()}status {status}", r"^ok debug", "status 1$")
    return said


def commands():
    said = at_guest("exo envs", "exo slices", "exo frame debug_names.frame", "exo account debug_names.account",
                    "exo guard debug_names.guard>>5 3", "exo guard debug_names.guard>>5 4", "exo keys 1", "exo act 1",
                    "exo act 2", "exo uarea 1", "exo pt 1 0x20000000", "exo pt 2 0x20000000", "exo trace 60",
                    "exo symbols 1", "exo symbols 0x7f8000000000", "info symbol 0x7f8000000100", "exo act 99",
                    "exo act 9999999", "exo frame", "exo frame 99999999", "exo account 5", "exo guard 5 0",
                    "exo symbols 2", "help exo")
    for command, patterns in {
        "exo envs": (r"^\* 1:1 +ALIVE +RUNNING", r"^  2:2 +ALIVE +PARKED"),
        "exo slices": (r"^\* cpu 0 slice 0 +owner 1:1", r"^  cpu 0 slice 1 +owner 2:2"),
        "exo frame debug_names.frame": (r": DATA public$", r"guard 0x\w+\.3 serial [1-9]", "bindings 1, pins 0",
                                        r"first bound by slot 0 of table 0x"),
        "exo account debug_names.account": (r": 22 of 22 frames used, 0 handed to 0", "parent 0x.*depth 1",
                                            "1 ACT, 1 ENV, 12 LINKS, 3 PT1, 1 PT2, 1 PT3, 1 RING, 1 ROOT, 1 UAREA"),
        "exo guard debug_names.guard>>5 3": ("generation.* 1 readers, 0 writers", "entry 0: 'Xyz' rwc"),
        "exo guard debug_names.guard>>5 4": (r"\.4: free$",),
        "exo keys 1": (r"^ +0: '' rwxpca$", r"^ +2: '' r$", r"bound to guard 0x\w+\.3 r$"),
        "exo act 1": ("1:1: RUNNING on cpu 0, u-area at 0x10000000",),
        "exo act 2": ("2:2: PARKED", "1 terms, deadline 0", "tag 7: .* EQ 0x3e8, is 0x"),
        "exo uarea 1": ("depth 0, critical 0", "entry EXCEPTION 0x.*<exo_upcall_exception>", "entry PROLOGUE"),
        "exo pt 1 0x20000000": ("level 4: .*present write user", r"level 1: table 0x\w+ slot 0 .* present user no-execute",
                                r"0x20000000 is 0x\w+000$"),
        "exo pt 2 0x20000000": ("level 1: .*absent",),
        "exo trace 60": (r"\[env 1\] guard_create\(guard=0x\w+\.3, .*\) = 0$", r"\[env 1\] key_bind\(",
                         r"switch to env 2:2, slice 1, prologue", r"\[env 2\] wait\(terms=.*count=1.*\)$"),
        "exo symbols 1": ("build/init.elf",),
        "exo symbols 0x7f8000000000": ("build/exos.elf.* 0x7f8000000000",),
        "info symbol 0x7f8000000100": ("in section .text of .*exos.elf",),
        "exo act 99": ("slot 99 of the environment table is free",), "exo act 9999999": ("no such slot",),
        "exo frame": ("usage: exo frame PFN",), "exo frame 99999999": ("no such frame",),
        "exo account 5": ("0x5 is no account",), "exo guard 5 0": ("is no guard",),
        "exo symbols 2": ("build/init.elf",),
        "help exo": ("exo account --", "exo trace --", "exo uarea --"),
    }.items():
        expect(command, said.get(command, "gdb ended before"), *patterns)


# ---- through the exo command -----------------------------------------------------------------------

def debugged(arguments, *commands):
    """(what gdb said, status, standard output, standard error) of a guest that waited for it."""
    process = subprocess.Popen([EXO, "run", "--debug", "--accel", "tcg", "--timeout", str(LIMIT_S), *arguments],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, errors="replace")
    try:
        line = process.stderr.readline()
        while line and "attach with: " not in line:
            line = process.stderr.readline()
        said = gdb(shlex.split(line.partition("attach with: ")[2]) or ["false"], *commands)
        out, err = process.communicate(timeout=LIMIT_S)
    finally:
        process.kill()
    return said, process.returncode, out, err


def process_of_exos():
    said, status, out, err = debugged(
        ["echo", "hello"], "hbreak sys_io_submit if (cpus[0].act->id & 0xffff) == 3", "continue", "exo symbols 3",
        "exo envs", "exo uarea 3", "delete", "detach")
    expect("exo symbols of a process", said.get("exo symbols 3", ""), r"exos.elf.* 0x7f\w+00000")
    expect("exo envs of ExOS", said.get("exo envs", ""), r"^  1:1 .*PARKED", r"^\* 3:\d+ .*RUNNING")
    expect("exo uarea of a process", said.get("exo uarea 3", ""), "critical 1", "entry SYSCALL.*<", "entry EVENT")
    expect("exo run --debug", f"{out}{err}status {status}", "^hello$", "status 0")


def panic(name, arguments, *patterns):
    """A kernel that finds itself wrong in the midst of a call."""
    text = "{char [12]}&boot_memory.cmdline = \"told by gdb\""
    said, status, out, err = debugged(
        [*arguments, "echo", "hello"], "hbreak sys_frame_claim if (cpus[0].act->id & 0xffff) == 3", "continue",
        f"set var {text}", "set $rdi = (long)&boot_memory.cmdline", "set $rip = (long)panic", "delete", "continue")
    expect(name, f"{err}status {status}", "exo: the kernel panicked:", r"^panic: told by gdb$",
           r"^  environment 3\w*0003, state 1$", r"^  called from \w+ (?:entry|stub)_\w+\+", "^  the last of .* events:$",
           *patterns, "status 125", absent=("Traceback",))
    expect(f"{name}: nothing else", out, "^$" if not out else "nothing on standard output")


def fault():
    _, status, _, err = debugged(
        ["echo", "hello"], "hbreak sys_frame_claim", "continue", "set $rip = 0x10", "delete", "continue")
    expect("a fault in the kernel", f"{err}status {status}", "exception in the kernel", "vector 14 error 0x10 address 0x10",
           "^  at 0+10", "^  rax", "status 125")


def traces():
    def traced(which, *program):
        done = subprocess.run([EXO, "run", "--accel", "tcg", "--timeout", str(LIMIT_S), f"--trace={which}",
                               *(program or ("echo", "hello"))],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False)
        return f"{done.stdout}{done.stderr}status {done.returncode}"

    linux, kernel = r"^\[\d+\] \w+\(", r"^\[env \d+\] "
    write, submit = r"^\[\d+\] write\(1, .*= 6$", r"^\[env 3\] io_submit\(device=0, queue=1, .*\) = 1$"
    everything = traced("kernel")
    expect("trace=kernel", everything, "^hello$", r"env_create\(spec=0x\w+\) = 0x\w+$", r"switch to env 3:\d+, slice",
           r"^\[env 3\] exception #PF addr=0x", submit, r"death of env 3:\d+: EXIT", "status 0",
           absent=(r"(?m)" + linux, "records of the kernel's trace were lost"))
    expect("calls of transfers", traced("kernel", "touch", "/tmp/x"), r"^\[env 3\] call\(env=2:2, rsi=\d+\)$", r"^\[env 3\] call: env 3:\d+ -> env 2:2$",
           r"^\[env 2\] return\(env=3:\d+, rsi=.*\)$", r"^\[env 2\] return: env 2:2 -> env 3:\d+$")
    expect("trace=linux", traced("linux"), "^hello$", write, "status 0", absent=("(?m)" + kernel,))
    expect("both, in their order", traced("linux,kernel"), submit, write, "exit_group", r"death of env 3")
    expect("names of either", traced("write,io_submit"), submit, write, "status 0",
           absent=("exit_group", "frame_claim", "switch"))
    expect("events alone", traced("exception"), r"^\[env 3\] exception #PF", "status 0", absent=(r"\(",))


def main():
    try:
        commands()
        process_of_exos()
        panic("panic", [], "^ +[0-9]+ env [0-9]+ switch ")
        panic("panic where calls are traced", ["--trace=kernel"], "^ +[0-9]+ env [0-9]+ call frame_claim 0x")
        fault()
        traces()
    finally:
        shutil.rmtree(work)
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
