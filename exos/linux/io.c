/* SPDX-License-Identifier: ISC */
/* Linux calls that move bytes: read, write and their relatives. */
#include <exo/read.h>
#include "../thread/thread.h"
#include "files.h"
#include "../fd/tty.h"
#include "sockets.h"

struct file *
file_readable(int fd, int *error)
{
	struct file *f = file_get(fd, error);

	if (!f || !FILE_READS(f))
		return NULL;
	*error = -EINVAL;
	return f->ops->read ? f : NULL;
}

struct file *
file_writable(int fd, int *error)
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

struct io_counts io_counts;

static inline void
io_count(bool write, long n)
{
	io_counts.by[write].calls++;
	io_counts.by[write].bytes += n > 0 ? (u64)n : 0;
}

/* A read or write at *pos, FS_APPEND: at the end. */
static long
move_to(struct file *f, bool write, u64 buf, u64 bytes, u64 *pos)
{
	long n;

	if ((long)bytes < 0)
		return -EFAULT;		/* no buffer is so large */
	if (seekable(f) && *pos != FS_APPEND && *pos + bytes > FS_SIZE_MAX)
		return -EINVAL;
	if (bytes > BYTES_MAX)
		bytes = BYTES_MAX;
	thread_use(f);
	n = write ? f->ops->write(f, buf, bytes, pos) : f->ops->read(f, buf, bytes, pos);
	io_count(write, n);
	return n;
}

/* With the shared offset: taken once, stored when the bytes have moved. */
static long
move(struct file *f, bool write, u64 buf, u64 bytes)
{
	u64 pos = f->shared->pos;
	long n = move_to(f, write, buf, bytes, &pos);

	if (n > 0)
		f->shared->pos = pos;
	return n;
}

long
sys_read(long fd, long buf, long bytes)
{
	int error;
	struct file *f = file_readable((int)fd, &error);

	return f ? move(f, false, (u64)buf, (u64)bytes) : error;
}

long
sys_write(long fd, long buf, long bytes)
{
	int error;
	struct file *f = file_writable((int)fd, &error);

	return f ? move(f, true, (u64)buf, (u64)bytes) : error;
}

static long
move_at(struct file *f, bool write, u64 buf, u64 bytes, long at)
{
	u64 pos = (u64)at;

	if (at < 0)
		return -EINVAL;
	if (!seekable(f) && FILE_STREAM(f))
		return -ESPIPE;
	return move_to(f, write, buf, bytes, &pos);
}

/* Why there is no file to read at a place, or write: that it has no places comes before its direction. */
static long
unplaced(int fd, long at, int error)
{
	struct file *f = fd_get(fd);

	return at < 0 ? -EINVAL : f && !(f->access & O_PATH) && FILE_STREAM(f) ? -ESPIPE : error;
}

long
sys_pread64(long fd, long buf, long bytes, long at)
{
	int error;
	struct file *f = file_readable((int)fd, &error);

	return f ? move_at(f, false, (u64)buf, (u64)bytes, at) : unplaced((int)fd, at, error);
}

long
sys_pwrite64(long fd, long buf, long bytes, long at)
{
	int error;
	struct file *f = file_writable((int)fd, &error);

	return f ? move_at(f, true, (u64)buf, (u64)bytes, at) : unplaced((int)fd, at, error);
}

/* ---- vectors ----------------------------------------------------------------------------- */

/* Bytes in all, or -errno. */
static long
vector_bytes(u64 iov, long count)
{
	u64 sum = 0;

	if (count < 0 || count > LINUX_IOV_MAX)
		return -EINVAL;
	for (long i = 0; i < count; i++) {
		struct linux_iovec v;

		if (copy_in(&v, iov + (u64)i * sizeof(v), sizeof(v)))
			return -EFAULT;
		if (v.bytes >> 63)
			return -EINVAL;
		sum = sum + v.bytes < BYTES_MAX ? sum + v.bytes : BYTES_MAX;
	}
	return (long)sum;
}

