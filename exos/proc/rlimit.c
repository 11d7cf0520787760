/* SPDX-License-Identifier: ISC */
/*
 * Resource limits: kept by the process itself, inherited by fork and exec as
 * all its state is.  They protect a program from itself and no one else; what
 * protects others is the account's limit, which the kernel enforces.
 */
#include "../core/self.h"
#include "../fd/file.h"
#include "../vm/vm.h"
#include "../linux/calls.h"
#include "../linux/errno.h"
#include "rlimit.h"

#define NONE LIMIT_NONE

/* Soft and hard; what cannot be passed is the hard limit at the start. */
static u64 limits[LIMITS][2] = {
	[LIMIT_CPU] = { NONE, NONE },
	[LIMIT_FSIZE] = { NONE, NONE },
	[LIMIT_DATA] = { NONE, NONE },
	[LIMIT_STACK] = { VM_STACK_BYTES, NONE },
	[LIMIT_CORE] = { 0, 0 },
	[LIMIT_RSS] = { NONE, NONE },
	[LIMIT_NPROC] = { SH_PROCS, SH_PROCS },
	[LIMIT_NOFILE] = { 1024, FD_MAX },
	[LIMIT_MEMLOCK] = { 8ull << 20, 8ull << 20 },
	[LIMIT_AS] = { NONE, NONE },
	[LIMIT_LOCKS] = { NONE, NONE },
	[LIMIT_SIGPENDING] = { 512, 512 },
	[LIMIT_MSGQUEUE] = { 0, 0 },
	[LIMIT_NICE] = { 0, 0 },
	[LIMIT_RTPRIO] = { 0, 0 },
	[LIMIT_RTTIME] = { NONE, NONE },
};

/*
 * Which of them mean anything when lowered: those that are looked at
 * (LIMIT_NOFILE by descriptors, LIMIT_NPROC by fork, LIMIT_FSIZE by write), and
 * those that cannot be exceeded here: no core is written, nothing is resident
 * or locked by order.
 */
#define HONOURED                                                                                   \
	(1u << LIMIT_NOFILE | 1u << LIMIT_NPROC | 1u << LIMIT_FSIZE | 1u << LIMIT_CORE |           \
		1u << LIMIT_RSS | 1u << LIMIT_MEMLOCK | 1u << LIMIT_SIGPENDING |                   \
		1u << LIMIT_AS | 1u << LIMIT_DATA | 1u << LIMIT_STACK)

u64
limit_soft(unsigned which)
{
	return limits[which][0];
}

static long
limit_set(unsigned which, const u64 want[2])
{
	u64 *is = limits[which];

	if (want[0] > want[1])
		return -EINVAL;
	if (want[1] > is[1])
		return -EPERM;
	if (want[0] == is[0] && want[1] == is[1])
		return 0;
	if (!(HONOURED >> which & 1)) {
		exos_log("%s: limit %u cannot be lowered", (const char *)(u64)PROC->name, which);
		return -EPERM;
	}
	is[0] = want[0];
	is[1] = want[1];
	if (which == LIMIT_NOFILE)
		fd_set_limit((int)want[0]);
	return 0;
}

long
sys_prlimit64(long pid, long number, long new, long old)
{
	const unsigned which = (unsigned)number;
	u64 want[2], was[2];

	if ((int)pid && (u32)pid != PROC->pid)
		return proc_find((u32)pid) ? -EPERM : -ESRCH;
	if (which >= LIMITS)
		return -EINVAL;
	if (new && copy_in(want, (u64) new, sizeof(want)))
		return -EFAULT;
	memcpy(was, limits[which], sizeof(was));
	if (new) {
		long error = limit_set(which, want);

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
