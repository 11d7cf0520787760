/* SPDX-License-Identifier: ISC */
/*
 * /proc: names, modes, links.  It is made up on the spot from what is exposed
 * to everybody (the process table, environments, frames), and from what
 * processes publish of themselves.
 */
#include <exo/read.h>
#include "procfs.h"
#include "../fd/tty.h"

#define REG(mode) (S_IFREG | (mode))
#define LNK (S_IFLNK | 0777)
#define DIR_ (S_IFDIR | 0555)

struct node {
	const char *name;
	u8 parent, what;
	u16 mode;
};

static const struct node system_nodes[] = {
	{ "self", P_DIR, P_SELF, LNK },
	{ "thread-self", P_DIR, P_THREAD_SELF, LNK },
	{ "meminfo", P_DIR, P_MEMINFO, REG(0444) },
	{ "uptime", P_DIR, P_UPTIME, REG(0444) },
	{ "mounts", P_DIR, P_MOUNTS_LINK, LNK },
	{ "net", P_DIR, P_NET_LINK, LNK },
	{ "cpuinfo", P_DIR, P_CPUINFO, REG(0444) },
	{ "loadavg", P_DIR, P_LOADAVG, REG(0444) },
	{ "version", P_DIR, P_VERSION, REG(0444) },
	{ "stat", P_DIR, P_STAT_ALL, REG(0444) },
	{ "filesystems", P_DIR, P_FILESYSTEMS, REG(0444) },
	{ "cmdline", P_DIR, P_CMDLINE_BOOT, REG(0444) },
	{ "partitions", P_DIR, P_PARTITIONS, REG(0444) },
	{ "swaps", P_DIR, P_SWAPS, REG(0444) },
	{ "devices", P_DIR, P_DEVICES, REG(0444) },
	{ "diskstats", P_DIR, P_DISKSTATS, REG(0444) },
	{ "interrupts", P_DIR, P_INTERRUPTS, REG(0444) },
	{ "vmstat", P_DIR, P_VMSTAT, REG(0444) },
	{ "misc", P_DIR, P_MISC, REG(0444) },
	{ "sys", P_DIR, P_SYS, DIR_ },
	{ "kernel", P_SYS, P_SYS_KERNEL, DIR_ },
	{ "vm", P_SYS, P_SYS_VM, DIR_ },
	{ "fs", P_SYS, P_SYS_FS, DIR_ },
	{ "net", P_SYS, P_SYS_NET, DIR_ },
	{ "core", P_SYS_NET, P_SYS_CORE, DIR_ },
	{ "somaxconn", P_SYS_CORE, P_SOMAXCONN, REG(0444) },
	{ "hostname", P_SYS_KERNEL, P_HOSTNAME, REG(0444) },
	{ "domainname", P_SYS_KERNEL, P_DOMAINNAME, REG(0444) },
	{ "ostype", P_SYS_KERNEL, P_OSTYPE, REG(0444) },
	{ "osrelease", P_SYS_KERNEL, P_OSRELEASE, REG(0444) },
	{ "version", P_SYS_KERNEL, P_OSVERSION, REG(0444) },
	{ "pid_max", P_SYS_KERNEL, P_PID_MAX, REG(0444) },
	{ "threads-max", P_SYS_KERNEL, P_THREADS_MAX, REG(0444) },
	{ "ngroups_max", P_SYS_KERNEL, P_NGROUPS_MAX, REG(0444) },
	{ "cap_last_cap", P_SYS_KERNEL, P_CAP_LAST, REG(0444) },
	{ "core_pattern", P_SYS_KERNEL, P_CORE_PATTERN, REG(0444) },
	{ "core_uses_pid", P_SYS_KERNEL, P_CORE_USES_PID, REG(0444) },
	{ "randomize_va_space", P_SYS_KERNEL, P_RANDOMIZE, REG(0444) },
	{ "shmmax", P_SYS_KERNEL, P_SHMMAX, REG(0444) },
	{ "pty_max", P_SYS_KERNEL, P_PTY_MAX, REG(0444) },
	{ "random", P_SYS_KERNEL, P_SYS_RANDOM, DIR_ },
	{ "boot_id", P_SYS_RANDOM, P_BOOT_ID, REG(0444) },
	{ "uuid", P_SYS_RANDOM, P_UUID, REG(0444) },
	{ "entropy_avail", P_SYS_RANDOM, P_ENTROPY, REG(0444) },
	{ "poolsize", P_SYS_RANDOM, P_POOLSIZE, REG(0444) },
	{ "overcommit_memory", P_SYS_VM, P_OVERCOMMIT, REG(0444) },
	{ "max_map_count", P_SYS_VM, P_MAX_MAPS, REG(0444) },
	{ "mmap_min_addr", P_SYS_VM, P_MIN_ADDR, REG(0444) },
	{ "swappiness", P_SYS_VM, P_SWAPPINESS, REG(0444) },
	{ "file-max", P_SYS_FS, P_FILE_MAX, REG(0444) },
	{ "file-nr", P_SYS_FS, P_FILE_NR, REG(0444) },
	{ "nr_open", P_SYS_FS, P_NR_OPEN, REG(0444) },
	{ "pipe-max-size", P_SYS_FS, P_PIPE_MAX, REG(0444) },
	{ "inotify", P_SYS_FS, P_SYS_INOTIFY, DIR_ },
	{ "max_user_watches", P_SYS_INOTIFY, P_INOTIFY_WATCHES, REG(0444) },
	{ "max_user_instances", P_SYS_INOTIFY, P_INOTIFY_INSTANCES, REG(0444) },
	{ "max_queued_events", P_SYS_INOTIFY, P_INOTIFY_EVENTS, REG(0444) },
};

