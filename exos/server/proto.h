/* SPDX-License-Identifier: ISC */
/*
 * What a process may ask of the server, and what the server shows to all.
 *
 * The server is a small protected environment (boot/init) reached by control
 * transfer: it keeps what belongs to nobody alone: process ids, the name
 * space of files, the terminal.  Everything it knows that a library may see
 * lies in the shared region, mapped read-only into every process; libraries
 * read it there and call only to change something.  Names and user ids in a
 * message are never evidence: the server asks the kernel about the caller's
 * keys (exo_key_test), and knows the caller by the name the kernel gives it.
 *
 * A request: rsi = operation, rdx r8 r9 rbx rbp r12 = arguments.
 * The answer: rsi = result (>= 0, or -errno), rdx r8 r9 = further results.
 * Bulk data travels in the caller's comm page, which only the two share; the
 * server reads each byte of it once.
 */
#ifndef EXOS_PROTO_H
#define EXOS_PROTO_H

#include <stdint.h>
#include <exo/types.h>
#include "cred.h"

/* ---- address layout of a process ---------------------------------------------- */
/*
 * Offsets from the image base B, which is drawn at boot (2 MiB aligned, in
 * the last lower-half top-level slot); the same in every process.
 */
#define EXOS_TEXT     0x00000000ull	/* image text, read-only data: one shared page table, read-only */
/* One private page table: u-area, data, stacks; copied at fork */
#define EXOS_PRIVATE 0x00200000ull
#define EXOS_UAREA    (EXOS_PRIVATE + 0x0000ull)
#define EXOS_PUBLIC   (EXOS_PRIVATE + 0x1000ull)	/* struct pub: what the process publishes */
#define EXOS_COMM     (EXOS_PRIVATE + 0x2000ull)	/* shared with the server alone */
#define EXOS_START    (EXOS_PRIVATE + 0x3000ull)	/* struct exos_start, at the first entry only */
#define EXOS_DATA     (EXOS_PRIVATE + 0x10000ull)	/* image data and bss */
#define EXOS_STACKS   (EXOS_PRIVATE + 0x100000ull)	/* library stacks, with unmapped guard pages */
#define EXOS_HEAP_NEAR 0x00380000ull	/* the first of the library heap, and below ... */
/* ... pages of open file descriptions, shared by relatives: of most processes in the table above */
#define EXOS_OFDS 0x003c0000ull
/* Frames of objects that processes share (pipes): up to 126 MiB */
#define EXOS_OBJECTS 0x00600000ull
#define EXOS_OBJECTS_END EXOS_WINDOW
#define EXOS_WINDOW   0x08400000ull	/* one private page table: file windows, scratch pages */
#define EXOS_HEAP     0x08600000ull	/* library heap: private, grows on demand; copied at fork */
/* Library stacks of threads: a slot each, of EXOS_THREAD_STRIDE */
#define EXOS_THREADS 0x28000000ull
#define EXOS_THREAD_STRIDE 0x10000ull
#define EXOS_ARGUMENTS 0x38000000ull	/* of exec, while they are collected: 8 MiB */
/* Activations, one for each CPU: u-area, and stacks as far behind it as EXOS_STACKS */
#define EXOS_ACTS 0x39000000ull
#define EXOS_ACT_STRIDE 0x200000ull
#define EXOS_SHARED   0x40000000ull	/* the shared region: read-only, 1 GiB */
#define EXOS_STORE    0x80000000ull	/* the program's pages made small: up to 10 GiB; copied at fork */

/* ---- key slots every process starts with ----------------------------------------- */
enum exos_key {
	KEY_SELF = 0,		/* 'p' + a serial: opens its own account and environment guard, all rights */
	KEY_USER = 1,		/* 'u' + uid (4 bytes BE) */
	KEY_GROUP = 2,		/* 'g' + gid (4 bytes BE) */
	KEY_OTHER = 3,		/* 'o' */
	KEY_ROOT = 4,		/* 'r': only with root's capabilities about files; opens every file guard */
	KEY_OUT = 5,		/* device 0 queue 1: standard output of the machine */
	KEY_ERR = 6,		/* device 0 queue 3: standard error */
	KEY_LOG = 7,		/* append to the kernel log */
	KEY_TTY =
		8, /* the console: of the first process alone, which takes it for its descriptors */
	KEY_GROUPS = 16,		/* .. 47: 'g' + gid of each supplementary group */
	KEY_FIRST_FREE = 48,
};

