/* SPDX-License-Identifier: ISC */
/* The line discipline's output side: OPOST, columns, the ring that somebody takes it from. */
#include "ldisc.h"

#define OUT_MASK (LDISC_OUT - 1)
#define EXPANSION_MAX 8u		/* a tab */

bool
ldisc_is_control(uint8_t c)
{
	return c < 32 || c == 127;
}

bool
ldisc_continues(const struct ldisc *l, uint8_t c)
{
	return l->t.iflag & IUTF8 && (c & 0xc0) == 0x80;
}

uint32_t
ldisc_out_bytes(const struct ldisc *l)
{
	return l->out_head - l->out_tail;
}

/* ---- one character, expanded: 0 to EXPANSION_MAX bytes ----------------------------------- */

static uint32_t
tab(struct ldisc *l, uint8_t *to)
{
	uint32_t spaces = 8 - (l->column & 7);

	l->column += spaces;
	if ((l->t.oflag & TABDLY) != XTABS) {
		to[0] = '\t';
		return 1;
	}
	__builtin_memset(to, ' ', spaces);
	return spaces;
}

static uint32_t
newline(struct ldisc *l, uint8_t *to)
{
	if (l->t.oflag & (ONLRET | ONLCR))
		l->column = 0;
	l->canon_column = l->column;
	to[0] = l->t.oflag & ONLCR ? '\r' : '\n';
	to[1] = '\n';
	return l->t.oflag & ONLCR ? 2 : 1;
}

static uint32_t
carriage_return(struct ldisc *l, uint8_t *to)
{
	if (l->t.oflag & ONOCR && l->column == 0)
		return 0;
	to[0] = l->t.oflag & OCRNL ? '\n' : '\r';
	if (!(l->t.oflag & OCRNL) || l->t.oflag & ONLRET)
		l->canon_column = l->column = 0;
	return 1;
}

/* In Latin-1, as Linux's tables have it. */
static bool
is_lower(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 223 && c != 247);
}

static uint32_t
cook(struct ldisc *l, uint8_t c, uint8_t to[EXPANSION_MAX])
{
	to[0] = c;
	if (!(l->t.oflag & OPOST))
		return 1;
	switch (c) {
	case '\n': return newline(l, to);
	case '\r': return carriage_return(l, to);
	case '\t': return tab(l, to);
	case '\b':
		l->column -= l->column ? 1 : 0;
		return 1;
	default: break;
	}
	if (!ldisc_is_control(c) && !ldisc_continues(l, c))
		l->column++;
	if (l->t.oflag & OLCUC && is_lower(c))
		to[0] = (uint8_t)(c - 32);
	return 1;
}

static bool
fits(const struct ldisc *l, uint32_t bytes)
{
	return LDISC_OUT - ldisc_out_bytes(l) >= bytes;
}

void
ldisc_send(struct ldisc *l, uint8_t c)
{
	if (fits(l, 1))
		l->out[l->out_head++ & OUT_MASK] = c;
}

static void
send_cooked(struct ldisc *l, uint8_t c)
{
	uint8_t bytes[EXPANSION_MAX];
	uint32_t count = cook(l, c, bytes);

	for (uint32_t i = 0; i < count; i++)
		ldisc_send(l, bytes[i]);
}

/* ---- echo ----------------------------------------------------------------------------------- */

void
ldisc_echo(struct ldisc *l, enum ldisc_echo how, uint32_t what)
{
	if (l->echoes < LDISC_ECHO)
		l->echo[l->echoes++] = (uint16_t)(how | what);
}

static void
back_over_tab(struct ldisc *l, uint32_t columns)
{
	for (columns = 8 - (columns & 7); columns; columns--) {
		ldisc_send(l, '\b');
		l->column -= l->column ? 1 : 0;
	}
}

static void
show_one(struct ldisc *l, uint16_t echo)
{
	uint8_t c = (uint8_t)echo;

	switch ((enum ldisc_echo)(echo & ~0xff)) {
	case LDISC_RAW:
		if (c != 255) {
			send_cooked(l, c);
			break;
		}
		/* Linux marks its echoes with this byte: it goes past what output does. */
		ldisc_send(l, c);
		l->column++;
		break;
	case LDISC_SEEN:
		ldisc_send(l, '^');
		ldisc_send(l, c ^ 64);
		l->column += 2;
		break;
	case LDISC_BACK:
		send_cooked(l, c);
		l->column -= l->column ? 1 : 0;
		break;
	case LDISC_CANON: l->canon_column = l->column; break;
	case LDISC_TAB: back_over_tab(l, c); break;
	case LDISC_TAB_LINE: back_over_tab(l, c + l->canon_column); break;
	}
}

void
ldisc_show(struct ldisc *l)
{
	uint32_t n = 0;

	while (!l->stopped && n < l->echoes && fits(l, EXPANSION_MAX))
		show_one(l, l->echo[n++]);
	l->echoes -= n;
	__builtin_memmove(l->echo, l->echo + n, l->echoes * sizeof(l->echo[0]));
}

/* ---- programs' output -------------------------------------------------------------------------- */

bool
ldisc_out_room(const struct ldisc *l)
{
	return !l->stopped && l->echoes == 0 && fits(l, EXPANSION_MAX);
}

uint32_t
ldisc_write(struct ldisc *l, const uint8_t *from, uint32_t bytes)
{
	uint32_t done = 0;

	ldisc_show(l);
	for (; done < bytes && ldisc_out_room(l); done++)
		send_cooked(l, from[done]);
	return done;
}

uint32_t
ldisc_take(struct ldisc *l, uint8_t *to, uint32_t max)
{
	uint32_t n = 0;

	while (n < max && l->out_tail != l->out_head)
		to[n++] = l->out[l->out_tail++ & OUT_MASK];
	ldisc_show(l);
	return n;
}

void
ldisc_out_discard(struct ldisc *l)
{
	l->out_tail = l->out_head;
	l->packet |= TIOCPKT_FLUSHWRITE;
	ldisc_show(l);
}

/* ---- flow ----------------------------------------------------------------------------------------- */

void
ldisc_stop(struct ldisc *l)
{
	if (l->stopped)
		return;
	l->stopped = true;
	l->packet = (uint8_t)((l->packet & ~TIOCPKT_START) | TIOCPKT_STOP);
}

void
ldisc_start(struct ldisc *l)
{
	if (!l->stopped || l->by_program)
		return;
	l->stopped = false;
	l->packet = (uint8_t)((l->packet & ~TIOCPKT_STOP) | TIOCPKT_START);
}
