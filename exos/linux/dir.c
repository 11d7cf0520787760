/* SPDX-License-Identifier: ISC */
/* Linux calls that change names and attributes: each is a walk and one request of the server. */
#include "files.h"

/* A name that the server may be asked to change. */
static int
place_for_change(unsigned which, int dirfd, u64 user, struct place *at)
{
	return path_place(which, dirfd, user, WALK_PARENT, false, at);
}

/* ---- making ----------------------------------------------------------------------------- */

/* Where something new may stand: nothing is there, and a slash behind it says that it will be a directory. */
static int
place_for_new(unsigned which, int dirfd, u64 user, bool directory, struct place *at)
{
	int error = place_for_change(which, dirfd, user, at);

	if (error)
		return error;
	if (at->last != LAST_NAME || at->ino)
		return -EEXIST;
	return (at->slash && !directory) || at->dir >= PROCFS ? -ENOENT : 0;
}

static long
make_node(int dirfd, u64 user, u32 mode, u64 rdev)
{
	struct place at;
	int error = place_for_new(0, dirfd, user, S_ISDIR(mode), &at);

	if (!error)
		error = comm_names(at.name, NULL);
	if (!error)
		error = (int)server_call(OP_FS_CREATE, at.dir,
			(mode & S_IFMT) | (mode & 07777 & ~PUB->umask), rdev, 0, 0, NULL);
	return error < 0 ? error : 0;
}

long
sys_mkdirat(long dirfd, long path, long mode)
{
	return make_node((int)dirfd, (u64)path, S_IFDIR | ((u32)mode & 01777), 0);
}

long
sys_mkdir(long path, long mode)
{
	return sys_mkdirat(AT_FDCWD, path, mode);
}

long
sys_mknodat(long dirfd, long path, long mode, long dev)
{
	u32 type = (u32)mode & S_IFMT;

	if (S_ISDIR(type))
		return -EPERM;
	if (type && !S_ISREG(type) && !S_ISCHR(type) && type != S_IFBLK && !S_ISFIFO(type) &&
		type != S_IFSOCK)
		return -EINVAL;
	return make_node((int)dirfd, (u64)path, (u32)mode | (type ? 0 : S_IFREG), (u64)dev);
}

long
sys_mknod(long path, long mode, long dev)
{
	return sys_mknodat(AT_FDCWD, path, mode, dev);
}

/* Name and target in one message, or the target first and then its name. */
static int
make_symlink(const struct place *at, const char *target)
{
	long ino;
	int error;

	if (comm_names(at->name, target) == 0)
		return (int)server_call(OP_FS_SYMLINK, at->dir, 0, 0, 0, 0, NULL);
	error = comm_names(target, NULL);
	ino = error ? error : server_call(OP_FS_SYMLINK, at->dir, 1, 0, 0, 0, NULL);
	if (ino < 0)
		return (int)ino;
	comm_names(at->name, NULL);
	return (int)server_call(OP_FS_LINK, (u64)ino, at->dir, 0, 0, 0, NULL);
}

long
sys_symlinkat(long target_user, long dirfd, long path)
{
	const char *target;
	struct place at;
	int error = path_get(1, (u64)target_user, &target);

	if (!error && target[0] == '\0')
		error = -ENOENT;
	if (!error)
		error = place_for_new(0, (int)dirfd, (u64)path, false, &at);
	if (!error)
		error = make_symlink(&at, target);
	return error < 0 ? error : 0;
}

long
sys_symlink(long target, long path)
{
	return sys_symlinkat(target, AT_FDCWD, path);
}

