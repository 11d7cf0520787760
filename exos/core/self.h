/* SPDX-License-Identifier: ISC */
/* Which process this is, its row and those of others, and parking that signals do not end. */
#ifndef EXOS_SELF_H
#define EXOS_SELF_H

#include "exos.h"

void self_set(u32 pid);			/* at the start, and in a child */
const volatile struct sh_proc *proc_table(void);
unsigned proc_rows(void);		/* rows of it that may be in use */
const volatile struct sh_proc *proc_find(u32 pid);	/* NULL: no such process */
const volatile struct sh_cred *cred_of(const volatile struct sh_proc *p);
/* What cred_change says to it; the server does it, and the keys follow. */
long cred_ask(u32 op, u64 a, u64 b, u64 c, const u32 *list);	/* linux/ids.c */
void cred_exec(void);

u64 word_place(const volatile void *word);	/* as the kernel names it in a term */
/* core/wait.c: parking without looking at signals, for what must not be interrupted */
long park_wait(const struct exo_term *terms, unsigned count,
	u64 deadline_ns); /* EXO_WOKE_* or -EXO_E... */
/* Behind the terms those that end any wait; how many there are then.  Room for one is a must. */
unsigned terms_ending(struct exo_term *all, unsigned count, bool by_wall);
void park_yield(exo_envid to);		/* let others run; comes back at the next slice */

#endif
