# SPDX-License-Identifier: ISC
"""gdb commands that know Aegis: `exo debug` loads them, `help exo` lists them.

They read the kernel's own structures by the types in build/aegis.elf, so they follow the
source; the one number known here is where the kernel maps all memory.  ENV is a slot of
the environment table, PFN a frame number; both may be expressions.
"""

import os
import sys

import gdb

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
sys.path.insert(0, f"{ROOT}/tools")
from exo import trace			# noqa: E402

DIRECT = 0xffff800000000000		# layout.h: DIRECT_BASE
PAGE = 4096
EXOS_ALIGN = 1 << 30			# of the image's base: what is shared takes an upper-level entry behind it
BOOT_UAREA = 0x10000000			# archive.h: init's, which is no ExOS process
RIGHTS = "rwxpca"			# types.h: EXO_R and so on
PTE_FLAGS = ((1, "present"), (2, "write"), (4, "user"), (16, "uncached"), (32, "accessed"), (64, "dirty"),
             (128, "large"), (1 << 63, "no-execute"))


# ---- reading ------------------------------------------------------------------------------------

def number(text):
    return int(gdb.parse_and_eval(text)) & (1 << 64) - 1


def frame(pfn, type_name, offset=0):
    """What lies in a frame, by the kernel's alias."""
    pointer = gdb.lookup_type(type_name).pointer()
    return gdb.Value(DIRECT + pfn * PAGE + offset).cast(pointer).dereference()


def name(value, enum, prefix):
    """An enumerator without its prefix; a number that is none stays one."""
    try:
        for field in gdb.lookup_type(f"enum {enum}").fields():
            if field.enumval == int(value):
                return field.name[len(prefix):]
    except gdb.error:
        pass				# the debug information does not have this type
    return str(int(value))


def envid(value):
    value = int(value)
    return f"{value & 0xffff}:{value >> 16}" if value else "-"


def guardref(value):
    value = int(value)
    return f"{value >> 5:#x}.{value & 31}" if value else "-"


def rights(value):
    return "".join(c for bit, c in enumerate(RIGHTS) if int(value) >> bit & 1) or "-"


def keyname(key):
    """A struct exo_key."""
    text = bytes(int(key["name"][n]) for n in range(min(int(key["len"]), 14)))
    shown = "".join(chr(b) if 32 < b < 127 else f"\\x{b:02x}" for b in text)
    return f"'{shown}' {rights(key['rights'])}"


def env_of(text):
    """(slot, public entry, struct env) of an environment that is not free."""
    slot = number(text)
    if slot >= number("envs_count"):
        raise gdb.GdbError(f"{slot}: no such slot")
    pub = gdb.parse_and_eval("envs")[slot]
    if int(pub["id"]) == 0:
        raise gdb.GdbError(f"slot {slot} of the environment table is free")
    return slot, pub, frame(int(pub["env_frame"]), "struct env")


def act_of(text):
    _, _, env = env_of(text)
    if int(env["act"][0]) == 0:
        raise gdb.GdbError("it has no activation")
    return env["act"][0].dereference()


def public(pfn):
    if pfn >= number("frames_count"):
        raise gdb.GdbError(f"{pfn:#x}: no such frame")
    return gdb.parse_and_eval("frames")[pfn]


def show(*words):
    gdb.write(" ".join(str(word) for word in words) + "\n")


class Command(gdb.Command):
    """A command with so many arguments (low, high); its docstring is its help."""
    count = (0, 0)

    def __init__(self):
        super().__init__(f"exo {self.word}", gdb.COMMAND_DATA)

    def invoke(self, text, from_tty):
        arguments = gdb.string_to_argv(text)
        if not self.count[0] <= len(arguments) <= self.count[1]:
            raise gdb.GdbError(f"usage: {self.__doc__.partition(':')[0]}")
        try:
            self.run(*arguments)
        except gdb.MemoryError as problem:
            raise gdb.GdbError(f"{problem} (has the kernel come so far?)") from None


# ---- tables --------------------------------------------------------------------------------------

