/* SPDX-License-Identifier: ISC */
#include "coldstore.h"
#include "../../../exos/vm/squeeze.h"

#define HALF (EXO_PAGE_BYTES / 2)
#define HALVES (2 * COLD_PAGES)

/* A half that keeps that (0: nothing); HALVES: there is none. */
static unsigned
half_of(const struct coldstore *s, unsigned what)
{
	unsigned half = 0;

	while (half < HALVES && (!s->frame[half / 2] || s->keeps[half] != what))
		half++;
	return half;
}

exo_pfn
cold_away(struct coldstore *s, unsigned page, uint64_t va, exo_pfn pfn)
{
	static uint8_t small[HALF];
	unsigned half = half_of(s, 0), place = 0;
	unsigned size = squeeze(small, HALF, (const uint8_t *)va);

	s->bind(va, 0, EXO_OP_UNMAP);
	if (half == HALVES) {			/* its own frame keeps it, and one more */
		while (s->frame[place])
			place++;
		s->frame[place] = pfn;
		s->bind(s->va + place * EXO_PAGE_BYTES, pfn, EXO_OP_MAP | EXO_MAP_WRITE);
		half = 2 * place;
		s->keeps[half + 1] = 0;
		pfn = 0;
	}
	s->keeps[half] = page + 1;
	s->bytes[half] = size;
	__builtin_memcpy((void *)(s->va + half * HALF), small, size);
	return pfn;
}

bool
cold_bring(struct coldstore *s, unsigned page, uint64_t va)
{
	unsigned half = half_of(s, page + 1);

	if (half == HALVES || !unsqueeze((uint8_t *)va, (const uint8_t *)(s->va + half * HALF),
					s->bytes[half]))
		return false;
	s->keeps[half] = 0;
	return true;
}
