/* SPDX-License-Identifier: ISC */
#include "child.h"

#define STACK_PAGES 4u
#define UPCALL_PAGES (EXO_STACKS * EXO_STACK_BYTES / EXO_PAGE_BYTES)
#define STACK_TOP (CHILD_AT + (1 + UPCALL_PAGES + STACK_PAGES) * EXO_PAGE_BYTES)

enum {
	ENV,
	ROOT,
	LINKS,
	RING = 4,
	UAREA,
	ACT,
	STACKS,
	TABLES = STACKS + UPCALL_PAGES + STACK_PAGES,
	TOTAL = TABLES + 18
};

extern const char __executable_start[], _end[];
void child_entry(void);
void child_begin(void (*fn)(uint64_t), uint64_t arg);

/* The first prologue: all registers are zero but GS. */
__asm__("	.text\n"
	"	.globl child_entry\n"
	"child_entry:\n"
	"	mov %gs:144, %rsp\n"
	"	mov %gs:152, %rdi\n"
	"	mov %gs:160, %rsi\n"
	"	xor %ebp, %ebp\n"
	"	call child_begin\n"
	"	ud2\n");

void
child_begin(void (*fn)(uint64_t), uint64_t arg)
{
	exo_upcalls_init(exo_uarea(), CHILD_UAREA, (void *)(CHILD_AT + EXO_PAGE_BYTES));
	exo_critical_leave(0);
	fn(arg);
	exo_env_destroy(exo_self(), 0, 0);
	__builtin_trap();
}

exo_pfn
child_account(void)
{
	return exo_env(exo_self())->account;
}

exo_slot
child_key(void)
{
	return exo_start_info() ? exo_start_info()->k_account : 0;
}

int64_t
child_map(exo_envid env, uint64_t va, exo_pfn pfn, uint32_t op)
{
	struct exo_map e = { .va = va, .pfn = pfn, .op = op, .key = child_key() };

	return exo_map(env, &e, 1, child_key());
}

static bool
install(exo_envid env, uint64_t va, unsigned level, exo_pfn table, exo_pfn links)
{
	uint64_t where = (va & ~((EXO_PAGE_BYTES << 9 * level) - 1)) | level | EXO_PT_WRITE;

	return exo_pt_install(env, where, table, links, child_key(), child_key()) == 0;
}

bool
child_see(const struct child *c, uint64_t va, exo_pfn pfn)
{
	exo_pfn table = exo_frame_find(0, 3);

	return exo_frame_claim_all(table, 3, child_account(), 0, child_key(), 0) == 3 &&
		install(c->id, va, 1, table, table + 1) &&
		child_map(c->id, va, pfn, EXO_OP_MAP | EXO_MAP_WRITE) == 1;
}

bool
own_tables(uint64_t va)
{
	for (unsigned level = 3; level >= 1; level--) {
		exo_pfn pfn;

		if (exo_pte_at(va, level + 1) & EXO_PTE_PRESENT)
			continue;
		pfn = exo_frame_find(0, 3);
		if (exo_frame_claim_all(pfn, 3, child_account(), 0, child_key(), 0) != 3 ||
			!install(exo_self(), va, level, pfn, pfn + 1))
			return false;
	}
	return true;
}

static bool
image_map(exo_envid env, exo_pfn table)
{
	uint64_t begin = (uint64_t)__executable_start & -EXO_PAGE_BYTES;

	for (unsigned level = 3; level >= 1; level--, table += 3)
		if (!install(env, begin, level, table, table + 1))
			return false;
	for (uint64_t va = begin; va < (uint64_t)_end; va += EXO_PAGE_BYTES) {
		uint64_t pte = exo_pte(va);
		uint32_t op = EXO_OP_MAP | (pte & EXO_PTE_WRITE ? EXO_MAP_WRITE : 0) |
			(pte & EXO_PTE_NX ? 0 : EXO_MAP_EXEC);

		if ((pte & EXO_PTE_PRESENT) && child_map(env, va, EXO_PTE_PFN(pte), op) != 1)
			return false;
	}
	return true;
}

/* The u-area is filled in while it is still ours to see. */
static bool
own_part(const struct child *c, void (*fn)(uint64_t), uint64_t arg)
{
	exo_pfn table = c->base + TABLES;
	uint64_t window = CHILD_AT - EXO_PAGE_BYTES;	/* in our own space */
	struct exo_uarea *u = (struct exo_uarea *)window;

	for (unsigned level = 3; level >= 1; level--, table += 3)
		if (!install(c->id, CHILD_AT, level, table, table + 1))
			return false;
	for (unsigned n = 0; n < UPCALL_PAGES + STACK_PAGES; n++)
		if (child_map(c->id, CHILD_AT + (1 + n) * EXO_PAGE_BYTES, c->base + STACKS + n,
			    EXO_OP_MAP | EXO_MAP_WRITE) != 1)
			return false;
	if (!own_tables(window) ||
		child_map(exo_self(), window, c->base + UAREA, EXO_OP_MAP | EXO_MAP_WRITE) != 1)
		return false;
	u->self = CHILD_UAREA;
	u->entry[EXO_ENTRY_PROLOGUE] = (uint64_t)child_entry;
	u->lib[0] = STACK_TOP;
	u->lib[1] = (uint64_t)fn;
	u->lib[2] = arg;
	return child_map(exo_self(), window, 0, EXO_OP_UNMAP) == 1 &&
		child_map(c->id, CHILD_UAREA, c->base + UAREA, EXO_OP_MAP | EXO_MAP_WRITE) == 1;
}

bool
child_make(struct child *c, void (*fn)(uint64_t), uint64_t arg, uint32_t flags)
{
	struct exo_env_spec spec = { .slot = exo_env_find_slot(), .k_account = child_key(),
		.account = child_account() };
	struct exo_act_spec act = { .uarea_va = CHILD_UAREA };
	exo_pfn base = exo_frame_find(0, TOTAL), shared = EXO_PTE_PFN(exo_pte_at(0x400000, 4));

	if (!base || exo_frame_claim_all(base, TOTAL, spec.account, 0, child_key(), 0) != TOTAL)
		return false;
	spec.env_frame = base + ENV;
	spec.root_frame = base + ROOT;
	spec.root_links = base + LINKS;
	spec.ring_frame = base + RING;
	*c = (struct child){ .id = (exo_envid)exo_env_create(&spec), .base = base };
	if ((int64_t)c->id < 0 || !own_part(c, fn, arg))
		return false;
	if (flags & CHILD_INSIDE ? !install(c->id, 0, 3, shared, 0) :
		!image_map(c->id, base + TABLES + 9))
		return false;
	act.uarea_frame = base + UAREA;
	act.act_frame = base + ACT;
	return exo_env_activate(c->id, &act, child_key()) == 0;
}
