/* SPDX-License-Identifier: ISC */
/*
 * Directory blocks: 4096 bytes of entries (server/fsmeta.h).  Pure functions
 * over one block; the server changes blocks with them, libraries read with
 * them.  A reader may see a block in the middle of a change, so every step is
 * bounded and nothing outside the block is touched, whatever is in it.
 */
#ifndef EXOS_DIRBLOCK_H
#define EXOS_DIRBLOCK_H

#include <stddef.h>
#include <stdint.h>
#include "../server/fsmeta.h"

#define DIRBLOCK_BYTES 4096u
#define DIRBLOCK_FIRST 128u		/* where entries begin, behind the filter */

uint32_t dir_hash(const char *name, size_t bytes);
/* What an entry with such a name takes up. */
uint32_t dirent_bytes(size_t name_bytes);

/* The entry at *offset, which moves behind it; NULL at the end or where the block makes no sense. */
const struct fs_dirent *dirblock_next(const void *block, uint32_t *offset);
/* Offset of the entry, or -1. */
int dirblock_find(const void *block, const char *name, size_t bytes, uint32_t hash);

void dirblock_init(void *block);
/* 0, or -1: no room. */
int dirblock_insert(void *block, uint32_t ino, uint8_t type, const char *name, size_t bytes);
void dirblock_remove(void *block, uint32_t offset);

#endif
