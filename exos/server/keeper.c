/* SPDX-License-Identifier: ISC */
/*
 * The keeper: makes the server's environment, and another one when that ends.
 *
 * It is the environment that the kernel starts, and owns nothing but a stack and
 * a slice, on which it sleeps until the server is no more.  Now and then it looks
 * whether the server goes on, and ends one that does not (watch.h): as if it had
 * faulted, so that what it was doing is an error for who asked.
 *
 * What the server knows lies in frames and page tables of the root account,
 * which outlive it.  The keeper takes the three tables below its top-level table
 * from the dead environment's, puts them into the new one's, and gives that a slice:
 * the server finds all its memory where it was (restart.c says what it makes of it).
 *
 * Variables of the program are the server's: of them this reads how far it came.
 * What the keeper must not lose is on its stack, which the server does not map.
 */
#include "srv.h"
#include "crash.h"
#include "keeper.h"
#include "undo.h"
#include "watch.h"
#include <exo/archive.h>
#include <exo/tag.h>

#define OWN (EXO_BOOT_UAREA + 0x10000)	/* stack, and above it a window */
#define STACK_PAGES 4u
#define STACK_END (OWN + STACK_PAGES * EXO_PAGE_BYTES)
#define WINDOW (STACK_END + EXO_PAGE_BYTES)
#define TRIES 1024u
#define HANGS_REASON 0x48414e47u	/* the end of one that did not go on */
#define ENDS_MAX 64u			/* in a row, with nothing done in between: it is not tried again */

static const uint64_t tops[] = { 0, SRV_COMM, EXOS_SPACE };
#define TOPS (sizeof(tops) / sizeof(tops[0]))

/* What an environment is made of, each a frame; the links are two in a row. */
enum { PART_ENV, PART_ROOT, PART_LINKS, PART_RING, PART_UAREA, PART_ACT, PARTS };

struct keeper {
	exo_envid server;
	exo_pfn table[TOPS];
	/* Frames of the next one: it may end because there is no memory; 0: none */
	exo_pfn kept[PARTS];
	uint64_t served;		/* by the server, when it ended last */
	unsigned ends;			/* since then */
};

__attribute__((noreturn)) static void
give_up(const char *why)
{
	char text[120];
	size_t n = exo_snprintf(text, sizeof(text), "keeper: %s\n", why);

	exo_log(text, n, ROOT_KEY);
	exo_machine_off(1, ROOT_KEY);
	__builtin_trap();
}

/*
 * 0: there are none, or more are not the root account's to have.  They are marked:
 * the last server may have let go of them, or been about to claim them, and what
 * is taken back of that or done again must not be done to what is ours now.
 */
static exo_pfn
find(uint64_t count)
{
	const exo_pfn account = exo_info()->root_account;
	exo_pfn pfn = 0;

	for (unsigned tries = 0; tries < TRIES; tries++) {	/* others take frames, too */
		pfn = exo_frame_find(pfn, count);
		if (pfn == 0)
			return 0;
		if (exo_frame_claim_all(pfn, count, account, 0, ROOT_KEY, 0) == (int64_t)count) {
			exo_frame_mark_all(pfn, count, EXO_FRAME_TAG(EXO_TAG_SERVER), 0, ROOT_KEY);
			return pfn;
		}
		pfn++;
	}
	return 0;
}

static exo_pfn
take(uint64_t count)
{
	const exo_pfn pfn = find(count);

	if (pfn == 0)
		give_up("no memory for the server");
	return pfn;
}

/* For the next one: what the last was made of comes back only when this one has begun. */
static void
keep_frames(struct keeper *k)
{
	for (unsigned n = 0; n < PARTS; n++)
		if (k->kept[n] == 0)
			k->kept[n] = find(n == PART_LINKS ? 2 : 1);
}

static exo_pfn
part(struct keeper *k, unsigned which)
{
	const exo_pfn pfn = k->kept[which];

	k->kept[which] = 0;
	return pfn ? pfn : take(which == PART_LINKS ? 2 : 1);
}

