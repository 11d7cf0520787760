# SPDX-License-Identifier: ISC
"""What the rows of the bench mean: name, what it is, aim, where the path is.

The aims are this project's own, in instructions with the user-mode stub, except where a text
says otherwise.  Rows of longest.c share one aim.
"""

K = "kernel/arch/x86_64/"
M = "kernel/mem/"

KERNEL = (
    ("null-call", "null call", 30, K + "entry.S"),
    ("reflected-call", "reflected Linux call: to the library's entry and back", 25, K + "entry.S"),
    ("exception-to-handler", "exception, to the user's handler (40 in the kernel)", 45, K + "trap.S"),
    ("page-fault-to-handler", "the same, page fault (43 in the kernel)", 50, K + "trap.S"),
    ("exception-round-trip", "exception and back to the program, without the kernel", None, "libexo/arch"),
    ("transfer-one-way", "control transfer, one way (60 in the kernel, and the CR3 load)", 90, K + "transfer.S"),
    ("transfer-round-trip", "... and back", None, K + "transfer.S"),
    ("transfer-one-way-libexo", "... through libexo's C handler", None, "libexo/arch"),
    ("transfer-round-trip-libexo", "... and back", None, "libexo/arch"),
    ("directed-yield-round-trip", "directed yield, there and back", 400, K + "transfer.S"),
    ("post", "post to another", 150, "kernel/event/event_sys.c"),
    ("post-to-self", "post to oneself", 150, "kernel/event/event_sys.c"),
    ("claim-frame", "claim a frame (136 in the kernel)", 160, M + "frame_sys.c"),
    ("release-frame", "release a frame", 180, M + "frame_sys.c"),
    ("claim-map-page", "claim and map a page in one step (512 of it: scrubbing)", 912, M + "map_sys.c"),
    ("unmap-release-page", "unmap and release it", None, M + "map_sys.c"),
    ("find-frame", "find a free frame in the exposed table, in user mode", None, "libexo/read.c"),
    ("map-page", "map a page", 300, M + "map_sys.c"),
    ("map-100-pages", "map 100 pages in one call", 12500, M + "map_sys.c"),
    ("map-100-pages-again", "... where the same are already", 12500, M + "map_sys.c"),
    ("protect-page", "change a page's protection", 300, M + "map_sys.c"),
    ("protect-100-pages", "... of 100 pages", 12500, M + "map_sys.c"),
    ("unmap-100-pages", "unmap 100 pages", 12500, M + "map_sys.c"),
    ("stlb-hit", "page fault that the software TLB answers, and the access", 400, M + "stlb.c"),
    ("stlb-refill", "... in a page table of the refill pool, which had another page", 1450, M + "pool.c"),
    ("region-copy", "copy a line of a software region", 450, M + "region.c"),
)

BINDINGS = (
    ("hardware: a page-table entry", "map-page", "load-of-mapped-page"),
    ("software cache: an entry of the software TLB (two stores), used at a page fault", None, "stlb-hit"),
    ("bound key, used in a map of one page", "bind-key", "map-page-by-bound-key"),
    ("(named key: nothing to bind)", None, "map-page-by-named-key"),
    ("predicate of 1 term, looked at by the dispatcher", "install-predicate-1-term", "evaluate-predicate-1-term"),
    ("predicate of 8 terms", "install-predicate-8-terms", "evaluate-predicate-8-terms"),
)

# Two processors under -icount take turns, and who waits gives way: their instructions together repeat, too.
EVENTS = (
    ("revoke-asked-given", "memory asked back: asked, told, a frame let go of, back at the asker", "kernel/mem/debt.c"),
    ("revoke-asked-taken", "... not given: asking, and taking a frame past the deadline, its contents kept nowhere", "kernel/mem/repossess.c"),
    ("slice-end-forced", "end of a slice, and the next one: a program that is not told", "kernel/cpu/slice_end.c"),
    ("slice-end-told", "... that is: epilogue, parked, prologue, resumed", "libexo/arch"),
    ("flush-nowhere", "a page taken out of an address space that runs nowhere", M + "map_sys.c"),
    ("smp-flush", "... that runs on another processor: both", "kernel/core/remote.c"),
    ("smp-wake", "a word changed, for one who sleeps on another processor, until he has answered: both", "kernel/core/remote.c"),
    ("smp-post", "a post to one who runs on another processor, until he has seen it: both", "kernel/event/event.c"),
)

MEMORY = (
    ("page-away", "a page put away: MADV_PAGEOUT"),
    ("page-back", "... and touched again"),
    ("answer-unused", "8 frames asked for, and the library has so many that it does not need now: each"),
    ("answer-careful", "256 frames asked for, 16 MiB, of which half was not touched since: each frame"),
    ("answer-careful-all-hot", "... all of it was"),
    ("answer-fast", "... and there is little time: whatever comes first"),
)

