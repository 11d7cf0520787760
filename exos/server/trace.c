/* SPDX-License-Identifier: ISC */
/*
 * The kernel's trace on its way to the host (`exo run --trace=kernel`): the
 * ring is mapped here, and new records are forwarded as they are; the host
 * makes text of them.
 *
 * Forwarding makes records itself.  Those are not forwarded: what the server
 * does between the start of a round and its wait is `own`, and a round that
 * would show nothing but the server's waking up is left out.
 */
#include "srv.h"
#include <exo/control.h>
#include <exo/trace.h>

#define SRV_TRACE 0x000000a000000000ull
#define POLL_NS 50000000ull		/* as old may a record become before the host sees it */
#define WAIT_RECORDS 2u			/* of the wait itself: the call, and two more arguments */

static const volatile struct exo_trace_head *head;	/* NULL: not wanted */
static uint64_t seen;			/* records before this one were forwarded, or are lost */
static uint64_t lost;			/* not told yet */
static uint64_t own_from, own_to;	/* ours in between are not forwarded */

static bool
ring_map(exo_pfn first)
{
	uint64_t frames = exo_info()->frames;

	for (exo_pfn pfn = first; pfn < frames && exo_frame(pfn)->kind == EXO_FRAME_TRACE; pfn++)
		if (server_bind(SRV_TRACE + (pfn - first) * EXO_PAGE_BYTES, pfn, EXO_MAP_READ))
			return false;
	return true;
}

const char *
trace_boot(void)
{
	uint64_t frames = exo_info()->frames;
	exo_pfn first = 1;

	while (first < frames && exo_frame(first)->kind != EXO_FRAME_TRACE)
		first++;
	if (first == frames || !ring_map(first))
		return "the kernel's trace cannot be mapped";
	head = (const volatile struct exo_trace_head *)SRV_TRACE;
	seen = head->count;
	return head->magic == EXO_TRACE_MAGIC ? NULL : "the kernel's trace has no head";
}

static bool
is_own(const struct exo_trace *r, uint64_t n)
{
	return n >= own_from && n < own_to && r->env == EXO_ENV_SLOT(exo_self());
}

static struct exo_trace
record(uint64_t n)
{
	return ((const volatile struct exo_trace *)(head + 1))[n % head->slots];
}

/* The kernel writes on meanwhile: what it may have reached by now is lost. */
static void
skip_overwritten(void)
{
	uint64_t count = head->count;

	if (count - seen < head->slots)
		return;
	lost += count - seen - head->slots + 1;
	seen = count - head->slots + 1;
}

static bool
worth_telling(uint64_t end)
{
	for (uint64_t n = seen; n < end; n++) {
		struct exo_trace r = record(n);

		if (r.event != EXO_TRACE_SWITCH && !is_own(&r, n))
			return true;
	}
	return false;
}

/* The next records up to `end`, at most one message of them.  False: the host has not taken the last ones. */
static bool
forward_some(uint64_t end)
{
	static struct exo_trace batch[EXO_CONTROL_KTRACE_RECORDS];
	unsigned used = 0;
	uint64_t begin = seen, n = seen;

	for (; n < end && used < EXO_CONTROL_KTRACE_RECORDS; n++) {
		batch[used] = record(n);
		if (!is_own(&batch[used], n))
			used++;
	}
	skip_overwritten();
	if (seen != begin)
		return true;		/* none of it can be trusted: again, from what is left */
	seen = n;
	if ((used != 0 || lost != 0) && !control_ktrace(lost, batch, used)) {
		seen = begin;		/* later, as far as it is still there then */
		return false;
	}
	lost = 0;
	return true;
}

void
trace_forward(void)
{
	uint64_t end;

	if (!head)
		return;
	skip_overwritten();
	end = head->count;
	if (worth_telling(end)) {
		while (seen < end)
			if (!forward_some(end))
				return;
	}
	seen = end > seen ? end : seen;
	own_from = end;
	own_to = head->count;
}

void
trace_idle(void)
{
	if (head)
		own_to = head->count + WAIT_RECORDS;
}

unsigned
trace_terms(struct exo_term *t)
{
	if (!head)
		return 0;
	t[0] = (struct exo_term){
		.where = server_phys(&head->count), .mask = ~0ull, .value = seen + head->slots / 8,
		.cmp = EXO_GE, .flags = EXO_TERM_OR, .tag = 3, .key = ROOT_KEY,
	};
	return 1;
}

uint64_t
trace_deadline(void)
{
	return head ? exo_now_ns() + POLL_NS : 0;
}
