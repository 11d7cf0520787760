/* SPDX-License-Identifier: ISC */
/*
 * Calling the server: a control transfer, so the server works on this
 * process's time.  A server busy with somebody else gets the rest of the slice.
 */
#include "exos.h"
#include "../arch/x86_64/arch.h"
#include "../linux/errno.h"

long
server_call(enum server_op op, u64 a, u64 b, u64 c, u64 d, u64 e, struct answer *answer)
{
	struct exo_msg m;
	long error;

	do {
		m = (struct exo_msg){ .rsi = op, .rdx = a, .r8 = b, .r9 = c, .rbx = d, .rbp = e };
		error = exos_transfer(SHARED->server, &m, 0);
		if (error == -EXO_EBUSY)
			exos_park_to(SHARED->server);
	} while (error == -EXO_EBUSY);
	/* Stopped, by this very call or while it waited: whatever comes next waits for SIGCONT. */
	while (self_proc && self_proc->state == PROC_STOPPED)
		exos_park_to(0);
	if (error)
		return linux_errno(error);
	if (answer)
		*answer = (struct answer){ m.rdx, m.r8, m.r9 };
	return (long)m.rsi;
}
