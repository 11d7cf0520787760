/* SPDX-License-Identifier: ISC */
/*
 * The server's guards: for processes, pipes and classes of files.  They lie in
 * guard frames of the server's account, marked public so that anyone may wait
 * on a guard's holder counts, and mapped read-only here.  Guards given back are
 * used again; a serial of the kernel's tells the new one from the old.
 */
#include "srv.h"

#define GUARD_FRAMES 256u
#define SRV_GUARDS 0x00000080c0000000ull

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
	return server_bind(SRV_GUARDS + (frames - 1) * EXO_PAGE_BYTES, frame[frames - 1],
		       EXO_MAP_READ) == 0;
}

exo_guardref
guard_new(const struct exo_key entries[EXO_GUARD_KEYS])
{
	exo_guardref g;

	if (pooled) {
		g = pool[--pooled];
		return exo_guard_create(g, entries, ROOT_KEY) < 0 ? 0 : g;
	}
	if (next == EXO_GUARDS_FRAME && !frame_add())
		return 0;
	g = EXO_GUARD(frame[frames - 1], next);
	if (exo_guard_create(g, entries, ROOT_KEY) < 0)
		return 0;
	if (next++ == 0 && !frame_show())
		return 0;
	return g;
}

void
guard_put(exo_guardref g)
{
	if (g && exo_guard_free(g, ROOT_KEY) >= 0)
		pool[pooled++] = g;
}

/* The kernel's struct guard: serial, generation, readers, writers, entries. */
const volatile uint64_t *
guard_holders(exo_guardref g)
{
	for (unsigned i = 0; i < frames; i++)
		if (frame[i] == g / EXO_GUARDS_FRAME)
			return (const volatile uint64_t *)(SRV_GUARDS + i * EXO_PAGE_BYTES
				+ g % EXO_GUARDS_FRAME * 128 + 16);
	return NULL;
}
