/* SPDX-License-Identifier: ISC */
/* What the whole run used: counts of the living from their table entries, of the dead kept here. */
#include "srv.h"

static struct proc_counts gone;		/* of environments that are no more */

static void
count_add(struct proc_counts *sum, const volatile struct exo_env *e)
{
	sum->calls += e->calls;
	sum->upcalls += e->upcalls;
	sum->faults += e->faults;
	sum->reflected += e->reflected;
	sum->transfers += e->transfers;
	sum->slices += e->slices;
}

void
proc_count(struct proc_counts *sum)
{
	*sum = gone;
	count_add(sum, exo_env(exo_self()));
	for (unsigned i = 0; i < proc_rows; i++) {
		const volatile struct exo_env *e = exo_env(procs[i].sh->env);

		if (e && e->id && e->id != exo_self() && !procs[i].reaping)
			count_add(sum, e);
	}
}

/* An environment is about to go. */
void
proc_counted(const volatile struct exo_env *e)
{
	count_add(&gone, e);
}
