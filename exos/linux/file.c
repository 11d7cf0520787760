/* SPDX-License-Identifier: ISC */
/* Linux calls about descriptors: open, close, dup, fcntl, pipe, ioctl. */
#include "../thread/thread.h"
#include "files.h"

#define OPEN_TRIES 8			/* bound: others make and remove the name in between */
#define CREATED_BITS 07777

/* open_how of openat2; open and openat drop what it would refuse. */
struct how {
	u64 flags, mode, resolve;
};

#define PLACE_FLAGS (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define OPEN_FLAGS                                                                                 \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | SETFL_BITS | O_SYNC | O_LARGEFILE     \
		| O_TMPFILE_BIT | PLACE_FLAGS)

/* Who makes a file has it open as he asked, whatever the mode says: 0, or the slot of a key for that. */
static int
key_for_new(u32 mode, u32 flags, u32 *bits)
{
	const u32 access = flags & O_ACCMODE, umode = mode >> 6 & 7;

	*bits = access == O_RDONLY ? 4 : access == O_WRONLY ? 2 : 6;
	if ((umode & *bits) == *bits || CRED->effective >> CAP_DAC_OVERRIDE & 1)
		return 0;
	return key_slot_get();
}

/* By OP_FS_CREATE or OP_FS_NAMELESS, whose third argument `how` is. */
static long
make_file(enum server_op op, u32 dir, u32 mode, u64 how, u32 flags)
{
	u32 bits;
	long ino;
	int slot;

	mode &= CREATED_BITS & ~PUB->umask;
	slot = key_for_new(mode, flags, &bits);
	if (slot < 0)
		return slot;
	ino = server_call(op, dir, S_IFREG | mode, how, slot ? keep_rights(bits) : 0, (u64)slot,
		NULL);
	if (slot && ino > 0)
		keep_add((u32)ino, bits, (exo_slot)slot);
	else if (slot)
		key_slot_put((exo_slot)slot);
	return ino;
}

static long
make_at(const struct place *at, u32 mode, u32 flags)
{
	int error = comm_names(at->name, NULL);

	if (at->slash || at->name_bytes == 0)
		return -EISDIR;
	if (at->dir >= PROCFS)
		return -ENOENT;
	return error ? error : make_file(OP_FS_CREATE, at->dir, mode, 0, flags);
}

static u32
walk_flags(const struct how *how)
{
	const u64 flags = how->flags;
	u32 walk = flags & O_NOFOLLOW ? WALK_NOFOLLOW : 0;

	if (flags & O_CREAT)
		walk |= WALK_CREATE | (flags & O_EXCL ? WALK_NOFOLLOW : 0);
	if (how->resolve & RESOLVE_NO_XDEV)
		walk |= WALK_NO_XDEV;
	if (how->resolve & RESOLVE_NO_MAGICLINKS)
		walk |= WALK_NO_MAGIC;
	if (how->resolve & RESOLVE_NO_SYMLINKS)
		walk |= WALK_NO_SYMLINKS;
	if (how->resolve & RESOLVE_BENEATH)
		walk |= WALK_BENEATH;
	if (how->resolve & RESOLVE_IN_ROOT)
		walk |= WALK_IN_ROOT;
	return walk;
}

