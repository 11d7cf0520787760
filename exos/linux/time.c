/* SPDX-License-Identifier: ISC */
/* Clocks: reading and setting them, and the processor time that was used. */
#include <exo/read.h>
#include "../core/self.h"
#include "../proc/times.h"
#include "../thread/thread.h"
#include "../vm/vm.h"
#include "calls.h"
#include "clocks.h"
#include "errno.h"

#define TICKS 100ull /* of times(), a second */

/* A clock of processor time: ~pid << 3, 4 for a thread's, and which of them. */
#define CPU_THREAD 4
#define CPU_PID(number) ((u32)~((number) >> 3))
enum { CPU_PROF, CPU_VIRT, CPU_SCHED, CPU_FD, CPU_WHICH = 3 };

static bool
find_by_pid(int number, struct clock *c)
{
	const u32 pid = CPU_PID(number);

	if ((number & CPU_WHICH) == CPU_FD)
		return false;
	*c = (struct clock){ .kind = (number & CPU_WHICH) == CPU_VIRT ? TIMER_USER : TIMER_RUN,
		.thread = number & CPU_THREAD };
	if (c->thread)
		return (c->tid = pid ? pid : current->tid) && thread_find(c->tid);
	if (pid == 0 || pid == PROC->pid)
		return true;
	c->other = proc_find(pid);
	return c->other && c->other->state != PROC_BUILDING;
}

bool
clock_find(int number, struct clock *c)
{
	const u32 bit = (u32)number < 32 ? 1u << number : 0;

	if (number < 0)
		return find_by_pid(number, c);
	*c = (struct clock){ .thread = number == CLOCK_THREAD_, .tid = current->tid };
	if (bit & CLOCKS_REAL)
		c->kind = TIMER_REAL;
	else if (bit & CLOCKS_MONOTONIC)
		c->kind = TIMER_MONOTONIC;
	else if (number == CLOCK_PROCESS_ || number == CLOCK_THREAD_)
		c->kind = TIMER_RUN;
	else
		return false;
	return true;
}

u64
clock_read(const struct clock *c)
{
	if (c->thread && thread_find(c->tid))
		return thread_run_ns(thread_find(c->tid));
	return c->other ? times_of(c->other) : timer_clock_now(c->kind);
}

long
sys_clock_gettime(long number, long where)
{
	struct clock c;

	return clock_find((int)number, &c) ? timespec_out((u64)where, clock_read(&c)) : -EINVAL;
}

