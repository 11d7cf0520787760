/* SPDX-License-Identifier: ISC */
/* What the calls that wait for several files have in common: deadlines and signal masks (poll.c). */
#ifndef EXOS_LINUX_WAITS_H
#define EXOS_LINUX_WAITS_H

#include "../core/exos.h"

/* Deadlines for clock_ns(); 0 is none. */
u64 deadline_ms(long timeout_ms);			/* negative: none */
int timeout_get(u64 user, u64 *deadline);		/* a timespec, or NULL: 0 or -errno */
/* A signal mask for the time of waiting (user NULL: none).  After -EINTR it is put back at delivery. */
int mask_for_wait(u64 user);
void mask_back(long result);

#endif
