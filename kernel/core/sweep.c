/* SPDX-License-Identifier: ISC */
/* The debug kernel looks at all its invariants after every SWEEP_EVERY-th call. */
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
	if (++calls % SWEEP_EVERY != 0)
		return;
	mem_check();
	cap_check();
	env_check();
	cpu_check();
	event_check();
	dev_check();
}
#else
void
sweep(void)
{
}
#endif
