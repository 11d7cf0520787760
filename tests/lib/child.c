/* SPDX-License-Identifier: ISC */
/*
 * Children: environments made step by step from named frames, as any library
 * would.  C_FRAMES in a row: environment, root table and its links, key ring,
 * u-area, activation, then five page tables with two frames of links each.
 */
#include "t.h"

#define MAIN_STACK_BYTES 32768u
#define UAREA_VA(cpu) (EXO_BOOT_UAREA + (cpu) * 0x10000ull)

struct stacks {
	_Alignas(16) uint8_t upcall[EXO_STACKS * EXO_STACK_BYTES];
	uint8_t main[MAIN_STACK_BYTES];
};

extern const char __executable_start[], _end[], t_child_entry[];
void t_child_main(void (*fn)(uint64_t), uint64_t arg);

#define STACKS (T_CHILDREN * 2)		/* not all children are everywhere */
#define MAPS 64u

static struct stacks stacks[STACKS];
static bool stacks_used[STACKS];

exo_guardref t_children_guard;
void (*t_children_start)(struct exo_start *start, const struct t_child *child);

void
t_exit(uint64_t code)
{
	exo_env_destroy(exo_self(), code, 0);
	__builtin_trap();
}

/* The child's first instructions in C; its u-area says where its stacks are. */
void
t_child_main(void (*fn)(uint64_t), uint64_t arg)
{
	exo_upcalls_init(exo_uarea(), (uint64_t)exo_uarea(), (void *)exo_uarea()->lib[3]);
	exo_critical_leave(0);
	fn(arg);
	t_exit(0);
}

/* Page tables for the image, the u-area and the window of the tests. */
static bool
install_tables(const struct t_child *c)
{
	static const uint64_t where[5] = { 0x400000 | 3, 0x400000 | 2, 0x400000 | 1,
		EXO_BOOT_UAREA | 1, T_VA | 1 };
	exo_pfn table = c->base + C_TABLES;

	for (unsigned which = 0; which < 5; which++, table += 3) {
		if (!OK(exo_pt_install(c->id, where[which] | EXO_PT_WRITE, table, table + 1,
					K_ROOT, K_ROOT)))
			return false;
	}
	return true;
}

/* The same frames at the same addresses, with the permissions we have ourselves. */
static bool
map_image(const struct t_child *c)
{
	struct exo_map map[MAPS];
	uint64_t count = 0;

	for (uint64_t va = (uint64_t)__executable_start & -EXO_PAGE_BYTES; va < (uint64_t)_end;
		va += EXO_PAGE_BYTES) {
		uint64_t pte = exo_pte(va);
		uint32_t op = EXO_OP_MAP | (pte & EXO_PTE_WRITE ? EXO_MAP_WRITE : 0) |
			(pte & EXO_PTE_NX ? 0 : EXO_MAP_EXEC);

		if (pte & EXO_PTE_PRESENT)
			map[count++] = (struct exo_map){ .va = va, .pfn = EXO_PTE_PFN(pte),
				.op = op, .key = K_ROOT };
		if (count < MAPS && va + EXO_PAGE_BYTES < (uint64_t)_end)
			continue;
		if (!IS(exo_map_all(c->id, map, count, K_ROOT), count))
			return false;
		count = 0;
	}
	return true;
}

/* The u-area is filled in before it becomes one: afterwards it is the child's alone. */
static bool
fill_uarea(const struct t_child *c, exo_pfn uarea, uint32_t cpu, void (*fn)(uint64_t), uint64_t arg)
{
	struct exo_uarea *u = (struct exo_uarea *)T_SCRATCH;
	struct stacks *s = &stacks[c->index[cpu]];

	if (!IS(t_map(T_SCRATCH, uarea, EXO_MAP_WRITE), 1))
		return false;
	u->self = UAREA_VA(cpu);
	u->entry[EXO_ENTRY_PROLOGUE] = (uint64_t)t_child_entry;
	u->lib[0] = (uint64_t)(s->main + MAIN_STACK_BYTES);
	u->lib[1] = (uint64_t)fn;
	u->lib[2] = arg;
	u->lib[3] = (uint64_t)s->upcall;
	if (t_children_start)
		t_children_start((struct exo_start *)(T_SCRATCH + EXO_START_OFFSET), c);
	return IS(t_unmap(T_SCRATCH), 1);
}

