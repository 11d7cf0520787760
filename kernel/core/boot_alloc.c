/* SPDX-License-Identifier: ISC */
/*
 * Memory for tables, at boot only: a pointer that moves up behind the
 * kernel's image.  Where it stands when boot is over, the kernel ends.
 */
#include "../arch/x86_64/arch.h"
#include "boot.h"

extern u8 kernel_end[];

static u64
page_up(u64 address)
{
	return (address + EXO_PAGE_BYTES - 1) & ~(EXO_PAGE_BYTES - 1);
}

/* The range of memory that the image lies in, up to the archive if that lies behind the image. */
void
boot_pool(void)
{
	struct boot_memory *b = &boot_memory;
	u64 end = arch_phys(kernel_end);

	for (u32 n = 0; n < b->ranges; n++) {
		const struct memory_range *r = &b->range[n];

		if (end < r->base || end >= r->base + r->bytes)
			continue;
		b->pool = end;
		b->pool_end = r->base + r->bytes;
		if (b->archive >= end && b->archive < b->pool_end)
			b->pool_end = b->archive & ~(EXO_PAGE_BYTES - 1);
		if (b->archive < end && b->archive + b->archive_bytes > end)
			b->pool = page_up(b->archive + b->archive_bytes);
	}
	must(b->pool != 0);
}

void *
boot_alloc(u64 bytes)
{
	struct boot_memory *b = &boot_memory;
	u64 size = page_up(bytes);
	void *at = frame_ptr(b->pool >> EXO_PAGE_SHIFT);

	if (b->pool_end == 0 || size > b->pool_end - b->pool)
		panic("too little memory: the kernel's tables want %lu KiB more", size >> 10);
	b->pool += size;
	memset(at, 0, size);
	return at;
}
