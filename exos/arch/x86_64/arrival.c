/* SPDX-License-Identifier: ISC */
/* What park.S has for a process that moves between CPUs, and what it takes for granted. */
#include "arch.h"
#include "stacks.h"

extern const char exos_arrivals[] __attribute__((visibility("hidden")));
_Static_assert(offsetof(struct sh_proc, cpu) == PROC_CPU, "in park.S");

u64
exos_arrival(u32 cpu)
{
	return (u64)exos_arrivals + ((u64)cpu << ARRIVAL_SHIFT);
}
