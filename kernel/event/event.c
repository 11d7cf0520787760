/* SPDX-License-Identifier: ISC */
#include "event_priv.h"
#include "../arch/x86_64/arch.h"
#include "../cpu/cpu.h"

struct irq_binding irqs[IRQ_LINES];

void
event_post(struct act *act, u64 bits)
{
	__atomic_fetch_or(&act->ua->posted, bits, __ATOMIC_SEQ_CST);
	/* A parked one is next entered by an upcall, and looks at `posted` there. */
	if (act->state != ACT_PARKED)
		act->event_due = 1;
}

static struct irq_binding
binding_of(u32 line)
{
	struct irq_binding binding;

	lock_acquire(&dev_lock);
	binding = irqs[line];
	lock_release(&dev_lock);
	return binding;
}

bool
event_irq(u32 line)
{
	struct irq_binding binding = binding_of(line);
	struct env *env;
	int error;

	if (binding.env == 0)
		return false;
	arch_irq_mask(line, true);
	trace(EXO_TRACE_IRQ, line, binding.env);
	lock_acquire(&env_lock);
	env = env_find(binding.env, &error);
	if (env != NULL && env->act[0] != NULL)
		event_post(env->act[0], binding.bits);
	lock_release(&env_lock);
	return true;
}

void
event_forget(exo_envid id)
{
	lock_acquire(&dev_lock);
	for (u32 line = 0; line < IRQ_LINES; line++) {
		if (irqs[line].env != id)
			continue;
		irqs[line] = (struct irq_binding){ 0 };
		arch_irq_mask(line, true);
	}
	lock_release(&dev_lock);
}
