/* SPDX-License-Identifier: ISC */
/* A context that was never entered, made to look as if it had parked (transfer.S has the picture). */
#include <exo/lib.h>

struct parked {
	uint64_t outer, critical;
	uint64_t r15, r14, r13, r12, rbp, rbx;
	uint64_t rip;
	uint64_t caller;		/* nobody: the function does not return */
};
_Static_assert(sizeof(struct parked) % 16 == 0, "the stack is aligned as behind a call");

void
exo_begin_with(struct exo_uarea *u, void *stack_end, void (*function)(void))
{
	struct parked *p = (struct parked *)((uint64_t)stack_end & ~15ull) - 1;

	*p = (struct parked){ .rip = (uint64_t)function };
	((struct exo_lib *)u->library)->parked = (uint64_t)p;
}
