/* SPDX-License-Identifier: ISC */
/* Pages put away as ExOS does it: squeezed, two in a frame of a page that went before. */
#ifndef DEMOS_COLDSTORE_H
#define DEMOS_COLDSTORE_H

#include <stdbool.h>
#include <exo/lib.h>

#define COLD_PAGES 96u

struct coldstore {
	uint64_t va;			/* where its frames are mapped: COLD_PAGES of them */
	bool (*bind)(uint64_t va, exo_pfn pfn, uint32_t op);
	exo_pfn frame[COLD_PAGES];
	unsigned keeps[2 * COLD_PAGES];	/* half a frame: page + 1; 0: free */
	unsigned bytes[2 * COLD_PAGES];
};

/* The page at va, in `pfn`; 0, or the frame that is free now.  Each second one frees one. */
exo_pfn cold_away(struct coldstore *s, unsigned page, uint64_t va, exo_pfn pfn);
bool cold_bring(struct coldstore *s, unsigned page, uint64_t va);

#endif