class Envs(Command):
    """exo envs: the environments; * runs, > has its address space loaded."""
    word = "envs"

    def run(self):
        cpu = gdb.parse_and_eval("cpus")[0]
        loaded = int(cpu["act"]["id"]) if int(cpu["act"]) else 0
        running = int(gdb.parse_and_eval("cpus_pub")[0]["running"])
        show(f"  {'env':<8} {'state':<6} {'doing':<8} {'waits on':<8} {'account':<8} {'calls':>9} "
             f"{'reflected':>9} {'upcalls':>8} {'faults':>8} {'slices':>7} {'ms':>7}")
        for slot in range(number("envs_count")):
            pub = gdb.parse_and_eval("envs")[slot]
            if int(pub["id"]):
                self.row(pub, "*" if int(pub["id"]) == running else ">" if int(pub["id"]) == loaded else " ")

    @staticmethod
    def row(pub, mark):
        state = name(pub["state"], "exo_env_state", "EXO_ENV_")
        doing = ""
        if state == "ALIVE":
            act = frame(int(pub["env_frame"]), "struct env")["act"][0]
            doing = name(act["state"], "act_state", "ACT_") if int(act) else "-"
        counts = [int(pub[field]) for field in ("calls", "reflected", "upcalls", "faults", "slices")]
        show(f"{mark} {envid(pub['id']):<8} {state:<6} {doing:<8} {envid(pub['waiting_on']):<8} "
             f"{int(pub['account']):<#8x} {counts[0]:>9} {counts[1]:>9} {counts[2]:>8} {counts[3]:>8} "
             f"{counts[4]:>7} {int(pub['run_ns']) / 1e6:>7.1f}")
        if state == "DEAD":
            reason = int(pub["reason"])
            show(f"    died: {name(reason & 0xffff, 'exo_death', 'EXO_DEAD_')}, {reason >> 16:#x}")


class Slices(Command):
    """exo slices: the slices that have an owner; * is being run."""
    word = "slices"

    def run(self):
        rows = gdb.parse_and_eval("slices")
        width = 512
        for cpu in range(number("cpus_count")):
            at = int(gdb.parse_and_eval("cpus")[cpu]["slice"])
            for index in range(width):
                row = rows[cpu * width + index]
                if int(row["owner"]):
                    show("*" if index == at else " ", f"cpu {cpu} slice {index:<4} owner {envid(row['owner']):<8}"
                         f" guard {guardref(row['guard'])}, run {int(row['used'])} times")


class Frame(Command):
    """exo frame PFN: what the kernel knows about a frame."""
    word, count = "frame", (1, 1)
    FLAGS = ((1, "public"), (2, "heir"), (4, "dirty"), (8, "fixed"))

    def run(self, text):
        pfn = number(text)
        pub, priv = public(pfn), gdb.parse_and_eval("frames_priv")[pfn]
        flags = " ".join(word for bit, word in self.FLAGS if int(pub["flags"]) & bit)
        show(f"frame {pfn:#x}: {name(pub['kind'], 'exo_frame_kind', 'EXO_FRAME_')} {flags}")
        show(f"  account {int(pub['account']):#x}, guard {guardref(pub['guard'])} serial {int(pub['guard_serial'])}, "
             f"generation {int(pub['generation'])}")
        show(f"  bindings {int(pub['nmaps'])}, pins {int(pub['pins'])}, used {int(priv['used'])}, "
             f"aux {int(priv['aux']):#x}, env {int(priv['env']):#x}")
        first = int(priv["first"])
        if first:
            show(f"  first bound by slot {first & 511} of table {first >> 9:#x}")


class Account(Command):
    """exo account PFN: an account and how many frames of each kind it owns."""
    word, count = "account", (1, 1)

    def run(self, text):
        pfn = number(text)
        if name(public(pfn)["kind"], "exo_frame_kind", "EXO_FRAME_") != "ACCOUNT":
            raise gdb.GdbError(f"{pfn:#x} is no account")
        account = frame(pfn, "struct account")
        show(f"account {pfn:#x}: {int(account['used'])} of {int(account['limit'])} frames used, "
             f"{int(account['carved'])} handed to {int(account['children'])} children")
        show(f"  parent {int(account['parent']):#x}, depth {int(account['depth'])}, "
             f"guard {guardref(account['guard'])} serial {int(account['guard_serial'])}")
        kinds = {}
        frames = gdb.parse_and_eval("frames")
        priv = gdb.parse_and_eval("frames_priv")
        at = head = int(account["head"])
        for _ in range(int(account["used"])):
            kind = name(frames[at]["kind"], "exo_frame_kind", "EXO_FRAME_")
            kinds[kind] = kinds.get(kind, 0) + 1
            at = int(priv[at]["next"])
            if at == head:
                break
        show("  owns", ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())))


