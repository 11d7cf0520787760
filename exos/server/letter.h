/* SPDX-License-Identifier: ISC */
/* Letters, for the files that make, send and take them: letter.c's story. */
#ifndef EXOS_SERVER_LETTER_H
#define EXOS_SERVER_LETTER_H

#include "sock.h"
#include "tty.h"

#define LETTERS_MAX 1024u
#define RIGHTS_MAX 1024u

enum letter_state { LETTER_FREE, LETTER_DRAFT, LETTER_QUEUED, LETTER_ATTACHED, LETTER_TAKEN };

struct letter {
	uint8_t state;			/* enum letter_state */
	bool kept;			/* on a desk only to be looked at: still queued, too */
	uint8_t to_side;		/* ATTACHED: whose it is */
	uint16_t holder;		/* DRAFT, TAKEN, kept: index of the process + 1 */
	uint32_t serial;
	uint32_t next;			/* QUEUED: number of the one behind, 0 none */
	uint32_t to;			/* QUEUED, ATTACHED: object */
	uint32_t connection;		/* QUEUED at a listener: object + 1, whose key of side 1 is kept */
	exo_slot connection_key;
	struct sock_cred cred;
	struct sock_name from;
	exo_pfn pfn;
	uint32_t bytes, frames;
	uint32_t rights, nrights;	/* number of the first, 0 none; in order */
};
extern struct letter letters[LETTERS_MAX + 1];		/* number 0 is none */

struct right {
	bool used;
	uint32_t next;
	struct passed what;
	int key[2];			/* slots of ours, -1: none */
	int ofd, owner;			/* the same: what is shared of it, and whose its locks are */
};
extern struct right rights[RIGHTS_MAX + 1];

/* ---- letter.c: the tables */
extern uint32_t letters_used;		/* that are not free */
uint64_t ticket_of(const struct letter *l);
struct letter *letter_by_ticket(uint64_t ticket);	/* NULL: gone */
struct letter *letter_make(const struct proc *p,
	uint32_t bytes); /* a draft; NULL: no room, or his share is used up */
void letter_free(struct letter *l);	/* and what it carries */
/* May it have a letter more of so many frames, or so many descriptors? */
bool letter_within_bounds(const struct sock_cred *c, uint32_t frames, uint32_t more);
/* Between a letter's frames and the comm page: a part that lies in both. */
void letter_move(const struct letter *l, uint32_t offset, char *comm, uint32_t bytes, bool out);
void right_drop(struct right *t);
struct right *right_find(const struct letter *l, uint64_t which);	/* NULL: not so many */
struct tty *right_tty(const struct right *t);	/* NULL: none */

/* ---- draft.c: what a process writes and reads, one of each */
struct letter *draft_of(const struct proc *p);
struct letter *desk_of(const struct proc *p);
void desk_clear(struct proc *p);
long draft_new(struct proc *p, const struct request *r);
long draft_put(const struct proc *p, const struct request *r);
long draft_right(const struct proc *p, struct request *r);

#endif
