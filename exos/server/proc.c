/* SPDX-License-Identifier: ISC */
/*
 * The process table: who exists, whose child, in which group, how it ended.
 *
 * Every process has an account (carved from the session's) and an environment,
 * both under one guard that names its pid, so that its own key opens what is
 * its own and nothing else.  A dead process leaves its entry (the zombie) for
 * its parent; its frames are given back in bounded steps by the main loop.
 */
#include "srv.h"
#include "undo.h"
#include <errno.h>
#include "../linux/abi.h"

/* Limit carved for a new process: enough to build it; its library asks for more */
#define PROC_FRAMES 192u

struct proc procs[SH_PROCS];
unsigned proc_rows;
exo_pfn session_account;
static struct sh_proc *table;
static uint32_t next_pid = SERVER_PID + 1;
static uint64_t deaths_seen, next_serial = 1;

/* ---- lookup ---------------------------------------------------------------------------- */

unsigned
proc_index(const struct proc *p)
{
	return (unsigned)(p - procs);
}

struct proc *
proc_by_env(exo_envid env)
{
	for (unsigned i = 0; i < proc_rows; i++)
		if (procs[i].sh->env == env && procs[i].sh->state != PROC_FREE)
			return &procs[i];
	return NULL;
}

struct proc *
proc_by_pid(uint32_t pid)
{
	for (unsigned i = 0; i < proc_rows && pid; i++)
		if (procs[i].sh->pid == pid)
			return &procs[i];
	return NULL;
}

void
pids_in_use(void (*one)(uint32_t pid))
{
	for (unsigned i = 0; i < proc_rows; i++) {
		one(table[i].pid);
		one(table[i].pgid);
		one(table[i].sid);
		one(table[i].hung_pgrp);
	}
	one(SERVER_PID);
	server_tty_groups(one);
}

static bool
pid_in_use(uint32_t pid)
{
	for (unsigned i = 0; i < proc_rows; i++)
		if (table[i].pid == pid || table[i].pgid == pid || table[i].sid == pid ||
			table[i].hung_pgrp == pid)
			return true;
	return pid == SERVER_PID || server_tty_names(pid);
}

uint32_t
pid_next(void)
{
	return next_pid;
}

static uint32_t
pid_draw(void)
{
	uint32_t pid;

	do {
		pid = next_pid;
		next_pid = next_pid >= PID_MAX_ - 1 ? SERVER_PID + 1 : next_pid + 1;
	} while (tid_process(pid) ||
		pid_in_use(
			pid)); /* bound: the table and half of the blocks for threads are less than all pids */
	return pid;
}

/* ---- making ------------------------------------------------------------------------------ */

/*
 * Processes are named in keys by a serial, not by pid: pids come back.  Nor does
 * the serial when a request is taken back: who builds a child has a way to its
 * key from the moment that it is there, and what it took would open the next one.
 */
void
proc_recover(void)
{
	next_serial += 1ull << 32;
}

struct exo_key
proc_key(uint64_t serial)
{
	struct exo_key k = { .len = 9, .rights = EXO_RIGHTS_ALL };

	k.name[0] = 'p';
	__builtin_memcpy(k.name + 1, &serial, 8);
	return k;
}

/* The guard of a process: itself, and while it is being built its creator. */
static void
proc_guard_entries(struct exo_key e[EXO_GUARD_KEYS], uint64_t serial, uint64_t creator)
{
	__builtin_memset(e, 0, EXO_GUARD_KEYS * sizeof(*e));
	e[0] = proc_key(serial);
	if (creator)
		e[1] = proc_key(creator);
}

/* A key below the root key, in an empty slot of our own. */
int
key_forge(exo_slot mine, const struct exo_key *k)
{
	uint64_t word[2];

	__builtin_memcpy(word, k, sizeof(word));
	return (int)exo_key_narrow(ROOT_KEY, mine, word[0], word[1]);
}

int
key_give(exo_envid env, exo_slot slot, const struct exo_key *k)
{
	const exo_slot mine = KEY_FIRST_FREE + 1;
	int64_t error = key_forge(mine, k);

	undo_note(UNDO_KEY, slot, env);
	if (error >= 0)
		error = exo_key_copy(mine, 1, env, slot, ROOT_KEY);
	exo_key_drop(mine, 1);
	return (int)error;
}

/* What a process starts with beside its own key; a forked one inherits its parent's. */
int
proc_keys(struct proc *p)
{
	static const struct {
		exo_slot slot;
		struct exo_key key;
	} give[] = {
		{ KEY_OTHER, { 1, EXO_RIGHTS_ALL, "o" } },
		{ KEY_OUT, { 3, EXO_W, { EXO_NAME_DEVICE, 0, 1 } } },
		{ KEY_ERR, { 3, EXO_W, { EXO_NAME_DEVICE, 0, 3 } } },
		{ KEY_LOG, { 1, EXO_W, { EXO_NAME_LOG } } },
	};

	for (unsigned i = 0; i < sizeof(give) / sizeof(give[0]); i++)
		if (key_give(p->sh->env, give[i].slot, &give[i].key) < 0)
			return -EAGAIN;
	return cred_keys_give(p, ~0u);
}

