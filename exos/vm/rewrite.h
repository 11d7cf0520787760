/* SPDX-License-Identifier: ISC */
/*
 * Call sites rewritten, so that the kernel is not entered (arch/site.h has
 * what they become).  A site is looked at when the kernel has reflected
 * enough calls from there; it must lie in a private mapping of a file that
 * the program may run and not write.  The page becomes the process's own copy,
 * as if the program had written to it.
 *
 * Stubs lie in pages of the program's address space, in reach of the code and
 * where the program has nothing (REGION_STUBS); whoever has rewritten code has
 * REGION_SITES.  When the program changes what such a region may be, moves or
 * unmaps it, its code is first made what it was.
 */
#ifndef EXOS_REWRITE_H
#define EXOS_REWRITE_H

#include "vm.h"

/* Calls: about what rewriting costs, where the stub answers by itself and where it does not. */
#define REWRITE_AFTER 64u
#define REWRITE_AFTER_OTHERS 192u
#define REWRITE_SEEN_LOG 6u

/* Sites by a hash of where they are: several may share one, and are looked at in turn. */
struct rewrite_seen {
	u32 refused;			/* the last of them that stays as it is */
	u32 count;			/* calls from the others */
};
extern struct rewrite_seen rewrite_seen[1u << REWRITE_SEEN_LOG];
extern bool rewrite_any;		/* there are stubs (stubs.c) */

void rewrite_look(const struct exo_save *regs, struct rewrite_seen *seen);
void rewrite_settle_stub(struct exo_save *regs);

/* A call that the kernel reflected; the program goes on at regs->rip. */
static inline void
rewrite_count(const struct exo_save *regs)
{
	const u32 place = (u32)regs->rip;
	struct rewrite_seen *s = &rewrite_seen[place * 2654435761u >> (32 - REWRITE_SEEN_LOG)];

	PUB->sites.reflected++;
	if (s->refused != place && ++s->count % REWRITE_AFTER == 0)
		rewrite_look(regs, s);
}

/* The program was interrupted: in a stub it is where it would be without it. */
static inline void
rewrite_settle(struct exo_save *regs)
{
	if (rewrite_any)
		rewrite_settle_stub(regs);
}

/* It steps, and stands behind a jump that it does not know of. */
bool rewrite_steps(const struct exo_save *regs);

/*
 * A region of code or of stubs is about to change there: what was rewritten is
 * as it was.  gone: nothing of these pages will be left.  0 or -errno.
 */
int rewrite_leave(const struct region *r, u64 start, u64 end, bool gone);

static inline int
rewrite_change(const struct region *r, u64 start, u64 end, bool gone)
{
	return r->flags & (REGION_SITES | REGION_STUBS) ? rewrite_leave(r, start, end, gone) : 0;
}

void rewrite_reset(void);		/* exec */

#endif
