/* SPDX-License-Identifier: ISC */
/*
 * Futexes: who waits for a word of the program's memory, in order of arrival.
 * A word in memory that other processes share is known by its frame; waiters of
 * other processes are not in our lists: they look at the word when
 * SHARED->changes moves, which a wake bumps that found too few here.
 */
#ifndef EXOS_FUTEX_H
#define EXOS_FUTEX_H

#include "thread.h"

#define FUTEX_ALL_BITS (~0u)

long futex_wake_word(u64 word, u32 count);	/* whatever memory it lies in: how many */
void futex_fork_child(void);
/* robust.c: the locks that a thread holds at its end say so, and one who waits for each looks. */
void robust_end(struct thread *t);

#endif