/* ---- the shared region ------------------------------------------------------------ */
#define SH_MAGIC 0x53584f4558ull
#define SH_PROCS 1024u
#define PIPE_FRAMES 17u			/* a page of indices and the ring */

enum proc_state { PROC_FREE, PROC_BUILDING, PROC_RUNNING, PROC_STOPPED, PROC_ZOMBIE };

struct sh_proc {			/* 256 bytes; written by the server alone */
	uint32_t pid;			/* 0: free */
	uint32_t ppid;
	uint32_t pgid, sid;
	uint32_t state;			/* enum proc_state */
	uint32_t status;		/* wait status, once ZOMBIE or while STOPPED */
	uint32_t uid, gid;		/* the real ones; the others: sh_cred */
	exo_envid env;
	uint64_t account;		/* pfn */
	uint64_t child_events;		/* bumped when a child dies, stops, continues: a word to wait on */
	uint64_t events;		/* bumped when this one stops or continues */
	uint64_t start_ns;
	uint64_t run_ns;		/* final processor time, once ZOMBIE */
	uint64_t children_ns;		/* of reaped children */
	uint32_t tty;			/* controlling terminal: its number + 1; 0: none */
	uint32_t hung_pgrp;		/* a leader whose terminal hung up: what was in the foreground */
	char name[32];
	/* Inode without a name that it was given by OP_FS_NAMELESS and may not have published */
	uint64_t nursed;
	uint64_t vforked;		/* its parent waits until it execs or ends: a word to wait on */
	uint64_t sig_waiting;		/* OP_SIGINFO has something for it */
	uint64_t sys_ns,
		children_sys_ns; /* of run_ns and children_ns: by their libraries, as these said */
	uint32_t cpu;			/* where it has slices; one of `cpus` */
	/* Where it is to have them: its library goes there by OP_CPU_MORE and _LESS */
	uint32_t cpu_wanted;
	uint64_t most_frames;		/* that its limit ever was */
	/* Final, once ZOMBIE; and of reaped children, of children_most_frames the largest. */
	uint64_t faults, waits, slices;
	uint64_t children_faults, children_waits, children_slices, children_most_frames;
	uint64_t cpus;			/* a bit for each CPU where it has slices */
	uint64_t spare[1];
};
_Static_assert(sizeof(struct sh_proc) == 256, "process entry");

#define SH_CPUS 8u
#define SH_TTYS 65u			/* 0: the machine's console; n: /dev/pts/(n - 1) */

/* A terminal, as everybody sees it; input and output are shown to holders of its keys alone. */
struct sh_tty {				/* 192 bytes */
	uint64_t slave_news;		/* bumped when something changed that its users wait for */
	uint64_t master_news;		/* ... that the master of a pty waits for */
	uint32_t used;
	uint32_t is_tty;		/* the console may be a stream of bytes instead */
	uint32_t avail;			/* nonzero: a read gets something; not canonical: how many bytes */
	uint32_t pending;		/* bytes, as FIONREAD counts */
	uint32_t eof;			/* a stream's end was seen */
	uint32_t hung;			/* a pty without master */
	uint32_t out_room;		/* a write gets rid of something */
	uint32_t stopped;		/* output is, by ^S or a program */
	uint32_t out;			/* master: bytes to take; packets' status counts as one */
	uint32_t in_room;		/* master: room for so many */
	uint32_t closed;		/* master: it was open and no longer is */
	uint32_t locked, packet, exclusive;
	uint32_t status;		/* master: TIOCPKT_* to be told */
	uint32_t pgrp;			/* foreground process group */
	uint32_t session;
	uint16_t rows, cols, xpixel, ypixel;
	uint8_t termios[40];		/* struct ktermios (36 bytes) */
	uint64_t spare[7];
};
_Static_assert(sizeof(struct sh_tty) == 192, "terminal");

