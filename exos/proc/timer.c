/* SPDX-License-Identifier: ISC */
/* The real-time timer: looked at when a call ends, waits for it, or when a slice does. */
#include "timer.h"
#include "signal.h"
#include "../core/header.h"
#include "../arch/x86_64/arch.h"

static u64 deadline, interval;

/* The end of a slice is an event like a post (start.c): then the clock is looked at. */
static void
slice_ends_wanted(bool wanted)
{
	UAREA->entry[EXO_ENTRY_EPILOGUE] = wanted ? UAREA->entry[EXO_ENTRY_EVENT] : 0;
}

void
timer_set(u64 first_ns, u64 interval_ns)
{
	deadline = first_ns ? clock_ns() + first_ns : 0;
	interval = interval_ns;
	slice_ends_wanted(deadline);
}

u64
timer_left(u64 *interval_ns)
{
	u64 now = clock_ns();

	*interval_ns = interval;
	if (deadline == 0)
		return 0;
	return deadline > now ? deadline - now : 1;
}

u64
timer_next(void)
{
	return deadline;
}

void
timer_check(void)
{
	const struct sig_detail d = { .signo = SIGALRM, .code = SI_KERNEL_ };
	u64 now;

	if (deadline == 0)
		return;
	now = clock_ns();
	if (now < deadline)
		return;
	signal_arrived(&d);
	deadline = interval ? deadline + interval : 0;
	if (deadline && deadline < now)
		deadline = now + interval; /* ticks that were missed are not made up for */
	slice_ends_wanted(deadline);
}
