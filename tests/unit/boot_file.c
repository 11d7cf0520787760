/* SPDX-License-Identifier: ISC */
// sources: kernel/core/boot_file.c
/*
 * boot/init in damaged boot archives, as the kernel finds it: it is refused with
 * a reason, or all that is mapped and copied of it lies in the archive.  Mutants
 * come from a seed number.
 *
 *   boot_file [ROUNDS [SEED]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../kernel/core/boot_file.h"

#define PAGE EXO_PAGE_BYTES
#define PAGES 16u
#define NAMES 512u

static u8 good[PAGES * PAGE];
static u64 state;
static unsigned refused, loaded, failed;

static u32
draw(u32 below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return below ? (u32)(state >> 33) % below : 0;
}

static void
is(const char *what, bool good_so)
{
	if (!good_so) {
		printf("FAIL boot_file: %s\n", what);
		failed++;
	}
}

/* ---- a good one ------------------------------------------------------------------------------ */

static struct exo_archive *
header(u8 *archive)
{
	return (struct exo_archive *)archive;
}

static struct exo_archive_entry *
entries(u8 *archive)
{
	return (struct exo_archive_entry *)(header(archive) + 1);
}

#define INIT_AT (4 * PAGE)
#define INIT_BYTES (9 * PAGE + 100)

static struct elf *
elf_of(u8 *archive)
{
	return (struct elf *)(archive + INIT_AT);
}

static struct elf_segment *
segments(u8 *archive)
{
	return (struct elf_segment *)(elf_of(archive) + 1);
}

static void
make(u8 *archive)
{
	static const char names[] = "bin\0bin/sh\0boot/init\0boot/init2";

	*header(archive) = (struct exo_archive){ .magic = EXO_ARCHIVE_MAGIC,
		.bytes = PAGES * PAGE, .count = 4, .names = NAMES, .names_bytes = sizeof names };
	memcpy(archive + NAMES, names, sizeof names);
	entries(archive)[0] = (struct exo_archive_entry){ .name = 0, .name_bytes = 3 };
	entries(archive)[1] = (struct exo_archive_entry){ .name = 4, .name_bytes = 6,
		.data = PAGE, .bytes = 3 };
	entries(archive)[2] = (struct exo_archive_entry){ .name = 11, .name_bytes = 9,
		.data = INIT_AT, .bytes = INIT_BYTES };
	entries(archive)[3] = (struct exo_archive_entry){ .name = 21, .name_bytes = 10,
		.data = PAGE, .bytes = 3 };
	*elf_of(archive) = (struct elf){ .magic = ELF_MAGIC, .type = ELF_EXEC,
		.machine = ELF_X86_64, .entry = 0x401000, .segments = sizeof(struct elf),
		.segment_bytes = sizeof(struct elf_segment), .segment_count = 4 };
	segments(archive)[0] = (struct elf_segment){ .type = ELF_LOAD, .flags = 4,
		.va = 0x400000, .file_bytes = 0x200, .bytes = 0x200 };
	segments(archive)[1] = (struct elf_segment){ .type = ELF_LOAD, .flags = 4 | ELF_FLAG_X,
		.offset = PAGE, .va = 0x401000, .file_bytes = 5 * PAGE + 7, .bytes = 5 * PAGE + 7 };
	segments(archive)[2] = (struct elf_segment){ .type = ELF_LOAD, .flags = 4 | ELF_FLAG_W,
		.offset = 7 * PAGE + 0x123, .va = 0x40a123, .file_bytes = 2 * PAGE - 0x123 + 100,
		.bytes = 4 * PAGE };
	segments(archive)[3] = (struct elf_segment){ .type = 0x6474e551, .bytes = ~0ull };
}

/* ---- what the kernel does with it -------------------------------------------------------------- */

static volatile u64 sum;

static void
read_all(const u8 *from, u64 bytes)
{
	for (u64 n = 0; n < bytes; n++)
		sum += from[n];
}

/* boot_init.c's map_segment, page by page; what is mapped in place is a whole page of the archive. */
static void
load(const u8 *archive, const struct boot_file *f, const struct elf_segment *s)
{
	const u64 file_end = s->va + s->file_bytes;

	for (u64 va = s->va & ~(PAGE - 1); va < s->va + s->bytes; va += PAGE) {
		const u64 from = va > s->va ? va : s->va;
		const u64 to = va + PAGE < file_end ? va + PAGE : file_end;

		if (!(s->flags & ELF_FLAG_W))
			read_all(archive + f->offset + s->offset - (s->va - va), PAGE);
		else if (from < to)
			read_all(f->image + s->offset + (from - s->va), to - from);
		if (va < PAGE || va >= EXO_BOOT_UAREA)
			abort();
	}
}

