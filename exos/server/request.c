/* SPDX-License-Identifier: ISC */
/*
 * Requests about processes.  The caller is whoever the kernel says it is;
 * nothing in the message says more about it.
 */
#include "srv.h"
#include <errno.h>

#define CHILD 192u			/* frames for one to begin with, and its account */
#define ROUNDS 4u			/* of looking for memory for a child */

static long
fork_begin(struct proc *parent, struct exo_msg *m)
{
	int error = EAGAIN;
	struct proc *child = NULL;
	bool again = limits_fork(parent);

	if (!again)
		return -error;
	for (unsigned round = 0; again && !child && round < ROUNDS; round++) {
		child = proc_create(parent, parent->sh->pid, parent->sh->pgid, parent->sh->sid,
			&error);
		again = !child && (memory_squeeze_all(parent) || limits_reserve(parent));
	}
	if (!child)
		return again || !memory_waited(CHILD) ? -error : -EBUSY;
	cred_fork(child, parent);
	child->sh->tty = parent->sh->tty;
	__builtin_memcpy(child->sh->name, parent->sh->name, sizeof(child->sh->name));
	m->rdx = child->sh->env;
	m->r8 = child->sh->account;
	return child->sh->pid;
}

/* The child that the caller is building under this pid. */
static struct proc *
building(const struct proc *parent, uint64_t pid)
{
	struct proc *child = proc_by_pid((uint32_t)pid);

	return child && child->sh->state == PROC_BUILDING && child->creator == parent->sh->pid
		? child
		: NULL;
}

static long
fork_done(struct proc *parent, const struct exo_msg *m)
{
	struct proc *child = building(parent, m->rdx);
	int error;

	if (!child)
		return -ESRCH;
	if (m->rbp > 64)
		return -EINVAL;
	child->sh->vforked = m->rbx != 0;
	child->cred->exit_signal = (uint32_t)m->rbp;
	error = holds_inherit(child, parent);
	if (!error)
		error = proc_start(child, m->r8, m->r9);
	if (error)
		proc_discard(child);
	return error;
}

static long
fork_abort(struct proc *parent, uint64_t pid)
{
	struct proc *child = building(parent, pid);

	if (!child)
		return -ESRCH;
	proc_discard(child);
	return 0;
}

/* What a child and its own have used, but for time. */
static void
used_add(struct sh_proc *to, const struct sh_proc *child)
{
	const uint64_t most[2] = { child->most_frames, child->children_most_frames };

	to->children_faults += child->faults + child->children_faults;
	to->children_waits += child->waits + child->children_waits;
	to->children_slices += child->slices + child->children_slices;
	for (unsigned n = 0; n < 2; n++)
		if (most[n] > to->children_most_frames)
			to->children_most_frames = most[n];
}

static long
reap(struct proc *parent, uint64_t pid, struct exo_msg *m)
{
	struct proc *child = proc_by_pid((uint32_t)pid);
	long status;

	if (!child || child->sh->ppid != parent->sh->pid)
		return -ECHILD;
	if (child->sh->state != PROC_ZOMBIE || !proc_reap_now(child))
		return -EAGAIN;
	status = (long)child->sh->status;
	m->rdx = child->sh->run_ns + child->sh->children_ns;
	m->r8 = child->sh->sys_ns + child->sh->children_sys_ns;
	parent->sh->children_ns += m->rdx;
	parent->sh->children_sys_ns += m->r8;
	used_add(parent->sh, child->sh);
	proc_discard(child);
	return status;
}

static long
exit_request(struct proc *self, uint32_t wait_status, uint32_t unstarted)
{
	if (self->sh->pid == run_pid)
		run.unstarted = unstarted;
	proc_end(self, wait_status);
	return 0;
}