static const struct node process_nodes[] = {
	{ "task", P_DIR, P_TASK, DIR_ },
	{ "fd", P_DIR, P_FD, S_IFDIR | 0500 },
	{ "fdinfo", P_DIR, P_FDINFO, DIR_ },
	{ "net", P_DIR, P_NET, DIR_ },
	{ "stat", P_DIR, P_STAT, REG(0444) },
	{ "status", P_DIR, P_STATUS, REG(0444) },
	{ "cmdline", P_DIR, P_CMDLINE, REG(0444) },
	{ "comm", P_DIR, P_COMM, REG(0444) },
	{ "statm", P_DIR, P_STATM, REG(0444) },
	{ "mounts", P_DIR, P_MOUNTS, REG(0444) },
	{ "mountinfo", P_DIR, P_MOUNTINFO, REG(0444) },
	{ "exe", P_DIR, P_EXE, LNK },
	{ "cwd", P_DIR, P_CWD, LNK },
	{ "root", P_DIR, P_ROOT, LNK },
	{ "environ", P_DIR, P_ENVIRON, REG(0400) },
	{ "auxv", P_DIR, P_AUXV, REG(0400) },
	{ "maps", P_DIR, P_MAPS, REG(0444) },
	{ "smaps", P_DIR, P_SMAPS, REG(0444) },
	{ "smaps_rollup", P_DIR, P_SMAPS_ROLLUP, REG(0444) },
	{ "limits", P_DIR, P_LIMITS, REG(0444) },
	{ "io", P_DIR, P_IO, REG(0400) },
	{ "wchan", P_DIR, P_WCHAN, REG(0444) },
	{ "oom_score", P_DIR, P_OOM_SCORE, REG(0444) },
	{ "oom_score_adj", P_DIR, P_OOM_ADJ, REG(0444) },
	{ "loginuid", P_DIR, P_LOGINUID, REG(0444) },
	{ "sessionid", P_DIR, P_SESSIONID, REG(0444) },
	{ "cgroup", P_DIR, P_CGROUP, REG(0444) },
	{ "personality", P_DIR, P_PERSONALITY, REG(0400) },
	{ "schedstat", P_DIR, P_SCHEDSTAT, REG(0444) },
	{ "children", P_TASK_PID, P_CHILDREN, REG(0444) },
	{ "dev", P_NET, P_NET_DEV, REG(0444) },
	{ "unix", P_NET, P_NET_UNIX, REG(0444) },
	{ "tcp", P_NET, P_NET_TCP, REG(0444) },
	{ "udp", P_NET, P_NET_UDP, REG(0444) },
	{ "route", P_NET, P_NET_ROUTE, REG(0444) },
	{ "arp", P_NET, P_NET_ARP, REG(0444) },
};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const volatile struct sh_proc *
process(u32 ino)
{
	return PID_OF(ino) ? proc_find(PID_OF(ino)) : NULL;
}

static bool
is_self(u32 ino)
{
	return PID_OF(ino) == PROC->pid;
}

int
procfs_fd(u32 ino)
{
	return ino & FD_BIT ? (int)(ino & 0xffff) : -1;
}

