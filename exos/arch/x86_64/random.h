/* SPDX-License-Identifier: ISC */
/* One source of random words for library and server. */
#ifndef EXOS_RANDOM_H
#define EXOS_RANDOM_H

#include <stdint.h>

uint64_t random_word(void);		/* RDRAND, or the clock where there is none */

#endif
