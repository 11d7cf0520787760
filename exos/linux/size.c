/* SPDX-License-Identifier: ISC */
/* Linux calls about a file's size, and about what of it has frames. */
#include "files.h"

static long
set_size(u32 ino, long bytes)
{
	struct fs_inode node;
	long error;

	if (bytes < 0 || !ino || fs_stat(ino, &node))
		return -EINVAL;
	if (S_ISDIR(node.mode))
		return -EISDIR;
	if (!S_ISREG(node.mode) || ino >= PROCFS)
		return -EINVAL;
	error = (u64)bytes > node.size ? file_size_ok((u64)bytes) : 0;
	if (!error)
		error = server_call(OP_FS_TRUNCATE, ino, (u64)bytes, keep_key(ino), 0, 0, NULL);
	if (!error)
		fs_tell(ino, path_dir, IN_MODIFY);
	return error;
}

long
sys_truncate(long path, long bytes)
{
	struct fs_inode node;
	struct place at;
	int error;

	if (bytes < 0)
		return -EINVAL;
	error = path_place(0, AT_FDCWD, (u64)path, 0, true, &at);
	if (!error)
		error = fs_busy(at.ino, fs_inode(at.ino));
	/* By name: that it is open already, when its mode was another, does not count. */
	if (!error && fs_stat(at.ino, &node) == 0 && S_ISREG(node.mode) && !fs_may(&node, W_OK))
		error = -EACCES;
	return error ? error : set_size(at.ino, bytes);
}

long
sys_ftruncate(long fd, long bytes)
{
	int error;
	struct file *f = file_get((int)fd, &error);

	if (f)
		path_dir = f->dir;
	return bytes < 0         ? -EINVAL
		: !f             ? error
		: FILE_WRITES(f) ? set_size(f->ino, bytes)
				 : -EINVAL;
}

/* ---- fallocate --------------------------------------------------------------------------------- */

long
file_punch(u32 ino, u64 from, u64 bytes)
{
	const u64 end = from + bytes;
	struct answer answer;
	long more;

	do {				/* the server does so much at a time */
		more = server_call(OP_FS_PUNCH, ino, from, end - from, keep_key(ino), 0, &answer);
		from = answer.rdx;
	} while (more == 1 && from < end);
	return more < 0 ? more : 0;
}

static long
allocate(u32 ino, u64 from, u64 bytes, bool keep_size)
{
	while (bytes > 0) {
		u64 part = bytes < FS_EXTEND_MAX ? bytes : FS_EXTEND_MAX;
		long error = server_call(OP_FS_EXTEND, ino, from, part, keep_key(ino),
			keep_size ? FS_KEEP_SIZE : 0, NULL);

		if (error < 0)
			return error;
		from += part;
		bytes -= part;
	}
	return 0;
}

/* What files in memory do on Linux: space, and holes. */
static long
mode_error(long mode)
{
	if (mode & ~(long)(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	return (mode & FALLOC_FL_PUNCH_HOLE) && !(mode & FALLOC_FL_KEEP_SIZE) ? -EOPNOTSUPP : 0;
}

static long
kind_error(const struct file *f)
{
	struct fs_inode node;
	u32 mode = f->ops == &pipe_ops ? S_IFIFO : 0;

	if (!mode && f->ino && fs_stat(f->ino, &node) == 0)
		mode = node.mode;
	if (S_ISFIFO(mode))
		return -ESPIPE;
	return S_ISDIR(mode) ? -EISDIR : f->ops == &regular_ops ? 0 : -ENODEV;
}

long
sys_fallocate(long fd, long mode, long from, long bytes)
{
	struct fs_inode node;
	int error;
	struct file *f = file_get((int)fd, &error);
	long result;

	if (!f)
		return error;
	if (from < 0 || bytes <= 0)
		return -EINVAL;
	result = mode_error(mode);
	if (result)
		return result;
	if (!FILE_WRITES(f))
		return -EBADF;
	result = kind_error(f);
	if (result)
		return result;
	if ((u64)bytes > FS_SIZE_MAX - (u64)from)
		return -EFBIG;
	if (mode & FALLOC_FL_PUNCH_HOLE) {
		result = file_punch(f->ino, (u64)from, (u64)bytes);
		fs_tell(f->ino, f->dir, IN_MODIFY);
		return result;
	}
	if (!(mode & FALLOC_FL_KEEP_SIZE) && fs_stat(f->ino, &node) == 0 &&
		(u64)(from + bytes) > node.size)
		result = file_size_ok((u64)(from + bytes));
	if (!result)
		result = allocate(f->ino, (u64)from, (u64)bytes, mode & FALLOC_FL_KEEP_SIZE);
	if (!result)
		fs_tell(f->ino, f->dir, IN_MODIFY);
	return result;
}
