/* SPDX-License-Identifier: ISC */
/*
 * Entered: the first time, for a Linux call, for an exception, for an event.
 *
 * Whatever it was, the library leaves by the save slot, and before that looks
 * for signals; but only at depth 1, where the slot is the program's.
 */
#include "exos.h"
#include "header.h"
#include "self.h"
#include "../arch/x86_64/arch.h"
#include "../proc/look.h"
#include "../proc/proc.h"
#include "../proc/posts.h"
#include "../proc/signal.h"
#include "../proc/timer.h"
#include "../proc/times.h"
#include "../thread/act.h"
#include "../vm/rewrite.h"
#include "../linux/errno.h"

_Static_assert(EXO_VERSION == 1, "the version in exos.ld");
_Static_assert(EXOS_STACK_STRIDE == 0x10000, "the stride in exos.ld and arch/");
_Static_assert(EXOS_STACKS - EXOS_UAREA == 0x100000, "the stacks in arch/");
_Static_assert(EXOS_DATA == 0x210000, "the data in exos.ld");

#define PATH_BYTES 4096u

/* ---- leaving ------------------------------------------------------------------------- */

/* Going away looks at what was posted meanwhile, and a process that was stopped may be wanted elsewhere. */
static void
leave_seldom(void)
{
	thread_call_ends();
	if (current->dying)
		thread_exit(0);		/* what is pending is the others' */
	do {
		while (acts_asked) {
			acts_review();
			if (act_here->leaves)
				thread_give_cpu();
			signal_post_check();
		}
		if (current->dying)
			thread_exit(0);
		if (signals_due() || current->sig.mask_saved)
			signal_deliver(program_regs());
	} while (acts_asked);
}

/* Depth 1. */
static inline void
leave(void)
{
	if (timer_slice_ends) {
		thread_call_ends();	/* what it holds, before others run */
		if (UAREA->slice_end_ns != act_here->began_slice)
			thread_slice_over_inside();
	}
	posts_check();
	if (thread_detained() | acts_asked)
		leave_seldom();
	timer_library_leaves();
}

/* From here on another activation may come in: what follows is this one's own. */
static inline struct exo_save *
left(void)
{
	struct exo_save *regs = program_regs();

	library_leave();
	return regs;
}

noreturn_ void
exos_go(void)
{
	leave();
	exos_resume(left());
}

static inline struct exo_save *
serve_call(struct exo_save *regs)
{
	u64 begun = times_enter();

	timer_library_enters();
	linux_dispatch(regs);
	leave();
	times_leave(begun);
	return left();
}

struct exo_save *
exos_serve_exception(struct exo_save *regs)
{
	u64 begun;

	if (exo_uarea()->depth != 1) {	/* the library's own: it is inside already */
		if (!exception_passes(regs))
			exception_serve(regs);
		return regs;
	}
	library_enter();
	if (exception_steps(regs)) {
		library_leave();
		return regs;
	}
	rewrite_settle(regs);
	if (exception_passes(regs)) {
		library_leave();
		return regs;
	}
	begun = times_enter();
	timer_library_enters();
	exception_serve(regs);
	leave();
	times_leave(begun);
	return left();
}

/* By way of the kernel, which reflected it. */
struct exo_save *
exos_serve_syscall(struct exo_save *regs)
{
	library_enter();
	rewrite_count(regs);
	return serve_call(regs);
}

/* Straight from the program: its call site was rewritten. */
struct exo_save *
exos_serve_site(struct exo_save *regs)
{
	library_enter();
	PUB->sites.direct++;
	return serve_call(regs);
}

/* Something was posted, or the slice is over while a timer is set. */
struct exo_save *
exos_serve_event(struct exo_save *regs)
{
	u32 pending;

	library_enter();
	pending = __atomic_exchange_n(&UAREA->pending, 0, __ATOMIC_RELAXED);
	timer_library_enters();
	rewrite_settle(regs);
	REGS_CALL(regs) = ~0ull;
	if (pending & 1u << EXO_ENTRY_EPILOGUE || regs->vector == 0x100 + EXO_ENTRY_EPILOGUE) {
		regs->vector = 0;
		thread_slice_over();
	}
	leave();
	return left();
}

