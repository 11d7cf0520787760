/* SPDX-License-Identifier: ISC */
/*
 * From one CPU to another.  The server says where a process is wanted
 * (cpu_wanted of its row) and posts; the library goes there when it is about
 * to return to the program, and so does a call for it: sched_setaffinity.
 */
#ifndef EXOS_MOVE_H
#define EXOS_MOVE_H

#include "../core/exos.h"

extern bool move_asked;			/* to be looked at when the library leaves */
void move_check(void);			/* what was posted may be that it is to move */
void move_now(void);			/* there, or nothing has changed: the server will ask again */
void move_fork_child(void);

#endif
