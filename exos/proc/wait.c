/* SPDX-License-Identifier: ISC */
/*
 * Waiting for children: their rows of the process table say what became of
 * them; this process's own row counts their changes, a word to wait on.
 */
#include "proc.h"
#include "signal.h"
#include "times.h"
#include "../core/frames.h"
#include "../core/self.h"
#include "../fd/file.h"
#include "../linux/calls.h"
#include "../linux/errno.h"

#define WNOHANG 1
#define WUNTRACED 2 /* waitid: WSTOPPED */
#define WEXITED 4
#define WCONTINUED 8
#define WNOWAIT 0x01000000
#define WNOTHREAD 0x20000000 /* children of the calling thread: there is one */
#define WALL 0x40000000
#define WCLONE (int)0x80000000 /* children that end with another signal than SIGCHLD, only those */
#define W_AGAIN 0x10000 /* ours: a pidfd that is not to block */
#define W_LINUX (WNOTHREAD | WALL | WCLONE)

#define CONTINUED 0xffffu

enum { CLD_EXITED = 1, CLD_KILLED, CLD_DUMPED, CLD_TRAPPED, CLD_STOPPED, CLD_CONTINUED };
enum { P_ALL, P_PID, P_PGID, P_PIDFD };

struct wanted {
	int kind; /* P_* */
	u32 id;
	int options; /* W* */
};

struct found {
	u32 pid, uid, status;
	u64 run_ns, sys_ns;
	struct used used;
};

/* Stops and continuations are reported once each: the events counter that was reported last, by row. */
static u8 reported[SH_PROCS];

static bool
is_meant(const volatile struct sh_proc *p, const struct wanted *w)
{
	if (p->state == PROC_FREE || p->ppid != PROC->pid || p->pid == 0)
		return false;
	if (!(w->options & WALL) &&
		(cred_of(p)->exit_signal != SIGCHLD) != !!(w->options & WCLONE))
		return false;
	return w->kind == P_ALL || (w->kind == P_PID && p->pid == w->id) ||
		(w->kind == P_PGID && p->pgid == w->id);
}

static bool
news(const volatile struct sh_proc *p, unsigned row, const struct wanted *w)
{
	if (p->state == PROC_ZOMBIE)
		return w->options & WEXITED;
	if ((u8)p->events == reported[row])
		return false;
	if (p->state == PROC_STOPPED)
		return w->options & WUNTRACED;
	return p->state == PROC_RUNNING && p->status == CONTINUED && w->options & WCONTINUED;
}

static long
take(const volatile struct sh_proc *p, unsigned row, const struct wanted *w, struct found *f)
{
	struct answer answer;
	long status;

	*f = (struct found){ .pid = p->pid,
		.uid = p->uid,
		.status = p->status,
		.run_ns = p->run_ns,
		.sys_ns = p->sys_ns };
	used_add(&f->used, used_by(p));
	used_add(&f->used, used_by_children(p));
	if (p->state != PROC_ZOMBIE && exo_env(p->env))
		f->run_ns = exo_env(p->env)->run_ns;
	if (w->options & WNOWAIT)
		return 0;
	if (p->state != PROC_ZOMBIE) {
		reported[row] = (u8)p->events;
		return 0;
	}
	reported[row] = 0;
	do {
		status = server_call(OP_REAP, f->pid, 0, 0, 0, 0, &answer);
	} while (status == -EAGAIN); /* bound: each time some of the child's memory is freed */
	if (status < 0)
		return status;
	frames_reaped();
	f->status = (u32)status;
	f->run_ns = answer.rdx;
	f->sys_ns = answer.r8;
	return 0;
}

/* 1: found, of several the oldest; 0: none yet; -ECHILD; -errno */
static long
look(const struct wanted *w, struct found *f)
{
	const volatile struct sh_proc *table = proc_table(), *oldest = NULL;
	const unsigned rows = proc_rows();
	long result = -ECHILD;

	for (unsigned row = 0; row < rows; row++) {
		if (!is_meant(&table[row], w))
			continue;
		/* Who will not be told of an end waits for nothing any more. */
		if (table[row].state != PROC_ZOMBIE || w->options & WEXITED)
			result = 0;
		if (news(&table[row], row, w) &&
			(!oldest || table[row].start_ns < oldest->start_ns))
			oldest = &table[row];
	}
	if (!oldest)
		return result;
	result = take(oldest, (unsigned)(oldest - table), w, f);
	return result < 0 ? result : 1;
}