/* ---- the beginning ------------------------------------------------------------------------ */

static const char *
environment_value(const struct exos_start *start, const char *name)
{
	const char *text = start->strings;
	size_t length = strlen(name);

	for (u32 n = 0; n < start->argc + start->envc; n++) {
		if (n >= start->argc && strncmp(text, name, length) == 0 && text[length] == '=')
			return text + length + 1;
		text += strlen(text) + 1;
	}
	return NULL;
}

static long
search_path(const char *dirs, const char *name, char *path)
{
	while (dirs && *dirs) {
		const char *end = strchr(dirs, ':');
		size_t bytes = end ? (size_t)(end - dirs) : strlen(dirs);

		if (bytes + strlen(name) + 2 <= PATH_BYTES) {
			long ino;

			memcpy(path, dirs, bytes);
			if (bytes)
				path[bytes++] = '/';
			memcpy(path + bytes, name, strlen(name) + 1);
			ino = fs_lookup(AT_FDCWD, path, 0);
			if (ino > 0)
				return ino;
		}
		dirs = end ? end + 1 : NULL;
	}
	return -ENOENT;
}

/* The inode is the server's word; what the program is told of its name is the asker's. */
static void
setid_program(const struct exos_start *start, struct exo_save *regs)
{
	static char path[PATH_BYTES] TRANSIENT;
	struct arguments args;
	long error;

	memcpy(path, start->strings, start->strings_bytes < PATH_BYTES ? start->strings_bytes : 0);
	setid_files(start);
	error = setid_arguments(start, &args);
	if (error == 0)
		error = exec_setid(start->setid_ino, path, &args, regs);
	if (error)
		exos_die(SIGKILL, "a set-id program cannot be started");
}

/* The host's command says why, in one line. */
static noreturn_ void
cannot_start(int status, long error)
{
	server_call(OP_EXIT, (u64)status << 8, (u64)-error, 0, 0, 0, NULL);
	__builtin_trap();
}

static void
first_arguments(const struct exos_start *start, struct arguments *args)
{
	const char *text = start->strings;

	arguments_begin(args);
	args->argc = start->argc;
	args->envc = start->envc;
	for (u32 n = 0; n < start->argc + start->envc; n++) {
		if (arguments_add(args, text))
			exos_die(SIGKILL, "no memory for the first arguments");
		text += strlen(text) + 1;
	}
}

static void
first_program(const struct exos_start *start, struct exo_save *regs)
{
	static char path[PATH_BYTES] TRANSIENT;
	const char *name = start->strings + start->program;
	struct arguments args;
	long ino;

	if (strchr(name, '/')) {
		memcpy(path, name, strlen(name) < PATH_BYTES ? strlen(name) + 1 : 0);
		ino = fs_lookup(AT_FDCWD, path, 0);
	} else {
		ino = search_path(environment_value(start, "PATH"), name, path);
	}
	if (ino < 0)
		cannot_start(127, ino);
	first_arguments(start, &args);
	ino = exec_run((u32)ino, path, &args, regs);
	if (ino < 0)
		cannot_start(126, ino);
}

void
exos_begin(void)
{
	const struct exos_start *start = AT(const struct exos_start, EXOS_START);
	struct exo_save *regs;

	acts_begin();
	fpu_begin();
	regs = program_regs();
	self_set(start->pid);
	look_publish();
	vm_init();
	thread_init();
	signal_init();
	fs_init(start->cwd);
	PUB->umask = 022;
	*regs = (struct exo_save){ .flags = EXO_SAVE_FULL };
	if (start->setid_ino) {
		setid_program(start, regs);
	} else {
		fd_init(start);
		first_program(start, regs);
	}
	page_unmap((u64)start, (EXOS_DATA - EXOS_START) / EXO_PAGE_BYTES);
	exos_go();
}
