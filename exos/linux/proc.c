/* SPDX-License-Identifier: ISC */
/* Who am I, and the calls that make, change and end processes. */
#include "../arch/x86_64/arch.h"
#include "../core/self.h"
#include "../fd/file.h"
#include "../proc/proc.h"
#include "../proc/signal.h"
#include "../server/fsmeta.h"
#include "abi.h"
#include "calls.h"
#include "errno.h"

u64 clear_child_tid;

/* ---- names ------------------------------------------------------------------------------ */

long
sys_getpid(void)
{
	return PROC->pid;
}

long
sys_gettid(void)
{
	return PROC->pid;
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

/* ---- threads of one --------------------------------------------------------------------------- */

long
sys_set_tid_address(long address)
{
	clear_child_tid = (u64)address;
	return PROC->pid;
}

/* With one thread a robust lock's owner can only be this process, whose end frees its memory. */
long
sys_set_robust_list(long head, long bytes)
{
	(void)head;
	return bytes == 24 ? 0 : -EINVAL;
}

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

long
sys_arch_prctl(long what, long value)
{
	u64 base;

	switch ((int)what) {
	case ARCH_SET_FS:
		if ((u64)value >= EXO_USER_TOP)
			return -EPERM;
		if (!(exo_info()->features & EXO_FEAT_FSGSBASE)) {
			exos_log("no FSGSBASE: the FS base cannot be set");
			return -ENODEV;
		}
		fs_base_set((u64)value);
		return 0;
	case ARCH_GET_FS: base = fs_base(); return copy_out((u64)value, &base, sizeof(base));
	case ARCH_SET_GS:
	case ARCH_GET_GS: exos_log("GS belongs to the library: arch_prctl refused"); return -EPERM;
	default: return -EINVAL;
	}
}

#define PR_SET_PDEATHSIG 1
#define PR_GET_PDEATHSIG 2
#define PR_GET_DUMPABLE 3
#define PR_SET_DUMPABLE 4
#define PR_GET_KEEPCAPS 7
#define PR_SET_KEEPCAPS 8
#define PR_SET_NAME 15
#define PR_GET_NAME 16
#define PR_CAPBSET_READ 23
#define PR_CAPBSET_DROP 24
#define PR_GET_SECUREBITS 27
#define PR_SET_SECUREBITS 28
#define PR_SET_CHILD_SUBREAPER 36
#define PR_GET_CHILD_SUBREAPER 37
#define PR_SET_NO_NEW_PRIVS 38
#define PR_GET_NO_NEW_PRIVS 39
#define NAME_BYTES 16u

static long
flag_out(u32 flag, u64 where)
{
	const int on = (CRED->flags & flag) != 0;

	return copy_out(where, &on, sizeof(on));
}

static long
flag_set(u32 flag, long value, long most)
{
	return value < 0 || value > most ? -EINVAL : cred_ask(CRED_FLAG, flag, (u64)value, 0, NULL);
}

/* Those about what a process is allowed; -ENOSYS: another. */
static long
prctl_cred(int what, long a, bool rest)
{
	const int signal = (int)CRED->death_signal;

	switch (what) {
	case PR_SET_PDEATHSIG: return cred_ask(CRED_DEATHSIG, (u64)a, 0, 0, NULL);
	case PR_GET_PDEATHSIG: return copy_out((u64)a, &signal, sizeof(signal));
	case PR_GET_DUMPABLE: return (CRED->flags & CRED_DUMPABLE) != 0;
	case PR_SET_DUMPABLE: return flag_set(CRED_DUMPABLE, a, 1);
	case PR_GET_KEEPCAPS: return (CRED->flags & CRED_KEEPCAPS) != 0;
	case PR_SET_KEEPCAPS: return flag_set(CRED_KEEPCAPS, a, 1);
	case PR_CAPBSET_READ: return (u64)a > CAP_LAST ? -EINVAL : (long)(CRED->bounding >> a & 1);
	case PR_CAPBSET_DROP: return cred_ask(CRED_DROPCAP, (u64)a, 0, 0, NULL);
	case PR_GET_SECUREBITS: return 0;
	case PR_SET_SECUREBITS: return a == 0 && CRED->effective >> CAP_SETPCAP & 1 ? 0 : -EPERM;
	case PR_SET_CHILD_SUBREAPER: return flag_set(CRED_SUBREAPER, a != 0, 1);
	case PR_GET_CHILD_SUBREAPER: return flag_out(CRED_SUBREAPER, (u64)a);
	case PR_SET_NO_NEW_PRIVS:
		return a != 1 || rest ? -EINVAL : flag_set(CRED_NO_NEW_PRIVS, 1, 1);
	case PR_GET_NO_NEW_PRIVS:
		return a || rest ? -EINVAL : (CRED->flags & CRED_NO_NEW_PRIVS) != 0;
	default: return -ENOSYS;
	}
}

long
sys_prctl(long what, long a, long b, long c, long d)
{
	char name[NAME_BYTES] = "";
	long length = prctl_cred((int)what, a, b || c || d);

	if (length != -ENOSYS)
		return length;
	switch ((int)what) {
	case PR_SET_NAME:
		length = copy_in_string(name, (u64)a, sizeof(name));
		if (length == -EFAULT)
			return -EFAULT;
		name[NAME_BYTES - 1] = '\0';
		memcpy(COMM, name, sizeof(name));
		return server_call(OP_SETNAME, 0, 0, 0, 0, 0, NULL);
	case PR_GET_NAME:
		for (unsigned n = 0; n < NAME_BYTES - 1; n++)
			name[n] = PROC->name[n];
		return copy_out((u64)a, name, sizeof(name));
	default: return -EINVAL;
	}
}

/* ---- fork ---------------------------------------------------------------------------------------- */

#define CLONE_VM 0x00000100ull
#define CLONE_PIDFD 0x00001000ull
#define CLONE_VFORK 0x00004000ull
#define CLONE_THREAD 0x00010000ull
#define CLONE_SETTLS 0x00080000ull
#define CLONE_PARENT_SETTID 0x00100000ull
#define CLONE_CHILD_CLEARTID 0x00200000ull
#define CLONE_CHILD_SETTID 0x01000000ull
#define CLONE_CLEAR_SIGHAND 0x100000000ull
#define CLONE_SERVED                                                                               \
	(CLONE_VM | CLONE_PIDFD | CLONE_VFORK | CLONE_SETTLS | CLONE_PARENT_SETTID |               \
		CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | CLONE_CLEAR_SIGHAND)

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
	const u32 tid = PROC->pid;

	if (c->stack)
		regs->rsp = c->stack;
	if (c->flags & CLONE_SETTLS)
		fs_base_set(c->tls);
	if (c->flags & CLONE_CLEAR_SIGHAND)
		signal_defaults();
	clear_child_tid = c->flags & CLONE_CHILD_CLEARTID ? c->child_tid : 0;
	if (c->flags & CLONE_CHILD_SETTID)
		copy_out(c->child_tid, &tid, sizeof(tid));
}

/* As fork or vfork.  Memory that is shared for longer (threads) is not served. */
static long
clone(struct exo_save *regs, const struct clone *c)
{
	u32 tid;
	long pid;

	if (c->flags & ~CLONE_SERVED || (c->flags & CLONE_VM && !(c->flags & CLONE_VFORK))) {
		exos_log("clone with flags %lx (threads?) is not served", c->flags);
		return -ENOSYS;
	}
	if (c->exit_signal > SIGNALS)
		return -EINVAL;
	pid = c->flags & CLONE_VFORK ? proc_vfork(regs->rsp, c->exit_signal)
				     : proc_fork(false, c->exit_signal);
	if (pid == 0) {
		child_side(regs, c);
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
	long result = program(dirfd, flags);
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
	return sys_exit_group(status);
}
