/* SPDX-License-Identifier: ISC */
/* The trace ring: who may see it, and what is in it. */
#include "t.h"
#include <exo/trace.h>

#define VA_RECORDS (T_VA + EXO_PAGE_BYTES)

/* The first frame of the ring: kept for the cases, the ring never moves. */
static exo_pfn
ring(void)
{
	exo_pfn pfn = 1;

	while (pfn < exo_info()->frames && exo_frame(pfn)->kind != EXO_FRAME_TRACE)
		pfn++;
	return pfn;
}

static const volatile struct exo_trace_head *
head(void)
{
	if (!IS(t_map(T_VA, ring(), EXO_MAP_READ), 1))
		return NULL;
	return (const volatile struct exo_trace_head *)T_VA;
}

TEST(a_ring_in_trace_frames)
{
	const volatile struct exo_trace_head *h = head();

	if (!h)
		return;
	IS(h->magic, EXO_TRACE_MAGIC);
	CHECK(h->count > 0);
	CHECK(exo_frame(ring() + (h->slots * sizeof(struct exo_trace)) / EXO_PAGE_BYTES)->kind
		== EXO_FRAME_TRACE);
	IS(t_write(T_VA, 1), T_PF(7));
	IS(t_unmap(T_VA), 1);
}

TEST(who_may_map_it)
{
	exo_pfn pfn = ring();
	exo_slot t = K_FREE, other = K_FREE + 1;

	OK(t_narrow(K_ROOT, t, t_key(EXO_R, "T")));
	OK(t_narrow(K_ROOT, other, t_key(EXO_RIGHTS_ALL, "L")));
	IS(t_map_op(exo_self(), T_VA, pfn, EXO_OP_MAP, t, K_ROOT), 1);
	IS(t_unmap(T_VA), 1);
	ERR(t_map_op(exo_self(), T_VA, pfn, EXO_OP_MAP, other, K_ROOT), RIGHTS);
	ERR(t_map_op(exo_self(), T_VA, pfn, EXO_OP_MAP, K_NONE, K_ROOT), KEY);
	ERR(t_map_op(exo_self(), T_VA, pfn, EXO_OP_MAP | EXO_MAP_WRITE, K_ROOT, K_ROOT), KIND);
	ERR(exo_frame_release(pfn, 1, K_ROOT), KIND);
	ERR(exo_frame_claim(pfn, 1, ROOT_ACCOUNT, 0, K_ROOT, 0), TAKEN);
}

/* The server waits for so many records more. */
TEST(who_may_wait_on_it)
{
	struct exo_term term = {
		.where = ring() * EXO_PAGE_BYTES + offsetof(struct exo_trace_head, count),
		.mask = ~0ull,
		.cmp = EXO_GT,
		.tag = 5,
		.key = K_FREE,
	};

	OK(t_narrow(K_ROOT, K_FREE, t_key(EXO_R, "T")));
	IS(exo_wait(&term, 1, 0, 0), 5);
	term.key = K_NOTHING;
	ERR(exo_wait(&term, 1, 0, 0), RIGHTS);
	term.key = K_NONE;
	ERR(exo_wait(&term, 1, 0, 0), KEY);
}

static const volatile struct exo_trace *
record(uint64_t n)
{
	uint64_t offset = sizeof(struct exo_trace_head) +
		n % ((volatile struct exo_trace_head *)T_VA)->slots * sizeof(struct exo_trace);

	if (!IS(t_map(VA_RECORDS, ring() + offset / EXO_PAGE_BYTES, EXO_MAP_READ), 1))
		return NULL;
	return (const volatile struct exo_trace *)(VA_RECORDS + offset % EXO_PAGE_BYTES);
}

/* A switch is always recorded: a new record, of the present time, behind those that were there. */
TEST(a_switch_is_recorded)
{
	const volatile struct exo_trace_head *h = head();
	uint64_t before, now = exo_now_ns();
	bool seen = false;

	if (!h)
		return;
	before = h->count;
	exo_yield(0);
	CHECK(h->count > before);
	for (uint64_t n = before; n < h->count && n < before + 16 && !seen; n++) {
		const volatile struct exo_trace *r = record(n);

		seen = r && r->event == EXO_TRACE_SWITCH && r->code == 1 && r->a == exo_self()
			&& r->ns >= now && r->ns <= exo_now_ns();
	}
	CHECK(seen);
	t_unmap(T_VA);
	t_unmap(VA_RECORDS);
}

/* The first record of that call behind so many; an interrupt may come in between. */
static const volatile struct exo_trace *
call_behind(const volatile struct exo_trace_head *h, uint64_t before, uint32_t call)
{
	for (uint64_t n = before; n < h->count && n < before + 16; n++) {
		const volatile struct exo_trace *r = record(n);

		if (r && r->event == EXO_TRACE_CALL && r->code == call)
			return r;
	}
	return NULL;
}

/* The debug kernel records calls, with what they were given and what came of it. */
TEST(a_call_is_recorded)
{
	const volatile struct exo_trace_head *h = head();
	const volatile struct exo_trace *r;
	uint64_t before;

	if (!h)
		return;
	before = h->count;
	if (exo_info()->features & EXO_FEAT_DEBUG) {
		ERR(exo_frame_mark(1ull << 50, 2, 3, 4, K_NONE), RANGE);
		r = call_behind(h, before, EXO_NR_frame_mark);
		CHECK(r && r->a == 1ull << 50 && r->b == 2 && r->env == EXO_ENV_SLOT(exo_self()));
		before = h->count;
		exo_null();
		CHECK(call_behind(h, before, EXO_NR_null) != NULL);
	}
	t_unmap(T_VA);
	t_unmap(VA_RECORDS);
}
