/* SPDX-License-Identifier: ISC */
/*
 * Names for addresses, for panics.  The table is made by tools/mksyms.py from
 * a first link of the same objects; text does not move between the two links,
 * because the table lies behind it.  In the first link it is empty.
 */
#include "boot.h"

struct symbol { u32 offset, name; };	/* from the image's start, in the names */

extern const u32 symbols_count __attribute__((weak));
extern const struct symbol symbols[] __attribute__((weak));
extern const char symbols_names[] __attribute__((weak));
extern u8 kernel_start[], text_end[];

bool
symbol_at(u64 address, const char **name, u64 *offset)
{
	u32 low = 0, high;
	u64 at = address - (u64)kernel_start;

	if (address < (u64)kernel_start || address >= (u64)text_end || &symbols_count == NULL)
		return false;
	high = symbols_count;
	while (high - low > 1) {
		u32 middle = low + (high - low) / 2;

		if (symbols[middle].offset <= at)
			low = middle;
		else
			high = middle;
	}
	if (high == 0)
		return false;
	*name = &symbols_names[symbols[low].name];
	*offset = at - symbols[low].offset;
	return true;
}
