/* SPDX-License-Identifier: ISC */
/*
 * Children: environments made step by step from named frames, as any library
 * would.  C_FRAMES in a row: environment, root table and its links, key ring,
 * u-area, activation, then five page tables with two frames of links each.
 */
#include "t.h"

#define MAIN_STACK_BYTES 32768u

struct stacks {
	_Alignas(16) uint8_t upcall[EXO_STACKS * EXO_STACK_BYTES];
	uint8_t main[MAIN_STACK_BYTES];
};

extern const char __executable_start[], _end[], t_child_entry[];
void t_child_main(void (*fn)(uint64_t), uint64_t arg);

static struct stacks stacks[T_CHILDREN];
static bool stacks_used[T_CHILDREN];

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
	for (uint64_t va = (uint64_t)__executable_start & -EXO_PAGE_BYTES; va < (uint64_t)_end;
		va += EXO_PAGE_BYTES) {
		uint64_t pte = exo_pte(va);
		uint32_t op = EXO_OP_MAP | (pte & EXO_PTE_WRITE ? EXO_MAP_WRITE : 0) |
			(pte & EXO_PTE_NX ? 0 : EXO_MAP_EXEC);

		if ((pte & EXO_PTE_PRESENT) &&
			!IS(t_map_op(c->id, va, EXO_PTE_PFN(pte), op, K_ROOT, K_ROOT), 1))
			return false;
	}
	return IS(t_map_op(c->id, EXO_BOOT_UAREA, c->base + C_UAREA, EXO_OP_MAP | EXO_MAP_WRITE,
			  K_ROOT, K_ROOT),
		1);
}

/* The u-area is filled in before it becomes one: afterwards it is the child's alone. */
static bool
fill_uarea(const struct t_child *c, void (*fn)(uint64_t), uint64_t arg)
{
	struct exo_uarea *u = (struct exo_uarea *)T_SCRATCH;

	if (!IS(t_map(T_SCRATCH, c->base + C_UAREA, EXO_MAP_WRITE), 1))
		return false;
	u->self = EXO_BOOT_UAREA;
	u->entry[EXO_ENTRY_PROLOGUE] = (uint64_t)t_child_entry;
	u->lib[0] = (uint64_t)(stacks[c->index].main + MAIN_STACK_BYTES);
	u->lib[1] = (uint64_t)fn;
	u->lib[2] = arg;
	u->lib[3] = (uint64_t)stacks[c->index].upcall;
	if (t_children_start)
		t_children_start((struct exo_start *)(T_SCRATCH + EXO_START_OFFSET), c);
	return IS(t_unmap(T_SCRATCH), 1);
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

bool
t_child(struct t_child *c, void (*fn)(uint64_t), uint64_t arg, uint64_t spare)
{
	struct exo_act_spec act = { .cpu = 0, .uarea_va = EXO_BOOT_UAREA };

	*c = (struct t_child){ .slice = EXO_SLICES_CPU };
	while (c->index < T_CHILDREN && stacks_used[c->index])
		c->index++;
	if (!CHECK(c->index < T_CHILDREN))
		return false;
	stacks_used[c->index] = true;
	if (!create(c, spare) || !install_tables(c) || !fill_uarea(c, fn, arg) || !map_image(c))
		return false;
	act.uarea_frame = c->base + C_UAREA;
	act.act_frame = c->base + C_ACT;
	return OK(exo_env_activate(c->id, &act, K_ROOT));
}

bool
t_start(struct t_child *c)
{
	c->slice = exo_slice_find(0);
	return OK(exo_slice_claim(0, c->slice, c->id, 0, K_ROOT, 0));
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
	uint64_t deadline = exo_now_ns() + 2000000000ull;
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
	stacks_used[c->index] = false;
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
