/* SPDX-License-Identifier: ISC */
/* What the files of event/ share among themselves. */
#ifndef KERNEL_EVENT_PRIV_H
#define KERNEL_EVENT_PRIV_H

#include "event.h"
#include "../arch/x86_64/arch.h"

struct irq_binding {
	exo_envid env;			/* 0: bound to nobody; may be dead by now */
	u64 bits;			/* posted when the line fires */
};

/* Who is told: the activation on this CPU, else the first there is, or NULL. */
struct act *event_target(const struct env *env) REQUIRES(env_lock);

extern struct irq_binding irqs[IRQ_LINES] GUARDED_BY(dev_lock);

#endif
