/* SPDX-License-Identifier: ISC */
/* What the tests of revocation share: an arbiter's key, who is told, and deadlines that hold on any clock. */
#ifndef ARBITER_H
#define ARBITER_H

#include "t.h"

enum { K_ARBITER = K_FREE };		/* "A", control, nothing else */

#define LATER (exo_now_ns() + T_PATIENCE_NS)	/* no test gets there */

/*
 * A call that asks by `deadline`, a little ahead: again, with more time, where
 * the host took longer than that from the look at the clock to the call.
 */
#define ASK_SOON(deadline, call)                                                                   \
	({                                                                                         \
		uint64_t ahead_ = 2 * EXO_REPOSSESS_NS;                                            \
		int64_t result_;                                                                   \
                                                                                                   \
		do {                                                                               \
			(deadline) = exo_now_ns() + ahead_;                                        \
			result_ = (call);                                                          \
			ahead_ *= 2;                                                               \
		} while (result_ == -EXO_EARG && ahead_ < T_PATIENCE_NS);                          \
		result_;                                                                           \
	})

static volatile unsigned told;

static inline void
on_revoke(struct exo_save *context)
{
	(void)context;
	told++;
}

static inline volatile struct exo_revocation *
revocation(void)
{
	return &exo_uarea()->revocation;
}

static inline void
wait_until(uint64_t ns)
{
	while (exo_now_ns() < ns)
		exo_wait_for(NULL, 0, ns, 0);
}

static inline void
take(exo_pfn pfn)
{
	int64_t result;

	do {
		result = exo_repossess_take(pfn, K_ARBITER);
	} while (result == 0);
	IS(result, 1);
}

#endif
