/* SPDX-License-Identifier: ISC */
/* Clocks, sleeping, the interval timer. */
#include "../core/exos.h"
#include "../proc/signal.h"
#include "../proc/timer.h"
#include "abi.h"
#include "calls.h"
#include "clocks.h"
#include "errno.h"

#define NSEC 1000000000ull
#define TICKS 100ull /* of times(), a second */
#define TIMER_ABSTIME 1

static u64
run_ns(void)
{
	return exo_env(UAREA->env)->run_ns;
}

/* false: no such clock. */
static bool
read_clock(long clock, u64 *ns)
{
	switch ((int)clock) {
	case CLOCK_REALTIME_:
	case CLOCK_REALTIME_COARSE_:
	case CLOCK_TAI_: *ns = clock_ns() + SHARED->wall_offset_ns; return true;
	case CLOCK_MONOTONIC_:
	case CLOCK_MONOTONIC_RAW_:
	case CLOCK_MONOTONIC_COARSE_:
	case CLOCK_BOOTTIME_: *ns = clock_ns(); return true;
	case CLOCK_PROCESS_:
	case CLOCK_THREAD_: *ns = run_ns(); return true;
	default: return false;
	}
}

static int
timespec_out(u64 address, u64 ns)
{
	const struct linux_timespec t = { (int64_t)(ns / NSEC), (int64_t)(ns % NSEC) };

	return copy_out(address, &t, sizeof(t));
}

long
sys_clock_gettime(long clock, long where)
{
	u64 ns;

	return read_clock(clock, &ns) ? timespec_out((u64)where, ns) : -EINVAL;
}

long
sys_clock_getres(long clock, long where)
{
	u64 ns;

	if (!read_clock(clock, &ns))
		return -EINVAL;
	return where ? timespec_out((u64)where, 1) : 0;
}

long
sys_gettimeofday(long where, long zone)
{
	u64 ns = clock_ns() + SHARED->wall_offset_ns;
	const struct linux_timeval t = { (int64_t)(ns / NSEC), (int64_t)(ns % NSEC / 1000) };
	const u64 greenwich = 0;

	if (where && copy_out((u64)where, &t, sizeof(t)))
		return -EFAULT;
	return zone ? copy_out((u64)zone, &greenwich, sizeof(greenwich)) : 0;
}

long
sys_time(long where)
{
	long seconds = (long)((clock_ns() + SHARED->wall_offset_ns) / NSEC);

	if (where && copy_out((u64)where, &seconds, sizeof(seconds)))
		return -EFAULT;
	return seconds;
}

long
sys_times(long where)
{
	const u64 out[4] = { run_ns() / (NSEC / TICKS), 0, PROC->children_ns / (NSEC / TICKS), 0 };

	if (where && copy_out((u64)where, out, sizeof(out)))
		return -EFAULT;
	return (long)(clock_ns() / (NSEC / TICKS));
}

/* ---- sleeping ------------------------------------------------------------------------ */

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
sleep_relative(u64 request, u64 rest)
{
	struct linux_timespec t;
	struct restart r = { .again = sleep_on, .arg = { rest } };

	if (copy_in(&t, request, sizeof(t)))
		return -EFAULT;
	if (t.sec < 0 || (u64)t.nsec >= NSEC)
		return -EINVAL;
	if (t.sec > (1l << 32))
		t.sec = 1l << 32; /* an age, and no overflow */
	if (t.sec == 0 && t.nsec == 0)
		return 0;
	r.deadline = clock_ns() + (u64)t.sec * NSEC + (u64)t.nsec;
	return sleep_on(&r);
}

long
sys_nanosleep(long request, long rest)
{
	return sleep_relative((u64)request, (u64)rest);
}

long
sys_clock_nanosleep(long clock, long flags, long request, long rest)
{
	struct linux_timespec t;
	u64 now, until;

	if (!read_clock(clock, &now) || (int)clock == CLOCK_PROCESS_ || (int)clock == CLOCK_THREAD_)
		return -EINVAL;
	if (!(flags & TIMER_ABSTIME))
		return sleep_relative((u64)request, (u64)rest);
	if (copy_in(&t, (u64)request, sizeof(t)))
		return -EFAULT;
	if (t.sec < 0 || (u64)t.nsec >= NSEC)
		return -EINVAL;
	until = (u64)t.sec * NSEC + (u64)t.nsec;
	return until <= now ? 0 : sleep_until(clock_ns() + (until - now));
}

/* ---- the interval timer ---------------------------------------------------------------- */

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
	return t->sec >= 0 && t->sec <= (1l << 32) && (u64)t->usec < 1000000;
}

static u64
timeval_ns(const struct linux_timeval *t)
{
	return (u64)t->sec * NSEC + (u64)t->usec * 1000;
}

long
sys_getitimer(long which, long where)
{
	u64 interval, left;
	struct itimer t;

	if ((int)which)
		return -EINVAL; /* times of use are not kept */
	left = timer_left(&interval);
	t = (struct itimer){ timeval_of(interval), timeval_of(left) };
	return copy_out((u64)where, &t, sizeof(t));
}

long
sys_setitimer(long which, long new, long old)
{
	struct itimer t = { 0 };

	if ((int)which)
		return -EINVAL;
	if (new &&copy_in(&t, (u64) new, sizeof(t)))
		return -EFAULT;
	if (!timeval_ok(&t.interval) || !timeval_ok(&t.value))
		return -EINVAL;
	if (old && sys_getitimer(which, old))
		return -EFAULT;
	timer_set(timeval_ns(&t.value), timeval_ns(&t.interval));
	return 0;
}

long
sys_alarm(long seconds)
{
	u64 interval, left = timer_left(&interval);

	timer_set((u64)(u32)seconds * NSEC, 0);
	return (long)((left + NSEC / 2) / NSEC + (left && left < NSEC / 2));
}
