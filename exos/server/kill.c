/* SPDX-License-Identifier: ISC */
/*
 * Who may signal whom, and what the server does itself: SIGKILL, stopping and
 * going on.  All else is queued for the receiver's library (signal.c).
 */
#include "srv.h"
#include <errno.h>
#include "../linux/abi.h"

#define STOPPED(sig) (((uint32_t)(sig) << 8) | 0x7f)
#define CONTINUED 0xffffu
#define TICK_NS 10000000ull		/* of a child's times, in its parent's SIGCHLD */

enum { CLD_EXITED = 1, CLD_KILLED, CLD_DUMPED, CLD_TRAPPED, CLD_STOPPED, CLD_CONTINUED };

struct sig_detail
signal_from(int sig, int code, const struct proc *from)
{
	struct sig_detail d = { .signo = sig, .code = code };

	if (from)
		d.word[0] = from->sh->pid | (uint64_t)from->sh->uid << 32;
	return d;
}

/* ---- a child's parent ---------------------------------------------------------------- */

static struct sig_detail
child_detail(const struct proc *p, uint32_t status)
{
	struct sig_detail d = signal_from(SIGCHLD, CLD_EXITED, p);
	uint32_t sig = status & 0x7f;

	d.word[1] = status >> 8 & 0xff;
	if (status == CONTINUED) {
		d.code = CLD_CONTINUED;
		d.word[1] = SIGCONT;
	} else if (sig == 0x7f) {
		d.code = CLD_STOPPED;
	} else if (sig) {
		d.code = status & 0x80 ? CLD_DUMPED : CLD_KILLED;
		d.word[1] = sig;
	}
	d.word[2] = (p->sh->run_ns - p->sh->sys_ns) / TICK_NS;
	d.word[3] = p->sh->sys_ns / TICK_NS;
	return d;
}

void
parent_tell(struct proc *p, uint32_t status)
{
	struct proc *parent = proc_by_pid(p->sh->ppid);
	const volatile struct pub *pub;
	struct sig_detail d;
	bool end = status != CONTINUED && (status & 0xff) != 0x7f;

	if (!parent || parent->sh->pid == SERVER_PID || parent->sh->state == PROC_ZOMBIE)
		return;
	parent->sh->child_events++;
	server_changed();
	if (!end)
		proc_times(p);
	d = child_detail(p, status);
	pub = proc_public(parent);
	if (end)
		d.signo = (int)p->cred->exit_signal;
	if (d.signo == 0 || (end && pub && pub->sig_child & PUB_IGNORED && d.signo == SIGCHLD))
		return;
	if (d.code < CLD_TRAPPED || !pub || !(pub->sig_child & PUB_NOCLDSTOP))
		signal_queue(parent, &d);
}

/* ---- who may --------------------------------------------------------------------------- */

static bool
may_signal(const struct proc *from, const struct proc *to, int sig)
{
	return from == to || cred_may_signal(from->cred, to->cred) ||
		(sig == SIGCONT && from->sh->sid == to->sh->sid);
}

/* Is this what p carries for, and still within its reach?  It may have become somebody else altogether. */
static bool
carries(const struct proc *p, const struct proc *program, int sig)
{
	return p->carries && program->carried && program->sh->ppid == p->sh->pid &&
		may_signal(p, program, sig);
}

/* ---- stopping and going on ------------------------------------------------------------- */

static void
stop_one(struct proc *p, int sig)
{
	if (p->sh->state != PROC_RUNNING)
		return;
	p->sh->state = PROC_STOPPED;
	p->sh->status = STOPPED(sig);
	p->sh->events++;
	share_take(p);
	share_balance();
	if (p->sh->cpus != 1ull << exo_uarea()->cpu)
		exo_post(p->sh->env, POST_ROW, ROOT_KEY);	/* it may be running there */
	parent_tell(p, p->sh->status);
}

/* Whose program runs elsewhere stops with it; one step, for that may be a long way. */
static void
stop(struct proc *p, int sig)
{
	stop_one(p, sig);
	for (unsigned i = 0; i < proc_rows && p->carries; i++)
		if (carries(p, &procs[i], sig))
			stop_one(&procs[i], sig);
}

/*
 * A process stops itself, by a signal's default action; unless it was told meanwhile to go on,
 * or the signal is a terminal's and nobody is there who could let it go on.
 */
void
proc_stop(struct proc *p, int sig)
{
	if (!signal_queued(p, SIGCONT) &&
		(sig == SIGSTOP || !group_orphaned(p->sh->pgid, NULL)))
		stop(p, sig);
}

static void
cont_one(struct proc *p)
{
	if (p->sh->state != PROC_STOPPED || (!revoke_goes_on(p) && share_give(p)))
		return;
	p->sh->state = PROC_RUNNING;
	share_balance();
	p->sh->status = CONTINUED;
	p->sh->events++;
	parent_tell(p, CONTINUED);
}