static long
open_path(int dirfd, const char *path, const struct how *how, struct file **f)
{
	const u32 flags = (u32)how->flags, walk = walk_flags(how);
	struct place at;

	for (int i = 0; i < OPEN_TRIES; i++) {
		int error = fs_walk_at(dirfd, path, walk, &at);
		long ino;

		if (error)
			return error;
		if (at.ino && (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
			return -EEXIST;
		if (at.ino)
			return file_open(at.ino, at.dir, flags, false, f);
		if (!(flags & O_CREAT))
			return -ENOENT;
		ino = make_at(&at, (u32)how->mode, flags);
		if (ino > 0)
			return file_open((u32)ino, at.dir, flags & ~(u32)O_TRUNC, true, f);
		if (ino != -EEXIST)
			return ino;
	}
	return -EAGAIN;
}

/* A file without a name in the file system of a directory. */
static long
open_nameless(int dirfd, const char *path, const struct how *how, struct file **f)
{
	struct how dir = { .flags = O_DIRECTORY, .resolve = how->resolve };
	struct place at;
	int error = fs_walk_at(dirfd, path, walk_flags(&dir), &at);
	struct fs_inode node;
	long ino;

	if (error || at.ino == 0)
		return error ? error : -ENOENT;
	error = fs_stat(at.ino, &node);
	if (error || !S_ISDIR(node.mode))
		return error ? error : -ENOTDIR;
	if (at.ino >= PROCFS)
		return -EOPNOTSUPP;
	ino = make_file(OP_FS_NAMELESS, at.ino, (u32)how->mode, !(how->flags & O_EXCL),
		(u32)how->flags);
	if (ino < 0)
		return ino;
	return file_open((u32)ino, at.ino, (u32)how->flags & ~(u32)O_DIRECTORY, true, f);
}

/* What open and openat2 both refuse. */
static int
how_wrong(const struct how *how)
{
	const u64 flags = how->flags;

	if (flags & O_PATH)
		return 0;
	if ((flags & (O_DIRECTORY | O_CREAT)) == (O_DIRECTORY | O_CREAT))
		return -EINVAL;
	if (flags & O_TMPFILE_BIT
		&& (!(flags & O_DIRECTORY) || (flags & O_ACCMODE) == O_RDONLY))
		return -EINVAL;
	return 0;
}

static long
open_how(long dirfd, long user, const struct how *how)
{
	const char *path;
	struct file *f;
	long error = how_wrong(how);

	if (!error)
		error = path_get(0, (u64)user, &path);
	if (error)
		return error;
	error = how->flags & O_TMPFILE_BIT ? open_nameless((int)dirfd, path, how, &f)
					   : open_path((int)dirfd, path, how, &f);
	return error ? error : fd_install(f, 0, how->flags & O_CLOEXEC);
}

long
sys_openat(long dirfd, long user, long flags, long mode)
{
	struct how how = { .flags = (u64)flags & OPEN_FLAGS };

	if (how.flags & O_PATH)
		how.flags &= PLACE_FLAGS;
	else
		how.flags |= O_LARGEFILE;
	if (how.flags & (O_CREAT | O_TMPFILE_BIT))
		how.mode = (u64)mode & CREATED_BITS;
	return open_how(dirfd, user, &how);
}

long
sys_openat2(long dirfd, long path, long user, long bytes)
{
	struct how how;
	long error = copy_in_grown(&how, sizeof(how), (u64)user, (u64)bytes);

	if (error)
		return error;
	if (how.flags & ~(u64)OPEN_FLAGS || how.resolve & ~(u64)RESOLVE_ALL
		|| (how.flags & O_PATH && how.flags & ~(u64)PLACE_FLAGS))
		return -EINVAL;
	if (how.mode & ~(u64)CREATED_BITS
		|| (how.mode && !(how.flags & (O_CREAT | O_TMPFILE_BIT))))
		return -EINVAL;
	if (how.resolve & RESOLVE_BENEATH && how.resolve & RESOLVE_IN_ROOT)
		return -EINVAL;
	if (how.resolve & RESOLVE_CACHED && how.flags & (O_TRUNC | O_CREAT | O_TMPFILE_BIT))
		return -EAGAIN;
	if (!(how.flags & O_PATH))
		how.flags |= O_LARGEFILE;
	return open_how(dirfd, path, &how);
}

long
sys_open(long path, long flags, long mode)
{
	return sys_openat(AT_FDCWD, path, flags, mode);
}

long
sys_creat(long path, long mode)
{
	return sys_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode);
}

long
sys_close(long fd)
{
	return fd_close((int)fd);
}

#define CLOSE_RANGE_UNSHARE 2		/* the table is this process's alone already */
#define CLOSE_RANGE_CLOEXEC 4

long
sys_close_range(long first, long last, long flags)
{
	u32 from = (u32)first, to = (u32)last;

	if (from > to || flags & ~(long)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC))
		return -EINVAL;
	for (int fd = fd_next(from > FD_MAX ? FD_MAX : (int)from - 1); fd >= 0 && (u32)fd <= to;
		fd = fd_next(fd)) {
		if (flags & CLOSE_RANGE_CLOEXEC)
			*fd_cloexec(fd) = true;
		else
			fd_close(fd);
	}
	return 0;
}