static void
bind(exo_envid env, uint64_t va, exo_pfn pfn, uint32_t perms)
{
	struct exo_map m = { .va = va, .pfn = pfn, .op = EXO_OP_MAP | EXO_MAP_READ | perms,
		.key = ROOT_KEY };

	if (exo_map(env, &m, 1, ROOT_KEY) != 1)
		give_up("a page of the server's cannot be mapped");
}

/* ---- its address space, once ------------------------------------------------------------------ */

static void
table(exo_envid env, uint64_t va, unsigned level, exo_pfn pfn)
{
	const uint64_t span = EXO_PAGE_BYTES << 9 * level;

	if (exo_pt_install(env, (va & ~(span - 1)) | level | EXO_PT_WRITE, pfn, pfn + 1, ROOT_KEY,
		    ROOT_KEY) < 0)
		give_up("a page table of the server's cannot be made");
}

static void
space_make(struct keeper *k)
{
	extern const char __executable_start[], _end[];
	const uint64_t first = (uint64_t)__executable_start & -EXO_PAGE_BYTES;
	const uint64_t big = EXO_PAGE_BYTES << 9;

	for (unsigned n = 0; n < TOPS; n++) {
		k->table[n] = take(3);
		table(k->server, tops[n], 3, k->table[n]);
	}
	table(k->server, 0, 2, take(3));
	for (uint64_t va = first & -big; va < (uint64_t)_end; va += big)
		table(k->server, va, 1, take(3));
	table(k->server, EXO_BOOT_UAREA, 1, take(3));
	table(k->server, UNDO_AT, 2, take(3));
	table(k->server, UNDO_AT, 1, take(3));
	for (uint64_t va = first; va < (uint64_t)_end; va += EXO_PAGE_BYTES) {
		const uint64_t pte = exo_pte(va);

		if (pte & EXO_PTE_PRESENT)
			bind(k->server, va, EXO_PTE_PFN(pte),
				(pte & EXO_PTE_WRITE ? EXO_MAP_WRITE : 0) |
					(pte & EXO_PTE_NX ? 0 : EXO_MAP_EXEC));
	}
}

/* From the one that is dead: its top-level table loses them, so that they are in one tree again. */
static void
space_move(const struct keeper *k)
{
	for (unsigned n = 0; n < TOPS; n++) {
		while (exo_frame_unbind(k->table[n], 64, ROOT_KEY) > 0)
			;		/* bound: there are fewer each time */
		if (exo_pt_install(k->server, tops[n] | 3 | EXO_PT_WRITE, k->table[n], 0, ROOT_KEY,
			    ROOT_KEY) < 0)
			give_up("the server's memory cannot be moved");
	}
}

/* ---- an environment ------------------------------------------------------------------------------ */

static void
activate(struct keeper *k)
{
	struct exo_act_spec act = { .uarea_va = EXO_BOOT_UAREA, .uarea_frame = part(k, PART_UAREA),
		.act_frame = part(k, PART_ACT) };
	struct exo_map unmap = { .va = WINDOW, .op = EXO_OP_UNMAP, .key = ROOT_KEY };
	struct exo_uarea *u = (struct exo_uarea *)WINDOW;

	bind(exo_self(), WINDOW, act.uarea_frame, EXO_MAP_WRITE);
	exo_upcalls_init(u, EXO_BOOT_UAREA, server_upcall_stacks);
	exo_begin_with(u, server_stack + SERVER_STACK, server_begin);
	exo_map(exo_self(), &unmap, 1, ROOT_KEY);
	bind(k->server, EXO_BOOT_UAREA, act.uarea_frame, EXO_MAP_WRITE);
	if (exo_env_activate(k->server, &act, ROOT_KEY) < 0)
		give_up("the server cannot be activated");
}

/* For its loop, on this CPU. */
static void
slice_give(exo_envid env)
{
	const uint32_t cpu = exo_uarea()->cpu;

	for (unsigned tries = 0; tries < TRIES; tries++)	/* others may be quicker */
		if (exo_slice_claim(cpu, exo_slice_find(cpu), env, 0, ROOT_KEY, ROOT_KEY) >= 0)
			return;
	give_up("no slice for the server");
}

