/* SPDX-License-Identifier: ISC */
/* The global state that belongs to no resource: the big locks and the info table. */
#include "core.h"

struct lock env_lock = LOCK_INIT("env", RANK_ENV, EXO_LOCK_ENV);
struct lock mem_lock = LOCK_INIT("mem", RANK_MEM, EXO_LOCK_MEM);
struct lock dev_lock = LOCK_INIT("dev", RANK_DEV, EXO_LOCK_DEV);

struct exo_info *info;			/* [I] but for the counters of mem/ and env/ */