static bool
is_plain(u32 ino)
{
	return !(ino & (FD_BIT | PEER_BIT | INFO_BIT));
}

/* ---- names --------------------------------------------------------------------------------- */

/* What stands in a directory: a thread's has what its process's has, but no threads. */
static bool
stands_in(const struct node *n, u32 dir)
{
	u32 what = WHAT_OF(dir);

	return n->parent == what
		|| (what == P_TASK_PID && n->parent == P_DIR && n->what != P_TASK);
}

static const struct node *
nodes_of(u32 ino, size_t *count)
{
	*count = PID_OF(ino) ? COUNT(process_nodes) : COUNT(system_nodes);
	return PID_OF(ino) ? process_nodes : system_nodes;
}

static const struct node *
node_of(u32 ino)
{
	size_t count;
	const struct node *n = nodes_of(ino, &count);

	for (size_t i = 0; i < count; i++)
		if (n[i].what == WHAT_OF(ino))
			return &n[i];
	return NULL;
}

static long
number(const char *name, size_t bytes)
{
	long n = 0;

	if (bytes == 0 || bytes > 7 || (name[0] == '0' && bytes > 1))
		return -1;
	for (size_t i = 0; i < bytes; i++) {
		if (name[i] < '0' || name[i] > '9')
			return -1;
		n = n * 10 + (name[i] - '0');
	}
	return n;
}

static bool
publishes(u32 dir, long fd)
{
	const volatile struct sh_proc *p = process(dir);
	const struct pub *pub = p && fd < (long)PUB_FDS ? proc_published(p) : NULL;

	return pub && (pub->fd[fd].ino || pub->fd[fd].dir);
}

static long
find_number(u32 dir, long n)
{
	if (dir == PROCFS_ROOT && proc_find((u32)n))
		return INO(n, P_DIR);
	if (WHAT_OF(dir) == P_TASK && (u32)n == PID_OF(dir))
		return INO(n, P_TASK_PID);
	if (WHAT_OF(dir) != P_FD && WHAT_OF(dir) != P_FDINFO)
		return 0;
	if (is_self(dir))
		return !fd_get((int)n) ? 0
			: PROCFS | (WHAT_OF(dir) == P_FD ? FD_BIT : INFO_BIT) | (u32)n;
	return WHAT_OF(dir) == P_FD && publishes(dir, n)
		? (long)(PROCFS | PEER_BIT | PID_OF(dir) << 8 | (u32)n) : 0;
}

long
procfs_find(u32 dir, const char *name, size_t bytes)
{
	size_t count;
	const struct node *n = nodes_of(dir, &count);
	long value = number(name, bytes);

	if (!is_plain(dir))
		return 0;
	for (size_t i = 0; i < count; i++)
		if (stands_in(&n[i], dir) && strlen(n[i].name) == bytes
			&& memcmp(n[i].name, name, bytes) == 0)
			return INO(PID_OF(dir), n[i].what);
	return value >= 0 ? find_number(dir, value) : 0;
}

/* ---- directories ------------------------------------------------------------------------------- */

static int
give(struct entry *e, u32 ino, u32 type, const char *name)
{
	e->ino = ino;
	e->type = (u8)type;
	e->name_bytes = (u8)strlen(name);
	memcpy(e->name, name, e->name_bytes + 1u);
	return 1;
}

static int
give_number(struct entry *e, u32 ino, u32 type, u32 n)
{
	char text[12];

	exo_snprintf(text, sizeof(text), "%u", n);
	return give(e, ino, type, text);
}

static int
next_process(u64 *at, u64 from, struct entry *e)
{
	while (*at - from < proc_rows()) {
		const volatile struct sh_proc *p = proc_table() + ((*at)++ - from);

		if (p->pid && p->state != PROC_FREE && p->state != PROC_BUILDING)
			return give_number(e, INO(p->pid, P_DIR), S_IFDIR >> 12, p->pid);
	}
	return 0;
}

static int
next_fd(u32 dir, u64 *at, u64 from, struct entry *e)
{
	bool info = WHAT_OF(dir) == P_FDINFO;
	u32 type = info ? S_IFREG >> 12 : S_IFLNK >> 12;
	int fd;

	if (is_self(dir)) {
		fd = fd_next((int)(*at - from) - 1);
		if (fd < 0)
			return 0;
		*at = from + (u64)fd + 1;
		return give_number(e, PROCFS | (info ? INFO_BIT : FD_BIT) | (u32)fd, type, (u32)fd);
	}
	while (!info && *at - from < PUB_FDS) {
		fd = (int)((*at)++ - from);
		if (publishes(dir, fd))
			return give_number(e, PROCFS | PEER_BIT | PID_OF(dir) << 8 | (u32)fd, type,
				(u32)fd);
	}
	return 0;
}

