/* SPDX-License-Identifier: ISC */
/* Linux's memory calls, in terms of regions (vm/). */
#include "../core/exos.h"
#include "../core/frames.h"
#include "../vm/vm.h"
#include "calls.h"
#include "errno.h"

#define MAP_SHARED 0x01
#define MAP_PRIVATE 0x02
#define MAP_SHARED_VALIDATE 0x03
#define MAP_TYPE 0x0f
#define MAP_FIXED 0x10
#define MAP_ANONYMOUS 0x20
#define MAP_POPULATE 0x8000
#define MAP_HUGETLB 0x40000
#define MAP_FIXED_NOREPLACE 0x100000

#define MREMAP_MAYMOVE 1
#define MREMAP_FIXED 2

#define MADV_DONTNEED 4
#define MADV_FREE 8
#define MADV_LAST 25

/* A range of whole pages in the program's part; 0 or -errno. */
static int
range_check(u64 start, u64 bytes)
{
	if (start % PAGE)
		return -EINVAL;
	if (bytes > VM_HIGH || start > VM_HIGH - PAGE_UP(bytes))
		return -ENOMEM;
	return 0;
}

static long
map_file(u64 addr, u64 bytes, u32 prot, u32 flags, int fd, u64 offset, u64 *where)
{
	bool shared = flags & VM_SHARED;
	long ino = fd_map_inode(fd, shared && prot & PROT_WRITE);

	if (ino < 0)
		return ino;
	if (offset % PAGE || offset + bytes < offset)
		return -EINVAL;
	return vm_map_file(addr, bytes, prot, flags, (u32)ino, offset, PAGE_UP(bytes), where);
}

long
sys_mmap(long addr, long bytes, long may, long options, long fd, long offset)
{
	const int prot = (int)may, how = (int)options;
	u32 type = how & MAP_TYPE, flags = type == MAP_PRIVATE ? 0 : VM_SHARED;
	u64 where = (u64)addr;
	long error;

	if (type == 0 || type > MAP_SHARED_VALIDATE || bytes == 0 || prot & ~7 || how & MAP_HUGETLB)
		return -EINVAL;
	if (how & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		error = range_check(where, (u64)bytes);
		if (error)
			return error;
		if (how & MAP_FIXED_NOREPLACE &&
			regions_overlap(&vm.regions, where, where + PAGE_UP((u64)bytes)))
			return -EEXIST;
		flags |= VM_FIXED;
	}
	if (how & MAP_ANONYMOUS)
		error = vm_map_anon(where, (u64)bytes, (u32)prot, flags, &where);
	else
		error = map_file(where, (u64)bytes, (u32)prot, flags, (int)fd, (u64)offset, &where);
	if (error)
		return error;
	if (how & MAP_POPULATE)
		vm_populate(where, where + PAGE_UP((u64)bytes));
	return (long)where;
}

long
sys_munmap(long addr, long bytes)
{
	int error = range_check((u64)addr, (u64)bytes);

	if (error || bytes == 0)
		return -EINVAL;
	if (!vm_room())
		return -ENOMEM;
	vm_unmap((u64)addr, (u64)addr + PAGE_UP((u64)bytes));
	return 0;
}

/*
 * Pages that are there lose what they may no longer do; what they gain they
 * get at the next fault.  PROT_NONE leaves them readable: the hardware has no
 * present page that cannot be read, and their contents must stay.
 */
static void
protect_present(u64 start, u64 end, u32 prot)
{
	for (u64 va = start; va < end; va += PAGE) {
		const struct region *r;

		if (!(exo_pte_at(va, 2) & EXO_PTE_PRESENT)) {
			va = (va | 0x1fffff) + 1 - PAGE;
			continue;
		}
		if (!(page_entry(va) & EXO_PTE_PRESENT))
			continue;
		r = regions_find(&vm.regions, va);
		if (r && r->flags & REGION_SHARED)
			page_protect(va, prot_perms(prot) | EXO_MAP_SHARED);
		else
			page_protect(va, (prot_perms(prot) & ~EXO_MAP_WRITE) | EXO_MAP_COW);
	}
}

long
sys_mprotect(long addr, long bytes, long may)
{
	const int prot = (int)may;
	u64 start = (u64)addr, end = start + PAGE_UP((u64)bytes);
	int error = range_check(start, (u64)bytes);

	if (error)
		return error;
	if (prot & ~7)
		return -EINVAL;
	if (!regions_cover(&vm.regions, start, end) || !vm_room())
		return -ENOMEM;
	regions_protect(&vm.regions, start, end, (u32)prot);
	protect_present(start, end, (u32)prot);
	return 0;
}

long
sys_brk(long addr)
{
	u64 want = (u64)addr, old_end = PAGE_UP(vm.brk), new_end = PAGE_UP(want);

	if (want < vm.brk_start || want > vm.maps_top)
		return (long)vm.brk;
	if (new_end < old_end && vm_room())
		vm_unmap(new_end, old_end);
	else if (new_end < old_end)
		return (long)vm.brk;
	if (new_end > old_end) {
		if (regions_overlap(&vm.regions, old_end, new_end) ||
			vm_add(old_end, new_end, PROT_READ | PROT_WRITE, 0))
			return (long)vm.brk;
	}
	vm.brk = want;
	return (long)want;
}

/* ---- mremap ---------------------------------------------------------------------- */

#define OWN_RW (EXO_MAP_READ | EXO_MAP_WRITE)

