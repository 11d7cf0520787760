/* SPDX-License-Identifier: ISC */
/* Linux's signal calls, in terms of proc/signal.h. */
#include "../core/exos.h"
#include "../core/self.h"
#include "../proc/signal.h"
#include "calls.h"
#include "errno.h"

#define SET_BYTES 8 /* of a signal set */
#define UNCATCHABLE(sig) ((sig) == SIGKILL || (sig) == SIGSTOP)
#define MINSIGSTKSZ_ 2048u
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
	signals.action[sig] = action;
	if (signal_ignored(sig))
		signals.pending &= ~SIG_BIT(sig);
	return 0;
}

long
sys_rt_sigprocmask(long what, long new, long old, long bytes)
{
	const int how = (int)what;
	u64 set = 0, before = signals.blocked;

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
	pending = signals.pending & signals.blocked;
	return copy_out((u64)set, &pending, (size_t)bytes);
}

long
sys_rt_sigreturn(struct exo_save *regs)
{
	REGS_CALL(regs) = ~0ull;
	if (!sigframe_pop(regs)) {
		exos_log("bad signal frame at %lx", regs->rsp);
		proc_exit(SIGSEGV);
	}
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
	signals.saved_mask = signals.blocked;
	signals.mask_saved = true; /* put back after delivery */
	signal_block(mask);
	return sys_pause();
}

long
sys_rt_sigtimedwait(long set, long info, long timeout, long bytes)
{
	struct linux_timespec limit = { 0 };
	struct linux_siginfo out = { 0 };
	u64 wanted, before = signals.blocked, deadline = 0, got;
	int error = 0;

	if (bytes != SET_BYTES)
		return -EINVAL;
	if (copy_in(&wanted, (u64)set, sizeof(wanted)) ||
		(timeout && copy_in(&limit, (u64)timeout, sizeof(limit))))
		return -EFAULT;
	if (timeout)
		deadline = clock_ns() + (u64)(limit.sec * NSEC + limit.nsec) + 1;
	signal_post_check();
	while (!(signals.pending & wanted) && error == 0) {
		signal_block(before & ~wanted);
		error = block_on(NULL, 0, deadline);
		signal_block(before);
	}
	got = signals.pending & wanted;
	if (!got)
		return error == -ETIMEDOUT ? -EAGAIN : error;
	out.signo = __builtin_ctzll(got) + 1;
	out.code = signals.cause[out.signo].code;
	out.child.pid = signals.cause[out.signo].pid;
	signals.pending &= ~SIG_BIT(out.signo);
	if (info && copy_out((u64)info, &out, sizeof(out)))
		return -EFAULT;
	return out.signo;
}

long
sys_sigaltstack(struct exo_save *regs)
{
	struct linux_stack new = { 0 }, old = signals.stack;

	if (!(old.flags & SS_DISABLE_) && on_stack(regs->rsp))
		old.flags |= SS_ONSTACK_;
	if (regs->rdi && copy_in(&new, regs->rdi, sizeof(new)))
		return -EFAULT;
	if (regs->rdi) {
		if (old.flags & SS_ONSTACK_)
			return -EPERM;
		if ((new.flags & ~SS_AUTODISARM_) > SS_DISABLE_)
			return -EINVAL;
		if (!(new.flags &SS_DISABLE_) && new.bytes < MINSIGSTKSZ_)
			return -ENOMEM;
		new.flags &= ~SS_ONSTACK_;
		signals.stack = new;
	}
	return regs->rsi ? copy_out(regs->rsi, &old, sizeof(old)) : 0;
}

/* ---- sending ------------------------------------------------------------------------ */

static long
send_self(int sig, int code)
{
	const struct cause cause = { .code = code, .pid = PROC->pid };

	/* SIGKILL and SIGSTOP are the server's */
	if (UNCATCHABLE(sig))
		return server_call(OP_KILL, PROC->pid, (u64)sig, 0, 0, 0, NULL);
	if (sig)
		signal_raise_cause(sig, &cause);
	return 0;
}

long
sys_kill(long target, long number)
{
	const int pid = (int)target, sig = (int)number;

	if (sig < 0 || sig > SIGNALS)
		return -EINVAL;
	if (pid == (int)PROC->pid)
		return send_self(sig, SI_USER_);
	return server_call(OP_KILL, (u64)(long)pid, (u64)sig, 0, 0, 0, NULL);
}

/* One thread each: the thread is the process. */
long
sys_tkill(long target, long number)
{
	const int tid = (int)target, sig = (int)number;

	if (tid <= 0 || sig < 0 || sig > SIGNALS)
		return -EINVAL;
	if (tid == (int)PROC->pid)
		return send_self(sig, SI_TKILL_);
	return server_call(OP_KILL, (u64)tid, (u64)sig, 0, 0, 0, NULL);
}

long
sys_tgkill(long pid, long tid, long sig)
{
	if ((int)pid <= 0)
		return -EINVAL;
	return (int)pid == (int)tid ? sys_tkill(tid, sig) : -ESRCH;
}
