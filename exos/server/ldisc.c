/* SPDX-License-Identifier: ISC */
/* The line discipline's input side: editing, echo, signals from keys, flow control. */
#include "ldisc.h"

void
ldisc_init(struct ldisc *l, bool tty)
{
	static const uint8_t keys[LINUX_NCCS] = {
		[VINTR] = 3, [VQUIT] = 28, [VERASE] = 127, [VKILL] = 21, [VEOF] = 4, [VMIN] = 1,
		[VSUSP] = 26, [VSTART] = 17, [VSTOP] = 19, [VREPRINT] = 18, [VDISCARD] = 15,
		[VWERASE] = 23, [VLNEXT] = 22,
	};

	__builtin_memset(l, 0, sizeof(*l));
	l->tty = tty;
	l->t.iflag = ICRNL | IXON;
	l->t.oflag = OPOST | ONLCR;
	l->t.cflag = B38400 | CS8 | CREAD;
	l->t.lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
	__builtin_memcpy(l->t.cc, keys, sizeof(keys));
}

static bool
canonical(const struct ldisc *l)
{
	return l->tty && l->t.lflag & ICANON;
}

/* Nothing but an unfinished line: it may be edited on, and its end must find a place. */
static bool
overflows(const struct ldisc *l)
{
	return canonical(l) && l->canon == l->tail;
}

bool
ldisc_room(const struct ldisc *l)
{
	uint32_t room = LDISC_BYTES - (l->head - l->tail);

	if (!l->tty)
		return room;
	if (l->t.iflag & PARMRK)
		room = (room + 2) / 3;
	return room > 1 || overflows(l);
}

/* ---- what is kept --------------------------------------------------------------------------- */

static void
put(struct ldisc *l, uint8_t c)
{
	if (l->head - l->tail == LDISC_BYTES) {
		if (l->tty && !overflows(l))
			return;		/* 255 doubled where there was room for one */
		l->head--;		/* a line that is too long keeps its beginning */
	}
	l->data[l->head & LDISC_MASK] = c;
	l->mark[l->head & LDISC_MASK] = 0;
	l->head++;
}

static void
line_end(struct ldisc *l, uint8_t c)
{
	put(l, c);
	l->mark[(l->head - 1) & LDISC_MASK] = 1;
	l->canon = l->head;
}

/* The echo of a character that is kept. */
static void
echo_typed(struct ldisc *l, uint8_t c)
{
	if (l->canon == l->head)
		ldisc_echo(l, LDISC_CANON, 0);
	ldisc_echo_seen(l, c);
}

void
ldisc_discard(struct ldisc *l)
{
	l->tail = l->canon = l->head;
	l->erasing = false;
	l->packet |= TIOCPKT_FLUSHREAD;
}

void
ldisc_flush(struct ldisc *l)
{
	l->echoes = 0;
	ldisc_out_discard(l);
	ldisc_discard(l);
}

/* ---- input ---------------------------------------------------------------------------------- */

static int
signal_of(const struct ldisc *l, uint8_t c)
{
	if (!(l->t.lflag & ISIG))
		return 0;
	return LDISC_KEY(l, VINTR, c) ? SIGINT : LDISC_KEY(l, VQUIT, c) ? SIGQUIT
		: LDISC_KEY(l, VSUSP, c) ? SIGTSTP : 0;
}

static void
signal_key(struct ldisc *l, uint8_t c)
{
	if (!(l->t.lflag & NOFLSH))
		ldisc_flush(l);
	if (l->t.iflag & IXON)
		ldisc_start(l);
	if (ldisc_echoes(l))
		ldisc_echo_seen(l, c);
	else
		ldisc_show(l);
}

/* True: it starts or stops output and is no input. */
static bool
flow_key(struct ldisc *l, uint8_t c)
{
	if (!(l->t.iflag & IXON))
		return false;
	if (LDISC_KEY(l, VSTART, c)) {
		ldisc_start(l);
		ldisc_show(l);
	} else if (LDISC_KEY(l, VSTOP, c)) {
		ldisc_stop(l);
	} else {
		return false;
	}
	return true;
}

/* was: before CR became NL, or so; only then a NL is echoed as one here, else as ^J. */
static void
plain(struct ldisc *l, uint8_t c, uint8_t was)
{
	if (ldisc_echoes(l)) {
		ldisc_erasing_ends(l);
		if (c == '\n' && was != c)
			ldisc_echo(l, LDISC_RAW, c);
		else
			echo_typed(l, c);
	}
	if (c == 255 && l->t.iflag & PARMRK)
		put(l, c);
	put(l, c);
}

