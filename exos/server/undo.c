/* SPDX-License-Identifier: ISC */
/*
 * The notes (undo.h): in pages of their own, which come as they are needed.
 * Nothing here is noted itself.  Where there are more notes than room, they
 * begin again at the first and there is no way back: a server that ends then is
 * the machine's end (restart.c).
 */
#include "srv.h"
#include "fsnode.h"
#include "keeper.h"
#include "undo.h"
#include <exo/archive.h>

#define PAGES_MAX 512u			/* 131072 notes: a page table's worth */
#define PAGES_KEPT 64u			/* what requests take, and more: there may be no memory when they do */
#define START ((struct undo *)UNDO_AT)
#define KIND(what) ((unsigned)((what) >> 56))
#define WHAT(what) ((what) << 8 >> 8)
#define WINDOWS 8u			/* of a mebibyte: the stacks on other CPUs (cpus.c) */
#define LOOK (EXO_BOOT_UAREA + 0x80000)	/* among them: where an account is looked at */

struct undo *undo_end = START;
static uint64_t pages;			/* that there are */
static bool lost;
static bool reused;			/* what was let go of in this request may be given out again in it */
static exo_envid going_back;		/* whose request is taken back */

/* ---- making notes ------------------------------------------------------------------------------- */

static bool
page_new(uint64_t va)
{
	const exo_pfn pfn = exo_frame_find(0, 1);
	struct exo_map m = { .va = va, .pfn = pfn, .key = ROOT_KEY,
		.op = EXO_OP_MAP | EXO_MAP_READ | EXO_MAP_WRITE };

	if (!pfn || exo_frame_claim(pfn, 1, exo_info()->root_account, 0, ROOT_KEY, 0) != 1 ||
		exo_frame_mark(pfn, 1, EXO_FRAME_TAG(EXO_TAG_SERVER), 0, ROOT_KEY) != 1 ||
		exo_map(exo_self(), &m, 1, ROOT_KEY) != 1)
		return false;
	pages = (va - UNDO_AT) / EXO_PAGE_BYTES + 1;
	return true;
}

/* Before anybody can take the memory. */
void
undo_begin(void)
{
	while (pages < PAGES_KEPT)
		if (!page_new(UNDO_AT + pages * EXO_PAGE_BYTES))
			return;
}

/* What an unusually long request took. */
void
undo_trim(void)
{
	struct exo_map m = { .op = EXO_OP_UNMAP | EXO_MAP_RELEASE, .key = ROOT_KEY };

	for (; pages > PAGES_KEPT; pages--) {
		m.va = UNDO_AT + (pages - 1) * EXO_PAGE_BYTES;
		exo_map(exo_self(), &m, 1, ROOT_KEY);
	}
}

/* The store that faulted is made again, at the beginning where there is no more room. */
bool
undo_grow(uint64_t address)
{
	const uint64_t va = address & -EXO_PAGE_BYTES;

	return address >= UNDO_AT && address < UNDO_AT + PAGES_MAX * EXO_PAGE_BYTES && page_new(va);
}

static void
room(uint64_t bytes)
{
	if ((uint64_t)undo_end + bytes < UNDO_AT + (PAGES_MAX - 1) * EXO_PAGE_BYTES)
		return;
	lost = true;
	undo_end = START;
}

/* The start is not taken back: as many notes as there are pages of files would have no room. */
static void
starting(void)
{
	if (!server_booted)
		undo_end = START;
}

void
undo_note(enum undo_kind kind, uint64_t what, uint64_t value)
{
	struct undo *u;

	starting();
	u = undo_end;
	u->what = what | (uint64_t)kind << 56;
	u->value = value;
	__atomic_store_n(&undo_end, u + 1, __ATOMIC_RELEASE);
}

/* Not there any more when notes are read, or not ours. */
static bool
passing(uint64_t at)
{
	return at - (uint64_t)server_stack < SERVER_STACK ||
		at - (uint64_t)server_upcall_stacks < EXO_STACKS * EXO_STACK_BYTES ||
		at - EXO_BOOT_UAREA < WINDOWS << 20 || at - SRV_SCRATCH < EXO_PAGE_BYTES;
}

void
undo_note_bytes(enum undo_kind kind, uint64_t what, const void *from, uint64_t bytes)
{
	const uint64_t words = (bytes + 15) / 16 * 2;

	starting();
	room(words * 8);
	if (words * 8 + 64 > PAGES_MAX / 2 * EXO_PAGE_BYTES)
		return (void)(lost = true);
	__builtin_memcpy(undo_end, from, bytes);
	undo_end[words / 2] = (struct undo){ what | (uint64_t)kind << 56, bytes };
	__atomic_store_n(&undo_end, undo_end + words / 2 + 1, __ATOMIC_RELEASE);
}

void undo_range(void *at, uint64_t bytes);
void *undo_memcpy(void *to, const void *from, size_t bytes);
void *undo_memset(void *to, int value, size_t bytes);
void *undo_memmove(void *to, const void *from, size_t bytes);

void
undo_range(void *at, uint64_t bytes)
{
	if (bytes && !passing((uint64_t)at))
		undo_note_bytes(UNDO_BYTES, (uint64_t)at, at, bytes);
}

void *
undo_memcpy(void *to, const void *from, size_t bytes)
{
	undo_range(to, bytes);
	return __builtin_memcpy(to, from, bytes);
}

