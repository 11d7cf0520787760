/* SPDX-License-Identifier: ISC */
/*
 * Signals: what came (posted bits become pending ones), who is blocked, what
 * the program wants done.  The frame of a handler is made in sigframe.c; a
 * default action that ends or stops the process goes to the server.
 */
#include "signal.h"
#include "timer.h"
#include "posts.h"
#include "proc.h"
#include "rlimit.h"
#include "../core/self.h"
#include "../thread/act.h"
#include "../vm/pack.h"
#include "../linux/errno.h"

#define UNBLOCKABLE (SIG_BIT(SIGKILL) | SIG_BIT(SIGSTOP))
#define IGNORED_BY_DEFAULT                                                                         \
	(SIG_BIT(SIGCHLD) | SIG_BIT(SIGURG) | SIG_BIT(SIGWINCH) | SIG_BIT(SIGCONT))
#define STOPPING_BY_DEFAULT (SIG_BIT(SIGTSTP) | SIG_BIT(SIGTTIN) | SIG_BIT(SIGTTOU))
#define STOPPING (STOPPING_BY_DEFAULT | SIG_BIT(SIGSTOP))
#define SYNCHRONOUS                                                                                \
	(SIG_BIT(SIGSEGV) | SIG_BIT(SIGBUS) | SIG_BIT(SIGILL) | SIG_BIT(SIGFPE) |                  \
		SIG_BIT(SIGTRAP) | SIG_BIT(SIGSYS))

struct signals signals;

/* ---- what others may see: the public page ------------------------------------------------ */

static void
show_pending(void)
{
	PUB->sig_pending = signals_waiting();
	PUB->sig_held = signals.held;
}

/* The leader is asked first: what it does not block no other thread takes. */
static u64
claimed(const struct thread *t)
{
	return t == thread_leader || thread_leader->state == THREAD_ENDED
		? 0
		: ~thread_leader->sig.blocked;
}

u64
signals_waiting(void)
{
	return signals.queue.set | current->sig.directed.set;
}

u64
signals_due(void)
{
	return (current->sig.directed.set | (signals.queue.set & ~claimed(current))) &
		~current->sig.blocked;
}

static void
drop_from(struct sigqueue *q, u64 which)
{
	signals.held -= q->count;
	sigqueue_drop(q, which);
	signals.held += q->count;
}

void
signal_drop(u64 which)
{
	drop_from(&signals.queue, which);
	for (struct thread *t = thread_first(); t; t = t->next)
		drop_from(&t->sig.directed, which);
	show_pending();
}

/* A thread that waits and does not block it looks up. */
static bool
tell(struct thread *t, int sig)
{
	if (t->state == THREAD_ENDED || t->sig.blocked & SIG_BIT(sig))
		return false;
	thread_ready(t);
	acts_interrupt(t);
	return true;
}

/* Of the process's: the leader, else who runs, else the first that waits and does not block it. */
static void
tell_one_of_all(int sig)
{
	if (tell(thread_leader, sig) || tell(current, sig))
		return;
	for (struct thread *t = thread_first(); t; t = t->next) {
		if (tell(t, sig))
			return;
	}
}

void
signal_thread_ended(struct thread *t)
{
	drop_from(&t->sig.directed, ~0ull);
	for (u64 left = signals.queue.set; left; left &= left - 1)
		tell_one_of_all(__builtin_ctzll(left) + 1);
	show_pending();
}

void
signal_changed(void)
{
	const struct linux_sigaction *child = &signals.action[SIGCHLD];
	u64 ignored = 0, caught = 0;

	for (int sig = 1; sig <= SIGNALS; sig++) {
		u64 handler = signals.action[sig].handler;

		ignored |= handler == SIG_IGN_ ? SIG_BIT(sig) : 0;
		caught |= handler > SIG_IGN_ ? SIG_BIT(sig) : 0;
	}
	PUB->sig_ignored = ignored;
	PUB->sig_caught = caught;
	PUB->sig_child = (child->flags & SA_NOCLDSTOP_ ? PUB_NOCLDSTOP : 0) |
		(child->flags & SA_NOCLDWAIT_ || child->handler == SIG_IGN_ ? PUB_NOCLDWAIT : 0) |
		(child->handler == SIG_IGN_ ? PUB_IGNORED : 0);
}

/* ---- dispositions and masks ---------------------------------------------------------------- */

void
signal_init(void)
{
	current->sig.stack.flags = SS_DISABLE_;
	signal_changed();
}

void
signal_defaults(void)
{
	for (int sig = 1; sig <= SIGNALS; sig++) {
		u64 handler = signals.action[sig].handler == SIG_IGN_ ? SIG_IGN_ : SIG_DFL_;

		signals.action[sig] = (struct linux_sigaction){ .handler = handler };
	}
	signal_changed();
}

