/* SPDX-License-Identifier: ISC */
/*
 * What the server wants back, as the kernel says in the u-area, and what it
 * took.  There are two answers: a careful one to a request, cold pages first;
 * and a fast one when little time is left.  Both are given where a signal would
 * be looked for, and where this process itself waits for memory; and both begin
 * with what the library has no need of, where it is in the middle of nothing.
 *
 * A page that was taken all the same comes back from where the kernel saved it
 * (spare.c).  If it did not, the program ends, with a reason that names the frame.
 */
#include "pack.h"
#include "../proc/signal.h"
#include "../core/frames.h"

#define FAST_NS 1500000000ull		/* less than that is left */

struct revoke_known revoke_known;

static const volatile struct exo_revocation *
asked_of_us(void)
{
	return &UAREA->revocation;
}

/* What the vector says of it, if there is one. */
static noreturn_ void
lost(exo_pfn pfn)
{
	const volatile struct exo_vector *v = pack_vector();
	char text[80];
	u64 va = 0;

	for (u64 n = v ? v->lost : 0, left = EXO_LOSSES; n && left; n--, left--)
		if (v->loss[(n - 1) % EXO_LOSSES].pfn == pfn && va == 0)
			va = v->loss[(n - 1) % EXO_LOSSES].va;
	exo_snprintf(text, sizeof(text), "frame %lx at address %lx was repossessed", pfn, va);
	exos_die(SIGKILL, text);
}

void
revoke_check_lost(void)
{
	const volatile struct exo_revocation *r = asked_of_us();

	if (r->lost != revoke_known.lost && !spare_collect())
		lost(r->loss[revoke_known.lost % EXO_REVOKES]);
}

static u64 trimmed;			/* given for what is to be answered */

void
revoke_idle(void)
{
	if (asked_of_us()->debt.asked != revoke_known.asked)
		trimmed += lazy_trim() + tables_trim(0, VM_HIGH);
}

void
revoke_answer(void)
{
	const volatile struct exo_revocation *r = asked_of_us();
	u64 frames;

	revoke_check_lost();
	if (r->debt.asked == revoke_known.asked)
		return;
	revoke_known.asked = r->debt.asked;
	frames = r->debt.frames > trimmed ? r->debt.frames - trimmed : 0;
	trimmed = 0;
	if (pack_give(frames, r->debt.deadline_ns < clock_ns() + FAST_NS) < frames)
		server_call(OP_MEMORY, 0, own_account(), 0, 0, 0, NULL);
}

struct exo_term
revoke_term(void)
{
	return term_word(&asked_of_us()->debt.asked, ~0ull, EXO_NE, revoke_known.asked);
}

void
revoke_fork_child(void)
{
	revoke_known.asked = asked_of_us()->debt.asked;
	revoke_known.lost = asked_of_us()->lost;
}
