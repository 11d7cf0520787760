/* SPDX-License-Identifier: ISC */
/* Linux's signal calls, in terms of proc/signal.h. */
#include "../core/exos.h"
#include "../core/self.h"
#include "../proc/signal.h"
#include "../thread/thread.h"
#include "calls.h"
#include "errno.h"

#define SET_BYTES 8 /* of a signal set */
#define UNCATCHABLE(sig) ((sig) == SIGKILL || (sig) == SIGSTOP)
#define NSEC 1000000000l

enum { SIG_BLOCK_, SIG_UNBLOCK_, SIG_SETMASK_ };

long
sys_rt_sigaction(long number, long new, long old, long bytes)
{
	const int sig = (int)number;
	struct linux_sigaction action;

	if (sig < 1 || sig > SIGNALS || bytes != SET_BYTES || (new &&UNCATCHABLE(sig)))
		return -EINVAL;
	if (new &&copy_in(&action, (u64) new, sizeof(action)))
		return -EFAULT;
	if (old && copy_out((u64)old, &signals.action[sig], sizeof(action)))
		return -EFAULT;
	if (!new)
		return 0;
	action.mask &= ~(SIG_BIT(SIGKILL) | SIG_BIT(SIGSTOP));
	action.flags &= SA_KNOWN;
	signals.action[sig] = action;
	if (signal_ignored(sig))
		signal_drop(SIG_BIT(sig));
	signal_changed();
	return 0;
}

long
sys_rt_sigprocmask(long what, long new, long old, long bytes)
{
	const int how = (int)what;
	u64 set = 0, before = current->sig.blocked;

	if (bytes != SET_BYTES || (new && (how < SIG_BLOCK_ || how > SIG_SETMASK_)))
		return -EINVAL;
	if (new &&copy_in(&set, (u64) new, sizeof(set)))
		return -EFAULT;
	if (new)
		signal_block(how == SIG_BLOCK_        ? before | set
				: how == SIG_UNBLOCK_ ? before & ~set
						      : set);
	if (old && copy_out((u64)old, &before, sizeof(before)))
		return -EFAULT;
	return 0;
}

long
sys_rt_sigpending(long set, long bytes)
{
	u64 pending;

	if (bytes > SET_BYTES)
		return -EINVAL;
	signal_post_check();
	pending = signals_waiting() & current->sig.blocked;
	return copy_out((u64)set, &pending, (size_t)bytes);
}

long
sys_rt_sigreturn(struct exo_save *regs)
{
	REGS_CALL(regs) = ~0ull;
	if (!sigframe_pop(regs))
		signal_force(SIGSEGV, SI_KERNEL_, 0);
	return (long)regs->rax;
}

long
sys_pause(void)
{
	int error;

	do {
		error = block_on(NULL, 0, 0);
	} while (error == 0);
	return error;
}

long
sys_rt_sigsuspend(struct exo_save *regs)
{
	u64 mask;

	if (regs->rsi != SET_BYTES)
		return -EINVAL;
	if (copy_in(&mask, regs->rdi, sizeof(mask)))
		return -EFAULT;
	current->sig.saved_mask = current->sig.blocked;
	current->sig.mask_saved = true; /* put back after delivery */
	signal_block(mask);
	return sys_pause();
}

/* 0, or why not: taken is taken, even if there is nowhere to tell of it. */
static long
taken(int sig, const struct sig_detail *d, u64 where)
{
	struct linux_siginfo info;

	signal_info(&info, d);
	return where && copy_out(where, &info, sizeof(info)) ? -EFAULT : sig;
}

long
sys_rt_sigtimedwait(long set, long info, long timeout, long bytes)
{
	struct linux_timespec limit = { 0 };
	struct sig_detail d;
	u64 wanted, before = current->sig.blocked, deadline = 0;
	int sig, error = 0;

	if (bytes != SET_BYTES)
		return -EINVAL;
	if (copy_in(&wanted, (u64)set, sizeof(wanted)) ||
		(timeout && copy_in(&limit, (u64)timeout, sizeof(limit))))
		return -EFAULT;
	if (limit.sec < 0 || (u64)limit.nsec >= NSEC)
		return -EINVAL;
	if (timeout && limit.sec < 1l << 32)
		deadline = clock_ns() + (u64)(limit.sec * NSEC + limit.nsec) + 1;
	wanted &= ~(SIG_BIT(SIGKILL) | SIG_BIT(SIGSTOP));
	signal_post_check();
	while ((sig = signal_take(wanted, &d)) == 0 && error == 0) {
		current->sig.blocked = before & ~wanted; /* for the while, and nobody is shown */
		current->sig.awaited = before & wanted;
		error = block_on(NULL, 0, deadline);
		current->sig.blocked = before;
		current->sig.awaited = 0;
		if (error == -EINTR && signals_waiting() & wanted)
			error = 0;
	}
	if (sig)
		return taken(sig, &d, (u64)info);
	return error == -ETIMEDOUT ? -EAGAIN : error;
}

