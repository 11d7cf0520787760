#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Boot every guest test and demo, collect what they say, say what failed.

  tests/run.py [-v] [--machine M]... [--kernel release|debug]... [--cpus N]...
               [--jobs N] [--timeout S] [--calls N] [--seed N] [--real-time] [NAME]...

A test is a static ELF that boots as init; it prints `ok NAME` or `FAIL NAME:
why` through the kernel log and stops the machine.  A demo counts as one test:
it passes when its status is 0.  A test that does not come to its end is a
failure too.  Output: failures, then a summary as the last line.

Time in the machine is counted in instructions, so that a busy host changes
nothing; --real-time gives it the host's clock, which finds other races.  With
several processors each is a thread of the host's, on its clock; all tests run
on one, SEVERAL on more (how_many), unless --cpus says otherwise.
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, f"{ROOT}/tools")
import mkarchive				# noqa: E402
import qemu					# noqa: E402

KERNELS = {"release": "build/aegis.elf", "debug": "build/debug/aegis.elf"}
RESULT = re.compile(r"(?:^|\s)(ok|FAIL) ([\w./-]+)(?::? ?(.*))?$")
HOST_TIME = ("edu.elf",)		# QEMU's edu device computes in a thread of its own, by the host's clock
SEVERAL = ("abi/smp", "abi/smp_take", "adversary/smp", "adversary/across",
           "adversary/local")	# what is about several processors
TAIL = 25				# log lines shown with a machine that went wrong


def programs(wanted):
    """(name, path, is it a demo) of everything built, or of what was asked for."""
    found = []
    for folder in ("tests/abi", "tests/adversary", "apps/demos"):
        for source in sorted(os.listdir(f"{ROOT}/{folder}")):
            if source.endswith(".c"):
                name = f"{os.path.basename(folder)}/{source[:-2]}"
                found.append((name, f"{ROOT}/build/{folder}/{source[:-2]}.elf", folder == "apps/demos"))
    if not wanted:
        return found
    found.append(("bench/smp", f"{ROOT}/build/bench/smp.elf", False))	# for make bench-smp
    chosen = [p for p in found if any(w in p[0] for w in wanted)]
    if not chosen:
        sys.exit(f"run.py: no such test: {' '.join(wanted)}")
    return chosen


def how_many(name, machine, kernel):
    """Numbers of processors to run a test on: 1, 2 and 4, but those not about several on one machine of each kind."""
    if (machine, kernel) in (("microvm", "release"), ("q35", "debug")):
        return (1, 2, 4)
    if name not in SEVERAL:
        return (1,)
    return (1, 2, 4) if kernel == "release" else (1, 2)


def boot(program, machine, kernel, cpus, options, scratch):
    """One machine: (QEMU's debug-exit status or None, what it said, seconds)."""
    archive = mkarchive.Archive()
    archive.add_file("boot/init", program, 0o755)
    archive.add_bytes("boot/args", f"calls={options.calls} seed={options.seed} cpus={cpus}\0".encode())
    archive.add_bytes("etc/greeting", b"hello from the archive\n")
    directory = tempfile.mkdtemp(dir=scratch)
    path = f"{directory}/archive"
    with open(path, "wb") as f:
        archive.write(f.fileno())
    extra = ["-device", "edu"] if machine == "q35" else []
    loop = socket.socketpair()		# what the guest sends on one port comes back on another
    gone = socket.socketpair()		# nobody reads this port
    gone[0].close()
    argv = qemu.command(f"{ROOT}/{KERNELS[kernel]}", path, machine=machine, accel="tcg", cpus=cpus,
                        icount=not (options.real_time or cpus > 1 or os.path.basename(program) in HOST_TIME),
                        ports={qemu.PORT_LOG: f"file,path={directory}/log",
                               qemu.PORT_STDERR: gone[1].fileno(),
                               qemu.PORT_STDIO: loop[0].fileno(), qemu.PORT_SPARE: loop[1].fileno()},
                        uart=f"file,path={directory}/uart", extra=extra)
    begin = time.monotonic()
    try:
        done = subprocess.run(argv, timeout=options.timeout, stdin=subprocess.DEVNULL,
                              pass_fds=[end.fileno() for end in (*loop, gone[1])], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        status, said = qemu.exit_status(done.returncode), done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired:
        status, said = None, f"no end after {options.timeout} s\n"
    seconds = time.monotonic() - begin
    for end in (*loop, gone[1]):
        end.close()
    for part in ("uart", "log"):
        try:
            with open(f"{directory}/{part}", errors="replace") as f:
                said += f.read()
        except OSError:
            pass			# the machine did not get far enough to open it
    shutil.rmtree(directory)
    return status, said.replace("\r", ""), seconds


def run(job):
    (name, path, demo), machine, kernel, cpus, options, scratch = job
    where = f"{name} [{machine} {kernel}{f' {cpus} cpus' if cpus > 1 else ''}]"
    if not os.path.exists(path):
        return where, 0, [f"FAIL {where}: not built"], ""
    status, said, seconds = boot(path, machine, kernel, cpus, options, scratch)
    passed, failures, done = 0, [], False
    for line in said.splitlines():
        match = RESULT.search(line)
        if match and match[1] == "ok":
            passed += 1
        elif match:
            failures.append(f"FAIL {where} {match[2]}: {match[3]}")
        done = done or line.rstrip().endswith(("done 0", "done 1"))
    if demo:
        passed, failures, done = int(status == 0), [], status == 0
    if not done or (status != 0 and not failures):
        tail = "\n".join("    | " + line for line in said.splitlines()[-TAIL:])
        failures.append(f"FAIL {where}: did not come to its end, status {status}, {seconds:.1f} s\n{tail}")
    return where, passed, failures, said


def main():
    parser = argparse.ArgumentParser(description="Boot the guest tests.")
    parser.add_argument("names", nargs="*", help="parts of test names; none: all")
    parser.add_argument("-v", action="store_true", help="show everything the machines say")
    parser.add_argument("--machine", action="append", choices=qemu.MACHINES)
    parser.add_argument("--kernel", action="append", choices=KERNELS)
    parser.add_argument("--cpus", action="append", type=int, choices=range(1, 9), metavar="N")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--timeout", type=float, default=240)
    parser.add_argument("--real-time", action="store_true", help="the host's clock instead of one instruction a nanosecond")
    parser.add_argument("--calls", type=int, default=20000, help="calls that the fuzzer makes")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    kernels = options.kernel or [k for k in KERNELS if os.path.exists(f"{ROOT}/{KERNELS[k]}")]
    os.makedirs(f"{ROOT}/build", exist_ok=True)
    scratch = tempfile.mkdtemp(prefix="tests.", dir=f"{ROOT}/build")
    jobs = [(p, m, k, c, options, scratch) for p in programs(options.names)
            for m in options.machine or qemu.MACHINES for k in kernels
            for c in options.cpus or how_many(p[0], m, k)]
    passed = failed = 0
    try:
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            for where, good, failures, said in pool.map(run, jobs):
                passed += good
                failed += len(failures)
                if options.v:
                    print(f"== {where}\n{said}", end="")
                for failure in failures:
                    print(failure, flush=True)
    except KeyboardInterrupt:
        shutil.rmtree(scratch, ignore_errors=True)
        os._exit(130)			# without waiting for the other jobs; the machines got the key, too
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if not kernels:
        failed += 1
        print("FAIL: no kernel is built")
    print(f"{passed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
