/* SPDX-License-Identifier: ISC */
/* The door of the library, for what makes activations and takes them away. */
#ifndef EXOS_DOOR_H
#define EXOS_DOOR_H

#include "act.h"

struct act *act_own(void);		/* this CPU's, also of who is not inside */
void door_take(struct act *own);	/* in; may take a while */
void door_give(void);			/* out, and whoever is to be woken is */
void door_wakes(u32 cpu);
void door_close(void);			/* who was alone is inside from now on */
void door_open(void);			/* and is alone again */

#endif
