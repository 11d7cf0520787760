/* SPDX-License-Identifier: ISC */
/* copy.S: memory that may not be there.  A fault between begin and end goes on at `fault` and gives -EFAULT. */
#ifndef EXOS_COPY_H
#define EXOS_COPY_H

#include <stdint.h>

extern const char exos_copy_begin[], exos_copy_end[], exos_copy_fault[];
long exos_copy(void *dst, const void *src, uint64_t bytes);
long exos_copy_text(char *dst, const char *src, uint64_t room);
/* One atomic step: 1, or 0 and *seen is what it was instead. */
long exos_exchange(uint32_t *word, uint32_t *seen, uint32_t value);

#endif
