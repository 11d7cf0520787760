/* SPDX-License-Identifier: ISC */
/* The master's side of a pty, and opening terminals of any kind. */
#include <exo/control.h>
#include "tty.h"
#include "../fs/fs.h"

#define READABLE (POLLIN | POLLRDNORM)
#define WRITABLE (POLLOUT | POLLWRNORM)

enum { DEV_TTY, DEV_CONSOLE, DEV_PTMX };	/* minor numbers */

static long
ptm_read(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	const volatile struct sh_tty *row = tty_row(f);
	u64 max = bytes < EXO_PAGE_BYTES ? bytes : EXO_PAGE_BYTES;

	(void)pos;
	while (bytes) {
		u64 seen = row->master_news;
		struct exo_term term = term_word(&row->master_news, ~0ull, EXO_NE, seen);
		long n = server_call(OP_PTY_READ, f->line, f->key, max, 0, 0, NULL);

		if (n == -EAGAIN)
			n = file_block(f, &term, 1);
		else
			return n > 0 && copy_out(buf, COMM, (size_t)n) ? -EFAULT : n;
		if (n)
			return n;
	}
	return 0;
}

static long
ptm_write(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	(void)pos;
	return tty_send(f, OP_PTY_WRITE, buf, bytes, &tty_row(f)->master_news);
}

static u32
ptm_poll(struct file *f, u32 events, struct exo_term *terms, unsigned *nterms)
{
	const volatile struct sh_tty *row = tty_row(f);
	u64 seen = row->master_news;
	u32 ready = 0;

	terms[0] = term_word(&row->master_news, ~0ull, EXO_NE, seen);
	*nterms = 1;
	if (row->out)
		ready |= READABLE;
	if (row->in_room)
		ready |= WRITABLE;
	if (row->packet && row->status)
		ready |= POLLPRI;
	return (ready & events) | (row->closed ? POLLHUP : 0);
}

static u64
ptm_version(struct file *f, u32 events)
{
	(void)events;
	return tty_row(f)->master_news;
}

const struct file_ops ptm_ops = {
	.name = "ptmx", .read = ptm_read, .write = ptm_write, .ioctl = tty_ioctl, .poll = ptm_poll,
	.close = tty_close, .version = ptm_version,
};

/* ---- opening ---------------------------------------------------------------------------------- */

int
tty_make(const struct file_ops *ops, u32 flags, u32 ino, u32 dir, struct file **f)
{
	int slot = key_slot_get(), error = slot < 0 ? slot : pub_hold(ino);

	if (error) {
		if (slot >= 0)
			key_slot_put((exo_slot)slot);
		return error;
	}
	*f = file_new(ops, flags);
	if (!*f) {
		pub_drop(ino);
		key_slot_put((exo_slot)slot);
		return -ENOMEM;
	}
	(*f)->key = (exo_slot)slot;
	(*f)->ino = ino;
	(*f)->dir = dir;
	(*f)->tty = true;
	return 0;
}

/* The server has the last word: which terminal it is, or why not. */
static long
numbered(struct file *f, long line)
{
	if (line < 0) {
		file_drop(f);
		return line;
	}
	f->line = (u16)line;
	f->queue = EXO_PORT_STDIO * 2 + 1;
	return 1;
}

static u32
how(u32 flags)
{
	u32 mode = flags & O_ACCMODE;

	return (mode != O_WRONLY ? TTY_OPEN_READ : 0) | (mode != O_RDONLY ? TTY_OPEN_WRITE : 0)
		| (flags & O_NOCTTY ? TTY_OPEN_NOCTTY : 0);
}

static long
user_open(u32 ino, u32 dir, u32 flags, u32 asked, struct file **f)
{
	int error = tty_make(&tty_ops, flags, ino, dir, f);

	return error
		? error
		: numbered(*f,
			  server_call(OP_TTY_OPEN, ino, how(flags) | asked, (*f)->key, 0, 0, NULL));
}

static long
master_open(u32 ino, u32 dir, u32 flags, struct file **f)
{
	int error = tty_make(&ptm_ops, flags, ino, dir, f);

	return error ? error
			: numbered(*f, server_call(OP_PTY_NEW, (*f)->key, 0, 0, 0, 0, NULL));
}

long
tty_open(const struct fs_inode *node, u32 ino, u32 dir, u32 flags, struct file **f)
{
	u32 major = LINUX_MAJOR(node->rdev), minor = LINUX_MINOR(node->rdev);

	if (!S_ISCHR(node->mode) || (major != TTY_MAJOR && major != PTS_MAJOR))
		return 0;
	if (major == PTS_MAJOR)
		return user_open(ino, dir, flags, 0, f);
	switch (minor) {
	case DEV_TTY: return user_open(ino, dir, flags, TTY_OPEN_OWN | TTY_OPEN_NOCTTY, f);
	case DEV_CONSOLE: return user_open(ino, dir, flags, TTY_OPEN_NOCTTY, f);
	case DEV_PTMX: return master_open(ino, dir, flags, f);
	default: return -ENXIO;
	}
}

long
tty_open_peer(struct file *master, u32 flags, struct file **f)
{
	char path[24];
	struct place at;
	int error;

	exo_snprintf(path, sizeof(path), "/dev/pts/%u", master->line - 1u);
	error = fs_walk_at(AT_FDCWD, path, 0, &at);
	if (!error && at.ino == 0)
		error = -ENOENT;
	if (!error)
		error = tty_make(&tty_ops, flags, at.ino, at.dir, f);
	return error ? error
		     : numbered(*f,
			       server_call(OP_TTY_OPEN, 0, how(flags) | TTY_OPEN_PEER, (*f)->key,
				       master->line, master->key, NULL));
}

struct file *
console_open(bool tty, bool error, u32 flags)
{
	struct place at = { .ino = 0 };
	struct file *f;

	if (tty && fs_walk_at(AT_FDCWD, "/dev/console", 0, &at))
		at.ino = 0;
	if (tty_make(&tty_ops, flags, at.ino, at.dir, &f))
		return NULL;
	f->tty = tty;
	f->line = CONSOLE_LINE;
	f->queue = error ? 2 * EXO_PORT_STDERR + 1 : 2 * EXO_PORT_STDIO + 1;
	if (exo_key_copy(KEY_TTY, 1, UAREA->env, f->key, KEY_SELF) < 0)
		return NULL;
	return f;
}
