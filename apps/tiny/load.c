/* SPDX-License-Identifier: ISC */
/* The program: a static ELF file in frames that were given, copied to where it wants to be. */
#include "tiny.h"

#define FILE_AT 0x48000000ull
#define STACK_BYTES (256u << 10)
#define SEGMENTS 16u

struct header {
	uint8_t magic[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, segments_at, sections_at;
	uint32_t flags;
	uint16_t bytes, segment_bytes, segments;
};

struct segment {
	uint32_t type, flags;
	uint64_t offset, va, pa, file_bytes, bytes, align;
};

static bool
file_view(void)
{
	for (uint64_t n = 0; n < given->frames; n++)
		if (!page_bind(FILE_AT + n * EXO_PAGE_BYTES, given->first_pfn + n, EXO_MAP_READ))
			return false;
	return true;
}

static bool
segment_ok(const struct segment *s)
{
	return s->file_bytes <= s->bytes && s->offset <= given->program_bytes &&
		s->file_bytes <= given->program_bytes - s->offset && s->va >= EXO_PAGE_BYTES &&
		s->bytes < 0x20000000 && s->va < 0x20000000;	/* below Tiny itself */
}

/* Writable and executable alike: who wants more protection asks another library. */
static bool
segment_load(const struct segment *s, uint64_t *end)
{
	uint64_t from = s->va & -EXO_PAGE_BYTES, to;

	from = from < *end ? *end : from;	/* the last one's last page may be this one's first */
	to = (s->va + s->bytes + EXO_PAGE_BYTES - 1) & -EXO_PAGE_BYTES;
	if (to > from && region_make(from, to - from, EXO_MAP_WRITE | EXO_MAP_EXEC) < 0)
		return false;
	*end = to > *end ? to : *end;
	__builtin_memcpy((void *)s->va, (const void *)(FILE_AT + s->offset), s->file_bytes);
	return true;
}

/* As Linux has it, so that a program built for that finds its arguments: count, strings, NULL, NULL, no vector. */
static uint64_t
stack_make(uint64_t top)
{
	uint64_t *words;
	uint32_t count = given->argc;

	top -= EXO_START_STRINGS;
	__builtin_memcpy((void *)top, given->strings, EXO_START_STRINGS);
	words = (uint64_t *)(top & -16ull) - ((count + 6) | 1) - 1;
	words[0] = count;
	for (uint32_t n = 0; n < count; n++)
		words[1 + n] = top + (uint64_t)(exo_arg(given, n) - given->strings);
	for (uint32_t n = 0; n < 4; n++)
		words[1 + count + n] = 0;
	return (uint64_t)words;
}

const char *
program_load(void)
{
	const struct header *h = (const struct header *)FILE_AT;
	const struct segment *s;
	uint64_t end = 0;
	int64_t stack;

	if (given->program_bytes < sizeof(*h) || !file_view())
		return "is no program";
	if (__builtin_memcmp(h->magic, "\177ELF\2\1", 6) != 0 || h->type != 2 || h->machine != 62)
		return "is no static program for this processor";
	if (h->segment_bytes != sizeof(*s) || h->segments > SEGMENTS ||
		h->segments_at > EXO_PAGE_BYTES - h->segments * sizeof(*s))
		return "has headers that Tiny does not read";
	s = (const struct segment *)(FILE_AT + h->segments_at);
	for (unsigned n = 0; n < h->segments; n++)
		if (s[n].type == 1 && (!segment_ok(&s[n]) || !segment_load(&s[n], &end)))
			return "does not fit below 512 MiB";
	stack = region_make(0, STACK_BYTES, EXO_MAP_WRITE);
	if (stack < 0)
		return "does not fit";
	return task_make(h->entry, (uint64_t)stack,
		stack_make((uint64_t)stack + STACK_BYTES), 0) == 0 ? NULL : "is no first";
}