long
sys_sigaltstack(struct exo_save *regs)
{
	struct linux_stack new = { 0 }, old = stack_now(regs->rsp);
	long error = 0;

	if (regs->rdi && copy_in(&new, regs->rdi, sizeof(new)))
		return -EFAULT;
	if (regs->rdi)
		error = stack_change(regs->rsp, &new);
	if (error || !regs->rsi)
		return error;
	return copy_out(regs->rsi, &old, sizeof(old));
}

/* ---- sending ------------------------------------------------------------------------ */

static long
send_self(const struct sig_detail *d)
{
	/* SIGKILL and SIGSTOP are the server's */
	if (UNCATCHABLE(d->signo))
		return server_call(OP_KILL, PROC->pid, (u64)d->signo, KILL_ANY, 0, 0, NULL);
	if (d->signo == 0)
		return 0;
	signal_post_check(); /* what came before is before it */
	return signal_arrived(d);
}

/* There is no such signal; that there is nobody to get it would come first. */
static long
nobody(int pid, u64 how)
{
	return server_call(OP_KILL, (u64)(long)pid, 0, how, 0, 0, NULL) == -ESRCH ? -ESRCH
										  : -EINVAL;
}

long
sys_kill(long target, long number)
{
	const int pid = (int)target, sig = (int)number;
	struct sig_detail d;

	if (sig < 0 || sig > SIGNALS)
		return nobody(pid, KILL_ANY);
	if (pid != (int)PROC->pid)
		return server_call(OP_KILL, (u64)(long)pid, (u64)sig, KILL_ANY, 0, 0, NULL);
	d = signal_own(sig, SI_USER_);
	return send_self(&d);
}

/* pid: of the process that the thread has to be of; 0: any. */
static long
kill_thread(int pid, int tid, int sig)
{
	struct sig_detail d;

	if (tid <= 0)
		return -EINVAL;
	if (pid && pid != (int)PROC->pid && thread_find((u32)tid))
		return -ESRCH;
	if (sig < 0 || sig > SIGNALS)
		return thread_find((u32)tid) ? -EINVAL : nobody(tid, KILL_THREAD);
	if (!thread_find((u32)tid))
		return server_call(OP_KILL, (u64)tid, (u64)sig, KILL_THREAD, (u64)pid, 0, NULL);
	d = signal_own(sig, SI_TKILL_);
	d.directed = (u32)tid;
	return send_self(&d);
}

long
sys_tkill(long tid, long sig)
{
	return kill_thread(0, (int)tid, (int)sig);
}

long
sys_tgkill(long pid, long tid, long sig)
{
	return (int)pid <= 0 ? -EINVAL : kill_thread((int)pid, (int)tid, (int)sig);
}

/*
 * With details of the sender's own making; to others only such as say that a
 * program made them.  tid: the thread that it is for, 0: the process.
 */
static long
queue_info(int pid, int tid, int sig, u64 info)
{
	const bool own = pid == (int)PROC->pid;
	struct sig_detail d;

	if (copy_in(&d, info, sizeof(d)))
		return -EFAULT;
	d.signo = sig;
	d.directed = (u32)tid;
	if ((d.code >= 0 || d.code == SI_TKILL_) && !own)
		return -EPERM;
	if (sig < 0 || sig > SIGNALS)
		return -EINVAL;
	if (own)
		return tid && !thread_find((u32)tid) ? -ESRCH : send_self(&d);
	if (pid <= 0)
		return -ESRCH;
	memcpy(COMM, &d, sizeof(d));
	return server_call(OP_KILL, (u64)(tid ? tid : pid), (u64)sig,
		tid ? KILL_THREAD_QUEUE : KILL_QUEUE, tid ? (u64)pid : 0, 0, NULL);
}

long
sys_rt_sigqueueinfo(long pid, long sig, long info)
{
	return queue_info((int)pid, 0, (int)sig, (u64)info);
}

long
sys_rt_tgsigqueueinfo(long pid, long tid, long sig, long info)
{
	if ((int)pid <= 0 || (int)tid <= 0)
		return -EINVAL;
	return queue_info((int)pid, (int)tid, (int)sig, (u64)info);
}
