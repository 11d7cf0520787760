/* SPDX-License-Identifier: ISC */
/*
 * Page faults: what the region says should be there is brought in.
 *
 * Runs on the stack of its depth, maybe inside a Linux call that copies from
 * or to the program, so it takes nothing from the heap and changes no list;
 * its scratch page is its own.
 */
#include "vm.h"
#include "pack.h"
#include "../fs/fs.h"
#include "../server/fsmeta.h"
#include "../arch/x86_64/arch.h"
#include "../core/frames.h"
#include "../linux/errno.h"
#include "../proc/look.h"
#include "../proc/rlimit.h"

#define ACCESS_READ 4u /* user mode */
#define ACCESS_WRITE 6u
#define AHEAD_MOST 16u /* pages at a time where there is nothing yet */
/* File pages brought in at a time: more cost more to bring in and let go than they save faults */
#define AROUND 4u

enum { SEGV = 11, BUS = 7, KILL = 9 };
enum { SEGV_MAPERR = 1, SEGV_ACCERR = 2, BUS_ADRERR = 2 };

#define SCRATCH ((u64)AT(char, EXOS_WINDOW + WINDOW_VM * EXO_PAGE_BYTES))
#define RW (EXO_MAP_READ | EXO_MAP_WRITE)
#define OWN EXO_MAP_TAG(EXO_TAG_ANONYMOUS)	/* the program's own page */

/* ---- copies ----------------------------------------------------------------------- */

/* Move the page at SCRATCH to va, replacing what is there. */
static int
scratch_move(u64 va, u32 perms)
{
	struct exo_map vec[] = {
		{ .va = va,
			.pfn = page_pfn((void *)SCRATCH),
			.op = EXO_OP_MAP | perms,
			.key = KEY_SELF },
		{ .va = SCRATCH, .op = EXO_OP_UNMAP, .key = KEY_SELF },
	};
	int error = tables_ensure(va);

	if (error)
		return error;
	return exo_map_all(UAREA->env, vec, 2, KEY_SELF) < 0 ? -ENOMEM : 0;
}

/* Nothing is there, nor kept: room for a page to come. */
static bool
is_vacant(u64 va)
{
	return !(page_entry(va) & EXO_PTE_PRESENT) && !pack_has(va);
}

bool
vm_owns(exo_pfn pfn)
{
	const volatile struct exo_frame *f = exo_frame(pfn);

	return f->account == own_account() && f->nmaps == 1;
}

/* A page that is bound with less than the region allows: ours alone gets it, any other is copied. */
static int
copy_on_write(u64 va, u32 perms)
{
	exo_pfn old = page_pfn((void *)va);
	bool ours;
	int error;

	if (vm_owns(old))
		return page_protect(va, perms);
	ours = exo_frame(old)->account == own_account();
	error = page_map_copy(va, perms | OWN);
	/* If it had to wait it may have given this one away; else a relative inherits it. */
	if (error == 0 && ours && vm_present(va) && page_pfn((void *)va) != old)
		exo_frame_release(old, 1, KEY_SELF);
	return error;
}

/*
 * How many pages to bring in at va: who touches page after page gets more of
 * them at a time, who touches here and there gets what he touches.
 */
static unsigned
ahead(u64 va, u64 end)
{
	static u64 expected;		/* the page behind the last ones */
	static unsigned pace;
	unsigned most = (unsigned)((0x200000 - va % 0x200000) / PAGE), count = 1;

	pace = va != expected ? 1 : pace < AHEAD_MOST ? pace * 2 : AHEAD_MOST;
	most = pace < most ? pace : most;
	while (count < most && va + count * PAGE < end && is_vacant(va + count * PAGE))
		count++;
	expected = va + count * PAGE;
	return count;
}

/* ---- pages of files ------------------------------------------------------------------- */

/* A page of our own with file contents up to `bytes`, zeroes behind. */
static int
file_copy(const struct region *r, u64 va, u64 bytes)
{
	int error = page_map_new(SCRATCH, RW | OWN);
	long got;

	if (error)
		return error;
	got = fs_read(r->ino, r->offset + (va - r->start), (void *)SCRATCH, bytes);
	if (got < 0) {
		page_unmap(SCRATCH, 1);
		return (int)got;
	}
	return scratch_move(va, prot_perms(r->prot));
}

