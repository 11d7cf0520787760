/* SPDX-License-Identifier: ISC */
/* Between the parts of boot: what the loader told, and the steps in core/. */
#ifndef KERNEL_BOOT_H
#define KERNEL_BOOT_H

#include "../mem/mem.h"

#define BOOT_RANGES 32u

/* All fixed once pvh_boot is done, except the pool. */
struct boot_memory {
	struct memory_range range[BOOT_RANGES];		/* usable, above 1 MiB, whole pages */
	u32 ranges;
	u64 archive, archive_bytes;			/* physical */
	u64 rsdp;					/* the firmware's tables, physical; 0: none */
	u64 low_page;					/* where other processors start; 0: no such memory */
	u64 pool, pool_end;				/* boot_alloc: next and last */
	char cmdline[1024];
};
extern struct boot_memory boot_memory;

void pvh_boot(u32 start_info);
void boot_pool(void);			/* from here on boot_alloc works */
struct env *boot_init(void);		/* the first environment, from the archive */

void trace_boot(u32 cpu, bool traced);
void trace_dump(u32 records);		/* the last ones, to the log */
bool cmdline_has(const char *word);	/* is this a word of the loader's command line? */
bool symbol_at(u64 address, const char **name, u64 *offset);

#if defined(AEGIS_DEBUG)
#define DEBUG_KERNEL 1
#else
#define DEBUG_KERNEL 0
#endif

struct regs;
struct env;
i64 call_dispatch(struct env *self, u64 nr, const u64 arg[6]);
void sweep(void);
noreturn_ void panic_trap(const struct regs *regs, u64 addr);

#endif
