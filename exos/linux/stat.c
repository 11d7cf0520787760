/* SPDX-License-Identifier: ISC */
/* Linux calls that look: stat and its relatives, access, readlink, statfs, directories. */
#include <exo/read.h>
#include "files.h"

#define NS 1000000000ull
#define DEV_RAM 1u
#define DEV_PROC 2u
#define DEV_PIPE 3u

/* A file that is in no directory: a pipe, the console. */
static void
stat_special(const struct file *f, struct fs_inode *node, u32 *ino)
{
	*ino = f->object ? f->object->id + 1 : 1;
	*node = (struct fs_inode){ .mode = f->ops->mode ? f->ops->mode : S_IFIFO | 0600,
		.nlink = 1,
		.uid = CRED->uid[CRED_FS],
		.gid = CRED->gid[CRED_FS] };
	node->atime_ns = node->mtime_ns = node->ctime_ns = SHARED->wall_offset_ns;
}

/* By inode, or by file when it has none. */
static long
stat_any(u32 ino, const struct file *f, struct fs_inode *node, u32 *number)
{
	*number = ino;
	if (ino)
		return fs_stat(ino, node);
	stat_special(f, node, number);
	return 0;
}

static u64
device_of(u32 ino)
{
	return ino >= PROCFS ? DEV_PROC : ino == 0 ? DEV_PIPE : DEV_RAM;
}

/* Times are kept in nanoseconds of either sign: what is before 1970 rounds down. */
static int64_t
seconds(u64 ns)
{
	const int64_t t = (int64_t)ns;

	return t / (int64_t)NS - (t % (int64_t)NS < 0);
}

static u64
nanoseconds(u64 ns)
{
	return ns - (u64)seconds(ns) * NS;
}

static u64
sectors(const struct fs_inode *node)
{
	return S_ISREG(node->mode) || S_ISDIR(node->mode) ? node->blocks * 8 : 0;
}

static long
stat_out(long ino, const struct file *f, u64 user)
{
	struct fs_inode node;
	u32 number;
	long error = ino < 0 ? ino : stat_any((u32)ino, f, &node, &number);
	struct linux_stat s;

	if (error)
		return error;
	s = (struct linux_stat){
		.dev = device_of((u32)ino),
		.ino = number,
		.nlink = node.nlink,
		.mode = node.mode,
		.uid = node.uid,
		.gid = node.gid,
		.rdev = node.rdev,
		.size = (int64_t)node.size,
		.blksize = (int64_t)EXO_PAGE_BYTES,
		.blocks = (int64_t)sectors(&node),
		.atime = (uint64_t)seconds(node.atime_ns),
		.atime_nsec = nanoseconds(node.atime_ns),
		.mtime = (uint64_t)seconds(node.mtime_ns),
		.mtime_nsec = nanoseconds(node.mtime_ns),
		.ctime = (uint64_t)seconds(node.ctime_ns),
		.ctime_nsec = nanoseconds(node.ctime_ns),
	};
	return copy_out(user, &s, sizeof(s));
}

long
sys_newfstatat(long dirfd, long path, long user, long flags)
{
	struct file *f;
	long ino;

	if (flags & ~(long)(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH))
		return -EINVAL;
	ino = path_ino((int)dirfd, (u64)path, (u32)flags, &f);
	return stat_out(ino, f, (u64)user);
}

long
sys_stat(long path, long user)
{
	return sys_newfstatat(AT_FDCWD, path, user, 0);
}

long
sys_lstat(long path, long user)
{
	return sys_newfstatat(AT_FDCWD, path, user, AT_SYMLINK_NOFOLLOW);
}

long
sys_fstat(long fd, long user)
{
	struct file *f = fd_get((int)fd);

	return f ? stat_out((long)f->ino, f, (u64)user) : -EBADF;
}

static struct linux_statx_time
statx_time(u64 ns)
{
	return (struct linux_statx_time){ .sec = seconds(ns), .nsec = (uint32_t)nanoseconds(ns) };
}