static bool
stacks_take(struct t_child *c, uint32_t cpu)
{
	unsigned n = 0;

	while (n < STACKS && stacks_used[n])
		n++;
	if (!CHECK(n < STACKS))
		return false;
	stacks_used[n] = true;
	c->index[cpu] = n;
	return true;
}

/* uarea and act: frames of the child's. */
static bool
activate(struct t_child *c, uint32_t cpu, exo_pfn uarea, exo_pfn act, void (*fn)(uint64_t),
	uint64_t arg)
{
	struct exo_act_spec spec = { .cpu = cpu, .uarea_va = UAREA_VA(cpu), .uarea_frame = uarea,
		.act_frame = act };

	if (!stacks_take(c, cpu) || !fill_uarea(c, uarea, cpu, fn, arg))
		return false;
	return IS(t_map_op(c->id, UAREA_VA(cpu), uarea, EXO_OP_MAP | EXO_MAP_WRITE, K_ROOT, K_ROOT),
		       1) &&
		OK(exo_env_activate(c->id, &spec, K_ROOT));
}

static bool
create(struct t_child *c, uint64_t spare)
{
	struct exo_env_spec spec = { .slot = exo_env_find_slot(), .k_account = K_ROOT };

	c->account = exo_frame_find(0, 1);
	if (!IS(exo_frame_claim(c->account, 1, ROOT_ACCOUNT, 0, K_ROOT, 0), 1) ||
		!OK(exo_account_create(c->account, ROOT_ACCOUNT, C_FRAMES + spare, t_children_guard,
			K_ROOT, K_ROOT)))
		return false;
	c->base = exo_frame_find(0, C_FRAMES);
	if (!IS(exo_frame_claim_all(c->base, C_FRAMES, c->account, t_children_guard, K_ROOT,
			K_ROOT),
		    C_FRAMES))
		return false;
	spec.account = c->account;
	spec.env_frame = c->base + C_ENV;
	spec.root_frame = c->base + C_ROOT;
	spec.root_links = c->base + C_ROOT_LINKS;
	spec.ring_frame = c->base + C_RING;
	c->id = (exo_envid)exo_env_create(&spec);
	return CHECK((int64_t)c->id > 0);
}

static bool
child_make(struct t_child *c, uint64_t spare)
{
	*c = (struct t_child){ .slice = EXO_SLICES_CPU };
	for (unsigned cpu = 0; cpu < T_CPUS; cpu++)
		c->index[cpu] = STACKS;
	return create(c, spare) && install_tables(c) && map_image(c);
}

bool
t_child(struct t_child *c, void (*fn)(uint64_t), uint64_t arg, uint64_t spare)
{
	return child_make(c, spare) &&
		activate(c, 0, c->base + C_UAREA, c->base + C_ACT, fn, arg);
}

static bool
slice_on(struct t_child *c, uint32_t cpu)
{
	c->slice = exo_slice_find(cpu);
	return OK(exo_slice_claim(cpu, c->slice, c->id, 0, K_ROOT, 0));
}

bool
t_start(struct t_child *c)
{
	return slice_on(c, 0);
}

bool
t_start_on(struct t_child *c, uint32_t cpu, void (*fn)(uint64_t), uint64_t arg)
{
	exo_pfn frame = exo_frame_find(0, 2);

	return IS(exo_frame_claim(frame, 2, c->account, t_children_guard, K_ROOT, K_ROOT), 2) &&
		activate(c, cpu, frame, frame + 1, fn, arg) && slice_on(c, cpu);
}

