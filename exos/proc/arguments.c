/* SPDX-License-Identifier: ISC */
/*
 * What exec is given: strings, collected in pages at EXOS_ARGUMENTS, outside of
 * the memory that goes; and the first line of a script, which puts some in front.
 */
#include "proc.h"
#include "../linux/errno.h"

#define STRINGS AT(char, EXOS_ARGUMENTS)
#define STRING_MAX (128u << 10)
#define RW (EXO_MAP_READ | EXO_MAP_WRITE)

/* ---- arguments ----------------------------------------------------------------------- */

int
arguments_begin(struct arguments *args)
{
	*args = (struct arguments){ .strings = STRINGS };
	return 0;
}

/* Pages up to `bytes`. */
int
arguments_room(struct arguments *args, u32 bytes)
{
	if (bytes > STRINGS_BYTES)
		return -E2BIG;
	while (args->room < bytes) {
		u64 va = (u64)STRINGS + args->room;

		if (!(exo_pte_at(va, 2) & EXO_PTE_PRESENT && page_entry(va) & EXO_PTE_PRESENT) &&
			page_map_new(va, RW))
			return -ENOMEM;
		args->room += (u32)EXO_PAGE_BYTES;
	}
	return 0;
}

int
arguments_add(struct arguments *args, const char *text)
{
	u32 bytes = (u32)strlen(text) + 1;
	int error = arguments_room(args, args->bytes + bytes);

	if (error)
		return error;
	memcpy(args->strings + args->bytes, text, bytes);
	args->bytes += bytes;
	return 0;
}

/* One string of the program's, read once: it may change while we look. */
static int
collect_string(struct arguments *args, u64 address)
{
	for (;;) {
		long length = copy_in_string(args->strings + args->bytes, address,
			args->room - args->bytes);

		if (length >= 0) {
			args->bytes += (u32)length + 1;
			return length < (long)STRING_MAX ? 0 : -E2BIG;
		}
		if (length != -ENAMETOOLONG)
			return (int)length;
		if (args->room - args->bytes > STRING_MAX)
			return -E2BIG;
		length = arguments_room(args, args->room + (u32)EXO_PAGE_BYTES);
		if (length)
			return (int)length;
	}
}

static int
collect_vector(struct arguments *args, u64 vector, u32 *count)
{
	u64 address;

	if (vector == 0)
		return 0; /* Linux takes NULL for empty */
	for (;; vector += sizeof(address)) {
		int error = copy_in(&address, vector, sizeof(address));

		if (error || address == 0)
			return error;
		error = collect_string(args, address);
		if (error)
			return error;
		(*count)++;
	}
}

int
arguments_collect(struct arguments *args, u64 argv, u64 envp)
{
	int error = collect_vector(args, argv, &args->argc);

	if (error == 0 && args->argc == 0) {
		error = arguments_add(args, "");
		args->argc = 1;
	}
	return error ? error : collect_vector(args, envp, &args->envc);
}

void
arguments_end(void)
{
	page_unmap((u64)STRINGS, STRINGS_BYTES / EXO_PAGE_BYTES);
}

/* ---- scripts ----------------------------------------------------------------------------- */

/* Put strings in front, replacing argv[0]. */
int
arguments_front(struct arguments *args, const char *const *front, unsigned count)
{
	u32 first = args->argc ? (u32)strlen(args->strings) + 1 : 0, bytes = 0, at = 0;
	int error;

	for (unsigned n = 0; n < count; n++)
		bytes += (u32)strlen(front[n]) + 1;
	error = arguments_room(args, args->bytes + bytes);
	if (error)
		return error;
	memmove(args->strings + bytes, args->strings + first, args->bytes - first);
	for (unsigned n = 0; n < count; n++) {
		u32 length = (u32)strlen(front[n]) + 1;

		memcpy(args->strings + at, front[n], length);
		at += length;
	}
	args->bytes = args->bytes - first + bytes;
	args->argc = args->argc - (args->argc != 0) + count;
	return 0;
}

static char *
skip_blanks(char *s)
{
	while (*s == ' ' || *s == '\t')
		s++;
	return s;
}

/*
 * "#! interpreter [one argument]" in the first SCRIPT_BYTES, which the caller
 * has filled up with NULs and which are changed.  The name must end there; the
 * argument is cut off.  NULL: no interpreter named.
 */
char *
script_line(char *line, char **argument)
{
	char *name = skip_blanks(line + 2), *end = strchr(name, '\n'), *behind;
	const bool whole = end != NULL;

	end = whole ? end : name + strlen(name);
	while (end > name && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	for (behind = name; *behind && *behind != ' ' && *behind != '\t'; behind++)
		;
	if ((whole && !*name) || (!whole && behind == line + SCRIPT_BYTES - 1))
		return NULL;
	*argument = NULL;
	if (*behind) {
		*behind = '\0';
		*argument = skip_blanks(behind + 1);
	}
	return name;
}
