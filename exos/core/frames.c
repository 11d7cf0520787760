/* SPDX-License-Identifier: ISC */
/*
 * Frames and translations of this process.
 *
 * Which frame is our choice, made from the exposed free map; another program
 * may be quicker, then we look again (bounded).  Frames are claimed for the
 * account of this process; when its limit is reached the server moves more of
 * the session's over, in steps, and when that is used up there is no memory.
 */
#include "exos.h"
#include "frames.h"
#include "self.h"
#include "../proc/look.h"
#include "../vm/pack.h"
#include "../linux/errno.h"

#define TRIES 128u
#define RUN_MAX 16u
#define TABLE_SPAN 0x200000ull
/* log2: who inherited pages may be far above the limit, and asks for more and more */
#define ASK_MOST 12u
#define AT_ONCE 64u			/* frames that one lets go of when there is no more to be had, besides */
#define PATIENCE 100u
#define NEEDED 30u			/* of them: there is nothing of its own either */
#define PATIENCE_MOST 2000u		/* while there is something to wait for */
#define PATIENCE_NS 5000000u

/*
 * Where to look first.  What was let go of last is taken first: it is in the
 * caches, and an emulator has memory for it already, which costs it more than a
 * page fault costs us.  Else each process would go round all of memory.
 */
static exo_pfn hint;

/* The child that was begun last, and the first frame claimed for it. */
static exo_pfn child_account, child_first;

static void
find_again(exo_pfn pfn)
{
	if (exo_frame(pfn) && exo_frame(pfn)->kind == EXO_FRAME_FREE)
		hint = pfn;
}

void
frames_reaped(void)
{
	find_again(child_first);
}

exo_pfn
frame_find(unsigned run)
{
	exo_pfn pfn = exo_frame_find(hint, run);

	if (pfn)
		hint = pfn + run;
	return pfn;
}

/*
 * Not now may be yes soon: others are asked for some, and what the dead had comes
 * back step by step; meanwhile we may be asked ourselves.  Who has most is told
 * no at once, and can only do with less.
 */
int
account_more(exo_pfn account, u64 frames)
{
	const bool own = account == own_account();
	unsigned tries = 0, waits = 0;

	while (tries < PATIENCE && waits < PATIENCE_MOST) {
		long got = server_call(OP_MEMORY, frames, account, tries >= NEEDED, 0, 0, NULL);
		struct exo_term asked = revoke_term();

		if (got > 0 && own)
			pack_grew((u64)got);
		if (got > 0)
			return 0;
		if (got != -EBUSY && own && pack_give(frames + AT_ONCE, false))
			return 0;
		if (got == -ENOMEM)
			return -ENOMEM;
		tries += got != -EBUSY;
		waits++;
		park_wait(&asked, 1, clock_ns() + PATIENCE_NS);
		revoke_check();
	}
	return -ENOMEM;
}

/* All or nothing: 0, or why not. */
static long
claim_run(exo_pfn pfn, u64 count, exo_pfn account)
{
	u64 done;
	long got = exo_frame_claim_counted(pfn, count, account, 0, KEY_SELF, 0, &done);

	if (got < 0)
		exo_frame_release_all(pfn, done, KEY_SELF);
	return got < 0 ? got : 0;
}

/* Two free frames in a row: by moving a page, for which there must be room. */
static bool
neighbours(unsigned run)
{
	if (run != 2)
		return false;
	return pack_pair() || (account_more(own_account(), AT_ONCE) == 0 && pack_pair());
}

int
frames_claim_for(exo_pfn account, unsigned run, exo_pfn *first)
{
	for (unsigned try = 0; try < TRIES; try++) {
		exo_pfn pfn = frame_find(run);
		long got;

		if (pfn == 0 && !neighbours(run))
			return -ENOMEM;
		if (pfn == 0)
			continue;
		got = claim_run(pfn, run, account);
		if (got == 0) {
			*first = pfn;
			if (account != own_account() && account != child_account) {
				child_account = account;
				child_first = pfn;
			}
			return 0;
		}
		if (got == -EXO_EQUOTA &&
			account_more(account, run + (1ull << (try < ASK_MOST ? try : ASK_MOST))))
			return -ENOMEM;
		if (got != -EXO_ETAKEN && got != -EXO_EQUOTA)
			return (int)linux_errno(got);
	}
	return -ENOMEM;
}

int
frames_claim(unsigned run, exo_pfn *first)
{
	return frames_claim_for(own_account(), run, first);
}

/* A page table with its two frames of links, for env (paid by account). */
int
table_install(exo_envid env, exo_pfn account, u64 va, unsigned level)
{
	u64 span = EXO_PAGE_BYTES << (9 * level);
	exo_pfn links, table;
	long error = frames_claim_for(account, 2, &links);

	if (error)
		return (int)error;
	error = frames_claim_for(account, 1, &table);
	if (error == 0) {
		error = exo_pt_install(env, (va & ~(span - 1)) | level | EXO_PT_WRITE, table, links,
			KEY_SELF, 0);
		if (error >= 0)
			return 0;
		exo_frame_release_all(table, 1, KEY_SELF);
	}
	exo_frame_release_all(links, 2, KEY_SELF);
	return error == -EXO_ETAKEN ? 0 : (int)linux_errno(error);
}

int
tables_ensure(u64 va)
{
	for (unsigned level = 3; level >= 1; level--) {
		int error;

		if (exo_pte_at(va, level + 1) & EXO_PTE_PRESENT)
			continue;
		error = table_install(UAREA->env, own_account(), va, level);
		if (error)
			return error;
		if (level == 3)
			look_publish();
	}
	return 0;
}