bool
t_child_on(struct t_child *c, uint32_t cpu, void (*fn)(uint64_t), uint64_t arg)
{
	return child_make(c, 0) &&
		activate(c, cpu, c->base + C_UAREA, c->base + C_ACT, fn, arg) && slice_on(c, cpu);
}

bool
t_give(struct t_child *c, exo_slot src, exo_slot dst)
{
	return IS(exo_key_copy(src, 1, c->id, dst, K_ROOT), 1);
}

bool
t_until(const volatile uint64_t *word, enum exo_cmp cmp, uint64_t value)
{
	struct exo_term term = { .where = (uint64_t)word, .mask = ~0ull, .value = value,
					.key = K_ROOT, .cmp = (uint8_t)cmp, .tag = 7 };
	uint64_t deadline = exo_now_ns() + T_PATIENCE_NS;
	int64_t woke;

	if ((uint64_t)word < EXO_TABLES)
		term.where = EXO_PTE_PFN(exo_pte((uint64_t)word)) * EXO_PAGE_BYTES +
			(uint64_t)word % EXO_PAGE_BYTES;
	do {
		woke = exo_wait_for(&term, 1, deadline, 0);
	} while (woke == (int64_t)EXO_WOKE_SLICE);
	if (woke == 7 || woke == (int64_t)(EXO_WOKE_TAG | 7))
		return true;
	t_fail("waiting for a word: %s 0x%lx (value %ld)", woke < 0 ? exo_error_name(woke) : "woke",
		(unsigned long)woke, (long)*word);
	return false;
}

bool
t_turns(exo_envid to, const volatile uint64_t *word, uint64_t value)
{
	for (unsigned turn = 0; turn < 1000 && *word < value; turn++)
		exo_yield(to);
	return *word == value;
}

void
t_settle(exo_envid to)
{
	for (unsigned turn = 0; turn < 8; turn++)
		exo_yield(to);
}

uint64_t
t_wait(struct t_child *c)
{
	const volatile struct exo_env *e = exo_env(c->id);

	if (!CHECK(e != NULL) || !t_until(&e->state, EXO_EQ, EXO_ENV_DEAD))
		return 0;
	return e->reason;
}

/* An account inside this one, or 0. */
static exo_pfn
inner_account(exo_pfn account)
{
	for (exo_pfn pfn = 1; pfn < exo_info()->frames; pfn++) {
		if (exo_frame(pfn)->kind == EXO_FRAME_ACCOUNT && exo_frame(pfn)->account == account)
			return pfn;
	}
	return 0;
}

/* Trees are reaped by the library: what lives is destroyed, inner accounts go first. */
static void
reap(exo_pfn account, unsigned depth)
{
	int64_t done;

	for (uint32_t slot = 1; slot < exo_info()->table[EXO_T_ENVS].count; slot++) {
		if (exo_env_slot(slot)->id && exo_env_slot(slot)->account == account)
			exo_env_destroy(exo_env_slot(slot)->id, 0, K_ROOT);
	}
	for (;;) {
		do {
			done = exo_account_reap(account, 64, K_ROOT);
		} while (done > 0);
		if (done != -EXO_EBUSY || depth == 0)
			break;
		exo_pfn inner = inner_account(account);

		if (!inner)
			break;
		reap(inner, depth - 1);
	}
	IS(done, 0);
	IS(exo_frame_release(account, 1, K_ROOT), 1);
}

void
t_reap(struct t_child *c)
{
	exo_env_destroy(c->id, 0, K_ROOT);
	reap(c->account, 64);
	for (unsigned cpu = 0; cpu < T_CPUS; cpu++)
		if (c->index[cpu] < STACKS)
			stacks_used[c->index[cpu]] = false;
}

uint64_t
t_run(void (*fn)(uint64_t), uint64_t arg)
{
	struct t_child c;
	uint64_t reason = 0;

	if (t_child(&c, fn, arg, 0) && t_start(&c))
		reason = t_wait(&c);
	t_reap(&c);
	return reason;
}
