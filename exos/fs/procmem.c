/* SPDX-License-Identifier: ISC */
/* /proc: what a process may read of its own memory there: regions, strings, the auxiliary vector. */
#include <exo/read.h>
#include "procfs.h"
#include "../proc/proc.h"
#include "../vm/vm.h"

#define KIB_PAGE 4u

/* As the stack is now: programs write over their arguments to rename themselves. */
static int
put_range(struct text *t, u64 from, u64 to)
{
	u64 bytes = to - from < t->room - t->bytes ? to - from : t->room - t->bytes;

	if (to <= from || copy_in(t->at + t->bytes, from, bytes))
		return -EFAULT;
	t->bytes += bytes;
	return 0;
}

static void
put_name(struct text *t, const struct vm_entry *e)
{
	char path[512];
	struct pub_fd file = { e->ino, e->dir };
	long n = 0;

	if (e->name)
		text_put(t, "%s", e->name);
	else if (e->ino && e->ino == proc_exe_ino)
		text_put(t, "%s", proc_exe());
	else if (e->ino && (n = proc_fd_name(&file, path, sizeof(path))) > 0)
		text_put(t, "%s", path);
}

static void
put_line(struct text *t, const struct vm_entry *e)
{
	size_t begun = t->bytes;

	text_put(t, "%08lx-%08lx %c%c%c%c %08lx %s %u ", e->start, e->end,
		e->prot & PROT_READ ? 'r' : '-', e->prot & PROT_WRITE ? 'w' : '-',
		e->prot & PROT_EXEC ? 'x' : '-', e->flags & REGION_SHARED ? 's' : 'p', e->offset,
		e->ino ? "00:01" : "00:00", e->ino);
	if (e->name || e->ino) {
		while (t->bytes - begun < 73 && t->bytes < t->room)
			text_put(t, " ");
		put_name(t, e);
	}
	text_put(t, "\n");
}

static void
put_counts(struct text *t, const struct vm_entry *e, u64 size)
{
	u64 shared = e->shared < e->resident ? e->shared : e->resident;
	u64 dirty = e->dirty < e->resident ? e->dirty : e->resident;

	text_put(t, "Rss:            %8lu kB\nPss:            %8lu kB\n", e->resident * KIB_PAGE,
		(e->resident - shared / 2) * KIB_PAGE);
	text_put(t, "Shared_Clean:   %8lu kB\nShared_Dirty:   %8u kB\n", shared * KIB_PAGE, 0);
	text_put(t, "Private_Clean:  %8lu kB\nPrivate_Dirty:  %8lu kB\n",
		(e->resident - shared > dirty ? e->resident - shared - dirty : 0) * KIB_PAGE,
		dirty * KIB_PAGE);
	text_put(t, "Referenced:     %8lu kB\nAnonymous:      %8lu kB\nSwap:           %8u kB\n",
		e->resident * KIB_PAGE, e->anonymous * KIB_PAGE, 0);
	(void)size;
}

static void
put_maps(struct text *t, bool counts)
{
	struct vm_entry e;

	for (unsigned n = 0; t->bytes < t->room && vm_entry(n, counts, &e); n++) {
		u64 size = (e.end - e.start) / 1024;

		put_line(t, &e);
		if (!counts)
			continue;
		text_put(t, "Size:           %8lu kB\nKernelPageSize:        4 kB\n"
			"MMUPageSize:           4 kB\n", size);
		put_counts(t, &e, size);
		text_put(t, "Locked:         %8u kB\n", 0);
	}
}

static void
put_rollup(struct text *t)
{
	struct vm_entry e, sum = { .start = ~0ull };

	for (unsigned n = 0; vm_entry(n, true, &e); n++) {
		sum.start = e.start < sum.start ? e.start : sum.start;
		sum.end = e.end;
		sum.resident += e.resident;
		sum.shared += e.shared;
		sum.dirty += e.dirty;
		sum.anonymous += e.anonymous;
	}
	sum.name = "[rollup]";
	put_line(t, &sum);
	put_counts(t, &sum, 0);
}

int
text_memory(struct text *t, u32 what)
{
	switch (what) {
	case P_CMDLINE: return put_range(t, program_strings.arguments, program_strings.environment);
	case P_ENVIRON:
		return put_range(t, program_strings.environment, program_strings.end) ? 0 : 0;
	case P_AUXV: return put_range(t, program_strings.aux, program_strings.aux_end) ? 0 : 0;
	case P_MAPS: put_maps(t, false); return 0;
	case P_SMAPS: put_maps(t, true); return 0;
	default: put_rollup(t); return 0;
	}
}
