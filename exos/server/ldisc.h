/* SPDX-License-Identifier: ISC */
/*
 * Line discipline: what becomes of the bytes that a keyboard sends (ldisc.c,
 * ldedit.c) and of those that programs write (ldout.c), as Linux's terminals do
 * it.  Pure.
 *
 * Input is a ring of bytes with three positions that only grow (masked on use):
 * tail <= canon <= head.  Readers take from tail; in canonical mode what lies
 * before canon are complete lines, each ended by a marked byte, and what lies
 * behind it is still being edited.  Without a terminal it is a ring and no more.
 *
 * Output, programs' and echo, is a second ring, taken by a pty's master or the
 * console.  Echo waits in echo[] until all input that came together has been
 * looked at (a signal drops it), and longer if output is stopped or the ring is
 * full; then programs wait, too, so that nothing overtakes it.
 */
#ifndef EXOS_LDISC_H
#define EXOS_LDISC_H

#include <stdbool.h>
#include <stdint.h>
#include "../linux/abi.h"

/* Powers of two.  A line has one byte less: programs know Linux's 4095. */
#define LDISC_BYTES 4096u
#define LDISC_OUT 8192u
#define LDISC_ECHO 4096u		/* what does not fit is not shown */

struct ldisc {
	struct ktermios t;
	bool tty;
	bool literal;			/* the last byte was VLNEXT */
	bool erasing;			/* a `\` of ECHOPRT is open */
	bool stopped;			/* by VSTOP or the program: nothing goes out */
	bool by_program;		/* ... the program, whom VSTART does not overrule */
	uint8_t packet;			/* TIOCPKT_*: what happened, for the master; cleared by who tells it */
	uint32_t head, canon, tail;
	uint32_t column, canon_column;	/* of the cursor; where the line being edited began */
	uint32_t out_head, out_tail;
	uint32_t echoes;		/* of echo[], waiting */
	uint8_t data[LDISC_BYTES];
	uint8_t mark[LDISC_BYTES];	/* 1: ends a line; where data is 0 then, it is an end of file */
	uint8_t out[LDISC_OUT];
	uint16_t echo[LDISC_ECHO];	/* enum ldisc_echo | a byte */
};

void ldisc_init(struct ldisc *l, bool tty);

/* ---- input ---------------------------------------------------------------------------- */
bool ldisc_room(const struct ldisc *l);		/* may another byte be put in without loss? */
/* One byte of input.  The signal it stands for, or 0.  Behind the last one: ldisc_show. */
int ldisc_input(struct ldisc *l, uint8_t c);
/* Without a terminal: as many bytes as there is room for. */
uint32_t ldisc_stream(struct ldisc *l, const uint8_t *from, uint32_t bytes);
uint32_t ldisc_available(const struct ldisc *l);	/* nonzero: a read does not block */
uint32_t ldisc_pending(const struct ldisc *l);	/* as FIONREAD counts: ends of file are no bytes */
/* Up to max bytes; canonical: of one line; 0 there: end of file was typed. */
uint32_t ldisc_read(struct ldisc *l, uint8_t *to, uint32_t max);
void ldisc_set(struct ldisc *l, const struct ktermios *t);
void ldisc_discard(struct ldisc *l);
void ldisc_flush(struct ldisc *l);		/* what a signal does: input and output are forgotten */

/* ---- output ----------------------------------------------------------------------------- */
uint32_t ldisc_write(struct ldisc *l, const uint8_t *from, uint32_t bytes);	/* how many it took */
bool ldisc_out_room(const struct ldisc *l);	/* does it take one more, whatever it is? */
uint32_t ldisc_out_bytes(const struct ldisc *l);
uint32_t ldisc_take(struct ldisc *l, uint8_t *to, uint32_t max);	/* out of the output ring */
void ldisc_out_discard(struct ldisc *l);
void ldisc_show(struct ldisc *l);	/* echo what is to be echoed, if it can go out */
void ldisc_send(struct ldisc *l, uint8_t c);	/* as it is */
void ldisc_stop(struct ldisc *l);
void ldisc_start(struct ldisc *l);

/* ---- between the files --------------------------------------------------------------- */
#define LDISC_MASK (LDISC_BYTES - 1)
#define LDISC_KEY(l, which, c) ((c) && (c) == (l)->t.cc[which])
enum ldisc_echo {
	LDISC_RAW = 0 << 8,		/* as if a program wrote it */
	LDISC_SEEN = 1 << 8,		/* in full view: as ^X */
	LDISC_BACK = 2 << 8,		/* raw, and a column back: the rest of a character */
	LDISC_CANON = 3 << 8,		/* here begins the line being edited */
	LDISC_TAB = 4 << 8,		/* back over a tab behind so many columns of what was typed */
	LDISC_TAB_LINE = 5 << 8,	/* ... since the line's beginning */
};
void ldisc_echo(struct ldisc *l, enum ldisc_echo how, uint32_t what);
void ldisc_echo_seen(struct ldisc *l, uint8_t c);	/* control characters as ^X */
void ldisc_erasing_ends(struct ldisc *l);
bool ldisc_edit(struct ldisc *l, uint8_t c);	/* true: an editing key, done with */
bool ldisc_is_control(uint8_t c);
static inline bool
ldisc_extended(const struct ldisc *l)
{
	return l->t.lflag & IEXTEN;
}
static inline bool
ldisc_echoes(const struct ldisc *l)
{
	return l->t.lflag & ECHO;
}
bool ldisc_continues(const struct ldisc *l, uint8_t c);	/* the rest of a UTF-8 character */

#endif
