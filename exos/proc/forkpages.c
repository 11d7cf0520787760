/* SPDX-License-Identifier: ISC */
/* Tables and pages of a child that is being made: fork.h. */
#include "fork.h"
#include "../core/self.h"
#include "../linux/errno.h"

/* ---- tables -------------------------------------------------------------------------- */

static bool
installed(const struct child *c, u64 where)
{
	for (unsigned n = 0; n < TABLES; n++)
		if (c->table[n] == where)
			return true;
	return false;
}

/* One that was forgotten is found to be there already. */
int
child_tables(struct child *c, u64 va, unsigned lowest)
{
	for (unsigned level = 3; level >= lowest; level--) {
		u64 where = (va & ~((EXO_PAGE_BYTES << (9 * level)) - 1)) | level;
		int error;

		if (installed(c, where))
			continue;
		error = table_install(c->env, c->account, va, level);
		if (error)
			return error;
		c->table[c->next++ % TABLES] = where;
	}
	return 0;
}

/* The tables that all processes share. */
int
child_shared_tables(struct child *c)
{
	long error = child_tables(c, HERE(EXOS_TEXT), 2);

	if (error)
		return (int)error;
	error = exo_pt_install(c->env, HERE(EXOS_TEXT) | 1,
		EXO_PTE_PFN(exo_pte_at(HERE(EXOS_TEXT), 2)), 0, KEY_SELF, KEY_SELF);
	if (error >= 0)
		error = child_tables(c, HERE(EXOS_SHARED), 3);
	if (error >= 0)
		error = exo_pt_install(c->env, HERE(EXOS_SHARED) | 2,
			EXO_PTE_PFN(exo_pte_at(HERE(EXOS_SHARED), 3)), 0, KEY_SELF, KEY_SELF);
	return error < 0 ? (int)linux_errno(error) : 0;
}

/* ---- clones ---------------------------------------------------------------------------- */

/* Bindings of [start, end), one page table's span at a time, where we have one. */
int
child_clone(struct child *c, u64 start, u64 end)
{
	for (u64 va = start; (va = exo_pte_next(va, end, 2)) < end; va = (va | (SPAN - 1)) + 1) {
		u64 stop = (va | (SPAN - 1)) + 1 < end ? (va | (SPAN - 1)) + 1 : end;
		long error = child_tables(c, va, 1);

		if (error == 0)
			error = exo_pt_clone_all(c->env, va, (stop - va) / PAGE, KEY_SELF);
		if (error < 0)
			return (int)linux_errno(error);
	}
	return 0;
}

/* ---- copies ------------------------------------------------------------------------------ */

/*
 * Claim and map pages of the child at va (count <= BATCH, one table's span), with
 * a tag and maybe as copies of ours; their frames to pfn[].
 */
int
child_pages(struct child *c, u64 va, unsigned count, u32 more, exo_pfn *pfn)
{
	struct exo_map vec[BATCH];
	unsigned done = 0;

	for (unsigned n = 0; n < count; n++)
		vec[n] = (struct exo_map){ .va = va + n * PAGE,
			.pfn = frame_find(1),
			.key = KEY_SELF,
			.op = EXO_OP_MAP | EXO_MAP_CLAIM | RW | more };
	while (done < count) {
		long n = vec[done].pfn ? exo_map(c->env, vec + done, count - done, KEY_SELF)
				       : -EXO_EQUOTA;

		if (n > 0)
			done += (unsigned)n;
		else if (n == -EXO_ETAKEN)
			vec[done].pfn =
				frame_find(1); /* bound: each time another, of all free ones */
		else if (n == -EXO_EABSENT)
			(void)*(const volatile char *)vec[done].va; /* brings it, or ends us */
		else if (n != -EXO_EQUOTA || !vec[done].pfn ||
			account_more(c->account, count - done))
			return (int)linux_errno(n);
	}
	for (unsigned n = 0; n < count; n++)
		pfn[n] = vec[n].pfn;
	return 0;
}

/* The kernel copies: nothing is scrubbed first, and nothing mapped here. */
int
child_copy(struct child *c, u64 start, u64 bytes, enum exo_tag tag)
{
	exo_pfn pfn[BATCH];
	int error = 0;

	for (u64 va = start; va < start + bytes && !error;) {
		u64 left = (start + bytes - va) / PAGE, room = (SPAN - va % SPAN) / PAGE;
		unsigned count = BATCH;

		count = left < count ? (unsigned)left : count;
		count = room < count ? (unsigned)room : count;
		error = child_tables(c, va, 1);
		if (error == 0)
			error = child_pages(c, va, count, EXO_MAP_COPY | EXO_MAP_TAG(tag), pfn);
		va += count * PAGE;
	}
	return error;
}
