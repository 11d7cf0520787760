/* SPDX-License-Identifier: ISC */
/*
 * The server's memory: frames of its account (the root account), the shared
 * region, private pages.
 *
 * The shared region is one page directory, 1 GiB.  The server has it with
 * write access; a process gets the same directory by one read-only entry, so
 * that what is added here is there for everybody at once.  Its frames are
 * PUBLIC: any word of it may be waited on.
 */
#include "srv.h"
#include "undo.h"
#include <errno.h>

#define SRV_SHARED  0x0000004000000000ull	/* 1 GiB aligned */
#define SRV_PRIVATE 0x0000006000000000ull	/* grows */
#define SRV_WINDOW  0x0000006f00000000ull
#define SHARED_BYTES (1ull << 30)
#define PROCS_OFF 0x1000ull
#define PROCS_PAGES (SH_PROCS * sizeof(struct sh_proc) / EXO_PAGE_BYTES)
#define CREDS_OFF 0x00080000ull
#define CREDS_END 0x00100000ull
#define FS_OFF 0x00000800ull		/* fsnode.h has the same */
#define BATCH 32u
#define LIMIT_STEP 1024u
#define HELD_MAX 256u			/* more than all queues of the console take */

static uint64_t private_end = SRV_PRIVATE;
static exo_pfn window_pfn;
static exo_pfn zero_pfn;		/* read where the shared region has no frames any more */

/* ---- frames ---------------------------------------------------------------------------- */

/*
 * Most of memory is the session's, for processes.  What they do not use is
 * taken back when files need it, a step at a time, and returned when files are
 * freed.  A quarter is never taken, so that a full disk leaves room for the
 * process that is to empty it.
 */
static uint64_t borrowed, given_up;	/* frames of limit; frames released since the last return */

static bool
limit_borrow(uint64_t count)
{
	uint64_t step = count < LIMIT_STEP ? LIMIT_STEP : count;

	if (exo_info()->free_frames < exo_info()->frames / FS_RESERVE + step)
		return false;
	if (session_account == 0 || !limit_move(session_account, -(int64_t)step))
		return false;
	borrowed += step;
	return true;
}

static void
limit_return(uint64_t released)
{
	given_up += released;
	while (given_up >= LIMIT_STEP && borrowed >= LIMIT_STEP) {	/* bound: what was borrowed */
		if (!limit_move(session_account, LIMIT_STEP))
			return;
		given_up -= LIMIT_STEP;
		borrowed -= LIMIT_STEP;
	}
	if (borrowed < LIMIT_STEP)
		given_up = 0;
}

int
mem_claim(uint64_t count, exo_guardref guard, exo_pfn *first)
{
	int error = frames_claim(exo_info()->root_account, count, first);

	if (error == -EXO_EQUOTA && limit_borrow(count))
		error = frames_claim(exo_info()->root_account, count, first);
	if (error)
		return -ENOSPC;
	if (guard) {
		exo_frame_guard_all(*first, count, guard, ROOT_KEY, ROOT_KEY);
		exo_frame_mark_all(*first, count, EXO_FRAME_TAG(EXO_TAG_FILE), 0, ROOT_KEY);
	}
	return 0;
}

/*
 * A page of a file may be on its way to a device, sent by some process that
 * mapped it: such frames are let go later.
 */
static exo_pfn held[HELD_MAX];
static unsigned helds;

void
mem_sweep(void)
{
	for (unsigned n = 0; n < helds;) {
		if (exo_frame_release(held[n], 1, ROOT_KEY) > 0)
			held[n] = held[--helds];
		else
			n++;
	}
}

void
mem_release(exo_pfn pfn, uint64_t count)
{
	if (window_pfn >= pfn && window_pfn < pfn + count)
		window_pfn = 0;
	limit_return(count);
	later(LATER_RELEASE, pfn, count);
}