#define FUTEX_GROUPS 32u

#define SH_STATS      1u		/* all calls are counted */
#define SH_NO_REWRITE 2u		/* call sites stay as they are */

struct sh_info {			/* first page of the shared region */
	uint64_t magic;
	uint64_t base;			/* B */
	exo_envid server;
	uint64_t wall_offset_ns;	/* wall clock = now_ns + this */
	uint64_t session_account;
	uint64_t text_pt;		/* pfn of the shared page table of the image */
	uint64_t image_data_bytes;	/* template size */
	uint64_t memory_frames;		/* what was free at the start, and the boot archive */
	uint64_t procs_off,
		fs_off; /* offsets of sh_proc[SH_PROCS], of the file system, from the region */
	uint32_t trace;			/* Linux calls are to be traced */
	uint32_t flags;			/* SH_* */
	char hostname[64];
	uint64_t ttys_off;		/* of sh_tty[SH_TTYS] */
	uint64_t spare2[16];
	uint64_t
		changes; /* bumped with each word here that processes wait on, and by OP_CHANGED: for
					 * those who wait for more words than a predicate has room for */
	uint64_t trace_taken;		/* bumped when the host took something */
	uint64_t creds_off;		/* of sh_cred[SH_PROCS]; there is a page where a process is */
	char domainname[64];
	uint64_t proc_rows;		/* the process table's rows from here on are free */
	uint64_t busy_on;		/* the CPU that the server works on + 1; 0: none */
	uint64_t cpus;			/* processes may be put on CPUs 0 to this one less */
	/* u16[]: whose each TID_BLOCK of numbers is, a pid or 0; 0: nobody has any yet */
	uint64_t tids_off;
	uint32_t futex_waiters
		[FUTEX_GROUPS]; /* of the words of each group: 0, there is nobody to be woken */
};

static inline unsigned
futex_group(uint32_t ino, uint64_t at)
{
	return (unsigned)((ino * 0x9e3779b97f4a7c15ull ^ at * 0xff51afd7ed558ccdull) >> 59);
}

/* What a process publishes: its own frame, read by the server and by /proc readers; believed by nobody. */
#define PUB_INODES 512u
#define PUB_NOCLDSTOP 1u		/* not of children that stop or go on */
#define PUB_NOCLDWAIT 2u		/* nobody will ask what became of the children */
#define PUB_IGNORED   4u		/* nor wants to be told */
#define PUB_TABLES 8u
struct pub_table {			/* an entry of the top page table */
	uint32_t slot, pfn;		/* pfn 0: none */
};
/* Call sites of the program that runs (vm/rewrite.h). */
#define SITES_REASONS 6u
struct pub_sites {
	uint64_t reflected, direct;	/* calls by way of the kernel, and from rewritten sites */
	uint32_t rewritten, refused[SITES_REASONS];
	uint32_t spare;
};

struct pub {
	uint32_t nopen;			/* entries below in use */
	uint32_t cwd;
	uint32_t root;
	uint32_t sig_child;		/* PUB_NOCLD*: how SIGCHLD is taken */
	uint32_t sig_held;		/* signals with details that are pending in the library */
	uint32_t exe;			/* inode of the program that it runs */
	uint64_t sig_pending, sig_blocked, sig_ignored, sig_caught;	/* bit n - 1 is signal n */
	uint64_t sys_ns;		/* of its processor time: in the library */
	uint64_t waits;			/* how often it gave the processor up */
	uint64_t thread_list;		/* where a pointer to the first of its library's threads lies */
	uint32_t exe_dir;		/* where that is found */
	uint32_t threads;		/* that there are */
	struct pub_table table[PUB_TABLES];	/* for those who may look: proc/look.h */
	uint32_t open[PUB_INODES];	/* inodes held open: an unlinked one of them is not freed yet */
	uint32_t umask;
	struct pub_sites sites;
	char cmdline[1840];		/* NUL separated, as it was called; the beginning */
};
_Static_assert(sizeof(struct pub) == 4096 - 0, "public page");