/* NULL, or why not.  The bytes lie in memory of just that size: what is read behind them is seen. */
static const char *
use(const u8 *archive, u64 bytes)
{
	u8 *exact = aligned_alloc(PAGE, (bytes + PAGE) & ~(PAGE - 1));
	u8 *copy = bytes % PAGE ? realloc(exact, bytes) : exact;
	struct boot_file f;
	const char *wrong;

	memcpy(copy, archive, bytes);
	wrong = boot_file_find((const struct exo_archive *)copy, bytes, &f);
	for (u32 n = 0; !wrong && n < f.segments; n++)
		if (f.segment[n].type == ELF_LOAD && f.segment[n].bytes)
			load(copy, &f, &f.segment[n]);
	free(copy);
	wrong ? refused++ : loaded++;
	return wrong;
}

/* ---- by hand ------------------------------------------------------------------------------------- */

static u8 bad[PAGES * PAGE];

static void
says(const char *part)
{
	const char *wrong = use(bad, sizeof bad);

	if (!wrong || !strstr(wrong, part)) {
		printf("FAIL boot_file: %s, not %s\n", wrong ? wrong : "nothing", part);
		failed++;
	}
	memcpy(bad, good, sizeof bad);
}

#define WITH(what, part) do { what; says(part); } while (0)

static void
by_hand(void)
{
	struct exo_archive *a = header(bad);
	struct exo_archive_entry *e = &entries(bad)[2];
	struct elf_segment *s = segments(bad);

	memcpy(bad, good, sizeof bad);
	WITH(a->magic++, "not one");
	WITH(a->bytes += PAGE, "cut short");
	WITH(a->bytes -= 1, "cut short");
	WITH(a->count = 1u << 31, "tables");
	WITH(a->names = ~0u, "tables");
	WITH(a->names_bytes = ~0u, "tables");
	WITH(e->name = ~0u, "no boot/init");
	WITH(e->name_bytes--, "no boot/init");
	WITH(a->names_bytes = 19, "no boot/init");
	WITH(e->data++, "outside the boot archive");
	WITH(e->data = 0ull - PAGE, "outside the boot archive");
	WITH(e->bytes = ~0ull, "outside the boot archive");
	WITH(e->bytes = 63, "not a static");
	WITH(elf_of(bad)->type = 3, "not a static");
	WITH(elf_of(bad)->machine = 3, "not a static");
	WITH(elf_of(bad)->segments = ~7ull, "segments of init");
	WITH(elf_of(bad)->segments++, "segments of init");
	WITH(elf_of(bad)->segment_bytes--, "segments of init");
	WITH(e->bytes = 64 + 3 * 56, "segments of init");
	WITH(s->va = 0, "goes where");
	WITH(s->va = EXO_BOOT_UAREA, "goes where");
	WITH(s->bytes = ~0ull, "goes where");
	WITH(s[1].offset = ~0ull - PAGE + 1, "lies outside it");
	WITH(s[1].offset = INIT_BYTES, "lies outside it");
	WITH(s[1].va++, "lies outside it");
	WITH(s[2].file_bytes = s[2].bytes + 1, "lies outside it");
	WITH(s[1].bytes += 2 * PAGE, "not in the file");
	for (u64 bytes = 0; bytes < sizeof good; bytes += bytes < 8192 ? 1 : 997)
		is("an archive that is cut short is loaded", use(good, bytes) != NULL);
}

/* ---- by chance --------------------------------------------------------------------------------- */

/* Mostly in the headers: contents mean nothing. */
static void
damage(void)
{
	static const u64 odd[] = { 0, 1, 7, 0xfff, 0x1000, 0x1001, 0x7fffffff, 0xffffffff,
		1ull << 32, 1ull << 63, ~0ull, ~0xfffull, EXO_BOOT_UAREA, PAGES * PAGE };

	for (unsigned n = 1 + draw(3); n; n--) {
		const u32 where = draw(3), at = where == 0 ? draw(sizeof(struct exo_archive))
			: where == 1 ? 32 + 2 * 64 + draw(64)
					  : INIT_AT + draw(64 + 3 * 56);
		const u64 value = odd[draw(sizeof odd / sizeof odd[0])];

		switch (draw(4)) {
		case 0: bad[at] ^= (u8)(1u << draw(8)); break;
		case 1: memcpy(bad + (at & ~3u), &value, 4); break;
		case 2: memcpy(bad + (at & ~7u), &value, 8); break;
		default:
			*(u64 *)(bad + (at & ~7u)) +=
				(u64)(int)(draw(3) - 1) * (draw(2) ? 1 : PAGE);
		}
	}
}

int
main(int argc, char **argv)
{
	unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : 20000;

	state = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	make(good);
	is("a good archive is refused", use(good, sizeof good) == NULL);
	by_hand();
	loaded = refused = 0;
	for (unsigned round = 0; round < rounds; round++) {
		memcpy(bad, good, sizeof bad);
		damage();
		use(bad, sizeof bad);
	}
	is("mutants are either all loaded or all refused", rounds < 1000 || (loaded && refused));
	printf("boot_file: %u mutants refused, %u loaded, %u failed\n", refused, loaded, failed);
	return failed != 0;
}
