/* SPDX-License-Identifier: ISC */
/* The library stack that the program's calls and faults are served on: the running thread's. */
#include "arch.h"
#include "stacks.h"
#include "../../../libexo/arch/x86_64/offsets.h"

#define KEPT 6u				/* registers that exos_thread_switch keeps */

_Static_assert(UA_STACK_FIRST >= UA_LIB + offsetof(struct exo_lib, spare) &&
		UA_STACK_FIRST < UA_LIB + sizeof(struct exo_lib),
	"a spare word of the library's");

/* The entry finds the stack as behind a call. */
u64
stack_begin(u64 top, void (*entry)(void))
{
	u64 *at = (u64 *)((top & ~15ull) - 16);

	*at = (u64)entry;
	for (unsigned n = 0; n < KEPT; n++)
		*--at = 0;
	return (u64)at;
}

/* The prologue takes one word more (park.S). */
u64
stack_parked(u64 top, void (*entry)(void))
{
	u64 *at = (u64 *)stack_begin(top, entry);

	*--at = 0;
	return (u64)at;
}
