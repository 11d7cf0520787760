/* SPDX-License-Identifier: ISC */
/*
 * Signals: what came (posted bits become pending ones), who is blocked, what
 * the program wants done.  The frame of a handler is made in sigframe.c; a
 * default action that ends or stops the process goes to the server.
 */
#include "signal.h"
#include "timer.h"
#include "proc.h"
#include "../core/self.h"
#include "../linux/errno.h"

#define UNBLOCKABLE (SIG_BIT(SIGKILL) | SIG_BIT(SIGSTOP))
#define IGNORED_BY_DEFAULT                                                                         \
	(SIG_BIT(SIGCHLD) | SIG_BIT(SIGURG) | SIG_BIT(SIGWINCH) | SIG_BIT(SIGCONT))
#define STOPPING_BY_DEFAULT (SIG_BIT(SIGTSTP) | SIG_BIT(SIGTTIN) | SIG_BIT(SIGTTOU))
#define SYNCHRONOUS                                                                                \
	(SIG_BIT(SIGSEGV) | SIG_BIT(SIGBUS) | SIG_BIT(SIGILL) | SIG_BIT(SIGFPE) | SIG_BIT(SIGTRAP))

struct signals signals;

void
signal_init(void)
{
	signals.stack.flags = SS_DISABLE_;
}

void
signal_exec(void)
{
	for (int sig = 1; sig <= SIGNALS; sig++) {
		u64 handler = signals.action[sig].handler == SIG_IGN_ ? SIG_IGN_ : SIG_DFL_;

		signals.action[sig] = (struct linux_sigaction){ .handler = handler };
	}
	signals.stack = (struct linux_stack){ .flags = SS_DISABLE_ };
	signals.mask_saved = false;
}

bool
signal_ignored(int sig)
{
	u64 handler = signals.action[sig].handler;

	return handler == SIG_IGN_ || (handler == SIG_DFL_ && SIG_BIT(sig) & IGNORED_BY_DEFAULT);
}

void
signal_block(u64 mask)
{
	signals.blocked = mask & ~UNBLOCKABLE;
}

void
signal_raise_cause(int sig, const struct cause *cause)
{
	signals.pending |= SIG_BIT(sig);
	signals.cause[sig] = *cause;
}

void
signal_raise(int sig)
{
	const struct cause cause = { .code = SI_USER_, .pid = PROC->pid };

	signal_raise_cause(sig, &cause);
}

void
signal_force(int sig, int code, u64 addr)
{
	const struct cause cause = { .code = code, .addr = addr };

	if (signals.blocked & SIG_BIT(sig) || signals.action[sig].handler == SIG_IGN_) {
		signals.action[sig].handler = SIG_DFL_;
		signals.blocked &= ~SIG_BIT(sig);
	}
	signal_raise_cause(sig, &cause);
}

/* What SIGCONT and the stopping signals do to each other while pending. */
static void
cancel_opposites(u64 arrived)
{
	if (arrived & SIG_BIT(SIGCONT))
		signals.pending &= ~STOPPING_BY_DEFAULT;
	if (arrived & STOPPING_BY_DEFAULT)
		signals.pending &= ~SIG_BIT(SIGCONT);
}

static void
fetch_posted(void)
{
	u64 arrived = exo_posted();

	cancel_opposites(arrived);
	signals.pending |= arrived;
	for (; arrived; arrived &= arrived - 1)
		signals.cause[__builtin_ctzll(arrived) + 1] = (struct cause){ .code = SI_USER_ };
}

void
signal_post_check(void)
{
	if (*(const volatile u64 *)&UAREA->posted)
		fetch_posted();
	timer_check();
}

bool
signal_pending(void)
{
	u64 due = signals.pending & ~signals.blocked;

	for (int sig = 1; due && sig <= SIGNALS; sig++) {
		if (!(due & SIG_BIT(sig)))
			continue;
		if (!signal_ignored(sig))
			return true;
		signals.pending &= ~SIG_BIT(sig);
	}
	return false;
}

static int
next_signal(void)
{
	u64 due = signals.pending & ~signals.blocked;

	if (due & SYNCHRONOUS)
		due &= SYNCHRONOUS;
	return due ? __builtin_ctzll(due) + 1 : 0;
}

/* ---- calls that a signal interrupted -------------------------------------------------- */

/* These give EINTR whatever the handler's flags say. */
static bool
never_restarted(u64 number)
{
	static const u16 list[] = { 7, 23, 34, 35, 128, 130, 230, 232, 270, 271, 281 };

	for (unsigned n = 0; n < sizeof(list) / sizeof(list[0]); n++) {
		if (list[n] == number)
			return true;
	}
	return false;
}

static void
restart(struct exo_save *regs)
{
	regs->rax = REGS_CALL(regs);
	regs->rip -= 2; /* the syscall instruction */
	REGS_CALL(regs) = ~0ull;
}

static bool
interrupted(const struct exo_save *regs)
{
	return REGS_CALL(regs) != ~0ull && (long)regs->rax == -EINTR;
}

/* ---- delivery ---------------------------------------------------------------------------- */

static void
describe(int sig, struct linux_siginfo *info)
{
	const struct cause *c = &signals.cause[sig];

	*info = (struct linux_siginfo){ .signo = sig, .code = c->code };
	if (SIG_BIT(sig) & SYNCHRONOUS && c->code > 0)
		info->addr = c->addr;
	else if (sig == SIGCHLD)
		child_describe(info);
	else
		info->child.pid = c->pid;
}

static void
handle(struct exo_save *regs, int sig)
{
	struct linux_sigaction *action = &signals.action[sig];
	const u64 flags = action->flags, handler_mask = action->mask;
	u64 mask = signals.mask_saved ? signals.saved_mask : signals.blocked;
	struct linux_siginfo info;

	if (interrupted(regs) && flags & SA_RESTART_ && !never_restarted(REGS_CALL(regs)))
		restart(regs);
	describe(sig, &info);
	if (!sigframe_push(regs, sig, &info, mask))
		proc_exit(SIGSEGV);
	REGS_CALL(regs) = ~0ull;
	signals.mask_saved = false;
	signal_block(signals.blocked | handler_mask | (flags & SA_NODEFER_ ? 0 : SIG_BIT(sig)));
	if (flags & SA_RESETHAND_)
		action->handler = SIG_DFL_;
}

static void
default_action(struct exo_save *regs, int sig)
{
	if (!(SIG_BIT(sig) & STOPPING_BY_DEFAULT))
		proc_exit(sig);
	server_call(OP_STOPPED, (u64)sig, 0, 0, 0, 0, NULL);
	/* Stopped: the slice is gone until SIGCONT gives one back. */
	park_yield(0);
	if (interrupted(regs))
		restart(regs);
}

bool
signal_deliver(struct exo_save *regs)
{
	bool changed = false;
	int sig;

	while ((sig = next_signal()) != 0) {
		signals.pending &= ~SIG_BIT(sig);
		if (signal_ignored(sig))
			continue;
		changed = true;
		if (signals.action[sig].handler == SIG_DFL_)
			default_action(regs, sig);
		else
			handle(regs, sig);
	}
	if (signals.mask_saved) {
		signals.mask_saved = false;
		signals.blocked = signals.saved_mask;
		if (signals.pending & ~signals.blocked)
			return signal_deliver(regs);
	}
	return changed;
}
