/* SPDX-License-Identifier: ISC */
/*
 * /proc/PID/task: the threads of a process.  They are known to its library
 * alone, which is looked into (proc/look.h); who may not sees the first.  Whose
 * process a number is the server shows to all.
 */
#include "procfs.h"
#include "../proc/look.h"
#include "../thread/thread.h"

/* Up to and with its name: what is read of each. */
#define HEAD (offsetof(struct thread, name) + THREAD_NAME)

static void
seen_of(struct task_seen *s, const struct thread *t)
{
	s->tid = t->tid;
	memcpy(s->name, t->name, THREAD_NAME);
	s->name[THREAD_NAME - 1] = '\0';
}

/* Of ours: that number, or (0) the nth. */
static bool
own_task(u32 tid, u32 nth, struct task_seen *s)
{
	const struct thread *t = thread_first();

	while (t && (tid ? t->tid != tid : nth-- > 0))
		t = t->next;
	if (!t)
		return false;
	s->tid = t->tid;
	thread_name(t, s->name);
	return true;
}

/* What is found may be anything; the list may change as it is read. */
static bool
others_task(u32 tid, u32 nth, struct task_seen *s)
{
	struct thread t;
	u64 at;

	if (look_read(thread_list(), &at, sizeof(at)))
		return false;
	for (unsigned n = 0; at && n <= THREADS_MAX; n++) {
		if (look_read(at, &t, HEAD))
			return false;
		if (tid ? t.tid == tid : n == nth) {
			seen_of(s, &t);
			return true;
		}
		at = (u64)t.next;
	}
	return false;
}

bool
proc_task(const volatile struct sh_proc *p, u32 tid, u32 nth, struct task_seen *s)
{
	bool found;

	if (p == PROC)
		return own_task(tid, nth, s);
	if (tid == p->pid || !proc_may_look(p) || look_begin(p)) {
		s->tid = p->pid;
		return tid ? tid == p->pid : nth == 0;
	}
	found = others_task(tid, nth, s);
	look_end();
	return found;
}

const volatile struct sh_proc *
proc_of_task(u32 tid)
{
	const volatile struct sh_proc *p = tid ? thread_process(tid) : NULL;
	const u64 place = SHARED->tids_off;
	struct task_seen s;

	if (p || !tid || !place)
		return p;
	p = proc_find(((const volatile u16 *)((const volatile char *)SHARED + place))
				[tid / TID_BLOCK]);
	return p && proc_task(p, tid, 0, &s) ? p : NULL;
}
