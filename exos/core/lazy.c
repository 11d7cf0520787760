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
#include "../thread/act.h"
#include "../thread/schedule.h"

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

static u64
drop(u64 start, u64 end)
{
	u64 count = 0;

	for (u64 va = start; (va = exo_pte_next(va, end, 1)) < end; va += PAGE)
		count++;
	if (count)
		page_unmap(start, (end - start) / PAGE);
	return count;
}

void
lazy_drop(void)
{
	drop((u64)exos_transient, (u64)exos_transient_end);
}

/* Of a stack that ends there: below `used`, but for the pages that are always there. */
u64
lazy_trim_stack(u64 end, u64 used, unsigned ready)
{
	const u64 low = end - EXOS_STACK_STRIDE + PAGE, kept = end - ready * PAGE;

	used = used & ~(PAGE - 1);
	return used > low ? drop(low, used < kept ? used : kept) : 0;
}

/* Those of this depth and deeper: nothing waits there.  What this very call needs stays. */
static u64
trim_stacks(void)
{
	const u64 here = (u64)__builtin_frame_address(0), first = (u64)AT(char, EXOS_STACKS);
	unsigned depth = (unsigned)((here - first) / EXOS_STACK_STRIDE);
	u64 count = 0;

	if (here - first < EXOS_STACK_DEPTHS * EXOS_STACK_STRIDE)
		count = lazy_trim_stack(first + (depth + 1) * EXOS_STACK_STRIDE, here - PAGE,
			exos_header.stack_ready[depth]);
	else
		depth = 0;		/* a thread's own */
	while (++depth < EXOS_STACK_DEPTHS) {
		const u64 end = first + (depth + 1) * EXOS_STACK_STRIDE;

		count += lazy_trim_stack(end, end, exos_header.stack_ready[depth]);
	}
	return count;
}

u64
lazy_trim(void)
{
	u64 count = drop((u64)exos_transient, (u64)exos_transient_end);

	if (!acts_many)			/* or others may stand anywhere */
		count += trim_stacks() + threads_trim_stacks();
	return count;
}
