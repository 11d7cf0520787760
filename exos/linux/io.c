/* SPDX-License-Identifier: ISC */
/* Linux calls that move bytes: read, write and their relatives. */
#include <exo/read.h>
#include "files.h"
#include "../fd/tty.h"
#include "../proc/rlimit.h"

#define BYTES_MAX 0x7ffff000ull		/* Linux moves no more at a time */

static struct file *
readable(int fd, int *error)
{
	struct file *f = file_get(fd, error);

	if (!f || !FILE_READS(f))
		return NULL;
	*error = -EINVAL;
	return f->ops->read ? f : NULL;
}

static struct file *
writable(int fd, int *error)
{
	struct file *f = file_get(fd, error);

	if (!f || !FILE_WRITES(f))
		return NULL;
	*error = -EINVAL;
	return f->ops->write ? f : NULL;
}

static bool
seekable(const struct file *f)
{
	return f->ops == &regular_ops || f->ops == &directory_ops || f->ops == &procfs_ops;
}

/* With the shared offset: taken once, stored when the bytes have moved. */
static long
move(struct file *f, bool write, u64 buf, u64 bytes)
{
	u64 pos = f->shared->pos;
	long n;

	if (bytes > BYTES_MAX)
		bytes = BYTES_MAX;
	file_hold(f);			/* a handler cannot close it under us, but exit paths look at counts */
	n = write ? f->ops->write(f, buf, bytes, &pos) : f->ops->read(f, buf, bytes, &pos);
	if (n > 0)
		f->shared->pos = pos;
	file_drop(f);
	return n;
}

long
sys_read(long fd, long buf, long bytes)
{
	int error;
	struct file *f = readable((int)fd, &error);

	return f ? move(f, false, (u64)buf, (u64)bytes) : error;
}

long
sys_write(long fd, long buf, long bytes)
{
	int error;
	struct file *f = writable((int)fd, &error);

	return f ? move(f, true, (u64)buf, (u64)bytes) : error;
}

static long
move_at(struct file *f, bool write, u64 buf, u64 bytes, long at)
{
	u64 pos = (u64)at;

	if (!seekable(f))
		return FILE_STREAM(f) ? -ESPIPE
			: write ? f->ops->write(f, buf, bytes, &pos)
				      : f->ops->read(f, buf, bytes, &pos);
	if (at < 0)
		return -EINVAL;
	if (bytes > BYTES_MAX)
		bytes = BYTES_MAX;
	return write ? f->ops->write(f, buf, bytes, &pos) : f->ops->read(f, buf, bytes, &pos);
}

long
sys_pread64(long fd, long buf, long bytes, long at)
{
	int error;
	struct file *f = readable((int)fd, &error);

	return f ? move_at(f, false, (u64)buf, (u64)bytes, at) : error;
}

long
sys_pwrite64(long fd, long buf, long bytes, long at)
{
	int error;
	struct file *f = writable((int)fd, &error);

	return f ? move_at(f, true, (u64)buf, (u64)bytes, at) : error;
}

/* ---- vectors: one element after the other, until one is not moved whole -------------------- */

static long
move_vector(struct file *f, bool write, u64 iov, long count, const long *at)
{
	long done = 0;

	if (count < 0 || count > LINUX_IOV_MAX)
		return -EINVAL;
	for (long i = 0; i < count; i++) {
		struct linux_iovec v;
		long n;

		if (copy_in(&v, iov + (u64)i * sizeof(v), sizeof(v)))
			return done ? done : -EFAULT;
		if (v.bytes == 0)
			continue;
		if (v.bytes >> 63)
			return done ? done : -EINVAL;
		n = at ? move_at(f, write, v.base, v.bytes, *at + done)
		       : move(f, write, v.base, v.bytes);
		if (n < 0)
			return done ? done : n;
		done += n;
		if ((u64)n < v.bytes)
			break;
	}
	return done;
}

/*
 * What a pipe or the console must not tear apart is gathered first: a writev
 * of up to a page is one write.
 */