/* Account and environment, from frames named here; -EXO_E on the first that is not to be had. */
static int64_t
proc_objects(struct proc *p, uint64_t creator)
{
	struct exo_key entries[EXO_GUARD_KEYS], self = proc_key(p->serial);
	struct exo_env_spec spec = { .k_account = ROOT_KEY, .k_guard = ROOT_KEY };
	exo_pfn account;
	int64_t error;

	proc_guard_entries(entries, p->serial, creator);
	p->guard = guard_new(entries);
	if (p->guard == 0)
		return -EXO_EQUOTA;
	error = frames_claim(session_account, 1, &account);
	if (error < 0)
		return error;
	error = exo_account_create(account, session_account, PROC_FRAMES, p->guard, ROOT_KEY,
		ROOT_KEY);
	if (error < 0) {
		frames_release(account, 1);
		return error;
	}
	p->sh->account = spec.account = account;
	spec.guard = p->guard;
	spec.slot = exo_env_find_slot();
	if (spec.slot == 0)
		return -EXO_ETAKEN;
	if ((error = frames_claim(account, 1, &spec.env_frame)) < 0
		|| (error = frames_claim(account, 1, &spec.root_frame)) < 0
		|| (error = frames_claim(account, 2, &spec.root_links)) < 0
		|| (error = frames_claim(account, 1, &spec.ring_frame)) < 0)
		return error;
	error = exo_env_create(&spec);
	if (error < 0)
		return error;
	p->sh->env = (exo_envid)error;
	return key_give(p->sh->env, KEY_SELF, &self);
}

static void
rows_set(unsigned rows)
{
	proc_rows = rows;
	server_shared_info()->proc_rows = rows;
}

void
proc_rows_fit(void)
{
	unsigned rows = proc_rows;

	while (rows > 1 && table[rows - 1].state == PROC_FREE && !procs[rows - 1].reaping)
		rows--;
	rows_set(rows);
}

struct proc *
proc_create(const struct proc *creator, uint32_t ppid, uint32_t pgid, uint32_t sid, int *error)
{
	const struct proc *parent = proc_by_pid(ppid);
	struct proc *p = NULL;
	uint32_t pid;

	for (unsigned i = 0; i < SH_PROCS && !p; i++)
		if (table[i].state == PROC_FREE && !procs[i].reaping)
			p = &procs[i];
	*error = EAGAIN;
	if (!p)
		return NULL;
	rows_set(proc_index(p) < proc_rows ? proc_rows : proc_index(p) + 1);
	pid = pid_draw();
	p->creator = creator ? creator->sh->pid : 0;
	p->serial = next_serial++;
	p->native = p->lent = p->lost = p->carried = p->carries = p->robust = false;
	__builtin_memset(p->gift, 0, sizeof(p->gift));
	p->given = p->held = PROC_FRAMES;
	p->owes = p->owes_until = p->dry_until = p->silent = 0;
	p->warned = p->insisted = p->barren = p->robbed = false;
	p->sh->state = PROC_BUILDING;
	p->sh->pid = pid;
	p->sh->ppid = ppid;
	p->sh->pgid = pgid ? pgid : pid;
	p->sh->sid = sid ? sid : pid;
	p->sh->start_ns = exo_now_ns();
	p->sh->run_ns = p->sh->sys_ns = 0;
	p->sh->children_ns = p->sh->children_sys_ns = 0;
	p->sh->faults = p->sh->waits = p->sh->slices = 0;
	p->sh->children_faults = p->sh->children_waits = p->sh->children_slices = 0;
	p->sh->most_frames = PROC_FRAMES;
	p->sh->children_most_frames = 0;
	p->sh->hung_pgrp = 0;
	p->sh->cpu_wanted = spread_first(parent);
	/* It is its library that moves it. */
	p->sh->cpu = creator ? share_here(creator) : p->sh->cpu_wanted;
	p->sh->cpus = 1ull << p->sh->cpu;
	if (!cred_place(p) || proc_objects(p, creator ? creator->serial : 0) < 0) {
		proc_discard(p);
		return NULL;
	}
	return p;
}

int
proc_start(struct proc *p, exo_pfn comm, exo_pfn pub)
{
	struct exo_key entries[EXO_GUARD_KEYS];
	int error = p->native ? 0 : proc_lend(p, comm, pub);

	if (error)
		return error;
	proc_guard_entries(entries, p->serial, 0);
	exo_guard_change(p->guard, entries, ROOT_KEY);
	exo_guard_revoke(p->guard, ROOT_KEY);	/* the creator may have bound keys to it */
	exo_account_watch(p->sh->account, p->sh->env, ROOT_KEY, ROOT_KEY);
	error = share_give(p);
	if (error)
		return error;
	p->creator = 0;
	p->sh->state = PROC_RUNNING;
	share_balance();
	return 0;
}

/* ---- the end -------------------------------------------------------------------------------- */

