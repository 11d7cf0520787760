/* SPDX-License-Identifier: ISC */
/*
 * /proc inside: procfs.c has the names, proctext.c and procmem.c what the files of
 * a process say, procsys.c those of the system, procfd.c what is open, proclook.c
 * what others publish.
 *
 * An inode number is PROCFS | pid << 8 | what; pid 0 is the system's.  For a
 * descriptor it is PROCFS | FD_BIT | descriptor (this process's: the file
 * itself), PROCFS | INFO_BIT | descriptor (its fdinfo), or of another process
 * PROCFS | PEER_BIT | descriptor << 15 | pid, with PEER_INFO for its fdinfo.
 */
#ifndef EXOS_FS_PROCFS_H
#define EXOS_FS_PROCFS_H

#include "fs.h"
#include "../core/self.h"
#include "../fd/file.h"

#define FD_BIT   0x40000000u
#define PEER_BIT 0x20000000u
#define INFO_BIT 0x10000000u
#define PEER_INFO 0x08000000u
#define PEER_INO(pid, fd) (PROCFS | PEER_BIT | (u32)(fd) << 15 | (u32)(pid))
#define PEER_FD(ino) ((int)((ino) >> 15 & 0xfff))
#define INO(pid, what) (PROCFS | (u32)(pid) << 8 | (u32)(what))
#define PID_OF(ino) ((ino) & PEER_BIT ? (ino) & 0x7fff : (ino) >> 8 & 0xfffff)
#define IS_INFO(ino) ((ino) & INFO_BIT || ((ino) & PEER_BIT && (ino) & PEER_INFO))
#define WHAT_OF(ino) ((ino) & 0xff)
#define TICK_NS 10000000ull		/* USER_HZ is 100 */

enum proc_what {
	P_DIR, P_NONE,			/* /proc itself, or a process's */
	/* directories of the system */
	P_SYS, P_SYS_KERNEL, P_SYS_RANDOM, P_SYS_VM, P_SYS_FS, P_SYS_INOTIFY, P_SYS_NET, P_SYS_CORE,
	/* files of the system */
	P_MEMINFO,
	P_UPTIME,
	P_CPUINFO,
	P_LOADAVG,
	P_VERSION,
	P_STAT_ALL,
	P_FILESYSTEMS,
	P_CMDLINE_BOOT,
	P_PARTITIONS,
	P_SWAPS,
	P_DEVICES,
	P_DISKSTATS,
	P_INTERRUPTS,
	P_VMSTAT,
	P_MISC,
	P_SELF,
	P_THREAD_SELF,
	P_MOUNTS_LINK,
	P_NET_LINK,
	P_HOSTNAME,
	P_DOMAINNAME,
	P_OSTYPE,
	P_OSRELEASE,
	P_OSVERSION,
	P_PID_MAX,
	P_THREADS_MAX,
	P_BOOT_ID,
	P_UUID,
	P_ENTROPY,
	P_POOLSIZE,
	P_NGROUPS_MAX,
	P_CAP_LAST,
	P_CORE_PATTERN,
	P_CORE_USES_PID,
	P_RANDOMIZE,
	P_SHMMAX,
	P_OVERCOMMIT,
	P_MAX_MAPS,
	P_MIN_ADDR,
	P_SWAPPINESS,
	P_FILE_MAX,
	P_FILE_NR,
	P_NR_OPEN,
	P_PIPE_MAX,
	P_INOTIFY_WATCHES,
	P_INOTIFY_INSTANCES,
	P_INOTIFY_EVENTS,
	P_SOMAXCONN,
	P_PTY_MAX,
	/* of a process */
	P_TASK,
	P_TASK_PID,
	P_FD,
	P_FDINFO,
	P_NET,
	P_STAT,
	P_STATUS,
	P_CMDLINE,
	P_COMM,
	P_STATM,
	P_MOUNTS,
	P_MOUNTINFO,
	P_EXE,
	P_CWD,
	P_ROOT,
	P_CORE_FILTER,
	P_ENVIRON,
	P_AUXV,
	P_MAPS,
	P_SMAPS,
	P_SMAPS_ROLLUP,
	P_LIMITS,
	P_IO,
	P_WCHAN,
	P_OOM_SCORE,
	P_OOM_ADJ,
	P_LOGINUID,
	P_SESSIONID,
	P_CGROUP,
	P_PERSONALITY,
	P_CHILDREN,
	P_SCHEDSTAT,
	P_NET_DEV,
	P_NET_UNIX,
	P_NET_TCP,
	P_NET_UDP,
	P_NET_ROUTE,
	P_NET_ARP,
	P_WHATS
};
_Static_assert(P_WHATS <= 256, "they fit an inode number");

/* ---- proctask.c ------------------------------------------------------------------------------- */
struct task_seen {
	u32 tid;
	char name[16];
};
/* A thread: of that number, or (tid 0) the nth; whose name is the process's if it is the first. */
bool proc_task(const volatile struct sh_proc *p, u32 tid, u32 nth, struct task_seen *s);
const volatile struct sh_proc *proc_of_task(u32 tid);	/* also of a process's number; NULL */

/* ---- procnodes.c ----------------------------------------------------------------------------- */
#define PROC_DIR_MODE (S_IFDIR | 0555)

struct proc_node {
	const char *name;
	u8 parent, what;		/* enum proc_what; in a process's directory, or the system's */
	u16 mode;
};
/* Those of the system, or of any process, whichever the inode belongs to. */
const struct proc_node *proc_nodes(u32 ino, size_t *count);
const struct proc_node *proc_node(u32 ino);	/* of its `what`; NULL: it has no name of its own */
bool proc_stands_in(const struct proc_node *n, u32 dir);

struct text {
	char *at;
	size_t room, bytes;		/* bytes == room: it was cut */
};
void text_put(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_bytes(struct text *t, const void *from, size_t bytes);

/* ---- proctext.c, procmem.c, procsys.c: 0 or -errno ------------------------------------------- */
int text_process(struct text *t, u32 ino, const volatile struct sh_proc *p);
int text_memory(struct text *t, u32 what, const volatile struct sh_proc *p);
void text_fdinfo(struct text *t, u32 ino);
void text_system(struct text *t, u32 what);

/* ---- procwrite.c: bytes taken or -errno */
long proc_write(u32 ino, const volatile struct sh_proc *p, const char *text, size_t bytes);
bool proc_written(u32 what);		/* can it be? */
/* Pages that processes own, as a scan of the frame table some time ago had it. */
u64 proc_pages(const volatile struct sh_proc *p);

/* ---- proclook.c ---------------------------------------------------------------------------------- */
/* May this process know what only friends of p may? */
bool proc_may_look(const volatile struct sh_proc *p);
/* What p publishes: a hint, and without what is not ours to know; NULL: it is no more. */
const struct pub *proc_published(const volatile struct sh_proc *p);

/* ---- procfd.c ------------------------------------------------------------------------------------ */
struct fd_what {			/* what a descriptor is */
	u32 ino, dir;			/* of a file; ino 0: a kind and a number, in dir */
};
struct fd_seen {
	struct fd_what what;
	struct ofd ofd;
	u32 access;
	bool cloexec;
};
bool proc_fd(u32 ino, struct fd_seen *seen);	/* false: there is none, or it is not ours to know */
int proc_fd_next(u32 pid, int after);	/* the next open one; -1: none; -EACCES, -ENOENT */
long proc_fd_name(const struct fd_what *f, char *to, size_t room);

extern u32 proc_exe_ino;
const char *proc_exe(void);		/* of this process; "": none */

#endif
