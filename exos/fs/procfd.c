/* SPDX-License-Identifier: ISC */
/* /proc: descriptors, of this process and of others that it may look into. */
#include "procfs.h"
#include "../fd/file.h"
#include "../fd/tty.h"
#include "../linux/errno.h"
#include "../proc/look.h"

static const struct {
	const struct file_ops *ops;
	const char *name;
} kinds[] = {
	{ &pipe_ops, "pipe" },
	{ &socket_ops, "socket" },
	{ &tty_ops, "console" },
	{ &eventfd_ops, "anon_inode:[eventfd]" },
	{ &epoll_ops, "anon_inode:[eventpoll]" },
	{ &pidfd_ops, "anon_inode:[pidfd]" },
	{ &timerfd_ops, "anon_inode:[timerfd]" },
	{ &signalfd_ops, "anon_inode:[signalfd]" },
	{ &inotify_ops, "anon_inode:inotify" },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Without an inode: its kind, and which one of that kind. */
static struct fd_what
what_of(const struct file *f, u32 object)
{
	u32 kind = 0;

	if (f->ino)
		return (struct fd_what){ f->ino, f->dir };
	while (kind < KINDS && f->ops != kinds[kind].ops)
		kind++;
	if (f->ops == &tty_ops)
		object = f->queue;
	return (struct fd_what){ 0, (kind + 1) << 24 | (object & 0xffffff) };
}

static long
unnamed(u32 what, char *to, size_t room)
{
	u32 kind = (what >> 24) - 1;

	if (kind >= KINDS)
		return (long)exo_snprintf(to, room, "anon_inode:[?]");
	return kinds[kind].name[0] == 'a' ? (long)exo_snprintf(to, room, "%s", kinds[kind].name)
		: (long)exo_snprintf(to, room, "%s:[%u]", kinds[kind].name, what & 0xffffff);
}

/* The directory may say nothing of it any more: it was removed. */
long
proc_fd_name(const struct fd_what *f, char *to, size_t room)
{
	struct fs_inode node;
	long n;

	if (f->ino == 0)
		return unnamed(f->dir, to, room);
	if (fs_stat(f->ino, &node))
		return -ENOENT;
	if (S_ISDIR(node.mode) && node.nlink)
		return fs_path(f->ino, to, room);
	n = f->dir ? fs_path_in(f->dir, f->ino, to, room) : -ENOENT;
	return n == -ENOENT ? (long)exo_snprintf(to, room, "/(inode %u) (deleted)", f->ino) : n;
}

/* ---- one -------------------------------------------------------------------------------------- */

static bool
own(int fd, struct fd_seen *seen)
{
	const struct file *f = fd_get(fd);

	if (!f)
		return false;
	*seen = (struct fd_seen){ .what = what_of(f, f->object ? f->object->id + 1 : 0),
		.ofd = *f->shared,
		.access = f->access,
		.cloexec = *fd_cloexec(fd) };
	return true;
}

static bool
others(int fd, struct fd_seen *seen)
{
	struct object object = { .id = ~0u };
	struct file f;

	if (!fd_other(fd, &f, &seen->cloexec) ||
		look_read((u64)f.shared, &seen->ofd, sizeof(seen->ofd)))
		return false;
	if (f.object && look_read((u64)f.object, &object, sizeof(object)))
		return false;
	seen->what = what_of(&f, object.id + 1);
	seen->access = f.access;
	return true;
}

bool
proc_fd(u32 ino, struct fd_seen *seen)
{
	const volatile struct sh_proc *p;
	bool found;

	if (!(ino & PEER_BIT))
		return own((int)(ino & 0xffff), seen);
	p = proc_find(PID_OF(ino));
	if (!p || !proc_may_look(p) || look_begin(p))
		return false;
	found = others(PEER_FD(ino), seen);
	look_end();
	return found;
}

/* ---- all of them ------------------------------------------------------------------------------ */

/* Which another had open when its list was begun to be read. */
static struct {
	u32 pid;
	u64 open[FD_MAX / 64];
} listed TRANSIENT;

static void
list(const volatile struct sh_proc *p)
{
	int room = fd_other_room();
	struct file f;
	bool cloexec;

	memset(&listed, 0, sizeof(listed));
	listed.pid = p->pid;
	for (int fd = 0; fd < room; fd++)
		if (fd_other(fd, &f, &cloexec))
			listed.open[fd / 64] |= 1ull << fd % 64;
}

int
proc_fd_next(u32 pid, int after)
{
	const volatile struct sh_proc *p = proc_find(pid);
	int error;

	if (p == PROC)
		return fd_next(after);
	if (!p || !proc_may_look(p))
		return p ? -EACCES : -ENOENT;
	if (after < 0 || listed.pid != pid) {
		error = look_begin(p);
		if (error)
			return error == -ESRCH ? -1 : error;
		list(p);
		look_end();
	}
	for (int fd = after + 1; fd < FD_MAX; fd++)
		if (listed.open[fd / 64] >> fd % 64 & 1)
			return fd;
	return -1;
}