class Guard(Command):
    """exo guard PFN IDX: a guard and what opens it."""
    word, count = "guard", (2, 2)

    def run(self, text, index):
        pfn, index = number(text), number(index)
        if name(public(pfn)["kind"], "exo_frame_kind", "EXO_FRAME_") != "GUARD" or index > 31:
            raise gdb.GdbError(f"{pfn:#x}.{index} is no guard")
        guard = frame(pfn, "struct guard", index * 128)
        if int(guard["serial"]) == 0:
            show(f"guard {pfn:#x}.{index}: free")
            return
        show(f"guard {pfn:#x}.{index}: serial {int(guard['serial'])}, generation {int(guard['generation'])}, "
             f"{int(guard['readers'])} readers, {int(guard['writers'])} writers")
        for n in range(4):
            if int(guard["entry"][n]["rights"]):
                show(f"  entry {n}: {keyname(guard['entry'][n])}")


# ---- one environment -------------------------------------------------------------------------------

class Keys(Command):
    """exo keys ENV: its key ring."""
    word, count = "keys", (1, 1)

    def run(self, text):
        _, _, env = env_of(text)
        for part in range(16):
            pfn = int(env["ring"][part])
            for n in range(128 if pfn else 0):
                key = frame(pfn, "struct key", n * 32)
                if int(key["type"]):
                    show(f"  {part * 128 + n:>4}: {self.text(key)}")

    @staticmethod
    def text(key):
        offered = int(key["offered"])
        offer = f", offered to {envid(offered)}" if offered else ""
        if name(key["type"], "key_type", "KEY_") == "NAMED":
            return keyname(key["named"]) + offer
        ref, serial = int(key["bound"]["guard"]), int(key["bound"]["serial"])
        live = int(frame(ref >> 5, "struct guard", (ref & 31) * 128)["generation"]) == serial
        return f"bound to guard {guardref(ref)} {rights(key['rights'])}{'' if live else ', stale'}{offer}"


class Act(Command):
    """exo act ENV: what its activation is doing, and what it waits for."""
    word, count = "act", (1, 1)

    def run(self, text):
        act = act_of(text)
        state = name(act["state"], "act_state", "ACT_")
        show(f"env {envid(act['id'])}: {state} on cpu {int(act['cpu'])}, u-area at {int(act['ua_va']):#x}, "
             f"top table {int(act['cr3']) >> 12:#x}")
        show(f"  overrun {int(act['overrun'])} slices, strikes {int(act['strikes'])}, "
             f"event due {int(act['event_due'])}, vector state {'kept' if int(act['fpu_valid']) else 'clean'}")
        if state == "CALLING":
            show(f"  waits on env {envid(act['waiting_on'])}, goes on at {int(act['call_rip']):#x}, "
                 f"rsp {int(act['call_rsp']):#x}, deadline {int(act['call_deadline'])} ns")
        if state == "FORCED":
            show(" ", " ".join(f"{r} {int(act['forced'][r]):#x}" for r in ("rip", "rsp", "rflags", "rax")))
        if state == "PARKED" and int(act["waiting"]):
            self.predicate(act)

    @staticmethod
    def predicate(act):
        show(f"  waits for one of {int(act['nterms'])} terms, deadline {int(act['deadline'])} ns")
        for n in range(int(act["nterms"])):
            term = act["term"][n]
            where = f"frame {int(term['pfn']):#x}+{int(term['word']) & 4095:#x}" if int(term["pfn"]) \
                else f"{int(term['word']):#x}"
            compare = name(term["cmp"], "exo_cmp", "EXO_")
            show(f"  {'or ' if int(term['flags']) & 1 else '   '}tag {int(term['tag'])}: {where} & "
                 f"{int(term['mask']):#x} {compare} {int(term['value']):#x}, is {int(term['word'].dereference()):#x}")


