/* SPDX-License-Identifier: ISC */
/*
 * How programs made their Linux calls, for --stats: what their libraries
 * counted (vm/rewrite.h), in their public pages, summed up by name when they
 * end or exec.  It is their word; nothing here depends on it.
 */
#include "srv.h"

#define NAMES 24u			/* programs; the last row stands for all others */

static struct row {
	char name[32];
	struct pub_sites sum;
} rows[NAMES];
static unsigned used;

static struct row *
row_of(const char *name)
{
	for (unsigned n = 0; n < used; n++) {
		if (__builtin_strcmp(rows[n].name, name) == 0)
			return &rows[n];
	}
	if (used < NAMES)
		exo_snprintf(rows[used].name, sizeof(rows[0].name), "%s",
			used == NAMES - 1 ? "others" : name);
	used += used < NAMES;
	return &rows[used - 1];
}

void
sites_counted(const struct proc *p)
{
	const volatile struct pub *pub = run.stats ? proc_public(p) : NULL;
	struct pub_sites *sum;

	if (!pub || (pub->sites.reflected | pub->sites.direct) == 0)
		return;
	sum = &row_of(p->sh->name)->sum;
	sum->reflected += pub->sites.reflected;
	sum->direct += pub->sites.direct;
	sum->rewritten += pub->sites.rewritten;
	for (unsigned n = 0; n < SITES_REASONS; n++)
		sum->refused[n] += pub->sites.refused[n];
}

/* A line for each program; those that still run are counted here. */
unsigned
sites_text(char *text, unsigned room)
{
	unsigned n = 0;

	for (unsigned i = 0; i < proc_rows; i++) {
		const uint32_t state = procs[i].sh->state;

		if (state == PROC_RUNNING || state == PROC_STOPPED)
			sites_counted(&procs[i]);
	}
	for (unsigned i = 0; i < used; i++) {
		const struct pub_sites *s = &rows[i].sum;
		const uint32_t *r = s->refused;
		const size_t bytes = exo_snprintf(text + n, room - n,
			"%s: Linux calls %lu reflected, %lu direct; "
			"call sites %u rewritten, %u not "
			"(%u unsure, %u short, %u of another kind, %u on two pages, "
			"%u not in a file, %u no room)\n",
			rows[i].name, s->reflected, s->direct, s->rewritten,
			r[0] + r[1] + r[2] + r[3] + r[4] + r[5], r[0], r[1], r[2], r[3], r[4],
			r[5]);

		if (bytes >= room - n)
			break;		/* how long it would be are others' numbers */
		n += (unsigned)bytes;
	}
	return n;
}
