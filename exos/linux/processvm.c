/* SPDX-License-Identifier: ISC */
/*
 * process_vm_readv and _writev: the caller's own memory, and reading that of
 * others by who may look.  It is nobody else's to write, whoever asks.
 */
#include "../core/exos.h"
#include "../core/self.h"
#include "../fs/procfs.h"
#include "../proc/look.h"
#include "abi.h"
#include "calls.h"
#include "errno.h"

#define PIECE 1024u			/* bytes at a time */

struct vectors {
	u64 at;				/* of the program's vector */
	u64 left;			/* elements behind the current one */
	struct linux_iovec now;
};

/* The next element that has bytes: 1, 0: there is none, -EFAULT. */
static int
current(struct vectors *v)
{
	while (v->now.bytes == 0) {
		if (v->left == 0)
			return 0;
		if (copy_in(&v->now, v->at, sizeof(v->now)))
			return -EFAULT;
		v->at += sizeof(v->now);
		v->left--;
	}
	return 1;
}

static long
transfer(struct vectors *to, struct vectors *from, bool other)
{
	char piece[PIECE];
	long done = 0;

	for (;;) {
		int have = current(to), more = have > 0 ? current(from) : have;
		u64 bytes = sizeof(piece);

		if (more <= 0)
			return done ? done : more;
		bytes = to->now.bytes < bytes ? to->now.bytes : bytes;
		bytes = from->now.bytes < bytes ? from->now.bytes : bytes;
		if ((other ? look_read(from->now.base, piece, bytes)
			   : copy_in(piece, from->now.base, bytes)) ||
			copy_out(to->now.base, piece, bytes))
			return done ? done : -EFAULT;
		to->now.base += bytes;
		to->now.bytes -= bytes;
		from->now.base += bytes;
		from->now.bytes -= bytes;
		done += (long)bytes;
	}
}

static long
check(long local_count, long remote_count, long flags)
{
	return flags || (u64)local_count > LINUX_IOV_MAX || (u64)remote_count > LINUX_IOV_MAX
		? -EINVAL : 0;
}

/* What is there now: a page that the other never touched is not there. */
static long
read_other(u32 pid, struct vectors *to, struct vectors *from)
{
	const volatile struct sh_proc *p = proc_find(pid);
	long done;
	int error;

	if (!p)
		return -ESRCH;
	error = proc_may_look(p) ? look_begin(p) : -EPERM;
	if (error)
		return error;
	done = transfer(to, from, true);
	look_end();
	return done;
}

long
sys_process_vm_readv(long pid, long local, long locals, long remote, long remotes, long flags)
{
	struct vectors to = { (u64)local, (u64)locals, { 0, 0 } };
	struct vectors from = { (u64)remote, (u64)remotes, { 0, 0 } };
	long error = check(locals, remotes, flags);

	if (error)
		return error;
	return (u32)pid == PROC->pid ? transfer(&to, &from, false)
				     : read_other((u32)pid, &to, &from);
}

long
sys_process_vm_writev(long pid, long local, long locals, long remote, long remotes, long flags)
{
	struct vectors from = { (u64)local, (u64)locals, { 0, 0 } };
	struct vectors to = { (u64)remote, (u64)remotes, { 0, 0 } };
	long error = check(locals, remotes, flags);

	if (!error && (u32)pid != PROC->pid)
		error = proc_find((u32)pid) ? -EPERM : -ESRCH;
	return error ? error : transfer(&to, &from, false);
}
