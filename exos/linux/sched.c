/* SPDX-License-Identifier: ISC */
/*
 * Priorities and scheduling.  How nice a process is decides how many time
 * slices it has (server/share.c).  The real-time policies are refused, as to
 * anybody without the privilege: slices cannot give what they promise.
 */
#include "../core/self.h"
#include "../thread/act.h"
#include "../proc/rlimit.h"
#include "abi.h"
#include "calls.h"
#include "errno.h"

#define SLICE_NS 5000000l		/* kernel/cpu: a slice */

static const volatile struct sh_proc *
named(long pid)
{
	return (int)pid ? thread_process((u32)pid) : PROC;
}

long
sys_sched_yield(void)
{
	if (!thread_yield(false))
		act_yield();
	return 0;
}

long
sys_getcpu(long cpu, long node, long unused)
{
	const u32 zero = 0;

	(void)unused;
	if (cpu && copy_out((u64)cpu, &UAREA->cpu, sizeof(u32)))
		return -EFAULT;
	return node ? copy_out((u64)node, &zero, sizeof(zero)) : 0;
}

/* ---- nice values ------------------------------------------------------------------------- */

enum { PRIO_PROCESS_, PRIO_PGRP_, PRIO_USER_ };

static bool
is_meant(const volatile struct sh_proc *p, int which, u32 who)
{
	if (p->pid == 0 || p->state == PROC_FREE || p->state == PROC_BUILDING ||
		p->state == PROC_ZOMBIE)
		return false;
	switch (which) {
	case PRIO_PROCESS_: return p == named(who);
	case PRIO_PGRP_: return p->pgid == (who ? who : PROC->pgid);
	default: return p->uid == (who ? who : PROC->uid);
	}
}

/* A thread's priority is its process's. */
static u32
whose(int which, u32 who)
{
	return which == PRIO_PROCESS_ && who && thread_find(who) ? PROC->pid : who;
}

/* Of several the best, in Linux's 1..40. */
long
sys_getpriority(long which, long who)
{
	const volatile struct sh_proc *table = proc_table();
	long best = -ESRCH;

	if ((u32)which > PRIO_USER_)
		return -EINVAL;
	for (unsigned row = 0; row < proc_rows(); row++) {
		const volatile struct sh_proc *p = &table[row];
		long rank;

		if (!is_meant(p, (int)which, (u32)who))
			continue;
		rank = 20 - cred_of(p)->nice;
		best = rank > best ? rank : best;
	}
	return best;
}

long
sys_setpriority(long which, long who, long nice)
{
	if ((u32)which > PRIO_USER_)
		return -EINVAL;
	return server_call(OP_PRIORITY, PRIORITY_NICE, (u32)which, whose((int)which, (u32)who),
		(u32)nice, 0, NULL);
}

/* ---- policies -------------------------------------------------------------------------------- */

enum { OTHER, FIFO, RR, BATCH, IDLE = 5, DEADLINE };
#define FLAG_RESET_ON_FORK 1u		/* of struct sched_attr */
#define KNOWN_FLAGS 0x7fu

static bool
is_policy(u32 policy)
{
	return policy <= DEADLINE && policy != 4;
}

/* policy: with POLICY_FORK_* */
static long
set_policy(long pid, u32 want, int priority)
{
	const u32 policy = want & ~(POLICY_FORK_RESETS | POLICY_FORK_KEEPS);
	const bool real_time = policy == FIFO || policy == RR;

	if ((int)pid < 0 || !is_policy(policy) || policy == DEADLINE ||
		(real_time ? priority < 1 || priority > 99 : priority != 0))
		return -EINVAL;
	if (named(pid) == NULL)
		return -ESRCH;
	if (real_time) {
		exos_log("%s: there is no real-time scheduling", (const char *)(u64)PROC->name);
		return -EPERM;
	}
	return server_call(OP_PRIORITY, PRIORITY_POLICY, PRIO_PROCESS_, (u32)pid, want, 0, NULL);
}

long
sys_sched_setscheduler(long pid, long policy, long param)
{
	int priority;

	if ((int)policy < 0 || !param)
		return -EINVAL;
	if (copy_in(&priority, (u64)param, sizeof(priority)))
		return -EFAULT;
	return set_policy(pid, (u32)policy & ~POLICY_FORK_KEEPS, priority);
}

