/* SPDX-License-Identifier: ISC */
/*
 * ioctl on the terminal.  What is shown in the shared region is read there;
 * changes are requests of the server, who knows whose terminal it is.
 */
#include "files.h"
#include "../proc/signal.h"

static const volatile struct sh_tty *
tty(void)
{
	return &SHARED->tty;
}

/* A background process that changes the terminal is stopped, unless it says that it may. */
static int
background_change(void)
{
	if (!PROC->tty || tty()->pgrp == PROC->pgid || signals.blocked & SIG_BIT(SIGTTOU)
		|| signal_ignored(SIGTTOU))
		return 0;
	server_call(OP_KILL, (u64)-(long)PROC->pgid, SIGTTOU, 0, 0, 0, NULL);
	return -EINTR;
}

static long
termios_get(u64 user)
{
	return copy_out(user, (const void *)SHARED->tty.termios, sizeof(struct ktermios));
}

static long
termios_set(u32 cmd, u64 user)
{
	static const enum tty_set how[] = { TTY_SET_NOW, TTY_SET_DRAIN, TTY_SET_FLUSH };
	struct ktermios t;
	long error = copy_in(&t, user, sizeof(t));

	if (!error)
		error = background_change();
	if (error)
		return error;
	memcpy(COMM, &t, sizeof(t));
	return server_call(OP_TTY_SET, how[cmd - TCSETS], 0, 0, 0, 0, NULL);
}

static long
size_get(u64 user)
{
	struct linux_winsize size = { .rows = tty()->rows, .cols = tty()->cols };

	return copy_out(user, &size, sizeof(size));
}

static long
size_set(u64 user)
{
	struct linux_winsize size;

	if (copy_in(&size, user, sizeof(size)))
		return -EFAULT;
	return server_call(OP_TTY_SET, TTY_SET_SIZE, size.rows, size.cols, 0, 0, NULL);
}

static long
pgrp_set(u64 user)
{
	u32 pgrp;
	long error = copy_in(&pgrp, user, sizeof(pgrp));

	if (!error)
		error = background_change();
	return error ? error : server_call(OP_TTY_PGRP, pgrp, 0, 0, 0, 0, NULL);
}

static long
word_out(u64 user, u32 value)
{
	return copy_out(user, &value, sizeof(value));
}

static long
own_terminal(u64 user, u32 value)
{
	return PROC->tty ? word_out(user, value) : -ENOTTY;
}

long
console_ioctl(struct file *f, u32 cmd, u64 arg)
{
	if (cmd == FIONREAD)
		return word_out(arg, (u32)tty()->avail);
	if (!f->tty)
		return -ENOTTY;
	switch (cmd) {
	case TCGETS: return termios_get(arg);
	case TCSETS: case TCSETSW: case TCSETSF: return termios_set(cmd, arg);
	case TCSBRK: return 0;		/* output is out when a write returns; breaks mean nothing here */
	case TCXONC: return arg > 3 ? -EINVAL : -EOPNOTSUPP;
	case TCFLSH:
		return arg == 1 ? 0 : server_call(OP_TTY_SET, TTY_SET_DISCARD, 0, 0, 0, 0, NULL);
	case TIOCGWINSZ: return size_get(arg);
	case TIOCSWINSZ: return size_set(arg);
	case TIOCGPGRP: return own_terminal(arg, tty()->pgrp);
	case TIOCSPGRP: return pgrp_set(arg);
	case TIOCGSID: return own_terminal(arg, tty()->session);
	case TIOCSCTTY: return PROC->tty ? 0 : server_call(OP_TTY_CTTY, 0, 0, 0, 0, 0, NULL);
	case TIOCNOTTY: return PROC->tty ? server_call(OP_TTY_CTTY, 1, 0, 0, 0, 0, NULL) : -ENOTTY;
	case TIOCOUTQ: return word_out(arg, 0);
	default: return -ENOTTY;
	}
}
