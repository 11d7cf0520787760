/* SPDX-License-Identifier: ISC */
/* Extended attributes: each call is a request of the server, which keeps them. */
#include "files.h"

#define XATTR_CREATE  1
#define XATTR_REPLACE 2
#define XATTR_SIZE_MAX 65536
#define XATTR_NAME_MAX 255

/* The inode by path or descriptor; what has none has no attributes. */
static long
by_path(u64 path, u32 flags)
{
	struct file *f;
	long ino = path_ino(AT_FDCWD, path, flags, &f);

	return ino < 0 ? ino : ino == 0 || ino >= (long)PROCFS ? -EOPNOTSUPP : ino;
}

static long
by_fd(int fd)
{
	int error;
	const struct file *f = file_get(fd, &error);

	path_dir = f ? f->dir : 0;
	return !f ? error : f->ino == 0 || f->ino >= PROCFS ? -EOPNOTSUPP : (long)f->ino;
}

/* Into the comm page: its length with the NUL, or -errno. */
static long
name_in(u64 user)
{
	char name[XATTR_NAME_MAX + 2];
	long bytes = copy_in_string(name, user, sizeof(name));

	if (bytes == -ENAMETOOLONG || bytes == 0 || bytes > XATTR_NAME_MAX)
		return -ERANGE;
	if (bytes < 0)
		return bytes;
	memcpy(COMM, name, (size_t)bytes + 1);
	return bytes + 1;
}

/* What the server put into the comm page, for the program. */
static long
answer_out(long bytes, u64 user, u64 room)
{
	static char answer[EXO_PAGE_BYTES] TRANSIENT;

	if (bytes <= 0 || room == 0)
		return bytes;
	if ((u64)bytes > room)
		return -ERANGE;
	memcpy(answer, COMM, (size_t)bytes);	/* a fault may use the comm page */
	return copy_out(user, answer, (size_t)bytes) ? -EFAULT : bytes;
}

static long
told(long ino, long result)
{
	if (result >= 0)
		fs_tell((u32)ino, path_dir, IN_ATTRIB);
	return result;
}

static long
set(long ino, long name, long user, long bytes, long flags)
{
	static char value[EXO_PAGE_BYTES] TRANSIENT;
	const u32 what = flags == XATTR_CREATE ? XATTR_CREATE_NEW
		: flags == XATTR_REPLACE       ? XATTR_REPLACE_OLD
					       : XATTR_SET;
	long at;

	if (flags & ~(long)(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	if (ino < 0)
		return ino;
	if ((u64)bytes > XATTR_SIZE_MAX)
		return -E2BIG;
	if ((u64)bytes <= sizeof(value) && bytes && copy_in(value, (u64)user, (size_t)bytes))
		return -EFAULT;
	at = name_in((u64)name);
	if (at < 0)
		return at;
	if (bytes <= (long)EXO_PAGE_BYTES - at)
		memcpy(COMM + at, value, (size_t)bytes);
	return told(ino, server_call(OP_FS_XATTR, (u64)ino, what, (u64)bytes, keep_key((u32)ino),
					0, NULL));
}

static long
get(long ino, long name, long user, long room)
{
	long bytes = ino < 0 ? ino : name_in((u64)name);

	if (bytes > 0)
		bytes = server_call(OP_FS_XATTR, (u64)ino, XATTR_GET, 0, keep_key((u32)ino), 0,
			NULL);
	return answer_out(bytes, (u64)user, (u64)room);
}

static long
list(long ino, long user, long room)
{
	const struct fs_inode *node = ino > 0 ? fs_inode((u32)ino) : NULL;

	if (ino < 0 || !node || node->xattrs == 0)
		return ino < 0 ? ino : 0;
	return answer_out(server_call(OP_FS_XATTR, (u64)ino, XATTR_LIST, 0, 0, 0, NULL),
		(u64)user, (u64)room);
}

static long
take(long ino, long name)
{
	long bytes = ino < 0 ? ino : name_in((u64)name);

	return bytes < 0 ? bytes
				: server_call(OP_FS_XATTR, (u64)ino, XATTR_REMOVE, 0,
					keep_key((u32)ino), 0, NULL);
}

long
sys_setxattr(long path, long name, long value, long bytes, long flags)
{
	return set(by_path((u64)path, 0), name, value, bytes, flags);
}

long
sys_getxattr(long path, long name, long value, long room)
{
	return get(by_path((u64)path, 0), name, value, room);
}

long
sys_listxattr(long path, long names, long room)
{
	return list(by_path((u64)path, 0), names, room);
}

long
sys_removexattr(long path, long name)
{
	return take(by_path((u64)path, 0), name);
}

long
sys_lsetxattr(long path, long name, long value, long bytes, long flags)
{
	return set(by_path((u64)path, AT_SYMLINK_NOFOLLOW), name, value, bytes, flags);
}

long
sys_lgetxattr(long path, long name, long value, long room)
{
	return get(by_path((u64)path, AT_SYMLINK_NOFOLLOW), name, value, room);
}

long
sys_llistxattr(long path, long names, long room)
{
	return list(by_path((u64)path, AT_SYMLINK_NOFOLLOW), names, room);
}

long
sys_lremovexattr(long path, long name)
{
	return take(by_path((u64)path, AT_SYMLINK_NOFOLLOW), name);
}

long
sys_fsetxattr(long fd, long name, long value, long bytes, long flags)
{
	return set(by_fd((int)fd), name, value, bytes, flags);
}

long
sys_fgetxattr(long fd, long name, long value, long room)
{
	return get(by_fd((int)fd), name, value, room);
}

long
sys_flistxattr(long fd, long names, long room)
{
	return list(by_fd((int)fd), names, room);
}

long
sys_fremovexattr(long fd, long name)
{
	return take(by_fd((int)fd), name);
}
