/* SPDX-License-Identifier: ISC */
/* The tables as the machine starts: what there is, what is the kernel's, what is left for the root account. */
#include "mem_priv.h"

static void
range_free(exo_pfn begin, exo_pfn end) REQUIRES(mem_lock)
{
	for (exo_pfn pfn = begin; pfn < end; pfn++) {
		frames[pfn].kind = EXO_FRAME_FREE;
		/* Firmware and loader left things behind, and a reset does not clear memory. */
		frames[pfn].flags = EXO_FRAME_DIRTY;
		freemap[pfn / 64] |= 1ull << pfn % 64;
		info->free_frames++;
	}
}

/* Ranges must not overlap; what they share with a partial page is not used. */
void
mem_boot(const struct memory_range *usable, unsigned count) NO_TSA
{
	for (unsigned n = 0; n < count; n++) {
		u64 end = (usable[n].base + usable[n].bytes) >> EXO_PAGE_SHIFT;

		frames_count = end > frames_count ? end : frames_count;
	}
	frames = boot_alloc(frames_count * sizeof *frames);
	frames_priv = boot_alloc(frames_count * sizeof *frames_priv);
	freemap = boot_alloc((frames_count + 63) / 64 * sizeof *freemap);
	for (exo_pfn pfn = 0; pfn < frames_count; pfn++)
		frames[pfn].kind = EXO_FRAME_ABSENT;
	info->frames = frames_count;
	info->repossess_ns = EXO_REPOSSESS_NS;
	info->free_frames = 0;
	for (unsigned n = 0; n < count; n++)
		range_free((usable[n].base + EXO_PAGE_BYTES - 1) >> EXO_PAGE_SHIFT,
			(usable[n].base + usable[n].bytes) >> EXO_PAGE_SHIFT);
	mem_reserve(0, 1, EXO_FRAME_KERNEL);	/* frame 0: its number means "none" */
}

void
mem_reserve(u64 base, u64 bytes, enum exo_frame_kind kind) NO_TSA
{
	exo_pfn end = (base + bytes + EXO_PAGE_BYTES - 1) >> EXO_PAGE_SHIFT;

	must(kind == EXO_FRAME_KERNEL || kind == EXO_FRAME_TRACE);
	for (exo_pfn pfn = base >> EXO_PAGE_SHIFT; pfn < end && pfn < frames_count; pfn++) {
		must(frames[pfn].account == 0);
		if (frames[pfn].kind == EXO_FRAME_FREE) {
			freemap[pfn / 64] &= ~(1ull << pfn % 64);
			info->free_frames--;
		}
		if ((frames[pfn].kind == EXO_FRAME_ABSENT && pfn != 0) ||
			frames[pfn].kind == EXO_FRAME_TRACE)
			continue;
		frames[pfn].kind = (u8)kind;
		frames[pfn].flags = 0;
	}
}

/* The first account has no parent to charge: its frame is its own. */
void
account_boot(exo_pfn pfn) NO_TSA
{
	struct account *account = frame_ptr(pfn);

	must(frames[pfn].kind == EXO_FRAME_FREE);
	memset(account, 0, EXO_PAGE_BYTES);
	account->limit = account->fixed_limit = info->free_frames;
	account->slices_limit = CPUS_MAX * EXO_SLICES_CPU;
	frame_take(pfn, pfn, 0);
	frames[pfn].kind = EXO_FRAME_ACCOUNT;
	account->fixed = 1;
	frames[pfn].flags = EXO_FRAME_FIXED;
	info->root_account = pfn;
}
