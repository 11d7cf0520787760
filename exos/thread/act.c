/* SPDX-License-Identifier: ISC */
/* The door of the library, and what activations say to each other: act.h. */
#include "act.h"
#include "door.h"
#include "schedule.h"
#include "../arch/x86_64/arch.h"
#include "../core/self.h"

#define SPIN_NS 50000u			/* most calls are over by then */
#define LOOK_NS 5000000u		/* in the door: never is a wake relied on for longer */

struct act acts[SH_CPUS];
struct act *act_here = acts;
struct exo_uarea *uarea_here;
bool acts_many, acts_asked;
struct thread idler = { .state = THREAD_ENDED, .sig.blocked = ~0ull };

static volatile u64 door;		/* the CPU of who is in the library, + 1; 0: nobody */
static volatile u64 to_wake;		/* CPUs, when it is left: a bit each */
unsigned acts_on;

/* ---- the door --------------------------------------------------------------------------------- */

struct act *
act_own(void)
{
	return &acts[exo_uarea()->cpu];
}

static bool
try(u64 me)
{
	u64 nobody = 0;

	return __atomic_compare_exchange_n(&door, &nobody, me, false, __ATOMIC_SEQ_CST,
		__ATOMIC_RELAXED);
}

void
door_wakes(u32 cpu)
{
	__atomic_fetch_or(&to_wake, 1ull << cpu, __ATOMIC_SEQ_CST);
}

void
door_open(void)
{
	door = to_wake = 0;
	acts_many = false;
}

void
door_close(void)
{
	door = UAREA->cpu + 1ull;
	acts_many = true;
}

/* Who is inside runs, so that it will soon be out. */
static bool
is_short(u64 until)
{
	const u64 inside = door;

	return inside && exo_cpu((u32)inside - 1)->running == exo_uarea()->env &&
		clock_ns() < until;
}

static void
wait_outside(u32 cpu)
{
	struct exo_term free = term_word(&door, ~0ull, EXO_EQ, 0);

	free.where = word_place(&door);
	door_wakes(cpu);
	exos_park_until(&free, 1, clock_ns() + LOOK_NS, 0);
}

/* Nothing here is the library's yet, but what says whose turn it is. */
void
door_take(struct act *a)
{
	const u32 cpu = exo_uarea()->cpu;
	u64 until;

	if (!try(cpu + 1)) {
		__atomic_store_n(&a->waits, true, __ATOMIC_SEQ_CST);
		for (until = clock_ns() + SPIN_NS; !try(cpu + 1); until = clock_ns() + SPIN_NS) {
			while (is_short(until))
				exo_relax();
			if (door)
				wait_outside(cpu);
		}
		a->waits = false;
	}
	act_here = a;
	uarea_here = a->uarea;
	current = a->thread;
	if (acts_on == 1) {			/* the others have gone, and touch nothing */
		acts_many = false;
		door = 0;
	}
}

void
door_give(void)
{
	u64 wake;

	__atomic_exchange_n(&door, 0, __ATOMIC_SEQ_CST);
	if (!to_wake)
		return;
	wake = __atomic_exchange_n(&to_wake, 0, __ATOMIC_SEQ_CST);
	exo_changed(&wake);
}

void
act_enter(void)
{
	door_take(act_own());
}

void
act_leave(void)
{
	if (schedule_waits())
		acts_ring();
	door_give();
}

long
act_wait(const struct exo_term *terms, unsigned count, u64 deadline_ns)
{
	struct act *a = act_here;
	const bool many = acts_many;
	struct exo_term placed[EXO_TERMS_MAX];
	long woke;

	for (unsigned i = 0; i < count; i++) {
		placed[i] = terms[i];
		placed[i].where = word_place((const void *)terms[i].where);
	}
	PUB->waits++;
	if (many)
		door_give();
	woke = exos_park_until(placed, count, deadline_ns, 0);
	if (many)
		door_take(a);
	return woke;
}

void
act_yield(void)
{
	struct act *a = act_here;
	const bool many = acts_many;

	PUB->waits++;
	if (many)
		door_give();
	exos_park_to(0);
	if (many)
		door_take(a);
}

/* ---- each other ------------------------------------------------------------------------------- */

void
acts_ring(void)
{
	for (u32 cpu = 0; cpu < SH_CPUS; cpu++) {
		struct act *a = &acts[cpu];

		if (!a->on || !a->idle)
			continue;
		a->idle = false;
		a->bell++;
		door_wakes(cpu);
		return;
	}
}

static bool
runs_elsewhere(const struct act *a, const struct thread *t)
{
	return a != act_here && a->on && a->thread != &idler && (!t || a->thread == t);
}

/* The kernel posts to all activations of an environment; whoever has nothing to do with it goes on. */
void
acts_interrupt(const struct thread *t)
{
	bool some = false;

	if (!acts_many || t == &idler)
		return;
	for (u32 cpu = 0; cpu < SH_CPUS; cpu++)
		some |= runs_elsewhere(&acts[cpu], t);
	if (some)
		exo_post(UAREA->env, POST_ROW, KEY_SELF);
}

/*
 * Who does not run when the post has been made is entered by its upcall, before
 * another instruction of the program's, and then stops in the door.
 */
void
acts_stop(void)
{
	acts_interrupt(NULL);
	for (u32 cpu = 0; acts_many && cpu < SH_CPUS; cpu++) {
		const struct act *a = &acts[cpu];

		while (runs_elsewhere(a, NULL) && !*(const volatile bool *)&a->waits &&
			exo_cpu(cpu)->running == UAREA->env)
			exo_relax();
	}
}

u64
act_run_ns(const struct act *a)
{
	const volatile struct exo_uarea *u = a->uarea;
	const volatile struct exo_cpu *cpu = a->cpu;
	u64 charged, run, now;
	bool ours;

	do {
		charged = cpu->charged_ns;
		run = u->run_ns;
		now = clock_ns();
		ours = cpu->running == u->env;
	} while (charged != cpu->charged_ns);
	return run + (ours && now > charged ? now - charged : 0);
}
