/* SPDX-License-Identifier: ISC */
/*
 * ioctl on terminals.  What is shown in the shared region is read there;
 * changes are requests of the server, who knows whose terminal it is.
 */
#include "files.h"
#include "../fd/tty.h"
#include "../proc/signal.h"

#define BAUD_MASK 0010017u
#define BAUD_38400 38400u

struct ktermios2 {
	struct ktermios t;
	u32 ispeed, ospeed;
};

static long
set(const struct file *f, enum tty_set what, u64 a, u64 b)
{
	return server_call(OP_TTY_SET, f->line, f->key, what, a, b, NULL);
}

static long
word_out(u64 user, u32 value)
{
	return copy_out(user, &value, sizeof(value));
}

static long
set_word(const struct file *f, enum tty_set what, u64 user)
{
	u32 value;

	return copy_in(&value, user, sizeof(value)) ? -EFAULT : set(f, what, value, 0);
}

/* A background process that changes the terminal is stopped, unless it says that it may. */
static long
foreground(const struct file *f)
{
	return tty_job_check(f, SIGTTOU);
}

/* ---- termios, in three shapes ----------------------------------------------------------- */

static u32
speed(u32 cflag)
{
	static const u32 low[] = { 0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800,
		9600, 19200, 38400 };
	static const u32 high[] = { 57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000,
		1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000 };
	u32 code = cflag & BAUD_MASK;

	if (code < 16)
		return low[code];
	return code > 0010000 && code - 0010001 < sizeof(high) / sizeof(high[0])
		? high[code - 0010001] : BAUD_38400;
}

static long
termios_get(const struct file *f, u32 cmd, u64 user)
{
	struct ktermios2 two = { .t = *tty_termios(f) };
	struct ktermio one = { .iflag = (u16)two.t.iflag, .oflag = (u16)two.t.oflag,
		.cflag = (u16)two.t.cflag, .lflag = (u16)two.t.lflag, .line = two.t.line };

	if (cmd == TCGETS)
		return copy_out(user, &two.t, sizeof(two.t));
	if (cmd == TCGETA) {
		memcpy(one.cc, two.t.cc, sizeof(one.cc));
		return copy_out(user, &one, sizeof(one));
	}
	two.ispeed = two.ospeed = speed(two.t.cflag);
	return copy_out(user, &two, sizeof(two));
}

/* The old form says less: the rest stays. */
static long
old_in(struct ktermios *t, u64 user)
{
	struct ktermio one;

	if (copy_in(&one, user, sizeof(one)))
		return -EFAULT;
	t->iflag = (t->iflag & ~0xffffu) | one.iflag;
	t->oflag = (t->oflag & ~0xffffu) | one.oflag;
	t->cflag = (t->cflag & ~0xffffu) | one.cflag;
	t->lflag = (t->lflag & ~0xffffu) | one.lflag;
	t->line = one.line;
	memcpy(t->cc, one.cc, sizeof(one.cc));
	return 0;
}

/* Output is gone when a write returns, as far as it can be: draining waits for nothing. */
static long
termios_set(const struct file *f, enum tty_set how, u32 first, u64 user)
{
	struct ktermios t = *tty_termios(f);
	long error = foreground(f);

	if (!error)
		error = first == TCSETA ? old_in(&t, user) : copy_in(&t, user, sizeof(t));
	if (error)
		return error;
	memcpy(COMM, &t, sizeof(t));
	return set(f, how, 0, 0);
}

/* ---- sizes, groups, sessions ---------------------------------------------------------------- */

static long
size_get(const struct file *f, u64 user)
{
	const volatile struct sh_tty *row = tty_row(f);
	struct linux_winsize size = { .rows = row->rows, .cols = row->cols, .xpixel = row->xpixel,
		.ypixel = row->ypixel };

	return copy_out(user, &size, sizeof(size));
}

static long
size_set(const struct file *f, u64 user)
{
	struct linux_winsize size;

	if (copy_in(&size, user, sizeof(size)))
		return -EFAULT;
	return set(f, TTY_SET_SIZE, size.rows | (u32)size.cols << 16,
		size.xpixel | (u32)size.ypixel << 16);
}

/* To its own users only if it is their controlling terminal; the master may ask always. */
static bool
knows(const struct file *f)
{
	return tty_is_master(f) || PROC->tty == f->line + 1u;
}

static long
pgrp_set(const struct file *f, u64 user)
{
	u32 pgrp;
	long error = foreground(f);

	if (error)
		return error == -EIO ? -ENOTTY : error;
	if (PROC->tty != f->line + 1u)
		return -ENOTTY;
	if (copy_in(&pgrp, user, sizeof(pgrp)))
		return -EFAULT;
	return server_call(OP_TTY_PGRP, f->line, f->key, pgrp, 0, 0, NULL);
}

