/* SPDX-License-Identifier: ISC */
/*
 * The boot archive: a flat table of files whose contents are page aligned, so
 * that its frames serve as file frames in place.  Written by tools/mkarchive.py;
 * read by the kernel (one file: EXO_ARCHIVE_INIT) and by init (all).
 *
 *   header | entries[count] | names and link targets | page-aligned contents
 */
#ifndef EXO_ARCHIVE_H
#define EXO_ARCHIVE_H

#include <stdint.h>

#define EXO_ARCHIVE_MAGIC 0x3152414f5845ull	/* "EXOAR1" */
#define EXO_ARCHIVE_INIT "boot/init"

struct exo_archive {
	uint64_t magic;
	uint64_t bytes;			/* of the whole archive, a multiple of the page size */
	uint32_t count;			/* entries follow the header */
	uint32_t names;			/* offset of the string area */
	uint32_t names_bytes;
	uint32_t spare;
};

struct exo_archive_entry {		/* 64 bytes; sorted so that a directory precedes what is in it */
	uint32_t name;			/* offset in the string area; no leading slash, NUL terminated */
	uint32_t name_bytes;		/* without the NUL */
	uint32_t mode;			/* as st_mode: type and permissions */
	uint32_t uid, gid;
	uint32_t link;			/* symlink: offset of the target in the string area;
					 * hard link: entry index + 1 of the first name; else 0 */
	uint64_t mtime_ns;
	uint64_t data;			/* regular: offset of the contents, page aligned */
	uint64_t bytes;			/* regular: size; device: rdev */
	uint64_t spare[2];
};

_Static_assert(sizeof(struct exo_archive) == 32, "archive header");
_Static_assert(sizeof(struct exo_archive_entry) == 64, "archive entry");

/* Where the kernel puts init, the one program that it loads. */
#define EXO_BOOT_UAREA 0x0000000010000000ull	/* its u-area; its ELF segments lie below this */

#endif
