/* SPDX-License-Identifier: ISC */
/*
 * Calling the server: a control transfer, so the server works on this
 * process's time.  A server busy with somebody else gets the rest of the slice;
 * one that is busy on another CPU will soon be done there, or was interrupted
 * and cannot be helped from here.
 */
#include "exos.h"
#include "../arch/x86_64/arch.h"
#include "../linux/errno.h"
#include "../proc/signal.h"

#define SPIN_NS 100000u
#define SLICE_LEFT_NS 200000u		/* with less, requests are put off to the next slice */

/* It runs on the CPU where it is busy, and was done within the time of a few requests; and we have some left. */
static bool
soon_done(void)
{
	const u64 until = clock_ns() + SPIN_NS;

	for (;;) {
		const u64 cpu = SHARED->busy_on;

		if (cpu == 0)
			return exo_cpu(UAREA->cpu)->slice_end_ns > clock_ns() + SLICE_LEFT_NS;
		if (exo_cpu((u32)cpu - 1)->running != SHARED->server || clock_ns() > until)
			return false;
		exo_relax();
	}
}

/*
 * Stopped, by this very call or while it waited: whatever comes next waits for
 * SIGCONT.  In between it may run to give memory back, if nothing is in its hands.
 */
static void
wait_stopped(bool free_handed)
{
	while (self_proc && self_proc->state == PROC_STOPPED) {
		if (free_handed)
			signal_stopped();
		else
			exos_park_to(0);
	}
}

long
server_call(enum server_op op, u64 a, u64 b, u64 c, u64 d, u64 e, struct answer *answer)
{
	const bool says_dry = op == OP_MEMORY && a == 0, stops = op == OP_STOPPED || op == OP_KILL;
	struct exo_msg m;
	long error;

	for (;;) {
		if (!says_dry)
			wait_stopped(false);
		m = (struct exo_msg){ .rsi = op, .rdx = a, .r8 = b, .r9 = c, .rbx = d, .rbp = e };
		error = exos_transfer(SHARED->server, &m, 0);
		if (error == -EXO_EBUSY)
			exos_park_to(SHARED->server);
		else if (error || ((long)m.rsi != SERVER_BUSY && (long)m.rsi != SERVER_AGAIN))
			break;
		else if ((long)m.rsi == SERVER_AGAIN)
			continue;	/* bound: each time something is freed */
		else if (!soon_done())
			exos_park_to(0);
	}
	if (!says_dry)
		wait_stopped(stops);
	if (error)
		return linux_errno(error);
	if (answer)
		*answer = (struct answer){ m.rdx, m.r8, m.r9 };
	return (long)m.rsi;
}
