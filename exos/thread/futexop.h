/* SPDX-License-Identifier: ISC */
/* The bits of futex words, and the little language of FUTEX_WAKE_OP: pure. */
#ifndef EXOS_FUTEXOP_H
#define EXOS_FUTEXOP_H

#include <stdbool.h>
#include <stdint.h>

#define FUTEX_WAITERS    0x80000000u
#define FUTEX_OWNER_DIED 0x40000000u
#define FUTEX_TID        0x3fffffffu

/* ---- lists of robust locks: for the library, and for the server where that does not come to it ---- */
#define ROBUST_PI 1ull			/* bit of an entry's address: it knows its owner */

struct robust_head {			/* in the program's memory */
	uint64_t first;			/* of a ring that ends at the head */
	int64_t offset;			/* from an entry to its word */
	uint64_t pending;		/* being taken or given back: 0, or an entry */
};

struct robust_thread {			/* in the library's: how struct thread begins */
	uint64_t next;			/* 0: the last */
	uint64_t robust;		/* head of the list of locks that it holds; 0 */
	uint32_t tid;
};

/* op: shift 31, operation 30..28, comparison 27..24, its argument 23..12, the comparison's 11..0. */
static inline uint32_t
futexop_argument(uint32_t twelve)
{
	return (uint32_t)((int32_t)(twelve << 20) >> 20);	/* signed */
}

/* Linux finds a comparison that there is not after the operation. */
static inline bool
futexop_compares(uint32_t op)
{
	return (op >> 24 & 15) <= 5;
}

/* What the word becomes; false: no such operation. */
static inline bool
futexop_apply(uint32_t op, uint32_t old, uint32_t *new)
{
	uint32_t argument = futexop_argument(op >> 12 & 0xfff);

	if (op >> 31)
		argument = 1u << (argument & 31);
	switch (op >> 28 & 7) {
	case 0: *new = argument; break;
	case 1: *new = old + argument; break;
	case 2: *new = old | argument; break;
	case 3: *new = old & ~argument; break;
	case 4: *new = old ^ argument; break;
	default: return false;
	}
	return true;
}

static inline bool
futexop_holds(uint32_t op, uint32_t old)
{
	const int32_t a = (int32_t)old, b = (int32_t)futexop_argument(op & 0xfff);

	switch (op >> 24 & 15) {
	case 0: return a == b;
	case 1: return a != b;
	case 2: return a < b;
	case 3: return a <= b;
	case 4: return a > b;
	default: return a >= b;
	}
}

#endif
