/* SPDX-License-Identifier: ISC */
/* What number.h says. */
#include "number.h"
#include "../linux/abi.h"

/*
 * The server's blocks, and which of their numbers are unused.  A number should
 * not come back soon: they are given out in order, and before that begins anew
 * another block is asked for, unless so many are unused.
 */
#define RESTING 64u

static u16 block[TID_BLOCKS], unused[TID_BLOCKS];	/* a bit each */
static u32 blocks, spares, next_number;
_Static_assert(TID_BLOCK == 16, "a bit each");

static long
block_get(void)
{
	long number = blocks < TID_BLOCKS ? server_call(OP_TIDS, 0, 0, 0, 0, 0, NULL) : -EAGAIN;

	if (number < 0)
		return number;
	next_number = blocks * TID_BLOCK;
	unused[blocks] = 0xffff;
	block[blocks++] = (u16)(number / TID_BLOCK);
	spares += TID_BLOCK;
	return 0;
}

long
number_take(void)
{
	const bool through = next_number == blocks * TID_BLOCK;
	long error = spares == 0 || (through && spares < RESTING) ? block_get() : 0;
	u32 n;

	if (spares == 0)
		return error;
	do {				/* bound: there is one */
		n = next_number < blocks * TID_BLOCK ? next_number : 0;
		next_number = n + 1;
	} while (!(unused[n / TID_BLOCK] >> n % TID_BLOCK & 1));
	unused[n / TID_BLOCK] &= (u16)~(1u << n % TID_BLOCK);
	spares--;
	return block[n / TID_BLOCK] * (long)TID_BLOCK + n % TID_BLOCK;
}

/* The leader's is the process's. */
void
number_put(u32 tid)
{
	u32 n = 0;

	while (n < blocks && block[n] != tid / TID_BLOCK)
		n++;
	if (n == blocks)
		return;
	unused[n] |= (u16)(1u << tid % TID_BLOCK);
	spares++;
}

void
numbers_forget(void)
{
	blocks = spares = next_number = 0;
}
