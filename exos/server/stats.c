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

/* What all frames are for: as their owners' tags say, and page tables with their links. */
unsigned
stats_frames(char *text, unsigned room)
{
	static const char *const name[EXO_TAGS] = { "not said", "anonymous", "files", "code",
		"of libraries", "metadata", "objects", "of servers" };
	uint64_t tagged[EXO_TAGS] = { 0 }, tables = 0;
	size_t n = 0;

	for (exo_pfn pfn = 0; pfn < exo_info()->frames; pfn++) {
		const volatile struct exo_frame *f = exo_frame(pfn);

		tagged[f->tag < EXO_TAGS ? f->tag : 0] += f->kind == EXO_FRAME_DATA;
		tables += f->kind >= EXO_FRAME_PT1 && f->kind <= EXO_FRAME_LINKS;
	}
	for (unsigned tag = 1; tag < EXO_TAGS; tag++)
		n += exo_snprintf(text + n, room - n, "frames, %s %lu\n", name[tag],
			(unsigned long)tagged[tag]);
	n += exo_snprintf(text + n, room - n, "frames, page tables %lu\n", (unsigned long)tables);
	return (unsigned)n;
}
