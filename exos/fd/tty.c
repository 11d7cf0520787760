/* SPDX-License-Identifier: ISC */
/*
 * A terminal's user side: reading, writing, waiting.  The line discipline is
 * the server's; what it says of itself in the shared region is a hint when to
 * ask.  Output to the console goes past it, where that makes no difference.
 */
#include "tty.h"
#include "../core/self.h"
#include "../fs/fs.h"
#include "../proc/signal.h"
#include "../thread/thread.h"

#define TENTH_NS 100000000ull
#define READABLE (POLLIN | POLLRDNORM)
#define WRITABLE (POLLOUT | POLLWRNORM)

const volatile struct sh_tty *
tty_row(const struct file *f)
{
	return (const volatile struct sh_tty *)((const char *)SHARED + SHARED->ttys_off) + f->line;
}

const struct ktermios *
tty_termios(const struct file *f)
{
	return (const struct ktermios *)tty_row(f)->termios;
}

/* ---- job control ---------------------------------------------------------------------------- */

/* Nobody outside the group, but in its session, is a parent of one in it: nobody would continue it. */
static bool
is_orphaned(u32 pgid)
{
	const volatile struct sh_proc *table = proc_table();

	for (unsigned row = 0; row < SH_PROCS; row++) {
		const volatile struct sh_proc *p = &table[row], *parent;

		if (p->state == PROC_FREE || p->state == PROC_ZOMBIE || p->pgid != pgid)
			continue;
		parent = proc_find(p->ppid);
		if (parent && parent->pgid != pgid && parent->sid == p->sid)
			return false;
	}
	return true;
}

int
tty_job_check(const struct file *f, int sig)
{
	u32 foreground = tty_row(f)->pgrp;

	if (!f->tty || PROC->tty != f->line + 1u || foreground == 0 || foreground == PROC->pgid)
		return 0;
	if (current->sig.blocked & SIG_BIT(sig) || signal_ignored(sig))
		return sig == SIGTTIN ? -EIO : 0;
	if (is_orphaned(PROC->pgid))
		return -EIO;
	server_call(OP_KILL, (u64)-(long)PROC->pgid, (u64)sig, 0, 0, 0, NULL);
	return -EINTR;
}

/* ---- reading ----------------------------------------------------------------------------------- */

static bool
by_line(const struct file *f)
{
	return !f->tty || tty_termios(f)->lflag & ICANON;
}

/* How many bytes have to be there; canonical: any. */
static u32
enough(const struct file *f, u64 bytes)
{
	u32 min = by_line(f) ? 1 : tty_termios(f)->cc[VMIN];

	return min == 0 ? 1 : min < bytes ? min : (u32)bytes;
}

/* When to be content with what there is, though it is not enough; 0: never. */
static u64
patience(const struct file *f, u32 avail, u64 begun)
{
	const struct ktermios *t = tty_termios(f);

	if (by_line(f) || t->cc[VTIME] == 0)
		return 0;
	if (t->cc[VMIN] == 0)
		return begun + t->cc[VTIME] * TENTH_NS;
	return avail ? clock_ns() + t->cc[VTIME] * TENTH_NS : 0;
}

static int
wait_input(const struct file *f, u64 seen, u64 deadline)
{
	struct exo_term term = term_word(&tty_row(f)->slave_news, ~0ull, EXO_NE, seen);

	if (!by_line(f) && tty_termios(f)->cc[VMIN] == 0 && tty_termios(f)->cc[VTIME] == 0)
		return -ETIMEDOUT;
	return f->shared->flags & O_NONBLOCK ? -EAGAIN : block_on(&term, 1, deadline);
}

/* 0: ask the server; 1: nothing came in time; -errno. */
static int
input_await(const struct file *f, u64 bytes, u64 begun)
{
	const volatile struct sh_tty *row = tty_row(f);

	for (bool waited = false;; waited = true) {
		u64 seen = row->slave_news;
		u32 avail = row->avail;
		int error = tty_job_check(f, SIGTTIN);

		if (error)
			return error;
		if (row->hung && waited)
			return -EIO;		/* whoever asks from now on is told of an end of file */
		if (avail >= enough(f, bytes) || row->hung || row->eof)
			return 0;
		error = wait_input(f, seen, patience(f, avail, begun));
		if (error && avail)
			return 0;		/* what there is */
		if (error)
			return error == -ETIMEDOUT ? 1 : error;
	}
}

