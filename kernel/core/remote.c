/* SPDX-License-Identifier: ISC */
/*
 * What CPUs ask of each other.  Three things, each a pair of counters in the
 * struct cpu of the one who is asked, and an interrupt (a poke) for the case
 * that it does not look by itself:
 *
 *	flush	forget translations.  Asked by whoever took rights away, who waits
 *		for it before it releases its locks: a frame is claimed again by nobody
 *		before.
 *	leave	be at rest: in user mode, or idle, having been there since it was
 *		asked.  A dead environment is taken apart only after that.
 *	look	sleep no longer: a word may have changed (cpus_wake).
 *	stop	be at rest and stay there, while the debug kernel looks at everything.
 *
 * No waiting for ever: whoever waits for a lock or for another CPU serves flushes
 * itself meanwhile (cpu_serve), one at a time asks for them, and everything else
 * that a CPU does in the kernel is bounded.
 *
 * An idle CPU holds nothing: neither translations of anybody nor registers
 * (arch_unload).  It is never asked for anything but to wake, and with one CPU
 * nothing here is ever done.
 */
#include "../cpu/cpu.h"
#include "../arch/x86_64/arch.h"

static u32
load(const u32 *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static bool
is_idle(const struct cpu *cpu)
{
	return __atomic_load_n(&cpu->pub->idle, __ATOMIC_ACQUIRE) != 0;
}

static void
poke(const struct cpu *cpu)
{
	this_cpu()->pub->pokes++;
	arch_poke(cpu->id);
}

/* ---- flush ---------------------------------------------------------------------------- */

void
cpu_serve_flush(struct cpu *cpu)
{
	u32 wanted = load(&cpu->flush_wanted);

	arch_flush_all();
	cpu->pub->flushes_served++;
	__atomic_store_n(&cpu->flush_done, wanted, __ATOMIC_RELEASE);
}

/*
 * May it hold translations of that address space (0: of any)?  Whoever becomes
 * `act` does so before its tables are loaded, and that is behind the change
 * then; an idle one leaves that state first, and loads tables anew.  Between two
 * activations it may have anybody's.
 */
static bool
may_hold(const struct cpu *cpu, exo_pfn root)
{
	const struct act *act;

	if (is_idle(cpu))
		return false;
	act = __atomic_load_n(&cpu->act, __ATOMIC_ACQUIRE);
	return act == NULL || root == 0 || act->cr3 == root << EXO_PAGE_SHIFT;
}

static bool
others_may_hold(const struct cpu *self, exo_pfn root)
{
	for (u32 n = 0; n < cpus_count; n++)
		if (&cpus[n] != self && may_hold(&cpus[n], root))
			return true;
	return false;
}

/* One at a time: it is waited for before the next asks. */
static struct lock flush_lock = LOCK_INIT("flush", RANK_FLUSH, EXO_LOCK_MEM);

static u32
ask_flush(const struct cpu *self, exo_pfn root) REQUIRES(flush_lock)
{
	u32 asked = 0;

	for (u32 n = 0; n < cpus_count; n++) {
		struct cpu *cpu = &cpus[n];

		if (cpu == self || !may_hold(cpu, root))
			continue;
		__atomic_store_n(&cpu->flush_wanted, cpu->flush_wanted + 1, __ATOMIC_RELEASE);
		poke(cpu);
		asked |= 1u << n;
	}
	return asked;
}

void
cpus_flush(exo_pfn root)
{
	struct cpu *self = this_cpu();
	u64 begin;
	u32 asked;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* the change, then who runs */
	if (!others_may_hold(self, root))
		return;
	begin = now_ns();
	lock_acquire(&flush_lock);
	asked = ask_flush(self, root);
	for (u32 n = 0; n < cpus_count; n++)
		while ((asked >> n & 1) != 0 &&
			load(&cpus[n].flush_done) != cpus[n].flush_wanted) {
			cpu_serve(self);
			__builtin_ia32_pause();
		}
	lock_release(&flush_lock);
	self->pub->flushes++;
	self->pub->flush_wait_ns += now_ns() - begin;
}

/* ---- leave ---------------------------------------------------------------------------- */

void
cpus_ask_leave(struct leaving *leaving, const struct env *env)
{
	const struct cpu *self = this_cpu();

	leaving->cpus = 0;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);	/* it is dead, then who may be idle */
	for (u32 n = 0; n < cpus_count; n++) {
		struct cpu *cpu = &cpus[n];

		if (cpu == self || env->act[n] == NULL || is_idle(cpu))
			continue;
		leaving->cpus |= 1u << n;
		leaving->until[n] = cpu->leave_wanted + 1;
		__atomic_store_n(&cpu->leave_wanted, leaving->until[n], __ATOMIC_RELEASE);
		poke(cpu);
	}
}

