# SPDX-License-Identifier: ISC
"""Is everything built?  Without asking make, which takes longer than a run should.

The stamp's time is when the last successful make began; a source directory or
file that is newer means that make must be asked.  Directories count because a
file that was removed or renamed leaves its trace there.
"""

import os

from . import ExoError, say

SOURCES = ("abi", "include", "kernel", "libexo", "exos", "apps", "mk", "tools")
SKIP = ("__pycache__", "exo", "lint")
OUTPUTS = {"runnable": ("aegis.elf", "base.exoar"), "image": ("base.exoar",)}


def newer(directory, limit_ns):
    """Is something in here changed after that time?  Links are not followed."""
    pending = [directory]
    while pending:
        place = pending.pop()
        try:
            if os.stat(place).st_mtime_ns > limit_ns:
                return True
            entries = list(os.scandir(place))
        except FileNotFoundError:
            continue
        for entry in entries:
            if entry.name in SKIP:
                continue
            if entry.is_dir(follow_symlinks=False):
                pending.append(entry.path)
            elif entry.stat(follow_symlinks=False).st_mtime_ns > limit_ns:
                return True
    return False


def up_to_date(root, target, stamp):
    try:
        limit_ns = os.stat(stamp).st_mtime_ns
        for name in OUTPUTS[target]:
            os.stat(f"{root}/build/{name}")
    except FileNotFoundError:
        return False
    if os.stat(f"{root}/Makefile").st_mtime_ns > limit_ns:
        return False
    return not any(newer(f"{root}/{name}", limit_ns) for name in SOURCES)


def ensure(root, target="runnable"):
    """target: a name in OUTPUTS and of a make target."""
    if not os.access(f"{root}/Makefile", os.R_OK):
        return				# an installed copy: nothing to build from
    stamp = f"{root}/build/{target}.stamp"
    if up_to_date(root, target, stamp):
        return
    import fcntl
    if not os.access(f"{root}/build" if os.path.exists(f"{root}/build") else root, os.W_OK):
        raise ExoError(f"{root}/build is out of date, and not yours to write: run make as its owner")
    os.makedirs(f"{root}/build", exist_ok=True)
    with open(f"{root}/build/{target}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)	# several exo at once build once
        if not up_to_date(root, target, stamp):
            make(root, target, stamp)


def make(root, target, stamp):
    import subprocess
    import time
    begin_ns = time.time_ns()
    command = ["make", "-s", "-C", root, "-j", str(os.cpu_count() or 1), target]
    if subprocess.run([f"{root}/tools/setup.sh"], stdout=2, check=False).returncode:
        raise ExoError("set-up failed")
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    if subprocess.run([*command, "-q"], check=False, **quiet).returncode:
        say("building ...")
        if subprocess.run(command, stdin=subprocess.DEVNULL, stdout=2, check=False).returncode:
            raise ExoError("the build failed")
    with open(stamp, "w"):
        pass
    os.utime(stamp, ns=(begin_ns, begin_ns))
