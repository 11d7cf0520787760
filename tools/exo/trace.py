# SPDX-License-Identifier: ISC
"""--trace: what is wanted, of Linux calls and of the kernel's records, and text made of these.

Linux calls come from the guest as text, `[pid] name(...) = result`; they are chosen here, and
errors get their names.  The kernel's records come as they are: include/exo/trace.h says what is in one, the
names come from the calls' database (build/gen/calls.json).  A line is one call with its
result, or one event:

    [env 3] frame_claim(pfn=0x1234, count=1, account=0x8001, guard=0, k_account=1, k_guard=0) = 1
    [env 3] exception #PF addr=0x7f0000001000 error=0x6 rip=0x401000
"""

import errno
import json
import re
from struct import Struct

from . import ExoError

LINUX = re.compile(rb"(?:\[\d+\] )?(\w+)\(")
FAILED = re.compile(rb"(?<= = -)\d+$", re.MULTILINE)
LOST = Struct("<Q")
RECORD = Struct("<QBBHIQQ")
NOCALL = 0xff
CALL, ARGS, RESULT, EXCEPTION, UPCALL, SWITCH, TRANSFER, IRQ, DEATH = range(1, 10)
EVENTS = {"exception": EXCEPTION, "upcall": UPCALL, "switch": SWITCH, "transfer": TRANSFER,
          "irq": IRQ, "death": DEATH}
VECTORS = {0: "#DE", 1: "#DB", 3: "#BP", 4: "#OF", 5: "#BR", 6: "#UD", 12: "#SS", 13: "#GP", 14: "#PF",
           16: "#MF", 17: "#AC", 19: "#XM", 21: "#CP"}
ENTRIES = ("EXCEPTION", "SYSCALL", "PROLOGUE", "EPILOGUE", "EVENT", "CALL", "ACALL", "REVOKE")
DEATHS = ("NONE", "EXIT", "NOENTRY", "NESTING", "EXCESS", "STATE")


def database(root):
    path = f"{root}/build/gen/calls.json"
    try:
        with open(path) as f:
            return json.load(f)
    except OSError as problem:
        raise ExoError(f"--trace=kernel: {path}: {problem.strerror}") from None


def linux_calls(root):
    """Names of the calls that ExOS knows; None where there are no sources."""
    try:
        with open(f"{root}/exos/linux/table.inc") as f:
            return set(re.findall(r"^X\w*\(\d+, (\w+)", f.read(), re.MULTILINE))
    except OSError:
        return None


def split(text, root):
    """What --trace names: (Linux calls for the guest or None, the kernel's names or None for none).

    Words that are the kernel's: `kernel` (everything), its calls, and its events.
    """
    words = [word for word in text.split(",") if word]
    if not words:
        raise ExoError("--trace: names wanted")
    if set(words) <= {"all", "linux"}:
        return "all", None
    known = {"kernel", *EVENTS, *(call["name"] for call in database(root)["calls"])}
    kernel = {word for word in words if word in known}
    linux = [word for word in words if word not in known]
    there = linux_calls(root)
    for word in linux:
        if there and word not in there | {"all", "linux"}:
            raise ExoError(f"--trace: {word} is no Linux call that ExOS has, no kernel call and no kind of event"
                           f" ({', '.join(EVENTS)})")
    if "all" in linux or "linux" in linux:
        linux = ["all"]
    return ",".join(linux) or None, kernel or None


def envid(value):
    """Slot and generation: the slot is what lines begin with."""
    return f"{value & 0xffff}:{value >> 16}" if value else "0"


def plain(value):
    return str(value) if value < 4096 else hex(value)


FORMATS = {
    "pfn": hex, "account": hex, "va": hex, "where": hex, "ptr": hex,
    "guard": lambda v: f"{v >> 5:#x}.{v & 31}" if v else "0",
    "env": envid,
    "i64": lambda v: str(v - (v >> 63 << 64)),
    "ns": lambda v: f"{v / 1e9:.6f}s" if v else "0",
    "bits": hex,
    "slot": lambda v: str(v) if v < 1 << 31 else "none",
}


def failure(number):
    name = errno.errorcode.get(int(number[0]))
    return number[0] + b" " + name.encode() if name else number[0]


def chosen(text, names):
    """Those lines of Linux calls that are wanted, with the errors' names."""
    text = FAILED.sub(failure, text)
    if names == "all":
        return text
    wanted = set(names.encode().split(b","))
    found = (LINUX.match(line) for line in text.splitlines(keepends=True))
    return b"".join(line.string for line in found if line and line[1] in wanted)


