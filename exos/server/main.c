/* SPDX-License-Identifier: ISC */
/*
 * The server: boot order, the loop, requests.
 *
 * It runs in two ways that never mix: the loop, with the gate closed, and
 * requests, which enter by control transfer while the loop waits, on any CPU
 * (cpus.c says how they keep out of each other's way).  Requests are short and
 * wait for nobody; what takes longer (reaping the dead, console input) is the
 * loop's, on CPU 0.
 *
 * There is no epilogue: whoever was told that a slice ends and goes on pays with
 * slices, and clients choose when a request begins.  So the kernel takes the
 * processor from the server without a word, and charges nothing.
 */
#include "srv.h"
#include "crash.h"
#include "keeper.h"
#include "undo.h"
#include "fsmeta.h"
#include <errno.h>
#include "archive.h"
#include <exo/control.h>

#define SRV_ARCHIVE 0x0000009000000000ull

#define TAG_WORK 1
#define TERMS 8
#define PINNED_NS 5000000ull	/* until the next look at the dead whose frames a device still has */

static const struct exo_archive *archive;
static uint64_t deaths_seen;
static volatile uint64_t work
	__attribute__((aligned(8))); /* raised by a request: the loop has something to do */

void
klog_server(const char *format, ...)
{
	char text[240];
	__builtin_va_list args;
	size_t n;

	__builtin_va_start(args, format);
	n = exo_format(text, sizeof(text) - 1, format, args);
	__builtin_va_end(args);
	text[n++] = '\n';
	exo_log(text, n, ROOT_KEY);
}

const void *
archive_file(const char *name, uint64_t *bytes, exo_pfn *first)
{
	const struct exo_archive_entry *e = (const struct exo_archive_entry *)(archive + 1);

	for (uint32_t i = 0; i < archive->count; i++) {
		if ((e[i].mode & 0170000) != 0100000 ||
			__builtin_strcmp((const char *)archive + archive->names + e[i].name, name))
			continue;
		*bytes = e[i].bytes;
		*first = exo_info()->archive_pfn + e[i].data / EXO_PAGE_BYTES;
		return (const char *)archive + e[i].data;
	}
	return NULL;
}

static const char *
archive_map(void)
{
	const volatile struct exo_info *info = exo_info();

	for (uint64_t at = 0; at < info->archive_bytes; at += EXO_PAGE_BYTES)
		if (server_bind(SRV_ARCHIVE + at, info->archive_pfn + at / EXO_PAGE_BYTES,
			    EXO_MAP_READ))
			return "no memory to map the boot archive";
	exo_frame_mark_all(info->archive_pfn,
		(info->archive_bytes + EXO_PAGE_BYTES - 1) / EXO_PAGE_BYTES,
		EXO_FRAME_TAG(EXO_TAG_FILE), 0, ROOT_KEY);
	archive = (const struct exo_archive *)SRV_ARCHIVE;
	return archive_wrong(archive, info->archive_bytes);
}

static uint64_t memory_frames;

static void
info_fill(void)
{
	struct sh_info *sh = server_shared_info();

	sh->magic = SH_MAGIC;
	sh->base = image.base;
	sh->server = exo_self();
	sh->wall_offset_ns = run.clock_ns;
	sh->session_account = session_account;
	sh->text_pt = image.text_table;
	sh->image_data_bytes = image.data_bytes;
	sh->memory_frames = memory_frames;
	sh->trace = run.trace != NULL;
	sh->flags = (run.stats ? SH_STATS : 0) | (run.keep_sites ? SH_NO_REWRITE : 0);
	__builtin_memcpy(sh->hostname, "exos", 5);
}

static void
fail(const char *why)
{
	klog_server("init: %s", why);
	control_finish(EXO_EXIT_FAILED, 0, why);
}

static void
run_config(void)
{
	uint64_t bytes = 0;
	exo_pfn first;
	const char *config = archive_file(EXO_RUN_FILE, &bytes, &first);

	run_read(config ? config : "", config ? (uint32_t)bytes : 0);
}

static void
boot(void)
{
	const char *why = archive_map();

	/* The table covers holes, too, so its length does not tell how much memory there is. */
	memory_frames = exo_info()->free_frames + exo_info()->archive_bytes / EXO_PAGE_BYTES;
	if (!why)
		why = server_memory_boot();
	if (!why)
		why = proc_boot();
	if (!why)
		why = tty_table_boot();
	if (why)
		fail(why);
	control_boot();
	run_config();
	why = sfs_boot(archive, exo_info()->archive_pfn);
	if (!why)
		why = image_load();
	if (why)
		fail(why);
	info_fill();
	why = console_boot(run.spawn.tty[0] != 0, run.rows, run.cols);
	if (!why && run.ktrace)
		why = trace_boot();
	if (why)
		fail(why);
}

void
server_changed(void)
{
	server_shared_info()->changes++;
	server_told();
}

/* ---- requests ------------------------------------------------------------------------------ */

