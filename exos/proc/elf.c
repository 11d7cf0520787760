/* SPDX-License-Identifier: ISC */
/* What an ELF file wants mapped: pure, the header may say anything. */
#include <stddef.h>
#include "elf.h"
#include "../vm/region.h"

#define ET_EXEC 2
#define ET_DYN 3
#define EM_X86_64 62
#define ADDRESS_TOP (1ull << 46) /* generous; where it really goes is checked when it is mapped */

#define ALIGN_MAX (1ull << 30)

#define PF_X 1u
#define PF_W 2u
#define PF_R 4u

static bool
header_ok(const struct elf_ehdr *eh, uint64_t head_bytes)
{
	static const uint8_t magic[6] = { 0x7f, 'E', 'L', 'F', 2, 1 };

	if (head_bytes < sizeof(*eh) || __builtin_memcmp(eh->ident, magic, sizeof(magic)) != 0)
		return false;
	if (eh->machine != EM_X86_64 || (eh->type != ET_EXEC && eh->type != ET_DYN))
		return false;
	if (eh->phentsize != sizeof(struct elf_phdr) || eh->phnum == 0 || eh->phoff % 8)
		return false;
	return eh->phoff <= head_bytes &&
		eh->phnum * sizeof(struct elf_phdr) <= head_bytes - eh->phoff;
}

static bool
segment_add(struct elf_image *image, const struct elf_phdr *ph, uint64_t file_bytes)
{
	struct elf_segment *s = &image->segment[image->count];
	uint64_t lead = ph->vaddr % PAGE;

	if (ph->memsz == 0)
		return true;
	if (image->count == ELF_SEGMENTS || ph->filesz > ph->memsz || ph->offset % PAGE != lead)
		return false;
	if (ph->vaddr > ADDRESS_TOP || ph->memsz > ADDRESS_TOP || ph->offset > file_bytes ||
		ph->filesz > file_bytes - ph->offset)
		return false;
	s->start = ph->vaddr - lead;
	if (image->count && s->start < image->high)
		return false; /* ascending, and no page in two segments */
	s->bytes = PAGE_UP(lead + ph->memsz);
	s->offset = ph->offset - lead;
	s->file_bytes = ph->filesz ? lead + ph->filesz : 0;
	/* Without zeroes behind, the last page may show what follows in the file, and be shared. */
	if (ph->filesz == ph->memsz)
		s->file_bytes = PAGE_UP(s->file_bytes);
	s->prot = (ph->flags & PF_R ? PROT_READ : 0) | (ph->flags & PF_W ? PROT_WRITE : 0) |
		(ph->flags & PF_X ? PROT_EXEC : 0);
	if (ph->align > image->align && (ph->align & (ph->align - 1)) == 0 &&
		ph->align <= ALIGN_MAX)
		image->align = ph->align;
	if (image->count++ == 0)
		image->low = s->start;
	image->high = s->start + s->bytes;
	return true;
}

/* Where the program headers are in memory: inside a segment, or nowhere. */
static uint64_t
phdr_address(const struct elf_image *image, const struct elf_ehdr *eh)
{
	for (unsigned n = 0; n < image->count; n++) {
		const struct elf_segment *s = &image->segment[n];

		if (eh->phoff >= s->offset && eh->phoff - s->offset < s->file_bytes)
			return s->start + (eh->phoff - s->offset);
	}
	return 0;
}

bool
elf_parse(const void *head, uint64_t head_bytes, uint64_t file_bytes, struct elf_image *image)
{
	const struct elf_ehdr *eh = head;
	const struct elf_phdr *ph;

	*image = (struct elf_image){ .align = PAGE };
	if (!header_ok(eh, head_bytes))
		return false;
	ph = (const struct elf_phdr *)((const char *)head + eh->phoff);
	for (unsigned n = 0; n < eh->phnum; n++) {
		if (ph[n].type == ELF_PT_LOAD && !segment_add(image, &ph[n], file_bytes))
			return false;
		if (ph[n].type == ELF_PT_INTERP) {
			image->interp_offset = ph[n].offset;
			image->interp_bytes = ph[n].filesz;
		}
		if (ph[n].type == ELF_PT_GNU_STACK)
			image->exec_stack = ph[n].flags & PF_X;
		if (ph[n].type == ELF_PT_NOTE && image->note_bytes == 0) {
			image->note_offset = ph[n].offset;
			image->note_bytes = ph[n].filesz;
		}
	}
	image->anywhere = eh->type == ET_DYN;
	image->entry = eh->entry;
	image->phnum = eh->phnum;
	image->phdr = phdr_address(image, eh);
	return image->count > 0;
}
