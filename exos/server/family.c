/* SPDX-License-Identifier: ISC */
/*
 * Who belongs to whom: children of the dead, process groups, sessions.
 *
 * A group is orphaned when none of its members has a parent in another group
 * of the session: then there is nobody who could let it go on after a stop, so
 * when that comes about and somebody in it is stopped, it is hung up on.
 */
#include "srv.h"
#include <errno.h>
#include "../linux/abi.h"

static bool
is_alive(const struct proc *p)
{
	return p->sh->state == PROC_RUNNING || p->sh->state == PROC_STOPPED;
}

/* ---- orphaned groups ---------------------------------------------------------------------- */

bool
group_orphaned(uint32_t pgid, const struct proc *without)
{
	for (unsigned i = 0; i < proc_rows; i++) {
		const struct proc *p = &procs[i], *parent;

		if (p == without || !is_alive(p) || p->sh->pgid != pgid)
			continue;
		parent = proc_by_pid(p->sh->ppid);
		if (parent && parent->sh->pid != SERVER_PID && parent->sh->pgid != pgid &&
			parent->sh->sid == p->sh->sid)
			return false;
	}
	return true;
}

static bool
group_stopped(uint32_t pgid)
{
	for (unsigned i = 0; i < proc_rows; i++)
		if (procs[i].sh->state == PROC_STOPPED && procs[i].sh->pgid == pgid)
			return true;
	return false;
}

/* Member's group was held by parent, who may not hold it any longer. */
static void
group_check(const struct proc *member, const struct proc *parent, const struct proc *without)
{
	const uint32_t pgid = member->sh->pgid;

	if (!parent || parent->sh->pgid == pgid || parent->sh->sid != member->sh->sid ||
		!group_stopped(pgid) || !group_orphaned(pgid, without))
		return;
	server_signal_group(pgid, SIGHUP);
	server_signal_group(pgid, SIGCONT);
}

/* ---- children of the dead ------------------------------------------------------------------- */

/* The nearest above that asked for such, else the server, which collects them at once. */
static struct proc *
adopter(const struct proc *dead)
{
	struct proc *p = proc_by_pid(dead->sh->ppid);

	for (unsigned n = 0; n < SH_PROCS && p && p->sh->pid != SERVER_PID; n++) {
		if (is_alive(p) && p->cred->flags & CRED_SUBREAPER)
			return p;
		p = proc_by_pid(p->sh->ppid);
	}
	return &procs[0];
}

static void
adopt(struct proc *c, const struct proc *dead, struct proc *by)
{
	const struct sig_detail d = signal_from((int)c->cred->death_signal, SIG_BY_USER, dead);

	c->sh->ppid = by->sh->pid;
	c->cred->exit_signal = SIGCHLD;
	/* A program that is out of its user's reach by now goes on without who carried for it. */
	c->carried = c->carried && cred_may_signal(dead->cred, c->cred);
	if (is_alive(c) && (c->carried || d.signo == SIGKILL))
		proc_doom(c);		/* not at once: it may have such children, too */
	else if (is_alive(c) && d.signo)
		proc_signal(NULL, c, &d);
	if (c->sh->state == PROC_ZOMBIE)
		parent_tell(c, c->sh->status);
	if (c->sh->state == PROC_ZOMBIE && family_unwanted(c))
		proc_discard(c);
	else
		group_check(c, dead, NULL);
}

/* Another program, with other rights maybe: what the old one wanted to be sent at a child's end is not for it. */
void
family_execs(const struct proc *p)
{
	for (unsigned i = 0; i < proc_rows; i++)
		if (procs[i].sh->ppid == p->sh->pid && procs[i].sh->state != PROC_FREE)
			procs[i].cred->exit_signal = SIGCHLD;
}

void
family_ends(const struct proc *dead)
{
	struct proc *by = adopter(dead);

	group_check(dead, proc_by_pid(dead->sh->ppid), dead);
	for (unsigned i = 0; i < proc_rows; i++) {
		struct proc *c = &procs[i];

		if (c->sh->state == PROC_FREE)
			continue;
		if (c->sh->state == PROC_BUILDING && c->creator == dead->sh->pid)
			proc_discard(c);
		else if (c->sh->ppid == dead->sh->pid)
			adopt(c, dead, by);
	}
}

/* The parent is the server, or says in its public page that it will not ask. */
bool
family_unwanted(const struct proc *p)
{
	const struct proc *parent = proc_by_pid(p->sh->ppid);
	const volatile struct pub *pub;

	if (p->sh->pid == run_pid)
		return false;
	if (!parent || parent->sh->pid == SERVER_PID)
		return true;
	pub = proc_public(parent);
	return p->cred->exit_signal == SIGCHLD && pub && pub->sig_child & PUB_NOCLDWAIT;
}

/* ---- groups and sessions ------------------------------------------------------------------------ */

static bool
group_in_session(uint32_t pgid, uint32_t sid)
{
	for (unsigned i = 0; i < proc_rows; i++)
		if (procs[i].sh->state != PROC_FREE && procs[i].sh->pgid == pgid &&
			procs[i].sh->sid == sid)
			return true;
	return false;
}

long
setpgid_request(struct proc *self, uint32_t pid, uint32_t pgid)
{
	struct proc *p = pid ? proc_by_pid(pid) : self;

	if ((int32_t)pgid < 0)
		return -EINVAL;
	if (!p || p->sh->state == PROC_BUILDING || (p != self && p->sh->ppid != self->sh->pid))
		return -ESRCH;
	if (p != self && p->sh->sid != self->sh->sid)
		return -EPERM;
	if (p != self && p->cred->flags & CRED_EXECD)
		return -EACCES;
	if (p->sh->sid == p->sh->pid)
		return -EPERM;
	if (pgid == 0)
		pgid = p->sh->pid;
	if (pgid != p->sh->pid && !group_in_session(pgid, self->sh->sid))
		return -EPERM;
	p->sh->pgid = pgid;
	return 0;
}

long
setsid_request(struct proc *self)
{
	for (unsigned i = 0; i < proc_rows; i++)
		if (procs[i].sh->state != PROC_FREE && procs[i].sh->pgid == self->sh->pid)
			return -EPERM;
	self->sh->pgid = self->sh->sid = self->sh->pid;
	self->sh->tty = 0;
	return self->sh->pid;
}
