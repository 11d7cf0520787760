/* SPDX-License-Identifier: ISC */
/* As much of the ELF format as it takes to load boot/init. */
#ifndef KERNEL_ELF_H
#define KERNEL_ELF_H

#include "core.h"

#define ELF_MAGIC   0x464c457fu		/* "\177ELF" */
#define ELF_EXEC    2u
#define ELF_X86_64  62u
#define ELF_LOAD    1u
#define ELF_FLAG_X  1u
#define ELF_FLAG_W  2u

struct elf {
	u32 magic;
	u8 ident[12];
	u16 type, machine;
	u32 version;
	u64 entry, segments, sections;		/* offsets, but for entry */
	u32 flags;
	u16 header_bytes, segment_bytes, segment_count;
	u16 section_bytes, section_count, section_names;
};

struct elf_segment {
	u32 type, flags;
	u64 offset, va, pa;
	u64 file_bytes, bytes, align;
};

_Static_assert(sizeof(struct elf) == 64 && sizeof(struct elf_segment) == 56, "ELF");

#endif
