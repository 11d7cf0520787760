/* SPDX-License-Identifier: ISC */
/*
 * The table of kernel calls, made of abi/calls.toml.  entry.S goes through it;
 * those marked special there take all registers (call, acall, return).
 */
#include <kernel/syscalls.h>
#include "core.h"

void entry_special(void);

#define X(nr, name, nargs) [nr] = (void (*)(void))sys_##name,
#define X_SPECIAL(nr, name, nargs) [nr] = entry_special,
void (*const call_table[])(void) = {
#include <kernel/calls.inc>
};

const u64 call_count = sizeof call_table / sizeof call_table[0];

i64
sys_null(struct env *self)
{
	(void)self;
	return 0;
}