/* Handed to a process at its very first entry (EXOS_START). */
struct exos_start {
	uint64_t base;
	uint32_t pid;
	uint32_t argc, envc;		/* strings follow one another from `strings` on, args first */
	uint32_t strings_bytes;
	uint32_t cwd;			/* inode */
	uint32_t stdin_tty, stdout_tty, stderr_tty, joined;
	uint32_t program;		/* offset in strings of the path to run; 0: argv[0] says it */
	/* A set-id program: its inode (0: none); strings is its path, argc and envc count what GIFT_STRINGS holds. */
	uint32_t setid_ino, argument_bytes, umask;
	uint32_t fd_kind[3];
	uint64_t blocked, ignored;
	char strings[];			/* over the following pages up to EXOS_DATA */
};

/* The server is working on another CPU, and did not look at the request: ask again. */
#define SERVER_BUSY (-(1ll << 32))
/*
 * r12 of a request: a number that its caller uses but once, even; odd: the same was
 * asked before and the server ended.  Then nothing is done: the answer is that of the
 * first time, or SERVER_UNDONE: it did not happen, and slots are to be emptied before
 * it is asked anew, in rdx by bits, in r8 and r9 by 16-bit numbers.
 */
#define SERVER_ASKED 1ull
#define SERVER_UNDONE (-(1ll << 34))
/* Of files: something is being freed, a step of it by this very request; ask again. */
#define SERVER_AGAIN (-(1ll << 33))

