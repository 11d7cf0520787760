/* SPDX-License-Identifier: ISC */
/* From the first prologue to exo_main and to the end. */
#include <exo/lib.h>
#include <exo/archive.h>
#include <exo/read.h>
#include "arch/x86_64/upcall.h"

/* Started by whoever filled in `self`; only boot/init finds it zero. */
void
exo_start_main(void *stacks)
{
	uint64_t self = (uint64_t)exo_uarea();

	if (self == 0)
		self = EXO_BOOT_UAREA;
	exo_upcalls_init((struct exo_uarea *)self, self, stacks);
	exo_critical_leave(0);
	exo_exit(exo_main(exo_start_info()));
}

/* The first program has nobody to report to: its end is the machine's. */
void
exo_exit(int status)
{
	if (!exo_start_info())
		exo_machine_off((uint32_t)status, 0);
	exo_env_destroy(exo_self(), (uint32_t)status, 0);
	__builtin_trap();
}

/* NULL: there are fewer. */
const char *
exo_arg(const struct exo_start *start, uint32_t which)
{
	uint32_t at = 0;

	if (!start || which >= start->argc + start->envc)
		return NULL;
	for (; which; which--) {	/* bound: argc + envc, and the string area */
		while (at < EXO_START_STRINGS && start->strings[at])
			at++;
		at++;
	}
	return at < EXO_START_STRINGS ? &start->strings[at] : NULL;
}
