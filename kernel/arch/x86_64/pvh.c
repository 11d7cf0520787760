/* SPDX-License-Identifier: ISC */
/*
 * What the loader tells: memory map, boot archive, command line.  Read from
 * physical memory below 1 GiB while the early tables map it, and copied.
 */
#include "machine.h"

#define PVH_MAGIC 0x336ec578u
#define MEMORY_USABLE 1u
#define LOW_MEMORY 0x100000ull		/* below lies what firmware and devices may still use */

struct pvh_info {
	u32 magic, version, flags, modules;
	u64 module_list, command_line, rsdp;
	u64 memory_map;			/* version 1 on */
	u32 memory_entries, reserved;
};

struct pvh_module { u64 base, bytes, command_line, reserved; };
struct pvh_memory { u64 base, bytes; u32 type, reserved; };

struct boot_memory boot_memory;

static void *
phys(u64 at)
{
	must(at < 1ull << 30);
	return (void *)(DIRECT_BASE + at);
}

static void
add_range(u64 base, u64 bytes)
{
	u64 from = (base < LOW_MEMORY ? LOW_MEMORY : base + 4095) & ~4095ull;
	u64 to = (base + bytes) & ~4095ull;

	if (from < to && boot_memory.ranges < BOOT_RANGES)
		boot_memory.range[boot_memory.ranges++] = (struct memory_range){ from, to - from };
}

void
pvh_boot(u32 start_info)
{
	const struct pvh_info *pvh = phys(start_info);

	must(pvh->magic == PVH_MAGIC && pvh->version >= 1);
	for (u32 n = 0; n < pvh->memory_entries; n++) {
		const struct pvh_memory *m = (struct pvh_memory *)phys(pvh->memory_map) + n;

		if (m->type == MEMORY_USABLE)
			add_range(m->base, m->bytes);
		if (m->type == MEMORY_USABLE && m->base <= AP_TRAMPOLINE &&
			m->base + m->bytes >= AP_TRAMPOLINE + EXO_PAGE_BYTES)
			boot_memory.low_page = AP_TRAMPOLINE;
	}
	boot_memory.rsdp = pvh->rsdp;
	if (pvh->modules > 0) {
		const struct pvh_module *m = phys(pvh->module_list);

		boot_memory.archive = m->base;
		boot_memory.archive_bytes = m->bytes;
	}
	if (pvh->command_line != 0) {
		const char *text = phys(pvh->command_line);

		for (u32 n = 0; n < sizeof boot_memory.cmdline - 1 && text[n] != 0; n++)
			boot_memory.cmdline[n] = text[n];
	}
	/* What the loader said has been read: it may lie there. */
	if (boot_memory.low_page != 0)
		memcpy(phys(AP_TRAMPOLINE), ap_begin, (u64)(ap_end - ap_begin));
}
