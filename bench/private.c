/* SPDX-License-Identifier: ISC */
/*
 * What the library keeps for a process that does nothing: an ordinary static
 * Linux program that reads the exokernel's tables, and its own page tables,
 * and counts the frames that its account pays for.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <exo/lib.h>
#include <exo/read.h>
#include "../exos/server/proto.h"

#define PAGE 4096ull
#define SPAN (512 * PAGE)

static uint64_t account;

/* Present pages of [from, to) whose frames are ours. */
static unsigned
pages(uint64_t from, uint64_t to)
{
	unsigned count = 0;

	for (uint64_t va = from; va < to; va += PAGE) {
		if (va % SPAN == 0 && !(exo_pte_at(va, 2) & EXO_PTE_PRESENT)) {
			va += SPAN - PAGE;
			continue;
		}
		count += exo_pte(va) & EXO_PTE_PRESENT &&
			exo_frame(EXO_PTE_PFN(exo_pte(va)))->account == account;
	}
	return count;
}

static unsigned
frames(uint32_t kind)
{
	unsigned count = 0;

	for (exo_pfn pfn = 1; pfn < exo_info()->frames; pfn++)
		count += exo_frame(pfn)->kind == kind && exo_frame(pfn)->account == account;
	return count;
}

static void
row(const char *name, unsigned count)
{
	printf("bench private-%s %u\n", name, count);
}

int
main(void)
{
	const uint64_t base = exo_gs_first() & -EXOS_SHARED;
	const struct { const char *name; uint64_t from, to; } area[] = {
		{ "contract", EXOS_UAREA, EXOS_START },
		{ "start", EXOS_START, EXOS_DATA },
		{ "data", EXOS_DATA, EXOS_STACKS },
		{ "stacks", EXOS_STACKS, EXOS_HEAP_NEAR },
		{ "heap", EXOS_HEAP_NEAR, EXOS_OFDS },
		{ "files", EXOS_OFDS, EXOS_OBJECTS },
		{ "objects", EXOS_OBJECTS, EXOS_OBJECTS_END },
		{ "window", EXOS_WINDOW, EXOS_HEAP },
		{ "heap-more", EXOS_HEAP, EXOS_SHARED },
	};
	unsigned all = 0, kept = 0;

	account = exo_env(exo_self())->account;
	for (unsigned i = 0; i < sizeof(area) / sizeof(area[0]); i++) {
		unsigned count = pages(base + area[i].from, base + area[i].to);

		row(area[i].name, count);
		all += count;
		kept += area[i].from != EXOS_UAREA && area[i].from != EXOS_STACKS ? count : 0;
	}
	row("library", all);
	row("kept", kept);
	row("program", pages(0, base));
	row("tables", frames(EXO_FRAME_PT1) + frames(EXO_FRAME_PT2) + frames(EXO_FRAME_PT3) +
			frames(EXO_FRAME_LINKS));
	row("kernel", frames(EXO_FRAME_ROOT) + frames(EXO_FRAME_ENV) + frames(EXO_FRAME_RING) +
			frames(EXO_FRAME_ACT));
	return 0;
}