long
sys_linkat(long old_dirfd, long old_path, long new_dirfd, long new_path, long flags)
{
	struct place at;
	struct file *f;
	u32 how = (u32)flags & AT_EMPTY_PATH;
	long ino;
	int error;

	if (flags & ~(long)(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!(flags & AT_SYMLINK_FOLLOW))
		how |= AT_SYMLINK_NOFOLLOW;
	ino = path_ino((int)old_dirfd, (u64)old_path, how, &f);
	if (ino < 0)
		return ino;
	error = place_for_new(1, (int)new_dirfd, (u64)new_path, false, &at);
	if (error)
		return error;
	if (ino == 0 || ino >= (long)PROCFS)
		return -EXDEV;
	error = comm_names(at.name, NULL);
	return error ? error : server_call(OP_FS_LINK, (u64)ino, at.dir, 0, 0, 0, NULL);
}

long
sys_link(long old_path, long new_path)
{
	return sys_linkat(AT_FDCWD, old_path, AT_FDCWD, new_path, 0);
}

/* ---- unmaking ------------------------------------------------------------------------------ */

/* What the last name alone says about removing it. */
static int
last_error(const struct place *at, bool rmdir)
{
	static const int how[] = { [LAST_ROOT] = -EBUSY, [LAST_DOT] = -EINVAL,
		[LAST_DOTDOT] = -ENOTEMPTY };
	const struct fs_inode *node;

	if (at->last != LAST_NAME)
		return rmdir ? how[at->last] : -EISDIR;
	if (at->ino == 0)
		return -ENOENT;
	if (at->ino == PROCFS_ROOT)
		return -EBUSY;
	if (at->ino >= PROCFS)
		return -EPERM;
	node = fs_inode(at->ino);
	return at->slash && !rmdir && node ? (S_ISDIR(node->mode) ? -EISDIR : -ENOTDIR) : 0;
}

long
sys_unlinkat(long dirfd, long path, long flags)
{
	bool rmdir = flags & AT_REMOVEDIR;
	struct place at;
	int error;

	if (flags & ~(long)AT_REMOVEDIR)
		return -EINVAL;
	error = place_for_change(0, (int)dirfd, (u64)path, &at);
	if (!error)
		error = last_error(&at, rmdir);
	if (!error)
		error = comm_names(at.name, NULL);
	return error ? error : server_call(OP_FS_UNLINK, at.dir, rmdir, 0, 0, 0, NULL);
}

long
sys_unlink(long path)
{
	return sys_unlinkat(AT_FDCWD, path, 0);
}

long
sys_rmdir(long path)
{
	return sys_unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
}

static bool
is_directory(u32 ino)
{
	const struct fs_inode *node = fs_inode(ino);

	return node && S_ISDIR(node->mode);
}

/* In the order in which Linux finds them. */
static int
rename_error(const struct place *from, const struct place *to, u32 flags)
{
	if ((from->dir >= PROCFS) != (to->dir >= PROCFS))
		return -EXDEV;
	if (from->last != LAST_NAME)
		return -EBUSY;
	if (to->last != LAST_NAME)
		return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	if (from->ino == 0)
		return -ENOENT;
	if (flags & RENAME_NOREPLACE && to->ino)
		return -EEXIST;
	if (flags & RENAME_EXCHANGE && to->ino == 0)
		return -ENOENT;
	if (flags & RENAME_EXCHANGE && to->slash && !is_directory(to->ino))
		return -ENOTDIR;
	if (!is_directory(from->ino)
		&& (from->slash || (to->slash && !(flags & RENAME_EXCHANGE))))
		return -ENOTDIR;
	if (from->dir >= PROCFS)
		return -EPERM;
	return from->ino == PROCFS_ROOT || to->ino == PROCFS_ROOT ? -EBUSY : 0;
}

long
sys_renameat2(long old_dirfd, long old_path, long new_dirfd, long new_path, long flags)
{
	struct place from, to;
	int error;

	if (flags & ~(long)(RENAME_NOREPLACE | RENAME_EXCHANGE)
		|| flags == (RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	error = place_for_change(0, (int)old_dirfd, (u64)old_path, &from);
	if (!error)
		error = place_for_change(1, (int)new_dirfd, (u64)new_path, &to);
	if (!error)
		error = rename_error(&from, &to, (u32)flags);
	if (!error)
		error = comm_names(from.name, to.name);
	return error ? error : server_call(OP_FS_RENAME, from.dir, to.dir, (u64)flags, 0, 0, NULL);
}

long
sys_renameat(long old_dirfd, long old_path, long new_dirfd, long new_path)
{
	return sys_renameat2(old_dirfd, old_path, new_dirfd, new_path, 0);
}

long
sys_rename(long old_path, long new_path)
{
	return sys_renameat2(AT_FDCWD, old_path, AT_FDCWD, new_path, 0);
}

/* ---- attributes ------------------------------------------------------------------------------- */

/* What a change of these is to those who watch. */
static u32
told_as(u32 mask)
{
	const u32 times = mask & (SETATTR_ATIME | SETATTR_MTIME);

	return times == SETATTR_ATIME ? IN_ACCESS : times == SETATTR_MTIME ? IN_MODIFY : IN_ATTRIB;
}

/* What this process has open it goes on using, whatever it makes of the mode. */
static void
stay_open(u32 ino, u32 mask, u64 mode, u64 uid, u64 gid)
{
	struct fs_inode next;

	if (fs_stat(ino, &next))
		return;
	next.mode = mask & SETATTR_MODE ? (next.mode & S_IFMT) | (u32)mode : next.mode;
	next.uid = mask & SETATTR_UID ? (u32)uid : next.uid;
	next.gid = mask & SETATTR_GID ? (u32)gid : next.gid;
	keep_open(ino, &next);
}

static long
set_attributes(long ino, u32 mask, u64 a, u64 b, u64 c)
{
	long error;

	if (ino <= 0)
		return ino ? ino : -EINVAL;
	if (ino >= (long)PROCFS)
		return -EPERM;
	if (mask & (SETATTR_MODE | SETATTR_UID | SETATTR_GID))
		stay_open((u32)ino, mask, a, b, c);
	error = server_call(OP_FS_SETATTR, (u64)ino, mask, a, b, c, NULL);
	if (!error)
		fs_tell((u32)ino, path_dir, told_as(mask));
	return error;
}

/* By descriptor: its inode, or -errno. */
static long
fd_ino(long fd)
{
	int error;
	const struct file *f = file_get((int)fd, &error);

	path_dir = f ? f->dir : 0;
	return f ? (long)f->ino : error;
}

long
sys_fchmodat(long dirfd, long path, long mode)
{
	struct file *f;

	return set_attributes(path_ino((int)dirfd, (u64)path, 0, &f), SETATTR_MODE,
		(u64)mode & 07777, 0, 0);
}

long
sys_fchmodat2(long dirfd, long path, long mode, long flags)
{
	struct fs_inode node;
	struct file *f;
	long ino;

	if (flags & ~(long)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	ino = path_ino((int)dirfd, (u64)path, (u32)flags, &f);
	if (ino > 0 && fs_stat((u32)ino, &node) == 0 && S_ISLNK(node.mode))
		return -EOPNOTSUPP;
	return set_attributes(ino, SETATTR_MODE, (u64)mode & 07777, 0, 0);
}

long
sys_chmod(long path, long mode)
{
	return sys_fchmodat(AT_FDCWD, path, mode);
}

long
sys_fchmod(long fd, long mode)
{
	return set_attributes(fd_ino(fd), SETATTR_MODE, (u64)mode & 07777, 0, 0);
}

static long
set_owner(long ino, long uid, long gid)
{
	u32 mask = ((int)uid == -1 ? 0 : SETATTR_UID) | ((int)gid == -1 ? 0 : SETATTR_GID);

	if (mask == 0 && ino > 0 && ino < (long)PROCFS) {
		const struct fs_inode *node = fs_inode((u32)ino);

		if (!node)
			return -ENOENT;
		/* Who does not own it changes nothing, not even the time. */
		if ((S_ISDIR(node->mode) || !(node->mode & (S_ISUID | S_ISGID)))
			&& CRED->uid[CRED_FS] != node->uid && !(CRED->effective >> CAP_FOWNER & 1))
			return 0;
		mask = SETATTR_UID;	/* even so set-id bits go and the file has changed */
		uid = node->uid;
	}
	return set_attributes(ino, mask, 0, (u32)uid, (u32)gid);
}

long
sys_fchownat(long dirfd, long path, long uid, long gid, long flags)
{
	struct file *f;

	if (flags & ~(long)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return set_owner(path_ino((int)dirfd, (u64)path, (u32)flags, &f), uid, gid);
}

long
sys_chown(long path, long uid, long gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, 0);
}

long
sys_lchown(long path, long uid, long gid)
{
	return sys_fchownat(AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW);
}

long
sys_fchown(long fd, long uid, long gid)
{
	return set_owner(fd_ino(fd), uid, gid);
}

/* ---- times ------------------------------------------------------------------------------------------ */

#define NS 1000000000ull

/* Two times, UTIME_NOW and UTIME_OMIT understood, as a request. */
static long
set_times(long ino, const struct linux_timespec t[2])
{
	static const u32 bit[2] = { SETATTR_ATIME, SETATTR_MTIME };
	u64 now = clock_ns() + SHARED->wall_offset_ns, ns[2] = { 0, 0 };
	u32 mask = 0;

	if (ino < 0)
		return ino;
	for (unsigned i = 0; i < 2; i++) {
		if (t[i].nsec == LINUX_UTIME_OMIT)
			continue;
		if (t[i].nsec != LINUX_UTIME_NOW && (t[i].nsec < 0 || t[i].nsec >= (long)NS))
			return -EINVAL;
		ns[i] = t[i].nsec == LINUX_UTIME_NOW ? now : (u64)t[i].sec * NS + (u64)t[i].nsec;
		mask |= bit[i];
	}
	if (mask && t[0].nsec == LINUX_UTIME_NOW && t[1].nsec == LINUX_UTIME_NOW)
		mask |= SETATTR_NOW;
	return mask || ino <= 0 ? set_attributes(ino, mask, ns[0], ns[1], 0) : 0;
}

long
sys_utimensat(long dirfd, long path, long times, long flags)
{
	struct linux_timespec t[2] = { { 0, LINUX_UTIME_NOW }, { 0, LINUX_UTIME_NOW } };
	struct file *f;

	if (times && copy_in(t, (u64)times, sizeof(t)))
		return -EFAULT;
	if (t[0].nsec == LINUX_UTIME_OMIT && t[1].nsec == LINUX_UTIME_OMIT)
		return 0;		/* whether or not there is such a file */
	if (!path && (int)dirfd != AT_FDCWD)
		return flags ? -EINVAL : set_times(fd_ino(dirfd), t);
	if (flags & ~(long)(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	return set_times(path_ino((int)dirfd, (u64)path, (u32)flags, &f), t);
}

long
sys_futimesat(long dirfd, long path, long times)
{
	struct linux_timespec t[2] = { { 0, LINUX_UTIME_NOW }, { 0, LINUX_UTIME_NOW } };
	struct linux_timeval v[2];
	struct file *f;

	if (times && copy_in(v, (u64)times, sizeof(v)))
		return -EFAULT;
	for (unsigned i = 0; i < 2 && times; i++) {
		if (v[i].usec < 0 || v[i].usec >= 1000000)
			return -EINVAL;
		t[i] = (struct linux_timespec){ v[i].sec, v[i].usec * 1000 };
	}
	return set_times(path_ino((int)dirfd, (u64)path, path ? 0 : AT_EMPTY_PATH, &f), t);
}

long
sys_utimes(long path, long times)
{
	return sys_futimesat(AT_FDCWD, path, times);
}

long
sys_utime(long path, long times)
{
	struct linux_timespec t[2] = { { 0, LINUX_UTIME_NOW }, { 0, LINUX_UTIME_NOW } };
	int64_t seconds[2];
	struct file *f;

	if (times && copy_in(seconds, (u64)times, sizeof(seconds)))
		return -EFAULT;
	for (unsigned i = 0; i < 2 && times; i++)
		t[i] = (struct linux_timespec){ seconds[i], 0 };
	return set_times(path_ino(AT_FDCWD, (u64)path, 0, &f), t);
}
