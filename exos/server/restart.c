/* SPDX-License-Identifier: ISC */
/*
 * The server in an environment that is not its first (keeper.c): memory is as
 * the last one left it, and what ended with that is made again: activations,
 * slices, the keys that it held for letters on their way.  Clients, who read its
 * name in the shared region, wait for the new one and ask again (core/server.c).
 */
#include "srv.h"
#include "crash.h"
#include "keeper.h"
#include "undo.h"
#include <errno.h>
#include "fsnode.h"

#define BUMP (1ull << 32)
/* Of the environments of the root account: the keeper's, ours, the last ones' */
#define FRAMES_MAX 1024u

/*
 * The last one may have ended while it did this itself, at any instruction: what
 * says that something is still to be done goes when it is done.  Notes say that a
 * request was not over: they are all its own.
 */
static void
take_back(struct serving *busy)
{
	const bool asked = busy && busy->op;

	if (!asked)
		redo_begin_back();
	else if (undo_noted())
		busy->answered = false;
	klog_server("init: begun anew; %lu notes of %s %u", undo_noted(),
		asked ? "operation" : "the loop", busy ? busy->op : 0);
	undo_all(asked ? busy->env : 0);
	if (asked && server_faulted) {		/* asked again it would be the next one's end, too */
		busy->answer = (struct exo_msg){ .rsi = (uint64_t)-(long)EIO };
		stored();
		busy->answered = true;
		stored();
	}
	for (uint32_t cpu = 0; cpu < SH_CPUS; cpu++)
		redo_keep(&server_serves[cpu], busy == &server_serves[cpu]);
	redo_begin_back();
	server_faulted = false;
}

/*
 * Words that are bumped for who waits until they are another: somebody may have
 * seen them as they were before they were taken back, and they must not come to be
 * the same again with something else behind them.
 */
static void
words_bump(void)
{
	struct sh_tty *t = (struct sh_tty *)shared_at(server_shared_info()->ttys_off);

	for (unsigned i = 0; i < proc_rows; i++) {
		procs[i].sh->child_events += BUMP;
		procs[i].sh->events += BUMP;
	}
	for (unsigned n = 0; n < SH_TTYS; n++) {
		t[n].slave_news += BUMP;
		t[n].master_news += BUMP;
	}
	for (unsigned n = 0; n < FS_UNLOCK_WORDS; n++)
		fs_super->unlocked[n] += BUMP;
	server_shared_info()->changes += BUMP;
}

static bool
of_an_environment(const volatile struct exo_frame *f)
{
	return f->kind >= EXO_FRAME_ROOT && f->account == exo_info()->root_account &&
		(f->kind == EXO_FRAME_ENV || f->kind == EXO_FRAME_ROOT ||
			f->kind == EXO_FRAME_RING || f->kind == EXO_FRAME_UAREA ||
			f->kind == EXO_FRAME_ACT);
}

/* What the last one was made of, which the kernel knows from what the living are made of. */
static void
dead_free(void)
{
	static exo_pfn found[FRAMES_MAX];
	const volatile struct exo_frame *f = exo_frame(0);
	unsigned count = 0;

	crash_rests(true);		/* a test ends us in what is behind this, too */
	for (exo_pfn pfn = 0; pfn < exo_info()->frames && count < FRAMES_MAX; pfn++)
		if (of_an_environment(f + pfn))
			found[count++] = pfn;
	crash_rests(false);
	for (unsigned round = 0; round < 3; round++)	/* taken apart, emptied, and the last frame */
		for (unsigned n = 0; n < count; n++)
			while (of_an_environment(f + found[n]) &&
				exo_frame_release(found[n], 1, ROOT_KEY) == 0)
				;		/* bound: there is less to be done each time */
}

void
server_recover(void)
{
	struct sh_info *sh = server_shared_info();

	if (undo_lost()) {
		klog_server("init: there were more changes than can be taken back");
		exo_machine_off(1, ROOT_KEY);
	}
	server_works_on = 0;		/* nobody's request: it may take its time */
	crash_recovers();
	take_back(sh->busy_on ? &server_serves[sh->busy_on - 1] : NULL);
	/* Its change is noted: not before it is known how far the last one came. */
	proc_counted(exo_env(sh->server));
	later_run(true);
	sh->busy_on = 1;		/* ours, until all activations are there again */
	procs[0].sh->env = exo_self();
	flight_recover();
	share_recover();
	robust_recover();
	proc_recover();
	words_bump();
	__atomic_store_n(&sh->server, exo_self(), __ATOMIC_RELEASE);
	server_changed();
	dead_free();
}
