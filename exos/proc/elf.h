/* SPDX-License-Identifier: ISC */
/* ELF-64 as exec reads it.  Pure; the unit tests run it on the host. */
#ifndef EXOS_ELF_H
#define EXOS_ELF_H

#include "../server/elf.h"

#define ELF_PT_INTERP 3u
#define ELF_PT_GNU_STACK 0x6474e551u

#define ELF_SEGMENTS 24u

/* One PT_LOAD in whole pages. */
struct elf_segment {
	uint64_t start, bytes;		/* of address space; page aligned, without the load bias */
	uint64_t offset;		/* in the file, of start */
	uint64_t file_bytes;		/* contents from start on */
	uint32_t prot;			/* PROT_* */
};

struct elf_image {
	bool anywhere;			/* position independent */
	uint64_t low, high;		/* extent of all segments, page aligned */
	uint64_t entry, phdr;		/* without bias; phdr 0: not in memory */
	uint16_t phnum;
	uint64_t interp_offset, interp_bytes;	/* name of the interpreter, 0: none */
	uint64_t note_offset, note_bytes;
	uint64_t align;			/* of the load bias: a power of two, a page at least */
	bool exec_stack;
	uint32_t dir;			/* where the file was found: exec's to fill in */
	unsigned count;
	struct elf_segment segment[ELF_SEGMENTS];
};

/* head: the file's first head_bytes bytes, program headers included.  What does not fit is refused. */
bool elf_parse(const void *head, uint64_t head_bytes, uint64_t file_bytes, struct elf_image *image);

#endif