void *
undo_memset(void *to, int value, size_t bytes)
{
	undo_range(to, bytes);
	return __builtin_memset(to, value, bytes);
}

void *
undo_memmove(void *to, const void *from, size_t bytes)
{
	undo_range(to, bytes);
	return __builtin_memmove(to, from, bytes);
}

void
undo_reuse(void)
{
	reused = true;
}

void
undo_zero(void *at, uint64_t bytes)
{
	if (reused)
		undo_range(at, bytes);
	__builtin_memset(at, 0, bytes);
}

void
undo_forget(void)
{
	undo_end = START;
	lost = false;
	if (reused)
		reused = false;
}

void
undo_commit(void)
{
	undo_forget();
	later_run(false);
}

bool
undo_lost(void)
{
	return lost;
}

/* ---- limits ---------------------------------------------------------------------------------------- */

static uint64_t
limit_of(exo_pfn account)
{
	struct exo_map m = { .va = LOOK, .pfn = account, .op = EXO_OP_MAP | EXO_MAP_READ,
		.key = ROOT_KEY };
	uint64_t limit;

	if (exo_map(exo_self(), &m, 1, ROOT_KEY) != 1)
		return 0;
	limit = ((const volatile struct exo_account *)LOOK)->limit;
	m.op = EXO_OP_UNMAP;
	exo_map(exo_self(), &m, 1, ROOT_KEY);
	return limit;
}

/* The note comes first, and tells afterwards whether there is anything to take back. */
bool
limit_move(exo_pfn account, int64_t frames)
{
	const uint64_t before[2] = { 0, limit_of(account) };

	undo_note_bytes(UNDO_LIMIT, account, before, sizeof(before));
	undo_end[-1].value = (uint64_t)frames;
	return exo_account_limit(account, frames, ROOT_KEY) >= 0;
}

static void
limit_back(exo_pfn account, int64_t frames, uint64_t before)
{
	const volatile struct exo_frame *f = exo_frame(account);

	if (f && f->kind == EXO_FRAME_ACCOUNT && limit_of(account) != before)
		exo_account_limit(account, -frames, ROOT_KEY);
}

/* ---- going back -------------------------------------------------------------------------------------- */

static void
frames_back(exo_pfn first, uint64_t count, exo_pfn account)
{
	for (exo_pfn pfn = first; pfn < first + count; pfn++) {
		const volatile struct exo_frame *f = exo_frame(pfn);

		if (!f || f->account != account || f->tag == EXO_TAG_SERVER)
			continue;
		if (f->kind == EXO_FRAME_ACCOUNT)
			account_dissolve(pfn);
		exo_frame_release(pfn, 1, ROOT_KEY);
	}
}

static void
map_back(uint64_t va, exo_pfn pfn)
{
	struct exo_map m = { .va = va, .pfn = pfn, .key = ROOT_KEY,
		.op = EXO_OP_MAP | EXO_MAP_READ | EXO_MAP_WRITE };

	exo_map(exo_self(), &m, 1, ROOT_KEY);
}

static bool
writable(uint64_t va)
{
	const uint64_t pte = exo_pte(va);

	return pte & EXO_PTE_PRESENT && pte & EXO_PTE_WRITE;
}

/*
 * A reader who saw what is taken back must not take it for what comes next: what
 * was odd stays so until all that it stands for is back.
 */
static void
word_back(uint64_t at, uint64_t value, unsigned bytes)
{
	if (passing(at) || !writable(at) || !writable(at + bytes - 1))
		return;
	if (sfs_is_seq(at))
		value = (*(uint64_t *)at | 1) + (~value & 1);
	__builtin_memcpy((void *)at, &value, bytes);
}

/* One note; how many others' places the bytes in front of it take. */
static uint64_t
back(const struct undo *u)
{
	const uint64_t what = WHAT(u->what), words = (u->value + 15) / 16;

	switch (KIND(u->what)) {
	case UNDO_WORD:
	case 1:
	case 2:
	case 4:
		word_back(what, u->value, KIND(u->what) ? KIND(u->what) : 8);
		break;
	case UNDO_BYTES:
		if (writable(what) && writable(what + u->value - 1))
			__builtin_memcpy((void *)what, u - words, u->value);
		return words;
	case UNDO_GUARD:
		exo_guard_change(what, (const void *)(u - words), ROOT_KEY);
		return words;
	case UNDO_FRAMES:
		exo_frame_guard_all(what, u->value, u[-1].value, ROOT_KEY, ROOT_KEY);
		return 1;
	case UNDO_CLAIM:
		frames_back(what, u->value & 0xffffffff, u->value >> 32);
		break;
	case UNDO_GUARD_NEW:
		exo_guard_free(what, ROOT_KEY);
		break;
	case UNDO_WINDOW:
		mem_window_back(what);
		break;
	case UNDO_LIMIT:
		limit_back(what, (int64_t)u->value, u[-1].value);
		return 1;
	case UNDO_MAP:
		map_back(what, u->value);
		break;
	case UNDO_KEY:
		if (u->value == going_back)
			redo_slot((exo_slot)what);
		break;
	}
	return 0;
}

/* Each is forgotten when it is done: whoever ends here goes on there. */
void
undo_all(exo_envid asked)
{
	going_back = asked;
	while (undo_end > START) {
		const struct undo *u = undo_end - 1;

		undo_end = (struct undo *)u - back(u);
	}
}

unsigned long
undo_noted(void)
{
	return (unsigned long)(undo_end - START);
}
