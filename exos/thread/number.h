/* SPDX-License-Identifier: ISC */
/*
 * Threads' numbers: they come from the server in blocks (server/tids.c), so that
 * no process and no thread of another has the same, and come back when a thread
 * has ended.
 */
#ifndef EXOS_NUMBER_H
#define EXOS_NUMBER_H

#include "../core/exos.h"

long number_take(void);			/* or -errno: the server has no more */
void number_put(u32 tid);
void numbers_forget(void);		/* in a child: they are the parent's */

#endif
