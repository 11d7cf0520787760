/* SPDX-License-Identifier: ISC */
/*
 * The one program that the kernel loads: boot/init of the archive, a static
 * ELF.  Read-only segments are mapped where they lie in the archive, writable
 * ones copied.  It gets the root account, the root key, slice 0 and a u-area;
 * whatever else there is to start, it starts.
 *
 * This file is wrong only if the archive is, so every complaint is a panic.
 */
#include "../arch/x86_64/arch.h"
#include "../env/env.h"
#include "boot.h"
#include "boot_file.h"

struct loader {
	exo_pfn next;			/* where to look for a free frame */
	exo_pfn account;
	struct boot_file file;
	u32 root;
};

/* `count` contiguous free frames for the root account: at boot alone the kernel chooses. */
static exo_pfn
take(struct loader *l, u32 count) REQUIRES(mem_lock)
{
	u32 run = 0;

	while (run < count) {
		if (l->next >= frames_count)
			panic("too little memory to start init");
		run = frames[l->next++].kind == EXO_FRAME_FREE ? run + 1 : 0;
	}
	for (u32 n = 0; n < count; n++)
		frame_take(l->next - count + n, l->account, 0);
	return l->next - count;
}

static exo_pfn
take_zeroed(struct loader *l) REQUIRES(mem_lock)
{
	exo_pfn pfn = take(l, 1);

	frame_scrub(pfn);
	return pfn;
}

static void
take_archive(struct loader *l) REQUIRES(mem_lock)
{
	u64 pages = (boot_memory.archive_bytes + EXO_PAGE_BYTES - 1) >> EXO_PAGE_SHIFT;
	const char *wrong;

	if (boot_memory.archive == 0 || boot_memory.archive % EXO_PAGE_BYTES != 0)
		panic("no boot archive");
	wrong = boot_file_find(frame_ptr(info->archive_pfn), boot_memory.archive_bytes, &l->file);
	if (wrong != NULL)
		panic("%s", wrong);
	for (u64 n = 0; n < pages; n++) {
		frame_take(info->archive_pfn + n, l->account, 0);
		frame_keep(info->archive_pfn + n);
	}
}

static void
map(struct loader *l, u64 va, exo_pfn pfn, u64 flags) REQUIRES(mem_lock)
{
	binding_t at = 0;

	for (unsigned level = 3; level >= 1; level--) {
		u64 *entry = pt_entry(l->root, va, level + 1, &at);

		if (*entry == 0)
			pt_attach(at, level, take(l, 1), take(l, 2), true);
	}
	if (*pt_entry(l->root, va, 1, &at) != 0)
		panic("segments of init overlap at %#lx", va);
	binding_insert(at, pfn, PTE_PRESENT | PTE_USER | flags);
}

/* A private copy of one page of a writable segment; what the file does not cover is zero. */
static exo_pfn
copy_page(struct loader *l, const struct elf_segment *segment, u64 va) REQUIRES(mem_lock)
{
	exo_pfn pfn = take_zeroed(l);
	u64 from = va > segment->va ? va : segment->va;
	u64 file_end = segment->va + segment->file_bytes;
	u64 to = va + EXO_PAGE_BYTES < file_end ? va + EXO_PAGE_BYTES : file_end;

	if (from < to)
		memcpy((u8 *)frame_ptr(pfn) + (from - va),
			l->file.image + segment->offset + (from - segment->va), to - from);
	return pfn;
}

static void
map_segment(struct loader *l, const struct elf_segment *segment) REQUIRES(mem_lock)
{
	u64 first = segment->va & ~(EXO_PAGE_BYTES - 1);
	u64 end = segment->va + segment->bytes;
	u64 flags = (segment->flags & ELF_FLAG_X) != 0 ? 0 : PTE_NX;

	for (u64 va = first; va < end; va += EXO_PAGE_BYTES) {
		u64 at = l->file.offset + segment->offset - (segment->va - va);

		if ((segment->flags & ELF_FLAG_W) != 0)
			map(l, va, copy_page(l, segment, va), flags | PTE_WRITE);
		else
			map(l, va, info->archive_pfn + (at >> EXO_PAGE_SHIFT), flags);
	}
}

static void
map_segments(struct loader *l) REQUIRES(mem_lock)
{
	for (u32 n = 0; n < l->file.segments; n++)
		if (l->file.segment[n].type == ELF_LOAD && l->file.segment[n].bytes > 0)
			map_segment(l, &l->file.segment[n]);
}

/* env_boot takes the locks itself; nothing else runs yet. */
struct env *
boot_init(void)
{
	struct loader l = { .next = boot_memory.pool >> EXO_PAGE_SHIFT };
	struct env_boot boot = { .uarea_va = EXO_BOOT_UAREA };
	struct exo_uarea *ua;
	struct env *env;

	while (frames[l.next].kind != EXO_FRAME_FREE)
		l.next++;
	l.account = boot.account = l.next++;
	mem_acquire();
	account_boot(l.account);
	take_archive(&l);
	boot.env_frame = take(&l, 1);
	boot.root = take(&l, 1);
	boot.root_links = take(&l, 2);
	boot.ring = take(&l, 1);
	boot.act = take(&l, 1);
	boot.uarea = take_zeroed(&l);
	ua = frame_ptr(boot.uarea);
	ua->entry[EXO_ENTRY_PROLOGUE] = ((const struct elf *)l.file.image)->entry;
	mem_release();

	env = env_boot(&boot);

	mem_acquire();
	l.root = (u32)boot.root;
	map_segments(&l);
	map(&l, EXO_BOOT_UAREA, boot.uarea, PTE_WRITE | PTE_NX);
	mem_release();
	return env;
}
