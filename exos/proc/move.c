/* SPDX-License-Identifier: ISC */
/*
 * A process that moves has an activation on each CPU where it has been, and is
 * on one: its context is parked on the library's stack, the u-area of the other
 * activation becomes a copy of this one, bound in its place, and the server
 * gives that one the slices (OP_MOVE).  The two run at the same time for a few
 * instructions, in which the one left behind touches no memory (arch, park.S).
 *
 * An activation keeps its two frames for when the process comes back.  What was
 * posted to the one that was left is looked at on arrival.
 */
#include "move.h"
#include "../arch/x86_64/arch.h"
#include "../core/frames.h"
#include "../core/self.h"
#include "../linux/errno.h"

#define RW (EXO_MAP_READ | EXO_MAP_WRITE)

static exo_pfn places[SH_CPUS];		/* u-area of the activation there; 0: none */
static u8 vector_state[FPU_AREA_MAX] TRANSIENT __attribute__((aligned(EXO_PAGE_BYTES)));

struct move {
	u32 from, to;
	bool bound;			/* the other u-area is where ours was */
};

bool move_asked;

static bool
wanted_elsewhere(void)
{
	return PROC->cpu_wanted != UAREA->cpu && PROC->cpu_wanted < SH_CPUS;
}

void
move_check(void)
{
	if (wanted_elsewhere())
		move_asked = true;
}

static struct exo_uarea *
other_map(exo_pfn uarea)
{
	u64 va = (u64)AT(char, EXOS_WINDOW + WINDOW_VM * EXO_PAGE_BYTES);

	return page_map(va, uarea, RW, KEY_SELF) ? NULL : (struct exo_uarea *)va;
}

static void
other_unmap(struct exo_uarea *u)
{
	struct exo_map gone = { .va = (u64)u, .op = EXO_OP_UNMAP, .key = KEY_SELF };

	exo_map(UAREA->env, &gone, 1, KEY_SELF);
}

/* A first activation there; it finds its u-area filled in. */
static long
place_make(u32 cpu)
{
	struct exo_act_spec spec = { .cpu = cpu, .uarea_va = (u64)UAREA };
	struct exo_uarea *u;
	long error = frames_claim(1, &spec.uarea_frame);

	if (error)
		return error;
	error = frames_claim(1, &spec.act_frame);
	u = error ? NULL : other_map(spec.uarea_frame);
	if (u) {
		memset(u, 0, sizeof(*u));
		u->entry[EXO_ENTRY_PROLOGUE] = exos_arrival(cpu);
		other_unmap(u);
		error = linux_errno(exo_env_activate(UAREA->env, &spec, KEY_SELF));
	}
	if (u && error >= 0) {
		places[cpu] = spec.uarea_frame;
		return 0;
	}
	exo_frame_release_all(spec.uarea_frame, 1, KEY_SELF);
	if (spec.act_frame)
		exo_frame_release_all(spec.act_frame, 1, KEY_SELF);
	return error ? error : -ENOMEM;
}

/* Behind what both sides write lies what the kernel counts for each of them. */
static void
uarea_copy(struct exo_uarea *u, u32 cpu, u64 parked)
{
	memcpy(u, UAREA, offsetof(struct exo_uarea, revocation));
	u->cpu = cpu;
	u->gate = u->pending = u->overrun = 0;
	u->posted = POST_SIGNAL;
	u->entry[EXO_ENTRY_PROLOGUE] = exos_arrival(cpu);
	((struct exo_lib *)u->library)->parked = parked;
}

/* From the binding on nothing may fault: the kernel would tell the u-area that is no longer seen. */
static long
leave(void *arg, u64 parked)
{
	struct move *m = arg;
	struct exo_uarea *u = other_map(places[m->to]);
	struct exo_map bind = { .va = (u64)UAREA, .pfn = places[m->to], .key = KEY_SELF,
		.op = EXO_OP_MAP | RW };
	const exo_envid self = UAREA->env, server = SHARED->server;
	long error;

	if (!u)
		return -ENOMEM;
	UAREA->entry[EXO_ENTRY_PROLOGUE] = exos_arrival(m->from);
	uarea_copy(u, m->to, parked);
	other_unmap(u);
	error = exo_map(self, &bind, 1, KEY_SELF);
	m->bound = error == 1;
	return m->bound ? (long)server : -ENOMEM;
}

static void
stay(const struct move *m, exo_envid self)
{
	struct exo_map bind = { .va = (u64)UAREA, .pfn = places[m->from], .key = KEY_SELF,
		.op = EXO_OP_MAP | RW };

	if (m->bound && exo_map(self, &bind, 1, KEY_SELF) != 1)
		__builtin_trap();	/* it was bound there a moment ago */
}

static long
move_to(u32 cpu)
{
	static struct move m;		/* not stack: nothing of it is needed where it is not yet */
	const exo_envid self = UAREA->env;
	const u64 fs = fs_base();
	long error;

	m = (struct move){ .from = UAREA->cpu, .to = cpu };
	places[m.from] = page_pfn(UAREA);
	error = places[cpu] ? 0 : place_make(cpu);
	if (error || fpu_save(vector_state))
		return error ? error : -ENOMEM;
	error = exos_move_point(leave, &m, OP_MOVE);
	if (error) {
		stay(&m, self);
		return error;
	}
	fs_base_set(fs);
	fpu_load(vector_state);
	return 0;
}

/* Busy is waited for, as with any request (core/server.c). */
static bool
is_busy(long error)
{
	if (error == -EXO_EBUSY)	/* the kernel's; no errno of a refusal is this number */
		exos_park_to(SHARED->server);
	else if (error == SERVER_BUSY)
		exos_park_to(0);
	return error == -EXO_EBUSY || error == SERVER_BUSY || error == SERVER_AGAIN;
}

void
move_now(void)
{
	long error;

	move_asked = false;
	do {
		error = wanted_elsewhere() ? move_to(PROC->cpu_wanted) : 0;
	} while (is_busy(error));
}

void
move_fork_child(void)
{
	memset(places, 0, sizeof(places));
	move_asked = false;
	move_check();
}
