/* SPDX-License-Identifier: ISC */
/* Regular files, directories, and opening by inode. */
#include "tty.h"
#include "../fs/fs.h"
#include "../proc/rlimit.h"
#include "../proc/signal.h"

static long
regular_read(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	long n = fs_pread(f->ino, *pos, buf, bytes);

	if (n > 0)
		*pos += (u64)n;
	if (!(f->shared->flags & O_NOATIME))
		fs_was_read(f->ino);
	if (n > 0)
		fs_tell(f->ino, f->dir, IN_ACCESS);
	return n;
}

int
file_size_ok(u64 size)
{
	if (size <= limit_soft(LIMIT_FSIZE))
		return 0;
	signal_raise(SIGXFSZ);
	return -EFBIG;
}

/* RLIMIT_FSIZE: bytes up to it are written, beyond it there is a signal. */
static long
within_limit(u32 ino, u64 at, u64 *bytes)
{
	const u64 most = limit_soft(LIMIT_FSIZE);
	struct fs_inode node;

	if (most == LIMIT_NONE)
		return 0;
	if (at == FS_APPEND)
		at = fs_stat(ino, &node) ? 0 : node.size;
	if (at >= most) {
		signal_raise(SIGXFSZ);
		return -EFBIG;
	}
	*bytes = *bytes < most - at ? *bytes : most - at;
	return 0;
}

static long
regular_write(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	u64 at = f->shared->flags & O_APPEND || *pos == FS_APPEND ? FS_APPEND : *pos;
	long n;

	if (bytes == 0)
		return 0;
	if (fs_inode(f->ino)->seals & FS_SEALS_WRITE)
		return -EPERM;
	if (at != FS_APPEND && at >= FS_SIZE_MAX)
		return -EFBIG;
	if (at != FS_APPEND && bytes > FS_SIZE_MAX - at)
		bytes = FS_SIZE_MAX - at;
	n = within_limit(f->ino, at, &bytes);
	if (n)
		return n;
	n = fs_pwrite(f->ino, &at, buf, bytes);
	if (n > 0) {
		*pos = at + (u64)n;
		fs_was_written(f->ino);
		fs_tell(f->ino, f->dir, IN_MODIFY);
	}
	return n;
}

static u32
always_ready(struct file *f, u32 events, struct exo_term *terms, unsigned *nterms)
{
	(void)f;
	(void)terms;
	*nterms = 0;
	return events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
}

const struct file_ops regular_ops = {
	.name = "file", .read = regular_read, .write = regular_write, .poll = always_ready,
	.blind = true,
};

static long
directory_read(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	(void)f;
	(void)buf;
	(void)bytes;
	(void)pos;
	return -EISDIR;
}

const struct file_ops directory_ops = {
	.name = "directory", .read = directory_read, .poll = always_ready,
	.blind = true,
};

/* ---- /proc: contents are made when the file is opened, and again when read from its start ---- */

#define PROCFS_BYTES 4096u
#define PROCFS_MAX (16u << 20)

static int
procfs_fill(struct file *f)
{
	size_t room = PROCFS_BYTES;
	long bytes;

	do {
		xfree(f->text);
		f->text = xalloc(room);
		bytes = f->text ? procfs_text(f->ino, f->text, room) : -ENOMEM;
		room *= 4;
	} while (bytes > 0 && (size_t)bytes == room / 4 && room <= PROCFS_MAX);
	f->text_bytes = bytes > 0 ? (u64)bytes : 0;
	return bytes < 0 ? (int)bytes : 0;
}

static long
procfs_read(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	int error = *pos == 0 && f->text_read ? procfs_fill(f) : 0;

	if (error)
		return error;
	f->text_read = true;
	if (*pos >= f->text_bytes)
		return 0;
	if (bytes > f->text_bytes - *pos)
		bytes = f->text_bytes - *pos;
	if (copy_out(buf, f->text + *pos, bytes))
		return -EFAULT;
	*pos += bytes;
	return (long)bytes;
}

static long
procfs_written(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	long n = procfs_write(f->ino, buf, bytes);

	if (n > 0 && *pos != FS_APPEND)
		*pos += (u64)n;
	return n;
}

const struct file_ops procfs_ops = {
	.name = "proc", .read = procfs_read, .write = procfs_written, .poll = always_ready,
};

/* ---- opening ----------------------------------------------------------------------------------- */

