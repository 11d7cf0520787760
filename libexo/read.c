/* SPDX-License-Identifier: ISC */
/* Searches in the exposed tables.  Finding is the program's; taking may fail with TAKEN. */
#include <exo/lib.h>
#include <exo/read.h>

static bool
frame_is_free(exo_pfn pfn)
{
	const volatile uint64_t *map = (const volatile uint64_t *)EXO_FREEMAP;

	return map[pfn / 64] >> (pfn % 64) & 1;
}

/* First run of count free frames in [from, end). */
static exo_pfn
find_run(exo_pfn from, exo_pfn end, uint64_t count)
{
	const volatile uint64_t *map = (const volatile uint64_t *)EXO_FREEMAP;
	uint64_t run = 0;

	for (exo_pfn pfn = from; pfn < end; pfn++) {	/* bound: the frame table */
		if (pfn % 64 == 0 && map[pfn / 64] == 0) {
			pfn += 63;
			run = 0;
		} else if (!frame_is_free(pfn)) {
			run = 0;
		} else if (++run == count) {
			return pfn + 1 - count;
		}
	}
	return 0;
}

exo_pfn
exo_frame_find(exo_pfn hint, uint64_t count)
{
	uint64_t frames = exo_info()->frames;
	exo_pfn pfn = hint < frames ? find_run(hint, frames, count) : 0;

	return pfn ? pfn : find_run(1, frames, count);
}

uint32_t
exo_env_find_slot(void)
{
	uint64_t count = exo_info()->table[EXO_T_ENVS].count;

	for (uint32_t slot = 1; slot < count; slot++) {
		if (exo_env_slot(slot)->id == 0)
			return slot;
	}
	return 0;
}

uint32_t
exo_slice_find(uint32_t cpu)
{
	for (uint32_t index = 0; index < EXO_SLICES_CPU; index++) {
		const volatile struct exo_slice *slice = exo_slice(cpu, index);

		if (slice && slice->owner == 0)
			return index;
	}
	return EXO_SLICES_CPU;
}

uint64_t
exo_pte_at(uint64_t va, unsigned level)
{
	uint64_t entry = *exo_pte_place(va, 4);

	if (level >= 4 || !(entry & EXO_PTE_PRESENT))
		return level >= 4 ? entry : 0;
	entry = *exo_pte_place(va, 3);
	if (level == 3 || !(entry & EXO_PTE_PRESENT))
		return level == 3 ? entry : 0;
	entry = *exo_pte_place(va, 2);
	if (level == 2 || !(entry & EXO_PTE_PRESENT))
		return level == 2 ? entry : 0;
	return *exo_pte_place(va, 1);
}

/* A look at what may change at any time: one instruction for each, which volatile does not allow. */
static inline uint64_t
any_8(const volatile uint64_t *entry)
{
	const uint64_t *e = (const uint64_t *)entry;

	return (e[0] | e[1] | e[2] | e[3] | e[4] | e[5] | e[6] | e[7]) & EXO_PTE_PRESENT;
}

static inline uint64_t
any_32(const volatile uint64_t *e)
{
	return any_8(e) | any_8(e + 8) | any_8(e + 16) | any_8(e + 24);
}

uint64_t
exo_pte_next(uint64_t va, uint64_t end, unsigned level)
{
	const uint64_t span = EXO_PAGE_BYTES << (9 * (level - 1)), table = span * 512;

	while (va < end) {
		const uint64_t above = (va | (table - 1)) + 1, stop = above < end ? above : end;
		const volatile uint64_t *entry = exo_pte_place(va, level);

		if (level < 4 && !(exo_pte_at(va, level + 1) & EXO_PTE_PRESENT)) {
			va = exo_pte_next(va, end, level + 1);
			continue;
		}
		for (; va < stop; va = (va | (span - 1)) + 1) {
			/* Most tables are nearly empty: many at a time, from one on that begins as many. */
			while (((uint64_t)entry & 255) == 0 && va + 32 * span <= stop &&
				!any_32(entry)) {
				va = (va | (span - 1)) + 1 + 31 * span;
				entry += 32;
			}
			while (((uint64_t)entry & 63) == 0 && va + 8 * span <= stop &&
				!any_8(entry)) {
				va = (va | (span - 1)) + 1 + 7 * span;
				entry += 8;
			}
			if (va < stop && *entry++ & EXO_PTE_PRESENT)
				return va;
		}
	}
	return end;
}
