/* SPDX-License-Identifier: ISC */
/*
 * The kernel's own page tables, built once at boot and shared by all roots:
 *
 *   256..508  all of memory, no execute; large pages, but small ones where the
 *             kernel's image lies, whose text and rodata are read-only here too;
 *             device memory that drivers asked for, uncached
 *   509       each root's own tables, for its user to read (arch_root_fill)
 *   510       the exposed tables: user, read-only, no execute
 *   511       the image: text r-x, rodata r--, data rw-
 *
 * The upper entries of a root are copied when it is made, so every entry of
 * the top level must be there before the first environment is: from then on
 * nothing here changes.
 */
#include "machine.h"

#define PAGE  0x1000ull
#define LARGE 0x200000ull
#define HUGE  0x40000000ull

#define SLOT_SELF 509u
#define SLOT_TABLES 510u

static u64 *top;				/* [I] the kernel's root: template of all others */
static bool sealed;

static u64
phys_of(const void *p)
{
	u64 va = (u64)p;

	return va >= KERNEL_BASE ? va - KERNEL_BASE : va - DIRECT_BASE;
}

u64
arch_phys(const void *kernel_address)
{
	return phys_of(kernel_address);
}

u8 *direct_map = (u8 *)DIRECT_BASE;

/* The entry for va at this level (1: 4 KiB, 2: 2 MiB, 3: 1 GiB), making tables on the way. */
static u64 *
entry_at(u64 va, unsigned level, u64 user)
{
	u64 *table = top;

	for (unsigned at = 4; at > level; at--) {
		u64 *entry = &table[va >> (3 + 9 * at) & 511];

		if (*entry == 0)
			*entry = phys_of(boot_alloc(PAGE)) | PTE_PRESENT | PTE_WRITE | user;
		must((*entry & PTE_LARGE) == 0);
		table = frame_ptr(PTE_PFN(*entry));
	}
	return &table[va >> (3 + 9 * level) & 511];
}

static void
map_page(u64 va, u64 phys, u64 flags)
{
	*entry_at(va, 1, flags & PTE_USER) = phys | flags | PTE_PRESENT;
}

/* The direct map's flags for a page of the image: no second, writable name for code. */
static u64
image_flags(u64 phys)
{
	return phys + KERNEL_BASE < (u64)rodata_end ? PTE_NX : PTE_NX | PTE_WRITE;
}

static bool
in_image(u64 phys, u64 bytes)
{
	return phys < phys_of(kernel_end) && phys + bytes > phys_of(kernel_start);
}

static u64
map_direct_step(u64 phys, u64 end)
{
	u64 va = DIRECT_BASE + phys;

	if (features.gbpages && phys % HUGE == 0 && end - phys >= HUGE && !in_image(phys, HUGE)) {
		*entry_at(va, 3, 0) = phys | PTE_PRESENT | PTE_WRITE | PTE_LARGE | PTE_NX;
		return HUGE;
	}
	if (phys % LARGE == 0 && end - phys >= LARGE && !in_image(phys, LARGE)) {
		*entry_at(va, 2, 0) = phys | PTE_PRESENT | PTE_WRITE | PTE_LARGE | PTE_NX;
		return LARGE;
	}
	map_page(va, phys, in_image(phys, PAGE) ? image_flags(phys) : PTE_NX | PTE_WRITE);
	return PAGE;
}

static bool
is_guard(u64 va)
{
	u64 offset = va - (u64)cpus;

	return offset < sizeof cpus && offset % sizeof cpus[0] == 0;
}

static void
map_image(void)
{
	for (u64 va = (u64)kernel_start; va < (u64)kernel_end; va += PAGE) {
		u64 phys = va - KERNEL_BASE;

		if (!is_guard(va))
			map_page(va, phys, va < (u64)text_end ? 0 : image_flags(phys));
	}
}

void
paging_boot(void)
{
	top = boot_alloc(PAGE);
	for (u32 n = 0; n < boot_memory.ranges; n++) {
		const struct memory_range *r = &boot_memory.range[n];
		u64 end = r->base + r->bytes;

		for (u64 phys = r->base; phys < end;)
			phys += map_direct_step(phys, end);
	}
	map_image();
	/* Present in the template whether or not anything is exposed yet. */
	(void)entry_at(EXO_TABLES, 3, PTE_USER);
	paging_cpu();
}

void
paging_cpu(void)
{
	write_cr3(phys_of(top));
}

void
arch_expose(u64 window, const void *table, u64 bytes)
{
	must(!sealed && window >= EXO_TABLES && window + bytes <= EXO_TABLES_END);
	must(((u64)table & (PAGE - 1)) == 0);
	for (u64 at = 0; at < bytes; at += PAGE)
		map_page(window + at, phys_of(table) + at, PTE_USER | PTE_NX);
}

/* The user's page first: it makes the tables above both, which must let user mode pass. */
void
segments_map(u64 window, const void *pages)
{
	map_page(window + PAGE, phys_of(pages) + PAGE, PTE_USER | PTE_NX);
	map_page(window, phys_of(pages), PTE_NX);
}

void *
arch_device_map(u64 phys, u64 bytes)
{
	u64 first = phys & ~(PAGE - 1);

	must(!sealed && phys + bytes > phys && phys + bytes <= EXO_VPT - DIRECT_BASE);
	for (u64 page = first; page < phys + bytes; page += PAGE) {
		u64 *entry = entry_at(DIRECT_BASE + page, 1, 0);

		if (*entry == 0)
			*entry = page | PTE_PRESENT | PTE_WRITE | PTE_NX | PTE_NOCACHE;
	}
	return (void *)(DIRECT_BASE + phys);
}

void
arch_root_fill(u64 *root, exo_pfn pfn)
{
	sealed = true;
	memcpy(&root[256], &top[256], 256 * sizeof *root);
	root[SLOT_SELF] = pfn << EXO_PAGE_SHIFT | PTE_PRESENT | PTE_USER | PTE_NX;
	root[SLOT_TABLES] &= ~PTE_WRITE;
}

void
arch_flush_all(void)
{
	write_cr3(read_cr3());
}