static long
setname_request(struct proc *self, const char *comm, bool has_execd)
{
	unsigned n = 0;

	if (has_execd)
		sites_counted(self);
	for (; n < sizeof(self->sh->name) - 1 && comm[n]; n++)
		self->sh->name[n] = comm[n];
	__builtin_memset(self->sh->name + n, 0, sizeof(self->sh->name) - n);
	if (has_execd) {
		self->sh->vforked = 0;
		server_changed();
		family_execs(self);
		cred_apply(self, CRED_EXEC, 0, 0, 0, NULL);
	}
	return 0;
}

static long
hostname_request(const struct proc *p, const struct exo_msg *m, const char *comm)
{
	struct sh_info *sh = server_shared_info();
	char *to = m->rdx ? sh->domainname : sh->hostname;

	if (!cred_can(p->cred, CAP_SYS_ADMIN))
		return -EPERM;
	if (m->r8 > sizeof(sh->hostname))
		return -EINVAL;
	__builtin_memset(to, 0, sizeof(sh->hostname));
	__builtin_memcpy(to, comm, m->r8);
	return 0;
}

/* Only what --trace asked for. */
static long
trace_request(const char *comm, uint64_t bytes)
{
	if (!run.trace)
		return -EPERM;
	return control_trace(comm, bytes < EXO_PAGE_BYTES ? (uint32_t)bytes : 0) ? 0 : -EAGAIN;
}

static long
clock_request(const struct proc *self, uint64_t offset_ns)
{
	if (!cred_can(self->cred, CAP_SYS_TIME))
		return -EPERM;
	server_shared_info()->wall_offset_ns = offset_ns;
	server_told();
	return 0;
}

long
server_proc(struct proc *p, uint32_t op, struct exo_msg *m)
{
	char *comm = (char *)(SRV_COMM + proc_index(p) * EXO_PAGE_BYTES);
	uint64_t a = m->rdx, b = m->r8;

	switch (op) {
	case OP_FORK_BEGIN: return fork_begin(p, m);
	case OP_FORK_DONE: return fork_done(p, m);
	case OP_FORK_ABORT: return fork_abort(p, a);
	case OP_EXIT: return exit_request(p, (uint32_t)a & 0xffff, (uint32_t)b);
	case OP_REAP: return reap(p, a, m);
	case OP_KILL: return kill_request(p, m, comm);
	case OP_SETPGID: return setpgid_request(p, (uint32_t)a, (uint32_t)b);
	case OP_SETSID: return setsid_request(p);
	case OP_STOPPED: proc_stop(p, (int)(a & 0x7f)); return 0;
	case OP_SIGINFO: return signal_fetch(p, m, comm);
	case OP_SETNAME: return setname_request(p, comm, a);
	case OP_MEMORY: return memory_request(p, a, b, m->r9 != 0);
	case OP_EXEC_NATIVE: return spawn_child(p, m, comm);
	case OP_EXEC_SETID: return setid_request(p, m, comm);
	case OP_GIFT: return gift_request(p, m, m);
	case OP_OBJECT_NEW: return object_new(p, a, m);
	case OP_OBJECT_FREE: return object_free(a);
	case OP_CHANGED: server_changed(); return 0;
	case OP_HOLD: return hold_request(p, a, b);
	case OP_PUBLISHED: return published_request(p, a);
	case OP_TUNE: return tune_request(p, a, b, (int64_t)m->r9);
	case OP_LOOK: return look_request(p, a, (exo_slot)b);
	case OP_TRACE: return trace_request(comm, a);
	case OP_CRED: return cred_request(p, m, comm);
	case OP_LIMIT: return limit_request(p, m);
	case OP_PRIORITY: return priority_request(p, m);
	case OP_CLOCK_SET: return clock_request(p, a);
	case OP_TIDS: return tids_request(p);
	case OP_HOSTNAME: return hostname_request(p, m, comm);
	case OP_OFD_NEW: return ofd_new(p, m);
	case OP_OFD_FIND: return ofd_find(p, m);
	case OP_CPU_MORE: return share_more(p);
	case OP_CPU_LESS: return share_less(p, a);
	default: return -ENOSYS;
	}
}