static u32
in_place_perms(const struct region *r)
{
	u32 perms = prot_perms(r->prot);

	if (r->flags & REGION_SHARED)
		return perms | EXO_MAP_SHARED;
	return (perms & ~EXO_MAP_WRITE) | EXO_MAP_COW;
}

/* Further pages that lie in the file's frames as they are: as many as one call takes. */
static void
bind_around(const struct region *r, u64 va)
{
	struct exo_map vec[AROUND];
	exo_pfn pfn[AROUND];
	exo_slot key;
	unsigned count = 0, room = (unsigned)(-va % 0x200000 / PAGE), there;
	u64 end = r->start + PAGE_DOWN(r->file_bytes);

	room = room < AROUND ? room : AROUND;
	if (va >= end || room == 0)
		return;
	room = (end - va) / PAGE < room ? (unsigned)((end - va) / PAGE) : room;
	there = fs_frames(r->ino, (r->offset + (va - r->start)) / PAGE, room, pfn, &key);
	for (unsigned n = 0; n < there; n++, va += PAGE) {
		if (!is_vacant(va) || pfn[n] == 0)
			continue;
		vec[count++] = (struct exo_map){ .va = va,
			.pfn = pfn[n],
			.key = key,
			.op = EXO_OP_MAP | in_place_perms(r) };
	}
	if (count)
		exo_map_all(UAREA->env, vec, count, KEY_SELF); /* only ahead of need: may fail */
}

/* Everybody who maps a file must find the same frame, so a hole gets one when it is touched. */
static void
hole_fill(u32 ino, u64 offset, u64 bytes, u64 size)
{
	bytes = size - offset < bytes ? size - offset : bytes;

	server_call(OP_FS_EXTEND, ino, offset, bytes, keep_key(ino), FS_FILL, NULL);
}

static int
file_fill(const struct region *r, u64 va, bool write)
{
	u64 at = va - r->start;
	u64 bytes = r->file_bytes - at < PAGE ? r->file_bytes - at : PAGE;
	const struct fs_inode *inode = fs_inode(r->ino);
	exo_slot key = KEY_SELF;
	exo_pfn pfn;
	int error;

	if (inode == NULL || r->offset + at >= PAGE_UP(inode->size))
		return -EFAULT;
	if (!(r->flags & REGION_SHARED) && bytes < PAGE)
		return file_copy(r, va, bytes);
	pfn = fs_frame(r->ino, (r->offset + at) / PAGE, &key);
	if (!(r->flags & REGION_SHARED) && write) {
		error = pfn ? page_map(va, pfn, in_place_perms(r), key) : -ENOENT;
		return error ? file_copy(r, va, bytes) :
				copy_on_write(va, prot_perms(r->prot));
	}
	if (pfn == 0) {
		hole_fill(r->ino, r->offset + at,
			ahead(va, r->start + r->file_bytes) * PAGE, inode->size);
		pfn = fs_frame(r->ino, (r->offset + at) / PAGE, &key);
	}
	if (pfn == 0 && r->flags & REGION_SHARED) {
		exos_log("no memory for a hole in file %u", r->ino);
		return -EFAULT;
	}
	if (pfn == 0) /* as long as it stays one */
		return page_map_new(va, prot_perms(r->prot) | OWN);
	error = page_map(va, pfn, in_place_perms(r), key);
	if (error == 0)
		bind_around(r, va + PAGE);
	return error;
}

/* ---- */

static bool
allowed(const struct region *r, u32 error)
{
	if (error & FAULT_WRITE)
		return r->prot & PROT_WRITE;
	if (error & FAULT_FETCH)
		return r->prot & PROT_EXEC;
	return r->prot != 0;
}

/* The entry is behind what the region allows: rights are added where a key of ours opens the frame. */
static int
upgrade_shared(const struct region *r, u64 va)
{
	struct exo_map m = { .va = va,
		.op = EXO_OP_PROTECT | prot_perms(r->prot) | EXO_MAP_SHARED,
		.key = KEY_SELF };

	if (r->ino && fs_frame(r->ino, (r->offset + (va - r->start)) / PAGE, &m.key) == 0)
		return -EFAULT;
	return (int)linux_errno(exo_map(UAREA->env, &m, 1, KEY_SELF)) < 0 ? -EACCES : 0;
}

static int
anonymous(const struct region *r, u64 va)
{
	u64 end = r->file_bytes && va < r->start + r->file_bytes ? va + PAGE : r->end;

	return page_map_run(va, ahead(va, end), prot_perms(r->prot) | OWN);
}

