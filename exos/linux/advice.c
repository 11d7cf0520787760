/* SPDX-License-Identifier: ISC */
/* What a program says about its memory, and asks: madvise, mincore, msync, mlock. */
#include "../core/exos.h"
#include "../vm/pack.h"
#include "../vm/rewrite.h"
#include "../vm/vm.h"
#include "calls.h"
#include "errno.h"
#include "files.h"
#include "memory.h"

enum advice {
	MADV_NORMAL,
	MADV_RANDOM,
	MADV_SEQUENTIAL,
	MADV_WILLNEED,
	MADV_DONTNEED,
	MADV_FREE = 8,
	MADV_REMOVE,
	MADV_DONTFORK,
	MADV_DOFORK,
	MADV_MERGEABLE,
	MADV_UNMERGEABLE,
	MADV_HUGEPAGE,
	MADV_NOHUGEPAGE,
	MADV_DONTDUMP,
	MADV_DODUMP,
	MADV_WIPEONFORK,
	MADV_KEEPONFORK,
	MADV_COLD,
	MADV_PAGEOUT,
	MADV_POPULATE_READ,
	MADV_POPULATE_WRITE,
	MADV_DONTNEED_LOCKED,
};

/* ---- madvise --------------------------------------------------------------------------- */

static bool
known(int advice)
{
	return (advice >= MADV_NORMAL && advice <= MADV_DONTNEED) ||
		(advice >= MADV_FREE && advice <= MADV_DONTNEED_LOCKED);
}

/* The pages go: private ones for good, those of a file until they are touched. */
static int
forget(const struct region *r, u64 start, u64 end, int advice)
{
	if (r->flags & REGION_LOCKED && advice != MADV_DONTNEED_LOCKED)
		return -EINVAL;
	if (advice == MADV_FREE && (r->ino || r->flags & REGION_SHARED))
		return -EINVAL;
	if (rewrite_change(r, start, end, true))
		return -ENOMEM;
	if (r->ino || !(r->flags & REGION_SHARED))
		page_unmap(start, (end - start) / PAGE);
	pack_drop(start, end);
	return 0;
}

/* The file's, too: all who map it find zeroes. */
static int
hole(const struct region *r, u64 start, u64 end)
{
	if (r->flags & REGION_LOCKED || r->ino == 0)
		return -EINVAL;
	if (!(r->flags & REGION_SHARED) || r->flags & REGION_READONLY)
		return -EACCES;
	return (int)file_punch(r->ino, r->offset + (start - r->start), end - start);
}

static int
populate(u64 start, u64 end, bool write)
{
	const struct region *r = regions_find(&vm.regions, start);

	if (!(r->prot & (write ? PROT_WRITE : PROT_READ)))
		return -EINVAL;
	return vm_populate_for(start, end, write);
}

/* The part of one region. */
static int
advise(const struct region *r, u64 start, u64 end, int advice)
{
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
	case MADV_FREE: return forget(r, start, end, advice);
	case MADV_REMOVE: return hole(r, start, end);
	case MADV_DONTFORK: return vm_flag(start, end, REGION_DONTFORK, 0);
	case MADV_DOFORK: return vm_flag(start, end, 0, REGION_DONTFORK);
	case MADV_WIPEONFORK:
		if (r->ino || r->flags & REGION_SHARED)
			return -EINVAL;
		return vm_flag(start, end, REGION_WIPEONFORK, 0);
	case MADV_KEEPONFORK: return vm_flag(start, end, 0, REGION_WIPEONFORK);
	case MADV_PAGEOUT: pack_out(r, start, end); /* fall through */
	case MADV_COLD: return r->flags & REGION_LOCKED ? -EINVAL : 0;
	case MADV_POPULATE_READ: return populate(start, end, false);
	case MADV_POPULATE_WRITE: return populate(start, end, true);
	default: return 0; /* advice that changes nothing */
	}
}

/* What is mapped is advised, though there are gaps; but populating stops at one. */
long
sys_madvise(long addr, long bytes, long what)
{
	const int advice = (int)what;
	u64 start = (u64)addr, end = start + PAGE_UP((u64)bytes);
	bool gap = false;

	if (!known(advice) || start % PAGE || (bytes && PAGE_UP((u64)bytes) == 0) || end < start)
		return -EINVAL;
	while (start < end) {
		const struct region *r = regions_after(&vm.regions, start);
		u64 stop;
		int error;

		if (r == NULL || r->start > start) {
			gap = true;
			if (r == NULL || r->start >= end || advice == MADV_POPULATE_READ ||
				advice == MADV_POPULATE_WRITE)
				break;
			start = r->start;
		}
		stop = r->end < end ? r->end : end;
		error = advise(r, start, stop, advice);
		if (error)
			return error;
		start = stop;
	}
	return gap ? -ENOMEM : 0;
}

