/* SPDX-License-Identifier: ISC */
/*
 * Software regions: protection below a page.  A REGION frame is the kernel's, mapped nowhere;
 * what lies in it is reached by a checked copy alone, to or from a data frame.  It has
 * EXO_REGION_LINES lines of 64 bytes, each under a guard of its own, or (none)
 * under what the frame itself is under: tables with many owners, where a page
 * for each would be waste.
 *
 *	0 .. 767	a guard and its serial for each line
 *	1024 .. 4095	the lines
 *
 * Life: a data frame, region_guard (typed, zeroed) -> copies -> frame_release.
 */
#include "mem_priv.h"
#include "../cap/cap.h"
#include <kernel/syscalls.h>

#define REGION_BYTES (EXO_REGION_LINES * EXO_REGION_LINE)

struct line_guard {
	exo_guardref guard;		/* 0: none of its own */
	u64 serial;
};

struct region {
	struct line_guard guard[EXO_REGION_LINES];
	u8 pad[256];
	u8 data[REGION_BYTES];
};
_Static_assert(sizeof(struct region) == EXO_PAGE_BYTES, "a region is a frame");

/* 0, or why the lines of this frame are not the caller's to put under a guard. */
static int
may_guard(const struct env *self, exo_pfn pfn, exo_guardref guard, exo_slot key, exo_slot k_guard)
	REQUIRES(mem_lock)
{
	int error;

	if (frames[pfn].kind != EXO_FRAME_DATA && frames[pfn].kind != EXO_FRAME_REGION)
		return -EXO_EKIND;
	error = frame_control(self, pfn, key);
	if (error == 0 && frames[pfn].kind == EXO_FRAME_DATA)
		error = frame_usable(pfn, frames[pfn].account);
	return error ? error : guard_usable(self, guard, k_guard);
}

i64
sys_region_guard(struct env *self, u64 pfn, u64 line, u64 count, u64 guard, u64 key, u64 k_guard)
{
	struct region *region;
	u64 serial;
	int error;

	if (count == 0)
		return -EXO_EARG;
	if (pfn >= frames_count || line >= EXO_REGION_LINES || count > EXO_REGION_LINES - line)
		return -EXO_ERANGE;
	mem_enter();
	error = may_guard(self, pfn, guard, slot_arg(key), slot_arg(k_guard));
	if (error)
		return mem_leave(NULL, error);

	if (frames[pfn].kind == EXO_FRAME_DATA)
		frame_type(pfn, EXO_FRAME_REGION, 0);
	region = frame_ptr(pfn);
	serial = guard ? guard_at(guard)->serial : 0;
	for (u64 n = line; n < line + count; n++)	/* bound: EXO_REGION_LINES */
		region->guard[n] = (struct line_guard){ guard, serial };
	return mem_leave(NULL, 0);
}

/* Does the key open every line of [offset, offset + bytes)?  Neighbours often have one guard. */
static int
lines_allow(const struct env *self, exo_slot key, exo_pfn pfn, u64 offset, u64 bytes, u32 rights)
	REQUIRES(mem_lock)
{
	const struct region *region = frame_ptr(pfn);
	u64 last = (offset + bytes - 1) / EXO_REGION_LINE;
	int error = 0;

	for (u64 n = offset / EXO_REGION_LINE; n <= last && error == 0; n++) {
		const struct line_guard *g = &region->guard[n];

		if (n != offset / EXO_REGION_LINE && g->guard == g[-1].guard &&
			g->serial == g[-1].serial)
			continue;
		error = g->guard ? guard_test(self, key, g->guard, g->serial, rights) :
			frame_allows(self, key, pfn, rights);
	}
	return error == -EXO_EABSENT ? -EXO_ERIGHTS
				     : error; /* a guard that is gone opens to nobody */
}

/* The data frame: what is read from a region is written there, for all who have a clone of it. */
static int
frame_takes_part(const struct env *self, exo_slot key, exo_pfn pfn, bool written) REQUIRES(mem_lock)
{
	const struct exo_frame *frame = &frames[pfn];

	if (frame->kind != EXO_FRAME_DATA)
		return -EXO_EKIND;
	if (written && frame_cloned(pfn))
		return -EXO_EBUSY;
	return frame_allows(self, key, pfn, written ? EXO_W : EXO_R);
}

static int
may_copy(const struct env *self, u64 region, u64 frame, u64 bytes, bool store, exo_slot key,
	exo_slot k_frame) REQUIRES(mem_lock)
{
	exo_pfn pfn = region >> EXO_PAGE_SHIFT, other = frame >> EXO_PAGE_SHIFT;
	u64 offset = region % EXO_PAGE_BYTES;
	int error;

	if (pfn >= frames_count || other >= frames_count || offset >= REGION_BYTES ||
		bytes > REGION_BYTES - offset || bytes > EXO_PAGE_BYTES - frame % EXO_PAGE_BYTES)
		return -EXO_ERANGE;
	if (frames[pfn].kind != EXO_FRAME_REGION)
		return -EXO_EKIND;
	error = lines_allow(self, key, pfn, offset, bytes, store ? EXO_W : EXO_R);
	return error ? error : frame_takes_part(self, k_frame, other, !store);
}

i64
sys_region_copy(struct env *self, u64 region, u64 frame, u64 bytes, u64 store, u64 key, u64 k_frame)
{
	u8 *inside, *outside;
	int error;

	if (bytes == 0 || store > 1)
		return -EXO_EARG;
	mem_enter();
	error = may_copy(self, region, frame, bytes, store, slot_arg(key), slot_arg(k_frame));
	if (error)
		return mem_leave(NULL, error);

	frame_scrub(frame >> EXO_PAGE_SHIFT);
	inside = ((struct region *)frame_ptr(region >> EXO_PAGE_SHIFT))->data +
		region % EXO_PAGE_BYTES;
	outside = (u8 *)frame_ptr(frame >> EXO_PAGE_SHIFT) + frame % EXO_PAGE_BYTES;
	if (store)
		memcpy(inside, outside, bytes);
	else
		memcpy(outside, inside, bytes);
	return mem_leave(NULL, 0);
}