/* ---- operations ---------------------------------------------------------------------- */
/* b: further results; every one may also give -EFAULT -EINVAL -ENOSYS. */
enum server_op {
	/* processes */
	OP_FORK_BEGIN =
		1, /* () -> pid; rdx = env, r8 = account pfn.  An environment without activation or mappings,
				 * KEY_SELF in its ring; until FORK_DONE the caller's KEY_SELF opens both */
	OP_FORK_DONE,		/* (pid, comm page pfn, public page pfn, vforked, signal at its end) -> 0; the child gets its
				 * slice and runs */
	OP_FORK_ABORT,		/* (pid) */
	OP_EXIT,		/* (wait status, errno) does not return.  errno: why the first program could not be
				 * started, with status 127 (not found) or 126 */
	OP_REAP,		/* (pid) -> wait status of a zombie child, which is gone then, and its memory free;
				 * rdx = its run_ns.  -EAGAIN: not yet, ask again */
	OP_KILL,		/* (pid, -pgid, 0 or -1; signal; enum kill_how; of a thread: its process's pid, 0: any) -> 0 */
	OP_SETPGID,		/* (pid, pgid) */
	OP_SETSID,		/* () -> sid */
	OP_STOPPED,		/* (signal): stop me until SIGCONT, unless one came meanwhile */
	OP_SIGINFO,		/* () -> count; comm: struct sig_detail each, in order of arrival; rdx = bits of further
				 * signals, of which nothing is known.  As long as sig_waiting says that there is more */
	OP_SETNAME,		/* (has exec'd): comm page: new name (NUL terminated) */
	OP_MEMORY,		/* (frames, account, needed: others may end by it) -> frames that the limit was raised by, out of
				 * the session's rest: of the caller's account, or of a child's between FORK_BEGIN and _DONE.
				 * -EAGAIN: none now, ask again soon; -EBUSY: the same, and there will be some; -ENOMEM: it has
				 * more than anybody, and gets no more.  0 frames: it was asked, and has no more to give -> 0 */
	OP_EXEC_NATIVE,		/* (inode, argc | envc << 32, bytes, object, its key's slot): comm page strings -> pid of a
				 * child that runs a native program, with a struct exo_ring in the object for output */
	OP_EXEC_SETID,		/* (inode, argc | envc << 32, bytes of strings); comm: struct setid_ask -> pid of a child that
				 * runs a set-id program; its vforked is set until it has fetched its gifts */
	OP_GIFT,		/* (which, slot, slot of the key with W, va offset in EXOS_OBJECTS) -> id of an object that the
				 * process was given when it was made; rdx = as OP_OBJECT_NEW */
	OP_OBJECT_NEW,		/* (frames, slot, slot of the key with W, va offset in EXOS_OBJECTS, EXO_R | EXO_W: which
				 * keys) -> object id; rdx = offset in the shared region of the counts of holders.  Like all
				 * that make objects: -ENFILE; -EBUSY: ask again soon, there will be some */
	OP_OBJECT_FREE,		/* (object id): free it if its guard has no holders */
	OP_HOLD,		/* (inode, no longer): open beyond the PUB_INODES that the public page names */
	OP_CHANGED,		/* (): the words of an object changed that somebody looks at: sh_info.changes is bumped */
	OP_PUBLISHED,		/* (pid): a copy of its public page to the comm page, without what only friends may know */
	OP_TRACE,		/* (bytes): comm page text goes to the host as trace output; -EAGAIN: when trace_taken
				 * changes */
	OP_CRED,		/* (enum cred_op, three arguments); comm: groups.  The slots of the keys that change
				 * (cred_keys) are empty, and filled in with the new ones */
	OP_LIMIT,		/* (pid, RLIMIT_*, soft, hard) */
	OP_PRIORITY,		/* (PRIORITY_*, PRIO_*, who, value) */
	OP_CLOCK_SET,		/* (ns that the time of day is ahead of the clock) */
	OP_HOSTNAME,		/* (domain name instead, bytes): comm: the name */
	OP_TUNE,		/* (pid, enum tune, value): -EACCES, -EINVAL */
	OP_LOOK,		/* (pid, slot): as OP_PUBLISHED, with a key that reads what its account owns; -EACCES */
	OP_OFD_NEW,		/* (slot, va offset in EXOS_OBJECTS) -> object id of a frame for an open file description, and
				 * a key without W; rdx = as OP_OBJECT_NEW, r8 = the token that OP_OFD_FIND asks for */
	OP_OFD_FIND,		/* (token, slot, va offset) -> object id: the same for who was told its token; rdx */
	OP_CPU_MORE,		/* () -> a CPU where the caller has a slice now, too: cpu_wanted, or one of the server's choice.
				 * -EAGAIN: none is to be had */
	OP_TIDS,		/* () -> the first of TID_BLOCK numbers that no process has, for threads; until the caller
				 * ends.  -EAGAIN: it has enough, or there are none */
	OP_CPU_LESS,		/* (CPU) -> 0: it has no slices there any more, but for what is left of the one that runs.
				 * -EINVAL: it has none there, or nowhere else */
	/* files: dir, ino are inode numbers; names are in the comm page, NUL terminated */
	OP_FS_CREATE =
		64, /* (dir, mode, rdev, rights, slot): comm: name -> ino; -EEXIST.  rights: with a key as by
				 * OP_FS_KEY, whatever the mode */
	OP_FS_SYMLINK,		/* (dir, nameless): comm: name NUL target NUL -> ino; or the target alone, see OP_FS_NAMELESS */
	OP_FS_LINK,		/* (ino, dir): comm: name */
	OP_FS_UNLINK,		/* (dir, rmdir flag): comm: name */
	OP_FS_RENAME,		/* (dir, dir2, flags): comm: name NUL name2 NUL */
	OP_FS_SETATTR,		/* (ino, mask SETATTR_*, mode | atime_ns, uid | mtime_ns, gid | key slot): not both
				 * kinds at once */
	OP_FS_EXTEND,		/* (ino, from, bytes, key slot, FS_FILL or FS_KEEP_SIZE or 0): frames for these bytes are there
				 * afterwards, the size is at least from + bytes.  from FS_APPEND: at the end; rdx = from.  At
				 * most FS_EXTEND_MAX bytes.  FS_FILL: inside the file, for who may read it, and nothing else is
				 * changed; FS_KEEP_SIZE: the size is what it was */
	OP_FS_TRUNCATE,		/* (ino, size, key slot) */
	OP_FS_PUNCH,		/* (ino, from, bytes, key slot): these bytes are zero afterwards and have no frames where whole
				 * pages are meant -> 0, or 1: not all yet, go on at rdx */
	OP_FS_FIFO,		/* (ino, rights, read key slot, write key slot, va offset in EXOS_OBJECTS) -> object id: the
				 * pipe behind a named one; rights EXO_R, EXO_W: which keys are given.  rdx = the other side
				 * was there | offset of the holder counts * 2, r8 = how often it has opened, r9 = how often
				 * this side has, with this one */
	OP_FS_BUSY,		/* (ino): -ETXTBSY when some process says that it runs it */
	OP_FS_KEY,		/* (ino, rights, slot): a key to this file alone, bound for who has these rights now; it
				 * outlives what gave them */
	OP_FS_NAMELESS,		/* (dir, mode, may be linked, rights, slot) -> ino: as OP_FS_CREATE, but without a name (dir 0:
				 * of no directory, for memory, with `may be linked` as its first seals); it lives
				 * until the caller publishes it, asks for another, or ends */
	OP_FS_XATTR,		/* (ino, enum xattr, bytes of value, key slot): comm: name NUL value -> bytes in the comm page
				 * (GET, LIST: names, each with its NUL), or 0 */
	OP_FS_SEAL,		/* (ino, FS_SEAL_*, key slot): of a file made for memory, by who may write it */
	OP_FS_SWEEP,		/* (ino): free it if unlinked and published by nobody */
	OP_LOCK,		/* (ino, LOCK_ASK_*, first byte, last byte, owner): owner 0: the caller's process, else a number
				 * of OP_LOCK_OWNER; above bit 32 the slot of its key, or of one to the file, or 0.  -EAGAIN:
				 * somebody has it, wait for the word in fs_super; -EDEADLK; -ENOLCK: no room.  TEST -> the type
				 * in the way, rdx = its first byte, r8 = last, r9 = pid (all ones: a description's) */
	OP_LOCK_OWNER,		/* (ino, key slot, slot of a key to the file or 0) -> number: makes an open file description an
				 * owner; whoever shares it holds the key */
	OP_LOCK_CLOSED,		/* (number): its locks go if nobody holds the key any more */
	/* inotify: an instance is an object without frames, named with the slot of a key of it */
	OP_NOTIFY_NEW,		/* (key slot) -> object id; rdx = offset of its word, the bytes that wait to be read, in the
				 * shared region; r8 = of its holder counts */
	OP_NOTIFY_ADD,		/* (object id, key slot, ino, mask) -> number of the watch */
	OP_NOTIFY_REMOVE,	/* (object id, key slot, number) */
	OP_NOTIFY_READ,		/* (object id, key slot, room) -> bytes of events in the comm page; -EAGAIN */
	OP_NOTIFY_TELL,		/* (ino, dir, mask, key slot, place): what the library did without us to a file found in dir,
				 * whose entry ends at that byte of it, 0: none; -ESTALE: it does not */
	/* futexes in files that processes share: (ino, byte of the file, bits, key slot or 0, ...) */
	OP_FUTEX_WAIT,		/* () -> ticket; rdx = offset of its word in the shared region, r8 = what that is until it is
				 * woken.  -EAGAIN: too many wait */
	OP_FUTEX_WAKE,		/* (how many) -> how many there were; FUTEX_WAKES: there may be more */
	OP_FUTEX_END,		/* (ticket, what its word was) -> 0: it waits no more; 1: it had been woken */
	/* terminals: (number, key slot, ...).  A key with R reads, with P writes; the master's has W */
	OP_TTY_READ =
		128, /* (tty, slot, max) -> bytes in the comm page; -EAGAIN: nothing yet, 0: end of input */
	OP_TTY_WRITE,		/* (tty, slot, bytes): comm page -> how many it took; -EAGAIN: none now, -EIO: hung up */
	OP_TTY_SET,		/* (tty, slot, enum tty_set, value, value); comm: struct ktermios */
	OP_TTY_PGRP,		/* (tty, slot, pgrp) */
	OP_TTY_CTTY,		/* (tty, slot, enum tty_ctty): make it the controlling terminal, or no longer have it */
	OP_TTY_OPEN,		/* (inode, TTY_OPEN_*, slot, master's tty, master's slot) -> tty, its key in the slot */
	OP_PTY_NEW,		/* (slot) -> tty of a new pty, the master's key in the slot */
	OP_PTY_READ,		/* (tty, slot, max): as the master: what was written to it.  -EIO: its users have gone */
	OP_PTY_WRITE,		/* (tty, slot, bytes): as the master: what is typed */
	OP_TTY_CLOSED,		/* (): keys of terminals were dropped: whom does that concern? */
	/* sockets and what travels between them: sockproto.h.  id, slot: a socket's object and the caller's key of it */
	OP_SOCK_NEW =
		192, /* (type, slot) -> id of an endpoint; rdx = its row, r8 = where its counts are */
	OP_SOCK_PAIR,		/* (type, slot, slot of side 1, va offset) -> id of a connection; r8 */
	OP_SOCK_BIND,		/* (id, slot, enum sock_where, directory, mode); comm: file name, and sock_name at COMM_NAME;
				 * -EADDRINUSE */
	OP_SOCK_LISTEN,		/* (id, slot, backlog) */
	OP_SOCK_CONNECT,	/* (enum sock_where | type << 8, ino, slot, va offset, own id | own slot << 32 or ~0);
				 * comm: sock_name -> id of the connection, of which it gets side 0; r8.  -EAGAIN: the queue
				 * is full; rdx = the listener's row, r9 = its `taken` */
	OP_SOCK_ACCEPT,		/* (id, slot, slot of the new key, va offset) -> id of the connection, of which it gets
				 * side 1; r8.  -EAGAIN: nobody is there */
	OP_SOCK_INFO,		/* (id, slot); comm: struct sock_info */
	OP_SOCK_PEER,		/* (id, slot, enum sock_where, ino); comm: sock_name: where an endpoint's datagrams go.
				 * WHERE_PEER: two of the caller's to each other, the other's id | slot << 32 for ino */
	OP_SOCK_SHUT,		/* (id, slot, SHUT_*): of an endpoint */
	OP_LETTER_NEW,		/* (bytes in all, bytes in comm): begin a draft */
	OP_LETTER_PUT,		/* (offset, bytes in comm) */
	OP_LETTER_RIGHT,	/* (key slot, key slot of side 1, key slots of ofd | owner << 32); comm: struct passed: one
				 * descriptor more */
	OP_LETTER_SEND,		/* (id, slot, enum sock_where, ino); comm: sock_name -> ticket.  To a connection: it is
				 * attached.  -EAGAIN: full; rdx = the receiver's row, r9 = its `taken` */
	OP_LETTER_TAKE,		/* (id, slot, ticket or 0, keep); comm: struct letter_info and the first bytes */
	OP_LETTER_GET,		/* (offset) -> bytes in comm */
	OP_LETTER_GIVE,		/* (which, key slot | slot of side 1 << 32, va offset, or 0: tell only; enum passed_part);
				 * comm: struct passed; r8 = where its counts are, r9 = frames */
	OP_LETTER_END,		/* (): clear the desk and the draft */
	OP_SOCK_JOIN,		/* (id, slot, slot of the new key, va offset) -> id of the connection that it became when
				 * a relative connected it, side 0; r8 */
};