void
signal_exec(void)
{
	signal_defaults();
	current->sig.stack = (struct linux_stack){ .flags = SS_DISABLE_ };
	current->sig.mask_saved = false;
	current->sig.trap = (struct trap){ .vector = 0 };
	timer_exec();
}

void
signal_fork_child(void)
{
	signal_drop(~0ull);
	signals.held = 0;
	PUB->sig_blocked = current->sig.blocked;
}

bool
signal_ignored(int sig)
{
	u64 handler = signals.action[sig].handler;

	return handler == SIG_IGN_ || (handler == SIG_DFL_ && SIG_BIT(sig) & IGNORED_BY_DEFAULT);
}

/* What this thread would have taken is another's now. */
static void
tell_of(u64 left)
{
	for (; left; left &= left - 1)
		tell_one_of_all(__builtin_ctzll(left) + 1);
}

void
signal_block(u64 mask)
{
	const u64 before = current->sig.blocked;

	current->sig.blocked = mask & ~UNBLOCKABLE;
	if (current == thread_leader)
		PUB->sig_blocked = current->sig.blocked;
	if (threads_many())
		tell_of(signals.queue.set & mask & ~before);
}

/* ---- arriving -------------------------------------------------------------------------------- */

/* Some calls end by it. */
static void
stopped(void)
{
	signals.stops++;
	for (struct thread *t = thread_first(); t; t = t->next)
		thread_ready(t);
}

int
signal_arrived(const struct sig_detail *d)
{
	struct thread *t = d->directed ? thread_find(d->directed) : NULL;
	const struct thread *first = t ? t : thread_leader;
	struct sigqueue *q = d->directed ? t ? &t->sig.directed : NULL : &signals.queue;
	int error;

	/* SIGCONT and the stopping signals do away with each other. */
	if (d->signo == SIGCONT)
		signal_drop(STOPPING_BY_DEFAULT);
	if (SIG_BIT(d->signo) & STOPPING)
		signal_drop(SIG_BIT(SIGCONT));
	if (d->signo == SIGSTOP)
		stopped();
	/* What is blocked may find another disposition when it no longer is. */
	if (d->signo == SIGSTOP || !q ||
		(signal_ignored(d->signo) &&
			!((first->sig.blocked | first->sig.awaited) & SIG_BIT(d->signo))))
		return 0;
	signals.held -= q->count;
	error = sigqueue_add(q, d, limit_soft(LIMIT_SIGPENDING));
	signals.held += q->count;
	signals.arrivals++;
	show_pending();
	if (t)
		tell(t, d->signo);
	else
		tell_one_of_all(d->signo);
	return error;
}

struct sig_detail
signal_own(int sig, int code)
{
	return (struct sig_detail){ .signo = sig,
		.code = code,
		.word = { PROC->pid | (u64)PROC->uid << 32 } };
}

void
signal_raise(int sig)
{
	struct sig_detail d = signal_own(sig, SI_USER_);

	d.directed = current->tid;
	signal_arrived(&d);
}

void
signal_force(int sig, int code, u64 addr)
{
	const struct sig_detail d = { .signo = sig, .code = code, .directed = current->tid,
		.word = { addr } };

	if (current->sig.blocked & SIG_BIT(sig) || signals.action[sig].handler == SIG_IGN_) {
		signals.action[sig].handler = SIG_DFL_;
		signal_block(current->sig.blocked & ~SIG_BIT(sig));
		signal_changed();
	}
	signal_arrived(&d);
}

/*
 * Until SIGCONT.  What runs meanwhile runs to give memory that is asked for,
 * and nothing may be in its hands.
 */
void
signal_stopped(void)
{
	while (PROC->state == PROC_STOPPED) {
		struct exo_term t[2] = { term_word(&PROC->events, ~0ull, EXO_NE, PROC->events) };

		revoke_check();
		t[1] = revoke_term();
		t[1].flags = EXO_TERM_OR;
		if (PROC->state == PROC_STOPPED)
			park_wait(t, 2, 0);
	}
}

/* What the server holds for us.  It may come with others that we were not told of yet. */
static bool
fetch(void)
{
	struct answer answer = { 0 };
	long count = server_call(OP_SIGINFO, 0, 0, 0, 0, 0, &answer);
	const struct sig_detail *d = (const struct sig_detail *)COMM;

	for (; count > 0; count--, d++) {
		if (d->signo >= 1 && d->signo <= SIGNALS)
			signal_arrived(d);
	}
	for (; answer.rdx; answer.rdx &= answer.rdx - 1) {
		const struct sig_detail bare = { .signo = __builtin_ctzll(answer.rdx) + 1 };

		signal_arrived(&bare);
	}
	/* Stopped, we are nobody to the server; by now we go on. */
	return count >= 0 || count == -EPERM;
}

