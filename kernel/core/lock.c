/* SPDX-License-Identifier: ISC */
/*
 * Spin locks.  Interrupts are off in the kernel, so a lock is never wanted by
 * an interrupt on the CPU that holds it.  The debug kernel keeps, for each
 * CPU, which ranks are held, and stops at the first lock taken out of order.
 */
#include "../cpu/cpu.h"

#if defined(AEGIS_DEBUG)
static u32 held[CPUS_MAX];		/* bit n: a lock of rank n */

static void
rank_taken(const struct lock *l)
{
	u32 *mine = &held[this_cpu()->id];

	if (*mine >> l->rank != 0)
		panic("lock %s taken out of order, held ranks %#x", l->name, *mine);
	*mine |= 1u << l->rank;
}

static void
rank_left(const struct lock *l)
{
	held[this_cpu()->id] &= ~(1u << l->rank);
}

bool
lock_none_held(void)
{
	return held[this_cpu()->id] == 0;
}
#else
static void
rank_taken(const struct lock *l)
{
	(void)l;
}

static void
rank_left(const struct lock *l)
{
	(void)l;
}

bool
lock_none_held(void)
{
	return true;
}
#endif

void NO_TSA
lock_acquire(struct lock *l)
{
	u32 me = this_cpu()->id + 1;

	while (__atomic_exchange_n(&l->word, me, __ATOMIC_ACQUIRE) != 0) {
		if (l->contended != 0xffff)
			l->contended++;
		while (__atomic_load_n(&l->word, __ATOMIC_RELAXED) != 0)
			__builtin_ia32_pause();
	}
	rank_taken(l);
}

void NO_TSA
lock_release(struct lock *l)
{
	rank_left(l);
	__atomic_store_n(&l->word, 0, __ATOMIC_RELEASE);
}
