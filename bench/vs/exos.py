# SPDX-License-Identifier: ISC
"""Aegis's guests: ExOS with the same programs as Linux, and native programs alone on the kernel."""

import re
import subprocess
import tempfile

import mkarchive
import qemu

DEMO = re.compile(r"(appel1|appel2|dirty query|tlrpc|lrpc) +(\d+) ns")


def command(root, files, options, icount=False, program=("sh", "/bench/job")):
    adds = [word for name, host in files.items() for word in ("--add", f"{host}:/{name}")]
    return [f"{root}/exo", "run", "--machine", "q35", "--accel", options.accel, "--cpus", str(options.cpus),
            "--memory", options.memory, *options.exo, *(["--icount"] if icount else []), *adds, "--", *program]


def run(argv, timeout):
    """What it said."""
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout)
    except subprocess.TimeoutExpired as late:
        return (late.stdout or b"").decode(errors="replace") + "\n(timed out)"
    return done.stdout + done.stderr


def boot(root, program, options, timed, memory="256M"):
    """What a program says that runs as boot/init."""
    archive = mkarchive.Archive()
    archive.add_file("boot/init", f"{root}/build/{program}.elf", 0o755)
    archive.add_bytes("boot/args", b"timed=1\0" if timed else b"\0")
    with tempfile.TemporaryDirectory() as scratch:
        with open(f"{scratch}/archive", "wb") as f:
            archive.write(f.fileno())
        argv = qemu.command(f"{root}/build/aegis.elf", f"{scratch}/archive", machine="q35", memory=memory, accel=options.accel, icount=not timed,
                            ports={qemu.PORT_LOG: f"file,path={scratch}/log"})
        subprocess.run(argv, stdin=subprocess.DEVNULL, timeout=300, check=False)
        with open(f"{scratch}/log", errors="replace") as f:
            return f.read()


def said_rows(said, timed):
    """`bench ROW N` of a program, in nanoseconds or instructions."""
    found = {name: int(n) for name, n in re.findall(r"bench (\S+) (\d+)", said)}
    hz = found.pop("tsc-hz")
    return {name: n * 1e9 / hz for name, n in found.items()} if timed else found


def native(root, options, timed):
    """{row: nanoseconds or instructions}: bench/kernel.c's, and those of two demos as "demo row"."""
    found = said_rows(boot(root, "bench/kernel", options, timed), timed)
    if timed:
        found["null-call"] = found["null-calls-100"] / 100	# one alone is not much longer than the clock's step
    for demo in ("barriers", "rpc"):
        said = boot(root, f"apps/demos/{demo}", options, timed)
        found |= {f"{demo} {name.split()[0]}": int(n) for name, n in DEMO.findall(said)}
    return found
