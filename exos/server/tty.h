/* SPDX-License-Identifier: ISC */
/*
 * Terminals inside the server: the console (console.c) and ptys (pty.c), whose
 * users and masters are served alike (tty.c).
 *
 * Each has a guard of its own.  Whoever has one open holds a key bound on it,
 * R to read and P to write, the master of a pty W besides: so the guard's
 * counts say who is still there, the master among its writers, and a process
 * that opened nothing reads nothing.
 */
#ifndef EXOS_SERVER_TTY_H
#define EXOS_SERVER_TTY_H

#include "srv.h"
#include "ldisc.h"

#define TTY_BACKLOG 8192u		/* a power of two */

struct tty {
	struct ldisc *l;		/* a pty's is made when it is first used, and kept */
	exo_guardref guard;		/* 0: free */
	uint32_t ino;			/* its name; 0: none */
	bool opened;			/* its users have been there */
	uint8_t *typed;			/* by the master, for which the line has no room yet */
	uint32_t typed_head, typed_tail;
};
extern struct tty ttys[SH_TTYS];
#define CONSOLE (&ttys[0])

/* ---- tty.c ------------------------------------------------------------------------------- */
exo_guardref tty_guard(void);		/* 0: none to be had */
struct sh_tty *tty_shown(const struct tty *t);
uint32_t tty_number(const struct tty *t);
void tty_init(struct tty *t, bool is_tty);
void tty_show(struct tty *t);		/* after any change: echo goes out, those who wait are told */
void tty_type(struct tty *t, uint8_t c);	/* a byte of input; then tty_show */
void tty_set(struct tty *t, struct ktermios *new);
void tty_resize(struct tty *t, uint32_t rows_cols, uint32_t pixels);
/* ---- console.c --------------------------------------------------------------------------- */
void console_read(uint32_t bytes);	/* so many were read by programs */

/* ---- pty.c ------------------------------------------------------------------------------- */
long pty_new(struct request *r);
long tty_open(struct request *r);
void pty_digest(struct tty *t);		/* what was typed goes on, as far as there is room */
long pty_write(struct request *r, struct tty *t);
long pty_read(struct request *r, struct tty *t);

/* ---- ttyjob.c: sessions --------------------------------------------------------------------- */
long tty_pgrp_request(struct request *r, struct tty *t);
long tty_ctty_request(struct request *r, struct tty *t);
void tty_take(struct tty *t, struct sh_proc *p);	/* p leads a session that has none */
void tty_forget(const struct tty *t);	/* it is free: nobody's session has it */
void tty_hang_up(struct tty *t);	/* the session that has it loses it, and is told */

#endif