/* True: it ended a line. */
static bool
ends_line(struct ldisc *l, uint8_t c)
{
	if (c == '\n') {
		if (l->t.lflag & (ECHO | ECHONL))
			ldisc_echo(l, LDISC_RAW, c);
		line_end(l, c);
	} else if (LDISC_KEY(l, VEOF, c)) {
		line_end(l, 0);
	} else if (LDISC_KEY(l, VEOL, c) || (ldisc_extended(l) && LDISC_KEY(l, VEOL2, c))) {
		if (ldisc_echoes(l))
			echo_typed(l, c);
		if (c == 255 && l->t.iflag & PARMRK)
			put(l, c);
		line_end(l, c);
	} else {
		return false;
	}
	return true;
}

static int
cooked(struct ldisc *l, uint8_t c)
{
	const uint8_t was = c;
	int sig;

	if (flow_key(l, c))
		return 0;
	sig = signal_of(l, c);
	if (sig) {
		signal_key(l, c);
		return sig;
	}
	if (l->stopped && (l->t.iflag & (IXON | IXANY)) == (IXON | IXANY)) {
		ldisc_start(l);
		ldisc_show(l);
	}
	if (c == '\r' && l->t.iflag & IGNCR)
		return 0;
	if (c == '\r' && l->t.iflag & ICRNL)
		c = '\n';
	else if (c == '\n' && l->t.iflag & INLCR)
		c = '\r';
	if (!canonical(l) || (!ldisc_edit(l, c) && !ends_line(l, c)))
		plain(l, c, was);
	return 0;
}

static bool
is_upper(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 192 && c <= 222 && c != 215);
}

uint32_t
ldisc_stream(struct ldisc *l, const uint8_t *from, uint32_t bytes)
{
	uint32_t done = 0;

	while (done < bytes && ldisc_room(l)) {
		uint32_t room = LDISC_BYTES - (l->head - l->tail),
			 part = LDISC_BYTES - (l->head & LDISC_MASK);

		part = part < room ? part : room;
		part = part < bytes - done ? part : bytes - done;
		__builtin_memcpy(l->data + (l->head & LDISC_MASK), from + done, part);
		l->head += part;
		done += part;
	}
	return done;
}

int
ldisc_input(struct ldisc *l, uint8_t c)
{
	if (!l->tty) {
		put(l, c);
		return 0;
	}
	if (l->t.iflag & ISTRIP)
		c &= 0x7f;
	if (l->t.iflag & IUCLC && ldisc_extended(l) && is_upper(c))
		c = (uint8_t)(c + 32);
	if (!l->literal)
		return cooked(l, c);
	plain(l, c, c);
	l->literal = false;
	return 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

uint32_t
ldisc_available(const struct ldisc *l)
{
	return (canonical(l) ? l->canon : l->head) - l->tail;
}

static bool
is_file_end(const struct ldisc *l, uint32_t at)
{
	return l->mark[at & LDISC_MASK] && l->data[at & LDISC_MASK] == 0;
}

uint32_t
ldisc_pending(const struct ldisc *l)
{
	uint32_t count = ldisc_available(l);

	if (canonical(l))
		for (uint32_t at = l->tail; at != l->canon; at++)
			count -= is_file_end(l, at);
	return count;
}

static uint32_t
read_line(struct ldisc *l, uint8_t *to, uint32_t max)
{
	uint32_t done = 0;

	while (done < max && l->tail != l->canon) {
		uint32_t at = l->tail++;

		if (is_file_end(l, at))
			return done;
		to[done++] = l->data[at & LDISC_MASK];
		if (l->mark[at & LDISC_MASK])
			return done;
	}
	/* ^D behind text only pushes the text: it goes with it. */
	if (done && l->tail != l->canon && is_file_end(l, l->tail))
		l->tail++;
	return done;
}

uint32_t
ldisc_read(struct ldisc *l, uint8_t *to, uint32_t max)
{
	uint32_t done = 0;

	if (canonical(l))
		return read_line(l, to, max);
	while (done < max && l->tail != l->head) {
		uint32_t there = l->head - l->tail, part = LDISC_BYTES - (l->tail & LDISC_MASK);

		part = part < there ? part : there;
		part = part < max - done ? part : max - done;
		__builtin_memcpy(to + done, l->data + (l->tail & LDISC_MASK), part);
		l->tail += part;
		done += part;
	}
	if ((int32_t)(l->canon - l->tail) < 0)
		l->canon = l->tail;
	return done;
}

void
ldisc_set(struct ldisc *l, const struct ktermios *t)
{
	const struct ktermios was = l->t;

	l->t = *t;
	if ((was.lflag ^ t->lflag) & ICANON) {
		__builtin_memset(l->mark, 0, sizeof(l->mark));
		l->canon = l->tail;
		/* What had been typed when lines began can be read as one. */
		if (canonical(l) && l->head != l->tail) {
			l->mark[(l->head - 1) & LDISC_MASK] = 1;
			l->canon = l->head;
		}
		l->erasing = l->literal = false;
	}
	if (was.iflag & IXON && !(t->iflag & IXON)) {
		ldisc_start(l);
		ldisc_show(l);
	}
}
