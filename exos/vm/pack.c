/* SPDX-License-Identifier: ISC */
/* Which pages are let go of, and their way into the store and back: pack.h. */
#include "pack.h"
#include "squeeze.h"
#include "store.h"
#include "../core/frames.h"
#include "../thread/act.h"
#include "../linux/errno.h"

#define RW (EXO_MAP_READ | EXO_MAP_WRITE)
#define BUFFER AT(u8, EXOS_STORE)			/* to squeeze into */
#define VECTOR AT(struct exo_vector, EXOS_STORE + PAGE)
#define STORE_AT (EXOS_STORE + 2 * PAGE)
#define TABLE_BYTES 0x200000ull				/* of the store that a page table covers */
#define WORTH 256u		/* frames given, from which on there is a store, */
#define PLENTY 64u		/* ... at once: there is some for spare frames, too */
#define TABLE_PAGES 512u	/* with room for as many as it gets */
#define COLD_LOOKS 8u		/* pages looked at for each that is to go, */
#define COLD_MORE 256u		/* ... and these */
#define PAIR_LOOKS 65536u	/* pages looked at for one whose frame is next to a free one */
#define MISSES 64u		/* pages in a row that did not get small enough: no more is tried */

static struct store store;
static u64 granted;			/* frames of limit that were given since the start */
static u64 tables;			/* of the store that there are */
static u64 hand;			/* the address to look at next */
static u32 held;

/* ---- the store's own memory ---------------------------------------------------------------- */

static u64
page_address(u32 page)
{
	return (u64)AT(char, STORE_AT) + page * PAGE;
}

bool
store_page_there(const struct store *s, uint32_t page)
{
	(void)s;
	return vm_present(page_address(page));
}

void
store_page_empty(const struct store *s, uint32_t page)
{
	(void)s;
	page_unmap(page_address(page), 1);
}

/* The kernel counts anew, and the frame is as it was: a child's is a copy of its parent's. */
static void
name_vector(void)
{
	memset(VECTOR, 0, PAGE);
	exo_account_vector(own_account(), page_pfn(VECTOR), KEY_SELF);
	spare_begin();
}

static bool
begin(void)
{
	if (tables_ensure((u64)BUFFER) || page_map_new((u64)BUFFER, RW))
		return false;
	if (page_map_new((u64)VECTOR, RW))
		return false;
	name_vector();
	store.base = AT(char, STORE_AT);
	tables = 1;
	return true;
}

/* Ahead of need: when memory is asked back it is too late. */
void
pack_grew(u64 frames)
{
	static bool busy;

	granted += frames;
	if (busy || granted < WORTH)
		return;
	busy = true;
	if (tables || begin())
		for (; tables * TABLE_PAGES < granted + 2 * TABLE_PAGES; tables++)
			if (tables_ensure((u64)AT(char, EXOS_STORE) + tables * TABLE_BYTES))
				break;
	if (tables && frames >= PLENTY)
		spare_grow(granted);
	busy = false;
}

u64
pack_bytes(void)
{
	return tables ? 2 * PAGE + store.pages * PAGE : 0;
}

const volatile struct exo_vector *
pack_vector(void)
{
	return tables ? VECTOR : NULL;
}

void
pack_fork_child(void)
{
	granted = 0;
	if (tables)
		name_vector();
	tables = tables ? pack_bytes() / TABLE_BYTES + 1 : 0;
}

void
pack_hold(void)
{
	held++;
}

void
pack_release(void)
{
	held--;
}

/* ---- out ----------------------------------------------------------------------------------- */

/* Ours alone, and nobody's but the program's. */
static bool
may_go(const struct region *r, u64 entry)
{
	const volatile struct exo_frame *f = exo_frame(EXO_PTE_PFN(entry));

	return entry & EXO_PTE_USER && !(r->flags & (REGION_SHARED | REGION_LOCKED)) &&
		f->kind == EXO_FRAME_DATA && f->account == own_account() && f->nmaps == 1 &&
		f->pins == 0 && f->guard == 0;
}

