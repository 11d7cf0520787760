/* SPDX-License-Identifier: ISC */
/*
 * Terminals: what their users ask for.  Bytes come and go by requests, because
 * the two sides of a terminal trust each other with nothing else; who has to
 * wait reads struct sh_tty in the shared region and waits on its news.
 */
#include "tty.h"
#include "fsnode.h"
#include <errno.h>

#define TTYS_OFF 0x00050000ull		/* in the shared region, behind the process table */
#define PAGES(bytes) (((bytes) + EXO_PAGE_BYTES - 1) / EXO_PAGE_BYTES)

enum { TCIFLUSH, TCOFLUSH, TCIOFLUSH };
enum { TCOOFF, TCOON, TCIOFF, TCION };

struct tty ttys[SH_TTYS];
static uint8_t text[EXO_PAGE_BYTES];	/* the comm page's, read once */

const char *
tty_table_boot(void)
{
	if (shared_back(TTYS_OFF, PAGES(SH_TTYS * sizeof(struct sh_tty))))
		return "no memory for the terminals";
	server_shared_info()->ttys_off = TTYS_OFF;
	return NULL;
}

exo_guardref
tty_guard(void)
{
	/* The root key opens it, and what it mints on it for others. */
	const struct exo_key entries[EXO_GUARD_KEYS] = { { 1, EXO_RIGHTS_ALL, "t" } };

	return guard_new(entries);
}

struct sh_tty *
tty_shown(const struct tty *t)
{
	return (struct sh_tty *)shared_at(TTYS_OFF) + (t - ttys);
}

uint32_t
tty_number(const struct tty *t)
{
	return (uint32_t)(t - ttys);
}

static void
show_termios(const struct tty *t)
{
	__builtin_memcpy(tty_shown(t)->termios, &t->l->t, sizeof(t->l->t));
}

void
tty_init(struct tty *t, bool is_tty)
{
	struct sh_tty *s = tty_shown(t);

	ldisc_init(t->l, is_tty);
	*s = (struct sh_tty){ .slave_news = s->slave_news + 1, .master_news = s->master_news + 1,
		.used = 1, .is_tty = is_tty };
	t->typed_head = t->typed_tail = 0;
	t->opened = false;
	show_termios(t);
	tty_show(t);
}

static bool
differs(uint32_t *shown, uint32_t now)
{
	bool other = *shown != now;

	*shown = now;
	return other;
}

void
tty_show(struct tty *t)
{
	struct sh_tty *s = tty_shown(t);
	struct ldisc *l = t->l;
	bool slave = false, master = false;

	ldisc_show(l);
	if (!s->packet)
		l->packet = 0;
	slave |= differs(&s->avail, ldisc_available(l));
	slave |= differs(&s->out_room, s->hung || ldisc_out_room(l));
	slave |= differs(&s->stopped, l->stopped);
	s->pending = ldisc_pending(l);
	master |= differs(&s->status, l->packet);
	master |= differs(&s->out, ldisc_out_bytes(l) + (l->packet ? 1 : 0));
	master |= differs(&s->in_room, TTY_BACKLOG - (t->typed_head - t->typed_tail));
	s->slave_news += slave;
	s->master_news += master;
	if (slave || master)
		server_changed();
}

void
tty_type(struct tty *t, uint8_t c)
{
	int sig = ldisc_input(t->l, c);

	if (sig)
		server_signal_group(tty_shown(t)->pgrp, sig);
}

void
tty_resize(struct tty *t, uint32_t rows_cols, uint32_t pixels)
{
	struct sh_tty *s = tty_shown(t);
	uint16_t rows = (uint16_t)rows_cols, cols = (uint16_t)(rows_cols >> 16);
	uint16_t x = (uint16_t)pixels, y = (uint16_t)(pixels >> 16);

	if (s->rows == rows && s->cols == cols && s->xpixel == x && s->ypixel == y)
		return;
	s->rows = rows;
	s->cols = cols;
	s->xpixel = x;
	s->ypixel = y;
	server_signal_group(s->pgrp, SIGWINCH);
}

