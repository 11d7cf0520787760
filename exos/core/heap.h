/* SPDX-License-Identifier: ISC */
/* The heap, as fork sees it; exos.h has xalloc and xfree. */
#ifndef EXOS_CORE_HEAP_H
#define EXOS_CORE_HEAP_H

#include <stdint.h>

uint64_t heap_bytes(void);		/* mapped at EXOS_HEAP: what fork copies */

#endif
