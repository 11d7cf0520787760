# SPDX-License-Identifier: ISC
"""An interactive shell in a terminal: a pty is the keyboard and the screen."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import exo

PATIENCE_S = 60
PROMPT = "$ "
ASK_CURSOR = "\x1b[6n"			# busybox's shell asks where the cursor is; it goes on without an answer


class Terminal:
    def __init__(self, *arguments, rows=30, columns=90):
        self.seen = ""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            try:
                os.execv(exo.EXO, [exo.EXO, "run", *exo.OPTIONS, "--env", f"PS1={PROMPT}", *arguments])
            finally:
                os._exit(127)		# whatever went wrong: this is not the tests' process
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.master)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, timeout):
        if not select.select([self.master], [], [], timeout)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:			# the other side has closed it
            data = b""
        self.seen = (self.seen + data.decode(errors="replace")).replace(ASK_CURSOR, "")
        return bool(data)

    def expect(self, pattern, patience=PATIENCE_S):
        """What was seen up to the pattern; it is forgotten."""
        end = time.monotonic() + patience
        while True:
            found = re.search(pattern, self.seen)
            if found:
                text, self.seen = self.seen[:found.end()], self.seen[found.end():]
                return text
            left = end - time.monotonic()
            assert left > 0 and self.read(left), f"no {pattern!r} in {self.seen[-400:]!r}"

    def prompt(self):
        return self.expect(re.escape(PROMPT) + "$")

    def type(self, text):
        os.write(self.master, text.encode())

    def command(self, text):
        """Type a line; what it said, without the echo."""
        self.type(text + "\r")
        said = self.prompt().replace("\r\n", "\n")
        assert said.startswith(text + "\n"), f"{text!r} is echoed as {said!r}"
        return said[len(text) + 1:-len(PROMPT)]

    def end(self):
        """The status of exo."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                after = termios.tcgetattr(self.master)
                os.close(self.master)
                assert after == self.before, "the terminal is not as it was"
                return os.waitstatus_to_exitcode(status)
            self.read(0.02)
        self.kill()
        raise AssertionError(f"exo does not end: {self.seen[-300:]!r}")

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.master)


def shell(*arguments, **how):
    t = Terminal(*(arguments or ("sh",)), **how)
    t.prompt()
    return t


def running(t, command):
    """Start a program that reads the terminal: not before it runs may anything be typed for it."""
    t.type(f"echo go''ing; {command}\r")
    t.expect("\ngoing\r\n")


def same(got, expected):
    assert got == expected, f"{got!r}, not {expected!r}"


def prompt_and_echo():
    """prompt, echo, commands, exit"""
    t = shell()
    same(t.command("echo hello world"), "hello world\n")
    same(t.command("tty; [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo all"), "/dev/console\nall\n")
    same(t.command("ls /nosuch; echo $?"), "ls: /nosuch: No such file or directory\n1\n")
    same(t.command("stty size"), "30 90\n")
    same(t.command("(exit 3); echo $?"), "3\n")
    same(t.command("echo $((6*7))"), "42\n")
    t.type("exit 5\r")
    same(t.end(), 5)


def line_editing():
    """erase, kill, left and right, history, ^U, ^W"""
    t = shell()
    for typed, said in (("echo abX\x7fc", "abc"), ("rubbish\x15echo kill", "kill"), ("echo one two\x17three", "one three"),
                        ("echo ac\x1b[Db", "abc"), ("xecho front\x01\x1b[3~", "front"), ("echo end\x01\x05!", "end!")):
        t.type(typed + "\r")
        t.expect("\n")
        same(t.prompt().replace("\r\n", "\n"), f"{said}\n{PROMPT}")
    t.type("\x1b[A\x1b[A\r")
    t.expect("\n")
    same(t.prompt().replace("\r\n", "\n"), f"front\n{PROMPT}")
    t.type("exit\r")
    same(t.end(), 0)


def canonical():
    """the terminal's own line editing: cat"""
    t = shell()
    running(t, "cat")
    t.type("abX\x7fc\r")
    t.expect("\r\nabc\r\n")
    t.type("gone\x15here\r")
    t.expect("\r\nhere\r\n")
    t.type("no newline\x04")
    t.expect("no newlineno newline")
    t.type("\r")
    t.expect("\n\r\n")
    t.type("\x04")
    t.prompt()
    same(t.command("echo back"), "back\n")
    t.type("\x04")
    same(t.end(), 0)


