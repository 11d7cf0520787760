/* SPDX-License-Identifier: ISC */
/*
 * Events: bits posted to an environment's u-area, by another environment or
 * by an interrupt line bound to it; and revocations, recorded there.
 *
 * A post never blocks and is never lost: the bits are ORed into `posted`, a
 * word that a parked library looks at when it is next entered, that waiters
 * watch by a term, and that a running library is told of by an upcall to
 * EVENT.  A line bound to an environment is masked when it fires and stays so
 * until the environment asks for the next one: an interrupt can take no more
 * processor time than its owner gives it.
 *
 * The bindings of lines (irq_bind; gone with the environment) are under
 * dev_lock, posting is under env_lock.
 */
#ifndef KERNEL_EVENT_H
#define KERNEL_EVENT_H

#include "../env/env.h"

/* OR bits into the u-area and remember that an EVENT is due.  From calls and from interrupts. */
void event_post(struct act *act, u64 bits) REQUIRES(env_lock);

/*
 * Record in env's u-areas that a frame was asked for (or, deadline 0, taken),
 * and see to the upcall.  Which of its activations runs its program only the
 * environment knows, so all are told.  False: it has none.
 */
bool event_revoke(struct env *env, exo_pfn pfn, u64 deadline) REQUIRES(env_lock);
/* The same: that an account owes frames. */
bool event_debt(struct env *env, exo_pfn account, u64 frames_owed, u64 deadline)
	REQUIRES(env_lock);

/* The same: that a slice was asked for (or, deadline 0, taken).  The activation on that CPU hears of it. */
void event_slice(struct env *env, u32 cpu, u32 index, u64 deadline) REQUIRES(env_lock);

/*
 * An interrupt line that no kernel driver claims fired: mask it, post to whoever it
 * is bound to.  One that is nobody's is masked too, or a level would never let us go;
 * irq_bind unmasks it.
 */
void event_irq(u32 line) EXCLUDES(env_lock, dev_lock);

/* A dead environment lets go of its lines. */
void event_forget(exo_envid id) REQUIRES(env_lock);

void event_check(void);

#endif
