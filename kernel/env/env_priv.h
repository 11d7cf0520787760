/* SPDX-License-Identifier: ISC */
/* What the files of env/ share among themselves. */
#ifndef KERNEL_ENV_PRIV_H
#define KERNEL_ENV_PRIV_H

#include "env.h"

/* Commit: everything in the spec has been checked. */
struct env *
env_make(const struct exo_env_spec *spec, u64 guard_serial) REQUIRES(env_lock, mem_lock);
void act_make(struct env *env, const struct exo_act_spec *spec) REQUIRES(env_lock, mem_lock);

#endif
