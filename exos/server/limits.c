/* SPDX-License-Identifier: ISC */
/*
 * Limits and priorities, one's own and others': who may set them, and those
 * that the server enforces itself: processes of a user (fork), processor time.
 */
#include "srv.h"
#include "undo.h"
#include <errno.h>

#define SEC 1000000000ull
#define SIGXCPU 24
#define SIGKILL 9
#define RLIMIT_CPU 0
#define RLIMIT_NPROC 6
#define RLIMIT_NICE 13
#define FOR_ROOT 32u			/* rows of the process table, and slices: to end what is too much */
#define SCHED_IDLE 5

/* ---- limits ------------------------------------------------------------------------------ */

static bool cpu_limits;			/* there may be some */
static uint64_t next_look;

long
limit_request(struct proc *p, const struct exo_msg *m)
{
	const uint64_t want[2] = { m->r9, m->rbx };
	struct proc *to = proc_by_pid((uint32_t)m->rdx);

	if (!to || to->sh->state == PROC_BUILDING || to->sh->pid == SERVER_PID)
		return to ? -EPERM : -ESRCH;
	if (to != p && !cred_may_limit(p->cred, to->cred))
		return -EPERM;
	if (m->r8 == RLIMIT_CPU) {
		cpu_limits = true;
		next_look = 0;
	}
	return cred_limit(to->cred, p->cred, (uint32_t)m->r8, want);
}

/* How many seconds there may be: 0 means 1. */
static uint64_t
seconds_ns(uint64_t limit)
{
	return limit > ~0ull / SEC ? ~0ull : (limit ? limit : 1) * SEC;
}

/* What is left until the next thing happens; 0: nothing will. */
static uint64_t
cpu_check(struct proc *p)
{
	uint64_t *limit = p->cred->limit[RLIMIT_CPU];
	const volatile struct exo_env *e = exo_env(p->sh->env);
	const struct sig_detail over = signal_from(SIGXCPU, SIG_BY_KERNEL, NULL),
				end = signal_from(SIGKILL, SIG_BY_KERNEL, NULL);
	uint64_t soft = seconds_ns(limit[0]), hard = seconds_ns(limit[1]), used = e ? e->run_ns : 0;

	if (soft == ~0ull && hard == ~0ull)
		return 0;
	if (used >= hard) {
		proc_signal(NULL, p, &end);
		return 0;
	}
	if (used >= soft) {
		proc_signal(NULL, p, &over);
		limit[0] = used / SEC + 1;
		soft = seconds_ns(limit[0]);
	}
	return (soft < hard ? soft : hard) - used;
}

/*
 * When users have taken all memory, who may pass limits gets a little of what
 * the server keeps for files, to put an end to that.  It is taken back as soon
 * as there is any left.
 */
#define RESERVE 2048u			/* frames */
#define RESERVE_STEP 256u

static uint64_t lent;

bool
limits_reserve(const struct proc *p)
{
	if (!cred_can(p->cred, CAP_SYS_RESOURCE) || lent >= RESERVE ||
		!limit_move(session_account, RESERVE_STEP))
		return false;
	lent += RESERVE_STEP;
	return true;
}

static void
reserve_return(void)
{
	if (!lent || !limit_move(session_account, -(int64_t)RESERVE_STEP))
		return;
	lent -= RESERVE_STEP;
}

void
limits_poll(void)
{
	uint64_t now = exo_now_ns(), soonest = 0;

	reserve_return();
	if (!cpu_limits || now < next_look)
		return;
	cpu_limits = false;
	for (unsigned i = 0; i < proc_rows; i++) {
		const uint32_t state = procs[i].sh->state;
		uint64_t left = (state == PROC_RUNNING || state == PROC_STOPPED) &&
				procs[i].sh->pid != SERVER_PID
			? cpu_check(&procs[i])
			: 0;

		cpu_limits |= left != 0;
		soonest = left && (!soonest || left < soonest) ? left : soonest;
	}
	next_look = soonest ? now + soonest : 0;
}

/* There is one that the loop does not know of, and it may be waiting for something else. */
bool
limits_due(void)
{
	return cpu_limits && next_look == 0;
}

uint64_t
limits_deadline(void)
{
	return cpu_limits ? next_look | 1 : 0;
}

/* Room for one more of this user's? */
bool
limits_fork(const struct proc *parent)
{
	const struct sh_cred *c = parent->cred;
	unsigned own = 0, rows = SH_PROCS - proc_rows, alive = 0;

	if (cred_can(c, CAP_SYS_RESOURCE) || cred_can(c, CAP_SYS_ADMIN))
		return true;
	for (unsigned i = 0; i < proc_rows; i++) {
		rows += procs[i].sh->state == PROC_FREE;
		alive += procs[i].sh->state != PROC_FREE && procs[i].sh->state != PROC_ZOMBIE;
		own += procs[i].sh->state != PROC_FREE && procs[i].sh->uid == c->uid[CRED_REAL];
	}
	return rows > FOR_ROOT && alive + FOR_ROOT < EXO_SLICES_CPU &&
		(c->uid[CRED_REAL] == 0 || own < c->limit[RLIMIT_NPROC][0]);
}

/* ---- priorities ----------------------------------------------------------------------------- */