enum kill_how {
	KILL_ANY,			/* as kill(2) */
	KILL_THREAD,			/* one process, as tkill(2) */
	KILL_QUEUE,			/* one process; comm: struct sig_detail, of which code and words count */
	KILL_THREAD_QUEUE,		/* both */
};

#define SH_FUTEXES 4096u		/* that are waited for */
#define FUTEX_WAKES 128u		/* by one request */

#define TID_BLOCK 16u
#define TID_BLOCKS 256u			/* of one process, at the most */

/* What is known of a signal: Linux's siginfo, as far as it is ever filled. */
struct sig_detail {
	int32_t signo, error, code;
	/* The thread it is for; 0: the process.  0 in siginfo */
	uint32_t directed;
	uint64_t word
		[4]; /* pid | uid << 32, then value; a child's status, utime, stime; or an address */
};

#define SIG_LAST 64
#define SIG_REALTIME 32			/* from here on they queue */
#define SIG_BY_USER 0			/* sig_detail.code: SI_USER, SI_KERNEL, SI_TKILL */
#define SIG_BY_KERNEL 0x80
#define SIG_BY_TKILL (-6)

/* Bits that are posted to a process. */
#define POST_SIGNAL 1ull		/* look at sig_waiting */
#define POST_ROW 2ull			/* look at state, and at cpu_wanted */
#define POST_MEMORY 4ull		/* look at the u-area: memory is asked back */

