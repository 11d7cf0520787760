/* SPDX-License-Identifier: ISC */
/*
 * A block of extended attributes: entries one behind the other, each a name
 * and a value, packed from the front.  Pure; the block is the server's alone.
 */
#ifndef EXOS_ATTRS_H
#define EXOS_ATTRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ATTRS_BYTES 4096u
#define ATTRS_NAME_MAX 255u

struct attr {				/* 0 in both: the end */
	uint16_t value_bytes;
	uint8_t name_bytes;
	uint8_t spare;
	char text[];			/* name, then value */
};

/* The entry, or NULL. */
const struct attr *attrs_find(const void *block, const char *name, size_t bytes);
/* The entry behind this one (NULL: the first), or NULL. */
const struct attr *attrs_next(const void *block, const struct attr *after);
void attrs_remove(void *block, const char *name, size_t bytes);
/* Put or replace; false: no room, and nothing is changed. */
bool attrs_set(void *block, const char *name, size_t bytes, const void *value, size_t value_bytes);

#endif
