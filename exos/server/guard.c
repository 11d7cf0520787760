/* SPDX-License-Identifier: ISC */
/*
 * The server's guards: for processes, objects and classes of files.  They lie
 * in guard frames of the server's account, marked public and shown in the shared
 * region, so that everybody can read a guard's holder counts and wait on them.
 * Guards given back are used again; a serial of the kernel's tells the new one
 * from the old.
 */
#include "srv.h"
#include "fsnode.h"
#include "lockset.h"
#include "object.h"
#include "undo.h"

/* In the shared region, between the file system's super block and its inodes. */
#define GUARDS_OFF 0x00101000ull
#define GUARDS_END 0x00200000ull
#define GUARD_FRAMES ((GUARDS_END - GUARDS_OFF) / EXO_PAGE_BYTES)

/* Each kind that is guarded has a bound of its own, and all of them fit: nobody's guards are taken by others. */
_Static_assert(SH_PROCS + OBJECTS_MAX + FILE_GUARDS + LOCK_DESCRIPTIONS + SH_TTYS + 1 <=
		GUARD_FRAMES * EXO_GUARDS_FRAME,
	"guards");

static exo_pfn frame[GUARD_FRAMES];
static unsigned frames, next = EXO_GUARDS_FRAME;
static exo_guardref pool[GUARD_FRAMES * EXO_GUARDS_FRAME];
static unsigned pooled;

static bool
frame_add(void)
{
	if (frames == GUARD_FRAMES || frames_claim(exo_info()->root_account, 1, &frame[frames]))
		return false;
	frames++;
	next = 0;
	return true;
}

static bool
frame_show(void)
{
	exo_frame_mark(frame[frames - 1], 1, EXO_FRAME_PUBLIC, 0, ROOT_KEY);
	return server_bind((uint64_t)shared_at(GUARDS_OFF) + (frames - 1) * EXO_PAGE_BYTES,
		       frame[frames - 1], EXO_MAP_READ) == 0;
}

exo_guardref
guard_new(const struct exo_key entries[EXO_GUARD_KEYS])
{
	exo_guardref g;

	if (pooled) {
		g = pool[--pooled];
		undo_note(UNDO_GUARD_NEW, g, 0);
		return exo_guard_create(g, entries, ROOT_KEY) < 0 ? 0 : g;
	}
	if (next == EXO_GUARDS_FRAME && !frame_add())
		return 0;
	g = EXO_GUARD(frame[frames - 1], next);
	undo_note(UNDO_GUARD_NEW, g, 0);
	if (exo_guard_create(g, entries, ROOT_KEY) < 0)
		return 0;
	if (next++ == 0 && !frame_show())
		return 0;
	return g;
}

void
guard_put(exo_guardref g)
{
	if (g)
		later(LATER_GUARD, g, 0);
}

/* Who ended in between has freed it, but not put it here. */
void
guard_end(exo_guardref g)
{
	const int64_t error = exo_guard_free(g, ROOT_KEY);

	if (error >= 0 || error == -EXO_EABSENT)
		pool[pooled++] = g;
}

void
guard_alter(exo_guardref g, const struct exo_key entries[EXO_GUARD_KEYS])
{
	const uint64_t at = guard_shown(g);

	if (at)
		undo_note_bytes(UNDO_GUARD, g, shared_at(at + 16),
			EXO_GUARD_KEYS * sizeof(*entries));
	exo_guard_change(g, entries, ROOT_KEY);
}

bool
guard_held(exo_guardref g)
{
	const volatile uint64_t *count = guard_holders(g);

	return count && (count[0] || count[1]);
}

bool
guard_writers(exo_guardref g)
{
	const volatile uint64_t *count = guard_holders(g);

	return count && count[1];
}

/* The kernel's struct guard: serial, generation, readers, writers, entries. */
uint64_t
guard_shown(exo_guardref g)
{
	for (unsigned i = 0; i < frames; i++)
		if (frame[i] == g / EXO_GUARDS_FRAME)
			return GUARDS_OFF + i * EXO_PAGE_BYTES + g % EXO_GUARDS_FRAME * 128 + 16;
	return 0;
}

const volatile uint64_t *
guard_holders(exo_guardref g)
{
	uint64_t at = guard_shown(g);

	return at ? (const volatile uint64_t *)shared_at(at) : NULL;
}
