/* SPDX-License-Identifier: ISC */
/*
 * Exposed information: the kernel's own table of physical memory, read like
 * any other memory.  No call is made to get it; anybody may write a better
 * `free`, `top` or allocator.
 */
#include <exo/lib.h>
#include <exo/read.h>
#include <exo/tag.h>

EXO_NATIVE_NOTE;

#define KINDS 18u
#define COLUMNS 64u

static const char *const kind_name[KINDS] = {
	"free", "data", "page table", "directory", "pointer table", "root table", "links",
	"environment", "key ring", "u-area", "activation", "account", "guard", "kernel", "absent",
	"trace", "lost", "region",
};
static const char *const tag_name[EXO_TAGS] = {
	"nobody said", "anonymous", "files", "code", "of libraries", "metadata", "objects",
	"of servers",
};
static const char kind_letter[KINDS + 1] = ".dtttRlEkuaAGK TLr";

static void
summary(void)
{
	uint64_t count[KINDS] = { 0 }, shared = 0, dirty = 0;

	for (exo_pfn pfn = 0; pfn < exo_info()->frames; pfn++) {
		const volatile struct exo_frame *frame = exo_frame(pfn);

		count[frame->kind % KINDS]++;
		shared += frame->nmaps > 1;
		dirty += (frame->flags & EXO_FRAME_DIRTY) != 0;
	}
	for (unsigned kind = 0; kind < KINDS; kind++) {
		if (count[kind])
			exo_printf("%c %14s %8lu frames\n", kind_letter[kind], kind_name[kind],
				count[kind]);
	}
	exo_printf("%lu bound more than once, %lu wait to be scrubbed\n", shared, dirty);
}

/* What data frames are for, as their owners say; others' tags are theirs to explain. */
static void
tags(void)
{
	uint64_t count[256] = { 0 };

	for (exo_pfn pfn = 0; pfn < exo_info()->frames; pfn++)
		if (exo_frame(pfn)->kind == EXO_FRAME_DATA)
			count[exo_frame(pfn)->tag]++;
	for (unsigned tag = 0; tag < 256; tag++) {
		if (count[tag])
			exo_printf("%16s %8lu frames\n",
				tag < EXO_TAGS ? tag_name[tag] : "something else", count[tag]);
	}
}

/* One letter stands for many frames: the rarest kind among them. */
static char
letter_of(exo_pfn first, uint64_t frames)
{
	unsigned best = EXO_FRAME_FREE;

	for (exo_pfn pfn = first; pfn < first + frames && pfn < exo_info()->frames; pfn++) {
		unsigned kind = exo_frame(pfn)->kind % KINDS;

		if (kind > best && kind != EXO_FRAME_ABSENT)
			best = kind;
	}
	return kind_letter[best];
}

static void
map(void)
{
	uint64_t each = (exo_info()->frames + COLUMNS * 16 - 1) / (COLUMNS * 16);
	char line[COLUMNS + 2];

	exo_printf("a letter is %lu frames:\n", each);
	for (exo_pfn pfn = 0; pfn < exo_info()->frames; pfn += each * COLUMNS) {
		for (unsigned column = 0; column < COLUMNS; column++)
			line[column] = letter_of(pfn + column * each, each);
		line[COLUMNS] = '\n';
		line[COLUMNS + 1] = '\0';
		exo_print(line);
	}
}

int
exo_main(const struct exo_start *start)
{
	(void)start;
	summary();
	tags();
	map();
	return 0;
}
