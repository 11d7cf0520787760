/* SPDX-License-Identifier: ISC */
/* Stubs: pages for them in reach of the code, and places in these. */
#include "stubs.h"
#include "rewrite.h"

#define PARTS_MOST 256u			/* 4096 sites */
#define PART_BYTES (STUBS * SITE_STUB_BYTES)
#define APART (1ull << 30)		/* from what may grow, where there is room */
#define TABLE_SPAN 0x200000ull
/* Of an address, one bit of 64: most have none in common with any hop. */
#define HOP_BIT(at) (1ull << (at) / SITE_JUMP_BYTES % 64)

struct stubs *stubs_all;
static unsigned parts;
bool rewrite_any;

/* ---- whose ------------------------------------------------------------------------------- */

struct site *
stubs_site(u64 at)
{
	FOR_EACH_SITE(part, s) {
		if (s->at == at)
			return s;
	}
	return NULL;
}

static struct site *
site_of_hop(struct stubs *part, u64 rip)
{
	for (struct site *s = part->site; s < part->site + STUBS; s++) {
		if (s->at && s->hop == rip)
			return s;
	}
	return NULL;
}

struct site *
stubs_find(u64 rip)
{
	struct site *s = NULL;

	for (struct stubs *part = stubs_all; part && !s; part = part->next) {
		if (rip - part->start < PART_BYTES) {
			s = &part->site[(rip - part->start) / SITE_STUB_BYTES];
			return s->at ? s : NULL;
		}
		if (part->hops & HOP_BIT(rip))
			s = site_of_hop(part, rip);
	}
	return s;
}

/* ---- where ------------------------------------------------------------------------------------ */

static bool
in_reach(u64 a, u64 b)
{
	return (a > b ? a - b : b - a) < SITE_REACH;
}

/* Nothing is there, nor is about to grow there, and a page table is. */
static bool
is_spare(u64 va)
{
	const struct region *r = regions_after(&vm.regions, va);

	if (va < VM_LOW || va >= VM_HIGH || (va >= vm.brk_start && va < vm.brk + APART))
		return false;
	if (r && (r->start <= va || (r->flags & REGION_GROWSDOWN && r->start - va < APART)))
		return false;
	return exo_pte_at(va, 3) & EXO_PTE_PRESENT && exo_pte_at(va, 2) & EXO_PTE_PRESENT;
}

/* At an end of what a page table near the code covers: away from where things are mapped next.  0: none. */
static u64
spare_place(const struct region *code)
{
	const u64 first = (code->start & ~(TABLE_SPAN - 1)) - TABLE_SPAN;

	for (u64 block = first; block < code->end + TABLE_SPAN; block += TABLE_SPAN) {
		if (is_spare(block))
			return block;
		if (is_spare(block + TABLE_SPAN - PAGE))
			return block + TABLE_SPAN - PAGE;
	}
	return 0;
}

/*
 * An address for a page of stubs: where it needs no page table, else far below
 * the code, else right below it, else above.  0: there is none.
 */
static u64
place(const struct region *code, u64 at)
{
	u64 low = at > SITE_REACH + VM_LOW ? PAGE_UP(at - SITE_REACH) : VM_LOW;
	u64 where = spare_place(code);

	if (where && in_reach(where, at))
		return where;
	where = 0;
	if (code->start > low + APART)
		where = regions_gap(&vm.regions, PAGE, low, code->start - APART);
	if (!where && code->start > low)
		where = regions_gap(&vm.regions, PAGE, low, code->start);
	if (!where && at + SITE_REACH < VM_HIGH)
		where = regions_gap(&vm.regions, PAGE, code->end, PAGE_DOWN(at + SITE_REACH));
	return where;
}

static bool
is_part(u64 start)
{
	const struct stubs *part = stubs_all;

	while (part && part->start != start)
		part = part->next;
	return part != NULL;
}

/* What is left of a page that has some; 0: there is none in reach. */
static u64
next_part(u64 at)
{
	for (const struct stubs *part = stubs_all; part; part = part->next) {
		const u64 next = part->start + PART_BYTES;

		if (next % PAGE && in_reach(next, at) && !is_part(next))
			return next;
	}
	return 0;
}

static struct stubs *
part_new(u64 at)
{
	const struct region *code = regions_find(&vm.regions, at);
	struct stubs *part = parts < PARTS_MOST ? xalloc(sizeof(*part)) : NULL;
	struct region r = { .prot = PROT_READ | PROT_EXEC, .flags = REGION_STUBS };
	u64 start = part ? next_part(at) : 0;

	if (part && !start) {
		start = r.start = place(code, at);
		r.end = r.start + PAGE;
		if (start && vm_enter(&r))
			start = 0;
	}
	if (!start) {
		xfree(part);
		return NULL;
	}
	part->start = start;
	part->next = stubs_all;
	stubs_all = part;
	parts++;
	rewrite_any = true;
	return part;
}

/* ---- places ------------------------------------------------------------------------------------- */

struct site *
stubs_take(u64 at)
{
	struct site *known = stubs_site(at);
	struct stubs *part = stubs_all;

	if (known)
		return known;
	for (; part; part = part->next) {
		for (unsigned n = 0; n < STUBS && in_reach(part->start, at); n++) {
			if (!part->site[n].at)
				return &part->site[n];
		}
	}
	part = part_new(at);
	return part ? &part->site[0] : NULL;
}

void
stubs_fill(struct site *s, const struct site *with)
{
	struct stubs *part = stubs_all;

	while (s < part->site || s >= part->site + STUBS)
		part = part->next;
	*s = *with;
	s->stub = part->start + (u64)(s - part->site) * SITE_STUB_BYTES;
	part->hops |= s->hop ? HOP_BIT(s->hop) : 0;
}

void
stubs_drop(u64 at)
{
	struct site *s = stubs_site(at);

	if (s)
		s->at = 0;
}

void
stubs_forget(u64 start, u64 end)
{
	for (struct stubs **at = &stubs_all; *at;) {
		struct stubs *part = *at;

		if (part->start >= start && part->start < end) {
			*at = part->next;
			parts--;
			xfree(part);
		} else {
			at = &part->next;
		}
	}
	rewrite_any = stubs_all != NULL;
}
