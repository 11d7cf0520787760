#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""The `exo` command against a played guest (fake_qemu.py): streams, statuses, files, signals.

It runs from a copy without sources, as an installed one: nothing is built meanwhile.
Prints `ok NAME` or `FAIL NAME: why`, and last `N passed, N failed`.
"""

import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.realpath(f"{HERE}/../..")
work = tempfile.mkdtemp(prefix="exo-test-")
EXO = f"{work}/copy/exo"
for part in ("bin", "copy/tools", "copy/build/gen"):
    os.makedirs(f"{work}/{part}")
for part in ("exo", "tools/qemu.py", "tools/mkarchive.py", "build/gen/calls.json"):
    shutil.copy(f"{ROOT}/{part}", f"{work}/copy/{part}")
shutil.copytree(f"{ROOT}/tools/exo", f"{work}/copy/tools/exo")
subprocess.run([sys.executable, f"{ROOT}/tools/mkarchive.py", f"{work}/copy/build/base.exoar",
                f"@{ROOT}/tools/image/base.spec", f"{ROOT}/tools/image/etc:etc"], check=True)
shutil.copy("/bin/busybox", f"{work}/hello")
os.symlink(f"{HERE}/fake_qemu.py", f"{work}/bin/qemu-system-x86_64")
ENV = {**os.environ, "PATH": f"{work}/bin:{os.environ['PATH']}", "MARK": "m1", "EXO_TOOLS": f"{work}/copy/tools"}
ARGV = [EXO, "run", "--accel", "tcg", "--kernel", "/dev/null", "--timeout", "20"]
failures = passes = 0


class Result:
    def __init__(self, *arguments, **how):
        stdin = how.pop("stdin", b"")
        done = subprocess.run([*ARGV, *arguments], env=ENV, cwd=work, capture_output=True,
                              input=stdin if isinstance(stdin, bytes) else None,
                              stdin=None if isinstance(stdin, bytes) else stdin, timeout=30)
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr.decode()


def expect(name, result, status=0, out=None, err=""):
    """err: '' nothing at all, else a part of the one line."""
    global failures, passes
    why = []
    if result.status != status:
        why.append(f"status {result.status}, not {status}")
    if out is not None and result.out != out:
        why.append(f"output {result.out[:200]!r}, not {out[:200]!r}")
    if (err == "" and result.err) or err not in result.err or "Traceback" in result.err \
            or (err and "panic" not in err and result.err.count("\n") != 1):
        why.append(f"stderr {result.err!r}, not {err!r}")
    if why:
        failures += 1
        print(f"FAIL {name}: {'; '.join(why)}")
    else:
        passes += 1
        print(f"ok {name}")


def streams():
    expect("status", Result("status", "7"), 7)
    expect("signal status", Result("killed", "11"), 139)
    expect("both outputs", Result("both"), 3, b"out\n", "err\n")
    data = bytes(range(256)) * 8192
    done = subprocess.run([*ARGV, "joined"], env=ENV, cwd=work, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
    result = Result("joined")
    expect("outputs that are two files", result, 0, b"apart\n", "")
    result.status, result.out = done.returncode, done.stdout
    expect("outputs that are one file", result, 0, b"joined\n", "")
    expect("binary both ways, 2 MiB", Result("reverse", stdin=data), 0, data[::-1])
    expect("empty input", Result("reverse"), 0, b"")
    expect("output after the exit message", Result("late"), 0, b"x" * (1 << 20))
    expect("shell from input", Result(stdin=b"both\n"), 3, b"out\n", "err\n")
    expect("not found", Result("no-such"), 127, b"", "exo: no-such: not found in the guest")
    expect("only on the host", Result("git"), 127, b"", "--add /usr/bin/git:/usr/bin/git")
    expect("not executable", Result("noexec"), 126, b"", "Exec format error")
    with open(f"{work}/lines", "wb") as f:
        f.write(b"one\ntwo\n")
    with open(f"{work}/lines", "rb") as f:
        expect("reads one line", Result("head", stdin=f), 0, b"one\n")
        expect("leaves the rest of a file", Result("head", stdin=f), 0, b"two\n")
    trace = Result("--trace", "trace")
    expect("trace on stderr", trace, 0, b"", "open(")
    expect("trace to a file", Result("--trace-out", "t", "trace"), 0, b"")
    with open(f"{work}/t") as f:
        assert f.read() == 'open("/x = -9") = -2 ENOENT\n'
    expect("trace of a call", Result("--trace=open,null", "trace"), 0, b"", "open(")
    expect("trace of another call", Result("--trace=close", "trace"), 0, b"")
    expect("trace of the kernel", Result("--trace=kernel", "--trace-out", "t", "ktrace"), 0, b"")
    with open(f"{work}/t") as f:
        assert f.read() == """\
