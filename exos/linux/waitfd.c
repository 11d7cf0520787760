/* SPDX-License-Identifier: ISC */
/* Linux's calls about timers and signals that are descriptors. */
#include "../core/self.h"
#include "../fd/signalfd.h"
#include "../fd/timerfd.h"
#include "clocks.h"
#include "files.h"

#define TFD_ABSTIME 1
#define TFD_CANCEL_ON_SET 2
#define SET_BYTES 8

struct spec {
	struct linux_timespec interval, value;
};

long
sys_timerfd_create(long number, long flags)
{
	struct clock c;
	struct file *f = NULL;
	int error;

	if (flags & ~(long)(O_CLOEXEC | O_NONBLOCK) || ((int)number != CLOCK_REALTIME_ &&
		(int)number != CLOCK_MONOTONIC_ && (int)number != CLOCK_BOOTTIME_) ||
		!clock_find((int)number, &c))
		return -EINVAL;
	error = timerfd_new(&f, c.kind, (u32)flags & O_NONBLOCK);
	return error ? error : fd_install(f, 0, flags & O_CLOEXEC);
}

static struct file *
timer_of(long fd, long *error)
{
	struct file *f = fd_get((int)fd);

	*error = f ? -EINVAL : -EBADF;
	return f && f->ops == &timerfd_ops ? f : NULL;
}

static long
spec_out(u64 where, const struct timerfd_time *t)
{
	const struct spec s = { timespec_of(t->interval), timespec_of(t->value) };

	return copy_out(where, &s, sizeof(s));
}

long
sys_timerfd_gettime(long fd, long where)
{
	long error;
	struct file *f = timer_of(fd, &error);
	struct timerfd_time t;

	if (!f)
		return error;
	t = timerfd_get(f);
	return spec_out((u64)where, &t);
}

long
sys_timerfd_settime(long fd, long flags, long new, long old)
{
	struct spec s;
	struct timerfd_time t, was;
	long error;
	struct file *f;

	if (copy_in(&s, (u64) new, sizeof(s)))
		return -EFAULT;
	if (flags & ~(TFD_ABSTIME | TFD_CANCEL_ON_SET) || !timespec_ok(&s.value) ||
		!timespec_ok(&s.interval))
		return -EINVAL;
	f = timer_of(fd, &error);
	if (!f)
		return error;
	was = timerfd_get(f);
	t = (struct timerfd_time){ timespec_ns(&s.value), timespec_ns(&s.interval) };
	timerfd_set(f, &t, flags & TFD_ABSTIME, flags & TFD_CANCEL_ON_SET);
	return old ? spec_out((u64)old, &was) : 0;
}

/* ---- signalfd ---------------------------------------------------------------------------- */

long
sys_signalfd4(long fd, long set, long bytes, long flags)
{
	struct file *f = NULL;
	u64 mask;
	int error;

	if (flags & ~(long)(O_CLOEXEC | O_NONBLOCK) || bytes != SET_BYTES)
		return -EINVAL;
	if (copy_in(&mask, (u64)set, sizeof(mask)))
		return -EFAULT;
	if ((int)fd == -1) {
		error = signalfd_new(&f, mask, (u32)flags & O_NONBLOCK);
		return error ? error : fd_install(f, 0, flags & O_CLOEXEC);
	}
	f = fd_get((int)fd);
	if (!f)
		return -EBADF;
	if (f->ops != &signalfd_ops)
		return -EINVAL;
	signalfd_change(f, mask);
	return fd;
}

long
sys_signalfd(long fd, long set, long bytes)
{
	return sys_signalfd4(fd, set, bytes, 0);
}
