/* SPDX-License-Identifier: ISC */
/*
 * Readers for the exposed tables.  What they say is a hint: it may be stale
 * by the time it is used, and the call that uses it checks again.
 */
#ifndef EXO_READ_H
#define EXO_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <exo/arch/x86_64.h>
#include <exo/tables.h>

static inline const volatile struct exo_info *
exo_info(void)
{
	return (const volatile struct exo_info *)EXO_INFO;
}

static inline uint64_t
exo_table_row(enum exo_table_id table, uint64_t row)
{
	const volatile struct exo_table *t = &exo_info()->table[table];

	return row < t->count ? t->base + row * t->entry_bytes : 0;
}

/* NULL: no such row. */
static inline const volatile struct exo_frame *
exo_frame(exo_pfn pfn)
{
	return (const volatile struct exo_frame *)exo_table_row(EXO_T_FRAMES, pfn);
}

static inline const volatile struct exo_env *
exo_env_slot(uint32_t slot)
{
	return (const volatile struct exo_env *)exo_table_row(EXO_T_ENVS, slot);
}

/* NULL: the slot is somebody else's by now. */
static inline const volatile struct exo_env *
exo_env(exo_envid id)
{
	const volatile struct exo_env *e = exo_env_slot(EXO_ENV_SLOT(id));

	return e && e->id == id ? e : NULL;
}

static inline const volatile struct exo_slice *
exo_slice(uint32_t cpu, uint32_t index)
{
	if (index >= EXO_SLICES_CPU)
		return NULL;
	return (const volatile struct exo_slice *)exo_table_row(
		EXO_T_SLICES, (uint64_t)cpu * EXO_SLICES_CPU + index);
}

static inline const volatile struct exo_cpu *
exo_cpu(uint32_t cpu)
{
	return (const volatile struct exo_cpu *)exo_table_row(EXO_T_CPUS, cpu);
}

static inline const volatile struct exo_device *
exo_device(uint32_t device)
{
	return (const volatile struct exo_device *)exo_table_row(EXO_T_DEVICES, device);
}

/* Nanoseconds since boot, the clock of every deadline. */
static inline uint64_t
exo_now_ns(void)
{
	const volatile struct exo_info *info = exo_info();

	return (uint64_t)((unsigned __int128)(exo_rdtsc() - info->tsc_base) * info->tsc_mult >> 32);
}

/*
 * Words that others wait for, and several processors.
 *
 * A predicate is evaluated by its own CPU, which does not sleep before it has
 * said so (struct exo_cpu, idle) and then looked a last time.  Whoever changes
 * a word that somebody elsewhere may wait for calls exo_changed afterwards: it
 * puts the store in order before the look at `idle`, which a store followed by
 * a load is not by itself (x86 keeps stores in order, and loads, and no load
 * before an earlier store of another word), and wakes who sleeps.  What the
 * kernel changes, posts included, it wakes for itself.
 *
 * cpus: a word with a bit for each CPU where somebody may wait, which they set
 * by an atomic step before they wait; NULL: anybody may, anywhere.  On a machine
 * with one CPU this is a compare.
 */
void exo_wake_others(const volatile uint64_t *cpus);

static inline void
exo_changed(const volatile uint64_t *cpus)
{
	if (exo_info()->cpus > 1)
		exo_wake_others(cpus);
}

/* Is somebody running on another CPU than the caller's, so that waiting for him may be short? */
bool exo_runs_elsewhere(exo_envid env);

/* The first of `count` free frames in a row at or after hint (then from the start); 0: none. */
exo_pfn exo_frame_find(exo_pfn hint, uint64_t count);
/* A free row of the environment table; 0: none (row 0 names nobody). */
uint32_t exo_env_find_slot(void);
/* A free slice of a CPU; EXO_SLICES_CPU: none. */
uint32_t exo_slice_find(uint32_t cpu);

/*
 * The caller's own page-table entries.  exo_pte_at(va, level): the entry that
 * maps va at that level (1: the page's), 0 when a table above is absent.
 */
uint64_t exo_pte_at(uint64_t va, unsigned level);
/*
 * Where that entry is seen, in the recursive window: each level's entries lie in
 * a row, and those rows in each other.  Reading it is a page fault where a table
 * above is absent.
 */
static inline const volatile uint64_t *
exo_pte_place(uint64_t va, unsigned level)
{
	const uint64_t slot = EXO_VPT >> 39 & 511;
	uint64_t row = EXO_VPT;

	for (unsigned up = 1; up < level; up++)
		row |= slot << (39 - 9 * up);
	return (const volatile uint64_t *)row + (va << 16 >> (28 + 9 * (level - 1)));
}

/* The first address in [va, end) whose entry at that level (1..4) is present, or end; what is absent above is passed. */
uint64_t exo_pte_next(uint64_t va, uint64_t end, unsigned level);

/* The same for pages, behind one that is present: mostly it is the next. */
static inline uint64_t
exo_page_behind(uint64_t va, uint64_t end)
{
	va += EXO_PAGE_BYTES;
	if (va < end && va % (512 * EXO_PAGE_BYTES) && *exo_pte_place(va, 1) & 1)
		return va;
	return exo_pte_next(va, end, 1);
}

#define EXO_PTE_PRESENT  0x001ull
#define EXO_PTE_WRITE    0x002ull
#define EXO_PTE_USER     0x004ull	/* not: hidden */
#define EXO_PTE_ACCESSED 0x020ull
#define EXO_PTE_DIRTY    0x040ull
#define EXO_PTE_NX       (1ull << 63)
#define EXO_PTE_PFN(e)   (((e) >> 12) & 0xfffffffffull)
#define EXO_PTE_SOFT(e)  (((e) >> 9) & 7)

static inline uint64_t
exo_pte(uint64_t va)
{
	return exo_pte_at(va, 1);
}

#endif
