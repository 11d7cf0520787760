/* SPDX-License-Identifier: ISC */
/* Who am I, and the calls that make, change and end processes. */
#include "../arch/x86_64/arch.h"
#include "../core/self.h"
#include "../fd/file.h"
#include "../proc/proc.h"
#include "../proc/rlimit.h"
#include "../proc/signal.h"
#include "../server/fsmeta.h"
#include "../thread/thread.h"
#include "abi.h"
#include "calls.h"
#include "errno.h"

/* ---- names ------------------------------------------------------------------------------ */

long
sys_getpid(void)
{
	return PROC->pid;
}

long
sys_gettid(void)
{
	return current->tid;
}

long
sys_getppid(void)
{
	return PROC->ppid;
}

long
sys_getpgrp(void)
{
	return PROC->pgid;
}

static const volatile struct sh_proc *
named(long pid)
{
	return (int)pid == 0 ? PROC : proc_find((u32)pid);
}

long
sys_getpgid(long pid)
{
	const volatile struct sh_proc *p = named(pid);

	return p ? (long)p->pgid : -ESRCH;
}

long
sys_getsid(long pid)
{
	const volatile struct sh_proc *p = named(pid);

	return p ? (long)p->sid : -ESRCH;
}

long
sys_setpgid(long pid, long pgid)
{
	if ((int)pgid < 0)
		return -EINVAL;
	return server_call(OP_SETPGID, (int)pid ? (u64)(u32)pid : PROC->pid, (u64)(u32)pgid, 0, 0,
		0, NULL);
}

long
sys_setsid(void)
{
	return server_call(OP_SETSID, 0, 0, 0, 0, 0, NULL);
}

/* ---- threads --------------------------------------------------------------------------- */

long
sys_set_tid_address(long address)
{
	current->clear_tid = (u64)address;
	return current->tid;
}

/* ---- fork ---------------------------------------------------------------------------------------- */

#define CLONE_VM 0x00000100ull
#define CLONE_FS 0x00000200ull
#define CLONE_FILES 0x00000400ull
#define CLONE_SIGHAND 0x00000800ull
#define CLONE_PIDFD 0x00001000ull
#define CLONE_VFORK 0x00004000ull
#define CLONE_THREAD 0x00010000ull
#define CLONE_SYSVSEM 0x00040000ull
#define CLONE_SETTLS 0x00080000ull
#define CLONE_PARENT_SETTID 0x00100000ull
#define CLONE_CHILD_CLEARTID 0x00200000ull
#define CLONE_DETACHED 0x00400000ull
#define CLONE_CHILD_SETTID 0x01000000ull
#define CLONE_CLEAR_SIGHAND 0x100000000ull
#define CLONE_SERVED                                                                               \
	(CLONE_VM | CLONE_PIDFD | CLONE_VFORK | CLONE_SETTLS | CLONE_PARENT_SETTID |               \
		CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | CLONE_CLEAR_SIGHAND)
/* A thread shares all of that, or is none. */
#define CLONE_THREAD_MUST (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
#define CLONE_THREAD_MAY                                                                           \
	(CLONE_THREAD_MUST | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID |                  \
		CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | CLONE_DETACHED)

long
sys_fork(struct exo_save *regs)
{
	(void)regs;
	return proc_fork(false, SIGCHLD);
}

long
sys_vfork(struct exo_save *regs)
{
	return proc_vfork(regs->rsp, SIGCHLD);
}

struct clone {
	u64 flags, stack, tls;
	u64 pidfd, child_tid, parent_tid;
	u32 exit_signal;
};

static void
child_side(struct exo_save *regs, const struct clone *c)
{
	const u32 tid = current->tid;

	if (c->stack)
		regs->rsp = c->stack;
	if (c->flags & CLONE_SETTLS)
		fs_base_set(c->tls);
	if (c->flags & CLONE_CLEAR_SIGHAND)
		signal_defaults();
	current->clear_tid = c->flags & CLONE_CHILD_CLEARTID ? c->child_tid : 0;
	if (c->flags & CLONE_CHILD_SETTID)
		copy_out(c->child_tid, &tid, sizeof(tid));
}

/* A thread of this process. */
static long
clone_thread(const struct exo_save *regs, const struct clone *c)
{
	const struct thread_start how = { .stack = c->stack, .tls = c->tls,
		.has_tls = c->flags & CLONE_SETTLS,
		.clear_tid = c->flags & CLONE_CHILD_CLEARTID ? c->child_tid : 0 };
	u32 tid;
	long result = thread_new(regs, &how);

	if (result < 0)
		return result;
	tid = (u32)result;
	if (c->flags & CLONE_PARENT_SETTID)
		copy_out(c->parent_tid, &tid, sizeof(tid));
	if (c->flags & CLONE_CHILD_SETTID)
		copy_out(c->child_tid, &tid, sizeof(tid));
	return result;
}

/* What Linux refuses: a part of a thread without those that it needs. */
static bool
contradictory(u64 flags)
{
	return (flags & CLONE_THREAD && !(flags & CLONE_SIGHAND)) ||
		(flags & CLONE_SIGHAND && !(flags & CLONE_VM)) ||
		(flags & CLONE_SIGHAND && flags & CLONE_CLEAR_SIGHAND);
}