static long
gather(struct file *f, u64 iov, long count)
{
	char *page = scratch_page(0);
	u64 bytes = 0;

	if (count <= 1 || count > LINUX_IOV_MAX || !page || seekable(f))
		return move_vector(f, true, iov, count, NULL);
	for (long i = 0; i < count; i++) {
		struct linux_iovec v;

		if (copy_in(&v, iov + (u64)i * sizeof(v), sizeof(v)))
			return -EFAULT;
		if (v.bytes > EXO_PAGE_BYTES - bytes)
			return move_vector(f, true, iov, count, NULL);
		if (v.bytes && copy_in(page + bytes, v.base, v.bytes))
			return -EFAULT;
		bytes += v.bytes;
	}
	return move(f, true, (u64)page, bytes);
}

long
sys_readv(long fd, long iov, long count)
{
	int error;
	struct file *f = readable((int)fd, &error);

	return f ? move_vector(f, false, (u64)iov, count, NULL) : error;
}

long
sys_writev(long fd, long iov, long count)
{
	int error;
	struct file *f = writable((int)fd, &error);

	return f ? gather(f, (u64)iov, count) : error;
}

long
sys_preadv(long fd, long iov, long count, long at, long high)
{
	int error;
	struct file *f = readable((int)fd, &error);

	(void)high;			/* the whole offset is in `at` on 64-bit machines */
	return f ? move_vector(f, false, (u64)iov, count, &at) : error;
}

long
sys_pwritev(long fd, long iov, long count, long at, long high)
{
	int error;
	struct file *f = writable((int)fd, &error);

	(void)high;
	return f ? move_vector(f, true, (u64)iov, count, &at) : error;
}

/* ---- offsets and sizes -------------------------------------------------------------------------- */

static long
size_of(const struct file *f)
{
	struct fs_inode node;

	if (f->ops == &procfs_ops)
		return (long)f->text_bytes;
	return f->ino && fs_stat(f->ino, &node) == 0 ? (long)node.size : 0;
}

long
sys_lseek(long fd, long offset, long whence)
{
	int error;
	struct file *f = file_get((int)fd, &error);
	long to, size;

	if (!f)
		return error;
	if (FILE_STREAM(f) && !f->ops->lseek_idle)
		return -ESPIPE;
	if (!seekable(f))
		return 0;
	size = size_of(f);
	switch (whence) {
	case SEEK_SET: to = offset; break;
	case SEEK_CUR: to = (long)f->shared->pos + offset; break;
	case SEEK_END: to = size + offset; break;
	/* Holes are not looked for: all of the file counts as data. */
	case SEEK_DATA: to = offset < size ? offset : -1; break;
	case SEEK_HOLE: to = offset < size ? size : -1; break;
	default: return -EINVAL;
	}
	if (to < 0)
		return whence >= SEEK_DATA ? -ENXIO : -EINVAL;
	f->shared->pos = (u64)to;
	return to;
}

/* RLIMIT_FSIZE: a file that grew beyond it is not made, and there is a signal. */
static bool
limit_passed(u64 size)
{
	if (size <= limit_soft(LIMIT_FSIZE))
		return false;
	signal_raise(SIGXFSZ);
	return true;
}

static long
set_size(u32 ino, long bytes)
{
	const struct fs_inode *node = ino ? fs_inode(ino) : NULL;

	if (bytes < 0 || !node)
		return -EINVAL;
	if (S_ISDIR(node->mode))
		return -EISDIR;
	if ((u64)bytes > node->size && limit_passed((u64)bytes))
		return -EFBIG;
	return S_ISREG(node->mode) && ino < PROCFS
		? server_call(OP_FS_TRUNCATE, ino, (u64)bytes, keep_key((u32)ino), 0, 0, NULL)
		: -EINVAL;
}

long
sys_truncate(long path, long bytes)
{
	struct place at;
	int error = path_place(0, AT_FDCWD, (u64)path, 0, true, &at);

	return error ? error : set_size(at.ino, bytes);
}

long
sys_ftruncate(long fd, long bytes)
{
	int error;
	struct file *f = file_get((int)fd, &error);

	return !f ? error : FILE_WRITES(f) ? set_size(f->ino, bytes) : -EINVAL;
}

