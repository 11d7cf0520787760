/* SPDX-License-Identifier: ISC */
/* Activations come and go: act.h.  How many there are the server decides, where they are, too. */
#include "act.h"
#include "door.h"
#include "schedule.h"
#include "../arch/x86_64/arch.h"
#include "../core/frames.h"
#include "../core/header.h"
#include "../core/self.h"
#include "../linux/errno.h"

#define PAGE EXO_PAGE_BYTES
#define RW (EXO_MAP_READ | EXO_MAP_WRITE)
#define LEAVING_LOOKS 200u
#define LEAVING_NS 5000000u
#define REFUSED_NS 50000000u		/* who was told that there is no CPU asks no earlier */
#define STACKS_AT (EXOS_STACKS - EXOS_UAREA)

/* ---- coming and going ------------------------------------------------------------------------- */

void
acts_begin(void)
{
	uarea_here = AT(struct exo_uarea, EXOS_UAREA);
	act_here = act_own();
	*act_here = (struct act){ .uarea = uarea_here, .cpu = exo_cpu(uarea_here->cpu),
		.thread = current, .on = true };
	acts_on = 1;
}

void
acts_fork_child(void)
{
	memset(acts, 0, sizeof(acts));
	acts_asked = false;
	door_open();
	acts_begin();
}

static u64
place(u32 cpu)
{
	return (u64)AT(char, EXOS_ACTS) + cpu * EXOS_ACT_STRIDE;
}

static u64
stack_end(u32 cpu, unsigned depth)
{
	return place(cpu) + STACKS_AT + depth * EXOS_STACK_STRIDE;
}

static int
stack_ready(u32 cpu, unsigned depth)
{
	int error = 0;

	for (unsigned n = 1; n <= exos_header.stack_ready[depth - 1] && !error; n++) {
		const u64 va = stack_end(cpu, depth) - n * PAGE;

		error = page_entry(va) & EXO_PTE_PRESENT ? 0 : page_map_new(va, RW);
	}
	return error;
}

/* A context to idle in: who was alone had no need of one. */
static int
context_ready(struct act *a)
{
	const u32 cpu = a->uarea->cpu;
	const int error = a->parked ? 0 : stack_ready(cpu, 1);

	if (!a->parked && !error)
		a->parked = stack_begin(stack_end(cpu, 1), schedule_idle);
	return error;
}

/* Entered for the first time, or by somebody's gift of a slice before its time. */
static noreturn_ void
begin(void)
{
	struct act *a = act_own();

	while (!__atomic_load_n(&a->on, __ATOMIC_ACQUIRE))
		exos_park_to(0);
	door_take(a);
	schedule_idle();
}

static void
uarea_fill(struct exo_uarea *u, u32 cpu)
{
	struct exo_lib *lib = (struct exo_lib *)u->library;

	u->self = (u64)u;
	u->depth = 1;
	u->window_begin = UAREA->window_begin;
	u->window_end = UAREA->window_end;
	memcpy(u->entry, UAREA->entry, sizeof(u->entry));
	u->entry[EXO_ENTRY_EPILOGUE] = 0;
	lib->stacks = place(cpu) + STACKS_AT;
	lib->parked = stack_parked(stack_end(cpu, 1), begin);
}

static int
make(u32 cpu)
{
	struct exo_uarea *u = (struct exo_uarea *)place(cpu);
	struct exo_act_spec spec = { .cpu = cpu, .uarea_va = (u64)u };
	int error = 0;

	for (unsigned depth = 1; depth <= EXOS_STACK_DEPTHS && !error; depth++)
		error = stack_ready(cpu, depth);
	if (!error && !(page_entry((u64)u) & EXO_PTE_PRESENT))
		error = page_map_new((u64)u, RW);
	if (!error)
		error = frames_claim(1, &spec.act_frame);
	if (error)
		return error;
	uarea_fill(u, cpu);
	spec.uarea_frame = page_pfn(u);
	error = (int)linux_errno(exo_env_activate(UAREA->env, &spec, KEY_SELF));
	if (error) {
		exo_frame_release_all(spec.act_frame, 1, KEY_SELF);
		return error;
	}
	acts[cpu].uarea = u;
	acts[cpu].cpu = exo_cpu(cpu);
	acts[cpu].thread = &idler;
	return 0;
}

static void
switch_on(u32 cpu)
{
	if (!acts_many) {
		door_close();
	}
	acts_on++;
	/* What was posted before it was made, others have, who may be off when they would look. */
	__atomic_fetch_or(&acts[cpu].uarea->posted, POST_SIGNAL | POST_ROW, __ATOMIC_SEQ_CST);
	__atomic_store_n(&acts[cpu].on, true, __ATOMIC_SEQ_CST);
	if (exo_cpu(cpu)->idle)
		exo_wake(cpu);
}