static void
make(struct keeper *k)
{
	const struct exo_env_spec spec = { .slot = exo_env_find_slot(),
		.account = exo_info()->root_account, .env_frame = part(k, PART_ENV),
		.root_frame = part(k, PART_ROOT), .root_links = part(k, PART_LINKS),
		.ring_frame = part(k, PART_RING), .k_account = ROOT_KEY, .k_guard = ROOT_KEY };
	const int64_t env = exo_env_create(&spec);

	if (env < 0 ||
		exo_key_copy(ROOT_KEY, 1, (exo_envid)env, ROOT_KEY, ROOT_KEY) != 1)
		give_up("the server's environment cannot be made");
	k->server = (exo_envid)env;
	if (k->table[0])
		space_move(k);
	else
		space_make(k);
	activate(k);
	keep_frames(k);
	slice_give(k->server);
}

/* ---- does it go on? --------------------------------------------------------------------------------- */

/* NULL: it has ended. */
static const volatile struct exo_env *
alive(exo_envid env)
{
	const volatile struct exo_env *e = exo_env(env);

	return e && e->state == EXO_ENV_ALIVE ? e : NULL;
}

static unsigned
slices_on(uint64_t cpu)
{
	unsigned count = 0;

	for (uint32_t n = 0; n < EXO_SLICES_CPU; n++)
		count += exo_slice((uint32_t)cpu, n)->owner != 0;
	return count;
}

static unsigned
patience(uint64_t on)
{
	const unsigned looks = run.crash_fault == CRASH_HANGS ? WATCH_LOOKS_TEST : WATCH_LOOKS;

	return looks + (on ? slices_on(on - 1) / WATCH_SLICES : 0);
}

/* Until the server has ended, or it is time to look. */
static void
sleep(const volatile struct exo_env *e, uint64_t ns)
{
	const struct exo_term ended = {
		.where = (uint64_t)&e->state, .mask = ~0ull, .value = EXO_ENV_ALIVE, .cmp = EXO_NE,
	};

	exo_wait_for(&ended, 1, exo_now_ns() + ns, 0);
}

static void
watch(exo_envid server)
{
	const volatile struct exo_env *e;
	struct watch w = { 0 };

	while ((e = alive(server)) != NULL) {
		const uint64_t on = server_works_on;

		if (server_booted && watch_hangs(&w, on, server_served, e->run_ns,
						patience(on))) {
			server_faulted = true;
			exo_env_destroy(server, HANGS_REASON, ROOT_KEY);
			return;
		}
		sleep(e, on ? WATCH_NS : WATCH_REST_NS);
	}
}

/* ---- its end ---------------------------------------------------------------------------------------- */

static void
slices_free(exo_envid env)
{
	for (uint32_t cpu = 0; cpu < exo_info()->cpus; cpu++)
		for (uint32_t n = 0; n < EXO_SLICES_CPU; n++)
			if (exo_slice(cpu, n)->owner == env)
				exo_slice_release(cpu, n, ROOT_KEY);
}

/* Other CPUs are interrupted when it dies; until they have left it, it may still write. */
static void
ended(struct keeper *k)
{
	const volatile struct exo_env *e = exo_env(k->server);
	const uint64_t reason = e ? e->reason : 0;
	char text[120];

	while (exo_runs_elsewhere(k->server))
		exo_relax();
	exo_log(text,
		exo_snprintf(text, sizeof(text), "keeper: the server ended (reason %lx)\n", reason),
		ROOT_KEY);
	if (!server_booted)
		give_up("it had not begun");
	k->ends = server_served == k->served ? k->ends + 1 : 0;
	k->served = server_served;
	if (k->ends > ENDS_MAX)
		give_up("it ends again and again");
	slices_free(k->server);
	keep_frames(k);
}

static void
keep(void)
{
	struct keeper k = { 0 };

	for (;;) {
		make(&k);
		watch(k.server);
		ended(&k);
	}
}

int
exo_main(const struct exo_start *start)
{
	(void)start;
	for (unsigned n = 0; n < STACK_PAGES; n++)
		bind(exo_self(), OWN + n * EXO_PAGE_BYTES, take(1), EXO_MAP_WRITE);
	exo_begin_with(exo_uarea(), (void *)STACK_END, keep);
	exo_park(0);			/* and keep() begins */
	return 1;
}