/* Destroy what runs; its frames come back step by step. */
static void
proc_kill(struct proc *p, uint64_t reason)
{
	const volatile struct exo_env *e = exo_env(p->sh->env);

	if (e && e->id && !p->reaping)
		proc_counted(e);
	if (p->sh->env)
		later(LATER_DESTROY, p->sh->env, reason);
	p->sh->vforked = p->sh->nursed = 0;
	signal_forget(p);
	revoke_goes_on(p);
	share_take(p);
	if (!p->robust)
		proc_lend_end(p);
	letters_forget(p);
	tids_release(p);
	futexes_forget(p);
	holds_forget(p);
	sfs_sweep_due();
	locks_process_gone(p->sh);
	reap_later(p);
}

void
proc_discard(struct proc *p)
{
	proc_kill(p, 0);
	p->sh->pid = p->sh->pgid = p->sh->sid = 0;
	p->sh->env = 0;
	p->sh->state = PROC_FREE;
	server_told();
	proc_rows_fit();
}

void
proc_times(struct proc *p)
{
	const volatile struct exo_env *e = exo_env(p->sh->env);
	const volatile struct pub *pub = proc_public(p);
	uint64_t sys_ns = pub ? pub->sys_ns : 0;	/* its own word */

	p->sh->run_ns = e ? e->run_ns : 0;
	p->sh->sys_ns = sys_ns < p->sh->run_ns ? sys_ns : p->sh->run_ns;
	p->sh->faults = e ? e->faults + e->stlb_hits : 0;
	p->sh->slices = e ? e->slices : 0;
	p->sh->waits = pub ? pub->waits : 0;
}

/* Did its library not come to an end of its own?  (It may have: then there is nothing left to do.) */
static bool
by_force(uint32_t wait_status)
{
	return (wait_status & 0x7f) == SIGKILL || (wait_status & 0x7f) == SIGSEGV;
}

void
proc_end(struct proc *p, uint32_t wait_status)
{
	if (p->sh->state == PROC_ZOMBIE || p->sh->state == PROC_FREE)
		return;
	proc_times(p);
	sites_counted(p);
	family_ends(p);
	p->robust = p->lent && !p->native && by_force(wait_status);
	proc_kill(p, wait_status);
	p->sh->status = wait_status;
	__atomic_store_n(&p->sh->state, PROC_ZOMBIE, __ATOMIC_RELEASE);
	server_changed();
	if (p->sh->sid == p->sh->pid)
		server_tty_leader_ended(p->sh);
	parent_tell(p, wait_status);
	if (family_unwanted(p))
		proc_discard(p);
}

/* What a death by the kernel's hand is in Linux terms. */
static uint32_t
death_status(const struct proc *p, uint64_t reason)
{
	uint32_t word = (uint32_t)(reason >> 16);

	switch (reason & 0xffff) {
	case EXO_DEAD_EXIT:		/* by its own hand: a native's exit status, a library's wait status */
		return p->native ? (word & 0xff) << 8 : word & 0xffff;
	case EXO_DEAD_EXCESS:
		return SIGKILL;
	default:
		return p->robbed ? SIGKILL : SIGSEGV;
	}
}

void
proc_find_dead(void)
{
	uint64_t deaths = exo_info()->deaths;

	if (deaths == deaths_seen)
		return;
	deaths_seen = deaths;
	for (unsigned i = 0; i < proc_rows; i++) {
		struct proc *p = &procs[i];
		const volatile struct exo_env *e;

		if (p->sh->state == PROC_FREE || p->sh->state == PROC_ZOMBIE)
			continue;
		e = exo_env(p->sh->env);
		if (e && e->state == EXO_ENV_ALIVE)
			continue;
		if (p->sh->state == PROC_BUILDING)
			proc_discard(p);
		else
			proc_end(p, e ? death_status(p, e->reason) : SIGKILL);
	}
}

/* The server is process 1: everybody's last parent, seen in /proc, and out of reach. */
static void
row_of_server(struct proc *p)
{
	p->native = true;
	p->sh->pid = p->sh->pgid = p->sh->sid = SERVER_PID;
	p->sh->env = exo_self();
	p->sh->start_ns = exo_now_ns();
	__builtin_memcpy(p->sh->name, "init", 5);
	p->sh->state = PROC_RUNNING;
	cred_place(p);
}

const char *
proc_boot(void)
{
	/* The root key, which prefixes any name, opens it and no client's: what lies in it belongs to many. */
	struct exo_key entries[EXO_GUARD_KEYS] = { { 1, EXO_RIGHTS_ALL, "s" } };
	exo_guardref guard = guard_new(entries);
	uint64_t share = exo_info()->free_frames - exo_info()->free_frames / 8;

	table = server_proc_table();
	for (unsigned i = 0; i < SH_PROCS; i++)
		procs[i].sh = &table[i];
	row_of_server(&procs[0]);
	rows_set(1);
	if (guard == 0 || frames_claim(exo_info()->root_account, 1, &session_account))
		return "no memory for the session's account";
	if (exo_account_create(session_account, exo_info()->root_account, share, guard, ROOT_KEY,
		    ROOT_KEY) < 0)
		return "the session's account cannot be made";
	deaths_seen = exo_info()->deaths;
	return NULL;
}
