/* SPDX-License-Identifier: ISC */
/*
 * /proc: names, modes, links.  It is made up on the spot from what is exposed
 * to everybody (the process table, environments, frames), and from what
 * processes publish of themselves.
 */
#include <exo/read.h>
#include "procfs.h"
#include "../fd/tty.h"
#include "../thread/thread.h"

#define PID_MAX 32768
static const volatile struct sh_proc *
process(u32 ino)
{
	return PID_OF(ino) ? proc_of_task(PID_OF(ino)) : NULL;
}

static bool
is_self(u32 ino)
{
	return process(ino) == PROC;
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

/* A descriptor's in /proc/PID/fd or fdinfo. */
static u32
fd_ino(u32 dir, int fd)
{
	bool info = WHAT_OF(dir) == P_FDINFO;

	if (is_self(dir))
		return PROCFS | (info ? INFO_BIT : FD_BIT) | (u32)fd;
	return PEER_INO(PID_OF(dir), fd) | (info ? PEER_INFO : 0);
}

static long
find_number(u32 dir, long n)
{
	struct fd_seen seen;

	if (dir == PROCFS_ROOT && n && n < PID_MAX && proc_of_task((u32)n))
		return INO(n, P_DIR);
	if (WHAT_OF(dir) == P_TASK && n && n < PID_MAX && proc_of_task((u32)n) == process(dir))
		return INO(n, P_TASK_PID);
	if ((WHAT_OF(dir) != P_FD && WHAT_OF(dir) != P_FDINFO) || !process(dir))
		return 0;
	if (!proc_may_look(process(dir)))
		return -EACCES;
	return n < FD_MAX && proc_fd(fd_ino(dir, (int)n), &seen) ? (long)fd_ino(dir, (int)n) : 0;
}

long
procfs_find(u32 dir, const char *name, size_t bytes)
{
	size_t count;
	const struct proc_node *n = proc_nodes(dir, &count);
	long value = number(name, bytes);

	if (!is_plain(dir))
		return 0;
	for (size_t i = 0; i < count; i++)
		if (proc_stands_in(&n[i], dir) && strlen(n[i].name) == bytes
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
	int fd = proc_fd_next(process(dir)->pid, (int)(*at - from) - 1);

	if (fd < 0)
		return fd == -1 ? 0 : fd;
	*at = from + (u64)fd + 1;
	return give_number(e, fd_ino(dir, fd),
		WHAT_OF(dir) == P_FDINFO ? S_IFREG >> 12 : S_IFLNK >> 12, (u32)fd);
}

static int
next_task(u32 dir, u64 *at, u64 from, struct entry *e)
{
	struct task_seen s;

	if (!proc_task(process(dir), 0, (u32)((*at)++ - from), &s))
		return 0;
	return give_number(e, INO(s.tid, P_TASK_PID), S_IFDIR >> 12, s.tid);
}

/* The fixed names first, then numbers. */
int
procfs_next(u32 dir, u64 *at, struct entry *e)
{
	size_t count;
	const struct proc_node *n = proc_nodes(dir, &count);

	if (PID_OF(dir) && !process(dir))
		return -ENOENT;
	while (*at < count) {
		const struct proc_node *one = &n[(*at)++];

		if (proc_stands_in(one, dir))
			return give(e, INO(PID_OF(dir), one->what), (u32)one->mode >> 12,
				one->name);
	}
	switch (WHAT_OF(dir)) {
	case P_DIR: return PID_OF(dir) ? 0 : next_process(at, count, e);
	case P_FD: case P_FDINFO: return next_fd(dir, at, count, e);
	case P_TASK:
		return next_task(dir, at, count, e);
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
	const struct proc_node *n;
	struct fd_seen seen;

	if (!is_plain(ino))
		return !proc_fd(ino, &seen) ? 0
			: IS_INFO(ino)	    ? S_IFREG | 0444
					    : S_IFLNK | access_bits(seen.access);
	if (WHAT_OF(ino) == P_DIR || WHAT_OF(ino) == P_TASK_PID)
		return PROC_DIR_MODE;
	n = proc_node(ino);
	return n ? n->mode : 0;
}

static u32
parent_of(u32 ino)
{
	const struct proc_node *n = is_plain(ino) ? proc_node(ino) : NULL;

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
	struct fd_seen seen;
	struct fs_inode node;

	if (ino < PROCFS || IS_INFO(ino))
		return 0;
	if (ino & FD_BIT)
		/* The console's name has modes of its own, whoever has it open. */
		return f && f->ino && !(f->ops == &tty_ops && f->line == CONSOLE_LINE) ? f->ino
										       : ino;
	if (is_plain(ino) && WHAT_OF(ino) != P_EXE && WHAT_OF(ino) != P_CWD &&
		WHAT_OF(ino) != P_ROOT)
		return 0;
	if (is_plain(ino))
		ino = published_ino(ino);
	else
		ino = proc_fd(ino, &seen) ? seen.what.ino : 0;
	return ino && ino < PROCFS && fs_stat(ino, &node) == 0 ? ino : 0;
}

static long
published_target(u32 ino, char *to, size_t room)
{
	const volatile struct sh_proc *p = process(ino);
	const struct pub *pub = p ? proc_published(p) : NULL;
	struct fd_what exe;

	if (!pub)
		return -ENOENT;
	if (!proc_may_look(p))
		return -EACCES;
	if (WHAT_OF(ino) != P_EXE)
		return fs_path(WHAT_OF(ino) == P_CWD ? pub->cwd : pub->root, to, room);
	exe = (struct fd_what){ pub->exe, pub->exe_dir };
	return exe.ino ? proc_fd_name(&exe, to, room) : -ENOENT;
}

static long
fd_target(u32 ino, char *to, size_t room)
{
	struct fd_seen seen;

	return proc_fd(ino, &seen) ? proc_fd_name(&seen.what, to, room) : -ENOENT;
}

static long
own_target(u32 ino, char *to, size_t room)
{
	switch (WHAT_OF(ino)) {
	case P_SELF: return (long)exo_snprintf(to, room, "%u", PROC->pid);
	case P_THREAD_SELF:
		return (long)exo_snprintf(to, room, "%u/task/%u", PROC->pid, current->tid);
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
	bool own = PID_OF(ino) == 0 || is_self(ino);

	if (!S_ISLNK(mode_of(ino)))
		return mode_of(ino) ? -EINVAL : -ENOENT;
	if (!is_plain(ino))
		return fd_target(ino, to, room);
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

	if (IS_INFO(ino))
		text_fdinfo(&t, ino);
	else if (PID_OF(ino) == 0)
		text_system(&t, WHAT_OF(ino));
	else
		error = p ? text_process(&t, ino, p) : -ESRCH;
	return error ? error : (long)t.bytes;
}

long
procfs_process(u32 ino)
{
	if (ino < PROCFS || !is_plain(ino) || PID_OF(ino) == 0 || WHAT_OF(ino) != P_DIR)
		return -EBADF;
	return process(ino) ? (long)PID_OF(ino) : -ESRCH;
}

#define WRITE_MOST 64u			/* what is longer is cut: nothing that long means anything */

long
procfs_write(u32 ino, u64 from, size_t bytes)
{
	const volatile struct sh_proc *p = is_plain(ino) ? process(ino) : NULL;
	char text[WRITE_MOST];

	if (!is_plain(ino) || PID_OF(ino) == 0 || !proc_written(WHAT_OF(ino)))
		return -EINVAL;
	if (copy_in(text, from, bytes < sizeof(text) ? bytes : sizeof(text)))
		return -EFAULT;
	return p ? proc_write(ino, p, text, bytes) : -ESRCH;
}
