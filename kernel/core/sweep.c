/* SPDX-License-Identifier: ISC */
/* The debug kernel looks at all its invariants after every SWEEP_EVERY-th call, while no other CPU runs. */
#include "../cap/cap.h"
#include "../cpu/cpu.h"
#include "../dev/dev.h"
#include "../event/event.h"
#include "../mem/mem.h"
#include "boot.h"

#define SWEEP_EVERY 64u

#if defined(AEGIS_DEBUG)
static u32 calls;

void
sweep(void)
{
	/* Stopping the others costs more than looking. */
	u32 every = SWEEP_EVERY * cpus_count * cpus_count;

	if (__atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) % every != 0 || !cpus_stop())
		return;
	mem_check();
	cap_check();
	env_check();
	cpu_check();
	event_check();
	dev_check();
	cpus_go();
}
#else
void
sweep(void)
{
}
#endif