/* ---- more descriptors for one file --------------------------------------------------------- */

static long
duplicate(int fd, int lowest, bool cloexec)
{
	struct file *f = fd_get(fd);

	if (!f)
		return -EBADF;
	if (lowest < 0 || lowest >= fd_limit())
		return -EINVAL;
	file_hold(f);
	return fd_install(f, lowest, cloexec);
}

long
sys_dup(long fd)
{
	return duplicate((int)fd, 0, false);
}

long
sys_dup3(long fd, long to, long flags)
{
	struct file *f = fd_get((int)fd);

	if ((int)fd == (int)to || flags & ~(long)O_CLOEXEC)
		return -EINVAL;
	if (!f)
		return -EBADF;
	file_hold(f);
	return fd_put_at(f, (int)to, flags & O_CLOEXEC);
}

long
sys_dup2(long fd, long to)
{
	if ((int)fd == (int)to)
		return fd_get((int)fd) ? (int)to : -EBADF;
	return sys_dup3(fd, to, 0);
}

long
sys_pipe2(long user, long flags)
{
	struct file *ends[2];
	int fds[2], error;

	if (flags & ~(long)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;		/* O_DIRECT, too: there are no packets */
	error = pipe_new(ends, (u32)flags & O_NONBLOCK);
	if (error)
		return error;
	fds[0] = fd_install(ends[0], 0, flags & O_CLOEXEC);
	fds[1] = fd_install(ends[1], 0, flags & O_CLOEXEC);
	error = fds[0] < 0 ? fds[0] : fds[1] < 0 ? fds[1] : copy_out((u64)user, fds, sizeof(fds));
	if (error) {
		fd_close(fds[0]);
		fd_close(fds[1]);
	}
	return error;
}

long
sys_pipe(long user)
{
	return sys_pipe2(user, 0);
}

/* ---- fcntl, ioctl ------------------------------------------------------------------------------- */

/* Nobody would send SIGIO, and no pipe has packets. */
static bool
flags_refused(const struct file *f, long flags)
{
	return (flags & O_ASYNC && !f->ops->blind) || (flags & O_DIRECT && f->ops == &pipe_ops);
}

static long
set_flags(struct file *f, long flags)
{
	if (flags_refused(f, flags))
		return -EINVAL;
	f->shared->flags = (f->shared->flags & ~(u32)SETFL_BITS) | ((u32)flags & SETFL_BITS);
	return 0;
}

/* A process, or a group, whose number is kept negative. */
static long
owner_set(struct file *f, u64 user)
{
	struct linux_f_owner_ex o;

	if (copy_in(&o, user, sizeof(o)))
		return -EFAULT;
	if (o.type < LINUX_F_OWNER_TID || o.type > LINUX_F_OWNER_PGRP || o.pid < 0)
		return -EINVAL;
	f->sigio_owner = o.type == LINUX_F_OWNER_PGRP ? -o.pid : o.pid;
	return 0;
}

static long
owner_get(const struct file *f, u64 user)
{
	const bool group = f->sigio_owner < 0;
	const struct linux_f_owner_ex o = { .type = group ? LINUX_F_OWNER_PGRP : LINUX_F_OWNER_PID,
		.pid = group ? -f->sigio_owner : f->sigio_owner };

	return copy_out(user, &o, sizeof(o)) ? -EFAULT : 0;
}

/*
 * Who is told of input by a signal can be asked and set, but nobody is told:
 * O_ASYNC is refused where there would be something to tell (set_flags).
 * Leases are never given, since nobody would be told to give one up.
 */
static long
rare(struct file *f, long cmd, long arg)
{
	const bool regular = f->ops == &regular_ops;

	switch (cmd) {
	case F_SETOWN: f->sigio_owner = (int)arg; return (int)arg == INT32_MIN ? -EINVAL : 0;
	case F_GETOWN: return f->sigio_owner;
	case F_SETOWN_EX: return owner_set(f, (u64)arg);
	case F_GETOWN_EX: return owner_get(f, (u64)arg);
	case F_SETSIG: return arg < 0 || arg > 64 ? -EINVAL : (f->told_signal = (u8)arg, 0);
	case F_GETSIG: return f->told_signal;
	case F_GETLEASE: return F_UNLCK;
	case F_SETLEASE: return arg < F_RDLCK || arg > F_UNLCK || !regular ? -EINVAL : -EAGAIN;
	case F_NOTIFY:			/* nothing: to be told no more */
		if (((u32)arg & ~DN_MULTISHOT) == 0)
			return 0;
		return f->ops == &directory_ops ? -EINVAL : -ENOTDIR;
	default: return -EINVAL;
	}
}

long
sys_fcntl(long fd, long cmd, long arg)
{
	struct file *f = fd_get((int)fd);
	bool *cloexec = fd_cloexec((int)fd);

	if (!f)
		return -EBADF;
	if (f->access & O_PATH && cmd != F_DUPFD && cmd != F_DUPFD_CLOEXEC && cmd != F_GETFD
		&& cmd != F_SETFD && cmd != F_GETFL)
		return -EBADF;
	switch (cmd) {
	case F_DUPFD: return duplicate((int)fd, (int)arg, false);
	case F_DUPFD_CLOEXEC: return duplicate((int)fd, (int)arg, true);
	case F_GETFD: return *cloexec ? FD_CLOEXEC : 0;
	case F_SETFD: *cloexec = arg & FD_CLOEXEC; return 0;
	case F_GETFL: return (long)(f->access | f->shared->flags);
	case F_SETFL: return set_flags(f, arg);
	case F_SETPIPE_SZ: return f->ops == &pipe_ops ? pipe_set_size(f, (u32)arg) : -EBADF;
	case F_GETPIPE_SZ: return f->ops == &pipe_ops ? (long)pipe_size(f) : -EBADF;
	case F_ADD_SEALS: return seals_add(f, (u64)arg);
	case F_GET_SEALS: return seals_of(f);
	case F_GETLK: case F_SETLK: case F_SETLKW:
	case F_OFD_GETLK: case F_OFD_SETLK: case F_OFD_SETLKW:
		return lock_fcntl(thread_use(f), cmd, (u64)arg);
	default: return rare(f, cmd, arg);
	}
}

long
sys_flock(long fd, long operation)
{
	int error;
	struct file *f;

	if (operation & LINUX_LOCK_MAND)	/* never kept anybody from anything */
		return 0;
	f = file_get((int)fd, &error);
	return f ? lock_flock(thread_use(f), operation) : error;
}

static long
pending_bytes(struct file *f, u64 user)
{
	struct fs_inode node;
	int bytes;

	if (f->ops != &regular_ops || fs_stat(f->ino, &node))
		return -ENOTTY;
	bytes = node.size > f->shared->pos ? (int)(node.size - f->shared->pos) : 0;
	return copy_out(user, &bytes, sizeof(bytes));
}

long
sys_ioctl(long fd, long cmd, long arg)
{
	int error, on;
	struct file *f = file_get((int)fd, &error);

	if (!f)
		return error;
	switch ((u32)cmd) {
	case FIOCLEX: *fd_cloexec((int)fd) = true; return 0;
	case FIONCLEX: *fd_cloexec((int)fd) = false; return 0;
	case FIONBIO:
		if (copy_in(&on, (u64)arg, sizeof(on)))
			return -EFAULT;
		f->shared->flags =
			on ? f->shared->flags | O_NONBLOCK : f->shared->flags & ~(u32)O_NONBLOCK;
		return 0;
	case FIOASYNC:
		if (copy_in(&on, (u64)arg, sizeof(on)))
			return -EFAULT;
		return on ? -ENOTTY : 0;
	}
	if (f->ops->ioctl)
		return f->ops->ioctl(f, (u32)cmd, (u64)arg);
	return (u32)cmd == FIONREAD ? pending_bytes(f, (u64)arg) : -ENOTTY;
}

long
sys_umask(long mask)
{
	u32 before = PUB->umask;

	PUB->umask = (u32)mask & 0777;
	return before;
}
