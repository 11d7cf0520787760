/* SPDX-License-Identifier: ISC */
/*
 * Kernel calls by number, made of abi/calls.toml, for where calls are traced
 * or their effects checked; entry.S has the same as stubs, without the table.
 */
#include <kernel/syscalls.h>
#include <exo/callnr.h>
#include "boot.h"

typedef i64 call_fn(struct env *self, u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);

/* Arguments that a call does not have are passed all the same: registers it does not look at. */
#define X(nr, name, nargs) [nr] = (void (*)(void))sys_##name,
static void (*const table[EXO_NR_CALLS])(void) = {
#include <kernel/calls.inc>
};

i64
call_dispatch(struct env *self, u64 nr, const u64 arg[6])
{
	i64 result;

	if (nr >= EXO_NR_CALLS || table[nr] == NULL)
		return -EXO_ENOCALL;
	result = ((call_fn *)table[nr])(self, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]);
	sweep();
	return result;
}

i64
sys_null(struct env *self)
{
	(void)self;
	return 0;
}