static void
serve(exo_envid caller, struct exo_msg *m)
{
	struct proc *p = proc_by_env(caller);
	char *comm;
	uint64_t op = m->rsi;

	/* Who is stopped may say that it has no memory to give. */
	if (!p || p->native || (p->sh->state != PROC_RUNNING &&
					(!p->roused || op != OP_MEMORY || m->rdx != 0))) {
		m->rsi = (uint64_t)-(long)EPERM;
		return;
	}
	comm = (char *)(SRV_COMM + proc_index(p) * EXO_PAGE_BYTES);
	if (op < OP_FS_CREATE)
		m->rsi = (uint64_t)server_proc(p, (uint32_t)op, m);
	else if (op < OP_TTY_READ)
		m->rsi = (uint64_t)server_fs(p, (uint32_t)op, m, comm);
	else if (op >= OP_SOCK_NEW)
		m->rsi = (uint64_t)server_sock(p, (uint32_t)op, m, comm);
	else
		m->rsi = (uint64_t)server_tty(p, (uint32_t)op, m, comm);
	if (proc_work() || proc_any_lost() || sfs_free_work() || objects_work() ||
		outbox_stuck() || limits_due() || revoke_due())
		work = 1;
}

struct serving server_serves[SH_CPUS];

static void
request(exo_envid caller, struct exo_msg *m)
{
	struct serving *s = &server_serves[exo_uarea()->cpu];

	if (!server_enter()) {
		m->rsi = (uint64_t)SERVER_BUSY;
		return;
	}
	if (m->r12 & SERVER_ASKED) {
		redo_answer(caller, m);
	} else {
		crash_begin((uint32_t)m->rsi);
		redo_begin(s, caller, m);
		serve(caller, m);
		redo_end(s, m);
		undo_forget();		/* from here on it has happened */
		s->op = 0;
		later_run(false);
		crash_end();
		server_served++;
	}
	server_leave(work);
}

/* ---- the loop ----------------------------------------------------------------------------------- */

static void
gate(uint32_t open)
{
	*(volatile uint32_t *)&exo_uarea()->gate = open;
}

static void
ended(void)
{
	struct proc *p = proc_by_pid(run_pid);

	if (!p || p->sh->state != PROC_ZOMBIE)
		return;
	if (run.unstarted)
		control_finish(p->sh->status >> 8 == 127 ? EXO_EXIT_NOTFOUND : EXO_EXIT_NOEXEC,
			run.unstarted, "");
	if ((p->sh->status & 0x7f) == 0)
		control_finish(EXO_EXIT_STATUS, p->sh->status >> 8 & 0xff, "");
	control_finish(EXO_EXIT_SIGNAL, p->sh->status & 0x7f, "");
}

static void
step(void)
{
	work = 0;
	deaths_seen = exo_info()->deaths;
	proc_end_lost();
	undo_commit();
	proc_find_dead();
	undo_commit();
	limits_poll();
	revoke_poll();
	undo_commit();
	control_poll();
	undo_commit();
	outbox_poll();
	console_poll();
	undo_commit();
	ended();
	mem_sweep();
	if (sfs_free_step())
		work = 1;
	undo_commit();
	if (sfs_sweep())
		work = 1;
	undo_commit();
	if (proc_reap_some())
		work = 1;
	else {
		objects_sweep();
		locks_sweep();
		if (objects_work())
			work = 1;
	}
	pty_sweep();
	spread_look(0);
	trace_forward();
	undo_commit();
	undo_trim();
}

/* The sooner of both; 0 is none. */
static uint64_t
sooner(uint64_t a, uint64_t b)
{
	return a && (!b || a < b) ? a : b;
}

static uint64_t
deadline(void)
{
	uint64_t pinned = proc_work() ? exo_now_ns() + PINNED_NS : 0;

	return sooner(sooner(sooner(trace_deadline(), limits_deadline()), revoke_deadline()),
		pinned);
}

static unsigned
terms(struct exo_term *t)
{
	unsigned n = 2;

	t[0] = (struct exo_term){
		.where = server_phys(&work),
		.mask = ~0ull,
		.value = 0,
		.cmp = EXO_NE,
		.key = ROOT_KEY,
		.tag = TAG_WORK,
	};
	t[1] = (struct exo_term){
		.where = EXO_INFO + offsetof(struct exo_info, deaths),
		.mask = ~0ull,
		.value = deaths_seen,
		.cmp = EXO_NE,
		.flags = EXO_TERM_OR,
		.tag = TAG_WORK,
	};
	n += control_terms(t + n);
	n += outbox_terms(t + n);
	n += console_terms(t + n);
	n += spread_terms(0, t + n);
	n += trace_terms(t + n);
	trace_idle();
	return n;
}

char server_upcall_stacks[EXO_STACKS * EXO_STACK_BYTES] __attribute__((aligned(16)));
char server_stack[SERVER_STACK] __attribute__((aligned(16)));
volatile bool server_booted;
volatile uint64_t server_served;

__attribute__((noreturn)) static void
loop(void)
{
	struct exo_term t[TERMS];
	uint64_t until;
	unsigned n;

	for (;;) {
		while (!server_enter())
			exo_yield(0);
		crash_begin(0);
		step();
		undo_commit();
		crash_end();
		server_served++;
		n = terms(t);
		until = deadline();
		server_leave(false);
		gate(1);
		if (!work)
			exo_wait_for(t, n, until, 0);
		else
			exo_yield(0);
		gate(0);
	}
}

void
server_begin(void)
{
	exo_on_exception(server_fault);
	if (!server_booted)
		boot();
	exo_on_call(request);
	gate(0);
	/* With the lock held, so that the first of the other CPUs does not serve before the last has begun. */
	if (!server_booted) {
		server_enter();
		server_cpus_boot(server_fault, request);
		run_start();
		undo_commit();
		undo_begin();
		server_booted = true;
	} else {
		server_recover();
		server_cpus_again(server_fault, request);
		undo_commit();
		crash_recovered();
	}
	server_leave(false);
	loop();
}