void
frames_let_go(exo_pfn pfn, uint64_t count)
{
	while (count) {
		int64_t done = exo_frame_release(pfn, count, ROOT_KEY);

		if (done < 0 && helds < HELD_MAX)
			held[helds++] = pfn;
		else if (done < 0)
			klog_server("frame %lx cannot be released: %s", pfn, exo_error_name(done));
		else
			frames_warm(pfn, (uint64_t)done);
		done = done < 0 ? 1 : done;
		pfn += (uint64_t)done;
		count -= (uint64_t)done;
	}
}

void
mem_guard(exo_pfn pfn, uint64_t count, exo_guardref guard)
{
	const uint64_t before[2] = { 0, exo_frame(pfn)->guard };

	undo_note_bytes(UNDO_FRAMES, pfn, before, sizeof(before));
	undo_end[-1].value = count;
	exo_frame_guard_all(pfn, count, guard, ROOT_KEY, ROOT_KEY);
}

void
mem_unbind(exo_pfn pfn)
{
	while (exo_frame_unbind(pfn, 64, ROOT_KEY) > 0)	/* bound: there are fewer each time */
		;
}

/* ---- translations ------------------------------------------------------------------------ */

static int
table_ensure(uint64_t va)
{
	for (unsigned level = 3; level >= 1; level--) {
		uint64_t span = EXO_PAGE_BYTES << (9 * level);
		exo_pfn pfn;

		if (exo_pte_at(va, level + 1) & EXO_PTE_PRESENT)
			continue;
		if (mem_claim(3, 0, &pfn))
			return -ENOSPC;
		if (exo_pt_install(exo_self(), (va & ~(span - 1)) | level | EXO_PT_WRITE, pfn,
			    pfn + 1, ROOT_KEY, ROOT_KEY) < 0) {
			mem_release(pfn, 3);
			return -ENOSPC;
		}
	}
	return 0;
}

static int
bind_run(uint64_t va, exo_pfn pfn, uint64_t pages)
{
	struct exo_map vec[BATCH];

	for (uint64_t done = 0; done < pages;) {
		unsigned n = 0;

		if (table_ensure(va + done * EXO_PAGE_BYTES))
			return -ENOSPC;
		for (; n < BATCH && done + n < pages; n++) {
			uint64_t at = va + (done + n) * EXO_PAGE_BYTES;

			if (n && at % (EXO_PAGE_BYTES * 512) == 0)
				break;			/* the next table */
			vec[n] = (struct exo_map){
				.va = at, .pfn = pfn + done + n, .key = ROOT_KEY,
				.op = EXO_OP_MAP | EXO_MAP_READ | EXO_MAP_WRITE,
			};
		}
		if (exo_map_all(exo_self(), vec, n, ROOT_KEY) != (int64_t)n)
			return -ENOSPC;
		done += n;
	}
	return 0;
}

/* New frames at va, in runs as long as can be had. */
static int
back(uint64_t va, uint64_t pages, uint64_t marks)
{
	while (pages) {
		uint64_t count = pages;
		exo_pfn pfn;

		while (mem_claim(count, 0, &pfn)) {
			if (count == 1)
				return -ENOSPC;
			count /= 2;
		}
		exo_frame_mark_all(pfn, count, marks, 0, ROOT_KEY);
		if (bind_run(va, pfn, count)) {
			mem_release(pfn, count);
			return -ENOSPC;
		}
		va += count * EXO_PAGE_BYTES;
		pages -= count;
	}
	return 0;
}

void *
mem_new(uint64_t pages)
{
	uint64_t va = private_end;

	if (back(va, pages, EXO_FRAME_TAG(EXO_TAG_LIBRARY)))
		return NULL;
	private_end += pages * EXO_PAGE_BYTES;
	return (void *)va;
}

exo_pfn
mem_pfn(const void *own)
{
	return EXO_PTE_PFN(exo_pte((uint64_t)own));
}

void *
mem_window(exo_pfn pfn)
{
	if (pfn == window_pfn)
		return (void *)SRV_WINDOW;
	undo_note(UNDO_WINDOW, window_pfn, 0);
	window_pfn = 0;
	if (bind_run(SRV_WINDOW, pfn, 1))
		return NULL;
	window_pfn = pfn;
	return (void *)SRV_WINDOW;
}

