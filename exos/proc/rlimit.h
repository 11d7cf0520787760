/* SPDX-License-Identifier: ISC */
/* Resource limits of this process: Linux's RLIMIT_* by another name. */
#ifndef EXOS_RLIMIT_H
#define EXOS_RLIMIT_H

#include "../core/exos.h"

enum limit {
	LIMIT_CPU,
	LIMIT_FSIZE,
	LIMIT_DATA,
	LIMIT_STACK,
	LIMIT_CORE,
	LIMIT_RSS,
	LIMIT_NPROC,
	LIMIT_NOFILE,
	LIMIT_MEMLOCK,
	LIMIT_AS,
	LIMIT_LOCKS,
	LIMIT_SIGPENDING,
	LIMIT_MSGQUEUE,
	LIMIT_NICE,
	LIMIT_RTPRIO,
	LIMIT_RTTIME,
	LIMITS
};

#define LIMIT_NONE (~0ull)

u64 limit_soft(unsigned which);
void limit_new_user(void);		/* the real user changed: NPROC is looked at by the next exec */
bool limit_exec(void);			/* is one allowed? */

#endif
