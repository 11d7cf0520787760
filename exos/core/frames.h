/* SPDX-License-Identifier: ISC */
/* Frames: what only the parts that build address spaces need (fork, page faults). */
#ifndef EXOS_FRAMES_H
#define EXOS_FRAMES_H

#include "exos.h"

typedef int64_t i64;

exo_pfn own_account(void);
int account_more(exo_pfn account, u64 frames);	/* raise its limit: 0 or -ENOMEM */
void frames_reaped(void);			/* a child's are free again: look there first */
int frames_claim_for(exo_pfn account, unsigned run, exo_pfn *first);
int table_install(exo_envid env, exo_pfn account, u64 va, unsigned level);	/* there already: 0 */

#endif
