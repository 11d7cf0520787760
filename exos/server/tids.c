/* SPDX-License-Identifier: ISC */
/*
 * Numbers for threads, in blocks out of the pids: a library makes and ends its
 * threads without asking, but their numbers must be nobody else's, and whoever
 * names one is to find its process.  A block is its process's until that ends.
 */
#include "srv.h"
#include <errno.h>

#define BLOCKS (PID_MAX_ / TID_BLOCK)
#define GIVEN_MAX (BLOCKS / 2)		/* the other half is for processes */
#define ROOT_RESERVE 128u		/* blocks that users leave */
#define USER_BLOCKS (GIVEN_MAX / 2)	/* of one user's processes together, root's apart */

#define TIDS_OFF 0x000d0000ull		/* in the shared region, behind the futexes */

static uint16_t *owner;			/* there: pid; 0: nobody's */
static unsigned given;

_Static_assert(PID_MAX_ <= UINT16_MAX, "a pid is 16 bits");
_Static_assert(BLOCKS * sizeof(uint16_t) <= EXO_PAGE_BYTES, "one page");

uint32_t
tid_process(uint32_t tid)
{
	return tid < PID_MAX_ && owner ? owner[tid / TID_BLOCK] : 0;
}

/* Many processes ask, each for few: what counts is whose they are. */
static bool
within_bounds(const struct proc *p)
{
	const uint32_t uid = p->cred->uid[CRED_REAL];
	unsigned own = 0;

	if (p->tid_blocks >= TID_BLOCKS || given >= GIVEN_MAX)
		return false;
	if (uid == 0)
		return true;
	for (unsigned i = 0; i < proc_rows; i++)
		if (procs[i].cred && procs[i].cred->uid[CRED_REAL] == uid)
			own += procs[i].tid_blocks;
	return own < USER_BLOCKS && given < GIVEN_MAX - ROOT_RESERVE;
}

/* The blocks that pids, groups' and sessions' numbers are in are told of once, not asked about one by one. */
static uint64_t taken[BLOCKS / 64];

static void
take(uint32_t pid)
{
	if (pid < PID_MAX_)
		taken[pid / TID_BLOCK / 64] |= 1ull << pid / TID_BLOCK % 64;
}

static void
find_taken(void)
{
	__builtin_memset(taken, 0, sizeof(taken));
	take(0);
	pids_in_use(take);
}

static bool
owners_ready(void)
{
	if (!owner && shared_back(TIDS_OFF, 1) == 0) {
		owner = (uint16_t *)shared_at(TIDS_OFF);
		server_shared_info()->tids_off = TIDS_OFF;
	}
	return owner;
}

/* One look round all blocks at the most. */
long
tids_request(struct proc *p)
{
	static unsigned next;

	if (!within_bounds(p) || !owners_ready())
		return -EAGAIN;
	find_taken();
	if (next * TID_BLOCK < pid_next())
		next = (pid_next() + TID_BLOCK - 1) / TID_BLOCK;
	for (unsigned tried = 0; tried < BLOCKS; tried++) {
		const unsigned block = next++ % BLOCKS;

		if (next >= BLOCKS)
			next = 0;
		if (owner[block] || taken[block / 64] >> block % 64 & 1)
			continue;
		owner[block] = (uint16_t)p->sh->pid;
		p->tid_blocks++;
		given++;
		return (long)block * TID_BLOCK;
	}
	return -EAGAIN;
}

void
tids_release(struct proc *p)
{
	for (unsigned block = 0; block < BLOCKS && p->tid_blocks; block++) {
		if (owner[block] != p->sh->pid)
			continue;
		owner[block] = 0;
		p->tid_blocks--;
		given--;
	}
}
