/* SPDX-License-Identifier: ISC */
/* Extended attributes in a block.  Entries are not aligned: their heads are read and written bytewise. */
#include "attrs.h"

#define HEAD (offsetof(struct attr, text))

_Static_assert(_Alignof(struct attr) <= 2, "entries are padded to two bytes");

static size_t
size_of(const struct attr *a)
{
	return (HEAD + a->name_bytes + a->value_bytes + 1) & ~(size_t)1;
}

static size_t
end_of(const void *block)
{
	const struct attr *a = NULL, *last = NULL;

	while ((a = attrs_next(block, a)) != NULL)
		last = a;
	return last ? (size_t)((const char *)last - (const char *)block) + size_of(last) : 0;
}

const struct attr *
attrs_next(const void *block, const struct attr *after)
{
	const char *at = after ? (const char *)after + size_of(after) : block;
	const struct attr *a = (const struct attr *)at;

	if ((size_t)(at - (const char *)block) + HEAD > ATTRS_BYTES || a->name_bytes == 0)
		return NULL;
	return a;
}

const struct attr *
attrs_find(const void *block, const char *name, size_t bytes)
{
	const struct attr *a = NULL;

	while ((a = attrs_next(block, a)) != NULL)
		if (a->name_bytes == bytes && __builtin_memcmp(a->text, name, bytes) == 0)
			return a;
	return NULL;
}

void
attrs_remove(void *block, const char *name, size_t bytes)
{
	const struct attr *a = attrs_find(block, name, bytes);
	size_t end = end_of(block), at, gap;

	if (!a)
		return;
	at = (size_t)((const char *)a - (const char *)block);
	gap = size_of(a);
	__builtin_memmove((char *)block + at, (char *)block + at + gap, end - at - gap);
	__builtin_memset((char *)block + end - gap, 0, gap);
}

bool
attrs_set(void *block, const char *name, size_t bytes, const void *value, size_t value_bytes)
{
	const struct attr *old = attrs_find(block, name, bytes);
	size_t need = (HEAD + bytes + value_bytes + 1) & ~(size_t)1, end = end_of(block);
	struct attr *a;

	if (end - (old ? size_of(old) : 0) + need > ATTRS_BYTES)
		return false;
	attrs_remove(block, name, bytes);
	end = end_of(block);
	a = (struct attr *)((char *)block + end);
	a->value_bytes = (uint16_t)value_bytes;
	a->name_bytes = (uint8_t)bytes;
	a->spare = 0;
	__builtin_memcpy(a->text, name, bytes);
	__builtin_memcpy(a->text + bytes, value, value_bytes);
	return true;
}