/* ---- reading and writing ----------------------------------------------------------------- */

/* What is waiting to be typed finds room now. */
static void
input_moved(struct tty *t)
{
	if (t == CONSOLE)
		console_poll();
	else
		pty_digest(t);
	tty_show(t);
}

static long
read_request(struct request *r, struct tty *t)
{
	uint32_t max = r->c < sizeof(text) ? (uint32_t)r->c : (uint32_t)sizeof(text), done = 0, n;

	if (t == CONSOLE)
		console_poll();
	if (ldisc_available(t->l) == 0)
		return tty_shown(t)->hung || tty_shown(t)->eof ? 0 : -EAGAIN;
	do {
		n = ldisc_read(t->l, text + done, max - done);
		done += n;
	} while (!t->l->tty && n && done < max);
	__builtin_memcpy(r->comm, text, done);
	if (t == CONSOLE)
		console_read(done);
	input_moved(t);
	return (long)done;
}

static long
write_request(struct request *r, struct tty *t)
{
	uint32_t bytes = r->c < sizeof(text) ? (uint32_t)r->c : (uint32_t)sizeof(text), done;

	if (tty_shown(t)->hung)
		return -EIO;
	__builtin_memcpy(text, r->comm, bytes);
	done = ldisc_write(t->l, text, bytes);
	if (t == CONSOLE)
		console_poll();
	tty_show(t);
	return done || bytes == 0 ? (long)done : -EAGAIN;
}

/* ---- settings -------------------------------------------------------------------------------- */

static bool
flow_keys(const struct ktermios *t)
{
	return t->iflag & IXON && t->cc[VSTOP] == 19 && t->cc[VSTART] == 17;
}

void
tty_set(struct tty *t, struct ktermios *new)
{
	struct ldisc *l = t->l;
	bool flow = flow_keys(&l->t);

	if (t != CONSOLE)
		new->cflag = (new->cflag & ~(CSIZE | PARENB)) | CS8 | CREAD;
	ldisc_set(l, new);
	if (flow != flow_keys(new))
		l->packet = (uint8_t)((l->packet & ~(TIOCPKT_DOSTOP | TIOCPKT_NOSTOP))
			| (flow ? TIOCPKT_NOSTOP : TIOCPKT_DOSTOP));
	show_termios(t);
	/* More or less of what has come may be ready now, even if the count is the same. */
	tty_shown(t)->slave_news++;
	server_changed();
	input_moved(t);
}

static long
termios_request(struct request *r, struct tty *t)
{
	struct ktermios new;

	__builtin_memcpy(&new, r->comm, sizeof(new));
	if (r->c == TTY_SET_FLUSH)
		ldisc_discard(t->l);
	tty_set(t, &new);
	return 0;
}

static long
discard(struct tty *t, uint64_t what)
{
	if (what > TCIOFLUSH)
		return -EINVAL;
	if (what != TCOFLUSH) {
		t->typed_tail = t->typed_head;
		ldisc_discard(t->l);
	}
	if (what != TCIFLUSH)
		ldisc_out_discard(t->l);
	input_moved(t);
	return 0;
}

static long
flow(struct tty *t, uint64_t what)
{
	struct ldisc *l = t->l;

	switch (what) {
	case TCOOFF:
		if (!l->by_program)
			ldisc_stop(l);
		l->by_program = true;
		break;
	case TCOON:
		if (l->by_program) {
			l->by_program = false;
			ldisc_start(l);
		}
		break;
	case TCIOFF: case TCION:
		if (l->t.cc[what == TCION ? VSTART : VSTOP])
			ldisc_send(l, l->t.cc[what == TCION ? VSTART : VSTOP]);
		break;
	default: return -EINVAL;
	}
	tty_show(t);
	return 0;
}

