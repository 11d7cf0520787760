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

static uint16_t owner[BLOCKS];		/* pid; 0: nobody's */
static unsigned given;

_Static_assert(PID_MAX_ <= UINT16_MAX, "a pid is 16 bits");

uint32_t
tid_process(uint32_t tid)
{
	return tid < PID_MAX_ ? owner[tid / TID_BLOCK] : 0;
}

static bool
block_free(unsigned block)
{
	if (block == 0 || owner[block])
		return false;
	for (uint32_t pid = block * TID_BLOCK; pid < (block + 1) * TID_BLOCK; pid++)
		if (pid_in_use(pid))
			return false;
	return true;
}

/* One look round all blocks at the most; where many are taken the next request goes on. */
long
tids_request(struct proc *p)
{
	static unsigned next;
	const unsigned most = p->cred->uid[CRED_REAL] ? GIVEN_MAX - ROOT_RESERVE : GIVEN_MAX;

	if (p->tid_blocks >= TID_BLOCKS || given >= most)
		return -EAGAIN;
	if (next * TID_BLOCK < pid_next())
		next = (pid_next() + TID_BLOCK - 1) / TID_BLOCK;
	for (unsigned tried = 0; tried < BLOCKS; tried++) {
		const unsigned block = next++ % BLOCKS;

		if (next >= BLOCKS)
			next = 0;
		if (!block_free(block))
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
