# SPDX-License-Identifier: ISC
"""What is measured beside Linux: the operations of bench/linux, and the native counterparts.

A row: (op, what it is, native rows that are the same work, summed; None where there is no such thing).
Native rows are bench/kernel.c's, or a demo's ("barriers appel1").
"""

from typing import NamedTuple

CALLS = "calls"
GROUPS = (
    (CALLS, (
        ("getpid", "getpid", ("null-call",)),
        ("clock_gettime", "clock_gettime", None),
        ("read-zero", "read of a byte of /dev/zero", None),
        ("write-null", "write of a byte to /dev/null", None),
        ("matrix", "multiply 150 x 150 matrices: no call at all", None),
    )),
    ("exceptions", (
        ("sigill", "SIGILL handler and back", ("exception-round-trip",)),
        ("sigtrap", "SIGTRAP handler and back", None),
        ("sigsegv", "SIGSEGV handler and back", ("page-fault-round-trip",)),
        ("kill-self", "kill of oneself, the handler, and back", ("post-to-self",)),
        ("appel1", "appel1: fault, open the page, protect another", ("barriers appel1",)),
        ("appel2", "appel2: one of 100 protected pages: fault, open it", ("barriers appel2",)),
        ("mprotect-1", "mprotect of a page", ("protect-page",)),
        ("mprotect-100", "mprotect of 100 pages", ("protect-100-pages",)),
        ("dirty", "was a page written to, of 100 (soft-dirty bits)", ("barriers dirty",)),
        ("touch", "first touch of a page", ("claim-map-page",)),
        ("mmap-touch-munmap", "mmap + touch + munmap of a page", ("claim-map-page", "unmap-release-page")),
    )),
    ("transfer", (
        ("pipe-ping-pong", "a byte there and back, two pipes (native: control transfer)", ("transfer-round-trip",)),
        ("unix-ping-pong", "a byte there and back, UNIX sockets (native: lrpc)", ("rpc lrpc",)),
        ("futex-processes", "futex there and back, processes (native: tlrpc)", ("rpc tlrpc",)),
        ("futex-threads", "futex there and back, threads", None),
        ("yield-processes", "shared memory and sched_yield there and back, processes", ("directed-yield-round-trip",)),
        ("yield-threads", "the same, threads: two switches", None),
        ("pipe-64K", "64 KiB through a pipe to another process", None),
    )),
    ("processes", (
        ("fork", "fork + exit + wait", None),
        ("fork-64M", "the same with 64 MiB of heap", None),
        ("fork-exec", "fork + exec of a static binary + wait", None),
        ("vfork-exec", "vfork + exec + wait", None),
        ("spawn", "posix_spawn + wait", None),
        ("sh-true", "fork + sh -c true + wait", None),
        ("thread", "pthread_create + pthread_join", None),
    )),
    ("files", (
        ("open-close", "open + close", None),
        ("stat", "stat", None),
        ("create-unlink", "create + close + unlink", None),
        ("create-1K-unlink", "create + write of 1 KiB + close + unlink", None),
        ("read-4K", "pread of 4 KiB", None),
        ("write-4K", "pwrite of 4 KiB", None),
        ("read-64K", "pread of 64 KiB", None),
        ("mmap-read", "a page of a file, by mmap", None),
        ("scan-100", "read a directory of 100 files", None),
    )),
)

class Guests(NamedTuple):
    """Guests of another shape, and what is measured there."""

    group: str
    rows: tuple
    cpus: int = 1
    memory: str = "256M"
    full: bool = False			# with --full alone, or by name
    counted: bool = True		# instructions, too
    suffix: str = ""			# of the operations' names
    exo: tuple = ()			# options of exo run
    native: str = ""			# a native program with rows of its own


OTHERS = (
    Guests("calls", (("getpid", "getpid, call sites not rewritten", None),), suffix="-reflected", exo=("--no-rewrite",)),
    Guests("transfer", (
        ("futex-processes-2", "futex there and back, processes on two CPUs", None),
        ("futex-threads-2", "futex there and back, threads on two CPUs", None),
    ), cpus=2, counted=False),
    Guests("scale", (
        ("pairs-2", "a round trip of two pipes, one pair of processes", None),
        ("pairs-8", "the same, 8 processes in pairs", None),
        ("pairs-64", "64 processes", None),
        ("pairs-256", "256 processes", None),
        ("pairs-512", "512 processes", None),
    ), memory="512M", full=True),
    Guests("scale", (
        ("alive-10000", "10,000 processes alive: fork of one (native: create, map and activate an environment)", ("many-last",)),
        ("alive-yield", "directed yield there and back beside 10,000 environments", ("many-yield-round-trip",)),
    ), memory="2G", full=True, native="bench/many"),
    Guests("scale", (
        ("touch", "first touch of a page, in a machine of 8 GiB", None),
        ("mmap-touch-munmap", "mmap + touch + munmap of a page, there", None),
    ), memory="8G", full=True, suffix="-8G"),
)

# Shell commands; what they need is made by jobs.py.
PROGRAMS = (
    ("tree", "untar 200 files, grep, rm -r", "cd /tmp && tar xf /bench/tree.tar && grep -r needle tree >/dev/null && rm -r tree"),
    ("sh-loop", "a shell's loop of 50 commands in pipes",
     "i=0; while [ $i -lt 50 ]; do echo $i | cat >/dev/null; i=$((i+1)); done"),
    ("pipeline", "busybox pipeline over 1 MiB (10 with --full)", "cat /bench/text | tr a-z A-Z | grep -v QQ | wc -c >/dev/null"),
    ("compile", "cc1 and as: a small C file", "cd /tmp && gcc -O1 -c /bench/small.i"),
    ("lua", "lua script", "/bench/lua /bench/script.lua >/dev/null"),
    ("sqlite", "sqlite script", "rm -f /tmp/db; /bench/sqlite /tmp/db - </bench/script.sql >/dev/null"),
)
