/* SPDX-License-Identifier: ISC */
/* /proc: what is read there of a process's memory: regions, strings, the auxiliary vector. */
#include <exo/read.h>
#include "procfs.h"
#include "../fd/file.h"
#include "../linux/errno.h"
#include "../proc/look.h"
#include "../proc/proc.h"
#include "../vm/vm.h"

#define KIB_PAGE 4u

/* As the stack is now: programs write over their arguments to rename themselves. */
static void
put_range(struct text *t, const volatile struct sh_proc *p, u64 from, u64 to)
{
	u64 room = t->room - t->bytes, bytes = to - from < room ? to - from : room;
	char *at = t->at + t->bytes;

	if (to > from)
		t->bytes += p != PROC		   ? look_some(from, at, bytes)
			: copy_in(at, from, bytes) ? 0
						   : bytes;
}

static void
put_name(struct text *t, const struct vm_entry *e)
{
	char path[512];
	struct fd_what file = { e->ino, e->dir };
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
put_counts(struct text *t, const struct vm_entry *e)
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
}

static void
put_io(struct text *t, const volatile struct sh_proc *p)
{
	struct io_counts c = io_counts;

	if (p != PROC && look_read((u64)&io_counts, &c, sizeof(c)))
		return;
	text_put(t,
		"rchar: %lu\nwchar: %lu\nsyscr: %lu\nsyscw: %lu\nread_bytes: 0\n"
		"write_bytes: 0\ncancelled_write_bytes: 0\n",
		c.by[0].bytes, c.by[1].bytes, c.by[0].calls, c.by[1].calls);
}

static void
put_maps(struct text *t, struct vm_list *list, bool counts)
{
	struct vm_entry e;

	while (t->bytes < t->room && vm_entry(list, counts, &e)) {
		u64 size = (e.end - e.start) / 1024;

		put_line(t, &e);
		if (!counts)
			continue;
		text_put(t,
			"Size:           %8lu kB\nKernelPageSize:        4 kB\n"
			"MMUPageSize:           4 kB\n",
			size);
		put_counts(t, &e);
		text_put(t, "Locked:         %8u kB\n", 0);
	}
}

static void
put_rollup(struct text *t, struct vm_list *list)
{
	struct vm_entry e, sum = { .start = ~0ull };

	while (vm_entry(list, true, &e)) {
		sum.start = e.start < sum.start ? e.start : sum.start;
		sum.end = e.end;
		sum.resident += e.resident;
		sum.shared += e.shared;
		sum.dirty += e.dirty;
		sum.anonymous += e.anonymous;
	}
	sum.name = "[rollup]";
	put_line(t, &sum);
	put_counts(t, &sum);
}

static void
put_memory(struct text *t, u32 what, const volatile struct sh_proc *p)
{
	struct program_strings s = program_strings;
	struct vm_list list;

	if (p != PROC && look_read((u64)&program_strings, &s, sizeof(s)))
		return;
	switch (what) {
	case P_CMDLINE: put_range(t, p, s.arguments, s.environment); return;
	case P_ENVIRON: put_range(t, p, s.environment, s.end); return;
	case P_AUXV: put_range(t, p, s.aux, s.aux_end); return;
	case P_IO: put_io(t, p); return;
	default: break;
	}
	if (vm_list_begin(&list, p))
		return;
	if (what == P_SMAPS_ROLLUP)
		put_rollup(t, &list);
	else
		put_maps(t, &list, what == P_SMAPS);
}

/* Of who has no memory (any more), or is no program of ours, there is nothing to tell; Linux says so of one file. */
int
text_memory(struct text *t, u32 what, const volatile struct sh_proc *p)
{
	int error = p == PROC ? 0 : look_begin(p);

	if (!error)
		put_memory(t, what, p);
	if (!error && p != PROC)
		look_end();
	return error == -ESRCH && what != P_ENVIRON ? 0 : error;
}
