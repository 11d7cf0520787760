/* SPDX-License-Identifier: ISC */
/*
 * Waiting for children: their rows of the process table say what became of
 * them; this process's own row counts their changes, a word to wait on.
 */
#include "proc.h"
#include "signal.h"
#include "../core/self.h"
#include "../linux/calls.h"
#include "../linux/errno.h"

#define WNOHANG 1
#define WUNTRACED 2 /* waitid: WSTOPPED */
#define WEXITED 4
#define WCONTINUED 8
#define WNOWAIT 0x01000000
#define W_LINUX (int)0xe0000000 /* __WALL, __WCLONE, __WNOTHREAD: all children are alike */

#define CONTINUED 0xffffu
#define NSEC 1000000000ull

enum { CLD_EXITED = 1, CLD_KILLED, CLD_DUMPED, CLD_TRAPPED, CLD_STOPPED, CLD_CONTINUED };
enum { P_ALL, P_PID, P_PGID, P_PIDFD };

struct wanted {
	int kind; /* P_* */
	u32 id;
	int options; /* W* */
};

struct found {
	u32 pid, uid, status;
	u64 run_ns;
};

/* Stops and continuations are reported once each: the events counter that was reported last, by row. */
static u8 reported[SH_PROCS];

static bool
is_meant(const volatile struct sh_proc *p, const struct wanted *w)
{
	if (p->state == PROC_FREE || p->ppid != PROC->pid || p->pid == 0)
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
		.run_ns = p->run_ns };
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
	f->status = (u32)status;
	f->run_ns = answer.rdx;
	return 0;
}

/* 1: found; 0: none yet; -ECHILD; -errno */
static long
look(const struct wanted *w, struct found *f)
{
	const volatile struct sh_proc *table = proc_table();
	const unsigned rows = proc_rows();
	long result = -ECHILD;

	for (unsigned row = 0; row < rows; row++) {
		if (!is_meant(&table[row], w))
			continue;
		result = 0;
		if (!news(&table[row], row, w))
			continue;
		result = take(&table[row], row, w, f);
		return result < 0 ? result : 1;
	}
	return result;
}

/* Does SIGCHLD's disposition say that nobody asks for the children? */
static bool
nobody_asks(void)
{
	return signals.action[SIGCHLD].handler == SIG_IGN_ ||
		signals.action[SIGCHLD].flags & SA_NOCLDWAIT_;
}

static long
wait_for(const struct wanted *w, struct found *f)
{
	for (;;) {
		u64 seen = PROC->child_events;
		long result = look(w, f);
		struct exo_term term;

		if (result == 1 && nobody_asks() && !(w->options & WNOHANG))
			continue;
		if (result || w->options & WNOHANG)
			return result;
		term = term_word(&PROC->child_events, ~0ull, EXO_NE, seen);
		result = block_on(&term, 1, 0);
		if (result < 0)
			return result;
	}
}

static int
rusage_out(u64 address, u64 run_ns)
{
	u64 usage[18] = { run_ns / NSEC, run_ns % NSEC / 1000 };

	return address ? copy_out(address, usage, sizeof(usage)) : 0;
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
	return rusage_out((u64)rusage, f.run_ns) ? -EFAULT : (long)f.pid;
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

long
sys_waitid(long which, long id, long info, long how, long rusage)
{
	const int kind = (int)which, options = (int)how;
	struct wanted w = { .kind = kind, .id = (u32)id, .options = options };
	struct linux_siginfo out = { 0 };
	struct found f = { 0 };
	long result;

	if (kind < P_ALL || kind > P_PGID || !(options & (WEXITED | WUNTRACED | WCONTINUED)) ||
		options & ~(WNOHANG | WUNTRACED | WEXITED | WCONTINUED | WNOWAIT | W_LINUX))
		return -EINVAL;
	if (kind == P_PGID && id == 0)
		w.id = PROC->pgid;
	result = wait_for(&w, &f);
	if (result < 0)
		return result;
	if (result == 1)
		describe(&out, f.pid, f.uid, f.status);
	if (info && copy_out((u64)info, &out, sizeof(out)))
		return -EFAULT;
	return rusage_out((u64)rusage, f.run_ns) ? -EFAULT : 0;
}
