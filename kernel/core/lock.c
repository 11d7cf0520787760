/* SPDX-License-Identifier: ISC */
/*
 * Spin locks.  Interrupts are off in the kernel, so a lock is never wanted by
 * an interrupt on the CPU that holds it.  The debug kernel keeps, for each
 * CPU, which ranks are held, and stops at the first lock taken out of order.
 */
#include "../cpu/cpu.h"

/* Who holds it may wait for this CPU to forget translations. */
void NO_TSA
lock_spin(u32 *word, u32 which)
{
	struct cpu *cpu = this_cpu();
	u64 begin = now_ns();

	do {
		while (__atomic_load_n(word, __ATOMIC_RELAXED) != 0) {
			cpu_serve(cpu);
			__builtin_ia32_pause();
		}
	} while (__atomic_exchange_n(word, 1, __ATOMIC_ACQUIRE) != 0);
	__atomic_fetch_add(&info->lock_spins[which], 1, __ATOMIC_RELAXED);
	cpu->pub->lock_spins++;
	cpu->pub->lock_wait_ns += now_ns() - begin;
}

/* The parts of mem_lock, each in a cache line of its own. */
static struct part {
	struct lock lock;
} __attribute__((aligned(64))) parts[CPUS_MAX] = { [0 ... CPUS_MAX - 1] = {
	LOCK_INIT("mem, part", RANK_MEM, EXO_LOCK_MEM) } };

void NO_TSA
mem_part_acquire(void)
{
	lock_acquire(&parts[this_cpu()->id].lock);
}

void NO_TSA
mem_part_release(void)
{
	lock_release(&parts[this_cpu()->id].lock);
}

/* mem_lock first: so nobody else takes them all, and their order is nobody's concern. */
void NO_TSA
mem_acquire_all(void)
{
	lock_acquire(&mem_lock);
	for (u32 n = 0; n < cpus_count; n++)
		if (__atomic_exchange_n(&parts[n].lock.word, 1, __ATOMIC_ACQUIRE) != 0)
			lock_spin(&parts[n].lock.word, EXO_LOCK_MEM);
}

void NO_TSA
mem_release_all(void)
{
	for (u32 n = 0; n < cpus_count; n++)
		__atomic_store_n(&parts[n].lock.word, 0, __ATOMIC_RELEASE);
	lock_release(&mem_lock);
}

#if defined(AEGIS_DEBUG)
static u32 held[CPUS_MAX];		/* bit n: a lock of rank n */

void NO_TSA
lock_acquire(struct lock *l)
{
	u32 *mine = &held[this_cpu()->id];

	if (__atomic_exchange_n(&l->word, 1, __ATOMIC_ACQUIRE) != 0)
		lock_spin(&l->word, l->which);
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
