/* SPDX-License-Identifier: ISC */
/* The heap, as fork sees it; exos.h has xalloc and xfree. */
#ifndef EXOS_CORE_HEAP_H
#define EXOS_CORE_HEAP_H

#include <stdint.h>

#define HEAP_RANGES 2u
uint64_t heap_range(unsigned which, uint64_t *bytes);	/* where it is, and how much of it is mapped: what fork copies */

#endif
