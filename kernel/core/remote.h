/* SPDX-License-Identifier: ISC */
/* What other resources ask of other CPUs; remote.c has the story. */
#ifndef KERNEL_REMOTE_H
#define KERNEL_REMOTE_H

#include "core.h"

/* Translations of the space of that root (0: of all) are forgotten by all other CPUs. */
void cpus_flush(exo_pfn space_root) REQUIRES(mem_lock);

/* A word has changed that somebody on another CPU may wait for: those that sleep look again. */
void cpus_wake_others(void);
static inline void
cpus_wake(void)
{
	if (cpus_count > 1)
		cpus_wake_others();
}

#endif
