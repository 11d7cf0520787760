/* SPDX-License-Identifier: ISC */
/* The line discipline: keys that edit the line, and what is seen of it. */
#include "ldisc.h"

/* In full view: control characters as ^X. */
void
ldisc_echo_seen(struct ldisc *l, uint8_t c)
{
	bool control = l->t.lflag & ECHOCTL && ldisc_is_control(c) && c != '\t';

	ldisc_echo(l, control ? LDISC_SEEN : LDISC_RAW, c);
}

void
ldisc_erasing_ends(struct ldisc *l)
{
	if (l->erasing)
		ldisc_echo(l, LDISC_RAW, '/');
	l->erasing = false;
}

static void
rub_out(struct ldisc *l)
{
	ldisc_echo(l, LDISC_RAW, '\b');
	ldisc_echo(l, LDISC_RAW, ' ');
	ldisc_echo(l, LDISC_RAW, '\b');
}

/* Back over a tab: from the columns since the one before, or since the line's beginning. */
static void
rub_out_tab(struct ldisc *l)
{
	uint32_t columns = 0, at = l->head;

	while (at != l->canon && l->data[(at - 1) & LDISC_MASK] != '\t') {
		uint8_t c = l->data[--at & LDISC_MASK];

		if (ldisc_is_control(c))
			columns += l->t.lflag & ECHOCTL ? 2 : 0;
		else if (!ldisc_continues(l, c))
			columns++;
	}
	ldisc_echo(l, at == l->canon ? LDISC_TAB_LINE : LDISC_TAB, columns & 7);
}

/* What was erased, from the new head on, `bytes` long, disappears. */
static void
echo_erased(struct ldisc *l, uint32_t bytes, bool one)
{
	uint8_t c = l->data[l->head & LDISC_MASK];

	if (l->t.lflag & ECHOPRT) {
		if (!l->erasing)
			ldisc_echo(l, LDISC_RAW, '\\');
		l->erasing = true;
		ldisc_echo_seen(l, c);
		for (uint32_t i = 1; i < bytes; i++)
			ldisc_echo(l, LDISC_BACK, l->data[(l->head + i) & LDISC_MASK]);
	} else if (one && !(l->t.lflag & ECHOE)) {
		ldisc_echo_seen(l, l->t.cc[VERASE]);
	} else if (c == '\t') {
		rub_out_tab(l);
	} else {
		if (ldisc_is_control(c) && l->t.lflag & ECHOCTL)
			rub_out(l);
		if (!ldisc_is_control(c) || l->t.lflag & ECHOCTL)
			rub_out(l);
	}
}

static bool
is_word(uint8_t c)
{
	/* Letters of Latin-1 count, as in Linux's tables. */
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
		c == '_' || (c >= 192 && c != 215 && c != 247);
}

enum span { CHARACTER, WORD, LINE };

static void
erase(struct ldisc *l, enum span span)
{
	bool word = false;

	if (l->head == l->canon)
		return;
	while (l->head != l->canon) {
		uint32_t at = l->head, bytes;
		uint8_t c;

		do
			c = l->data[--at & LDISC_MASK];
		while (ldisc_continues(l, c) && at != l->canon);
		if (ldisc_continues(l, c))
			break;		/* half a character: it stays */
		if (span == WORD && word && !is_word(c))
			break;
		word |= is_word(c);
		bytes = l->head - at;
		l->head = at;
		if (ldisc_echoes(l))
			echo_erased(l, bytes, span == CHARACTER);
		if (span == CHARACTER)
			break;
	}
	if (l->head == l->canon && ldisc_echoes(l))
		ldisc_erasing_ends(l);
}

static void
kill_line(struct ldisc *l)
{
	const uint32_t all = ECHO | ECHOK | ECHOKE | ECHOE;

	if ((l->t.lflag & all) == all) {
		erase(l, LINE);
		return;
	}
	if (l->head == l->canon)
		return;
	l->head = l->canon;
	if (!ldisc_echoes(l))
		return;
	ldisc_erasing_ends(l);
	ldisc_echo_seen(l, l->t.cc[VKILL]);
	if (l->t.lflag & ECHOK)
		ldisc_echo(l, LDISC_RAW, '\n');
}

static void
reprint(struct ldisc *l, uint8_t c)
{
	ldisc_erasing_ends(l);
	ldisc_echo_seen(l, c);
	ldisc_echo(l, LDISC_RAW, '\n');
	for (uint32_t at = l->canon; at != l->head && l->echoes < LDISC_ECHO; at++)
		ldisc_echo_seen(l, l->data[at & LDISC_MASK]);
}

static void
take_literally(struct ldisc *l)
{
	l->literal = true;
	if (!ldisc_echoes(l))
		return;
	ldisc_erasing_ends(l);
	if (l->t.lflag & ECHOCTL) {
		ldisc_echo(l, LDISC_RAW, '^');
		ldisc_echo(l, LDISC_RAW, '\b');
	}
}

bool
ldisc_edit(struct ldisc *l, uint8_t c)
{
	if (LDISC_KEY(l, VERASE, c))
		erase(l, CHARACTER);
	else if (LDISC_KEY(l, VKILL, c))
		kill_line(l);
	else if (ldisc_extended(l) && LDISC_KEY(l, VWERASE, c))
		erase(l, WORD);
	else if (ldisc_extended(l) && LDISC_KEY(l, VLNEXT, c))
		take_literally(l);
	else if (ldisc_extended(l) && ldisc_echoes(l) && LDISC_KEY(l, VREPRINT, c))
		reprint(l, c);
	else
		return false;
	return true;
}
