/* SPDX-License-Identifier: ISC */
/* What adversaries share that do something or other, and whose faults are nobody's mistake. */
#ifndef FIGHT_H
#define FIGHT_H

#include "t.h"

#define LAST (exo_info()->cpus - 1)

extern const char t_fixup[];
uint64_t t_touch_read(uint64_t va, uint64_t *value);
uint64_t t_touch_write(uint64_t va, uint64_t value);

static inline uint64_t
draw(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	return *seed ^= *seed << 17;
}

/* For exo_on_exception: what was touched is not there, and the toucher goes on. */
static inline void
fault_over(struct exo_save *context)
{
	context->rip = (uint64_t)t_fixup;
	context->rax = 1;
}

#endif
