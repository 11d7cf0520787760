# SPDX-License-Identifier: ISC
"""How many times faster than Linux each operation shall be: elapsed, in the same emulator.

op: (an unmodified Linux program under ExOS, the native interface); None where no aim is set.
"""

AIMS = {
    "getpid": (25, None),
    "getpid-reflected": (2, None),		# by way of the kernel: call sites not rewritten
    "clock_gettime": (1, None),
    "sigill": (6, 12),
    "sigsegv": (6, 12),
    "appel1": (8, 15),
    "appel2": (8, None),
    "mprotect-100": (4, None),
    "touch": (3, None),
    "mmap-touch-munmap": (8, None),
    "pipe-ping-pong": (8, 12),			# native: a control transfer there and back
    "futex-processes": (8, None),
    "futex-threads": (50, None),
    "unix-ping-pong": (8, None),
    "fork": (5, None),
    "fork-64M": (2, None),
    "fork-exec": (5, None),
    "thread": (20, None),
    "open-close": (10, None),
    "stat": (10, None),
    "create-unlink": (4, None),			# 10 in instructions
    "read-4K": (2.5, None),
    "lua": (1, None),
    "sqlite": (1, None),
    "pipeline": (1, None),
    "compile": (1, None),
    "tree": (2, None),
    "sh-loop": (2, None),
    "boot-output": (20, None),
    "memory": (5, None),
}

# Aims in instructions, where they are others.
INSTRUCTIONS = {"create-unlink": 10}

# What cannot be gone below: so many switches of address space at least, the copy, or both.
FLOOR = {
    "pipe-ping-pong": "2 switches of address space",
    "unix-ping-pong": "2 switches of address space",
    "futex-processes": "2 switches of address space",
    "create-unlink": "2 requests of the server, each there and back",
    "read-4K": "the copy",
}
