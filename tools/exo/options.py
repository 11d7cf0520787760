# SPDX-License-Identifier: ISC
"""The options of `exo run`, once: names, defaults, help, checks."""

from . import ExoError

MIB = 1 << 20


def number(text, low, high, what):
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise ExoError(f"{what}: a number from {low} to {high} wanted, not '{text}'")
    return int(text)


def cpus(text):
    return number(text, 1, 8, "--cpus")


def memory(text):
    """Bytes.  A plain number is MiB, as for QEMU."""
    units = {"K": 1 << 10, "M": MIB, "G": 1 << 30}
    unit = units.get(text[-1:].upper())
    digits = text[:-1] if unit else text
    if not digits.isascii() or not digits.isdigit():
        raise ExoError(f"--memory: a size such as 256M or 2G wanted, not '{text}'")
    if int(digits) * (unit or MIB) > 1 << 40:
        raise ExoError(f"--memory: 1024G at most, not {text}")
    return int(digits) * (unit or MIB)


def choice(name, *allowed):
    def check(text):
        if text not in allowed:
            raise ExoError(f"{name}: one of {', '.join(allowed)} wanted, not '{text}'")
        return text
    return check


def seconds(text):
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1e9:
        raise ExoError(f"--timeout: seconds wanted, not '{text}'")
    return value


def kill_server(text):
    words = text.split(",")
    words += ["1", "0", "0", "0"][len(words) - 1:]
    return [number(word, 0, 1 << 30, "--kill-server") for word in words[:5]]


def variable(text):
    if not text.partition("=")[0]:
        raise ExoError(f"--env: NAME or NAME=VALUE wanted, not '{text}'")
    return text


# name, argument ('' none, '[=X]' optional), default, check, repeatable, help
OPTIONS = [
    ("cpus", "N", 1, cpus, False, "processors (default 1)"),
    ("scatter", "", False, None, False, "each new process begins on the next processor, not on its parent's"),
    ("kill-server", "N[,STEP[,OP[,FAULT[,AGAIN]]]]", None, kill_server, False,
     "end ExOS's server in each Nth request, STEP instructions further on each time, of operation OP alone, by a fault if FAULT is 1, without an end if 2; "
     "AGAIN: and the next one while it begins anew, AGAIN instructions further on each time (a test of its restart)"),
    ("memory", "SIZE", 256 * MIB, memory, False, "memory, e.g. 256M (the default), 2G"),
    ("machine", "M", "microvm", choice("--machine", "microvm", "q35"), False,
     "microvm (default, starts faster) or q35 (has PCI)"),
    ("accel", "A", "auto", choice("--accel", "auto", "tcg", "kvm"), False,
     "auto (default: KVM if it works, else emulation), tcg or kvm"),
    ("libos", "FILE", None, str, False,
     "start PROGRAM under this library OS, a native program of the host's, instead of ExOS"),
    ("add", "HOST[:GUEST]", None, str, True,
     "put a host file or directory into the guest, modes and links kept; GUEST defaults to its name in the working directory"),
    ("get", "GUEST[:HOST]", None, str, True,
     "copy a guest file or directory out when the program has ended"),
    ("env", "K[=V]", None, variable, True, "set a variable; without =V the caller's value"),
    ("workdir", "DIR", "/root", str, False, "the program's working directory (default /root), made if it is absent"),
    ("timeout", "SECONDS", None, seconds, False, "end the guest after that time, with status 124"),
    ("trace", "[=LIST]", None, str, False,
     "show the Linux calls made (linux, the default), the kernel's calls and events (kernel), or those named of either (a,b,c)"),
    ("trace-out", "FILE", None, str, False, "the trace goes there instead of standard error"),
    ("stats", "", False, None, False, "show counters and times at the end"),
    ("no-rewrite", "", False, None, False, "leave programs' call sites as they are: every Linux call goes by the kernel"),
    ("debug", "", False, None, False, "wait for a debugger before the first instruction"),
    ("kernel", "FILE", None, str, False, "another kernel than build/aegis.elf"),
    ("unprotected", "", False, None, False, "a kernel that checks no rights (make unprotected), to measure what that costs: never for programs that must not harm each other"),
    ("icount", "", False, None, False, "deterministic time: one nanosecond an instruction"),
    ("qemu", "ARG", None, str, True, "a further argument for QEMU"),
    ("verbose", "", False, None, False, "show the kernel's log"),
]
TABLE = {o[0]: o for o in OPTIONS}


class Options:
    """One attribute for each option (with _ for -), and `program`: what follows them."""

    def __init__(self):
        for name, _, default, _, repeat, _ in OPTIONS:
            setattr(self, name.replace("-", "_"), [] if repeat else default)
        self.program = []
        self.ktrace = None		# the part of --trace that is the kernel's


def parse(arguments):
    """Options come before PROGRAM; what follows PROGRAM is its own."""
    options = Options()
    place = 0
    while place < len(arguments):
        word = arguments[place]
        if word == "--":
            place += 1
            break
        if not word.startswith("-") or word == "-":
            break
        place += 1
        if word == "-v":
            word = "--verbose"
        name, equals, value = word[2:].partition("=")
        if not word.startswith("--") or name not in TABLE:
            raise ExoError(f"unknown option {word.partition('=')[0]} (see exo run --help)")
        _, argument, _, check, repeat, _ = TABLE[name]
        if argument == "" and equals:
            raise ExoError(f"--{name} takes no value")
        if argument == "":
            value = True
        elif argument.startswith("[="):
            value = value if equals else "all"
        elif not equals:
            if place >= len(arguments):
                raise ExoError(f"--{name} needs a value ({argument})")
            value = arguments[place]
            place += 1
        if check:
            value = check(value)
        attribute = name.replace("-", "_")
        if repeat:
            getattr(options, attribute).append(value)
        else:
            setattr(options, attribute, value)
    options.program = arguments[place:]
    return options


def help_text():
    lines = []
    for name, argument, _, _, repeat, text in OPTIONS:
        gap = " " if argument and not argument.startswith("[") else ""
        shown = "-v, --verbose" if name == "verbose" else f"--{name}{gap}{argument}"
        if repeat:
            text += " (repeatable)"
        lines += wrap(shown, text)
    return "\n".join(lines)


def wrap(shown, text, indent=24, width=88):
    lines, line = [], f"  {shown:<{indent - 4}}  "
    if len(line) > indent:
        lines, line = [line.rstrip()], " " * indent
    for word in text.split():
        if len(line) + len(word) > width:
            lines.append(line.rstrip())
            line = " " * indent
        line += word + " "
    return lines + [line.rstrip()]
