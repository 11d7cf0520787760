/* SPDX-License-Identifier: ISC */
/*
 * Futexes: who waits for a word of the program's memory, in order of arrival.
 * Waiting for a word that is the process's alone is a list of its threads, and
 * nobody is asked.  Who waits for one that others share is on a list of the
 * server's (server/futex.c), whichever process's thread it is.
 */
#ifndef EXOS_FUTEX_H
#define EXOS_FUTEX_H

#include "thread.h"

#define FUTEX_ALL_BITS (~0u)

struct futex_wait {
	u64 word, deadline;
	u32 value, bits;
	bool private;
};

/* Whose word it is, and what it is now: 0, or -EINVAL, -EFAULT. */
long futex_key_of(u64 word, bool private, struct futex_key *k, u32 *value);
long futex_key_to_wake(u64 word, bool private, struct futex_key *k);
/* Until it is woken: 0; -EAGAIN: a shared word was not `value` any more; as block_on. */
long futex_sleep(const struct futex_wait *w, const struct futex_key *k);
long futex_wake_key(const struct futex_key *k, u32 count, u32 bits);	/* how many there were */
/* Private ones */
u32 futex_move(const struct futex_key *from, const struct futex_key *to, u32 count);
struct thread *futex_first(const struct futex_key *k, bool *more);	/* of ours that wait; NULL */
long futex_wake_word(u64 word, u32 count);	/* whatever memory it lies in: how many */
void futex_fork_child(void);
/* robust.c: the locks that a thread holds at its end say so, and one who waits for each looks. */
void robust_end(struct thread *t);

#endif
