/* SPDX-License-Identifier: ISC */
/*
 * Resource limits: the server keeps them (sh_cred), who exceeds them is told
 * here, but for NPROC and CPU, which are the server's.  They protect a program
 * from itself; what protects others is the account's limit, which the kernel
 * enforces.
 */
#include "../core/self.h"
#include "../linux/calls.h"
#include "../linux/errno.h"
#include "rlimit.h"

_Static_assert((int)LIMITS == CRED_LIMITS, "limits");

u64
limit_soft(unsigned which)
{
	return CRED->limit[which][0];
}

/* More processes of this user, but for `without`, than it may have, and nobody who may pass that. */
static bool
too_many(unsigned without)
{
	const volatile struct sh_proc *table = proc_table();
	const unsigned rows = proc_rows();
	const u64 can = CRED->effective;
	const u32 uid = CRED->uid[CRED_REAL];
	u64 count = 0;

	if (uid == 0 || can >> CAP_SYS_RESOURCE & 1 || can >> CAP_SYS_ADMIN & 1)
		return false;
	for (unsigned row = 0; row < rows; row++)
		count += table[row].state != PROC_FREE && table[row].uid == uid;
	return count - without > limit_soft(LIMIT_NPROC);
}

static bool exceeded;

void
limit_new_user(void)
{
	exceeded = too_many(1);		/* as Linux counts: this one comes later */
}

/* To become a user who has too many is allowed; to start a program then is not. */
bool
limit_exec(void)
{
	exceeded = exceeded && too_many(0);
	return !exceeded;
}

/* Only by user and capability of both: the server's rule, so that a look is refused as a change is. */
static long
limit_of(long pid, const volatile struct sh_cred **c)
{
	const volatile struct sh_proc *p = (int)pid ? proc_find((u32)pid) : PROC;
	struct sh_cred own, other;

	if (!p)
		return -ESRCH;
	*c = cred_of(p);
	if (p == PROC)
		return 0;
	memcpy(&own, (const void *)(u64)CRED, sizeof(own));
	memcpy(&other, (const void *)(u64)*c, sizeof(other));
	return cred_may_limit(&own, &other) ? 0 : -EPERM;
}

long
sys_prlimit64(long pid, long number, long new, long old)
{
	const unsigned which = (unsigned)number;
	const volatile struct sh_cred *c;
	u64 want[2], was[2];
	long error;

	if (which >= LIMITS)
		return -EINVAL;
	if (new && copy_in(want, (u64) new, sizeof(want)))
		return -EFAULT;
	error = limit_of(pid, &c);
	if (error)
		return error;
	was[0] = c->limit[which][0];
	was[1] = c->limit[which][1];
	if (new && (want[0] != was[0] || want[1] != was[1])) {
		error = server_call(OP_LIMIT, (int)pid ? (u32)pid : PROC->pid, which, want[0],
			want[1], 0, NULL);
		if (error)
			return error;
	}
	return old ? copy_out((u64)old, was, sizeof(was)) : 0;
}

long
sys_getrlimit(long which, long where)
{
	return sys_prlimit64(0, which, 0, where);
}

long
sys_setrlimit(long which, long from)
{
	return sys_prlimit64(0, which, from, 0);
}
