/* SPDX-License-Identifier: ISC */
/*
 * The two pages that each client shares with the server.  They are the
 * client's frames, and it can release or unbind them at any moment, in the
 * middle of its request or long after.  Whatever then touches them here faults,
 * is given a page of ours to go on with, and the client is ended.
 *
 * They are bound by a key that opens what is the client's and nothing else:
 * which frames those are may have changed since the message was written, and
 * only the kernel can look and bind in one step.
 */
#include "srv.h"
#include "undo.h"
#include <errno.h>

#define SIGKILL 9

unsigned char lend_spare[EXO_PAGE_BYTES] __attribute__((aligned(4096)));
volatile bool any_lost;

static uint64_t
place(const struct proc *p, uint64_t region)
{
	return region + proc_index(p) * EXO_PAGE_BYTES;
}

static int
page_share(struct proc *p, exo_pfn pfn, uint64_t region, uint32_t perms)
{
	const exo_slot mine = KEY_FIRST_FREE + 2;
	const struct exo_key key = proc_key(p->serial);
	int error = key_forge(mine, &key);

	if (error >= 0)
		error = server_bind_by(place(p, region), pfn, perms, mine);
	exo_key_drop(mine, 1);
	return error < 0 ? -EINVAL : 0;
}

/* One of these may be ours by now: a client that marks it HEIR and lets go leaves it to us. */
void
page_drop(uint64_t va)
{
	struct exo_map m = { .va = va, .op = EXO_OP_UNMAP | EXO_MAP_RELEASE, .key = ROOT_KEY };

	if (EXO_PTE_PFN(exo_pte(va)) == server_phys(lend_spare) / EXO_PAGE_BYTES ||
		exo_map(exo_self(), &m, 1, ROOT_KEY) < 0)
		server_unbind(va);
}

int
proc_lend(struct proc *p, exo_pfn comm, exo_pfn pub)
{
	int error = page_share(p, comm, SRV_COMM, EXO_MAP_READ | EXO_MAP_WRITE);

	p->lent = true;
	if (!error)
		error = page_share(p, pub, SRV_PUB, EXO_MAP_READ);
	return error;
}

void
proc_lend_end(struct proc *p)
{
	if (!p->lent)
		return;
	later(LATER_UNLEND, place(p, SRV_COMM), 0);
	later(LATER_UNLEND, place(p, SRV_PUB), 0);
	p->lent = p->lost = false;
}

void
proc_doom(struct proc *p)
{
	p->lost = any_lost = true;
}

bool
proc_any_lost(void)
{
	return any_lost;
}

/* The end of one may doom others. */
void
proc_end_lost(void)
{
	while (any_lost) {
		any_lost = false;
		for (unsigned i = 0; i < proc_rows; i++)
			if (procs[i].lost)
				proc_end(&procs[i], SIGKILL);
	}
}