/* ---- mincore -------------------------------------------------------------------------------- */

/* A file's page is in memory when the file has one. */
static u8
in_core(const struct region *r, u64 va)
{
	exo_slot key;

	if (vm_present(va))
		return 1;
	return r->ino && va - r->start < r->file_bytes &&
		fs_frame(r->ino, (r->offset + (va - r->start)) / PAGE, &key) != 0;
}

long
sys_mincore(long addr, long bytes, long vec)
{
	u64 va = (u64)addr, end = va + PAGE_UP((u64)bytes);
	u8 there[256];
	int error = memory_range(va, (u64)bytes);

	if (error)
		return error;
	while (va < end) {
		u32 count = 0;

		for (; count < sizeof(there) && va < end; va += PAGE) {
			const struct region *r = regions_find(&vm.regions, va);

			if (r == NULL)
				return -ENOMEM;
			there[count++] = in_core(r, va);
		}
		if (copy_out((u64)vec, there, count))
			return -EFAULT;
		vec += count;
	}
	return 0;
}

/* ---- msync ------------------------------------------------------------------------------------- */

#define MS_ASYNC 1u
#define MS_INVALIDATE 2u
#define MS_SYNC 4u

/* A shared mapping is the file's own frames: there is nothing to write back. */
long
sys_msync(long addr, long bytes, long what)
{
	u64 start = (u64)addr, end = start + PAGE_UP((u64)bytes);
	const u32 flags = (u32)what;
	bool gap = false;

	if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || start % PAGE ||
		(flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return -EINVAL;
	if (end < start)
		return -ENOMEM;
	while (start < end) {
		const struct region *r = regions_after(&vm.regions, start);

		gap |= r == NULL || r->start > start;
		if (r == NULL || r->start >= end)
			break;
		if (flags & MS_INVALIDATE && r->flags & REGION_LOCKED)
			return -EBUSY;
		start = r->end;
	}
	return gap ? -ENOMEM : 0;
}

/* ---- mlock: nothing is ever paged out, but what is locked is there and is counted ------------------ */

#define MLOCK_ONFAULT 1
#define MCL_CURRENT 1
#define MCL_FUTURE 2
#define MCL_ONFAULT 4

/* Region by region, up to a gap. */
static int
lock(u64 start, u64 end, u32 set, u32 clear)
{
	for (u64 stop; start < end; start = stop) {
		const struct region *r = memory_part(start, end, &stop);
		int error = r ? vm_flag(start, stop, set, clear) : -ENOMEM;

		if (error)
			return error;
	}
	return 0;
}

static long
lock_range(u64 addr, u64 length, bool now)
{
	u64 start = PAGE_DOWN(addr), bytes = PAGE_UP(length + (addr - start));
	int error = vm_lock_limit(bytes);

	if (error)
		return error;
	if (start + bytes < start)
		return -EINVAL;
	error = lock(start, start + bytes, REGION_LOCKED, 0);
	if (error == 0 && now && vm_populate(start, start + bytes))
		error = -ENOMEM;
	return error;
}

long
sys_mlock(long addr, long bytes)
{
	return lock_range((u64)addr, (u64)bytes, true);
}

long
sys_mlock2(long addr, long bytes, long flags)
{
	if ((int)flags & ~MLOCK_ONFAULT)
		return -EINVAL;
	return lock_range((u64)addr, (u64)bytes, flags == 0);
}

long
sys_munlock(long addr, long bytes)
{
	u64 start = PAGE_DOWN((u64)addr), end = start + PAGE_UP((u64)bytes + ((u64)addr - start));

	return end < start ? -EINVAL : lock(start, end, 0, REGION_LOCKED);
}

static void
lock_everything(u32 set, u32 clear, bool now)
{
	for (u64 at = 0;;) {
		const struct region *r = regions_after(&vm.regions, at);
		u64 start;

		if (r == NULL)
			return;
		start = r->start;
		at = r->end;
		vm_flag(start, at, set, clear);
		if (now)
			vm_populate(start, at); /* as far as it goes */
	}
}

long
sys_mlockall(long what)
{
	const int flags = (int)what;
	struct vm_count c;
	int error;

	if (flags == 0 || flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || flags == MCL_ONFAULT)
		return -EINVAL;
	vm_count(&c, false);
	error = vm_lock_limit(flags & MCL_CURRENT ? (c.total - c.locked) * PAGE : 0);
	if (error)
		return error;
	vm.lock_all = flags & MCL_FUTURE ? REGION_LOCKED : 0;
	if (flags & MCL_CURRENT)
		lock_everything(REGION_LOCKED, 0, !(flags & MCL_ONFAULT));
	return 0;
}

long
sys_munlockall(void)
{
	vm.lock_all = 0;
	lock_everything(0, REGION_LOCKED, false);
	return 0;
}
