/* SPDX-License-Identifier: ISC */
/*
 * Signals that are pending, with what is known of each.  Of an ordinary one
 * (1..31) the first is kept; real-time ones queue in order of arrival.  Free
 * of everything else, so that it is tested on the host.
 */
#ifndef EXOS_SIGQUEUE_H
#define EXOS_SIGQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../server/proto.h"

#define SIG_BIT(n) (1ull << ((n) - 1))

struct sigqueue_entry;
struct sigqueue {
	uint64_t set;			/* pending */
	uint32_t count;			/* with details */
	uint32_t spare;
	struct sig_detail ordinary[SIG_REALTIME];	/* by number */
	struct sigqueue_entry *first, *last;		/* real-time ones */
};

/* 0, or -EAGAIN: `limit` are there already, or no memory, and this one was to be queued (code < 0). */
int sigqueue_add(struct sigqueue *q, const struct sig_detail *d, uint64_t limit);
/* The first of this number; zeroes where nothing is known.  False: none is pending. */
bool sigqueue_take(struct sigqueue *q, int sig, struct sig_detail *d);
void sigqueue_drop(struct sigqueue *q, uint64_t which);

/* Whom the allocator is asked for: xalloc and xfree, declared for tests on the host. */
void *xalloc(size_t bytes);
void xfree(void *p);

#endif