static long
wait_for(const struct wanted *w, struct found *f)
{
	for (;;) {
		u64 seen = PROC->child_events;
		long result = look(w, f);
		struct exo_term term;

		if (result || w->options & WNOHANG)
			return result;
		term = term_word(&PROC->child_events, ~0ull, EXO_NE, seen);
		result = block_on(&term, 1, 0);
		if (result == -EINTR) {	/* a child that ended goes before its signal */
			const long found = look(w, f);

			return found ? found : result;
		}
		if (result < 0)
			return result;
	}
}

static int
rusage_out(u64 address, const struct found *f)
{
	u64 use[USE_WORDS] = { 0 };

	used_put(use, f->used);
	times_put(use, f->run_ns > f->sys_ns ? f->run_ns - f->sys_ns : 0, f->sys_ns);
	return address ? copy_out(address, use, sizeof(use)) : 0;
}

long
sys_wait4(long which, long status, long how, long rusage)
{
	const int pid = (int)which, options = (int)how;
	struct wanted w = { .options = options | WEXITED };
	struct found f;
	long result;

	if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | W_LINUX))
		return -EINVAL;
	if (pid == (int)0x80000000)
		return -ESRCH;
	if (pid == 0)
		w.kind = P_PGID, w.id = PROC->pgid;
	else if (pid < -1)
		w.kind = P_PGID, w.id = (u32)-pid;
	else if (pid > 0)
		w.kind = P_PID, w.id = (u32)pid;
	result = wait_for(&w, &f);
	if (result <= 0)
		return result;
	if (status && copy_out((u64)status, &f.status, sizeof(f.status)))
		return -EFAULT;
	return rusage_out((u64)rusage, &f) ? -EFAULT : (long)f.pid;
}

static void
describe(struct linux_siginfo *info, u32 pid, u32 uid, u32 status)
{
	u32 sig = status & 0x7f;

	info->signo = SIGCHLD;
	info->child.pid = pid;
	info->child.uid = uid;
	if (status == CONTINUED)
		info->code = CLD_CONTINUED, info->child.status = SIGCONT;
	else if (sig == 0x7f)
		info->code = CLD_STOPPED, info->child.status = (int)(status >> 8 & 0xff);
	else if (sig == 0)
		info->code = CLD_EXITED, info->child.status = (int)(status >> 8 & 0xff);
	else
		info->code = CLD_KILLED, info->child.status = (int)sig;
}

/* What the id means by its kind. */
static long
wanted_id(struct wanted *w, int id)
{
	long pid;

	switch (w->kind) {
	case P_ALL: return 0;
	case P_PID: return id <= 0 ? -EINVAL : 0;
	case P_PGID:
		w->id = id ? w->id : PROC->pgid;
		return id < 0 ? -EINVAL : 0;
	case P_PIDFD:
		pid = id < 0 ? -EINVAL : pidfd_pid(id);
		w->kind = P_PID;
		w->id = (u32)pid;
		if (pid > 0 && fd_get(id)->shared->flags & O_NONBLOCK)
			w->options |= WNOHANG | W_AGAIN;
		return pid > 0 ? 0 : pid == -ESRCH ? -ECHILD : pid;
	default: return -EINVAL;
	}
}

static long
waitid(struct wanted *w, int id, int options, struct found *f)
{
	long result;

	if (!(options & (WEXITED | WUNTRACED | WCONTINUED)) ||
		options & ~(WNOHANG | WUNTRACED | WEXITED | WCONTINUED | WNOWAIT | W_LINUX))
		return -EINVAL;
	result = wanted_id(w, id);
	if (result == 0)
		result = wait_for(w, f);
	return result == 0 && w->options & W_AGAIN && !(options & WNOHANG) ? -EAGAIN : result;
}

/* The description is written whatever comes of it. */
long
sys_waitid(long which, long id, long info, long how, long rusage)
{
	struct wanted w = { .kind = (int)which, .id = (u32)id, .options = (int)how };
	struct linux_siginfo out = { 0 };
	struct found f = { 0 };
	const long result = waitid(&w, (int)id, (int)how, &f);

	if (result == 1)
		describe(&out, f.pid, f.uid, f.status);
	if (info && copy_out((u64)info, &out, sizeof(out)))
		return -EFAULT;
	if (result < 0)
		return result;
	return result && rusage_out((u64)rusage, &f) ? -EFAULT : 0;
}