/* The fixed names first, then numbers. */
int
procfs_next(u32 dir, u64 *at, struct entry *e)
{
	size_t count;
	const struct node *n = nodes_of(dir, &count);

	if (PID_OF(dir) && !process(dir))
		return -ENOENT;
	while (*at < count) {
		const struct node *one = &n[(*at)++];

		if (stands_in(one, dir))
			return give(e, INO(PID_OF(dir), one->what), (u32)one->mode >> 12,
				one->name);
	}
	switch (WHAT_OF(dir)) {
	case P_DIR: return PID_OF(dir) ? 0 : next_process(at, count, e);
	case P_FD: case P_FDINFO: return next_fd(dir, at, count, e);
	case P_TASK:
		if ((*at)++ > count)
			return 0;
		return give_number(e, INO(PID_OF(dir), P_TASK_PID), S_IFDIR >> 12, PID_OF(dir));
	default: return 0;
	}
}

/* ---- inodes ---------------------------------------------------------------------------------------- */

static u32
access_bits(u32 flags)
{
	u32 mode = flags & O_ACCMODE;

	return (mode != O_WRONLY ? 0500u : 0) | (mode != O_RDONLY ? 0300u : 0);
}

static u32
mode_of(u32 ino)
{
	struct file *f = ino & (FD_BIT | INFO_BIT) ? fd_get((int)(ino & 0xffff)) : NULL;
	const struct node *n;

	if (ino & (FD_BIT | INFO_BIT))
		return !f ? 0 : ino & INFO_BIT ? S_IFREG | 0444 : S_IFLNK | access_bits(f->access);
	if (ino & PEER_BIT)
		return S_IFLNK | 0700;
	if (WHAT_OF(ino) == P_DIR || WHAT_OF(ino) == P_TASK_PID)
		return DIR_;
	n = node_of(ino);
	return n ? n->mode : 0;
}

static u32
parent_of(u32 ino)
{
	const struct node *n = is_plain(ino) ? node_of(ino) : NULL;

	if (ino == PROCFS_ROOT)
		return FS_ROOT_INO;
	if (WHAT_OF(ino) == P_DIR)
		return PROCFS_ROOT;
	if (WHAT_OF(ino) == P_TASK_PID)
		return INO(PID_OF(ino), P_TASK);
	return n ? INO(PID_OF(ino), n->parent) : PROCFS_ROOT;
}

/* A process's own, unless it is not to be looked into. */
static const volatile struct sh_cred *
owner_of(u32 ino)
{
	const volatile struct sh_proc *p = ino & (FD_BIT | INFO_BIT) ? PROC : process(ino);

	return p && cred_of(p)->flags & CRED_DUMPABLE ? cred_of(p) : NULL;
}

int
procfs_stat(u32 ino, struct fs_inode *copy)
{
	u32 mode = mode_of(ino);
	const volatile struct sh_cred *owner = owner_of(ino);

	if (mode == 0 || (PID_OF(ino) && !(ino & (FD_BIT | INFO_BIT)) && !process(ino)))
		return -ENOENT;
	*copy = (struct fs_inode){
		.mode = mode,
		.nlink = S_ISDIR(mode) ? 2 : 1,
		.uid = owner ? owner->uid[CRED_EFFECTIVE] : 0,
		.gid = owner ? owner->gid[CRED_EFFECTIVE] : 0,
		.parent = parent_of(ino),
		.mtime_ns = clock_ns() + SHARED->wall_offset_ns,
	};
	copy->atime_ns = copy->ctime_ns = copy->mtime_ns;
	return 0;
}

/* ---- links ------------------------------------------------------------------------------------ */

/* Where a link of a process leads; 0: not ours to know, or nowhere. */
static u32
published_ino(u32 ino)
{
	const volatile struct sh_proc *p = process(ino);
	const struct pub *pub = p ? proc_published(p) : NULL;

	if (!pub)
		return 0;
	if (ino & PEER_BIT)
		return pub->fd[ino & (PUB_FDS - 1)].ino;
	switch (WHAT_OF(ino)) {
	case P_EXE: return pub->exe;
	case P_CWD: return pub->cwd;
	default: return pub->root;
	}
}

