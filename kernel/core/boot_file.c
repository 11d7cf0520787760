/* SPDX-License-Identifier: ISC */
/*
 * What the kernel believes of the boot archive, it asked for here.  Whether the
 * rest of the archive makes sense is for its reader to say (exos/server/archive.c).
 */
#include "boot_file.h"

#define PAGE EXO_PAGE_BYTES

/* Its first `part` bytes of `whole` from `at` on. */
static bool
lies_in(u64 at, u64 part, u64 whole)
{
	return at <= whole && part <= whole - at;
}

static const char *
archive_wrong(const struct exo_archive *a, u64 bytes)
{
	if (bytes < sizeof *a || a->magic != EXO_ARCHIVE_MAGIC)
		return "the boot archive is not one";
	if (a->bytes > bytes || a->bytes % PAGE)
		return "the boot archive is cut short";
	if (!lies_in(sizeof *a, a->count * sizeof(struct exo_archive_entry), a->bytes) ||
		!lies_in(a->names, a->names_bytes, a->bytes))
		return "the boot archive's tables lie outside it";
	return NULL;
}

static const struct exo_archive_entry *
entry_find(const struct exo_archive *a, const char *name, u32 bytes)
{
	const struct exo_archive_entry *entry = (const void *)(a + 1);
	const char *names = (const char *)a + a->names;

	for (u32 n = 0; n < a->count; n++)
		if (entry[n].name_bytes == bytes && lies_in(entry[n].name, bytes, a->names_bytes) &&
			memcmp(&names[entry[n].name], name, bytes) == 0)
			return &entry[n];
	return NULL;
}

/* Pages that are mapped where they lie show no more than the file and the rest of its last page. */
static const char *
segment_wrong(const struct boot_file *f, const struct elf_segment *s)
{
	const u64 in_page = s->va % PAGE;

	if (s->va < PAGE || s->va >= EXO_BOOT_UAREA || s->bytes > EXO_BOOT_UAREA - s->va)
		return "a segment of init goes where it must not";
	if (s->file_bytes > s->bytes || !lies_in(s->offset, s->file_bytes, f->bytes) ||
		s->offset % PAGE != in_page)
		return "a segment of init lies outside it";
	if (!(s->flags & ELF_FLAG_W) &&
		(in_page + s->bytes + PAGE - 1) / PAGE !=
			(in_page + s->file_bytes + PAGE - 1) / PAGE)
		return "a segment of init is read-only, and not in the file";
	return NULL;
}

static const char *
image_wrong(struct boot_file *f)
{
	const struct elf *elf = (const void *)f->image;

	if (f->bytes < sizeof *elf || elf->magic != ELF_MAGIC || elf->type != ELF_EXEC ||
		elf->machine != ELF_X86_64)
		return EXO_ARCHIVE_INIT " is not a static x86-64 ELF";
	if (elf->segment_bytes != sizeof *f->segment || elf->segments % 8 ||
		!lies_in(elf->segments, elf->segment_count * sizeof *f->segment, f->bytes))
		return "the segments of init lie outside it";
	f->segment = (const void *)(f->image + elf->segments);
	f->segments = elf->segment_count;
	for (u32 n = 0; n < f->segments; n++) {
		const struct elf_segment *s = &f->segment[n];
		const char *wrong = s->type == ELF_LOAD && s->bytes ? segment_wrong(f, s) : NULL;

		if (wrong)
			return wrong;
	}
	return NULL;
}

const char *
boot_file_find(const struct exo_archive *archive, u64 bytes, struct boot_file *file)
{
	const char *wrong = archive_wrong(archive, bytes);
	const struct exo_archive_entry *entry;

	if (wrong)
		return wrong;
	entry = entry_find(archive, EXO_ARCHIVE_INIT, sizeof EXO_ARCHIVE_INIT - 1);
	if (entry == NULL)
		return "no " EXO_ARCHIVE_INIT " in the boot archive";
	if (entry->data % PAGE || !lies_in(entry->data, entry->bytes, archive->bytes))
		return EXO_ARCHIVE_INIT " lies outside the boot archive";
	*file = (struct boot_file){ .image = (const u8 *)archive + entry->data,
		.offset = entry->data,
		.bytes = entry->bytes };
	return image_wrong(file);
}