/* One page to a new place: the frame itself when it is ours, else a copy. */
static int
page_move(u64 from, u64 to, u32 prot)
{
	u64 entry = page_entry(from);
	u32 soft = EXO_PTE_SOFT(entry) << EXO_MAP_SOFT_SHIFT;
	u32 perms = prot_perms(prot) & ~(entry & EXO_PTE_WRITE ? 0 : EXO_MAP_WRITE);
	int error;

	if (exo_frame(EXO_PTE_PFN(entry))->account == own_account()) {
		error = page_map(to, EXO_PTE_PFN(entry), perms | soft, KEY_SELF);
	} else {
		error = page_map_new(to, OWN_RW);
		if (error == 0)
			memcpy((void *)to, (const void *)from, PAGE);
	}
	if (error == 0) {
		struct exo_map gone = { .va = from, .op = EXO_OP_UNMAP, .key = KEY_SELF };

		exo_map(UAREA->env, &gone, 1, KEY_SELF);
	}
	return error;
}

static long
remap_move(const struct region *old, u64 start, u64 bytes, u64 new_bytes, u64 to, bool fixed)
{
	struct region r = *old;
	long error;

	if (!vm_room())
		return -ENOMEM;
	error = vm_map_anon(to, new_bytes, r.prot, fixed ? VM_FIXED : 0, &to);
	if (error)
		return error;
	for (u64 at = 0; at < bytes && error == 0; at += PAGE) {
		if (exo_pte_at(start + at, 2) & EXO_PTE_PRESENT &&
			page_entry(start + at) & EXO_PTE_PRESENT)
			error = page_move(start + at, to + at, r.prot);
	}
	if (error)
		exos_die(9, "out of memory in mremap");
	if (!vm_room())
		exos_die(9, "out of memory in mremap");
	vm_unmap(start, start + bytes);
	return (long)to;
}

long
sys_mremap(long addr, long old_bytes, long new_bytes, long flags, long to)
{
	u64 start = (u64)addr, bytes = PAGE_UP((u64)old_bytes), want = PAGE_UP((u64)new_bytes);
	struct region *r;

	if (range_check(start, bytes) || want == 0 || want > VM_HIGH || bytes == 0 ||
		flags & ~(MREMAP_MAYMOVE | MREMAP_FIXED) || flags == MREMAP_FIXED)
		return -EINVAL;
	r = regions_find(&vm.regions, start);
	if (r == NULL || r->end < start + bytes)
		return -EFAULT;
	if (!vm_room())
		return -ENOMEM;
	r = regions_find(&vm.regions, start);
	if (want <= bytes && !(flags & MREMAP_FIXED)) {
		vm_unmap(start + want, start + bytes);
		return addr;
	}
	if (r->ino || r->flags)
		return -EINVAL; /* file and shared mappings are not moved or grown */
	if (!(flags & MREMAP_FIXED) && r->end == start + bytes &&
		!regions_overlap(&vm.regions, r->end, start + want) && start + want <= VM_HIGH)
		return vm_add(start + bytes, start + want, r->prot, 0) ? -ENOMEM : addr;
	if (!(flags & MREMAP_MAYMOVE))
		return -ENOMEM;
	if (flags & MREMAP_FIXED &&
		(range_check((u64)to, want) || ((u64)to < start + bytes && start < (u64)to + want)))
		return -EINVAL;
	return remap_move(r, start, bytes < want ? bytes : want, want,
		flags & MREMAP_FIXED ? (u64)to : 0, flags & MREMAP_FIXED);
}

/* ---- advice ------------------------------------------------------------------------- */

long
sys_madvise(long addr, long bytes, long what)
{
	const int advice = (int)what;
	u64 start = (u64)addr, end = start + PAGE_UP((u64)bytes);
	int error = range_check(start, (u64)bytes);

	if (error || advice < 0 || advice > MADV_LAST)
		return -EINVAL;
	if (!regions_cover(&vm.regions, start, end))
		return -ENOMEM;
	if (advice != MADV_DONTNEED && advice != MADV_FREE)
		return 0; /* advice may be ignored */
	for (u64 va = start; va < end;) {
		const struct region *r = regions_find(&vm.regions, va);
		u64 stop = r->end < end ? r->end : end;

		if (!(r->flags & REGION_SHARED))
			page_unmap(va, (stop - va) / PAGE);
		va = stop;
	}
	return 0;
}

long
sys_mincore(long addr, long bytes, long vec)
{
	u64 start = (u64)addr, end = start + PAGE_UP((u64)bytes);

	if (range_check(start, (u64)bytes))
		return -EINVAL;
	if (!regions_cover(&vm.regions, start, end))
		return -ENOMEM;
	for (u64 va = start; va < end; va += PAGE, vec++) {
		u8 there = exo_pte_at(va, 2) & EXO_PTE_PRESENT && page_entry(va) & EXO_PTE_PRESENT;

		if (copy_out((u64)vec, &there, 1))
			return -EFAULT;
	}
	return 0;
}

/* A shared mapping is the file's own frames: there is nothing to write back. */
long
sys_msync(long addr, long bytes, long flags)
{
	if (range_check((u64)addr, (u64)bytes) || flags & ~7)
		return -EINVAL;
	return regions_cover(&vm.regions, (u64)addr, (u64)addr + PAGE_UP((u64)bytes)) ? 0 : -ENOMEM;
}

/* Nothing is ever paged out. */
long
sys_mlock(long addr, long bytes)
{
	u64 start = PAGE_DOWN((u64)addr);

	if (range_check(start, (u64)bytes + ((u64)addr - start)))
		return -ENOMEM;
	return regions_cover(&vm.regions, start, PAGE_UP((u64)addr + (u64)bytes)) ? 0 : -ENOMEM;
}

long
sys_munlock(long addr, long bytes)
{
	return sys_mlock(addr, bytes);
}
