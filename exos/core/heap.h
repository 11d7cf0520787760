/* SPDX-License-Identifier: ISC */
#ifndef EXOS_CORE_HEAP_H
#define EXOS_CORE_HEAP_H

#include <stdint.h>

uint64_t heap_bytes(void);		/* mapped at EXOS_HEAP: what fork copies */

#endif