def interrupt():
    """^C ends what runs, the prompt is back"""
    t = shell()
    t.type("sleep 100\r")
    t.expect("sleep 100\r\n")
    time.sleep(0.2)
    t.type("\x03")
    t.prompt()
    same(t.command("echo $?"), "130\n")
    t.type("while :; do :; done\r")
    t.expect("done\r\n")
    time.sleep(0.2)
    t.type("\x03")
    t.prompt()
    t.type("yes | cat >/dev/null\r")
    t.expect("null\r\n")
    time.sleep(0.2)
    t.type("\x03")
    t.prompt()
    t.type("yes\r")
    t.expect("y\r\ny\r\n")
    t.type("\x03")
    t.expect("\\^C")
    t.prompt()
    t.type("half a line\x03")
    t.prompt()
    same(t.command("echo alive"), "alive\n")
    running(t, "cat")
    t.type("\x1c")
    t.prompt()
    same(t.command("echo $?"), "131\n")
    t.type("\x04")
    same(t.end(), 0)


def jobs():
    """^Z, jobs, bg, fg"""
    t = shell()
    t.type("sleep 3\r")
    t.expect("sleep 3\r\n")
    time.sleep(0.3)
    t.type("\x1a")
    assert "Stopped" in t.prompt()
    assert "Stopped" in t.command("jobs")
    t.type("fg\r")
    t.expect("fg\r\nsleep 3\r\n")
    t.prompt()
    same(t.command("jobs"), "")
    running(t, "cat")
    time.sleep(0.2)
    t.type("\x1a")
    t.prompt()
    t.command("bg")			# wants to read: is stopped again
    time.sleep(0.2)
    assert "tty input" in t.command("jobs") or "Stopped" in t.command("jobs")
    t.type("fg\r")
    t.expect("cat\r\n")
    t.type("through\r")
    t.expect("through\r\nthrough\r\n")
    t.type("\x04")
    t.prompt()
    t.type("exit\r")
    same(t.end(), 0)


def bash_jobs():
    """bash: job control, history, completion"""
    t = Terminal("--add", "/bin/bash-static:/bin/bash", "bash", "--norc", "-i")
    t.prompt()
    t.type("sleep 100\r")
    t.expect("sleep 100\r\n")
    time.sleep(0.3)
    t.type("\x1a")
    assert "Stopped" in t.prompt()
    t.type("kill %1; wait; echo ended\r")
    t.expect("\nended\r\n")
    t.prompt()
    t.type("echo /bin/busyb\t\r")
    t.expect("/bin/busybox\\s*\r\n/bin/busybox\r\n")
    t.prompt()
    t.type("\x12busyb\r")
    t.expect("\n/bin/busybox\r\n")
    t.prompt()
    t.type("sleep 100\r")
    t.expect("100\r\n")
    time.sleep(0.3)
    t.type("\x03")
    t.prompt()
    t.type("exit\r")
    same(t.end(), 130)


def zsh():
    """zsh: its line editor, completion, job control"""
    t = Terminal("--add", "/bin/zsh-static:/bin/zsh", "zsh", "-f", "-o", "nopromptsp", "-i")
    t.type("unset zle_bracketed_paste; PS1='@''> '\r")
    t.expect("@> ")
    for typed, said in (("echo /bin/busyb\t\r", "/bin/busybox"), ("echo a b\x1b[D\x1b[DX\r", "aX b"),
                        ("echo gone\x15echo back\r", "back"), ("\x1b[A\r", "back"), ("print -P '%y'\r", "console")):
        t.type(typed)
        t.expect(f"\n{said}\r+\n.*@> ")
    t.type("sleep 100\r")
    t.expect("100\r+\n")
    time.sleep(0.3)
    t.type("\x1a")
    t.expect("suspended  sleep 100\r\n.*@> ")
    t.type("kill %1; wait; echo ended\r")
    t.expect("\nended\r\n")
    t.type("exit 3\r")
    same(t.end(), 3)


def flow():
    """^S holds output, ^Q lets it go; ^V takes a key as it is"""
    t = shell()
    running(t, "cat; seq 5")
    t.type("\x13held\r")
    time.sleep(0.3)
    t.read(0.1)
    assert "held" not in t.seen, t.seen
    t.type("\x11")
    t.expect("held\r\nheld\r\n")
    t.type("\x16\x03\x16\x13\r")
    t.expect("\\^\b\\^C\\^\b\\^S\r\n\x03\x13\r\n")
    t.type("\x04")
    t.prompt()
    t.type("exit\r")
    same(t.end(), 0)


def paste():
    """100 KiB pasted: every byte arrives"""
    t = shell()
    lines = "".join(f"{n:5d} {'x' * 57}\r" for n in range(1600))
    running(t, "stty -echo; cat | md5sum; stty echo")
    time.sleep(0.3)
    for at in range(0, len(lines), 4096):
        t.type(lines[at:at + 4096])
        t.read(0)
    t.type("\x04")
    expected = subprocess.run(["md5sum"], input=lines.replace("\r", "\n").encode(), stdout=subprocess.PIPE, check=True)
    t.expect(expected.stdout.decode().split()[0])
    t.prompt()
    t.type("exit\r")
    same(t.end(), 0)


