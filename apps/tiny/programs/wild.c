/* SPDX-License-Identifier: ISC */
/* Tasks that do what they must not: each ends alone, with the code of a fault, or is refused. */
#include "../call.h"

#define UNBOUND 0x10000000ull
#define BEYOND  0xffff800000000000ull

static int64_t
join_new(void (*entry)(uint64_t), uint64_t argument)
{
	int64_t task = tiny_call(TINY_TASK, (uint64_t)entry, argument, 4096);

	return task < 0 ? task : tiny_call(TINY_JOIN, (uint64_t)task, 0, 0);
}

static void
reads(uint64_t address)
{
	tiny_call(TINY_END, *(volatile uint8_t *)address, 0, 0);
}

static void
writes_out(uint64_t address)
{
	tiny_call(TINY_WRITE, address, 64, 0);
	tiny_call(TINY_END, 0, 0, 0);
}

static void
leaps(uint64_t address)
{
	((void (*)(void))address)();
}

static void
deep(uint64_t n)
{
	volatile uint64_t room[64];

	room[0] = n;
	if (n < 1000)			/* more than the stack has room for */
		deep(room[0] + 1);
	room[1] = n;
}

static void
ends(uint64_t code)
{
	tiny_call(TINY_END, code, 0, 0);
}

void
_start(void)
{
	int64_t bad = 0, task;

	bad += join_new(reads, UNBOUND) != TINY_EFAULT;
	bad += join_new(reads, BEYOND) != TINY_EFAULT;
	bad += join_new(writes_out, UNBOUND) != TINY_EFAULT;
	bad += join_new(writes_out, BEYOND) != TINY_EFAULT;
	bad += join_new(leaps, UNBOUND) != TINY_EFAULT;
	bad += join_new(deep, 0) != TINY_EFAULT;
	bad += tiny_call(TINY_TASK, (uint64_t)ends, 0, ~0ull) >= 0;
	bad += tiny_call(TINY_TASK, (uint64_t)ends, 0, 0) >= 0;
	bad += tiny_call(TINY_MEMORY, 0, 0, 0) >= 0;
	bad += tiny_call(TINY_MEMORY, ~0ull, 0, 0) >= 0;
	bad += tiny_call(TINY_FREE, UNBOUND, 0, 0) != TINY_ENONE;
	bad += tiny_call(TINY_JOIN, 0, 0, 0) != TINY_ENONE;
	bad += tiny_call(TINY_JOIN, ~0ull, 0, 0) != TINY_ENONE;
	bad += tiny_call(0x2fff, 0, 0, 0) != -38;
	/* Nothing leaks: many more than there are places, one after the other. */
	for (uint64_t n = 0; n < 1000; n++)
		bad += join_new(ends, n) != (int64_t)n;
	for (task = 0; task >= 0;)
		task = tiny_call(TINY_TASK, (uint64_t)ends, 0, 4096);
	bad += task != TINY_EFULL;
	tiny_call(TINY_END, (uint64_t)bad, 0, 0);
}
