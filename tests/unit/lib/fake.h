/* SPDX-License-Identifier: ISC */
/*
 * A machine in one array, for kernel/mem and kernel/cap on the host: physical
 * memory, locks that know their rank, environments, and a translation cache
 * that remembers what it was not told to forget.
 *
 * Three environments are in it.  root holds the root key; alice and bob have
 * an account each, under guards that their named keys open.  Slots of every
 * ring: see K_*.
 */
#ifndef FAKE_H
#define FAKE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../../../kernel/mem/mem_priv.h"
#include "../../../kernel/cap/cap.h"
#include "../../../kernel/env/env.h"
#include <kernel/syscalls.h>

#define FRAMES 2048u
#define HOLE_BEGIN 1024u			/* frames 1024..1039 are no memory */
#define HOLE_END 1040u
#define KERNEL_PFN 2u
#define TRACE_PFN 4u
#define MMIO_PFN 0x100000u			/* one page of device memory that may be mapped */
#define ALICE_LIMIT 600u
#define BOB_LIMIT 400u

enum {
	K_OWN,
	K_OTHER,
	K_WEAK,
	K_FREE,
	K_EMPTY = 100,
	K_OUTSIDE = 5000
}; /* K_FREE .. 99: the test's */

extern struct env *root, *alice, *bob;
extern exo_pfn root_account, alice_account, bob_account;
extern exo_guardref alice_guard, bob_guard;

/* The clock, and what environments were last told of revocations. */
extern u64 fake_now;
extern struct fake_told {
	const struct env *env;
	exo_pfn pfn;
	u64 deadline;
	unsigned times;
	u64 owed;
} fake_told;

void fake_start(void);				/* everything anew */
struct env *fake_env(u32 slot, exo_pfn account);
void fake_die(struct env *env);
exo_pfn fake_free(void);			/* a free frame; they never run out in tests that ask so */
exo_pfn fake_free_run(unsigned count);		/* first of several in a row */
exo_pfn fake_own(const struct env *env);	/* a fresh data frame of its account */
exo_pfn fake_own_run(const struct env *env, unsigned count);
exo_guardref fake_guard(const struct env *env, const char *name, u32 rights);	/* one entry */
void fake_key(const struct env *env, exo_slot slot, const char *name, u32 rights);
void fake_tables(struct env *env, u64 va);	/* whatever is missing down to level 1 */
u64 *fake_pte(const struct env *env, u64 va);	/* NULL: no table */
u64 fake_unused(void);				/* free frames now */

/* Bytes through a mapping, as the hardware would go, right or fault. */
bool fake_touch(const struct env *env, u64 va, bool write);
/* The running environment's cached translations must not allow more than its tables do. */
void fake_tlb_check(const struct env *env);
extern unsigned fake_flushes_va, fake_flushes_all;
/* With cpus_count above 1: how often other CPUs were told to forget, and whose space (0: all) the last time. */
extern void (*fake_part)(bool taken);	/* called while a part of mem_lock is held: first, and last */
extern unsigned fake_flushes_others;
extern exo_pfn fake_flushed;
extern u64 fake_flushed_free;			/* frames that others could claim at that time */

/* A result; every check sweeps the invariants and sees that no lock is held. */
void gives(const char *what, i64 result, i64 expected);
#define holds(what, condition) gives(what, (condition) ? 1 : 0, 1)
int fake_end(void);				/* prints the sum */

static inline u64
user(const void *address)			/* user addresses are host addresses here; 0 faults */
{
	return (u64)(uintptr_t)address;
}

#endif