enum tty_set {
	TTY_SET_NOW, TTY_SET_DRAIN, TTY_SET_FLUSH,	/* termios of the comm page */
	TTY_SET_SIZE,			/* (rows | cols << 16, xpixel | ypixel << 16) */
	TTY_SET_DISCARD,		/* (TCIFLUSH, TCOFLUSH, TCIOFLUSH) */
	TTY_SET_FLOW,			/* (TCOOFF, TCOON, TCIOFF, TCION) */
	TTY_SET_TYPE,			/* (byte): as if typed */
	TTY_SET_EXCLUSIVE,		/* (on) */
	TTY_SET_LOCK, TTY_SET_PACKET,	/* (on): the master's to say */
	TTY_SET_SIGNAL,			/* (signal): ... to the foreground */
};

enum tty_ctty { TTY_CTTY_TAKE, TTY_CTTY_STEAL, TTY_CTTY_GIVE_UP };

#define TTY_OPEN_READ   1u
#define TTY_OPEN_WRITE  2u
#define TTY_OPEN_NOCTTY 4u		/* it shall not become the controlling terminal */
#define TTY_OPEN_OWN    8u		/* the controlling terminal, whatever its name */
#define TTY_OPEN_PEER   16u		/* the other side of the master named */

#define LOCK_ASK_TYPE  3u		/* enum lock_type: 0 unlock, 1 shared, 2 exclusive */
#define LOCK_ASK_WHOLE 4u		/* the flock family, all of the file, owner an open file description */
#define LOCK_ASK_TEST  8u
/* The caller is going to wait; its next request of OP_LOCK says that it no longer does */
#define LOCK_ASK_WAIT 16u