class Decoder:
    def __init__(self, root, wanted):
        tables = database(root)
        self.calls = tables["calls"]
        self.errors = tables["errors"]
        self.all = "kernel" in wanted
        self.wanted = wanted
        self.events = {number for name, number in EVENTS.items() if self.all or name in wanted}
        self.pending = None		# a call whose result is still to come: (env, number, arguments)
        self.behind = []		# what happened meanwhile

    def text(self, body):
        """The lines that a message makes, as bytes."""
        lines = []
        if len(body) < LOST.size:
            return b""
        lost, = LOST.unpack_from(body)
        if lost:
            self.returned(None, lines)
            lines.append(f"... {lost} records of the kernel's trace were lost")
        whole = (len(body) - LOST.size) // RECORD.size * RECORD.size
        for record in RECORD.iter_unpack(body[LOST.size:LOST.size + whole]):
            self.record(record, lines)
        return "".join(line + "\n" for line in lines).encode()

    def rest(self):
        """The lines of what is still held back, as bytes: no more messages will come."""
        lines = []
        self.returned(None, lines)
        return "".join(line + "\n" for line in lines).encode()

    def record(self, record, lines):
        _, event, code, extra, env, a, b = record
        if event == CALL:
            self.returned(None, lines)
            self.pending = (env, a, [b]) if code == NOCALL else (env, code, [a, b])
        elif event == ARGS and self.pending:
            self.pending[2].extend((a, b))
        elif event == RESULT:
            self.returned(a, lines)
        elif event in (IRQ, DEATH) and self.pending:
            self.behind.append((event, code, extra, env, a, b))	# within the call
        else:
            self.returned(None, lines)
            self.event(event, code, extra, env, a, b, lines)

    def returned(self, result, lines):
        """The pending call is over; result None: it did not return, or is not known."""
        if self.pending:
            env, number, values = self.pending
            self.pending = None
            name = self.calls[number]["name"] if number < len(self.calls) else None
            if self.all or name in self.wanted:
                lines.append(f"[env {env}] {self.call(number, values)}{self.result(result)}")
        for event in self.behind:
            self.event(*event, lines)
        self.behind = []

    def call(self, number, values):
        if number >= len(self.calls):
            return f"call {number}()"
        call = self.calls[number]
        shown = [f"{name}={FORMATS.get(kind, plain)(value)}"
                 for (name, kind), value in zip(call["args"], values)]
        if call.get("special"):
            shown.append(f"rsi={plain(values[1])}")	# by convention what is asked, or the answer
        return f"{call['name']}({', '.join(shown)})"

    def result(self, value):
        if value is None:
            return ""
        if value >> 63:
            number = (1 << 64) - value
            if 1 <= number <= len(self.errors):
                error = self.errors[number - 1]
                return f" = -{number} {error['name']} ({error['text']})"
        return f" = {plain(value)}"

    def event(self, event, code, extra, env, a, b, lines):
        if event not in self.events:
            return
        if event == EXCEPTION:
            addr = f" addr={b:#x}" if code == 14 else ""
            text = f"exception {VECTORS.get(code, code)}{addr} error={extra:#x} rip={a:#x}"
        elif event == UPCALL:
            text = f"upcall {ENTRIES[code] if code < len(ENTRIES) else code} rip={a:#x}"
        elif event == SWITCH:
            text = f"switch to env {envid(a)}, slice {b & 0xffffffff}{self.why(code, b >> 32)}"
        elif event == TRANSFER:
            name = self.calls[code]["name"] if code < len(self.calls) else "transfer"
            text = f"{name}: env {envid(a)} -> env {envid(b)}"
        elif event == IRQ:
            text = f"irq {a}" + (f" posted to env {envid(b)}" if b else "")
        else:
            name = DEATHS[b & 0xffff] if b & 0xffff < len(DEATHS) else b & 0xffff
            text = f"death of env {envid(a)}: {name} {b >> 16:#x}"
        lines.append(f"[env {env}] {text}")

    @staticmethod
    def why(parked, woke):
        if not parked:
            return ""
        if woke >> 16 == 1:
            return f", prologue, tag {woke & 0xffff}"
        return ", prologue, deadline" if woke >> 16 == 2 else ", prologue"
