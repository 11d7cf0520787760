/* SPDX-License-Identifier: ISC */
/* Invariants of interrupt bindings. */
#include "event_priv.h"
#include "../dev/dev.h"

/* A line is a kernel driver's or an environment's, and the latter is still in the table. */
static bool
inv_line(u32 line, exo_envid owner)
{
	return owner == 0 ||
		(!irq_driven(line) && envs[EXO_ENV_SLOT(owner)].id == owner);
}

void
event_check(void)
{
	lock_acquire(&dev_lock);
	for (u32 line = 0; line < IRQ_LINES; line++)
		must(inv_line(line, irqs[line].env));
	lock_release(&dev_lock);
}
