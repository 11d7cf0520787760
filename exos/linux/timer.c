/* SPDX-License-Identifier: ISC */
/* Linux's calls about timers, in terms of proc/timer.h. */
#include "../core/self.h"
#include "../proc/signal.h"
#include "../thread/thread.h"
#include "calls.h"
#include "clocks.h"
#include "errno.h"

/* ---- setitimer, alarm ------------------------------------------------------------------ */

struct itimer {
	struct linux_timeval interval, value;
};

static struct linux_timeval
timeval_of(u64 ns)
{
	u64 usec = (ns + 999) / 1000;

	return (struct linux_timeval){ (int64_t)(usec / 1000000), (int64_t)(usec % 1000000) };
}

static bool
timeval_ok(const struct linux_timeval *t)
{
	return t->sec >= 0 && (u64)t->usec < 1000000;
}

static u64
timeval_ns(const struct linux_timeval *t)
{
	return (u64)(t->sec < SECONDS_MAX ? t->sec : SECONDS_MAX) * NSEC + (u64)t->usec * 1000;
}

static void
set_relative(struct timer *t, u64 first, u64 interval)
{
	timer_set(t, first ? timer_now(t) + first : 0, interval);
}

static struct itimer
itimer_of(const struct timer *t)
{
	return (struct itimer){ timeval_of(t->interval), timeval_of(timer_left(t)) };
}

long
sys_getitimer(long which, long where)
{
	struct itimer t;

	if ((u32)which >= ITIMERS)
		return -EINVAL;
	t = itimer_of(timer_interval((u32)which));
	return copy_out((u64)where, &t, sizeof(t));
}

long
sys_setitimer(long which, long new, long old)
{
	struct itimer t = { 0 }, was;
	struct timer *timer;

	if (new &&copy_in(&t, (u64) new, sizeof(t)))
		return -EFAULT;
	if ((u32)which >= ITIMERS || !timeval_ok(&t.interval) || !timeval_ok(&t.value))
		return -EINVAL;
	timer = timer_interval((u32)which);
	was = itimer_of(timer);
	set_relative(timer, timeval_ns(&t.value), timeval_ns(&t.interval));
	return old ? copy_out((u64)old, &was, sizeof(was)) : 0;
}

long
sys_alarm(long seconds)
{
	struct timer *t = timer_interval(ITIMER_REAL_);
	u64 left = timer_left(t);

	set_relative(t, (u64)(u32)seconds * NSEC, 0);
	return (long)((left + NSEC / 2) / NSEC + (left && left < NSEC / 2));
}

/* ---- timer_create and what follows ------------------------------------------------------------ */

struct linux_sigevent {
	u64 value;
	int sig, notify, tid;
	u8 room[44];
};
_Static_assert(sizeof(struct linux_sigevent) == 64, "struct sigevent");

enum { SIGEV_SIGNAL_, SIGEV_NONE_, SIGEV_THREAD_, SIGEV_THREAD_ID_ = 4 };

struct linux_itimerspec {
	struct linux_timespec interval, value;
};

static bool
event_ok(const struct linux_sigevent *e)
{
	if (e->notify == SIGEV_NONE_)
		return true;
	if (e->notify == SIGEV_THREAD_ID_ && !thread_find((u32)e->tid))
		return false;
	return (e->notify == SIGEV_SIGNAL_ || e->notify == SIGEV_THREAD_ ||
		       e->notify == SIGEV_THREAD_ID_) &&
		e->sig > 0 && e->sig <= SIGNALS;
}

static long
timer_clock(int number, struct clock *c)
{
	if (!clock_find(number, c) || c->other)
		return -EINVAL;
	return clock_only_read(number) ? -EOPNOTSUPP : 0;
}

long
sys_timer_create(long number, long event, long where)
{
	struct linux_sigevent e = { .sig = SIGALRM };
	struct clock c;
	struct timer *t;
	long error;

	if (event && copy_in(&e, (u64)event, sizeof(e)))
		return -EFAULT;
	error = timer_clock((int)number, &c);
	if (error)
		return error;
	if (!event_ok(&e))
		return -EINVAL;
	t = timer_new();
	if (!t)
		return -EAGAIN;
	t->clock = t->base = (u8)c.kind;
	t->thread = c.thread ? c.tid : 0;
	t->sig = e.notify == SIGEV_NONE_ ? 0 : (u8)e.sig;
	t->directed = e.notify == SIGEV_THREAD_ID_ ? (u32)e.tid : 0;
	t->value = event ? e.value : (u64)t->id;
	if (copy_out((u64)where, &t->id, sizeof(t->id)) == 0)
		return 0;
	timer_free(t);
	return -EFAULT;
}

static struct linux_itimerspec
itimerspec_of(const struct timer *t)
{
	return (struct linux_itimerspec){ timespec_of(t->interval), timespec_of(timer_left(t)) };
}

long
sys_timer_gettime(long id, long where)
{
	const struct timer *t = timer_by_id((int)id);
	struct linux_itimerspec spec;

	if (!t)
		return -EINVAL;
	spec = itimerspec_of(t);
	return copy_out((u64)where, &spec, sizeof(spec));
}

/* A time of day is kept as one, so that it is right when the clock is set; a while is not. */
static void
arm(struct timer *t, const struct linux_itimerspec *spec, bool absolute)
{
	u64 value = timespec_ns(&spec->value);

	t->clock = t->base == TIMER_REAL && !absolute ? TIMER_MONOTONIC : t->base;
	if (!absolute)
		set_relative(t, value, timespec_ns(&spec->interval));
	else
		timer_set(t, value, timespec_ns(&spec->interval));
}

long
sys_timer_settime(long id, long flags, long new, long old)
{
	struct timer *t = timer_by_id((int)id);
	struct linux_itimerspec spec, was;

	if (!new)
		return -EINVAL;
	if (copy_in(&spec, (u64) new, sizeof(spec)))
		return -EFAULT;
	if (!t || !timespec_ok(&spec.value) || !timespec_ok(&spec.interval))
		return -EINVAL;
	was = itimerspec_of(t);
	arm(t, &spec, flags & TIMER_ABSTIME);
	return old ? copy_out((u64)old, &was, sizeof(was)) : 0;
}

long
sys_timer_getoverrun(long id)
{
	const struct timer *t = timer_by_id((int)id);

	return t ? (long)t->overrun : -EINVAL;
}

long
sys_timer_delete(long id)
{
	struct timer *t = timer_by_id((int)id);

	if (!t)
		return -EINVAL;
	timer_free(t);
	return 0;
}
