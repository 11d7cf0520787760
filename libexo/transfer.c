/* SPDX-License-Identifier: ISC */
/* Parking and control transfer as functions that return. */
#include <exo/lib.h>
#include <exo/read.h>
#include "arch/x86_64/upcall.h"

/*
 * The context came back with its own `critical`; something may have arrived
 * for it.  To a parked activation the kernel delivers no EVENT: its next entry
 * is this one, and what was posted is served here, or when the handler that
 * parked returns.
 */
static int64_t
look_around(int64_t result)
{
	struct exo_uarea *u = exo_uarea();

	if (*(volatile uint64_t *)&u->posted && exo_lib()->event)
		__atomic_fetch_or(&u->pending, 1u << EXO_ENTRY_EVENT, __ATOMIC_RELAXED);
	if (*(volatile uint32_t *)&u->critical == 0 && *(volatile uint32_t *)&u->pending != 0)
		exo_critical_leave(0);
	return result;
}

int64_t
exo_yield(exo_envid to)
{
	return look_around(exo_park_to(to));
}

/* A wait that does not wait returns the bare tag; one that does, the prologue's reason. */
int64_t
exo_wait_for(const struct exo_term *terms, uint64_t count, uint64_t deadline_ns, exo_envid to)
{
	int64_t result = exo_park_until(terms, count, deadline_ns, to);

	return look_around(result);
}

int64_t
exo_acall(exo_envid env, const struct exo_msg *message)
{
	return look_around(exo_acall_park(env, message));
}

int64_t
exo_call(exo_envid env, struct exo_msg *message, uint64_t deadline_ns)
{
	for (;;) {		/* bound: the deadline, or the callee's good will */
		int64_t result = exo_call_once(env, message, deadline_ns);

		if (result != -EXO_EBUSY)
			return result;
		if (deadline_ns && exo_now_ns() >= deadline_ns)
			return -EXO_ETIMEOUT;
		exo_yield(env);
	}
}
