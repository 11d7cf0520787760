/* SPDX-License-Identifier: ISC */
/* boot/init in the boot archive: where it lies and what of it goes where.  Pure: nothing but the archive is read. */
#ifndef KERNEL_BOOT_FILE_H
#define KERNEL_BOOT_FILE_H

#include <exo/archive.h>
#include "elf.h"

struct boot_file {
	const u8 *image;		/* an ELF header, to begin with */
	u64 offset, bytes;		/* in the archive: whole pages up to its end are the archive's */
	const struct elf_segment *segment;
	u32 segments;
};

/* NULL: found, and each segment may be loaded as it says; or what is wrong. */
const char *boot_file_find(const struct exo_archive *archive, u64 bytes, struct boot_file *file);

#endif