bool
cpus_left(const struct leaving *leaving)
{
	for (u32 n = 0; n < cpus_count; n++)
		if ((leaving->cpus >> n & 1) != 0 &&
			(i32)(load(&cpus[n].leave_done) - leaving->until[n]) < 0)
			return false;
	return true;
}

/*
 * What was asked before `wanted` was read is done, unless who runs is dead.  The
 * order matters: who died before it was asked is seen to be dead.
 */
static bool
leave_others(struct cpu *cpu, u32 wanted)
{
	if (cpu->act != NULL && !act_alive(cpu->act))
		return false;
	__atomic_store_n(&cpu->leave_done, wanted, __ATOMIC_RELEASE);
	return true;
}

/*
 * Two who destroy each other would wait for ever; but who is waited for is
 * dead, and stops waiting.  Who waits holds nothing but its own act, so it has
 * left all others: or two CPUs, each destroying somebody who has an activation on
 * the other, would wait for each other.
 */
void
cpus_wait_left(const struct leaving *leaving)
{
	struct cpu *self = this_cpu();

	while (!cpus_left(leaving) && leave_others(self, load(&self->leave_wanted))) {
		cpu_serve(self);
		cpu_stop_asked(self);
		__builtin_ia32_pause();
	}
}

/* In an interrupt that found user mode, or nobody. */
void
cpu_at_rest(struct cpu *cpu)
{
	u32 wanted = load(&cpu->leave_wanted);

	if (!leave_others(cpu, wanted))
		cpu_leave(cpu, wanted);
}

/* ---- stop ----------------------------------------------------------------------------- */

static u32 stop_last;			/* [stopping] drawn so far */
static u32 stop_now;			/* that which is in force, 0: none */
static u32 stopping;			/* somebody stops the others */

/* Where it holds no lock and is in the middle of nothing. */
void
cpu_stop_asked(struct cpu *cpu)
{
	u32 stop = load(&stop_now);

	if (stop == 0)
		return;
	__atomic_store_n(&cpu->stopped, stop, __ATOMIC_RELEASE);
	while (load(&stop_now) == stop) {
		cpu_serve(cpu);		/* others are still on their way */
		__builtin_ia32_pause();
	}
}

static bool
others_stopped(const struct cpu *self, u32 stop)
{
	for (u32 n = 0; n < cpus_count; n++)
		if (&cpus[n] != self && load(&cpus[n].stopped) != stop)
			return false;
	return true;
}

void
cpus_go(void)
{
	__atomic_store_n(&stop_now, 0, __ATOMIC_RELEASE);
	__atomic_store_n(&stopping, 0, __ATOMIC_RELEASE);
}

/* Who waits for this CPU to leave does not stop before: then there is nothing to look at. */
bool
cpus_stop(void)
{
	struct cpu *self = this_cpu();
	u32 stop;

	if (__atomic_exchange_n(&stopping, 1, __ATOMIC_ACQUIRE) != 0)
		return false;
	stop = ++stop_last != 0 ? stop_last : ++stop_last;
	__atomic_store_n(&stop_now, stop, __ATOMIC_SEQ_CST);
	for (u32 n = 0; n < cpus_count; n++)
		if (&cpus[n] != self)
			poke(&cpus[n]);
	while (!others_stopped(self, stop)) {
		cpu_serve(self);
		if (!act_alive(self->act)) {
			cpus_go();
			return false;
		}
		__builtin_ia32_pause();
	}
	return true;
}

/* ---- look ----------------------------------------------------------------------------- */

void
cpu_poke(u32 n)
{
	poke(&cpus[n]);
}

/* The other half of the order is in cpu_dispatch: idle is set, then predicates are looked at. */
void
cpus_wake_others(void)
{
	const struct cpu *self = this_cpu();

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (u32 n = 0; n < cpus_count; n++)
		if (&cpus[n] != self && is_idle(&cpus[n]))
			poke(&cpus[n]);
}