static void
statx_fill(struct linux_statx *s, const struct fs_inode *node, u32 number, u32 ino)
{
	*s = (struct linux_statx){ .mask = STATX_BASIC_STATS, .blksize = EXO_PAGE_BYTES };
	s->nlink = node->nlink;
	s->uid = node->uid;
	s->gid = node->gid;
	s->mode = (uint16_t)node->mode;
	s->ino = number;
	s->size = node->size;
	s->blocks = sectors(node);
	s->atime = statx_time(node->atime_ns);
	s->mtime = statx_time(node->mtime_ns);
	s->ctime = statx_time(node->ctime_ns);
	if (ino && ino < PROCFS) {
		s->mask |= STATX_BTIME;
		s->btime = statx_time(node->btime_ns);
	}
	s->rdev_major = LINUX_MAJOR(node->rdev);
	s->rdev_minor = LINUX_MINOR(node->rdev);
	s->dev_minor = (uint32_t)device_of(ino);
}

/* More than was asked for may be given. */
long
sys_statx(long dirfd, long path, long flags, long mask, long user)
{
	const long known =
		AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE;
	struct fs_inode node;
	struct linux_statx s;
	struct file *f;
	u32 number;
	long ino, error;

	if (mask & STATX_RESERVED || (flags & AT_STATX_SYNC_TYPE) == AT_STATX_SYNC_TYPE ||
		(int)flags & ~(int)known)
		return -EINVAL;
	ino = path_ino((int)dirfd, (u64)path, (u32)flags, &f);
	error = ino < 0 ? ino : stat_any((u32)ino, f, &node, &number);
	if (error)
		return error;
	statx_fill(&s, &node, number, (u32)ino);
	return copy_out((u64)user, &s, sizeof(s));
}

