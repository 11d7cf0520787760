/* SPDX-License-Identifier: ISC */
/* Where the stubs of rewritten call sites lie, and which are whose. */
#ifndef EXOS_STUBS_H
#define EXOS_STUBS_H

#include "../arch/x86_64/site.h"
#include "vm.h"

#define STUBS 16u

struct stubs {				/* of a part of a page, so that few are little to copy */
	struct stubs *next;
	u64 start;
	u64 hops;			/* one bit of 64 for each that they have */
	struct site site[STUBS];
};
extern struct stubs *stubs_all;

#define FOR_EACH_SITE(part, s) \
	for (struct stubs *part = stubs_all; part; part = part->next) \
		for (struct site *s = part->site; s < part->site + STUBS; s++) \
			if (s->at)

struct site *stubs_site(u64 at);	/* of that call, NULL: none */
struct site *stubs_find(u64 rip);	/* whose stub or hop that is */
/* The place that it had, or an empty one in reach; NULL: none is to be had */
struct site *stubs_take(u64 at);
void stubs_fill(struct site *s, const struct site *with);
void stubs_drop(u64 at);			/* the one of that call, if there is one */
void stubs_forget(u64 start, u64 end);	/* those that lie there */

#endif
