/* SPDX-License-Identifier: ISC */
/* Sleeping: for a while, or until a clock shows a time. */
#include "../core/self.h"
#include "../proc/signal.h"
#include "../proc/times.h"
#include "calls.h"
#include "clocks.h"
#include "errno.h"

#define LOOK_AGAIN_NS 5000000ull /* at another process's processor time */

/* ---- relative ------------------------------------------------------------------------- */

static long
sleep_until(u64 deadline)
{
	int error;

	do {
		error = block_on(NULL, 0, deadline);
	} while (error == 0);
	return error == -ETIMEDOUT ? 0 : error;
}

/* Until the deadline; also where it goes on after a stop.  arg[0]: where to put what is left. */
static long
sleep_on(struct restart *r)
{
	u64 now;
	long error = sleep_until(r->deadline);

	if (error != -EINTR)
		return error;
	now = clock_ns();
	if (r->arg[0] && timespec_out(r->arg[0], r->deadline > now ? r->deadline - now : 0))
		return -EFAULT;
	return restart_from(r);
}

static long
sleep_for(const struct linux_timespec *t, u64 rest)
{
	struct restart r = { .again = sleep_on, .arg = { rest } };
	u64 ns = timespec_ns(t);

	if (ns == 0)
		return 0;
	r.deadline = clock_ns() + ns;
	return sleep_on(&r);
}

long
sys_nanosleep(long request, long rest)
{
	struct linux_timespec t;

	if (copy_in(&t, (u64)request, sizeof(t)))
		return -EFAULT;
	return timespec_ok(&t) ? sleep_for(&t, (u64)rest) : -EINVAL;
}

/* ---- on any clock ---------------------------------------------------------------------- */

/*
 * How long the clock takes at least to show `until`.  Our own processor time
 * stands still while we sleep, so that only a signal ends it; of others' the
 * kernel tells nobody, so one has to look.
 */
static u64
shortest(const struct clock *c, u64 now, u64 until)
{
	if (c->kind < TIMER_RUN)
		return until - now;
	return c->other ? LOOK_AGAIN_NS : (u64)SECONDS_MAX * NSEC;
}

static long
sleep_on_clock(const struct clock *c, u64 until)
{
	for (;;) {
		u64 now = clock_read(c);
		int error;

		if (now >= until)
			return 0;
		if (c->kind == TIMER_REAL)
			timer_wake_by_wall();
		error = block_on(NULL, 0, clock_ns() + shortest(c, now, until));
		if (error && error != -ETIMEDOUT)
			return error;
	}
}

long
sys_clock_nanosleep(long number, long flags, long request, long rest)
{
	struct linux_timespec t;
	struct clock c;
	u64 until;

	if (!clock_find((int)number, &c) || c.thread)
		return -EINVAL;
	if (clock_only_read((int)number))
		return -EOPNOTSUPP;
	if (copy_in(&t, (u64)request, sizeof(t)))
		return -EFAULT;
	if (!timespec_ok(&t))
		return -EINVAL;
	/* What is relative is not moved when the time of day is set. */
	if (!(flags & TIMER_ABSTIME) && c.kind < TIMER_RUN)
		return sleep_for(&t, (u64)rest);
	until = timespec_ns(&t) + (flags & TIMER_ABSTIME ? 0 : clock_read(&c));
	return sleep_on_clock(&c, until);
}
