/* SPDX-License-Identifier: ISC */
/*
 * What cannot be taken back waits here until the request that wants it is over
 * (undo.h): frames to be let go of, environments to be destroyed, guards to be
 * freed.  The list is memory like any other, so it goes when the request does.
 * Who ends while the list is worked off leaves the rest of it to the next; what
 * was done last may be done, and is looked at before it is done again.
 */
#include "srv.h"
#include "undo.h"

#define ROOM 4096u

static struct wanted {
	uint64_t a, b;
	enum later_kind kind;
} list[ROOM];
static unsigned first, end;

static void
release(struct wanted *w, bool again)
{
	const exo_pfn owner = w->kind == LATER_RELEASE ? exo_info()->root_account : session_account;

	for (; again && w->b; w->a++, w->b--)
		if (exo_frame(w->a) && exo_frame(w->a)->account == owner &&
			exo_frame(w->a)->tag != EXO_TAG_SERVER)
			frames_let_go(w->a, 1);
	if (w->b)
		frames_let_go(w->a, w->b);
}

static void
act(struct wanted *w, bool again)
{
	switch (w->kind) {
	case LATER_RELEASE:
	case LATER_RELEASE_SESSION:
		release(w, again);
		break;
	case LATER_DESTROY:
		exo_env_destroy((exo_envid)w->a, w->b, ROOT_KEY);
		break;
	case LATER_GUARD:
		guard_end(w->a);
		break;
	case LATER_UNLEND:
		page_drop(w->a);
		break;
	case LATER_TYPED:
		console_receive((unsigned)w->a);
		break;
	case LATER_SHOWN:
		console_send();
		break;
	case LATER_TOLD:
		outbox_send();
		break;
	case LATER_HEARD:
		control_receive();
		break;
	case LATER_KINDS:
		break;
	}
}

/* A device has it, or had it. */
bool
later_with_device(const volatile void *page, const volatile uint64_t *done)
{
	return *done || exo_frame(server_phys(page) / EXO_PAGE_BYTES)->pins;
}

static bool
joins(const struct wanted *last, enum later_kind kind, uint64_t a)
{
	return kind <= LATER_RELEASE_SESSION && last->kind == kind && last->a + last->b == a;
}

void
later(enum later_kind kind, uint64_t a, uint64_t b)
{
	struct wanted w = { a, b, kind };

	if (end > first && joins(&list[end - 1], kind, a))
		list[end - 1].b += b;
	else if (end < ROOM)
		list[end++] = w;
	else
		act(&w, false);		/* no request of ours asks for so much */
}

void
later_run(bool again)
{
	while (first < end) {
		struct wanted w = list[first];

		act(&w, again);
		first++;
		undo_forget();
		again = false;
	}
	first = end = 0;
	undo_forget();
}