long
sys_clock_getres(long number, long where)
{
	struct clock c;

	if (!clock_find((int)number, &c))
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

/* ---- setting ------------------------------------------------------------------------- */

/* The machine's one time of day; it cannot be before the machine was started. */
static long
set_wall(u64 ns)
{
	u64 now = clock_ns();

	return ns < now ? -EINVAL : server_call(OP_CLOCK_SET, ns - now, 0, 0, 0, 0, NULL);
}

long
sys_clock_settime(long number, long from)
{
	struct linux_timespec t;

	if ((int)number != CLOCK_REALTIME_)
		return -EINVAL;
	if (copy_in(&t, (u64)from, sizeof(t)))
		return -EFAULT;
	return timespec_ok(&t) && t.sec < SECONDS_MAX ? set_wall(timespec_ns(&t)) : -EINVAL;
}

/* The kernel's time zone is nobody's any more: it can be named, and is forgotten. */
long
sys_settimeofday(long from, long zone)
{
	struct linux_timeval t;
	u64 ignored;

	if ((from && copy_in(&t, (u64)from, sizeof(t))) ||
		(zone && copy_in(&ignored, (u64)zone, sizeof(ignored))))
		return -EFAULT;
	if (from && (t.sec < 0 || t.sec >= SECONDS_MAX || (u64)t.usec > 1000000))
		return -EINVAL;
	if (from)
		return set_wall((u64)t.sec * NSEC + (u64)t.usec * 1000);
	return cred_can((const struct sh_cred *)(u64)CRED, CAP_SYS_TIME) ? 0 : -EPERM;
}

struct linux_timex {
	u32 modes, pad0;
	int64_t offset, freq, maxerror, esterror;
	int32_t status, pad1;
	int64_t constant, precision, tolerance;
	struct linux_timeval time;
	int64_t tick, ppsfreq, jitter;
	int32_t shift, pad2;
	int64_t stabil, jitcnt, calcnt, errcnt, stbcnt;
	int32_t tai, pad3[11];
};
_Static_assert(sizeof(struct linux_timex) == 208, "struct timex");

#define ADJ_OFFSET_SS_READ 0xa001u
#define STA_UNSYNC 0x40
#define TIME_ERROR 5
#define ERROR_MAX_US 16000000
#define TOLERANCE 32768000
#define TICK_US 10000

/* The clock is nobody's to discipline: what can be read is that it is not disciplined. */
static long
adjust(u64 where)
{
	struct linux_timex t;
	u64 now = clock_ns() + SHARED->wall_offset_ns;

	if (copy_in(&t, where, sizeof(t)))
		return -EFAULT;
	if (t.modes && t.modes != ADJ_OFFSET_SS_READ)
		return -EPERM;
	t = (struct linux_timex){ .modes = t.modes,
		.maxerror = ERROR_MAX_US,
		.esterror = ERROR_MAX_US,
		.status = STA_UNSYNC,
		.constant = 2,
		.precision = 1,
		.tolerance = TOLERANCE,
		.time = { (int64_t)(now / NSEC), (int64_t)(now % NSEC / 1000) },
		.tick = TICK_US };
	return copy_out(where, &t, sizeof(t)) ? -EFAULT : TIME_ERROR;
}

long
sys_adjtimex(long where)
{
	return adjust((u64)where);
}

long
sys_clock_adjtime(long number, long where)
{
	struct clock c;

	if (!clock_find((int)number, &c))
		return -EINVAL;
	return (int)number == CLOCK_REALTIME_ ? adjust((u64)where) : -EOPNOTSUPP;
}

/* ---- use ------------------------------------------------------------------------------ */

long
sys_times(long where)
{
	const u64 tick = NSEC / TICKS;
	u64 user, system;

	times_split(&user, &system);
	if (where) {
		const u64 out[4] = { user / tick, system / tick,
			(PROC->children_ns - PROC->children_sys_ns) / tick,
			PROC->children_sys_ns / tick };

		if (copy_out((u64)where, out, sizeof(out)))
			return -EFAULT;
	}
	return (long)(clock_ns() / tick);
}

/* How much of a thread's time was the library's is told as that of its process is. */
static void
share_of_thread(u64 *user, u64 *system)
{
	const u64 run = thread_run_ns(current), all = (*user + *system) / 1024 + 1;

	*system = *system / 1024 * (run / 1024) / all * 1024;
	*system = *system < run ? *system : run;
	*user = run - *system;
}

enum { RUSAGE_CHILDREN_ = -1, RUSAGE_SELF_, RUSAGE_THREAD_ };

long
sys_getrusage(long who, long where)
{
	u64 use[USE_WORDS] = { 0 }, user, system, resident;

	if ((int)who < RUSAGE_CHILDREN_ || (int)who > RUSAGE_THREAD_)
		return -EINVAL;
	if ((int)who == RUSAGE_CHILDREN_) {
		system = PROC->children_sys_ns;
		user = PROC->children_ns - system;
		used_put(use, used_by_children(PROC));
	} else {
		times_split(&user, &system);
		if ((int)who == RUSAGE_THREAD_)
			share_of_thread(&user, &system);
		used_put(use, used_by(PROC));
		resident = vm_resident() * (EXO_PAGE_BYTES / 1024);
		if (resident > use[USE_MAXRSS])
			use[USE_MAXRSS] = resident;
	}
	times_put(use, user, system);
	return copy_out((u64)where, use, sizeof(use));
}
