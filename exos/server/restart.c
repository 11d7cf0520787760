/* SPDX-License-Identifier: ISC */
/*
 * The server in an environment that is not its first (keeper.c): memory is as
 * the last one left it, and what ended with that is made again: activations,
 * slices, the keys that it held for letters on their way.  Clients, who read its
 * name in the shared region, wait for the new one and ask again (core/server.c).
 */
#include "srv.h"
#include "keeper.h"
#include "undo.h"

/* The last one may have ended while it did this itself. */
static void
take_back(struct serving *busy)
{
	if (busy && undo_noted() && busy->op)
		busy->answered = false;
	klog_server("init: begun anew; %lu notes of %s %u", undo_noted(),
		busy && busy->op ? "operation" : "the loop", busy ? busy->op : 0);
	undo_all(busy && busy->op ? busy->env : 0);
	for (uint32_t cpu = 0; cpu < SH_CPUS; cpu++)
		redo_keep(&server_serves[cpu], busy == &server_serves[cpu]);
}

void
server_recover(void)
{
	struct sh_info *sh = server_shared_info();

	proc_counted(exo_env(sh->server));
	if (undo_lost()) {
		klog_server("init: there were more changes than can be taken back");
		exo_machine_off(1, ROOT_KEY);
	}
	take_back(sh->busy_on ? &server_serves[sh->busy_on - 1] : NULL);
	later_run(true);
	sh->busy_on = 0;
	procs[0].sh->env = exo_self();
	flight_recover();
	share_recover();
	robust_recover();
	__atomic_store_n(&sh->server, exo_self(), __ATOMIC_RELEASE);
	server_changed();
}