def vi():
    """vi opens, edits, writes, quits"""
    t = shell()
    t.type("vi f\r")
    t.expect("~")
    t.type("ifirst line\rsecond\x1b")
    time.sleep(0.3)			# else escape and colon could be a key that vi does not know
    t.type(":wq\r")
    t.prompt()
    same(t.command("cat f"), "first line\nsecond\n")
    t.type("vi f\r")
    t.expect("second")
    t.type("ddp:q!\r")
    t.prompt()
    same(t.command("cat f; stty -a | grep -c ' icanon'"), "first line\nsecond\n1\n")
    t.type("seq 100 | less\r")
    t.expect("29")
    t.type("q")
    t.prompt()
    t.type("exit\r")
    same(t.end(), 0)


def window():
    """the window's size, and its change"""
    t = shell(rows=41, columns=77)
    same(t.command("stty size"), "41 77\n")
    t.command("trap 'echo resized' WINCH")
    t.resize(20, 50)
    os.kill(t.pid, signal.SIGWINCH)
    time.sleep(0.3)
    t.type("stty size\r")
    t.expect("\r\n20 50\r\n")
    t.prompt()
    t.type("exit\r")
    t.end()


def escape():
    """Ctrl-A x ends the guest, Ctrl-A Ctrl-A is itself"""
    t = shell()
    running(t, "cat -v")
    t.type("\x01\x01\r")
    t.expect("\\^A\r\n")
    t.type("\x01x")
    same(t.end(), 129)


def no_echo():
    """stty: echo off, one byte at a time"""
    t = shell()
    t.type("stty -echo; read x; stty echo; echo \"[$x]\"\r")
    t.expect("\"\r\n")
    time.sleep(0.3)
    t.type("hidden\r")
    text = t.prompt()
    assert "hidden" in text and text.count("hidden") == 1, text
    t.type("stty raw; dd bs=1 count=3 2>/dev/null | od -c; stty -raw\r")
    t.expect("raw\r\n")
    time.sleep(0.3)
    t.type("a\x03\r")
    assert re.search(r"a 003\s+\\r", t.prompt())
    same(t.command("echo sane"), "sane\n")
    t.type("exit\r")
    t.end()


def hang_up():
    """the terminal goes away"""
    t = shell()
    t.type("sleep 100\r")
    t.expect("100\r\n")
    os.close(t.master)
    end = time.monotonic() + PATIENCE_S
    while os.waitpid(t.pid, os.WNOHANG) == (0, 0):
        if time.monotonic() > end:
            os.kill(t.pid, signal.SIGKILL)
            os.waitpid(t.pid, 0)
            raise AssertionError("exo lives on")
        time.sleep(0.05)


def ticks(pid):
    """Processor time of a process and all below it, in s."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    with open(f"/proc/{pid}/task/{pid}/children") as f:
        return own + sum(ticks(child) for child in f.read().split())


def idle():
    """a prompt at which nobody types costs nothing"""
    t = shell()
    t.command("sleep 50 &")
    time.sleep(0.5)
    before = ticks(t.pid)
    time.sleep(2)
    used = ticks(t.pid) - before
    t.kill()
    assert used < 0.1, f"{used:.2f} s of 2 s at the prompt"


def set_id():
    """a set-id program has its terminal, as a user's job"""
    t = shell("--add", f"{exo.ROOT}/build/alike/bin/setid.musl:/bin/rootly", "sh")
    t.type("chmod 4755 /bin/rootly; su -s /bin/sh user\n")
    t.expect("built-in shell")
    t.prompt()
    t.type("rootly tty\n")
    t.expect("tty 111 euid 0 foreground 1")
    t.type("hello\n")
    t.expect("got hello")
    t.type("\x1a")
    t.expect("Stopped")
    t.prompt()
    t.type("fg\n")
    t.expect("rootly")
    t.type("again\n")
    t.expect("got again")
    t.type("\x04")
    t.prompt()
    t.type("echo $?; rootly tty\n")
    t.expect("\\b5\\b")
    t.expect("tty 111 euid 0")
    t.type("\x03")
    t.prompt()
    t.type("echo $?; exit\n")
    t.expect("130")
    t.prompt()
    t.type("exit\n")
    same(t.end(), 0)


TESTS = [set_id, prompt_and_echo, line_editing, canonical, interrupt, jobs, bash_jobs, zsh, flow, paste, vi, window, escape, no_echo, hang_up, idle]
