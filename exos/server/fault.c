/* SPDX-License-Identifier: ISC */
/*
 * Exceptions of the server.  It may be in the middle of noting a store (undo.h),
 * so nothing here is noted.
 */
#include "srv.h"
#include "crash.h"
#include "undo.h"

#define PAGE_FAULT 14u

/* A page that a client shared with us and took away: there is another now, and the client is to be ended. */
static bool
page_lost(uint64_t address)
{
	uint64_t va = address & ~(EXO_PAGE_BYTES - 1);
	uint64_t at = va - (va < SRV_PUB ? SRV_COMM : SRV_PUB);
	struct exo_map m = {
		.va = va, .pfn = server_phys(lend_spare) / EXO_PAGE_BYTES, .key = ROOT_KEY,
		.op = EXO_OP_MAP | EXO_MAP_READ | EXO_MAP_WRITE,
	};

	if (at >= SH_PROCS * EXO_PAGE_BYTES || exo_map(exo_self(), &m, 1, ROOT_KEY) != 1)
		return false;
	procs[at / EXO_PAGE_BYTES].lost = any_lost = true;
	return true;
}

bool server_faulted;			/* it ended by its own doing */

void
server_fault(struct exo_save *context)
{
	if (crash_stepped(context))
		return;
	if (context->vector == PAGE_FAULT &&
		(page_lost(context->addr) || undo_grow(context->addr)))
		return;
	if (context->vector == PAGE_FAULT && robust_fault(context))
		return;
	klog_server("init: exception %u at %lx, address %lx", context->vector, context->rip,
		context->addr);
	server_faulted = true;
	exo_env_destroy(exo_self(), context->vector, ROOT_KEY);
	__builtin_trap();
}
