/* SPDX-License-Identifier: ISC */
/* Linux calls that make descriptors of events: eventfd, epoll, pidfd. */
#include "../core/self.h"
#include "../fd/epoll.h"
#include "../thread/thread.h"
#include "files.h"
#include "waits.h"

#define EFD_SEMAPHORE 1
#define PIDFD_NONBLOCK O_NONBLOCK
#define EVENTS_MAX (0x7fffffff / (long)sizeof(struct linux_epoll_event))

static long
install(int error, struct file *f, bool cloexec)
{
	return error ? error : fd_install(f, 0, cloexec);
}

/* ---- eventfd ---------------------------------------------------------------------------- */

long
sys_eventfd2(long count, long flags)
{
	struct file *f = NULL;
	int error;

	if (flags & ~(long)(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	error = eventfd_new(&f, (u32)count, flags & EFD_SEMAPHORE, (u32)flags & O_NONBLOCK);
	return install(error, f, flags & O_CLOEXEC);
}

long
sys_eventfd(long count)
{
	return sys_eventfd2(count, 0);
}

/* ---- pidfd ------------------------------------------------------------------------------- */

long
sys_pidfd_open(long pid, long flags)
{
	struct file *f = NULL;
	int error;

	if (flags & ~(long)PIDFD_NONBLOCK || (int)pid <= 0)
		return -EINVAL;
	error = pidfd_new(&f, (u32)pid, (u32)flags & O_NONBLOCK);
	return install(error, f, true);
}

/* What the receiver is to be told can only be about ourselves, as by kill. */
/* A process's directory in /proc means it, too. */
long
sys_pidfd_send_signal(long fd, long sig, long info, long flags)
{
	struct file *f = fd_get((int)fd);
	long pid = f && f->ops == &directory_ops ? procfs_process(f->ino) : pidfd_pid((int)fd);
	int signo;

	if (flags)
		return -EINVAL;
	if (pid == -EBADF)
		return pid;
	if (info && copy_in(&signo, (u64)info, sizeof(signo)))
		return -EFAULT;
	if (info && signo != (int)sig)
		return -EINVAL;
	if (pid < 0)
		return pid;
	return info ? sys_rt_sigqueueinfo(pid, sig, info) : sys_kill(pid, sig);
}

/* Another process's descriptors are in its library's memory, which nobody else reads. */
long
sys_pidfd_getfd(long fd, long target, long flags)
{
	long pid = pidfd_pid((int)fd);
	struct file *f;

	if (flags)
		return -EINVAL;
	if (pid < 0)
		return pid;
	if ((u32)pid != PROC->pid)
		return -EPERM;
	f = fd_get((int)target);
	if (!f)
		return -EBADF;
	file_hold(f);
	return fd_install(f, 0, true);
}

/* ---- epoll ---------------------------------------------------------------------------------- */

long
sys_epoll_create1(long flags)
{
	struct file *f = NULL;
	int error;

	if (flags & ~(long)O_CLOEXEC)
		return -EINVAL;
	error = epoll_new(&f);	/* before f is looked at */
	return install(error, f, flags & O_CLOEXEC);
}

long
sys_epoll_create(long size)
{
	return (int)size <= 0 ? -EINVAL : sys_epoll_create1(0);
}

long
sys_epoll_ctl(long set, long op, long fd, long user)
{
	struct linux_epoll_event event = { 0 };
	int error;
	struct file *s, *f;

	if ((int)op != EPOLL_CTL_DEL && copy_in(&event, (u64)user, sizeof(event)))
		return -EFAULT;
	s = file_get((int)set, &error);
	f = s ? file_get((int)fd, &error) : NULL;
	return f ? epoll_ctl(s, (int)op, f, (int)fd, &event) : error;
}

static long
wait_for_events(long set, long user, long room, u64 deadline)
{
	int error;
	struct file *s;

	if ((int)room <= 0 || (int)room > EVENTS_MAX)
		return -EINVAL;
	s = file_get((int)set, &error);
	if (!s)
		return error;
	return s->ops == &epoll_ops ? epoll_wait(thread_use(s), (u64)user, (u32)room, deadline)
				    : -EINVAL;
}

long
sys_epoll_wait(long set, long user, long room, long timeout_ms)
{
	return wait_for_events(set, user, room, deadline_ms(timeout_ms));
}

long
sys_epoll_pwait(long set, long user, long room, long timeout_ms, long mask, long mask_bytes)
{
	long result;

	if (mask && mask_bytes != 8)
		return -EINVAL;
	result = mask_for_wait((u64)mask);
	if (result)
		return result;
	result = wait_for_events(set, user, room, deadline_ms(timeout_ms));
	mask_back(result);
	return result;
}

long
sys_epoll_pwait2(long set, long user, long room, long timeout, long mask, long mask_bytes)
{
	u64 deadline;
	long result = timeout_get((u64)timeout, &deadline);

	if (!result && mask && mask_bytes != 8)
		result = -EINVAL;
	if (!result)
		result = mask_for_wait((u64)mask);
	if (result)
		return result;
	result = wait_for_events(set, user, room, deadline);
	mask_back(result);
	return result;
}
