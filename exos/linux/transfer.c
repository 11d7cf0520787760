/* SPDX-License-Identifier: ISC */
/*
 * Linux calls that move bytes from one descriptor to another.  All of them
 * copy: what splice and its relatives promise is which bytes go where, and
 * when they wait, not that pages change hands.
 */
#include "../thread/thread.h"
#include "files.h"

#define SPLICE_F_NONBLOCK 2
#define NAP_NS 1000000ull
#define SPLICE_F_ALL      15		/* the others ask for what changes nothing here: moving pages, hints */

static u64
at_most(u64 a, u64 b)
{
	return a < b ? a : b;
}

static bool
is_pipe(const struct file *f)
{
	return f->ops == &pipe_ops;
}

/* ---- files to files ------------------------------------------------------------------------ */

static long
copy_files(struct file *in, u64 *in_pos, struct file *out, u64 *out_pos, u64 bytes)
{
	const u64 room = THREAD_SCRATCH;
	char *buffer = thread_scratch();
	u64 done = 0;

	if (!buffer)
		return -ENOMEM;
	while (done < bytes) {
		u64 part = at_most(bytes - done, room), from = *in_pos;
		long got = in->ops->read(in, (u64)buffer, part, &from), put;

		if (got <= 0)
			return done ? (long)done : got;
		put = out->ops->write(out, (u64)buffer, (u64)got, out_pos);
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
static long
offset_get(const struct file *f, u64 user, u64 *pos)
{
	*pos = f->shared->pos;
	if (user && copy_in(pos, user, sizeof(*pos)))
		return -EFAULT;
	return (long)*pos < 0 ? -EINVAL : 0;
}

static long
offset_put(struct file *f, u64 user, u64 pos)
{
	if (user)
		return copy_out(user, &pos, sizeof(pos)) ? -EFAULT : 0;
	f->shared->pos = pos;
	return 0;
}

long
sys_sendfile(long out_fd, long in_fd, long offset, long bytes)
{
	int error;
	struct file *in = thread_use(file_readable((int)in_fd, &error)), *out;
	u64 in_pos, out_pos;
	long result;

	if (!in)
		return error;
	if (offset && FILE_STREAM(in))
		return -ESPIPE;
	result = offset_get(in, (u64)offset, &in_pos);
	if (result)
		return result;
	out = thread_use(file_writable((int)out_fd, &error));
	if (!out)
		return error;
	if (FILE_STREAM(in) || in->ops == &directory_ops || bytes < 0
		|| (!is_pipe(out) && out->shared->flags & O_APPEND))
		return -EINVAL;
	out_pos = out->shared->pos;
	result = copy_files(in, &in_pos, out, &out_pos, at_most((u64)bytes, BYTES_MAX));
	if (result > 0) {
		out->shared->pos = out_pos;
		result = offset_put(in, (u64)offset, in_pos) ? -EFAULT : result;
	}
	return result;
}

/* *bytes: cut down to what there is. */
static long
range_error(const struct file *in, u64 from, const struct file *out, u64 to, u64 *bytes)
{
	struct fs_inode node;

	if (out->shared->flags & O_APPEND)
		return -EBADF;
	if (from + *bytes < from || to + *bytes < to)
		return -EOVERFLOW;
	if (fs_stat(in->ino, &node))
		return -EIO;
	*bytes = at_most(*bytes, from < node.size ? node.size - from : 0);
	if (*bytes && ((long)from < 0 || (long)(to + *bytes) < 0))
		return -EINVAL;
	return in->ino == out->ino && from < to + *bytes && to < from + *bytes ? -EINVAL : 0;
}

long
sys_copy_file_range(long in_fd, long in_at, long out_fd, long out_at, long bytes, long flags)
{
	struct file *in = thread_use(fd_get((int)in_fd)), *out = thread_use(fd_get((int)out_fd));
	u64 in_pos, out_pos, part;
	long result;

	if (!in || !out)
		return -EBADF;
	in_pos = in->shared->pos;
	out_pos = out->shared->pos;
	if ((in_at && copy_in(&in_pos, (u64)in_at, sizeof(in_pos))) ||
		(out_at && copy_in(&out_pos, (u64)out_at, sizeof(out_pos))))
		return -EFAULT;
	if (flags)
		return -EINVAL;
	if (in->ops == &directory_ops || out->ops == &directory_ops)
		return -EISDIR;
	if (in->ops != &regular_ops || out->ops != &regular_ops)
		return -EINVAL;
	if (!FILE_READS(in) || !FILE_WRITES(out))
		return -EBADF;
	part = at_most((u64)bytes, BYTES_MAX);
	result = range_error(in, in_pos, out, out_pos, &part);
	if (!result)
		result = copy_files(in, &in_pos, out, &out_pos, part);
	if (result > 0 &&
		(offset_put(in, (u64)in_at, in_pos) || offset_put(out, (u64)out_at, out_pos)))
		return -EFAULT;
	return result;
}

/* ---- with pipes ---------------------------------------------------------------------------------- */

/* Until it can be read from, or written to, without waiting. */
static long
wait_ready(struct file *f, bool write, bool nonblock)
{
	const u32 wanted = write ? POLLOUT : POLLIN;

	for (;;) {
		struct exo_term terms[EXO_TERMS_MAX];
		unsigned count = EXO_TERMS_MAX - 1;
		int error;

		if (f->ops->poll(f, wanted, terms, &count))
			return 0;	/* or its other side has gone: the read or write says what that means */
		if (nonblock || f->shared->flags & O_NONBLOCK)
			return -EAGAIN;
		error = block_on(terms, count, 0);
		if (error)
			return error;
	}
}

/* Out of a pipe: what the sink does not take stays there. */
static long
drain(struct file *in, struct file *out, u64 *out_pos, u64 bytes, bool nonblock)
{
	const bool impatient =
		nonblock || (in->shared->flags | out->shared->flags) & O_NONBLOCK;

	for (;;) {
		const bool last = in->object->holders[1] == 0;	/* before it is seen to be empty */
		long n = wait_ready(in, false, nonblock);

		if (!n && is_pipe(out))
			n = wait_ready(out, true, nonblock);
		if (n)
			return n;
		n = pipe_feed(in, out, out_pos, thread_scratch(), bytes);
		if ((n || last) && (n != -EAGAIN || impatient))
			return n;
		if (n == -EAGAIN)	/* there may be room, and yet not enough */
			n = block_on(NULL, 0, clock_ns() + NAP_NS);
		if (n == -EINTR)
			return n;
	}
}

/* One step: as much as is there and has room, and no more is read than a pipe takes without waiting. */
static long
step(struct file *in, u64 *in_pos, struct file *out, u64 *out_pos, u64 bytes, bool nonblock)
{
	char *buffer = thread_scratch();
	long got = 0, put;

	if (!buffer)
		return -ENOMEM;
	bytes = at_most(bytes, THREAD_SCRATCH);
	if (is_pipe(in))
		return drain(in, out, out_pos, bytes, nonblock);
	if (is_pipe(out))
		got = wait_ready(out, true, nonblock);
	if (got)
		return got;
	if (is_pipe(out) && out->object->holders[0])
		bytes = at_most(bytes, pipe_room(out));
	got = in->ops->read(in, (u64)buffer, bytes, in_pos);
	if (got <= 0)
		return got;
	put = out->ops->write(out, (u64)buffer, (u64)got, out_pos);
	if (put >= 0 && put < got && !FILE_STREAM(in))
		*in_pos -= (u64)(got - put);
	return put;
}

static long
splice_error(const struct file *in, u64 in_at, const struct file *out, u64 out_at)
{
	if (!is_pipe(in) && !is_pipe(out))
		return -EINVAL;
	if ((is_pipe(in) && in_at) || (is_pipe(out) && out_at))
		return -ESPIPE;
	if (is_pipe(in) && is_pipe(out))
		return in->object->id == out->object->id ? -EINVAL : 0;
	if ((in_at && FILE_STREAM(in)) || (out_at && FILE_STREAM(out)))
		return -EINVAL;
	if (in->ops == &directory_ops || (!is_pipe(out) && out->shared->flags & O_APPEND))
		return -EINVAL;
	return 0;
}

long
sys_splice(long in_fd, long in_at, long out_fd, long out_at, long bytes, long flags)
{
	int error;
	struct file *in, *out;
	u64 in_pos, out_pos;
	long result;

	if (bytes == 0)
		return 0;
	if (flags & ~(long)SPLICE_F_ALL)
		return -EINVAL;
	in = thread_use(file_readable((int)in_fd, &error));
	out = in ? thread_use(file_writable((int)out_fd, &error)) : NULL;
	if (!in || !out)
		return error;
	result = splice_error(in, (u64)in_at, out, (u64)out_at);
	if (!result)
		result = offset_get(in, (u64)in_at, &in_pos);
	if (!result)
		result = offset_get(out, (u64)out_at, &out_pos);
	if (!result)
		result = step(in, &in_pos, out, &out_pos, (u64)bytes, flags & SPLICE_F_NONBLOCK);
	if (result > 0 &&
		(offset_put(in, (u64)in_at, in_pos) || offset_put(out, (u64)out_at, out_pos)))
		return -EFAULT;
	return result;
}

long
sys_tee(long in_fd, long out_fd, long bytes, long flags)
{
	const bool nonblock = flags & SPLICE_F_NONBLOCK;
	int error;
	struct file *in, *out;
	u64 pos = 0, part;
	char *buffer;
	long result;

	if (flags & ~(long)SPLICE_F_ALL)
		return -EINVAL;
	if (bytes == 0)
		return 0;
	in = thread_use(file_readable((int)in_fd, &error));
	out = in ? thread_use(file_writable((int)out_fd, &error)) : NULL;
	if (!in || !out)
		return error;
	if (!is_pipe(in) || !is_pipe(out) || in->object->id == out->object->id)
		return -EINVAL;
	buffer = thread_scratch();
	result = buffer ? wait_ready(in, false, nonblock) : -ENOMEM;
	if (!result)
		result = wait_ready(out, true, nonblock);
	if (result)
		return result;
	part = out->object->holders[0] ? pipe_room(out) : EXO_PAGE_BYTES;
	part = at_most(at_most((u64)bytes, part), THREAD_SCRATCH);
	result = pipe_peek(in, buffer, part);
	return result > 0 ? out->ops->write(out, (u64)buffer, (u64)result, &pos) : result;
}

long
sys_vmsplice(long fd, long iov, long count, long flags)
{
	struct file *f = thread_use(fd_get((int)fd));
	long result;

	if (flags & ~(long)SPLICE_F_ALL)
		return -EINVAL;
	if (!f || !is_pipe(f) || f->access & O_PATH)
		return -EBADF;
	if (flags & SPLICE_F_NONBLOCK && count > 0) {
		result = wait_ready(f, FILE_WRITES(f), true);
		if (result)
			return result;
	}
	return FILE_WRITES(f) ? sys_writev(fd, iov, count) : sys_readv(fd, iov, count);
}

long
sys_readahead(long fd, long offset, long bytes)
{
	int error;
	struct file *f = file_get((int)fd, &error);

	(void)offset;
	(void)bytes;
	if (!f || !FILE_READS(f))
		return -EBADF;
	return f->ops == &regular_ops ? 0 : -EINVAL;
}
