/* SPDX-License-Identifier: ISC */
/* What the tests of several processors share; on a machine with one, what needs two passes without a look. */
#ifndef SMP_H
#define SMP_H

#include "t.h"

/* The CPU that is not ours, and not the next either if there are more. */
#define LAST (exo_info()->cpus - 1)

/* Until the condition holds, or for so long that it will not. */
#define SOON(condition)                                                                            \
	({                                                                                         \
		uint64_t until_ = exo_now_ns() + T_PATIENCE_NS;                                          \
                                                                                                   \
		bool holds_ = (condition);                                                         \
                                                                                                   \
		for (; !holds_ && exo_now_ns() < until_; holds_ = (condition))                     \
			exo_relax();                                                               \
		t_check(__LINE__, #condition, holds_);                                             \
	})

static volatile uint64_t word[16];	/* seen by all children */

static inline bool
single(void)
{
	for (unsigned n = 0; n < 16; n++)
		word[n] = 0;
	return exo_info()->cpus == 1;
}

/* A child that runs as soon as it is made waits here until it has its keys. */
static inline void
await_keys(void)
{
	while (word[15] == 0)
		exo_relax();
}

static inline bool
give_keys(struct t_child *c)
{
	bool given = t_give(c, K_ROOT, 1);

	word[15] = 1;
	return given;
}

static inline uint64_t
count(volatile uint64_t *w)
{
	return __atomic_add_fetch(w, 1, __ATOMIC_SEQ_CST);
}

/* Does a word stand still? */
static inline bool
stands(const volatile uint64_t *w)
{
	uint64_t was = *w, until = exo_now_ns() + 2000000;

	while (exo_now_ns() < until)
		if (*w != was)
			return false;
	return true;
}

/* The other way round, however long the host keeps that processor from running. */
static inline bool
moves(const volatile uint64_t *w)
{
	uint64_t was = *w;

	return SOON(*w != was);
}

/* The name of a word in physical memory, as predicates have it. */
static inline uint64_t
frame_address(const volatile void *at)
{
	return EXO_PTE_PFN(exo_pte((uint64_t)at)) * EXO_PAGE_BYTES +
		(uint64_t)at % EXO_PAGE_BYTES;
}

#endif