/* Out of line: each Linux call comes by, and hardly ever is anything posted. */
static __attribute__((noinline)) void
posts_fetch(void)
{
	exo_posted();
	signal_stopped();			/* by somebody on another CPU, or to give memory back */
	acts_check();
	while (PROC->sig_waiting && fetch())
		;
}

void
posts_look(void)
{
	revoke_check();
	if (*(const volatile u64 *)&UAREA->posted)
		posts_fetch();
	timer_check();
}

void
signal_post_check(void)
{
	if (posts_any())
		posts_look();
}

bool
signal_pending(void)
{
	u64 due = signals_due();

	for (; due; due &= due - 1) {
		int sig = __builtin_ctzll(due) + 1;

		if (!signal_ignored(sig) || current->sig.awaited & SIG_BIT(sig))
			return true;
		drop_from(&signals.queue, SIG_BIT(sig));
		drop_from(&current->sig.directed, SIG_BIT(sig));
		show_pending();
	}
	return false;
}

static int
take(u64 own, u64 shared, struct sig_detail *d)
{
	bool directed = current->sig.directed.set & own;
	struct sigqueue *q = directed ? &current->sig.directed : &signals.queue;
	u64 due = q->set & (directed ? own : shared);
	int sig;

	if (due & SYNCHRONOUS)
		due &= SYNCHRONOUS;
	if (due == 0)
		return 0;
	sig = __builtin_ctzll(due) + 1;
	signals.held -= q->count;
	sigqueue_take(q, sig, d);
	signals.held += q->count;
	timer_taken(d);
	show_pending();
	return sig;
}

int
signal_take(u64 set, struct sig_detail *d)
{
	return take(set, set, d);
}

/* ---- delivery ---------------------------------------------------------------------------- */

void
signal_info(struct linux_siginfo *info, const struct sig_detail *d)
{
	_Static_assert(sizeof(*d) <= sizeof(*info), "the details are the beginning of siginfo");
	*info = (struct linux_siginfo){ .signo = 0 };
	memcpy(info, d, sizeof(*d));
	info->pad = 0;
}

/* A handler's frame that the stack has no room for is a fault of its own. */
static void
bad_stack(int sig)
{
	if (sig == SIGSEGV)
		proc_exit(SIGSEGV);
	signal_force(SIGSEGV, SI_KERNEL_, 0);
}

static void
handle(struct exo_save *regs, const struct sig_detail *d)
{
	struct linux_sigaction *action = &signals.action[d->signo];
	const u64 flags = action->flags, handler_mask = action->mask;
	u64 mask = current->sig.mask_saved ? current->sig.saved_mask : current->sig.blocked;

	restart_handled(regs, flags);
	if (!sigframe_push(regs, d, mask)) {
		bad_stack(d->signo);
		return;
	}
	current->sig.mask_saved = false;
	signal_block(current->sig.blocked | handler_mask |
		(flags & SA_NODEFER_ ? 0 : SIG_BIT(d->signo)));
	if (flags & SA_RESETHAND_) {
		action->handler = SIG_DFL_;
		signal_changed();
	}
}

/* Nobody else could have taken it, and it comes before all that waits: straight to its handler. */
void
signal_fault(struct exo_save *regs, int sig, int code, u64 addr)
{
	const struct sig_detail d = { .signo = sig, .code = code, .word = { addr } };
	const u64 elsewhere = current->sig.blocked | signals_waiting();

	if (elsewhere & SIG_BIT(sig) || signals.action[sig].handler <= SIG_IGN_)
		signal_force(sig, code, addr);
	else
		handle(regs, &d);
}

static void
default_action(int sig)
{
	if (!(SIG_BIT(sig) & STOPPING_BY_DEFAULT))
		proc_exit(sig);
	server_call(OP_STOPPED, (u64)sig, 0, 0, 0, 0, NULL);
	signal_stopped();
	signal_post_check();
}

bool
signal_deliver(struct exo_save *regs)
{
	struct sig_detail d;
	bool changed = false;
	int sig;

	while ((sig = take(~current->sig.blocked, ~(current->sig.blocked | claimed(current)),
			&d)) != 0) {
		if (signal_ignored(sig))
			continue;
		changed = true;
		if (signals.action[sig].handler == SIG_DFL_)
			default_action(sig);
		else
			handle(regs, &d);
	}
	restart_unhandled(regs);
	if (current->sig.mask_saved) {
		current->sig.mask_saved = false;
		signal_block(current->sig.saved_mask);
		if (signals_due())
			return signal_deliver(regs);
	}
	return changed;
}