static long
session_get(const struct file *f, u64 user)
{
	u32 session = tty_row(f)->session;

	return knows(f) && session ? word_out(user, session) : -ENOTTY;
}

static long
ctty(const struct file *f, enum tty_ctty how)
{
	return server_call(OP_TTY_CTTY, f->line, f->key, how, 0, 0, NULL);
}

/* ---- what only one side of a pty knows --------------------------------------------------------- */

static long
peer(struct file *f, u32 flags)
{
	struct file *made;
	long result = tty_open_peer(f, flags, &made);

	return result < 0 ? result : fd_install(made, 0, flags & O_CLOEXEC);
}

static long
master_ioctl(struct file *f, u32 cmd, u64 arg)
{
	const volatile struct sh_tty *row = tty_row(f);

	switch (cmd) {
	case TIOCGPTN: return word_out(arg, f->line - 1u);
	case TIOCSPTLCK: return set_word(f, TTY_SET_LOCK, arg);
	case TIOCGPTLCK: return word_out(arg, row->locked);
	case TIOCPKT: return set_word(f, TTY_SET_PACKET, arg);
	case TIOCGPKT: return word_out(arg, row->packet);
	case TIOCSIG: return set(f, TTY_SET_SIGNAL, arg, 0);
	case TIOCGPTPEER: return peer(f, (u32)arg);
	case FIONREAD: return word_out(arg, row->out - (row->status ? 1 : 0));
	default: return -ENOTTY;
	}
}

static long
type(const struct file *f, u64 user)
{
	u8 byte;

	return copy_in(&byte, user, 1) ? -EFAULT : set(f, TTY_SET_TYPE, byte, 0);
}

static long
flow(const struct file *f, enum tty_set what, u64 arg)
{
	long error = foreground(f);

	return error ? error : set(f, what, arg, 0);
}

static long
discipline(const struct file *f, u64 user)
{
	u32 number;
	long error = copy_in(&number, user, sizeof(number)) ? -EFAULT : foreground(f);

	return error ? error : number == 0 ? 0 : -EINVAL;
}

static long
common_ioctl(struct file *f, u32 cmd, u64 arg)
{
	const volatile struct sh_tty *row = tty_row(f);

	switch (cmd) {
	case TCGETS: case TCGETA: case TCGETS2: return termios_get(f, cmd, arg);
	case TCSETS: case TCSETSW: case TCSETSF: return termios_set(f, cmd - TCSETS, TCSETS, arg);
	case TCSETA: case TCSETAW: case TCSETAF: return termios_set(f, cmd - TCSETA, TCSETA, arg);
	case TCSETS2: case TCSETSW2: case TCSETSF2:
		return termios_set(f, cmd - TCSETS2, TCSETS2, arg);
	case TCSBRK: case TCSBRKP: case TIOCSBRK: case TIOCCBRK: return foreground(f);
	case TCXONC: return flow(f, TTY_SET_FLOW, arg);
	case TCFLSH: return flow(f, TTY_SET_DISCARD, arg);
	case TIOCGWINSZ: return size_get(f, arg);
	case TIOCSWINSZ: return size_set(f, arg);
	case TIOCGPGRP: return knows(f) ? word_out(arg, row->pgrp) : -ENOTTY;
	case TIOCSPGRP: return pgrp_set(f, arg);
	case TIOCGSID: return session_get(f, arg);
	case TIOCSCTTY: return ctty(f, arg == 1 ? TTY_CTTY_STEAL : TTY_CTTY_TAKE);
	case TIOCNOTTY: return ctty(f, TTY_CTTY_GIVE_UP);
	case TIOCOUTQ: return word_out(arg, 0);
	case TIOCSTI: return type(f, arg);
	case TIOCEXCL: return set(f, TTY_SET_EXCLUSIVE, 1, 0);
	case TIOCNXCL: return set(f, TTY_SET_EXCLUSIVE, 0, 0);
	case TIOCGEXCL: return word_out(arg, row->exclusive);
	case TIOCGETD: return word_out(arg, 0);
	case TIOCSETD: return discipline(f, arg);
	case TIOCGDEV:
		return word_out(arg, f->line ? LINUX_DEV(136, f->line - 1) : LINUX_DEV(5, 1));
	default: return -ENOTTY;
	}
}

long
tty_ioctl(struct file *f, u32 cmd, u64 arg)
{
	const volatile struct sh_tty *row = tty_row(f);
	long result;

	if (cmd == FIONREAD && !f->tty)
		return word_out(arg, row->avail);
	if (!f->tty)
		return -ENOTTY;
	if (tty_is_master(f)) {
		result = master_ioctl(f, cmd, arg);
		return result == -ENOTTY ? common_ioctl(f, cmd, arg) : result;
	}
	if (row->hung)
		return cmd == TIOCSPGRP ? -ENOTTY : -EIO;
	return cmd == FIONREAD ? word_out(arg, row->pending) : common_ioctl(f, cmd, arg);
}