/* One element of a vector for ourselves, installing tables and raising the limit as needed. */
static int
map_one(struct exo_map *m)
{
	for (unsigned try = 0; try < TRIES; try++) {
		long error;

		if (m->op & EXO_MAP_CLAIM) {
			m->pfn = frame_find(1);
			if (m->pfn == 0 && account_more(own_account(), AT_ONCE))
				return -ENOMEM;	/* there was limit, but no frames for it */
			if (m->pfn == 0)
				continue;
		}
		error = exo_map(UAREA->env, m, 1, KEY_SELF);
		if (error >= 0)
			return 0;
		if (error == -EXO_ENOTABLE)
			error = tables_ensure(m->va);
		else if (error == -EXO_EQUOTA)
			error = account_more(own_account(),
				1ull << (try < ASK_MOST ? try : ASK_MOST));
		else if (error == -EXO_ETAKEN && m->op & EXO_MAP_CLAIM)
			error = 0;
		else if (error == -EXO_EABSENT && m->op & EXO_MAP_COPY)
			return 0;
		else
			error = linux_errno(error);
		if (error)
			return (int)error;
	}
	return -ENOMEM;
}

int
page_map_new(u64 va, u32 perms)
{
	struct exo_map m = { .va = va, .op = EXO_OP_MAP | EXO_MAP_CLAIM | perms, .key = KEY_SELF };

	if (m.op >> EXO_MAP_TAG_SHIFT == EXO_TAG_NONE)
		m.op |= EXO_MAP_TAG(EXO_TAG_LIBRARY);

	return map_one(&m);
}

int
page_map_copy(u64 va, u32 perms)
{
	return page_map_new(va, EXO_MAP_COPY | perms);
}

/* Several in a row, of one page table; the first one must be had, the others only if they are there to take. */
int
page_map_run(u64 va, unsigned count, u32 perms)
{
	struct exo_map vec[RUN_MAX];

	if (count > RUN_MAX)
		count = RUN_MAX;
	for (unsigned n = 0; n < count && count > 1; n++)
		vec[n] = (struct exo_map){ .va = va + n * EXO_PAGE_BYTES,
			.pfn = frame_find(1),
			.op = EXO_OP_MAP | EXO_MAP_CLAIM | perms,
			.key = KEY_SELF };
	if (count > 1 && exo_map(UAREA->env, vec, count, KEY_SELF) > 0)
		return 0;
	if (count > 1)
		hint = vec[0].pfn; /* those skipped would be holes between others */
	return page_map_new(va, perms);
}

int
page_map(u64 va, exo_pfn pfn, u32 perms, exo_slot key)
{
	struct exo_map m = { .va = va, .pfn = pfn, .op = EXO_OP_MAP | perms, .key = key };

	return map_one(&m);
}

int
page_protect(u64 va, u32 perms)
{
	struct exo_map m = { .va = va, .op = EXO_OP_PROTECT | perms, .key = KEY_SELF };

	return map_one(&m);
}

/* One that cannot be let go now stays: it is forgotten. */
static void
unmap_singly(u64 va, u64 end, u32 op)
{
	struct exo_map m = { .va = va, .key = KEY_SELF, .op = op };

	for (; m.va < end; m.va += EXO_PAGE_BYTES)
		while (exo_map(UAREA->env, &m, 1, KEY_SELF) == 0)
			;			/* bound: its bindings, some at each call */
}

void
page_unmap(u64 va, u64 pages)
{
	const u64 end = va + pages * EXO_PAGE_BYTES;
	const u32 op = EXO_OP_UNMAP | EXO_MAP_RELEASE;
	exo_pfn first = 0;
	long done;
	u64 stop;

	for (va = exo_pte_next(va, end, 1); va < end; va = exo_pte_next(stop, end, 1)) {
		struct exo_map m = { .va = va, .key = KEY_SELF };

		if (first == 0)
			first = EXO_PTE_PFN(*exo_pte_place(va, 1));
		stop = (va | (TABLE_SPAN - 1)) + 1;
		stop = stop < end ? stop : end;
		m.op = op | EXO_MAP_RUN((stop - va) / EXO_PAGE_BYTES - 1);
		do			/* bound: what is gone already is passed */
			done = exo_map(UAREA->env, &m, 1, KEY_SELF);
		while (done == 0);
		if (done < 0)
			unmap_singly(va, stop, op);
	}
	find_again(first);
}

/* Page tables whose whole span lies there, where nothing is mapped any more. */
void
tables_drop(u64 start, u64 end)
{
	u64 va = (start + TABLE_SPAN - 1) & ~(TABLE_SPAN - 1);

	end &= ~(TABLE_SPAN - 1);
	for (; va < end && (va = exo_pte_next(va, end, 2)) < end; va += TABLE_SPAN) {
		u64 entry = exo_pte_at(va, 2);

		if (exo_pt_remove(UAREA->env, va | 1, KEY_SELF) >= 0)
			exo_frame_release(EXO_PTE_PFN(entry), 1, KEY_SELF);
	}
}

/* Those where nothing is mapped, though something was or will be: how many frames. */
u64
tables_trim(u64 start, u64 end)
{
	u64 count = 0;

	for (u64 va = start & ~(TABLE_SPAN - 1); (va = exo_pte_next(va, end, 2)) < end;
		va += TABLE_SPAN) {
		const exo_pfn table = EXO_PTE_PFN(exo_pte_at(va, 2));

		if (exo_frame(table)->account != own_account() ||
			exo_pte_next(va, va + TABLE_SPAN, 1) < va + TABLE_SPAN)
			continue;
		tables_drop(va, va + TABLE_SPAN);
		count += 3;
	}
	return count;
}

u64
page_entry(u64 va)
{
	return exo_pte(va);
}

exo_pfn
page_pfn(const volatile void *p)
{
	return EXO_PTE_PFN(page_entry((u64)p));
}
