/* SPDX-License-Identifier: ISC */
/*
 * Spin locks.  Interrupts are off in the kernel, so a lock is never wanted by
 * an interrupt on the CPU that holds it.  The debug kernel keeps, for each
 * CPU, which ranks are held, and stops at the first lock taken out of order.
 */
#include "../cpu/cpu.h"

/* Who holds it may wait for this CPU to forget translations. */
void NO_TSA
lock_spin(struct lock *l)
{
	struct cpu *cpu = this_cpu();
	u64 begin = now_ns();

	do {
		while (__atomic_load_n(&l->word, __ATOMIC_RELAXED) != 0) {
			cpu_serve(cpu);
			__builtin_ia32_pause();
		}
	} while (__atomic_exchange_n(&l->word, 1, __ATOMIC_ACQUIRE) != 0);
	__atomic_fetch_add(&info->lock_spins[l->which], 1, __ATOMIC_RELAXED);
	cpu->pub->lock_spins++;
	cpu->pub->lock_wait_ns += now_ns() - begin;
}

#if defined(AEGIS_DEBUG)
static u32 held[CPUS_MAX];		/* bit n: a lock of rank n */

void NO_TSA
lock_acquire(struct lock *l)
{
	u32 *mine = &held[this_cpu()->id];

	if (__atomic_exchange_n(&l->word, 1, __ATOMIC_ACQUIRE) != 0)
		lock_spin(l);
	if (*mine >> l->rank != 0)
		panic("lock %s taken out of order, held ranks %#x", l->name, *mine);
	*mine |= 1u << l->rank;
}

void NO_TSA
lock_release(struct lock *l)
{
	held[this_cpu()->id] &= ~(1u << l->rank);
	__atomic_store_n(&l->word, 0, __ATOMIC_RELEASE);
}

bool
lock_none_held(void)
{
	return held[this_cpu()->id] == 0;
}
#endif