/* Between the program's pieces and a buffer of the library: how many bytes could be moved. */
static u64
vector_copy(u64 iov, bool in, char *buffer, u64 bytes)
{
	u64 done = 0;

	for (u64 i = 0; done < bytes; i++) {
		struct linux_iovec v;
		u64 part;

		if (copy_in(&v, iov + i * sizeof(v), sizeof(v)))
			break;
		part = v.bytes < bytes - done ? v.bytes : bytes - done;
		if (part && (in ? copy_in(buffer + done, v.base, part)
				: copy_out(v.base, buffer + done, part)))
			break;
		done += part;
	}
	return done;
}

/*
 * What must not be torn apart is gathered first, and one read brings what all
 * pieces get: a stream must not be waited for when something has come.
 */
static long
move_gathered(struct file *f, bool write, u64 iov, u64 bytes, u64 *pos)
{
	char *buffer = thread_scratch();
	long n;

	if (!buffer)
		return -ENOMEM;
	if (write) {
		u64 got = vector_copy(iov, true, buffer, bytes);

		return got || !bytes ? move_to(f, true, (u64)buffer, got, pos) : -EFAULT;
	}
	n = move_to(f, false, (u64)buffer, bytes, pos);
	if (n > 0 && vector_copy(iov, false, buffer, (u64)n) < (u64)n)
		return -EFAULT;
	return n;
}

/* One element after the other, until one is not moved whole. */
static long
move_pieces(struct file *f, bool write, u64 iov, long count, u64 *pos)
{
	long done = 0;

	for (long i = 0; i < count; i++) {
		struct linux_iovec v;
		long n;

		if (copy_in(&v, iov + (u64)i * sizeof(v), sizeof(v)))
			return done ? done : -EFAULT;
		if (v.bytes == 0)
			continue;
		n = move_to(f, write, v.base, v.bytes, pos);
		if (n < 0)
			return done ? done : n;
		done += n;
		if ((u64)n < v.bytes)
			break;
	}
	return done;
}

static long
move_vector(struct file *f, bool write, u64 iov, long count, u64 *pos)
{
	const u64 room = THREAD_SCRATCH;
	bool append = write && (*pos == FS_APPEND || f->shared->flags & O_APPEND);
	long bytes = vector_bytes(iov, count);

	if (bytes < 0)
		return bytes;
	if (seekable(f) && *pos != FS_APPEND && *pos + (u64)bytes > FS_SIZE_MAX)
		return -EINVAL;
	if (count > 1 && (append || !seekable(f)) && (!write || (u64)bytes <= room))
		return move_gathered(f, write, iov, (u64)bytes < room ? (u64)bytes : room, pos);
	return move_pieces(f, write, iov, count, pos);
}

static long
move_vector_here(struct file *f, bool write, u64 iov, long count)
{
	u64 pos = f->shared->pos;
	long n = move_vector(f, write, iov, count, &pos);

	if (n > 0)
		f->shared->pos = pos;
	return n;
}

static long
move_vector_at(struct file *f, bool write, u64 iov, long count, long at)
{
	u64 pos = (u64)at;

	if (!seekable(f) && FILE_STREAM(f))
		return -ESPIPE;
	return move_vector(f, write, iov, count, &pos);
}

/* What has messages takes all elements for one. */
static long
whole_vector(struct file *f, bool write, u64 iov, long count)
{
	struct linux_iovec *copy;
	struct spans s;
	long n = count < 0 ? -EINVAL : spans_get(&s, &copy, iov, (u64)count, -EINVAL);

	if (count < 0)
		return n;
	thread_use(f);
	if (!n)
		n = f->ops->vector(f, write, s.v, s.count, s.left);
	io_count(write, n);
	xfree(copy);
	return n;
}

long
sys_readv(long fd, long iov, long count)
{
	int error;
	struct file *f = file_readable((int)fd, &error);

	if (f && f->ops->vector)
		return whole_vector(f, false, (u64)iov, count);
	return f ? move_vector_here(f, false, (u64)iov, count) : error;
}

long
sys_writev(long fd, long iov, long count)
{
	int error;
	struct file *f = file_writable((int)fd, &error);

	if (f && f->ops->vector)
		return whole_vector(f, true, (u64)iov, count);
	return f ? move_vector_here(f, true, (u64)iov, count) : error;
}