/* Another thread had the same fault, on another CPU. */
static bool
is_enough(u64 entry, u32 error)
{
	return entry & EXO_PTE_USER && (!(error & FAULT_WRITE) || entry & EXO_PTE_WRITE) &&
		(!(error & FAULT_FETCH) || !(entry & EXO_PTE_NX));
}

static int
resolve(const struct region *r, u64 va, u32 error)
{
	u64 entry = page_entry(va);

	if (entry & EXO_PTE_PRESENT) {
		if (is_enough(entry, error))
			return 0;
		/* Hidden still: nothing more could be given when it was to be shown again. */
		if (!(entry & EXO_PTE_USER))
			page_protect(va, EXO_MAP_READ | EXO_PTE_SOFT(entry) << EXO_MAP_SOFT_SHIFT);
		if (r->flags & REGION_SHARED)
			return upgrade_shared(r, va);
		return copy_on_write(va, prot_perms(r->prot));
	}
	if (pack_has(va))
		return pack_bring(r, va);
	if (r->ino && va - r->start < r->file_bytes)
		return file_fill(r, va, error & FAULT_WRITE);
	return anonymous(r, va);
}

/*
 * What grows downwards does so when it is touched below, whatever the distance,
 * while it stays in its limits and away from the next mapping.  No list entry
 * is needed for it.
 */
static struct region *
grow(u64 va)
{
	struct region *r = regions_after(&vm.regions, va);
	u64 start = PAGE_DOWN(va);
	unsigned n;

	if (r == NULL || !(r->flags & REGION_GROWSDOWN) || start < VM_LOW)
		return NULL;
	n = regions_index(&vm.regions, va);
	if (n && regions_nth(&vm.regions, n - 1)->prot &&
		start - regions_nth(&vm.regions, n - 1)->end < REGION_GUARD)
		return NULL;
	if (r->end - start > limit_soft(LIMIT_STACK) ||
		vm_limits(r->start - start, r->prot, r->flags))
		return NULL;
	r->start = start;
	return r;
}

/* 0, -ENOMEM, or why there is a signal: SEGV_*, BUS_ADRERR | BUS_BIT. */
#define BUS_BIT 0x100

static int
touch(u64 va, u32 error)
{
	struct region *r = regions_find(&vm.regions, va);
	int result;

	if (r == NULL)
		r = va < VM_HIGH && !look_covers(va) ? grow(va) : NULL;
	if (r == NULL)
		return SEGV_MAPERR;
	if (!allowed(r, error))
		return SEGV_ACCERR;
	result = resolve(r, PAGE_DOWN(va), error);
	return result == 0 || result == -ENOMEM ? result : BUS_BIT | BUS_ADRERR;
}

bool
vm_fault(u64 va, u32 error, int *signal, int *code)
{
	int result;

	revoke_check_lost();
	result = touch(va, error);
	if (result == -ENOMEM)
		exos_log("out of memory at %lx", va);
	*signal = result == -ENOMEM ? KILL : result & BUS_BIT ? BUS : SEGV;
	*code = result & ~BUS_BIT;
	return result == 0;
}

int
vm_own(u64 va, u32 perms)
{
	int error = vm_present(va) ? 0 : touch(va, ACCESS_READ);

	if (error == 0 && !vm_owns(page_pfn((void *)va)))
		error = copy_on_write(va, perms);
	if (error)
		return error == -ENOMEM ? error : -EFAULT;
	return vm_present(va) && vm_owns(page_pfn((void *)va)) ? 0 : -ENOMEM;
}

/* Ahead of need: nothing that is in use gives way to it. */
int
vm_populate_for(u64 start, u64 end, bool write)
{
	int result = 0;

	pack_hold();
	for (u64 va = start; va < end && result == 0; va += PAGE)
		if (!vm_present(va) || (write && !(page_entry(va) & EXO_PTE_WRITE)))
			result = touch(va, write ? ACCESS_WRITE : ACCESS_READ);
	pack_release();
	return result == 0 || result == -ENOMEM ? result : -EFAULT;
}

int
vm_populate(u64 start, u64 end)
{
	for (u64 at = start; at < end;) {
		const struct region *r = regions_find(&vm.regions, at);
		u64 stop = r && r->end < end ? r->end : end;
		bool write = r && r->prot & PROT_WRITE && !(r->flags & REGION_SHARED);
		int error = vm_populate_for(at, stop, write);

		if (error)
			return error;
		at = stop;
	}
	return 0;
}
