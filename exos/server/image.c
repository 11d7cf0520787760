/* SPDX-License-Identifier: ISC */
/*
 * The ExOS image, once: its text is mapped from the archive's frames in place
 * under one page table that every process shares read-only; its private data
 * is relocated here, in a template that each new process gets a copy of.
 *
 * The base is drawn at boot.  It is 1 GiB aligned, so that the shared region
 * behind the image is one entry in each process's tables.
 */
#include "srv.h"
#include "elf.h"
#include "../arch/x86_64/random.h"
#include "../core/header.h"
#include <exo/archive.h>

struct image image;
static const unsigned char *file;
static uint64_t text_bytes;			/* of the image, from its base on */

/* Somewhere in top-level slot 254, room for image and shared region left above. */
static uint64_t
base_draw(void)
{
	return 0x00007f0000000000ull + (random_word() % 500 << 30);
}

static const char *
text_share(const struct elf_phdr *ph, exo_pfn frames)
{
	if (ph->memsz != ph->filesz || ph->vaddr > EXOS_DATA || ph->memsz > EXOS_DATA - ph->vaddr)
		return "the library image's text lies where it must not";
	if (text_bytes < ph->vaddr + ph->memsz)
		text_bytes = ph->vaddr + ph->memsz;
	for (uint64_t at = 0; at < ph->memsz; at += EXO_PAGE_BYTES) {
		exo_pfn pfn = frames + (ph->offset + at) / EXO_PAGE_BYTES;
		uint32_t perms = EXO_MAP_READ | (ph->flags & ELF_X ? EXO_MAP_EXEC : 0);

		exo_frame_mark(pfn, 1, EXO_FRAME_PUBLIC | EXO_FRAME_TAG(EXO_TAG_CODE),
			EXO_FRAME_TAG_CLEAR(EXO_TAG_CODE), ROOT_KEY);
		if (server_bind(image.base + ph->vaddr + at, pfn, perms))
			return "no memory for the library image";
	}
	return NULL;
}

static const char *
data_copy(const struct elf_phdr *ph)
{
	if (ph->vaddr != EXOS_DATA || ph->memsz > EXOS_STACKS - EXOS_DATA || ph->filesz > ph->memsz)
		return "the library image's data lies where it must not";
	image.data = (unsigned char *)0x0000008100000000ull;
	image.data_bytes = ph->filesz;
	for (uint64_t at = 0; at < ph->filesz; at += EXO_PAGE_BYTES) {
		exo_pfn pfn;

		if (frames_claim(exo_info()->root_account, 1, &pfn) ||
			server_bind((uint64_t)image.data + at, pfn, EXO_MAP_READ | EXO_MAP_WRITE))
			return "no memory for the library image's data";
	}
	__builtin_memcpy(image.data, file + ph->offset, ph->filesz);
	return NULL;
}

/* Only relative relocations, only in the data: the text is the same bytes everywhere. */
static const char *
relocate(const struct exos_header *h)
{
	const struct elf_rela *r = (const struct elf_rela *)(image.base + h->rela);

	if (!elf_rela_ok(h->rela, h->rela_count, text_bytes))
		return "the library image's relocations lie outside it";
	for (uint64_t i = 0; i < h->rela_count; i++) {
		uint64_t value = image.base + (uint64_t)r[i].addend;

		if ((uint32_t)r[i].info != ELF_R_RELATIVE || r[i].offset < EXOS_DATA
			|| image.data_bytes < 8 || r[i].offset > EXOS_DATA + image.data_bytes - 8)
			return "the library image has a relocation that its loader does not do";
		__builtin_memcpy(image.data + r[i].offset - EXOS_DATA, &value, 8);
	}
	return NULL;
}

const char *
image_load(void)
{
	uint64_t bytes;
	exo_pfn frames;
	const struct elf_ehdr *eh;
	const struct elf_phdr *ph;
	const char *why = NULL;

	file = archive_file("boot/exos", &bytes, &frames);
	if (!file)
		return "the archive has no boot/exos";
	eh = (const struct elf_ehdr *)file;
	if (bytes < sizeof(*eh) || !elf_header_ok(eh, bytes))
		return "boot/exos is not an x86-64 ELF file";
	image.base = base_draw();
	ph = (const struct elf_phdr *)(file + eh->phoff);
	for (unsigned i = 0; i < eh->phnum && !why; i++) {
		if (ph[i].type != ELF_PT_LOAD || ph[i].memsz == 0)
			continue;
		if (ph[i].offset % EXO_PAGE_BYTES || ph[i].vaddr % EXO_PAGE_BYTES
			|| !elf_segment_ok(&ph[i], bytes))
			return "boot/exos has a segment that is not page aligned, or not in it";
		why = ph[i].flags & ELF_W ? data_copy(&ph[i]) : text_share(&ph[i], frames);
	}
	if (!why && text_bytes < sizeof(*image.header))
		why = "boot/exos has no header";
	if (why)
		return why;
	image.header = (const struct exos_header *)image.base;
	if (image.header->magic != EXOS_HEADER_MAGIC || image.header->version != EXO_VERSION)
		why = "boot/exos was built for another version of the interface";
	image.memory_bytes = image.header->memory_bytes;	/* without what comes when it is touched */
	if (!why)
		why = relocate(image.header);
	image.text_table = EXO_PTE_PFN(exo_pte_at(image.base, 2));
	exo_frame_mark(image.text_table, 1, EXO_FRAME_PUBLIC, 0, ROOT_KEY);
	return why;
}
