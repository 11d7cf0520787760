/* SPDX-License-Identifier: ISC */
/*
 * The control channel between the `exo` command and the guest (console port
 * 2), and the names of the console's ports.  docs/console.md tells the story.
 *
 * Messages both ways: a header, then `bytes` bytes of payload; all numbers
 * little endian, structures without padding.  An unknown type is skipped.
 */
#ifndef EXO_CONTROL_H
#define EXO_CONTROL_H

#include <stdint.h>

/* Ports of device 0.  Port n has queue 2n to receive and queue 2n + 1 to send. */
enum exo_port { EXO_PORT_STDIO, EXO_PORT_STDERR, EXO_PORT_CONTROL, EXO_PORT_LOG };

struct exo_control {
	uint8_t type;			/* enum exo_control_type */
	uint8_t zero;
	uint16_t bytes;			/* of payload, at most EXO_CONTROL_MAX */
};
#define EXO_CONTROL_MAX 4080u		/* with the header and a completion word it fits a frame */

#define EXO_CONTROL_KTRACE_RECORDS 127u	/* most in one message */

enum exo_control_type {
	/* host to guest */
	EXO_CONTROL_EOF = 1,		/* u64: standard input ended; so many bytes were sent in all */
	EXO_CONTROL_WINSIZE = 2,	/* u16 rows, u16 columns */
	EXO_CONTROL_SIGNAL = 3,		/* u32: Linux signal number, for the program's process group */

	/* guest to host */
	EXO_CONTROL_EXIT = 0x81,	/* struct exo_control_exit, then a reason in text */
	EXO_CONTROL_TRACE = 0x82,	/* text */
	EXO_CONTROL_STATS = 0x83,	/* text */
	EXO_CONTROL_FILE = 0x84,	/* struct exo_control_file, then the name NUL, the link target NUL */
	EXO_CONTROL_DATA = 0x85,	/* the next bytes of the file last announced */
	EXO_CONTROL_NOFILE = 0x86,	/* u32 index, u32 Linux errno: nothing to get there */
	EXO_CONTROL_DONE = 0x87,	/* nothing follows; the host ends the machine */
	EXO_CONTROL_KTRACE = 0x88,	/* u64: so many records were lost here; then struct exo_trace[] */
};

enum exo_exit_kind {
	EXO_EXIT_STATUS,		/* value is the program's exit status, 0..255 */
	EXO_EXIT_SIGNAL,		/* value is the signal that killed it */
	EXO_EXIT_NOTFOUND,		/* there is no such program; value is the errno */
	EXO_EXIT_NOEXEC,		/* it is there but cannot be run; value is the errno */
	EXO_EXIT_FAILED,		/* the system itself failed, the text says why */
};

struct exo_control_exit {
	uint32_t kind;			/* enum exo_exit_kind */
	uint32_t value;
	uint64_t stdout_bytes;		/* sent on port 0 in all: the host waits for them */
	uint64_t stderr_bytes;		/* sent on port 1 in all */
	uint64_t stdin_bytes;		/* of port 0, read by programs: the host seeks back behind them */
};

struct exo_control_file {
	uint32_t index;			/* which `get` record of boot/run, from 0 */
	uint32_t mode;			/* st_mode: a directory, regular file or symbolic link */
	uint64_t bytes;			/* so many follow in DATA messages (regular files) */
	uint64_t mtime_ns;
	/* name relative to what was asked for ("" for itself) and NUL; link target and NUL */
};

_Static_assert(sizeof(struct exo_control) == 4, "control header");
_Static_assert(sizeof(struct exo_control_exit) == 32, "exit message");
_Static_assert(sizeof(struct exo_control_file) == 24, "file message");

#define EXO_RUN_FILE "boot/run"		/* in the archive: what to run and how, see docs/console.md */

#endif