long
sys_sched_getscheduler(long pid)
{
	const volatile struct sh_proc *p = (int)pid < 0 ? NULL : named(pid);

	if (!p)
		return (int)pid < 0 ? -EINVAL : -ESRCH;
	return (long)(cred_of(p)->policy |
		(cred_of(p)->flags & CRED_FORK_RESETS ? POLICY_FORK_RESETS : 0));
}

long
sys_sched_setparam(long pid, long param)
{
	const volatile struct sh_proc *p = (int)pid < 0 ? NULL : named(pid);
	int priority;

	if (!param || (int)pid < 0)
		return -EINVAL;
	if (copy_in(&priority, (u64)param, sizeof(priority)))
		return -EFAULT;
	return p ? set_policy(pid, cred_of(p)->policy | POLICY_FORK_KEEPS, priority) : -ESRCH;
}

long
sys_sched_getparam(long pid, long param)
{
	const int none = 0;

	if (!param || (int)pid < 0)
		return -EINVAL;
	return named(pid) ? copy_out((u64)param, &none, sizeof(none)) : -ESRCH;
}

long
sys_sched_get_priority_max(long policy)
{
	return !is_policy((u32)policy)                     ? -EINVAL
		: (int)policy == FIFO || (int)policy == RR ? 99
							   : 0;
}

long
sys_sched_get_priority_min(long policy)
{
	return !is_policy((u32)policy) ? -EINVAL : (int)policy == FIFO || (int)policy == RR ? 1 : 0;
}

long
sys_sched_rr_get_interval(long pid, long where)
{
	const struct linux_timespec slice = { 0, SLICE_NS };

	if ((int)pid < 0)
		return -EINVAL;
	return named(pid) ? copy_out((u64)where, &slice, sizeof(slice)) : -ESRCH;
}

struct linux_sched_attr {
	u32 size, policy;
	u64 flags;
	int nice;
	u32 priority;
	u64 runtime, deadline, period;
};
_Static_assert(sizeof(struct linux_sched_attr) == 48, "struct sched_attr");

long
sys_sched_getattr(long pid, long where, long bytes, long flags)
{
	const volatile struct sh_proc *p = (int)pid < 0 ? NULL : named(pid);
	struct linux_sched_attr a = { .size = sizeof(a) };

	if (!where || (int)pid < 0 || flags || (u32)bytes < sizeof(a) ||
		(u32)bytes > EXO_PAGE_BYTES)
		return -EINVAL;
	if (!p)
		return -ESRCH;
	a.policy = cred_of(p)->policy;
	a.nice = cred_of(p)->nice;
	a.flags = cred_of(p)->flags & CRED_FORK_RESETS ? FLAG_RESET_ON_FORK : 0;
	return copy_out((u64)where, &a, sizeof(a));
}

long
sys_sched_setattr(long pid, long where, long flags)
{
	struct linux_sched_attr a;
	long error;

	if (!where || (int)pid < 0 || flags)
		return -EINVAL;
	if (copy_in(&a, (u64)where, sizeof(a)))
		return -EFAULT;
	if (a.size && a.size < sizeof(a))
		return -EINVAL;
	if (a.flags & ~(u64)KNOWN_FLAGS || a.policy & (POLICY_FORK_RESETS | POLICY_FORK_KEEPS))
		return -EINVAL;
	error = set_policy(pid, a.policy | (a.flags & FLAG_RESET_ON_FORK ? POLICY_FORK_RESETS : 0),
		(int)a.priority);
	if (error || (a.policy != OTHER && a.policy != BATCH))
		return error;
	error = sys_setpriority(PRIO_PROCESS_, pid, a.nice);
	return error == -EACCES ? -EPERM : error;
}

/* ---- which processors --------------------------------------------------------------------------- */

#define MASK_BYTES 8u			/* of a kernel for at most 64 CPUs */

static u64
online(void)
{
	const u64 cpus = SHARED->cpus;

	return cpus < 64 ? (1ull << cpus) - 1 : ~0ull;
}

long
sys_sched_getaffinity(long pid, long bytes, long where)
{
	const volatile struct sh_proc *p;
	u64 mask;

	if ((u64)bytes < MASK_BYTES || bytes % 8)
		return -EINVAL;
	p = named(pid);
	if (p == NULL)
		return -ESRCH;
	mask = cred_of(p)->cpus ? cred_of(p)->cpus & online() : online();
	return copy_out((u64)where, &mask, sizeof(mask)) ? -EFAULT : (long)MASK_BYTES;
}