/* What was written there since goes to another frame than it came from, unless that is seen again. */
void
mem_window_back(exo_pfn pfn)
{
	window_pfn = 0;
	if (pfn && !bind_run(SRV_WINDOW, pfn, 1))
		window_pfn = pfn;
}

/* ---- the shared region ---------------------------------------------------------------------- */

char *
shared_at(uint64_t offset)
{
	return (char *)(SRV_SHARED + offset);
}

int
shared_back(uint64_t offset, uint64_t pages)
{
	if (offset > SHARED_BYTES || pages > (SHARED_BYTES - offset) / EXO_PAGE_BYTES)
		return -ENOSPC;
	return back(SRV_SHARED + offset, pages, EXO_FRAME_PUBLIC | EXO_FRAME_TAG(EXO_TAG_METADATA));
}

/* What is released is unbound everywhere, so readers must find the zeroes first. */
int
shared_unback(uint64_t offset, uint64_t pages)
{
	for (uint64_t n = 0; n < pages; n++) {
		struct exo_map m = { .va = SRV_SHARED + offset + n * EXO_PAGE_BYTES,
			.pfn = zero_pfn, .key = ROOT_KEY, .op = EXO_OP_MAP | EXO_MAP_READ };
		const exo_pfn pfn = EXO_PTE_PFN(exo_pte(m.va));

		undo_note(UNDO_MAP, m.va, pfn);
		if (exo_map(exo_self(), &m, 1, ROOT_KEY) < 0)
			return -ENOSPC;
		mem_release(pfn, 1);
	}
	return 0;
}

struct sh_info *
server_shared_info(void)
{
	return (struct sh_info *)shared_at(0);
}

struct sh_proc *
server_proc_table(void)
{
	return (struct sh_proc *)shared_at(PROCS_OFF);
}

_Static_assert(CREDS_OFF + SH_PROCS * sizeof(struct sh_cred) <= CREDS_END, "credentials");

struct sh_cred *
server_cred(unsigned row)
{
	uint64_t at = CREDS_OFF + row * sizeof(struct sh_cred), page = at & ~(EXO_PAGE_BYTES - 1);

	if (!(exo_pte(SRV_SHARED + page) & EXO_PTE_PRESENT) && shared_back(page, 1))
		return NULL;
	return (struct sh_cred *)shared_at(at);
}

exo_pfn
server_shared_table(void)
{
	return EXO_PTE_PFN(exo_pte_at(SRV_SHARED, 3));
}

/* The server's own program and what the kernel made for it: so that nothing of ours is nobody's. */
static void
own_tag(void)
{
	extern const char __executable_start[], _end[];

	for (uint64_t va = (uint64_t)__executable_start & -EXO_PAGE_BYTES; va < (uint64_t)_end;
		va += EXO_PAGE_BYTES)
		exo_frame_mark(EXO_PTE_PFN(exo_pte(va)), 1, EXO_FRAME_TAG(EXO_TAG_LIBRARY),
			EXO_FRAME_TAG_CLEAR(EXO_TAG_LIBRARY), ROOT_KEY);
}

const char *
server_memory_boot(void)
{
	own_tag();
	if (shared_back(0, 1) || shared_back(PROCS_OFF, PROCS_PAGES))
		return "no memory for the shared region";
	if (mem_claim(1, 0, &zero_pfn))
		return "no memory for a page of zeroes";
	exo_frame_mark(zero_pfn, 1, EXO_FRAME_PUBLIC, 0, ROOT_KEY);
	/* A parent's library installs the directory in its child: anyone may. */
	exo_frame_mark(server_shared_table(), 1, EXO_FRAME_PUBLIC, 0, ROOT_KEY);
	server_shared_info()->procs_off = PROCS_OFF;
	server_shared_info()->creds_off = CREDS_OFF;
	server_shared_info()->fs_off = FS_OFF;
	return NULL;
}
