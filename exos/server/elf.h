/* SPDX-License-Identifier: ISC */
/* The parts of ELF-64 that the server reads (System V ABI, chapters 4 and 5). */
#ifndef EXOS_SERVER_ELF_H
#define EXOS_SERVER_ELF_H

#include <stdbool.h>
#include <stdint.h>

struct elf_ehdr {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct elf_phdr {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

struct elf_rela { uint64_t offset, info; int64_t addend; };

#define ELF_PT_LOAD 1u
#define ELF_PT_NOTE 4u
#define ELF_X 1u
#define ELF_W 2u
#define ELF_R_RELATIVE 8u

static inline bool
elf_header_ok(const struct elf_ehdr *eh, uint64_t bytes)
{
	static const uint8_t magic[6] = { 0x7f, 'E', 'L', 'F', 2, 1 };

	return __builtin_memcmp(eh->ident, magic, sizeof(magic)) == 0 && eh->machine == 62
		&& (eh->type == 2 || eh->type == 3) && eh->phentsize == sizeof(struct elf_phdr)
		&& eh->phnum > 0 && eh->phnum <= 32 && eh->phoff % 8 == 0 && eh->phoff < bytes
		&& (uint64_t)eh->phnum * sizeof(struct elf_phdr) <= bytes - eh->phoff;
}

/* What it has of the file lies in the file, and is not more than it has of memory. */
static inline bool
elf_segment_ok(const struct elf_phdr *ph, uint64_t bytes)
{
	return ph->filesz <= ph->memsz && ph->offset <= bytes && ph->filesz <= bytes - ph->offset
		&& ph->vaddr <= ~0ull - ph->memsz;
}

/* Relocations of the library image lie in what is mapped from the file. */
static inline bool
elf_rela_ok(uint64_t at, uint64_t count, uint64_t bytes)
{
	return at % 8 == 0 && at <= bytes && count <= (bytes - at) / sizeof(struct elf_rela);
}

#endif
