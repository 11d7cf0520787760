/* SPDX-License-Identifier: ISC */
/*
 * Calling the server: a control transfer, so the server works on this
 * process's time.  One that has ended is begun anew by its keeper (exos/server/
 * keeper.c), and knows what was answered.  A server busy with somebody else gets
 * the rest of the slice; one that is busy on another CPU will soon be done there,
 * or was interrupted and cannot be helped from here.
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

bool
server_gone(long error)
{
	if (error != -EXO_EDEAD && error != -EXO_ESTALE)
		return false;
	for (;;) {
		const volatile struct exo_env *e = exo_env(SHARED->server);

		if (e && e->state == EXO_ENV_ALIVE)
			return true;
		exos_park_to(0);
	}
}

/* Of requests: never the same twice. */
u64
server_number(void)
{
	static u64 numbers;

	return numbers += 2;
}

/* What it gave the caller before it ended; and then the whole request once more. */
static u64
slots_empty(const struct exo_msg *m)
{
	for (u32 slot = 0; slot < 64; slot++)
		if (m->rdx >> slot & 1)
			exo_key_drop(slot, 1);
	for (u32 n = 0; n < 64; n += 16) {
		if (m->r8 >> n & 0xffff)
			exo_key_drop(m->r8 >> n & 0xffff, 1);
		if (m->r9 >> n & 0xffff)
			exo_key_drop(m->r9 >> n & 0xffff, 1);
	}
	return 0;
}

static bool
not_done(long result)
{
	return result == SERVER_BUSY || result == SERVER_AGAIN || result == SERVER_UNDONE;
}

long
server_call(enum server_op op, u64 a, u64 b, u64 c, u64 d, u64 e, struct answer *answer)
{
	const bool says_dry = op == OP_MEMORY && a == 0, stops = op == OP_STOPPED || op == OP_KILL;
	struct exo_msg m;
	long error;
	const u64 number = server_number();
	u64 again = 0;

	for (;;) {
		if (!says_dry)
			wait_stopped(false);
		m = (struct exo_msg){ .rsi = op, .rdx = a, .r8 = b, .r9 = c, .rbx = d, .rbp = e,
			.r12 = number | again };
		error = exos_transfer(SHARED->server, &m, 0);
		if (error == -EXO_EBUSY)
			exos_park_to(SHARED->server);
		else if (server_gone(error))
			again = SERVER_ASKED;	/* the next one knows whether that was done */
		else if (error || !not_done((long)m.rsi))
			break;
		else if ((long)m.rsi == SERVER_UNDONE)
			again = slots_empty(&m);
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