/* Who asks for itself is there when this returns; another goes when it next leaves its library. */
long
sys_sched_setaffinity(long pid, long bytes, long where)
{
	const u64 size = (u64)bytes < MASK_BYTES ? (u64)bytes : MASK_BYTES;
	const volatile struct sh_proc *p;
	u64 mask = 0;
	long error;

	if (size && copy_in(&mask, (u64)where, size))
		return -EFAULT;
	p = named(pid);
	if (!p)
		return -ESRCH;
	mask &= online();
	error = server_call(OP_PRIORITY, PRIORITY_CPUS, PRIO_PROCESS_, p->pid, mask, 0, NULL);
	acts_check();
	return error;
}

/* ---- the order of input and output: kept, but there is no device that it would matter to ---------- */

#define IOPRIO_CLASS(value) ((u32)(value) >> 13)
enum { IOPRIO_NONE, IOPRIO_RT, IOPRIO_BE, IOPRIO_IDLE };

long
sys_ioprio_set(long which, long who, long value)
{
	const u32 class = IOPRIO_CLASS(value), level = (u32)value & 7;
	const u64 rank = CRED->effective;

	if (class == IOPRIO_RT && !(rank >> CAP_SYS_ADMIN & 1) && !(rank >> CAP_SYS_NICE & 1))
		return -EPERM;
	if (class > IOPRIO_IDLE || (class == IOPRIO_NONE && level) || (int)which < 1 ||
		(int)which > 3)
		return -EINVAL;
	return server_call(OP_PRIORITY, PRIORITY_IO, (u32)which - 1, (u32)who, (u32)value, 0, NULL);
}

/* Of several the best; 0: nobody has set any. */
long
sys_ioprio_get(long which, long who)
{
	const volatile struct sh_proc *table = proc_table();
	long best = -ESRCH;

	if ((int)which < 1 || (int)which > 3)
		return -EINVAL;
	for (unsigned row = 0; row < proc_rows(); row++) {
		const volatile struct sh_proc *p = &table[row];
		u32 is;

		if (!is_meant(p, (int)which - 1, (u32)who))
			continue;
		is = cred_of(p)->ioprio;
		best = best <= 0 || (is && is < best) ? (long)is : best;
	}
	return best;
}

/* ---- personality --------------------------------------------------------------------------------- */

#define PERSONALITY_ASK 0xffffffffu

long
sys_personality(long which)
{
	const long was = CRED->personality;

	if ((u32)which != PERSONALITY_ASK)
		cred_ask(CRED_PERSONA, (u32)which, 0, 0, NULL);
	return was;
}

/* ---- the kernel's log: the host has it (exo run -v), nothing of it is kept here ------------------------ */

enum { LOG_CLOSE, LOG_OPEN, LOG_READ, LOG_READ_ALL, LOG_SIZE = 10 };

long
sys_syslog(long what, long to, long room)
{
	const bool open_to_all = (int)what == LOG_READ_ALL || (int)what == LOG_SIZE;

	if (!open_to_all && !(CRED->effective >> CAP_SYSLOG & 1))
		return -EPERM;
	if ((int)what < LOG_CLOSE || (int)what > LOG_SIZE)
		return -EINVAL;
	if (((int)what == LOG_READ || (int)what == LOG_READ_ALL) && (!to || (int)room < 0))
		return -EINVAL;
	return 0;
}

/* ---- names of the machine ---------------------------------------------------------------------------- */

static long
set_name(bool domain, u64 from, long bytes)
{
	if (!(CRED->effective >> CAP_SYS_ADMIN & 1))
		return -EPERM;
	if ((int)bytes < 0 || (int)bytes > 64)
		return -EINVAL;
	if (copy_in(COMM, from, (u32)bytes))
		return -EFAULT;
	return server_call(OP_HOSTNAME, domain, (u32)bytes, 0, 0, 0, NULL);
}

long
sys_sethostname(long from, long bytes)
{
	return set_name(false, (u64)from, bytes);
}

long
sys_setdomainname(long from, long bytes)
{
	return set_name(true, (u64)from, bytes);
}