/* The whole offset is in `at` on 64-bit machines: the word behind it says nothing. */
long
sys_preadv(long fd, long iov, long count, long at, long high)
{
	int error;
	struct file *f = file_readable((int)fd, &error);

	(void)high;
	return at < 0 ? -EINVAL : f ? move_vector_at(f, false, (u64)iov, count, at) : error;
}

long
sys_pwritev(long fd, long iov, long count, long at, long high)
{
	int error;
	struct file *f = file_writable((int)fd, &error);

	(void)high;
	return at < 0 ? -EINVAL : f ? move_vector_at(f, true, (u64)iov, count, at) : error;
}

#define RWF_HIPRI    1
#define RWF_DSYNC    2
#define RWF_SYNC     4
#define RWF_NOWAIT   8
#define RWF_APPEND   16
#define RWF_NOAPPEND 32

/* Everything is stored at once, and nothing of a regular file must be waited for. */
static long
flags_error(const struct file *f, bool write, long flags)
{
	if (flags &
		~(long)(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND | RWF_NOAPPEND))
		return -EOPNOTSUPP;
	if (flags & RWF_APPEND && flags & RWF_NOAPPEND)
		return -EINVAL;
	if (flags & RWF_NOAPPEND && f->shared->flags & O_APPEND)
		return -EOPNOTSUPP;
	return flags & RWF_NOWAIT && (f->ops != &regular_ops || write) ? -EOPNOTSUPP : 0;
}

static long
vector_with(struct file *f, bool write, u64 iov, long count, long at, long flags)
{
	long error = flags_error(f, write, flags), n;
	u64 pos = FS_APPEND;

	if (error)
		return error;
	if (!(write && flags & RWF_APPEND && seekable(f)))
		return at == -1 ? move_vector_here(f, write, iov, count)
				: move_vector_at(f, write, iov, count, at);
	n = move_vector(f, true, iov, count, &pos);
	if (n > 0 && at == -1)
		f->shared->pos = pos;
	return n;
}

long
sys_preadv2(long fd, long iov, long count, long at, long high, long flags)
{
	int error;
	struct file *f = file_readable((int)fd, &error);

	(void)high;
	return at < -1 ? -EINVAL : f ? vector_with(f, false, (u64)iov, count, at, flags) : error;
}

long
sys_pwritev2(long fd, long iov, long count, long at, long high, long flags)
{
	int error;
	struct file *f = file_writable((int)fd, &error);

	(void)high;
	return at < -1 ? -EINVAL : f ? vector_with(f, true, (u64)iov, count, at, flags) : error;
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
	if ((u64)whence > SEEK_HOLE)
		return -EINVAL;
	if (FILE_STREAM(f) && !f->ops->lseek_idle)
		return -ESPIPE;
	if (!seekable(f))
		return 0;
	size = size_of(f);
	switch (whence) {
	case SEEK_SET: to = offset; break;
	case SEEK_CUR: to = (long)f->shared->pos + offset; break;
	case SEEK_END: to = size + offset; break;
	case SEEK_DATA: case SEEK_HOLE:
		if (f->ops == &regular_ops && offset >= 0)
			to = fs_seek(f->ino, (u64)offset, whence == SEEK_DATA);
		else
			to = offset < 0 || offset >= size ? -1
				: whence == SEEK_DATA     ? offset
							  : size;
		break;
	default: return -EINVAL;
	}
	if (to < 0)
		return whence >= SEEK_DATA ? -ENXIO : -EINVAL;
	f->shared->pos = (u64)to;
	return to;
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

long
sys_sync_file_range(long fd, long offset, long bytes, long flags)
{
	int error;
	struct file *f = file_get((int)fd, &error);

	if (!f)
		return error;
	if (flags & ~7l || offset < 0 || bytes < 0 || bytes > (long)FS_SIZE_MAX - offset)
		return -EINVAL;
	return f->ino && (f->ops == &regular_ops || f->ops == &directory_ops) ? 0 : -ESPIPE;
}