/* A thread, or as fork or vfork.  What shares memory and is neither is not served. */
static long
clone(struct exo_save *regs, const struct clone *c)
{
	u32 tid;
	long pid;

	if (contradictory(c->flags))
		return -EINVAL;
	if ((c->flags & CLONE_THREAD_MUST) == CLONE_THREAD_MUST && !(c->flags & ~CLONE_THREAD_MAY))
		return clone_thread(regs, c);
	if (c->flags & ~CLONE_SERVED || (c->flags & CLONE_VM && !(c->flags & CLONE_VFORK))) {
		exos_log("clone with flags %lx is not served", c->flags);
		return -ENOSYS;
	}
	if (c->exit_signal > SIGNALS)
		return -EINVAL;
	pid = c->flags & CLONE_VFORK ? proc_vfork(regs->rsp, c->exit_signal)
				     : proc_fork(false, c->exit_signal);
	if (pid == 0) {
		child_side(program_regs(), c);
		return 0;
	}
	tid = (u32)pid;
	if (pid > 0 && c->flags & CLONE_PARENT_SETTID)
		copy_out(c->parent_tid, &tid, sizeof(tid));
	if (pid > 0 && c->flags & CLONE_PIDFD) {
		tid = (u32)sys_pidfd_open(pid, 0);
		copy_out(c->pidfd, &tid, sizeof(tid));
	}
	return pid;
}

long
sys_clone(struct exo_save *regs)
{
	const struct clone c = {
		.flags = regs->rdi & ~0xffull, .exit_signal = regs->rdi & 0xff, .stack = regs->rsi,
		.parent_tid = regs->rdx, .pidfd = regs->rdx, .child_tid = regs->r10,
		.tls = regs->r8,
	};

	if (c.flags & CLONE_PIDFD && c.flags & CLONE_PARENT_SETTID)
		return -EINVAL;		/* both would be stored in the same place */
	return clone(regs, &c);
}

struct linux_clone_args {
	u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_bytes, tls;
	u64 set_tid, set_tid_count, cgroup;
};
#define CLONE_ARGS_FIRST 64u		/* bytes of the first version of it */

long
sys_clone3(struct exo_save *regs)
{
	struct linux_clone_args a = { 0 };
	const u64 bytes = regs->rsi;
	struct clone c;

	if (bytes < CLONE_ARGS_FIRST)
		return -EINVAL;
	if (bytes > sizeof(a))
		return -E2BIG;
	if (copy_in(&a, regs->rdi, bytes))
		return -EFAULT;
	if (a.set_tid || a.set_tid_count || a.flags & 0xff || a.exit_signal & ~0xffull ||
		!a.stack != !a.stack_bytes)
		return -EINVAL;
	c = (struct clone){
		.flags = a.flags, .exit_signal = (u32)a.exit_signal,
		.stack = a.stack ? a.stack + a.stack_bytes : 0, .tls = a.tls, .pidfd = a.pidfd,
		.parent_tid = a.parent_tid, .child_tid = a.child_tid,
	};
	return clone(regs, &c);
}

/* ---- exec ------------------------------------------------------------------------------------------ */

static char path[LINUX_PATH_MAX] TRANSIENT;

/* Which file: by name, or (AT_EMPTY_PATH) a descriptor, which has the name that scripts can use. */
static long
program(int dirfd, u32 flags)
{
	struct file *f;
	long ino;

	if (flags & ~(u32)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	if (path[0] == '\0' && flags & AT_EMPTY_PATH && dirfd != AT_FDCWD) {
		f = fd_get(dirfd);
		exo_snprintf(path, sizeof(path), "/dev/fd/%d", dirfd);
		return f ? (f->ino ? (long)f->ino : -EACCES) : -EBADF;
	}
	ino = fs_lookup(dirfd, path, flags);
	if (ino > 0 && flags & AT_SYMLINK_NOFOLLOW && S_ISLNK(fs_inode((u32)ino)->mode))
		return -ELOOP;
	return ino;
}

static long
execute(int dirfd, struct exo_save *regs, u64 argv, u64 envp, u32 flags)
{
	struct arguments args;
	long result = limit_exec() ? program(dirfd, flags) : -EAGAIN;
	u32 ino = (u32)result;

	if (result < 0)
		return result;
	result = arguments_begin(&args);
	if (result == 0)
		result = arguments_collect(&args, argv, envp);
	if (result == 0)
		result = exec_run(ino, path, &args, regs);
	if (result < 0) {
		arguments_end();
		pub_unkept(ino);
	}
	return result;
}

long
sys_execve(struct exo_save *regs)
{
	long length = copy_in_string(path, regs->rdi, sizeof(path));

	return length < 0 ? length : execute(AT_FDCWD, regs, regs->rsi, regs->rdx, 0);
}

long
sys_execveat(struct exo_save *regs)
{
	long length = copy_in_string(path, regs->rsi, sizeof(path));

	return length < 0 ? length
			  : execute((int)regs->rdi, regs, regs->rdx, regs->r10, (u32)regs->r8);
}

/* ---- the end ------------------------------------------------------------------------------------------ */

long
sys_exit_group(long status)
{
	proc_exit((int)(status & 0xff) << 8);
}

long
sys_exit(long status)
{
	thread_exit((int)(status & 0xff) << 8);
}
