/* SPDX-License-Identifier: ISC */
/*
 * Whose answers may not have reached them when the server ended (restart.c), and
 * what they are: so that a request that had come to its end is not done twice, and
 * one that had not is done once, with the slots empty that were empty before.
 */
#include "srv.h"
#include "keeper.h"

#define REDOS 64u			/* not asked for yet, of several ends in a row */

static struct redo {
	exo_envid env;			/* 0: nobody's */
	uint64_t number;		/* that it gave its request */
	bool answered;
	struct exo_msg answer;
	uint64_t slots[3];
} redos[REDOS];
static unsigned oldest;
static uint64_t undone[3];		/* of the request that is being taken back */

/* What nobody asked for stays until its place is needed. */
static struct redo *
find(exo_envid env, uint64_t number)
{
	for (unsigned n = 0; n < REDOS; n++)
		if (redos[n].env == env && redos[n].number == number)
			return &redos[n];
	return NULL;
}

void
redo_answer(exo_envid env, struct exo_msg *m)
{
	const struct redo *r = find(env, m->r12 & ~SERVER_ASKED);

	if (r && r->answered) {
		*m = r->answer;
		return;
	}
	m->rsi = (uint64_t)SERVER_UNDONE;
	m->rdx = r ? r->slots[0] : 0;
	m->r8 = r ? r->slots[1] : 0;
	m->r9 = r ? r->slots[2] : 0;
}

/* Only the ring's owner can empty a slot: it is told to when it asks again.  The last one may come twice. */
void
redo_slot(exo_slot slot)
{
	if ((undone[1] & 0xffff) == slot || (undone[2] & 0xffff) == slot)
		return;
	if (slot < 64)
		undone[0] |= 1ull << slot;
	else if (undone[1] >> 48 == 0)
		undone[1] = undone[1] << 16 | slot;
	else
		undone[2] = undone[2] << 16 | slot;
}

void
redo_begin_back(void)
{
	__builtin_memset(undone, 0, sizeof(undone));
}

/*
 * Of each CPU what it did last; busy: where the server worked when it ended.
 * One that was undone is asked anew by its number: there is one record of it.
 * Whoever ends in here leaves it to the next to do it again: the record is
 * nobody's until it is complete, and the request is there until the record is.
 */
void
redo_keep(struct serving *s, bool busy)
{
	struct redo *r = find(s->env, s->number);

	if (s->env) {
		r = r ? r : &redos[oldest++ % REDOS];
		r->env = 0;
		stored();
		r->number = s->number;
		r->answered = s->answered;
		r->answer = s->answer;
		for (unsigned n = 0; n < 3; n++)
			r->slots[n] = busy ? undone[n] : 0;
		stored();
		r->env = s->env;
		stored();
	}
	s->env = 0;
	stored();
	s->op = 0;
	stored();
}