/* The page's frame becomes the store's next page; the page itself is in BUFFER. */
static bool
into_store(u64 va, u64 entry)
{
	const u32 page = store_page_next(&store);
	const u64 to = page_address(page);
	struct exo_map vec[] = {
		/* In this order: what was cloned is written to where it is bound once. */
		{ .va = va, .op = EXO_OP_UNMAP, .key = KEY_SELF },
		{ .va = to, .pfn = EXO_PTE_PFN(entry), .op = EXO_OP_MAP | RW, .key = KEY_SELF },
	};

	if (to >= (u64)AT(char, EXOS_STORE) + tables * TABLE_BYTES)
		return false;
	if (exo_map_all(UAREA->env, vec, 2, KEY_SELF) != 2)
		exos_die(9, "a page is lost");
	exo_frame_mark(EXO_PTE_PFN(entry), 1, EXO_FRAME_TAG(EXO_TAG_LIBRARY),
		EXO_FRAME_TAG_CLEAR(EXO_TAG_LIBRARY), KEY_SELF);
	store_page_begin(&store, page);
	return true;
}

enum out { OUT_NOT, OUT_KEPT, OUT_GONE };	/* kept: the store has its frame now */

static enum out
page_out(const struct region *r, u64 va, u64 entry)
{
	unsigned bytes;

	if ((r->ino == 0 || va - r->start >= r->file_bytes) && squeeze_zero((void *)va)) {
		page_unmap(va, 1);
		return OUT_GONE;
	}
	bytes = squeeze(BUFFER, STORE_MOST, (void *)va);
	if (bytes == 0)
		return OUT_NOT;
	if (store_keep(&store, va, BUFFER, bytes)) {
		page_unmap(va, 1);
		return OUT_GONE;
	}
	if (!into_store(va, entry))
		return OUT_NOT;
	if (!store_keep(&store, va, BUFFER, bytes))
		exos_die(9, "a page is lost");
	return OUT_KEPT;
}

static void
cool(u64 va, u64 entry)
{
	struct exo_map m = { .va = va, .key = KEY_SELF,
		.op = EXO_OP_PROTECT | EXO_MAP_CLEARAD | EXO_MAP_READ |
			(entry & EXO_PTE_WRITE ? EXO_MAP_WRITE : 0) |
			(entry & EXO_PTE_NX ? 0 : EXO_MAP_EXEC) |
			(u32)EXO_PTE_SOFT(entry) << EXO_MAP_SOFT_SHIFT };

	exo_map(UAREA->env, &m, 1, KEY_SELF);
}

struct search {
	u64 want, given, looks;
	unsigned misses;
	bool fast;
};

static bool
over(const struct search *s)
{
	return s->given >= s->want || s->looks == 0 || s->misses >= MISSES;
}

static void
consider(struct search *s, const struct region *r, u64 va)
{
	const u64 entry = page_entry(va);
	enum out out;

	s->looks--;
	if (!may_go(r, entry))
		return;
	if (!s->fast && entry & EXO_PTE_ACCESSED) {
		cool(va, entry);
		return;
	}
	out = page_out(r, va, entry);
	s->given += out == OUT_GONE;
	s->misses = out == OUT_NOT ? s->misses + 1 : 0;
}

/* From the hand to the end, or to the hand again from the beginning. */
static void
sweep(struct search *s, u64 from, u64 end)
{
	for (unsigned n = regions_index(&vm.regions, from); n < vm.regions.count; n++) {
		const struct region *r = regions_nth(&vm.regions, n);
		const u64 stop = r->end < end ? r->end : end;
		u64 va = r->start > from ? r->start : from;

		for (; (va = exo_pte_next(va, stop, 1)) < stop; va += PAGE) {
			if (over(s))
				return;
			hand = va + PAGE;
			consider(s, r, va);
		}
	}
}

u64
pack_give(u64 frames, bool fast)
{
	struct search s = { .want = frames, .fast = fast, .looks = ~0ull };
	static bool busy;
	u64 from = hand;

	if (!tables || held || busy)
		return 0;
	busy = true;
	acts_stop();
	if (fast)
		s.given = spare_give(frames);
	if (!fast) {
		s.looks = frames * COLD_LOOKS + COLD_MORE;
		sweep(&s, from, VM_HIGH);
		sweep(&s, 0, from);
		s.fast = true;
		s.looks = ~0ull;
		from = hand;
	}
	s.misses = 0;
	sweep(&s, from, VM_HIGH);
	sweep(&s, 0, from);
	if (s.given < frames)
		s.given += spare_give(frames - s.given);
	busy = false;
	return s.given;
}