LONGEST_AIM = 20000
LONGEST = (
    ("longest-claim-512", "claim 512 frames"),
    ("longest-release-512", "release 512 frames"),
    ("longest-map-512-dirty", "map 512 frames that must be scrubbed"),
    ("longest-map-512-again", "map 512 pages that are mapped"),
    ("longest-protect-512", "protect 512 pages"),
    ("longest-map-512-writable", "make 512 pages writable again"),
    ("longest-protect-run", "protect a run of 512 pages"),
    ("longest-protect-run-writable", "make them writable again"),
    ("longest-guard-512", "put 512 frames under a guard"),
    ("longest-map-512-guarded", "map 512 frames that a guard's last entry opens"),
    ("longest-mark-512-guarded", "mark them"),
    ("longest-clone-512", "clone 512 pages copy-on-write"),
    ("longest-clone-nothing", "clone a page table that is empty"),
    ("longest-reap-full-account", "reap a dead environment's account with 1024 bindings and 512 frames"),
    ("longest-unmap-release-512", "unmap and release 512 pages"),
    ("longest-unmap-release-run", "unmap and release a run of 512 pages"),
    ("longest-release-deep", "ask for control up 15 accounts, in vain and not"),
    ("longest-key-copy", "copy 112 bound keys"),
    ("longest-key-drop", "drop 112 bound keys"),
    ("longest-destroy", "destroy an environment"),
    ("longest-reap-500-slices", "reap one that owns 500 slices"),
    ("longest-entry", "the kernel's own measure: these, all interrupts and dispatches (500 slices "
                      "that wait on predicates of 8 terms)"),
)

# Aims: what it was at the last look and a quarter more.  Above, the bench fails: something goes through
# a table that has grown, or asks where it need not.
LINUX = (
    ("null-call", "(the kernel's null call, by the program itself)", None),
    ("getpid", "getpid", 240),
    ("clock_gettime", "clock_gettime", 100),
    ("sigprocmask", "sigprocmask", 300),
    ("lseek", "lseek", 400),
    ("fstat", "fstat", 650),
    ("stat", "stat", 1050),
    ("open-close", "open + close", 2100),
    ("read-1", "pread of 1 byte", 1050),
    ("read-4K", "pread of 4 KiB", 1700),
    ("write-4K", "pwrite of 4 KiB", 2200),
    ("read-64K", "pread of 64 KiB", 18000),
    ("write-64K", "pwrite of 64 KiB", 24000),
    ("create-unlink", "create + close + unlink", 12200),
    ("create-write-unlink", "... with a write of 1 KiB", 18700),
    ("pipe-1", "pipe: write 1 byte, read it", 1200),
    ("pipe-4K", "pipe: write 4 KiB, read them", 2450),
    ("pipe-close", "pipe, and close of both ends", 37000),
    ("pair-close", "a pair of sockets, and close of both", 64000),
    ("pipe-round-trip", "1 byte to another process and back, by two pipes", 3200),
    ("pair-round-trip", "... by a pair of sockets", 4650),
    ("futex-round-trip", "a word that two processes share: set and woken, waited for, and back", 4400),
    ("pty-echo", "1 byte typed at a pty's master, and its echo read", 4800),
    ("signal-to-self", "kill of oneself, the handler, and back", 2500),
    ("mprotect", "mprotect of a page", 1800),
    ("segv-mprotect", "SIGSEGV, a handler that permits the access by mprotect, and back", 4800),
    ("fault-anonymous", "first touch of anonymous memory, with its mmap", 1700),
    ("fault-file-read", "first read of a page of a file, with its mmap", 1500),
    ("fault-file-write", "first write to a private page of a file, with its mmap", 4200),
    ("fault-cow-copy", "write to a page that a child has, too", 3800),
    ("fault-cow-alone", "... when the child is gone", 1100),
    ("mmap-touch-munmap", "mmap + touch + munmap of a page", 4000),
    ("fork-exit-wait", "fork + exit + wait", 235000),
    ("exec", "exec, to main", 300000),
    ("fork-exec-exit-wait", "fork + exec + exit + wait", 540000),
    ("mutex-lock-unlock", "threads: lock and unlock of a mutex that nobody wants", 100),
    ("thread-yield-there-and-back", "sched_yield to another thread, and back: two switches", 1250),
    ("semaphores-there-and-back", "sem_post, and sem_wait for the other thread's: two wakes, two switches", 3400),
    ("thread-create-join", "pthread_create + pthread_join", 10000),
    ("direct-getpid", "from rewritten call sites: getpid, by syscall()", 30),
    ("direct-lseek", "... lseek of a descriptor that is not open", 300),
    ("direct-pipe-1", "... pipe: write 1 byte, read it", 950),
)

PRIVATE_AIM = 16
PRIVATE = (
    ("private-data", "data, and what is there of transient buffers"),
    ("private-window", "windows on files"),
    ("private-files", "descriptions of open files"),
    ("private-heap", "heap"),
    ("private-kept", f"the library's data: the sum of these (aim: {PRIVATE_AIM}, 64 KiB)"),
    ("private-stacks", "stacks"),
    ("private-contract", "u-area, public page, page shared with the server"),
    ("private-library", "all of the library's memory"),
    ("private-tables", "page tables, each with two frames for the reverse map; the program's, too"),
    ("private-kernel", "top table, environment, keys, activation"),
)

# Of those: processes change, after which the emulator, and real processors, find pages anew.
SWITCHING = ("pipe-round-trip", "pair-round-trip", "futex-round-trip", "create-unlink", "fork-exit-wait",
             "fork-exec-exit-wait", "exec", "pipe-close", "pair-close", "pty-echo")