enum { BY_PROCESS, BY_GROUP, BY_USER };

static bool
is_meant(const struct proc *self, const struct proc *p, uint64_t which, uint32_t who)
{
	if (p->sh->state == PROC_FREE || p->sh->state == PROC_BUILDING ||
		p->sh->state == PROC_ZOMBIE)
		return false;
	switch (which) {
	case BY_PROCESS: return p->sh->pid == (who ? who : self->sh->pid);
	case BY_GROUP: return p->sh->pgid == (who ? who : self->sh->pgid);
	default: return p->sh->uid == (who ? who : self->sh->uid);
	}
}

static bool
may_be_as_nice(const struct proc *self, const struct proc *p, int nice)
{
	return (uint64_t)(20 - nice) <= p->cred->limit[RLIMIT_NICE][0] ||
		cred_can(self->cred, CAP_SYS_NICE);
}

static int
renice(const struct proc *self, struct proc *p, int nice)
{
	if (!cred_may_renice(self->cred, p->cred))
		return -EPERM;
	if (nice < p->cred->nice && !may_be_as_nice(self, p, nice))
		return -EACCES;
	p->cred->nice = nice;
	return 0;
}

/* The real-time policies are refused before it comes to this. */
static int
reschedule(const struct proc *self, struct proc *p, uint32_t want)
{
	const uint32_t policy = want & ~(POLICY_FORK_RESETS | POLICY_FORK_KEEPS);
	const bool resets = want & POLICY_FORK_KEEPS ? p->cred->flags & CRED_FORK_RESETS
						     : want & POLICY_FORK_RESETS;

	if (!cred_may_renice(self->cred, p->cred) ||
		(policy != 0 && policy != 3 && policy != SCHED_IDLE))
		return -EPERM;
	if (p->cred->policy == SCHED_IDLE && policy != SCHED_IDLE &&
		!may_be_as_nice(self, p, p->cred->nice))
		return -EPERM;
	if (p->cred->flags & CRED_FORK_RESETS && !resets && !cred_can(self->cred, CAP_SYS_NICE))
		return -EPERM;
	p->cred->policy = policy;
	p->cred->flags = (p->cred->flags & ~CRED_FORK_RESETS) | (resets ? CRED_FORK_RESETS : 0);
	return 0;
}

static int
io_class(const struct proc *self, struct proc *p, uint32_t value)
{
	if (!cred_may_renice(self->cred, p->cred))
		return -EPERM;
	p->cred->ioprio = value;
	return 0;
}

static int
affinity(const struct proc *self, struct proc *p, uint32_t cpus)
{
	if (!cred_may_renice(self->cred, p->cred))
		return -EPERM;
	if (!(cpus & share_cpus(0)))
		return -EINVAL;
	p->cred->cpus = cpus;
	share_where(p);
	return 0;
}

static int
prioritize(const struct proc *self, struct proc *p, uint64_t what, uint64_t value)
{
	int nice = (int)(int32_t)value;

	switch (what) {
	case PRIORITY_NICE: return renice(self, p, nice < -20 ? -20 : nice > 19 ? 19 : nice);
	case PRIORITY_POLICY: return reschedule(self, p, (uint32_t)value);
	case PRIORITY_IO: return io_class(self, p, (uint32_t)value);
	case PRIORITY_CPUS: return affinity(self, p, (uint32_t)value);
	default: return -EINVAL;
	}
}

long
priority_request(struct proc *self, const struct exo_msg *m)
{
	long result = -ESRCH;

	for (unsigned i = 0; i < proc_rows; i++) {
		struct proc *p = &procs[i];
		int one;

		if (!is_meant(self, p, m->r8, (uint32_t)m->r9))
			continue;
		one = p->sh->pid == SERVER_PID ? -EPERM : prioritize(self, p, m->rdx, m->rbx);
		if (one || result == -ESRCH)
			result = one;
	}
	share_changed();
	return result;
}

/* ---- what is written to files of /proc ------------------------------------------------------- */

#define OOM_MOST 1000
#define CORE_FILTER 0x1ffu

static int
oom_set(const struct proc *self, struct proc *p, int64_t value)
{
	if (value < -OOM_MOST || value > OOM_MOST)
		return -EINVAL;
	if (value < p->cred->oom_least && !cred_can(self->cred, CAP_SYS_RESOURCE))
		return -EACCES;
	p->cred->oom_adj = (int32_t)value;
	if (cred_can(self->cred, CAP_SYS_RESOURCE))
		p->cred->oom_least = (int32_t)value;
	return 0;
}

long
tune_request(const struct proc *self, uint64_t pid, uint64_t what, int64_t value)
{
	struct proc *p = pid >> 32 ? NULL : proc_by_pid((uint32_t)pid);

	if (!p || !p->cred || p->sh->state == PROC_BUILDING)
		return -ESRCH;
	if (p->sh->pid == SERVER_PID || (p != self && !cred_may_tune(self->cred, p->cred)))
		return -EACCES;
	if (what == TUNE_OOM)
		return oom_set(self, p, value);
	if (what != TUNE_CORE)
		return -EINVAL;
	p->cred->core_filter = (uint32_t)value & CORE_FILTER;
	return 0;
}