void
pack_out(const struct region *r, u64 start, u64 end)
{
	if (held || (!tables && !begin()))
		return;
	acts_stop();
	for (u64 va = start; (va = exo_pte_next(va, end, 1)) < end; va += PAGE)
		if (may_go(r, page_entry(va)))
			page_out(r, va, page_entry(va));
}

/* ---- neighbours ---------------------------------------------------------------------------- */

static bool stays;

void
pack_stay(bool stay)
{
	stays = stay;
}

static bool
is_free(exo_pfn pfn)
{
	return pfn < exo_info()->frames && exo_frame(pfn)->kind == EXO_FRAME_FREE;
}

/* By way of BUFFER: the old frame must be free of bindings before it is let go. */
static bool
page_to(const struct region *r, u64 va, exo_pfn to)
{
	const exo_pfn old = page_pfn((void *)va);
	struct exo_map m = { .va = va, .pfn = to, .key = KEY_SELF,
		.op = EXO_OP_MAP | EXO_MAP_CLAIM | RW | EXO_MAP_TAG(EXO_TAG_ANONYMOUS) };

	pack_give(1, true);		/* for a moment it has both */
	if (page_pfn((void *)va) != old)
		return false;
	memcpy(BUFFER, (void *)va, PAGE);
	if (exo_map(UAREA->env, &m, 1, KEY_SELF) != 1)
		return false;
	memcpy((void *)va, BUFFER, PAGE);
	if (prot_perms(r->prot) != RW)
		page_protect(va, prot_perms(r->prot));
	return exo_frame_release(old, 1, KEY_SELF) == 1;
}

static bool
pair_in(const struct region *r, u64 *left)
{
	for (u64 va = r->start; (va = exo_pte_next(va, r->end, 1)) < r->end; va += PAGE, --*left) {
		const u64 entry = page_entry(va);
		const exo_pfn pfn = EXO_PTE_PFN(entry);
		exo_pfn to;

		if (*left == 0)
			return false;
		if (!(is_free(pfn + 1) || is_free(pfn - 1)) || !may_go(r, entry))
			continue;
		to = exo_frame_find(pfn + 2, 1);
		if (to == 0 || (to != pfn - 1 && to != pfn + 1 && page_to(r, va, to)))
			return to != 0;
	}
	return false;
}

bool
pack_pair(void)
{
	static bool busy;
	u64 left = PAIR_LOOKS;
	bool found = false;

	if (!tables || stays || busy)
		return false;
	busy = true;
	acts_stop();
	for (unsigned n = 0; n < vm.regions.count && !found; n++)
		found = pair_in(regions_nth(&vm.regions, n), &left);
	busy = false;
	return found;
}

/* ---- back ----------------------------------------------------------------------------------- */

bool
pack_has(u64 va)
{
	unsigned bytes;

	revoke_check_lost();
	return spare_has(va) || (store.kept && store_find(&store, va, &bytes) != NULL);
}

int
pack_bring(const struct region *r, u64 va)
{
	unsigned bytes;
	const void *from;
	int error;

	if (spare_has(va))
		return spare_bring(r, va);
	acts_stop();			/* who sees the page before its contents are there */
	error = page_map_new(va, RW | EXO_MAP_TAG(EXO_TAG_ANONYMOUS));
	if (error)
		return error;
	from = store_find(&store, va, &bytes);
	if (!from || !unsqueeze((u8 *)va, from, bytes))
		exos_die(9, "a page that was given back is damaged");
	store_drop(&store, va);
	if (prot_perms(r->prot) != RW)
		page_protect(va, prot_perms(r->prot));
	return 0;
}

int
pack_bring_all(u64 start, u64 end)
{
	revoke_check_lost();
	for (u64 va = start; (va = store_next(&store, va, end)) < end; va += PAGE) {
		const struct region *r = regions_find(&vm.regions, va);
		int error = r ? pack_bring(r, va) : 0;

		if (error)
			return error;
	}
	return spare_bring_all(start, end);
}

void
pack_drop(u64 start, u64 end)
{
	revoke_check_lost();
	for (u64 va = start; (va = store_next(&store, va, end)) < end; va += PAGE)
		store_drop(&store, va);
	spare_drop(start, end);
}