static void
cont(struct proc *p)
{
	cont_one(p);
	for (unsigned i = 0; i < proc_rows && p->carries; i++)
		if (carries(p, &procs[i], SIGCONT))
			cont_one(&procs[i]);
}

/* ---- sending ------------------------------------------------------------------------------ */

/* A native program has no dispositions: what would end a Linux program by default ends it. */
static bool
ends_native(int sig)
{
	return sig != SIGCHLD && sig != SIGCONT && sig != SIGTSTP && sig != SIGTTIN &&
		sig != SIGTTOU && sig != SIGURG && sig != SIGWINCH;
}

/* Its parent knows a program by who carries for it: whoever may end both means both. */
static void
end(const struct proc *from, struct proc *to, int sig)
{
	for (unsigned i = 0; i < proc_rows && to->carries; i++)
		if (procs[i].carried && procs[i].sh->ppid == to->sh->pid &&
			(!from || may_signal(from, &procs[i], sig)))
			proc_doom(&procs[i]);
	proc_end(to, (uint32_t)sig);
}

/* from: who asks, NULL: the server itself. */
long
proc_signal(const struct proc *from, struct proc *to, const struct sig_detail *d)
{
	int sig = d->signo;

	if (from && !may_signal(from, to, sig))
		return -EPERM;
	if (sig == 0 || to->sh->state == PROC_ZOMBIE || to->sh->pid == SERVER_PID)
		return 0;
	if (sig == SIGKILL || (to->native && ends_native(sig))) {
		end(from, to, sig);
		return 0;
	}
	if (to->native && (sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU))
		stop(to, sig);
	if (to->native && sig != SIGSTOP && sig != SIGCONT)
		return 0;
	if (sig == SIGCONT)
		cont(to);
	if (sig == SIGSTOP)
		stop(to, sig);
	return to->native ? 0 : signal_queue(to, d);
}

void
server_signal_process(uint32_t pid, int sig)
{
	const struct sig_detail d = signal_from(sig, SIG_BY_KERNEL, NULL);
	struct proc *p = proc_by_pid(pid);

	if (p && p->sh->state != PROC_BUILDING)
		proc_signal(NULL, p, &d);
}

void
server_signal_group(uint32_t pgrp, int sig)
{
	const struct sig_detail d = signal_from(sig, SIG_BY_KERNEL, NULL);

	for (unsigned i = 0; i < proc_rows && pgrp; i++)
		if (procs[i].sh->state != PROC_FREE && procs[i].sh->state != PROC_BUILDING
			&& procs[i].sh->pgid == pgrp)
			proc_signal(NULL, &procs[i], &d);
}

/* kill(2): one, a group (-pgid), the caller's group (0), all but the caller (-1). */
static long
kill_many(struct proc *self, int64_t pid, const struct sig_detail *d)
{
	long result = -ESRCH;
	const unsigned own = proc_index(self);

	for (unsigned n = 1; n <= proc_rows;
		n++) { /* oneself last: the dead may not signal others */
		struct proc *p = &procs[(own + n) % proc_rows];
		uint32_t group = pid == 0 ? self->sh->pgid : (uint32_t)-pid;
		bool meant = pid > 0 ? p->sh->pid == pid
			: pid == -1  ? p != self && p->sh->pid != SERVER_PID
				     : p->sh->pgid == group;
		long one;

		if (!meant || p->sh->state == PROC_FREE || p->sh->state == PROC_BUILDING)
			continue;
		one = proc_signal(self, p, d);
		if (result != 0)
			result = one;
	}
	return result;
}

/* What the sender says of himself in its comm page is his to say, but not that it came from the kernel. */
static int
detail_read(struct sig_detail *d, const char *comm, int sig)
{
	__builtin_memcpy(d, comm, sizeof(*d));
	d->signo = sig;
	return d->code >= 0 || d->code == SIG_BY_TKILL ? -EPERM : 0;
}

long
kill_request(struct proc *self, const struct exo_msg *m, const char *comm)
{
	int64_t pid = (int64_t)m->rdx, sig = (int64_t)m->r8;
	const uint32_t tid = m->r9 == KILL_THREAD || m->r9 == KILL_THREAD_QUEUE ? (uint32_t)pid : 0;
	struct sig_detail d;

	if (sig < 0 || sig > SIG_LAST || m->r9 > KILL_THREAD_QUEUE ||
		(m->r9 != KILL_ANY && pid <= 0))
		return -EINVAL;
	d = signal_from((int)sig, m->r9 == KILL_THREAD ? SIG_BY_TKILL : SIG_BY_USER, self);
	if (m->r9 >= KILL_QUEUE && detail_read(&d, comm, (int)sig))
		return -EPERM;
	d.directed = tid;
	if (pid > 0 && tid_process((uint32_t)pid))
		pid = tid_process(
			(uint32_t)pid); /* kill(2), too, takes a thread's number for its process */
	/* Whoever names a process with the thread means that, or nobody. */
	if (tid && m->rbx && (int64_t)m->rbx != pid)
		return -ESRCH;
	return kill_many(self, pid, &d);
}
