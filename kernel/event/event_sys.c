/* SPDX-License-Identifier: ISC */
/* Calls that post, and that bind interrupt lines. */
#include <kernel/syscalls.h>
#include "event_priv.h"
#include "../cap/cap.h"
#include "../cpu/cpu.h"
#include "../dev/dev.h"
#include "../mem/mem.h"

/* Which of its activations runs its program, only the environment knows: all are told.  False: it has none. */
static bool
post_all(const struct env *env, u64 bits) REQUIRES(env_lock)
{
	bool some = false;

	for (u32 n = 0; n < cpus_count; n++) {	/* bound: CPUS_MAX */
		if (env->act[n] == NULL)
			continue;
		event_post(env->act[n], bits);
		some = true;
	}
	return some;
}

static int
post_to(struct env *self, u64 id, u64 bits, exo_slot key) REQUIRES(env_lock)
{
	struct act *act = act_find(this_cpu(), id);
	int error = 0;
	struct env *env = act != NULL ? act->env : env_find(id, &error);

	if (env == NULL)
		return error;
	mem_acquire();
	error = env_allows(self, key, env, EXO_P);
	mem_release();
	if (error != 0)
		return error;
	return post_all(env, bits) ? 0 : -EXO_EABSENT;
}

/* To itself: what is due is delivered on the way out of this call (arch: trap_due). */
i64
sys_post(struct env *self, u64 id, u64 bits, u64 key)
{
	int error = 0;

	lock_acquire(&env_lock);
	if (id == self->id)
		post_all(self, bits);
	else
		error = post_to(self, id, bits, slot_arg(key));
	lock_release(&env_lock);
	return error;
}

static int
bind_check(const struct env *self, u64 line, u64 id, exo_slot key) REQUIRES(env_lock, dev_lock)
{
	const struct exo_key name = { .len = 2, .rights = EXO_C,
		.name = { EXO_NAME_IRQ, (u8)line } };
	int error, ignored;

	if (line >= IRQ_LINES)
		return -EXO_ERANGE;
	error = name_allows(self, key, &name);
	if (error != 0)
		return error;
	if (id == 0)
		return 0;
	if (env_find(id, &error) == NULL)
		return error;
	if (irq_driven((u32)line) || env_find(irqs[line].env, &ignored) != NULL)
		return -EXO_ETAKEN;
	return 0;
}

i64
sys_irq_bind(struct env *self, u64 line, u64 id, u64 bits, u64 key)
{
	int error;

	lock_acquire(&env_lock);
	lock_acquire(&dev_lock);
	error = bind_check(self, line, id, slot_arg(key));
	/* Unbinding what is a kernel driver's, or nobody's, leaves the line as it is. */
	if (error == 0 && (id != 0 || irqs[line].env != 0)) {
		irqs[line] = (struct irq_binding){ .env = id, .bits = id != 0 ? bits : 0 };
		arch_irq_mask((u32)line, id == 0);
	}
	lock_release(&dev_lock);
	lock_release(&env_lock);
	return error;
}

i64
sys_irq_unmask(struct env *self, u64 line)
{
	int error = -EXO_ERANGE;

	lock_acquire(&dev_lock);
	if (line < IRQ_LINES)
		error = irqs[line].env == self->id ? 0 : -EXO_EOWNER;
	if (error == 0)
		arch_irq_mask((u32)line, false);
	lock_release(&dev_lock);
	return error;
}
