/* SPDX-License-Identifier: ISC */
/* The program's memory as the calls change it: regions and the pages behind them; vm.h has the layout. */
#include "vm.h"
#include "../arch/x86_64/arch.h"
#include "../linux/errno.h"

struct vm vm;

u32
prot_perms(u32 prot)
{
	return EXO_MAP_READ | (prot & PROT_WRITE ? EXO_MAP_WRITE : 0) |
		(prot & PROT_EXEC ? EXO_MAP_EXEC : 0);
}

/* A page-aligned offset below `bytes` (a power of two). */
static u64
random_offset(u64 bytes)
{
	return PAGE_DOWN(random_word() & (bytes - 1));
}

void
vm_init(void)
{
	vm.stack_top = VM_HIGH - PAGE - random_offset(1ull << 34);
	vm.maps_top = VM_MAPS - random_offset(1ull << 36);
	vm.brk_start = vm.brk = 0;
}

bool
vm_room(void)
{
	unsigned room = vm.regions.room ? vm.regions.room * 2 : 64;
	struct region *more;

	if (regions_room(&vm.regions))
		return true;
	more = xalloc(room * sizeof(*more));
	if (more == NULL)
		return false;
	memcpy(more, vm.regions.at, vm.regions.count * sizeof(*more));
	xfree(vm.regions.at);
	vm.regions.at = more;
	vm.regions.room = room;
	return true;
}

void
vm_unmap(u64 start, u64 end)
{
	regions_cut(&vm.regions, start, end);
	page_unmap(start, (end - start) / PAGE);
}

int
vm_add(u64 start, u64 end, u32 prot, u32 flags)
{
	struct region r = { .start = start, .end = end, .prot = prot, .flags = flags };

	if (!vm_room())
		return -ENOMEM;
	regions_insert(&vm.regions, &r);
	return 0;
}

void
vm_exec_reset(void)
{
	for (unsigned n = 0; n < vm.regions.count; n++) {
		const struct region *r = &vm.regions.at[n];

		page_unmap(r->start, (r->end - r->start) / PAGE);
	}
	vm.regions.count = 0;
	vm_init();
}

/* Where a mapping goes: at va when fixed (what was there goes), else near the hint or in the highest gap. */
static int
place(u64 va, u64 bytes, bool fixed, u64 *where)
{
	if (bytes == 0 || bytes > VM_HIGH || !vm_room())
		return bytes ? -ENOMEM : -EINVAL;
	if (fixed) {
		if (va % PAGE || va < VM_LOW || va > VM_HIGH - bytes)
			return va % PAGE ? -EINVAL : -ENOMEM;
		vm_unmap(va, va + bytes);
		*where = va;
		return 0;
	}
	va = PAGE_DOWN(va);
	if (va >= VM_LOW && va <= VM_HIGH - bytes &&
		!regions_overlap(&vm.regions, va, va + bytes)) {
		*where = va;
		return 0;
	}
	*where = regions_gap(&vm.regions, bytes, VM_LOW, vm.maps_top);
	return *where ? 0 : -ENOMEM;
}

int
vm_map_anon(u64 va, u64 bytes, u32 prot, u32 flags, u64 *where)
{
	int error = place(va, PAGE_UP(bytes), flags & VM_FIXED, where);

	if (error)
		return error;
	return vm_add(*where, *where + PAGE_UP(bytes), prot, flags & VM_SHARED ? REGION_SHARED : 0);
}

int
vm_map_file(u64 va, u64 bytes, u32 prot, u32 flags, u32 ino, u64 offset, u64 file_bytes, u64 *where)
{
	struct region r = { .prot = prot,
		.ino = ino,
		.offset = offset,
		.file_bytes = file_bytes,
		.flags = flags & VM_SHARED ? REGION_SHARED : 0 };
	int error = place(va, PAGE_UP(bytes), flags & VM_FIXED, where);

	if (error)
		return error;
	if (!vm_room())
		return -ENOMEM;
	r.start = *where;
	r.end = *where + PAGE_UP(bytes);
	fs_hold(ino);
	regions_insert(&vm.regions, &r);
	return 0;
}

void
vm_set_brk(u64 start)
{
	vm.brk_start = vm.brk = PAGE_UP(start);
}

u64
vm_resident(void)
{
	u64 pages = 0;

	for (unsigned n = 0; n < vm.regions.count; n++) {
		for (u64 va = vm.regions.at[n].start; va < vm.regions.at[n].end; va += PAGE) {
			if (!(exo_pte_at(va, 2) & EXO_PTE_PRESENT))
				va = (va | 0x1fffff) + 1 - PAGE;
			else
				pages += page_entry(va) & EXO_PTE_PRESENT;
		}
	}
	return pages;
}

/* Bring in every page as the program's access would. */
int
vm_populate(u64 start, u64 end)
{
	int signal, code;

	for (u64 va = start; va < end; va += PAGE) {
		const struct region *r = regions_find(&vm.regions, va);

		if (page_entry(va) & EXO_PTE_PRESENT || r == NULL)
			continue;
		if (!vm_fault(va, r->prot & PROT_WRITE ? 6 : 4, &signal, &code))
			return -ENOMEM;
	}
	return 0;
}