static long
type_request(struct request *r, struct tty *t)
{
	if (r->proc->tty != tty_number(t) + 1 && !client_is_root(r))
		return -EPERM;
	tty_type(t, (uint8_t)r->d);
	tty_show(t);
	return 0;
}

/* What the master alone may say. */
static long
master_request(struct request *r, struct tty *t)
{
	struct sh_tty *s = tty_shown(t);

	if (t == CONSOLE || !client_opens(r->env, (exo_slot)r->b, t->guard, EXO_W))
		return -ENOTTY;
	switch (r->c) {
	case TTY_SET_LOCK: s->locked = r->d != 0; break;
	case TTY_SET_PACKET:
		if (!s->packet)
			t->l->packet = 0;
		s->packet = r->d != 0;
		break;
	default:
		if (r->d != SIGINT && r->d != SIGQUIT && r->d != SIGTSTP)
			return -EINVAL;
		server_signal_group(s->pgrp, (int)r->d);
		break;
	}
	tty_show(t);
	return 0;
}

static long
set_request(struct request *r, struct tty *t)
{
	switch (r->c) {
	case TTY_SET_NOW: case TTY_SET_DRAIN: case TTY_SET_FLUSH: return termios_request(r, t);
	case TTY_SET_SIZE: tty_resize(t, (uint32_t)r->d, (uint32_t)r->e); return 0;
	case TTY_SET_DISCARD: return discard(t, r->d);
	case TTY_SET_FLOW: return flow(t, r->d);
	case TTY_SET_TYPE: return type_request(r, t);
	case TTY_SET_EXCLUSIVE: tty_shown(t)->exclusive = r->d != 0; return 0;
	case TTY_SET_LOCK: case TTY_SET_PACKET: case TTY_SET_SIGNAL: return master_request(r, t);
	default: return -EINVAL;
	}
}

/* ---- requests ------------------------------------------------------------------------------------ */

static uint32_t
rights_for(uint32_t op)
{
	return op == OP_TTY_READ ? EXO_R : op == OP_TTY_WRITE ? EXO_P : EXO_W;
}

/* By number, and a key that opens it; settings are anybody's who has it open in whatever way. */
static struct tty *
tty_opened(const struct request *r, uint32_t op)
{
	struct tty *t = r->a < SH_TTYS && ttys[r->a].guard ? &ttys[r->a] : NULL;
	exo_slot slot = (exo_slot)r->b;

	if (!t)
		return NULL;
	if (op == OP_TTY_SET || op == OP_TTY_PGRP || op == OP_TTY_CTTY)
		return client_opens(r->env, slot, t->guard, EXO_R)
				|| client_opens(r->env, slot, t->guard, EXO_P) ? t : NULL;
	return client_opens(r->env, slot, t->guard, rights_for(op)) ? t : NULL;
}

long
tty_request(struct request *r, uint32_t op)
{
	struct tty *t;

	if (op == OP_TTY_OPEN)
		return tty_open(r);
	if (op == OP_PTY_NEW)
		return pty_new(r);
	if (op == OP_TTY_CLOSED) {
		pty_sweep();
		return 0;
	}
	if (op > OP_TTY_CLOSED)
		return -ENOSYS;
	t = tty_opened(r, op);
	if (!t)
		return -EBADF;
	switch (op) {
	case OP_TTY_READ: return read_request(r, t);
	case OP_PTY_READ: return pty_read(r, t);
	case OP_PTY_WRITE: return pty_write(r, t);
	default: break;
	}
	if (!t->l->tty)
		return -ENOTTY;
	switch (op) {
	case OP_TTY_WRITE: return write_request(r, t);
	case OP_TTY_SET: return set_request(r, t);
	case OP_TTY_PGRP: return tty_pgrp_request(r, t);
	default: return tty_ctty_request(r, t);
	}
}