static const struct file_ops *
device_ops(u64 rdev)
{
	static const struct file_ops *const memory[] = {
		[3] = &null_ops,
		[5] = &zero_ops,
		[7] = &full_ops,
		[8] = &random_ops,
		[9] = &random_ops,
		[11] = &kmsg_ops,
	};

	if (LINUX_MAJOR(rdev) != 1 || LINUX_MINOR(rdev) >= sizeof(memory) / sizeof(memory[0]))
		return NULL;
	return memory[LINUX_MINOR(rdev)];
}

/* Opened as a place only: what lies there is not looked at. */
const struct file_ops place_ops = { .name = "place" };

const struct file_ops *
file_kind(u32 ino, const struct fs_inode *node, u32 flags)
{
	if (S_ISDIR(node->mode))
		return &directory_ops;
	if (flags & O_PATH)
		return &place_ops;
	if (ino >= PROCFS)
		return &procfs_ops;
	if (S_ISREG(node->mode))
		return &regular_ops;
	return S_ISCHR(node->mode) ? device_ops(node->rdev) : NULL;
}

static int
may_open(const struct fs_inode *node, u32 flags, bool fresh)
{
	u32 want = (flags & O_ACCMODE) == O_RDONLY ? R_OK
		: (flags & O_ACCMODE) == O_WRONLY  ? W_OK
						   : R_OK | W_OK;

	if (flags & O_TRUNC)
		want |= W_OK;
	if (S_ISDIR(node->mode) && (want & W_OK || flags & O_CREAT))
		return -EISDIR;
	if (flags & O_DIRECTORY && !S_ISDIR(node->mode))
		return -ENOTDIR;
	if (flags & O_PATH)
		return 0;
	if (S_ISLNK(node->mode))
		return -ELOOP;
	if (flags & O_NOATIME && !(CRED->effective >> CAP_FOWNER & 1) &&
		CRED->uid[CRED_FS] != node->uid)
		return -EPERM;
	if ((node->mode & S_IFMT) == S_IFSOCK)
		return -ENXIO;
	return fresh || fs_may(node, want) ? 0 : -EACCES;
}

/* By a descriptor: what has an inode is opened anew, what has none gets one reference more. */
static long
open_again(int fd, u32 flags, struct file **f)
{
	*f = fd_get(fd);
	if (!*f)
		return -ENOENT;
	if ((*f)->ino && (*f)->ino < PROCFS)
		return file_open((*f)->ino, (*f)->dir, flags, false, f);
	file_hold(*f);
	return 0;
}

static long
open_inode(u32 ino, u32 dir, u32 flags, bool fresh, struct file **f)
{
	struct fs_inode node;
	const struct file_ops *ops;
	long error;

	if (ino >= PROCFS && procfs_fd(ino) >= 0 && !(flags & (O_NOFOLLOW | O_PATH)))
		return open_again(procfs_fd(ino), flags, f);
	error = fs_stat(ino, &node);
	if (!error)
		error = may_open(&node, flags, fresh);
	if (!error && !fresh && (flags & (O_TRUNC | O_ACCMODE)) && !(flags & O_PATH))
		error = fs_busy(ino, &node);
	if (!error && !(flags & O_PATH))
		error = tty_open(&node, ino, dir, flags, f);
	if (error)
		return error < 0 ? error : 0;
	if (S_ISFIFO(node.mode) && !(flags & O_PATH))
		return fifo_open(ino, dir, flags, f);
	ops = file_kind(ino, &node, flags);
	if (!ops)
		return -ENXIO;
	if (flags & O_TRUNC && ops == &regular_ops)
		error = server_call(OP_FS_TRUNCATE, ino, 0, 0, 0, 0, NULL);
	if (!error)
		error = pub_hold(ino);
	if (error)
		return error;
	*f = file_new(ops, flags);
	if (!*f) {
		pub_drop(ino);
		return -ENOMEM;
	}
	(*f)->ino = ino;
	(*f)->dir = dir;
	if (ops == &procfs_ops && !(flags & O_PATH))
		error = procfs_fill(*f);
	if (error)
		file_drop(*f);
	return error;
}

long
file_open(u32 ino, u32 dir, u32 flags, bool fresh, struct file **f)
{
	long error = open_inode(ino, dir, flags, fresh, f);

	if (!error && !(flags & O_PATH))
		fs_tell(ino, dir, IN_OPEN);
	if (!error && flags & O_TRUNC && (*f)->ops == &regular_ops)
		fs_tell(ino, dir, IN_MODIFY);
	return error;
}
