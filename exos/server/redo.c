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
	exo_envid env;
	uint64_t number;		/* that it gave its request */
	bool answered;
	struct exo_msg answer;
	uint64_t slots[3];
} redos[REDOS];
static unsigned redos_used, oldest;
static uint64_t undone[3];		/* of the request that is being taken back */

static struct redo *
find(exo_envid env)
{
	for (unsigned n = 0; n < redos_used; n++)
		if (redos[n].env == env)
			return &redos[n];
	return NULL;
}

/* It asks for something new, and so got its answer. */
void
redo_forget(exo_envid env)
{
	struct redo *r = redos_used ? find(env) : NULL;

	if (r)
		*r = redos[--redos_used];
}

void
redo_answer(exo_envid env, struct exo_msg *m)
{
	const struct redo *r = find(env);

	if (r && r->number != (m->r12 & ~SERVER_ASKED))
		r = NULL;		/* that came before, and was answered */
	if (r && r->answered) {
		*m = r->answer;
		return;
	}
	m->rsi = (uint64_t)SERVER_UNDONE;
	m->rdx = r ? r->slots[0] : 0;
	m->r8 = r ? r->slots[1] : 0;
	m->r9 = r ? r->slots[2] : 0;
}

/* Only the ring's owner can empty a slot: it is told to when it asks again. */
void
redo_slot(exo_slot slot)
{
	if (slot < 64)
		undone[0] |= 1ull << slot;
	else if (undone[1] >> 48 == 0)
		undone[1] = undone[1] << 16 | slot;
	else
		undone[2] = undone[2] << 16 | slot;
}

/* Of each CPU what it did last; busy: where the server worked when it ended. */
void
redo_keep(struct serving *s, bool busy)
{
	struct redo *r = find(s->env);

	if (s->env && !r && redos_used < REDOS)
		r = &redos[redos_used++];
	else if (s->env && !r)
		r = &redos[oldest++ % REDOS];
	if (s->env)
		*r = (struct redo){ s->env, s->number, s->answered, s->answer, { 0 } };
	if (s->env && busy)
		__builtin_memcpy(r->slots, undone, sizeof(undone));
	if (busy)
		__builtin_memset(undone, 0, sizeof(undone));
	s->env = s->op = 0;
}