long
sys_faccessat2(long dirfd, long path, long want, long flags)
{
	struct fs_inode node;
	struct file *f;
	u32 number;
	long ino, error;

	if (want & ~7l || flags & ~(long)(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	fs_act_real(!(flags & AT_EACCESS));
	ino = path_ino((int)dirfd, (u64)path, (u32)flags, &f);
	error = ino < 0 ? ino : stat_any((u32)ino, f, &node, &number);
	if (!error && !fs_may(&node, (u32)want))
		error = -EACCES;
	fs_act_real(false);
	return error;
}

long
sys_faccessat(long dirfd, long path, long want)
{
	return sys_faccessat2(dirfd, path, want, 0);
}

long
sys_access(long path, long want)
{
	return sys_faccessat2(AT_FDCWD, path, want, 0);
}

/* ---- links and places --------------------------------------------------------------------------- */

/* Without a name: what was opened as a place, if it is a link. */
static int
link_place(int dirfd, u64 user, struct place *at)
{
	struct fs_inode node;
	const char *path;
	struct file *f;
	int error = path_get(0, user, &path);

	if (error)
		return error;
	if (path[0])
		return path_place(0, dirfd, user, WALK_NOFOLLOW, true, at);
	f = fd_get(dirfd);
	if (dirfd != AT_FDCWD && !f)
		return -EBADF;
	if (!f || !f->ino || fs_stat(f->ino, &node) || !S_ISLNK(node.mode))
		return -ENOENT;
	at->ino = f->ino;
	return 0;
}

long
sys_readlinkat(long dirfd, long path, long user, long room)
{
	static char target[LINUX_PATH_MAX] TRANSIENT;
	struct place at;
	long bytes;
	int error;

	if (room <= 0)
		return -EINVAL;
	error = link_place((int)dirfd, (u64)path, &at);
	if (error)
		return error;
	bytes = fs_target(at.ino, target, sizeof(target));
	if (bytes > 0)
		fs_was_read(at.ino);
	if (bytes > room)
		bytes = room;
	return bytes > 0 && copy_out((u64)user, target, (size_t)bytes) ? -EFAULT : bytes;
}

long
sys_readlink(long path, long user, long room)
{
	return sys_readlinkat(AT_FDCWD, path, user, room);
}

long
sys_getcwd(long user, long room)
{
	static char path[LINUX_PATH_MAX] TRANSIENT;
	long bytes = fs_path(fs_cwd(), path, sizeof(path));

	if (bytes < 0)
		return bytes;
	if (bytes + 1 > room)
		return -ERANGE;
	return copy_out((u64)user, path, (size_t)bytes + 1) ? -EFAULT : bytes + 1;
}

static int
change_dir(u32 ino)
{
	int error = fs_may_search(ino);

	if (error)
		return error;
	fs_set_cwd(ino);
	return 0;
}

long
sys_chdir(long path)
{
	struct place at;
	int error = path_place(0, AT_FDCWD, (u64)path, 0, true, &at);

	return error ? error : change_dir(at.ino);
}

/* Only what paths mean changes: who may do it can leave again, as on Linux. */
long
sys_chroot(long path)
{
	struct place at;
	int error = path_place(0, AT_FDCWD, (u64)path, 0, true, &at);

	if (!error)
		error = fs_may_search(at.ino);
	if (error)
		return error;
	if (!(CRED->effective >> CAP_SYS_CHROOT & 1))
		return -EPERM;
	fs_set_root(at.ino);
	return 0;
}

long
sys_fchdir(long fd)
{
	long ino = fd_directory((int)fd);

	return ino < 0 ? ino : change_dir((u32)ino);
}

/* ---- the file system as a whole ----------------------------------------------------------------------- */

static long
statfs_out(u32 ino, u64 user)
{
	const struct fs_super *super =
		(const struct fs_super *)((const char *)SHARED + SHARED->fs_off);
	const u64 unused = exo_info()->free_frames, kept = exo_info()->frames / FS_RESERVE;
	const u64 free = unused > kept ? unused - kept : 0;
	struct linux_statfs s = {
		.type = ino >= PROCFS ? LINUX_PROC_MAGIC : LINUX_TMPFS_MAGIC,
		.bsize = (int64_t)EXO_PAGE_BYTES,
		.blocks = ino >= PROCFS ? 0 : super->data_frames + free,
		.bfree = ino >= PROCFS ? 0 : free,
		.files = super->inodes,
		.ffree = super->free_inodes,
		.namelen = LINUX_NAME_MAX,
		.frsize = (int64_t)EXO_PAGE_BYTES,
	};

	s.bavail = s.bfree;
	return copy_out(user, &s, sizeof(s));
}

long
sys_statfs(long path, long user)
{
	struct place at;
	int error = path_place(0, AT_FDCWD, (u64)path, 0, true, &at);

	return error ? error : statfs_out(at.ino, (u64)user);
}

/* Where what has no name lies: nothing is counted there. */
static long
statfs_nameless(const struct file *f, u64 user)
{
	struct linux_statfs s = { .type = LINUX_PIPE_MAGIC,
		.bsize = (int64_t)EXO_PAGE_BYTES,
		.namelen = LINUX_NAME_MAX,
		.frsize = (int64_t)EXO_PAGE_BYTES,
		.flags = LINUX_ST_VALID };

	if (f->ops == &pidfd_ops)
		s.type = LINUX_PID_MAGIC;
	else if (f->ops->mode)
		s.type =
			(f->ops->mode & S_IFMT) == S_IFSOCK ? LINUX_SOCKET_MAGIC : LINUX_ANON_MAGIC;
	return copy_out(user, &s, sizeof(s));
}

long
sys_fstatfs(long fd, long user)
{
	struct file *f = fd_get((int)fd);

	if (!f)
		return -EBADF;
	/* Terminals are files in a directory, by whatever way they came. */
	return f->ino || f->tty ? statfs_out(f->ino, (u64)user) : statfs_nameless(f, (u64)user);
}