u32
procfs_jump(u32 ino)
{
	struct file *f = procfs_fd(ino) >= 0 ? fd_get(procfs_fd(ino)) : NULL;
	struct fs_inode node;

	if (ino < PROCFS)
		return 0;
	if (ino & FD_BIT)
		/* The console's name has modes of its own, whoever has it open. */
		return f && f->ino && !(f->ops == &tty_ops && f->line == CONSOLE_LINE) ? f->ino
										       : ino;
	if (ino & INFO_BIT)
		return 0;
	if (is_plain(ino) && WHAT_OF(ino) != P_EXE && WHAT_OF(ino) != P_CWD &&
		WHAT_OF(ino) != P_ROOT)
		return 0;
	ino = published_ino(ino);
	return ino && ino < PROCFS && fs_stat(ino, &node) == 0 ? ino : 0;
}

static long
published_target(u32 ino, char *to, size_t room)
{
	const volatile struct sh_proc *p = process(ino);
	const struct pub *pub = p ? proc_published(p) : NULL;
	struct pub_fd exe;

	if (!pub)
		return -ENOENT;
	if (!proc_may_look(p))
		return -EACCES;
	if (ino & PEER_BIT)
		return proc_fd_name(&pub->fd[ino & (PUB_FDS - 1)], to, room);
	if (WHAT_OF(ino) != P_EXE)
		return fs_path(WHAT_OF(ino) == P_CWD ? pub->cwd : pub->root, to, room);
	exe = (struct pub_fd){ pub->exe, pub->exe_dir };
	return exe.ino ? proc_fd_name(&exe, to, room) : -ENOENT;
}

static long
own_target(u32 ino, char *to, size_t room)
{
	struct file *f = ino & FD_BIT ? fd_get(procfs_fd(ino)) : NULL;
	struct pub_fd fd;

	if (ino & FD_BIT && !f)
		return -ENOENT;
	if (f) {
		fd = proc_fd_of(f);
		return proc_fd_name(&fd, to, room);
	}
	switch (WHAT_OF(ino)) {
	case P_SELF: return (long)exo_snprintf(to, room, "%u", PROC->pid);
	case P_THREAD_SELF: return (long)exo_snprintf(to, room, "%u/task/%u", PROC->pid, PROC->pid);
	case P_MOUNTS_LINK: return (long)exo_snprintf(to, room, "self/mounts");
	case P_NET_LINK: return (long)exo_snprintf(to, room, "self/net");
	case P_CWD: return fs_path(fs_cwd(), to, room);
	case P_EXE: return proc_exe()[0] ? (long)exo_snprintf(to, room, "%s", proc_exe()) : -ENOENT;
	default: return fs_path(PUB->root, to, room);
	}
}

long
procfs_target(u32 ino, char *to, size_t room)
{
	bool own = ino & FD_BIT || PID_OF(ino) == 0 || (is_self(ino) && !(ino & PEER_BIT));

	if (!S_ISLNK(mode_of(ino)))
		return mode_of(ino) ? -EINVAL : -ENOENT;
	return own ? own_target(ino, to, room) : published_target(ino, to, room);
}

/* ---- contents ------------------------------------------------------------------------------------- */

void
text_put(struct text *t, const char *format, ...)
{
	__builtin_va_list args;
	size_t n;

	if (t->bytes >= t->room)
		return;
	__builtin_va_start(args, format);
	n = exo_format(t->at + t->bytes, t->room - t->bytes, format, args);
	__builtin_va_end(args);
	t->bytes = n < t->room - t->bytes ? t->bytes + n : t->room;
}

void
text_bytes(struct text *t, const void *from, size_t bytes)
{
	if (bytes > t->room - t->bytes)
		bytes = t->room - t->bytes;
	memcpy(t->at + t->bytes, from, bytes);
	t->bytes += bytes;
}

long
procfs_text(u32 ino, char *to, size_t room)
{
	struct text t = { .at = to, .room = room };
	const volatile struct sh_proc *p = is_plain(ino) ? process(ino) : NULL;
	int error = 0;

	if (ino & INFO_BIT)
		text_fdinfo(&t, (int)(ino & 0xffff));
	else if (PID_OF(ino) == 0)
		text_system(&t, WHAT_OF(ino));
	else
		error = p ? text_process(&t, WHAT_OF(ino), p) : -ESRCH;
	return error ? error : (long)t.bytes;
}
