/* SPDX-License-Identifier: ISC */
/*
 * Is the boot archive what include/exo/archive.h says?  Asked once, before
 * anything in it is used: whoever reads it afterwards need not ask again
 * whether a name ends or contents lie inside.  What only the tree can tell
 * (names twice, contents shared) fsboot.c sees.
 */
#include "server.h"
#include "archive.h"
#include "../linux/abi.h"

static const char *
name_wrong(const char *name, uint32_t bytes)
{
	uint32_t at = 0;

	if (bytes == 0 || bytes >= LINUX_PATH_MAX)
		return "a name of the boot archive is empty or too long";
	while (at <= bytes) {
		uint32_t end = at;

		while (end < bytes && name[end] != '/' && name[end])
			end++;
		if (end < bytes && !name[end])
			return "a name of the boot archive ends before its end";
		if (end == at || (name[at] == '.' && end - at == 1) ||
			(name[at] == '.' && name[at + 1] == '.' && end - at == 2))
			return "a name of the boot archive has an empty part, . or ..";
		at = end + 1;
	}
	return name[bytes] ? "a name of the boot archive does not end" : NULL;
}

static bool
type_known(uint32_t mode)
{
	const uint32_t type = mode & S_IFMT;

	return !(mode & ~(S_IFMT | 07777u)) && (type == S_IFREG || type == S_IFDIR ||
		type == S_IFLNK || type == S_IFCHR || type == S_IFBLK || type == S_IFIFO);
}

static const char *
entry_wrong(const struct exo_archive *a, const struct exo_archive_entry *e, uint32_t index)
{
	const char *strings = (const char *)a + a->names;
	const uint64_t begin = (uint64_t)a->names + a->names_bytes;

	if (e->name >= a->names_bytes || e->name_bytes >= a->names_bytes - e->name)
		return "a name of the boot archive lies outside it";
	if (!type_known(e->mode))
		return "the boot archive has a file of no known type";
	if (S_ISLNK(e->mode) && (e->link >= a->names_bytes || strings[e->link] == '\0' ||
		__builtin_strlen(strings + e->link) >= LINUX_PATH_MAX))
		return "a link of the boot archive leads nowhere";
	if (S_ISREG(e->mode) && e->link > index)
		return "a name of the boot archive is of a file that comes later";
	if (S_ISREG(e->mode) && e->bytes && (e->link || e->data % EXO_PAGE_BYTES ||
		e->data < begin || e->data > a->bytes || e->bytes > a->bytes - e->data))
		return "contents in the boot archive lie where they must not";
	return name_wrong(strings + e->name, e->name_bytes);
}

const char *
archive_wrong(const struct exo_archive *a, uint64_t bytes)
{
	const struct exo_archive_entry *e = (const struct exo_archive_entry *)(a + 1);
	const char *wrong = NULL;

	if (bytes < sizeof(*a) || a->magic != EXO_ARCHIVE_MAGIC)
		return "there is no boot archive";
	if (a->bytes > bytes || a->bytes < sizeof(*a) || a->bytes % EXO_PAGE_BYTES)
		return "the boot archive is cut off";
	if (a->count > (a->bytes - sizeof(*a)) / sizeof(*e) || a->names > a->bytes ||
		a->names < sizeof(*a) + a->count * sizeof(*e) ||
		a->names_bytes > a->bytes - a->names)
		return "the boot archive's tables lie outside it";
	if (a->count && (!a->names_bytes || ((const char *)a)[a->names + a->names_bytes - 1]))
		return "the boot archive's names do not end";
	for (uint32_t i = 0; i < a->count && !wrong; i++)
		wrong = entry_wrong(a, &e[i], i);
	return wrong;
}
