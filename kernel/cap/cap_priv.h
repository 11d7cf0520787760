/* SPDX-License-Identifier: ISC */
/* What the files of cap/ share. */
#ifndef KERNEL_CAP_PRIV_H
#define KERNEL_CAP_PRIV_H

#include "cap.h"

/* A number never drawn before, for identities and generations of guards. */
u64 guard_serial_draw(void) REQUIRES(mem_lock);

/* Key calls touch rings and guards. */
static inline void
cap_enter(void) ACQUIRE(env_lock, mem_lock)
{
	lock_acquire(&env_lock);
	mem_acquire();
}

static inline i64
cap_leave(i64 result) RELEASE(env_lock, mem_lock)
{
	mem_release();
	lock_release(&env_lock);
	return result;
}

#endif
