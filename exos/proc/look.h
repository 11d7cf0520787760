/* SPDX-License-Identifier: ISC */
/*
 * Looking into another process: its page tables are put, read-only, where this
 * process has nothing, so that its memory can be read as it stands, whether it
 * runs or is stopped, and without its help.  The server says who may (OP_LOOK:
 * a key that reads what is the other's account's); the kernel checks the key
 * when a table is shared.
 *
 * All processes have the same library in the same place, so a variable of
 * theirs is at the address of our own.  What is found may be anything: it is
 * copied once, and each number in it is looked at before it is used.
 *
 * One at a time, and ended before the Linux call is: fork knows nothing of it.
 */
#ifndef EXOS_PROC_LOOK_H
#define EXOS_PROC_LOOK_H

#include "../core/exos.h"

/* 0; -ESRCH: it has no memory, -EACCES, -ENOMEM */
int look_begin(const volatile struct sh_proc *p);
void look_end(void);

int look_read(u64 va, void *to, u64 bytes);		/* 0, or -EFAULT: something of it is not there */
u64 look_some(u64 va, void *to, u64 bytes);		/* how much of it is there, from its start */
/* The entries of its page table of that level from va's on, at most `count` of one table: how many; 0: none is there. */
unsigned look_entries(u64 va, unsigned level, u64 *entry, unsigned count);

/* This process's own: where its top tables are, for others (struct pub). */
void look_publish(void);
void look_fork_child(void);		/* the parent's are not its own */

#define LOOK_NOWHERE (~0u)
extern u32 look_slot;			/* the top table's entry where something is shown */

static inline bool
look_covers(u64 va)
{
	return va >> 39 == look_slot;
}

#endif
