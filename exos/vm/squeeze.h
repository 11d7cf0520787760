/* SPDX-License-Identifier: ISC */
/*
 * Pages made small: runs of bytes that came before are named by how far back
 * they began.  Pure; the unit tests run it on the host.
 *
 *	0nnnnnnn                        n + 1 bytes follow as they are
 *	1nnnnnnn oooooooo mmmmoooo      m << 7 | n, and 4 more, from o bytes back
 */
#ifndef EXOS_SQUEEZE_H
#define EXOS_SQUEEZE_H

#include <stdbool.h>
#include <stdint.h>

#define SQUEEZE_PAGE 4096u

/* How many bytes were written; 0: it does not fit.  Takes a KiB of stack. */
unsigned squeeze(uint8_t *out, unsigned room, const uint8_t *page);
/* False: these are no page's. */
bool unsqueeze(uint8_t *page, const uint8_t *in, unsigned bytes);
bool squeeze_zero(const void *page);		/* nothing but zeroes */

#endif
