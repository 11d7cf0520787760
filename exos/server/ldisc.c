/* SPDX-License-Identifier: ISC */
/* The line discipline: editing, echo, signals from keys.  No flow control by ^S and ^Q. */
#include "ldisc.h"

#define MASK (LDISC_BYTES - 1)
#define KEY(l, which) ((l)->t.cc[which])
#define IS_KEY(l, which, c) (KEY(l, which) && (c) == KEY(l, which))

enum { PLAIN, LINE_END, FILE_END };

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
	l->t.iflag = ICRNL | IUTF8;
	l->t.oflag = OPOST | ONLCR;
	l->t.cflag = B38400 | CS8 | CREAD | HUPCL;
	l->t.lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
	__builtin_memcpy(l->t.cc, keys, sizeof(keys));
}

static bool
canonical(const struct ldisc *l)
{
	return l->tty && l->t.lflag & ICANON;
}

bool
ldisc_room(const struct ldisc *l)
{
	return canonical(l) || l->head - l->tail < LDISC_BYTES;
}

/* ---- echo ------------------------------------------------------------------------------- */

static void
show(struct ldisc *l, uint8_t c)
{
	if (l->echoes < LDISC_ECHO)
		l->echo[l->echoes++] = c;
}

static bool
is_control(uint8_t c)
{
	return (c < 32 && c != '\t' && c != '\n') || c == 127;
}

static void
echo(struct ldisc *l, uint8_t c)
{
	if (c == '\n') {
		if (!(l->t.lflag & (ECHO | ECHONL)))
			return;
		if ((l->t.oflag & (OPOST | ONLCR)) == (OPOST | ONLCR))
			show(l, '\r');
		show(l, '\n');
		return;
	}
	if (!(l->t.lflag & ECHO))
		return;
	if (is_control(c) && l->t.lflag & ECHOCTL) {
		show(l, '^');
		show(l, c ^ 64);
	} else {
		show(l, c);
	}
}

static void
rub_out(struct ldisc *l, uint8_t c)
{
	if ((l->t.lflag & (ECHO | ECHOE)) != (ECHO | ECHOE))
		return;
	for (int columns = is_control(c) && l->t.lflag & ECHOCTL ? 2 : 1; columns > 0; columns--) {
		show(l, '\b');
		show(l, ' ');
		show(l, '\b');
	}
}

/* ---- editing ------------------------------------------------------------------------------ */

static uint8_t
last(const struct ldisc *l)
{
	return l->data[(l->head - 1) & MASK];
}

static bool
is_continuation(const struct ldisc *l, uint8_t c)
{
	return l->t.iflag & IUTF8 && (c & 0xc0) == 0x80;
}

/* The last character of the line being edited. */
static void
erase(struct ldisc *l)
{
	while (l->head - l->canon > 1 && is_continuation(l, last(l)))
		l->head--;
	if (l->head == l->canon)
		return;
	rub_out(l, last(l));
	l->head--;
}

static void
erase_word(struct ldisc *l)
{
	while (l->head != l->canon && (last(l) == ' ' || last(l) == '\t'))
		erase(l);
	while (l->head != l->canon && last(l) != ' ' && last(l) != '\t')
		erase(l);
}

static void
put(struct ldisc *l, uint8_t c, uint8_t mark)
{
	/* A line that is too long keeps its beginning; its end always finds a place. */
	if (l->head - l->tail >= LDISC_BYTES - (canonical(l) && mark == PLAIN ? 1 : 0)) {
		if (mark == PLAIN)
			return;
		l->head--;
		if (l->head - l->canon > LDISC_BYTES)	/* nothing but complete lines: lost */
			l->head = l->canon;
		if (l->head == l->canon && l->head - l->tail >= LDISC_BYTES)
			return;
	}
	l->data[l->head & MASK] = c;
	l->mark[l->head & MASK] = mark;
	l->head++;
	if (mark != PLAIN || !canonical(l))
		l->canon = l->head;
}

void
ldisc_discard(struct ldisc *l)
{
	l->tail = l->canon = l->head;
}

/* ---- input ---------------------------------------------------------------------------------- */

static int
signal_of(struct ldisc *l, uint8_t c)
{
	int sig = IS_KEY(l, VINTR, c) ? SIGINT : IS_KEY(l, VQUIT, c) ? SIGQUIT
		: IS_KEY(l, VSUSP, c) ? SIGTSTP : 0;

	if (sig == 0 || !(l->t.lflag & ISIG))
		return 0;
	echo(l, c);
	if (!(l->t.lflag & NOFLSH))
		ldisc_discard(l);
	return sig;
}

/* True: an editing key, done with. */
static bool
edit(struct ldisc *l, uint8_t c)
{
	if (IS_KEY(l, VERASE, c) || (KEY(l, VERASE) == 127 && c == '\b')) {
		erase(l);
	} else if (IS_KEY(l, VKILL, c)) {
		while (l->head != l->canon)
			erase(l);
	} else if (l->t.lflag & IEXTEN && IS_KEY(l, VWERASE, c)) {
		erase_word(l);
	} else if (l->t.lflag & IEXTEN && IS_KEY(l, VLNEXT, c)) {
		l->literal = true;
	} else if (IS_KEY(l, VEOF, c)) {
		put(l, c, FILE_END);
	} else {
		return false;
	}
	return true;
}

static bool
ends_line(const struct ldisc *l, uint8_t c)
{
	return c == '\n' || IS_KEY(l, VEOL, c) || (l->t.lflag & IEXTEN && IS_KEY(l, VEOL2, c));
}

int
ldisc_input(struct ldisc *l, uint8_t c)
{
	int sig;

	if (!l->tty) {
		put(l, c, PLAIN);
		return 0;
	}
	if (l->literal) {
		l->literal = false;
		echo(l, c);
		put(l, c, PLAIN);
		return 0;
	}
	if (c == '\r' && l->t.iflag & IGNCR)
		return 0;
	if (c == '\r' && l->t.iflag & ICRNL)
		c = '\n';
	else if (c == '\n' && l->t.iflag & INLCR)
		c = '\r';
	sig = signal_of(l, c);
	if (sig || (canonical(l) && edit(l, c)))
		return sig;
	echo(l, c);
	put(l, c, canonical(l) && ends_line(l, c) ? LINE_END : PLAIN);
	return 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

uint32_t
ldisc_available(const struct ldisc *l)
{
	return (canonical(l) ? l->canon : l->head) - l->tail;
}

uint32_t
ldisc_read(struct ldisc *l, uint8_t *to, uint32_t max)
{
	uint32_t available = ldisc_available(l), done = 0;

	while (done < max && available-- > 0) {
		uint8_t mark = l->mark[l->tail & MASK], c = l->data[l->tail & MASK];

		if (canonical(l) && mark == FILE_END && done)
			break;
		l->tail++;
		if (canonical(l) && mark == FILE_END)
			return 0;
		to[done++] = c;
		if (canonical(l) && mark == LINE_END)
			return done;
	}
	/* ^D behind text only pushes the text: the mark goes with it. */
	if (canonical(l) && l->tail != l->canon && l->mark[l->tail & MASK] == FILE_END && done)
		l->tail++;
	if (l->canon - l->tail > LDISC_BYTES)
		l->canon = l->tail;
	return done;
}

void
ldisc_set(struct ldisc *l, const struct ktermios *t)
{
	bool was = canonical(l);

	l->t = *t;
	if (was != canonical(l))
		l->canon = l->head;	/* what was being edited can be read now */
}
