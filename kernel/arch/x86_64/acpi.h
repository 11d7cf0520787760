/* SPDX-License-Identifier: ISC */
/* Which processors the firmware's tables name.  Pure: memory comes by a function, so that it runs on the host. */
#ifndef KERNEL_ARCH_ACPI_H
#define KERNEL_ARCH_ACPI_H

#include "../../core/core.h"

/* Physical memory, readable for this many bytes; NULL: it cannot be had. */
typedef const void *acpi_memory(u64 phys, u64 bytes);

/*
 * The local APICs of the processors that are enabled, as far as there is room
 * for them, from the tables that lie behind rsdp.  How many; 0: they say nothing.
 */
u32 acpi_cpus(u64 rsdp, acpi_memory *at, u32 *apic, u32 room);

#endif
