/* SPDX-License-Identifier: ISC */
/*
 * Boot, from the first C to the first environment, in this order because each
 * step needs those above it.  There is no allocator afterwards.
 */
#include "../arch/x86_64/machine.h"
#include "../dev/dev.h"
#include "boot.h"

extern u8 kstack[];

void kernel_main(u32 start_info);

static void
info_boot(void)
{
	info = boot_alloc(sizeof *info);
	info->magic = EXO_MAGIC;
	info->version = EXO_VERSION;
	info->cpus = 1;
	info->archive_pfn = boot_memory.archive >> EXO_PAGE_SHIFT;
	info->archive_bytes = boot_memory.archive_bytes;
	info->tsc_base = rdtsc();
#if defined(AEGIS_DEBUG)
	info->features |= EXO_FEAT_DEBUG;
#endif
}

/* Is this word on the command line? */
static bool
cmdline_has(const char *word)
{
	const char *at = boot_memory.cmdline;

	while (*at != 0) {
		const char *w = word;

		for (; *w != 0 && *at == *w; at++)
			w++;
		if (*w == 0 && (*at == ' ' || *at == 0))
			return true;
		for (; *at != 0 && *at != ' '; at++)
			;
		for (; *at == ' '; at++)
			;
	}
	return false;
}

static void
machine_boot(u32 start_info)
{
	struct cpu *cpu = &cpus[0];

	cpu->self = cpu;
	cpu->kstack_top = (u64)kstack + KSTACK_BYTES;
	descriptors_boot(cpu);
	serial_boot();
	pvh_boot(start_info);
	boot_pool();
	info_boot();
	features_boot();
	paging_boot();
	arch_expose(EXO_INFO, info, sizeof *info);
	syscall_boot((info->features & EXO_FEAT_DEBUG) != 0 || cmdline_has("trace"));
	apic_boot();
	clock_boot();
}

/* The tables that mem/ made; it is free of addresses, so that it runs on the host. */
static void
frames_expose(void)
{
	u64 map_words = (frames_count + 63) / 64;

	arch_expose(EXO_FRAMES, frames, frames_count * sizeof *frames);
	arch_expose(EXO_FREEMAP, freemap, map_words * sizeof *freemap);
	info->table[EXO_T_FRAMES] = (struct exo_table){
		.base = EXO_FRAMES, .entry_bytes = sizeof *frames, .count = frames_count,
	};
	info->table[EXO_T_FREEMAP] = (struct exo_table){
		.base = EXO_FREEMAP, .entry_bytes = sizeof *freemap, .count = map_words,
	};
}

void
kernel_main(u32 start_info)
{
	machine_boot(start_info);
	klog("Aegis: %u ranges of memory, archive %lu KiB, %lu MHz\n", boot_memory.ranges,
	     boot_memory.archive_bytes >> 10, info->tsc_hz / 1000000);
	mem_boot(boot_memory.range, boot_memory.ranges);
	frames_expose();
	env_init();
	cpu_init(1);
	trace_boot(0);
	dev_boot(boot_memory.cmdline);
	mem_reserve(arch_phys(kernel_start), boot_memory.pool - arch_phys(kernel_start), EXO_FRAME_KERNEL);
	boot_init();
	klog("Aegis: init entered after %lu us\n", now_ns() / 1000);
	cpu_dispatch(0);
}
