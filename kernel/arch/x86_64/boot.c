/* SPDX-License-Identifier: ISC */
/* The machine's part of boot, in this order: each step needs those above it. */
#include "machine.h"

static void
info_boot(void)
{
	info = boot_alloc(sizeof *info);
	info->magic = EXO_MAGIC;
	info->version = EXO_VERSION;
	info->archive_pfn = boot_memory.archive >> EXO_PAGE_SHIFT;
	info->archive_bytes = boot_memory.archive_bytes;
	info->tsc_base = rdtsc();
	info->features = DEBUG_KERNEL ? EXO_FEAT_DEBUG : 0;
}

/* Is this word on the command line? */
bool
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

void
arch_boot(u32 start_info)
{
	struct cpu *cpu = &cpus[0];

	cpu->self = cpu;
	cpu->kstack_top = (u64)&cpu->self;
	cpu->fpu_on = 1;
	descriptors_boot();
	serial_boot();
	pvh_boot(start_info);
	boot_pool();
	info_boot();
	features_boot();
	paging_boot();
	lapic_boot();
	info->cpus = smp_find(boot_memory.rsdp);
	segments_boot(info->cpus);
	segments_cpu(0);
	arch_expose(EXO_INFO, info, sizeof *info);
	syscall_boot(DEBUG_KERNEL, cmdline_has("trace"));
	apic_boot();
	clock_boot();
}