[env 3] map(env=3:7, vec=0x5000, count=2, k_env=4) = -6 KEY (the key slot named holds no key)
[env 3] exception #PF addr=0x7000 error=0x6 rip=0x401000
... 5 records of the kernel's trace were lost
"""
    expect("trace of one kind", Result("--trace=irq", "ktrace"), 0, b"", "... 5 records")


def closed():
    for what, redirection, out in (("input", "<&-", b"out\n"), ("output", ">&-", b"")):
        done = subprocess.run(["sh", "-c", f'"$@" {redirection}', "-", *ARGV, "both"], env=ENV, cwd=work,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)
        result = Result.__new__(Result)
        result.status, result.out, result.err = done.returncode, done.stdout, done.stderr.decode()
        expect(f"closed {what}", result, 3, out, "err\n")
    done = subprocess.run(["sh", "-c", '"$@" 2>&-', "-", *ARGV, "both"], env=ENV, cwd=work,
                          stdout=subprocess.PIPE, timeout=30)
    result.status, result.out, result.err = done.returncode, done.stdout, ""
    expect("closed error", result, 3, b"out\n")


def ended(pid):
    """Gone, or a zombie that nobody reaps."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def killed():
    """Nothing is left of the guest when exo itself is killed."""
    child = subprocess.Popen([*ARGV, "signal"], env=ENV, cwd=work, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    child.stdout.readline()
    with open(f"/proc/{child.pid}/task/{child.pid}/children") as f:
        guest = int(f.read().split()[0])
    child.kill()
    child.wait()
    result = Result.__new__(Result)
    result.status, result.out, result.err = 0, b"", ""
    for _ in range(50):
        if ended(guest):
            break
        time.sleep(0.02)
    else:
        os.kill(guest, signal.SIGKILL)
        result.status = "the guest lives on"
    expect("killed", result)


def troubles():
    expect("panic", Result("panic"), 125, b"", "the kernel panicked:\npanic: mem/frame.c:12")
    expect("QEMU fails", Result("crash"), 125, b"", "exo: qemu: could not do it")
    begin = time.monotonic()
    expect("time-out", Result("--timeout", "0.5", "hang"), 124, b"", "exo: ended after 0.5 s")
    if time.monotonic() - begin > 3:
        expect("time-out in time", Result("status", "1"))
    for bad in (["--frob"], ["--cpus"], ["--cpus", "0"], ["--memory", "x"], ["--machine", "pc"],
                ["--add", "/nonexistent"], ["--add", ":x"], ["--timeout", "-1"], ["--env", "=x"],
                ["--stats=1"], ["--trace=frobnicate", "status"], ["--memory", "8M", "status", "0"], ["--memory", "2000G", "status", "0"], ["--kernel", "/nonexistent", "status"]):
        expect(f"refused: {' '.join(bad)}", Result(*bad), 125, b"", "exo: ")


def programs():
    expect("host program", Result("./hello"), 127, b"", "./hello: not found")	# the fake does not know it
    expect("no such host program", Result("./none"), 127, b"", "./none: no such file")
    expect("a directory", Result("./bin"), 126, b"", "is a directory")
    with open(f"{work}/text", "w") as f:
        f.write("hello\n")
    expect("no x bit", Result("./text"), 126, b"", "not executable")
    os.chmod(f"{work}/text", 0o755)
    expect("not a program", Result("./text"), 126, b"", "neither an ELF")
    with open(f"{work}/hello", "rb") as f:
        image = bytearray(f.read(4096))
    image[18] = 183
    with open(f"{work}/arm", "wb") as f:
        f.write(image)
    os.chmod(f"{work}/arm", 0o755)
    expect("other architecture", Result("./arm"), 126, b"", "for AArch64")
    shutil.copy("/bin/ls", f"{work}/dynamic")
    expect("dynamic", Result("./dynamic"), 126, b"", "dynamically linked")
    result = Result("--no-rewrite", "--env", "MARK", "--env", "A=b=c", "--workdir", "/work", "records", "x y", "")
    for line in (b"rewrite=0\n", b"cwd=/work\n", b"arg=records\narg=x y\narg=\n", b"env=MARK=m1\n", b"env=A=b=c\n"):
        if line not in result.out:
            result.status = f"without {line}"
    expect("boot/run", result)


def files():
    os.makedirs(f"{work}/tree/sub")
    with open(f"{work}/tree/f", "w") as f:
        f.write("12345")
    os.chmod(f"{work}/tree/f", 0o4711)
    os.symlink("../f", f"{work}/tree/sub/l")
    expect("add a tree", Result("--add", "tree:/data", "list", "data"), 0,
           b"data 40755  0\ndata/f 104711  5\ndata/sub 40755  0\ndata/sub/l 120777 ../f 0\n")
    expect("add a file", Result("--add", "tree/f", "list", "root/f"), 0, b"root/f 104711  5\n")
    expect("replace a file", Result("--add", "tree/f:/etc/hostname", "list", "etc/hostname"), 0,
           b"etc/hostname 104711  5\n")
    expect("get", Result("--get", "/x:got", "files"))
    with open(f"{work}/got/a") as f:
        assert f.read() == "A" * 10000
    assert os.stat(f"{work}/got/a").st_mode == 0o100750
    assert os.readlink(f"{work}/got/sub/l") == "../a"
    result = Result("--get", "/x:bad", "escape")
    if result.err.count("bad name from the guest") != 4 or sorted(os.listdir(f"{work}/bad")) != ["l"] \
            or os.path.exists("/tmp/evil") or os.path.exists(f"{work}/evil"):
        result.status = "escaped"
    result.err = ""
    expect("get stays in its place", result, 125)
    expect("get nothing", Result("--get", "/x", "mute"), 125, b"", "did not send")


def signals():
    for number, times, status in ((signal.SIGTERM, 1, 143), (signal.SIGINT, 1, 130), (signal.SIGUSR1, 1, 138)):
        child = subprocess.Popen([*ARGV, "signal"], env=ENV, cwd=work, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        child.stdout.readline()
        child.send_signal(number)
        out, err = child.communicate(timeout=20)
        result = Result.__new__(Result)
        result.status, result.out, result.err = child.returncode, out, err.decode()
        expect(f"passes on {number.name}", result, status)
    child = subprocess.Popen([*ARGV, "hang"], env=ENV, cwd=work, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(0.5)
    for _ in range(3):
        child.send_signal(signal.SIGTERM)
        time.sleep(0.05)
    out, err = child.communicate(timeout=20)
    result = Result.__new__(Result)
    result.status, result.out, result.err = child.returncode, out, err.decode()
    expect("the third SIGTERM ends it", result, 143)
    shell = subprocess.run(["bash", "-c", '"$@" | head -n 1; echo ${PIPESTATUS[0]}', "-", *ARGV, "flood"],
                           env=ENV, cwd=work, capture_output=True, timeout=20)
    result.status, result.out, result.err = shell.returncode, shell.stdout, shell.stderr.decode()
    expect("broken pipe", result, 0, b"y\n141\n")


def terminals():
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(work)
        os.execve(EXO, [*ARGV, "signal"], ENV)
    seen = b""
    while b"ready" not in seen:
        seen += os.read(master, 1000)
    os.write(master, b"\x01x")
    _, status = os.waitpid(pid, 0)
    result = Result.__new__(Result)
    result.status, result.out, result.err = os.waitstatus_to_exitcode(status), seen, ""
    expect("the key ends it", result, 129, b"ready\n")		# raw: no CR added


def told():
    """A person hears what ended the program; who has standard error elsewhere, nothing."""
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(work)
        os.execve(EXO, [*ARGV, "killed", "9"], ENV)
    seen = b""
    try:
        while True:
            seen += os.read(master, 1000)
    except OSError:		# the other side is closed
        pass
    result = Result.__new__(Result)
    result.status, result.out = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), b""
    result.err = seen.decode()
    expect("killed, on a terminal", result, 137, b"", "exo: killed: killed (exo run -v")


for group in (streams, closed, killed, troubles, programs, files, signals, terminals, told):
    group()
shutil.rmtree(work)
print(f"{passes} passed, {failures} failed")
sys.exit(failures != 0)
