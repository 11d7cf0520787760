/* SPDX-License-Identifier: ISC */
/*
 * Pages of the library that come when they are touched: transient buffers
 * (exos.h, TRANSIENT) and all of a stack but its first pages.
 *
 * Who touches one may be in the middle of anything but this: a fault is served
 * on the stack of the next depth, and takes no more there than those pages of
 * it that are always there.  So nothing here may touch a transient buffer.
 */
#include <exo/read.h>
#include "exos.h"
#include "header.h"

#define PAGE EXO_PAGE_BYTES
#define RW (EXO_MAP_READ | EXO_MAP_WRITE)
#define KILL 9

extern char exos_transient[] __attribute__((visibility("hidden")));
extern char exos_transient_end[] __attribute__((visibility("hidden")));
extern const struct exos_header exos_header;

static bool
in_thread_stack(u64 va)
{
	u64 below = EXOS_THREAD_STRIDE - va % EXOS_THREAD_STRIDE;

	return va >= (u64)AT(char, EXOS_THREADS) && va < (u64)AT(char, EXOS_ARGUMENTS) &&
		below <= (1 + exos_header.stack_pages[0]) * PAGE;
}

static bool
in_stack(u64 va)
{
	u64 depth = (va - (u64)AT(char, EXOS_STACKS)) / EXOS_STACK_STRIDE;
	u64 below = EXOS_STACK_STRIDE - va % EXOS_STACK_STRIDE;

	return depth < EXOS_STACK_DEPTHS && below <= exos_header.stack_pages[depth] * PAGE;
}

static bool
in_act_stack(u64 va)
{
	const u64 at = (va - (u64)AT(char, EXOS_ACTS)) % EXOS_ACT_STRIDE;
	const u64 depth = (at - (EXOS_STACKS - EXOS_UAREA)) / EXOS_STACK_STRIDE;
	const u64 below = EXOS_STACK_STRIDE - va % EXOS_STACK_STRIDE;

	return va >= (u64)AT(char, EXOS_ACTS) &&
		va < (u64)AT(char, EXOS_ACTS + SH_CPUS * EXOS_ACT_STRIDE) &&
		depth < EXOS_STACK_DEPTHS && below <= exos_header.stack_pages[depth] * PAGE;
}

bool
lazy_fault(u64 va)
{
	if ((va < (u64)exos_transient || va >= (u64)exos_transient_end) && !in_stack(va) &&
		!in_thread_stack(va) && !in_act_stack(va))
		return false;
	if (page_map_new(va & ~(PAGE - 1), RW))
		exos_die(KILL, "no memory for the library");
	return true;
}

void
lazy_drop(void)
{
	page_unmap((u64)exos_transient, (u64)(exos_transient_end - exos_transient) / PAGE);
}
