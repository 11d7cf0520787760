# SPDX-License-Identifier: ISC
"""What the papers on the original exokernels claim, and the experiment that says whether it holds here.

Sources: S95, Engler, Kaashoek, O'Toole, "Exokernel: an operating system
architecture for application-level resource management", SOSP 1995 (its machine
for the figures here is the DECstation 5000/125); S97, Kaashoek et al.,
"Application performance and flexibility on exokernel systems", SOSP 1997.
`certain` is what an abstract, the text at hand or the released source says;
other figures are as commonly reported.
"""

from dataclasses import dataclass


@dataclass
class Beside:
    """An operation beside Linux's, elapsed in the same emulator; `times` faster is the claim, below 0.9 that it is slower."""
    op: str
    native: bool
    times: float


@dataclass
class Within:
    """Two native rows, in instructions: the first's cost over the second's is the claim."""
    slow: str
    fast: str
    times: float


@dataclass
class Shown:
    """Two numbers that a demo says; the first is less, says the claim."""
    demo: str
    says: str


@dataclass
class Claim:
    id: str
    source: str
    certain: bool
    says: str
    experiment: Beside | Within | Shown


CLAIMS = (
    Claim("null-call", "S95", False, "the null system call: 1.6 to 2.3 us, where Ultrix's getpid takes 21.3 (9 times)",
          Beside("getpid", True, 9)),
    Claim("exception", "S95", True, "an exception reaches its handler in 1.5 us, where Ultrix takes 130 (overflow: 87 times)",
          Beside("sigill", True, 87)),
    Claim("protection-fault", "S95", True, "a protection fault reaches its handler in 1.5 us, where Ultrix takes 154 (100 times)",
          Beside("sigsegv", True, 100)),
    Claim("transfer", "S95", False, "protected control transfer, 1.4 us one way: 6.6 times faster than the fastest IPC of its day, 70 times a pipe of Ultrix there and back",
          Beside("pipe-ping-pong", True, 70)),
    Claim("pipe", "S95", False, "a word through pipes: 14.2 us, where Ultrix takes 199 (14 times)", Beside("pipe-ping-pong", False, 14)),
    Claim("shared-memory", "S95", False, "the same by shared memory and yields: 5.7 us, Ultrix (by signals) 118 (20 times)",
          Beside("yield-processes", False, 20)),
    Claim("tlrpc", "S95", False, "a client that trusts the server for its registers calls in 2.9 us, another in 6.3 (2.2 times)",
          Within("rpc lrpc", "rpc tlrpc", 2.2)),
    Claim("compute", "S95", False, "a 150 x 150 matrix multiplication takes what it takes on Ultrix", Beside("matrix", False, 0.97)),
    Claim("prot1", "S95", False, "protect a page: 16.9 us, Ultrix 32.0 (1.9 times)", Beside("mprotect-1", False, 1.9)),
    Claim("prot100", "S95", True, "protect 100 pages: slower than on Ultrix (unprotect: 143 us, 102)", Beside("mprotect-100", False, 0.89)),
    Claim("trap", "S95", False, "handle a protection fault: 4.8 us, Ultrix 161 (34 times)", Beside("sigsegv", False, 34)),
    Claim("appel1", "S95", False, "fault, unprotect, protect another: 34 us, Ultrix 262 (7.7 times)", Beside("appel1", False, 7.7)),
    Claim("appel2", "S95", False, "protect 100, fault on each and unprotect it: 22 us a page, Ultrix 232 (10.5 times)", Beside("appel2", False, 10.5)),
    Claim("dirty", "S95", True, "whether a page was written to can be asked, in 9.8 us; Ultrix could not say", Beside("dirty", True, 1)),
    Claim("stlb", "S95", False, "a hit of the software TLB takes 18 instructions, and 3 to 6 us less than an upcall", Shown("own_tables", r"(\d+) ns a page; with a handler \d+ upcalls, (\d+) ns")),
    Claim("stride", "S95", True, "a scheduler in an application shares the processor 3 : 2 : 1, never off by a slice", Shown("stride", r"off by (\d+) us at most, a slice is (\d+) us")),
    Claim("kernel-primitives", "S95", True, "primitive kernel operations are 10 to 100 times faster than in a mature monolithic system: the least of those above",
          Beside("getpid", True, 10)),
    Claim("abstractions", "S95", True, "application-level virtual memory and IPC are 5 to 40 times faster: the least of those above", Beside("appel1", False, 5)),
    Claim("emulated-getpid", "S97", False, "getpid of an unmodified program: 100 cycles, OpenBSD 270 (2.7 times)", Beside("getpid", False, 2.7)),
    Claim("pipe-8K", "S97", False, "bulk through protected pipes costs what it costs on OpenBSD (8 KiB: 148 us, 160)", Beside("pipe-64K", False, 1.08)),
    Claim("fork", "S97", False, "fork is slower: 6 ms, OpenBSD less than 1, for page tables could not be shared", Beside("fork", False, 0.17)),
    Claim("unmodified", "S97", True, "unmodified UNIX programs do no worse: a tree of files unpacked, searched, deleted", Beside("tree", False, 1)),
    Claim("unmodified-shell", "S97", True, "the same: a shell's pipes", Beside("sh-loop", False, 1)),
    Claim("unmodified-sqlite", "S97", True, "the same: a data base", Beside("sqlite", False, 1)),
)

# What cannot be asked yet, for there is neither network nor disk here.
LATER = (
    ("packet filters", "S95, D96", "ten TCP/IP filters 10 to 50 times faster than the fastest published"),
    ("handlers", "S95, A96", "an Ethernet round trip of 60 bytes in 259 us beside Ultrix's 3,400, whatever runs at the receiver"),
    ("inverted page tables", "S95", "with a table of its own an application queries dirty bits twice as fast: apps/demos/own_tables.c shows such a table, but not that experiment"),
    ("lcc workload, C-FFS", "S97", "eleven steps with files on disk in 41 s, 51 with the file system alone; small files 5 to 7 times faster (C97)"),
    ("XCP", "S97", "a copy that touches no data is 3 times faster"),
    ("Cheetah", "S97", "a web server 8 times faster for small documents"),
    ("global performance", "S97", "a mix of programs runs as fast as on a monolithic system, up to 5 times faster with specialised ones"),
)
