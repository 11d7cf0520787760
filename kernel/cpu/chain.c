/* SPDX-License-Identifier: ISC */
/*
 * Following waiting_on.  Nothing here is hardware's, and nothing is changed:
 * the unit tests and the model (tests/model/transfer.pml) run the same rules.
 *
 * There are no cycles: a transfer enters only a PARKED activation, and the
 * caller is RUNNING, so each new edge goes from the end of a chain to another
 * end.  Two chains may join at a callee that opened its gate again, so a chain
 * can grow longer than the limit that call checks against the one that runs.
 * Then its head gets its slice back: its call ends with CYCLE, too deep.
 */
#include "cpu_priv.h"

static void
wakes_by(struct chain *chain, u64 deadline)
{
	if (deadline != 0 && (chain->wakes_at == 0 || deadline < chain->wakes_at))
		chain->wakes_at = deadline;
}

static bool
passed(u64 deadline, u64 now)
{
	return deadline != 0 && now >= deadline;
}

/* The activation that act waits on; NULL and an error when the callee is no more. */
static struct act *
callee_of(const struct act *act, int *error) REQUIRES(env_lock)
{
	struct env *env = env_find(act->waiting_on, error);

	if (env != NULL)
		return env->act[act->cpu];
	*error = -EXO_EDEAD;
	return NULL;
}

/* A PARKED activation at the end of a chain: does it run? */
static void
chain_parked(struct chain *chain, struct act *act, u64 now)
{
	int tag = -1;

	if (act->waiting) {
		if (act->nterms != 0)
			tag = predicate_holds(act);
		if (tag < 0 && !passed(act->deadline, now)) {
			wakes_by(chain, act->deadline);
			return;
		}
		chain->woke = tag >= 0 ? EXO_WOKE_TAG | (u64)tag : EXO_WOKE_DEADLINE;
	}
	chain->act = act;
}

void
chain_follow(struct chain *chain, struct act *first, u64 now)
{
	struct act *act = first;

	*chain = (struct chain){ .woke = EXO_WOKE_SLICE };
	for (u32 step = 0; step <= CHAIN_MAX; step++) {
		struct act *next;
		int error = 0;

		chain->length = step;
		if (act->state == ACT_PARKED) {
			chain_parked(chain, act, now);
			return;
		}
		if (act->state != ACT_CALLING) {
			chain->act = act;
			return;
		}
		next = callee_of(act, &error);
		if (next == NULL || passed(act->call_deadline, now)) {
			chain->ends = next == NULL ? error : -EXO_ETIMEOUT;
			chain->act = act;
			return;
		}
		wakes_by(chain, act->call_deadline);
		act = next;
	}
	chain->ends = -EXO_ECYCLE;
	chain->act = first;
	chain->length = 0;
}

int
chain_distance(const struct act *first, const struct act *target)
{
	const struct act *act = first;

	for (u32 step = 0; step <= CHAIN_MAX && act != NULL; step++) {
		int error;

		if (act == target)
			return (int)step;
		if (act->state != ACT_CALLING)
			return -1;
		act = callee_of(act, &error);
	}
	return -1;
}
