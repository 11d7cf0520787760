/* SPDX-License-Identifier: ISC */
/* The key ring, as fork sees it; exos.h has the slots. */
#ifndef EXOS_KEYS_H
#define EXOS_KEYS_H

unsigned key_slots(void);		/* slots of the ring that exist; fork copies so many */

#endif