class Uarea(Command):
    """exo uarea ENV: its u-area: save slots, entries, what is pending."""
    word, count = "uarea", (1, 1)
    ENTRIES = ("EXCEPTION", "SYSCALL", "PROLOGUE", "EPILOGUE", "EVENT", "CALL", "ACALL", "REVOKE")

    def run(self, text):
        ua = act_of(text)["ua"].dereference()
        pending = int(ua["pending"])
        waiting = [entry for n, entry in enumerate(self.ENTRIES) if pending >> n & 1]
        show(f"env {envid(ua['env'])}: depth {int(ua['depth'])}, critical {int(ua['critical'])}, gate {int(ua['gate'])}, "
             f"posted {int(ua['posted']):#x}, pending {' '.join(waiting) or 'nothing'}")
        show(f"  self {int(ua['self']):#x}, last reflected call returns to {int(ua['sys_rip']):#x}, "
             f"resume window {int(ua['window_begin']):#x}..{int(ua['window_end']):#x}")
        for n, entry in enumerate(self.ENTRIES):
            if int(ua["entry"][n]):
                show(f"  entry {entry:<9} {int(ua['entry'][n]):#x} {symbol(int(ua['entry'][n]))}")
        for n in range(min(int(ua["depth"]), 8)):
            self.slot(n, ua["save"][n])

    def slot(self, n, save):
        vector = int(save["vector"])
        what = self.ENTRIES[vector & 7] if vector & 0x100 and vector & 7 < 7 else trace.VECTORS.get(vector, vector)
        flags = int(save["flags"])
        show(f"  save {n}: {what}{' full' if flags & 1 else ''}{' critical' if flags & 2 else ''} "
             f"rip {int(save['rip']):#x} {symbol(int(save['rip']))} rsp {int(save['rsp']):#x} "
             f"address {int(save['addr']):#x} error {int(save['error']):#x}")


def symbol(address):
    text = gdb.execute(f"info symbol {address:#x}", to_string=True)
    return "" if text.startswith("No symbol") else f"<{text.partition(' in section')[0].strip()}>"


class Walk(Command):
    """exo pt ENV VA: how an address is translated."""
    word, count = "pt", (2, 2)

    def run(self, text, va):
        _, _, env = env_of(text)
        va = number(va)
        table = int(env["root"])
        for level in range(4, 0, -1):
            index = va >> (3 + 9 * level) & 511
            entry = int(frame(table, "unsigned long", index * 8))
            flags = " ".join(word for bit, word in PTE_FLAGS if entry & bit)
            soft = entry >> 9 & 7
            table_at, table = table, entry >> 12 & 0xfffffffff
            show(f"  level {level}: table {table_at:#x} slot {index:<3} -> {table:#x} {flags or 'absent'}"
                 f"{f' soft {soft}' if soft else ''}")
            if not entry & 1:
                return
            if entry & 128 and level > 1:
                break
        show(f"  {va:#x} is {table * PAGE + (va & (PAGE << 9 * (level - 1)) - 1):#x}")


# ---- what happened ------------------------------------------------------------------------------------

class Trace(Command):
    """exo trace [N]: the last N (default 32) records of the kernel's trace ring."""
    word, count = "trace", (0, 1)

    def run(self, text="32"):
        head = gdb.parse_and_eval("'kernel/core/trace.c'::ring")[0]["head"]
        if int(head) == 0:
            raise gdb.GdbError("there is no trace yet")
        count, slots = int(head["count"]), int(head["slots"])
        memory = gdb.selected_inferior()
        decoder = trace.Decoder(ROOT, {"kernel"})
        for n in range(max(0, count - min(number(text), slots)), count):
            raw = bytes(memory.read_memory(int(head) + 32 * (1 + n % slots), 32))
            gdb.write(decoder.text(bytes(8) + raw).decode())
        gdb.write(decoder.rest().decode())


class Symbols(Command):
    """exo symbols ENV|BASE [FILE]: load the symbols of what an environment runs.

    ENV        init: build/init.elf; an ExOS process: build/exos.elf at its base
    ENV FILE   FILE where it was linked: a program
    BASE       build/exos.elf at this address
    BASE FILE  FILE moved by so much
    """
    word, count = "symbols", (1, 2)

    def run(self, text, path=None):
        base = number(text)
        if 0 < base < number("envs_count"):
            base, path = self.of_env(text, path)
        path = path or f"{ROOT}/build/exos.elf"
        gdb.execute(f"add-symbol-file {path} -o {base:#x}")

    @staticmethod
    def of_env(text, path):
        uarea = int(act_of(text)["ua_va"])
        if path:
            return 0, path
        if uarea == BOOT_UAREA:
            return 0, f"{ROOT}/build/init.elf"
        base = uarea & -EXOS_ALIGN		# the u-area of one of its CPUs
        if base < 1 << 46:			# drawn at boot, high in the lower half
            raise gdb.GdbError(f"its u-area is at {uarea:#x}: this is no process of ExOS (name a file)")
        return base, None


class Exo(gdb.Command):
    """Aegis and ExOS: environments, frames, accounts, guards, keys, the trace."""

    def __init__(self):
        super().__init__("exo", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)


Exo()
for command in (Envs, Slices, Frame, Account, Guard, Keys, Act, Uarea, Walk, Trace, Symbols):
    command()
