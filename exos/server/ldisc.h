/* SPDX-License-Identifier: ISC */
/*
 * Line discipline: what becomes of the bytes that a keyboard sends.  Pure.
 *
 * A ring of bytes with three positions that only grow (masked on use):
 * tail <= canon <= head.  Readers take from tail; in canonical mode what lies
 * before canon are complete lines, each ended by a marked byte, and what lies
 * behind it is still being edited.  Without a terminal it is a ring and no more.
 */
#ifndef EXOS_LDISC_H
#define EXOS_LDISC_H

#include <stdbool.h>
#include <stdint.h>
#include "../linux/abi.h"

#define LDISC_BYTES 8192u		/* a power of two */
#define LDISC_ECHO 4096u

struct ldisc {
	struct ktermios t;
	bool tty, literal;		/* literal: the byte after VLNEXT */
	uint32_t head, canon, tail;
	uint32_t echoes;		/* bytes waiting in echo[] */
	uint8_t data[LDISC_BYTES];
	uint8_t mark[LDISC_BYTES];	/* enum, of the same position */
	uint8_t echo[LDISC_ECHO];	/* to be shown; what does not fit is not shown */
};

void ldisc_init(struct ldisc *l, bool tty);
bool ldisc_room(const struct ldisc *l);		/* may another byte be put in without loss? */
/* One byte of input.  The signal it stands for, or 0. */
int ldisc_input(struct ldisc *l, uint8_t c);
uint32_t ldisc_available(const struct ldisc *l);	/* nonzero: a read does not block */
/* Up to max bytes; canonical: of one line; 0 there: end of file was typed. */
uint32_t ldisc_read(struct ldisc *l, uint8_t *to, uint32_t max);
void ldisc_set(struct ldisc *l, const struct ktermios *t);
void ldisc_discard(struct ldisc *l);

#endif