long
sys_fallocate(long fd, long mode, long from, long bytes)
{
	int error;
	struct file *f = writable((int)fd, &error);

	if (!f)
		return error;
	if (f->ops != &regular_ops)
		return -ENODEV;
	if (mode)
		return -EOPNOTSUPP;
	if (from < 0 || bytes <= 0)
		return -EINVAL;
	if (limit_passed((u64)from + (u64)bytes))
		return -EFBIG;
	while (bytes > 0) {
		u64 part = (u64)bytes < FS_EXTEND_MAX ? (u64)bytes : FS_EXTEND_MAX;
		long result = server_call(OP_FS_EXTEND, f->ino, (u64)from, part, keep_key(f->ino),
			0, NULL);

		if (result < 0)
			return result;
		from += (long)part;
		bytes -= (long)part;
	}
	return 0;
}

/* ---- from one file to another --------------------------------------------------------------------- */

static long
copy_files(struct file *in, u64 *in_pos, struct file *out, u64 *out_pos, u64 bytes)
{
	u64 room = SCRATCH_PAGES * EXO_PAGE_BYTES, done = 0;

	for (unsigned i = 0; i < SCRATCH_PAGES; i++)
		if (!scratch_page(i))
			return -ENOMEM;
	while (done < bytes) {
		u64 part = bytes - done < room ? bytes - done : room, from = *in_pos;
		long got = in->ops->read(in, (u64)scratch_page(0), part, &from), put;

		if (got <= 0)
			return done ? (long)done : got;
		put = out->ops->write(out, (u64)scratch_page(0), (u64)got, out_pos);
		if (put < 0)
			return done ? (long)done : put;
		*in_pos += (u64)put;
		done += (u64)put;
		if (put < got || (u64)got < part)
			break;
	}
	return (long)done;
}

/* An offset that the program keeps, or the file's own. */
static int
offset_get(const struct file *f, u64 user, u64 *pos)
{
	*pos = f->shared->pos;
	return user ? copy_in(pos, user, sizeof(*pos)) : 0;
}

static int
offset_put(struct file *f, u64 user, u64 pos)
{
	if (user)
		return copy_out(user, &pos, sizeof(pos));
	f->shared->pos = pos;
	return 0;
}

static long
transfer(struct file *in, u64 in_user, struct file *out, u64 out_user, u64 bytes)
{
	u64 in_pos, out_pos;
	long n;

	if (offset_get(in, in_user, &in_pos) || offset_get(out, out_user, &out_pos))
		return -EFAULT;
	n = copy_files(in, &in_pos, out, &out_pos, bytes < BYTES_MAX ? bytes : BYTES_MAX);
	if (n > 0 && (offset_put(in, in_user, in_pos) || offset_put(out, out_user, out_pos)))
		return -EFAULT;
	return n;
}

long
sys_sendfile(long out_fd, long in_fd, long offset, long bytes)
{
	int error;
	struct file *in = readable((int)in_fd, &error),
		    *out = in ? writable((int)out_fd, &error) : NULL;

	if (!in || !out)
		return error;
	if (in->ops != &regular_ops)
		return -EINVAL;		/* as Linux: the program falls back on read and write */
	return transfer(in, (u64)offset, out, 0, (u64)bytes);
}

long
sys_copy_file_range(long in_fd, long in_at, long out_fd, long out_at, long bytes, long flags)
{
	int error;
	struct file *in = readable((int)in_fd, &error),
		    *out = in ? writable((int)out_fd, &error) : NULL;

	if (!in || !out)
		return error;
	if (flags || in->ops != &regular_ops || out->ops != &regular_ops)
		return -EINVAL;
	return transfer(in, (u64)in_at, out, (u64)out_at, (u64)bytes);
}

/* ---- memory is the disk: everything is stored already ------------------------------------------------ */

long
sys_fsync(long fd)
{
	int error;
	struct file *f = file_get((int)fd, &error);

	return !f ? error : seekable(f) ? 0 : -EINVAL;
}

long
sys_fdatasync(long fd)
{
	return sys_fsync(fd);
}

long
sys_sync(void)
{
	return 0;
}

long
sys_syncfs(long fd)
{
	return fd_get((int)fd) ? 0 : -EBADF;
}

long
sys_fadvise64(long fd, long offset, long bytes, long advice)
{
	int error;
	struct file *f = file_get((int)fd, &error);

	(void)offset;
	if (!f)
		return error;
	if (f->ops == &pipe_ops)
		return -ESPIPE;
	return bytes < 0 || advice < 0 || advice > 5 ? -EINVAL : 0;
}
