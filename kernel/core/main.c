/* SPDX-License-Identifier: ISC */
/*
 * Boot, from the first C to the first environment, in this order because each
 * step needs those above it.  There is no allocator afterwards.
 */
#include "../arch/x86_64/arch.h"
#include "../cpu/cpu.h"
#include "../dev/dev.h"
#include "boot.h"

extern u8 kernel_start[];

void kernel_main(u32 start_info);

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

/* From the image to where boot_alloc stands: it is over. */
static void
kernel_reserve(void)
{
	u64 start = arch_phys(kernel_start);

	mem_reserve(start, boot_memory.pool - start, EXO_FRAME_KERNEL);
	boot_memory.pool_end = 0;
}

void
kernel_main(u32 start_info)
{
	arch_boot(start_info);
	klog("Aegis: %u ranges of memory, archive %lu KiB, %lu MHz\n", boot_memory.ranges,
		boot_memory.archive_bytes >> 10, info->tsc_hz / 1000000);
	mem_boot(boot_memory.range, boot_memory.ranges);
	frames_expose();
	env_init();
	cpu_init(info->cpus);
	for (u32 n = 0; n < info->cpus; n++)
		trace_boot(n, cmdline_has("trace"));
	dev_boot(boot_memory.cmdline);
	cpu_limit(arch_cpus_start(info->cpus));
	kernel_reserve();
	boot_init();
	klog("Aegis: %u processors, init entered after %lu us\n", cpus_count, now_ns() / 1000);
	cpu_dispatch(0);
}