/* An activation that has left the library is about to say so to the server. */
static void
wait_for_leaving(u32 wanted)
{
	for (unsigned n = 0; n < LEAVING_LOOKS && wanted < SH_CPUS; n++) {
		const u64 cpus = PROC->cpus;
		const struct exo_term t = term_word(&PROC->cpus, ~0ull, EXO_NE, cpus);

		if (acts[wanted].on || !(cpus >> wanted & 1))
			return;
		park_wait(&t, 1, clock_ns() + LEAVING_NS);
	}
}

static bool
more(void)
{
	long cpu = context_ready(act_here);

	wait_for_leaving(PROC->cpu_wanted);
	if (cpu == 0)
		cpu = server_call(OP_CPU_MORE, 0, 0, 0, 0, 0, NULL);
	if (cpu < 0 || cpu >= SH_CPUS || acts[cpu].on)
		return false;
	if (!acts[cpu].uarea && make((u32)cpu)) {
		server_call(OP_CPU_LESS, (u64)cpu, 0, 0, 0, 0, NULL);
		return false;
	}
	switch_on((u32)cpu);
	return true;
}

bool
act_more(void)
{
	static u64 not_before;

	if (acts_on >= SHARED->cpus || clock_ns() < not_before)
		return false;
	if (more())
		return true;
	not_before = clock_ns() + REFUSED_NS;
	return false;
}

/*
 * With the library left to others: nothing of it is touched.  Its number tells a
 * server that was begun anew whether it was done: others may have got it back since.
 */
static void
slices_return(u32 cpu, u64 number)
{
	struct exo_msg m;
	u64 again = 0;
	long error;

	for (;;) {
		const exo_envid server = SHARED->server;

		m = (struct exo_msg){ .rsi = OP_CPU_LESS, .rdx = cpu, .r12 = number | again };
		error = exos_transfer(server, &m, 0);
		if (error == -EXO_EBUSY) {
			exos_park_to(server);
		} else if (error == -EXO_EDEAD || error == -EXO_ESTALE) {
			again = SERVER_ASKED;
			exos_park_to(0);	/* there will be another */
		} else if (error == 0 && (long)m.rsi == SERVER_UNDONE) {
			again = 0;
		} else if (error == 0 && (long)m.rsi == SERVER_BUSY) {
			exos_park_to(0);
		} else {
			return;
		}
	}
}

void
act_less(void)
{
	struct act *a = act_here;
	const u64 number = server_number();

	a->leaves = a->on = false;
	a->idle_since = 0;
	acts_on--;
	acts_ring();			/* who waits outside may have come when the others slept */
	door_give();
	slices_return(exo_uarea()->cpu, number);
	while (!__atomic_load_n(&a->on, __ATOMIC_ACQUIRE))
		exos_park_to(0);
	door_take(a);
}

/* ---- where we may be -------------------------------------------------------------------------- */

static bool
may_be_on(u32 cpu)
{
	const u64 may = CRED->cpus;

	return !may || may >> cpu & 1;
}

void
acts_check(void)
{
	const u32 wanted = PROC->cpu_wanted;

	acts_asked |= act_here->leaves || (wanted < SH_CPUS && !acts[wanted].on);
	for (u32 cpu = 0; cpu < SH_CPUS; cpu++)
		acts_asked |= acts[cpu].on && !acts[cpu].leaves && !may_be_on(cpu);
}

static void
tell_to_leave(struct act *a, u32 cpu)
{
	a->leaves = true;
	if (a == act_here)
		return;
	a->bell++;
	door_wakes(cpu);
	acts_interrupt(a->thread);
}

/* From the CPU where it has been first of all the process is to go to the one that is wanted. */
void
acts_review(void)
{
	const u32 wanted = PROC->cpu_wanted;
	const bool moves = wanted < SH_CPUS && !acts[wanted].on;
	unsigned stay;
	u32 first;

	acts_asked = false;
	if (moves && !more())
		return;			/* the server will ask again */
	stay = acts_on;
	first = PROC->cpu == wanted ? SH_CPUS : PROC->cpu;
	for (u32 cpu = 0; cpu < SH_CPUS && stay > 1; cpu++) {
		if (!acts[cpu].on || ((!moves || cpu != first) && may_be_on(cpu)))
			continue;
		if (!acts[cpu].leaves)
			tell_to_leave(&acts[cpu], cpu);
		stay--;
	}
}
