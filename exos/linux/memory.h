/* SPDX-License-Identifier: ISC */
/* What the files of Linux's memory calls share. */
#ifndef EXOS_LINUX_MEMORY_H
#define EXOS_LINUX_MEMORY_H

#include "../vm/vm.h"

/* A range of whole pages in the program's part: 0, -EINVAL: not aligned, -ENOMEM: elsewhere. */
int memory_range(u64 start, u64 bytes);
/* The region at `start`, and where it or the range ends; NULL: a gap. */
static inline const struct region *
memory_part(u64 start, u64 end, u64 *stop)
{
	const struct region *r = regions_find(&vm.regions, start);

	*stop = r && r->end < end ? r->end : end;
	return r;
}

#endif
