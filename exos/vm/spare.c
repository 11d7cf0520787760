/* SPDX-License-Identifier: ISC */
/*
 * Pages taken by name, and back: pack.h says what of.
 *
 * The arbiter's last means is to take frames that it names itself (server/revoke.c),
 * of whoever did not answer in time.  The kernel saves what is in them in spare
 * frames that the library has named in its vector, in that order, and tells which
 * went where.  They are few, and paid for like others: enough for what is taken at
 * first, after which there is time to answer once more.
 *
 * A saved page's place is empty until somebody asks for it, and whoever finds a
 * place empty asks here (pack_has) before he puts anything else there.
 */
#include "pack.h"
#include <exo/tag.h>
#include "../core/frames.h"
#include "../linux/errno.h"

#define SHARE 64u			/* one in so many of the frames that were given, */
#define LEAST 2u			/* and these */

static struct { u64 va; exo_pfn pfn; } saved[SPARES_MOST];
static unsigned count;
static u64 seen;			/* losses of the vector's that are known */

static volatile struct exo_vector *
vector(void)
{
	return (volatile struct exo_vector *)pack_vector();
}

void
spare_begin(void)
{
	count = 0;
	seen = 0;
}

/* ---- naming them ------------------------------------------------------------------------------- */

void
spare_grow(u64 granted)
{
	volatile struct exo_vector *v = vector();
	u64 want = granted / SHARE + LEAST;

	want = want < SPARES_MOST ? want : SPARES_MOST;
	while (v->named - v->used + count < want) {
		const exo_pfn pfn = frame_find(1);

		if (!pfn || exo_frame_claim(pfn, 1, own_account(), 0, KEY_SELF, 0) != 1)
			return;			/* nobody gives way to them */
		exo_frame_mark(pfn, 1, EXO_FRAME_TAG(EXO_TAG_LIBRARY), 0, KEY_SELF);
		v->spare[v->named % EXO_SPARES] = pfn;
		__atomic_store_n(&v->named, v->named + 1, __ATOMIC_RELEASE);
	}
}

/* The one named last first: the kernel may be about to use the first. */
u64
spare_give(u64 frames)
{
	volatile struct exo_vector *v = vector();
	u64 given = 0;

	while (v && given < frames && v->named > v->used) {
		const u64 last = v->named - 1;

		__atomic_store_n(&v->named, last, __ATOMIC_SEQ_CST);
		given += exo_frame_release(v->spare[last % EXO_SPARES], 1, KEY_SELF) == 1;
		if (v->used > last)
			exos_die(9, "a page is lost");	/* it was used all the same */
	}
	return given;
}

/* ---- what was taken ------------------------------------------------------------------------------ */

static bool
is_idle(exo_pfn pfn)
{
	const volatile struct exo_frame *f = exo_frame(pfn);

	return f && f->kind == EXO_FRAME_DATA && f->account == own_account() && f->nmaps == 0;
}

/* False: it was not a page of the program's alone, or nothing was left to save it in. */
static bool
note(const volatile struct exo_loss *loss)
{
	const u64 va = loss->va;

	if (loss->kind != EXO_FRAME_DATA || va == 0 || va >= VM_HIGH || vm_present(va))
		return false;
	if (loss->how == EXO_LOSS_EMPTY)
		return true;
	if (loss->how != EXO_LOSS_SAVED || !is_idle(loss->saved) || count == SPARES_MOST)
		return false;
	saved[count].va = va;
	saved[count++].pfn = loss->saved;
	return true;
}

bool
spare_collect(void)
{
	const volatile struct exo_vector *v = pack_vector();
	const u64 told = UAREA->revocation.lost;

	if (!v || v->lost - seen > EXO_LOSSES)
		return false;
	for (; seen != v->lost; seen++)
		if (!note(&v->loss[seen % EXO_LOSSES]))
			return false;
	revoke_known.lost = told;
	return seen >= told;
}

bool
spare_any(void)
{
	revoke_check_lost();
	return count > 0;
}

/* ---- back ------------------------------------------------------------------------------------------ */

static unsigned
find(u64 va)
{
	unsigned n = 0;

	while (n < count && saved[n].va != va)
		n++;
	return n;
}

bool
spare_has(u64 va)
{
	return count && find(va) < count;
}

int
spare_bring(const struct region *r, u64 va)
{
	const unsigned n = find(va);
	const exo_pfn pfn = saved[n].pfn;
	int error = page_map(va, pfn, prot_perms(r->prot), KEY_SELF);

	if (error)
		return error;
	exo_frame_mark(pfn, 1, EXO_FRAME_TAG(EXO_TAG_ANONYMOUS),
		EXO_FRAME_TAG_CLEAR(EXO_TAG_ANONYMOUS), KEY_SELF);
	saved[n] = saved[--count];
	return 0;
}

int
spare_bring_all(u64 start, u64 end)
{
	for (unsigned n = 0; n < count;) {
		const u64 va = saved[n].va;
		const struct region *r = regions_find(&vm.regions, va);
		int error;

		if (va < start || va >= end || !r) {
			n++;
			continue;
		}
		error = spare_bring(r, va);
		if (error)
			return error;
	}
	return 0;
}

void
spare_drop(u64 start, u64 end)
{
	for (unsigned n = 0; n < count;) {
		if (saved[n].va < start || saved[n].va >= end) {
			n++;
			continue;
		}
		exo_frame_release(saved[n].pfn, 1, KEY_SELF);
		saved[n] = saved[--count];
	}
}

void
spare_move(u64 from, u64 bytes, u64 to)
{
	revoke_check_lost();
	for (unsigned n = 0; n < count; n++)
		if (saved[n].va - from < bytes)
			saved[n].va = saved[n].va - from + to;
}
