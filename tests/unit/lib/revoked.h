/* SPDX-License-Identifier: ISC */
/* What the units of revocation begin with: root arbitrates, alice and bob are told. */
#ifndef REVOKED_H
#define REVOKED_H

#include "fake.h"

#define VA 0x400000ull
#define RW (EXO_OP_MAP | EXO_MAP_WRITE)
#define SOON (fake_now + EXO_REPOSSESS_NS)
enum { K_ARBITER = K_FREE + 1 };	/* root's, for all frames */

static inline i64
map1(struct env *env, u64 va, exo_pfn pfn, u32 op)
{
	const struct exo_map map = { .va = va, .pfn = pfn, .op = op, .key = K_OWN };

	return sys_map(env, env->id, user(&map), 1, 0);
}

static inline void
begin(void)
{
	fake_start();
	fake_now = 1000000000;
	fake_told = (struct fake_told){ 0 };
	fake_key(root, K_ARBITER, "A", EXO_C);
	fake_tables(alice, VA);
	fake_tables(bob, VA);
	must(sys_account_watch(alice, alice_account, alice->id, K_OWN, 0) == 0);
	must(sys_account_watch(bob, bob_account, bob->id, K_OWN, 0) == 0);
}

static inline i64
take(exo_pfn pfn)
{
	return sys_repossess_take(root, pfn, K_ARBITER);
}

#endif