static long
tty_read(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	u64 max = bytes < EXO_PAGE_BYTES ? bytes : EXO_PAGE_BYTES, begun = clock_ns();

	(void)pos;
	while (bytes) {
		int state = input_await(f, max, begun);
		long n;

		if (state)
			return state > 0 ? 0 : state;
		n = server_call(OP_TTY_READ, f->line, f->key, max, 0, 0, NULL);
		if (n != -EAGAIN)
			return n > 0 && copy_out(buf, COMM, (size_t)n) ? -EFAULT : n;
	}
	return 0;
}

/* ---- writing -------------------------------------------------------------------------------------- */

long
tty_send(struct file *f, enum server_op op, u64 buf, u64 bytes, const volatile u64 *news)
{
	u64 done = 0;

	while (done < bytes) {
		u64 seen = *news,
		    part = bytes - done < EXO_PAGE_BYTES ? bytes - done : EXO_PAGE_BYTES;
		struct exo_term term = term_word(news, ~0ull, EXO_NE, seen);
		long n = copy_in(COMM, buf + done, part);

		if (!n)
			n = server_call(op, f->line, f->key, part, 0, 0, NULL);
		if (n == -EAGAIN)
			n = file_block(f, &term, 1);
		if (n < 0)
			return done ? (long)done : n;
		done += (u64)n;
	}
	return (long)done;
}

/* The console's own way knows newlines and nothing else. */
static bool
is_plain(const struct file *f)
{
	u32 flags = tty_termios(f)->oflag;

	return !(flags & OPOST)
		|| (!(flags & (OLCUC | OCRNL | ONOCR | ONLRET)) && (flags & TABDLY) != XTABS);
}

static long
console_write(struct file *f, u64 buf, u64 bytes)
{
	const volatile struct sh_tty *row = tty_row(f);

	while (f->tty && row->stopped) {
		struct exo_term term = term_word(&row->slave_news, ~0ull, EXO_NE, row->slave_news);
		int error = row->stopped ? file_block(f, &term, 1) : 0;

		if (error)
			return error;
	}
	return console_put(f, buf, bytes);
}

static long
tty_write(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	int error = f->tty && tty_termios(f)->lflag & TOSTOP ? tty_job_check(f, SIGTTOU) : 0;

	(void)pos;
	if (error)
		return error;
	if (f->line == CONSOLE_LINE && (!f->tty || is_plain(f)))
		return console_write(f, buf, bytes);
	return tty_send(f, OP_TTY_WRITE, buf, bytes, &tty_row(f)->slave_news);
}

/* ---- both ------------------------------------------------------------------------------------------- */

static u32
tty_poll(struct file *f, u32 events, struct exo_term *terms, unsigned *nterms)
{
	const volatile struct sh_tty *row = tty_row(f);
	const struct ktermios *t = tty_termios(f);
	u64 seen = row->slave_news;
	u32 ready = 0;

	terms[0] = term_word(&row->slave_news, ~0ull, EXO_NE, seen);
	*nterms = 1;
	if (row->hung)
		return (events & (READABLE | WRITABLE)) | POLLERR | POLLHUP;
	if (row->avail >= (!by_line(f) && t->cc[VTIME] == 0 && t->cc[VMIN] ? t->cc[VMIN] : 1) ||
		row->eof)
		ready |= READABLE;
	if (f->line == CONSOLE_LINE ? !row->stopped : row->out_room)
		ready |= WRITABLE;
	return ready & events;
}

static u64
tty_version(struct file *f, u32 events)
{
	(void)events;
	return tty_row(f)->slave_news;
}

void
tty_close(struct file *f)
{
	key_slot_put(f->key);
	if (f->line != CONSOLE_LINE)
		server_call(OP_TTY_CLOSED, 0, 0, 0, 0, 0, NULL);
}

const struct file_ops tty_ops = {
	.name = "tty", .read = tty_read, .write = tty_write, .ioctl = tty_ioctl, .poll = tty_poll,
	.close = tty_close, .version = tty_version,
};

bool
tty_is(const struct file *f)
{
	return f->ops == &tty_ops || f->ops == &ptm_ops;
}

bool
tty_is_master(const struct file *f)
{
	return f->ops == &ptm_ops;
}
