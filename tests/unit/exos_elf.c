/* SPDX-License-Identifier: ISC */
// sources: exos/proc/elf.c
/* ELF headers: a good one, each way of being bad, and random damage under the sanitizers. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../exos/proc/elf.h"

#define FILE_BYTES 0x9000u

static struct file {
	struct elf_ehdr eh;
	struct elf_phdr ph[4];
} good;

static void
make_good(void)
{
	static const uint8_t ident[16] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };

	good = (struct file){ .eh = { .type = 2,
				      .machine = 62,
				      .entry = 0x401000,
				      .phoff = sizeof(good.eh),
				      .phentsize = sizeof(good.ph[0]),
				      .phnum = 3 } };
	memcpy(good.eh.ident, ident, sizeof(ident));
	good.ph[0] = (struct elf_phdr){ 1, 4, 0, 0x400000, 0, 0x500, 0x500, 0x1000 };
	good.ph[1] = (struct elf_phdr){ 1, 5, 0x1000, 0x401000, 0, 0x2345, 0x2345, 0x1000 };
	good.ph[2] = (struct elf_phdr){ 1, 6, 0x4abc, 0x404abc, 0, 0x100, 0x3000, 0x1000 };
}

static bool
parse(const struct file *f, struct elf_image *image)
{
	return elf_parse(f, sizeof(*f), FILE_BYTES, image);
}

static void
test_good(void)
{
	struct elf_image image;

	make_good();
	assert(parse(&good, &image));
	assert(image.count == 3 && !image.anywhere && image.entry == 0x401000);
	assert(image.low == 0x400000 && image.high == 0x408000);
	assert(image.phdr == 0x400040 && image.phnum == 3);
	assert(image.segment[0].file_bytes ==
		0x1000); /* no zeroes behind: whole pages of the file */
	assert(image.segment[1].bytes == 0x3000 && image.segment[1].prot == 5);
	assert(image.segment[2].start == 0x404000 && image.segment[2].offset == 0x4000);
	assert(image.segment[2].file_bytes == 0xbbc && image.segment[2].bytes == 0x4000);
}

/* What it asks for beyond its segments; nonsense is passed over. */
static void
test_wishes(void)
{
	struct elf_image image;

	make_good();
	good.ph[0].align = 0x200000;
	good.ph[1].align = 0x3000;
	good.ph[2].align = 1ull << 60;
	assert(parse(&good, &image) && image.align == 0x200000 && !image.exec_stack);
	make_good();
	good.ph[0].type = ELF_PT_GNU_STACK;
	good.ph[0].flags = 7;
	assert(parse(&good, &image) && image.align == 0x1000 && image.exec_stack);
	good.ph[0].flags = 6;
	assert(parse(&good, &image) && !image.exec_stack);
	make_good();
}

#define BAD(change) do { \
	struct elf_image image; \
	struct file f = good; \
	change; \
	assert(!parse(&f, &image)); \
} while (0)

static void
test_bad(void)
{
	BAD(f.eh.ident[0] = 0);
	BAD(f.eh.ident[4] = 1);
	BAD(f.eh.machine = 3);
	BAD(f.eh.type = 1);
	BAD(f.eh.phentsize = 32);
	BAD(f.eh.phnum = 0);
	BAD(f.eh.phnum = 0xffff);
	BAD(f.eh.phoff = ~7ull);
	BAD(f.eh.phoff = 65);
	BAD(f.ph[1].filesz = 0x3000);			/* more than in memory */
	BAD(f.ph[1].offset = 0x1001);			/* not congruent */
	BAD(f.ph[1].offset = ~0xfffull);
	BAD(f.ph[1].vaddr = ~0xfffull);
	BAD(f.ph[1].memsz = ~0ull);
	BAD(f.ph[2].filesz = f.ph[2].memsz = 0x100000);	/* more than in the file */
	BAD(f.ph[2].vaddr = 0x400abc);			/* not ascending */
	BAD(f.ph[2].vaddr = 0x403abc);			/* shares a page */
	BAD(f.ph[0].memsz = f.ph[1].memsz = f.ph[2].memsz = 0;
		f.ph[0].filesz = f.ph[1].filesz = f.ph[2].filesz = 0);
}

static void
test_damage(void)
{
	for (unsigned round = 0; round < 300000; round++) {
		struct file f = good;
		struct elf_image image;

		for (unsigned n = 0; n < 1 + (round & 7); n++)
			((uint8_t *)&f)[(unsigned)rand() % sizeof(f)] ^= (uint8_t)rand();
		if (!parse(&f, &image))
			continue;
		for (unsigned n = 0; n < image.count; n++) {
			const struct elf_segment *s = &image.segment[n];

			assert(s->start % 4096 == 0 && s->bytes % 4096 == 0 &&
				s->offset % 4096 == 0);
			assert(s->file_bytes <= s->bytes && s->start + s->bytes <= image.high);
			assert(s->offset + s->file_bytes < FILE_BYTES + 8192);
		}
	}
}

int
main(void)
{
	test_good();
	test_wishes();
	test_bad();
	test_damage();
	puts("ok a good file\nok each kind of bad one\nok random damage\n3 passed, 0 failed");
	return 0;
}