/* What a set-id program is to find; of the three descriptors how they are reached. */
enum { SETID_CLOSED, SETID_TTY, SETID_PIPE, SETID_SAME /* as the one before */ };
#define GIFT_STRINGS 3u			/* after the pipes: arguments and environment */
#define GIFTS 4u

struct setid_ask {
	uint32_t cwd, umask;
	uint64_t blocked, ignored;	/* signals */
	uint32_t fd[3], spare;
	struct {
		uint32_t object, slot;
	} gift[GIFTS]; /* the asker's key: to the side that is given */
	char path[1024];
};

enum priority { PRIORITY_NICE, PRIORITY_POLICY, PRIORITY_IO, PRIORITY_CPUS };
#define POLICY_FORK_RESETS 0x40000000u	/* with a policy: SCHED_RESET_ON_FORK */
#define POLICY_FORK_KEEPS 0x20000000u	/* ... as it was */

enum tune { TUNE_OOM, TUNE_CORE };

enum xattr { XATTR_GET, XATTR_SET, XATTR_CREATE_NEW, XATTR_REPLACE_OLD, XATTR_REMOVE, XATTR_LIST };

#define FS_APPEND (~0ull)
#define FS_EXTEND_MAX (1ull << 20)
#define FS_FILL 1u
#define FS_KEEP_SIZE 2u
#define FS_SIZE_MAX (~0ull >> 1)

#define SETATTR_MODE  1u
#define SETATTR_UID   2u
#define SETATTR_GID   4u
#define SETATTR_ATIME 8u
#define SETATTR_MTIME 16u
#define SETATTR_NOW   64u		/* with times: the server's clock says which */
#define SETATTR_UNSETID 32u		/* alone: it is about to be written */
/* Alone: it was read; the time of access is told if that says something new */
#define SETATTR_READ 128u

#endif
