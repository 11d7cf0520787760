/* SPDX-License-Identifier: ISC */
/* /proc: what the files of a process say. */
#include <exo/read.h>
#include "procfs.h"
#include "../fd/tty.h"
#include "../proc/proc.h"
#include "../proc/signal.h"
#include "../proc/times.h"
#include "../vm/vm.h"

#define KIB_PAGE 4u
#define TICKS(ns) ((unsigned long)((ns) / TICK_NS))

/* ---- pages ------------------------------------------------------------------------------- */

#define RLIMIT_RSS_ 5
#define RLIMIT_SIGPENDING_ 11
/* Counting goes through all frames: not for each process of a list */
#define COUNT_FRESH_NS 100000000ull
#define SLOTS 2048u			/* a power of two, more than there are processes */

static struct { u32 account, pages; } counted[SLOTS] TRANSIENT;
static u64 counted_at;

static u32
slot_of(u64 account)
{
	u32 slot = (u32)(account * 2654435761u >> 16) & (SLOTS - 1);

	while (counted[slot].account && counted[slot].account != account)
		slot = (slot + 1) & (SLOTS - 1);
	return slot;
}

static void
count_all(void)
{
	const volatile struct sh_proc *table = proc_table();
	u64 frames = exo_info()->frames;

	memset(counted, 0, sizeof(counted));
	for (unsigned row = 0; row < proc_rows(); row++)
		if (table[row].state != PROC_FREE && table[row].account)
			counted[slot_of(table[row].account)].account = (u32)table[row].account;
	for (exo_pfn pfn = 0; pfn < frames; pfn++) {	/* bound: the frame table */
		u32 account = exo_frame(pfn)->account;
		u32 slot = account ? slot_of(account) : 0;

		if (account && counted[slot].account == account)
			counted[slot].pages++;
	}
	counted_at = clock_ns();
}

u64
proc_pages(const volatile struct sh_proc *p)
{
	u32 slot;

	if (!p->account)
		return 0;
	if (counted_at == 0 || clock_ns() - counted_at > COUNT_FRESH_NS
		|| counted[slot_of(p->account)].account != p->account)
		count_all();
	slot = slot_of(p->account);
	return counted[slot].account == p->account ? counted[slot].pages : 0;
}

/* ---- what is told in several places ------------------------------------------------------------ */

static char
state_letter(const volatile struct sh_proc *p)
{
	if (p->state == PROC_ZOMBIE)
		return 'Z';
	if (p->state == PROC_STOPPED)
		return 'T';
	return exo_cpu(p->cpu)->running == p->env ? 'R' : 'S';
}

static const char *
state_word(char letter)
{
	switch (letter) {
	case 'R': return "running";
	case 'Z': return "zombie";
	case 'T': return "stopped";
	default: return "sleeping";
	}
}

/* Of a thread, where the number is one's. */
static const char *
name_copy(const volatile struct sh_proc *p, u32 tid)
{
	static char name[33];

	struct task_seen s;

	memset(name, 0, sizeof(name));
	if (tid != p->pid && proc_task(p, tid, 0, &s)) {
		memcpy(name, s.name, sizeof(s.name));
		return name;
	}
	for (unsigned i = 0; i < 32; i++)
		name[i] = p->name[i];
	return name;
}

static const volatile struct sh_tty *
terminal(u32 tty)
{
	return (const volatile struct sh_tty *)((const char *)SHARED + SHARED->ttys_off) + tty - 1;
}

/* A row's tty is the terminal's number + 1. */
static u32
tty_device(u32 tty)
{
	return tty == 0 ? 0 : tty == 1 ? 5 << 8 | 1 : 136 << 8 | (tty - 2);
}

static int
foreground(u32 tty)
{
	return tty && tty <= SH_TTYS && terminal(tty)->pgrp ? (int)terminal(tty)->pgrp : -1;
}

struct sizes {
	u64 total, resident, shared, exec, data, stack;	/* pages */
};

/* Of others only what they own is known. */
static struct sizes
sizes_of(const volatile struct sh_proc *p)
{
	struct vm_count c;
	u64 pages;

	if (p == PROC) {
		vm_count(&c, true);
		return (struct sizes){ c.total, c.resident, c.shared, c.exec, c.data, c.stack };
	}
	pages = proc_pages(p);
	return (struct sizes){ .total = pages, .resident = pages, .data = pages };
}

static u64
system_ns(const volatile struct sh_proc *p, const struct pub *pub)
{
	u64 run = times_of(p), system = p->state == PROC_ZOMBIE ? p->sys_ns : pub ? pub->sys_ns : 0;

	return system < run ? system : run;
}

/* ---- stat, statm, status ------------------------------------------------------------------------- */

static u32
threads_of(const volatile struct sh_proc *p, const struct pub *pub)
{
	return p->state != PROC_ZOMBIE && pub && pub->threads ? pub->threads : 1;
}

static void
put_stat(struct text *t, const volatile struct sh_proc *p, u32 tid)
{
	const volatile struct sh_cred *c = cred_of(p);
	const struct pub *pub = proc_published(p);
	struct sizes s = sizes_of(p);
	u64 system = system_ns(p, pub), user = times_of(p) - system;

	if (p == PROC)
		times_split(&user, &system);
	text_put(t, "%u (%s) %c %u %u %u %d %d 0 %lu %lu 0 0 %lu %lu ", tid, name_copy(p, tid),
		state_letter(p), p->ppid, p->pgid, p->sid, tty_device(p->tty), foreground(p->tty),
		used_by(p).faults, used_by_children(p).faults, TICKS(user), TICKS(system));
	text_put(t, "%lu %lu %d %d %u 0 %lu %lu %lu %lu ",
		TICKS(p->children_ns - p->children_sys_ns), TICKS(p->children_sys_ns), 20 + c->nice,
		c->nice, threads_of(p, pub), TICKS(p->start_ns), (u64)(s.total * 4096u), s.resident,
		c->limit[RLIMIT_RSS_][0]);
	/* Addresses are nobody's business; those of oneself are in maps. */
	text_put(t, "0 0 0 0 0 %lu %lu %lu %lu 0 0 0 %u %u %u %u 0 0 0 ",
		pub ? pub->sig_pending & 0x7fffffff : 0, pub ? pub->sig_blocked & 0x7fffffff : 0,
		pub ? pub->sig_ignored & 0x7fffffff : 0, pub ? pub->sig_caught & 0x7fffffff : 0,
		c->exit_signal, p->cpu, c->priority, c->policy);
	text_put(t, "0 0 0 0 0 0 0 %u\n",
		p->state == PROC_ZOMBIE && proc_may_look(p) ? p->status : 0);
}

static void
put_statm(struct text *t, const volatile struct sh_proc *p)
{
	struct sizes s = sizes_of(p);

	text_put(t, "%lu %lu %lu %lu 0 %lu 0\n", s.total, s.resident, s.shared, s.exec,
		s.data + s.stack);
}

static void
put_ids(struct text *t, const char *what, const volatile u32 id[CRED_IDS])
{
	text_put(t, "%s:\t%u\t%u\t%u\t%u\n", what, id[CRED_REAL], id[CRED_EFFECTIVE],
		id[CRED_SAVED], id[CRED_FS]);
}

static void
put_sizes(struct text *t, const volatile struct sh_proc *p)
{
	struct sizes s = sizes_of(p);

	if (p->state == PROC_ZOMBIE)
		return;
	text_put(t,
		"VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\nVmLck:\t       0 kB\nVmPin:\t       0 kB\n",
		s.total * KIB_PAGE, s.total * KIB_PAGE);
	text_put(t, "VmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\nRssAnon:\t%8lu kB\nRssFile:\t%8lu kB\n",
		s.resident * KIB_PAGE, s.resident * KIB_PAGE,
		(s.resident - (s.shared < s.resident ? s.shared : s.resident)) * KIB_PAGE,
		s.shared * KIB_PAGE);
	text_put(t, "RssShmem:\t       0 kB\nVmData:\t%8lu kB\nVmStk:\t%8lu kB\nVmExe:\t%8lu kB\n",
		s.data * KIB_PAGE, s.stack * KIB_PAGE, s.exec * KIB_PAGE);
	text_put(t, "VmLib:\t       0 kB\nVmPTE:\t       0 kB\nVmSwap:\t       0 kB\n");
}

static void
put_signals(struct text *t, const struct pub *pub, u64 limit)
{
	text_put(t, "SigQ:\t%u/%lu\nSigPnd:\t%016lx\nShdPnd:\t%016lx\n", pub ? pub->sig_held : 0,
		limit, 0ul, pub ? pub->sig_pending : 0);
	text_put(t, "SigBlk:\t%016lx\nSigIgn:\t%016lx\nSigCgt:\t%016lx\n",
		pub ? pub->sig_blocked : 0, pub ? pub->sig_ignored : 0, pub ? pub->sig_caught : 0);
}

static void
put_status(struct text *t, const volatile struct sh_proc *p, u32 tid)
{
	const volatile struct sh_cred *c = cred_of(p);
	const struct pub *pub = proc_published(p);
	struct used used = used_by(p);
	u64 use[USE_WORDS];
	char letter = state_letter(p);

	if (pub && p->state != PROC_ZOMBIE)
		used.waits = pub->waits;
	text_put(t, "Name:\t%s\n", name_copy(p, tid));
	if (pub && p->state != PROC_ZOMBIE)
		text_put(t, "Umask:\t0%u%u%u\n", pub->umask >> 6 & 7, pub->umask >> 3 & 7,
			pub->umask & 7);
	text_put(t, "State:\t%c (%s)\n", letter, state_word(letter));
	text_put(t, "Tgid:\t%u\nNgid:\t0\nPid:\t%u\nPPid:\t%u\nTracerPid:\t0\n", p->pid, tid,
		p->ppid);
	put_ids(t, "Uid", c->uid);
	put_ids(t, "Gid", c->gid);
	text_put(t, "FDSize:\t64\nGroups:\t");
	for (u32 n = 0; n < c->groups && n < CRED_GROUPS; n++)
		text_put(t, "%u ", c->group[n]);
	text_put(t, "%s\nNStgid:\t%u\nNSpid:\t%u\nNSpgid:\t%u\nNSsid:\t%u\n",
		c->groups ? "" : " ", p->pid, tid, p->pgid, p->sid);
	put_sizes(t, p);
	text_put(t, "CoreDumping:\t0\nTHP_enabled:\t0\nThreads:\t%u\n", threads_of(p, pub));
	put_signals(t, pub, c->limit[RLIMIT_SIGPENDING_][0]);
	text_put(t,
		"CapInh:\t%016lx\nCapPrm:\t%016lx\nCapEff:\t%016lx\n"
		"CapBnd:\t%016lx\nCapAmb:\t%016lx\n",
		c->inheritable, c->permitted, c->effective, c->bounding, 0ul);
	text_put(t, "NoNewPrivs:\t%u\nSeccomp:\t0\nSeccomp_filters:\t0\n",
		(c->flags & CRED_NO_NEW_PRIVS) != 0);
	text_put(t,
		"Cpus_allowed:\t1\nCpus_allowed_list:\t0\n"
		"Mems_allowed:\t1\nMems_allowed_list:\t0\n");
	used_put(use, used);
	text_put(t, "voluntary_ctxt_switches:\t%lu\nnonvoluntary_ctxt_switches:\t%lu\n",
		use[USE_NVCSW], use[USE_NIVCSW]);
}

/* ---- the rest ------------------------------------------------------------------------------------- */

static void
put_column(struct text *t, const char *what, size_t width)
{
	text_put(t, "%s ", what);
	for (size_t n = strlen(what); n < width; n++)
		text_put(t, " ");
}

static void
put_limits(struct text *t, const volatile struct sh_proc *p)
{
	static const struct {
		const char *name, *unit;
	} rows[CRED_LIMITS] = {
		{ "Max cpu time", "seconds" },
		{ "Max file size", "bytes" },
		{ "Max data size", "bytes" },
		{ "Max stack size", "bytes" },
		{ "Max core file size", "bytes" },
		{ "Max resident set", "bytes" },
		{ "Max processes", "processes" },
		{ "Max open files", "files" },
		{ "Max locked memory", "bytes" },
		{ "Max address space", "bytes" },
		{ "Max file locks", "locks" },
		{ "Max pending signals", "signals" },
		{ "Max msgqueue size", "bytes" },
		{ "Max nice priority", "" },
		{ "Max realtime priority", "" },
		{ "Max realtime timeout", "us" },
	};
	const volatile struct sh_cred *c = cred_of(p);

	text_put(t,
		"Limit                     Soft Limit           Hard Limit           Units     \n");
	for (unsigned n = 0; n < CRED_LIMITS; n++) {
		put_column(t, rows[n].name, 25);
		for (unsigned hard = 0; hard < 2; hard++) {
			u64 limit = c->limit[n][hard];
			char value[24] = "unlimited";

			if (limit != ~0ull)
				exo_snprintf(value, sizeof(value), "%lu", limit);
			put_column(t, value, 20);
		}
		put_column(t, rows[n].unit, 9);
		text_put(t, "\n");
	}
}

/* As it published it when it was called: what others may know who may not look. */
static void
put_cmdline(struct text *t, const volatile struct sh_proc *p)
{
	const struct pub *pub = p->state == PROC_ZOMBIE ? NULL : proc_published(p);
	size_t bytes = pub ? sizeof(pub->cmdline) : 0;

	while (bytes && pub->cmdline[bytes - 1] == '\0')
		bytes--;
	if (bytes)
		text_bytes(t, pub->cmdline, bytes < sizeof(pub->cmdline) ? bytes + 1 : bytes);
}

static void
put_children(struct text *t, const volatile struct sh_proc *p)
{
	const volatile struct sh_proc *table = proc_table();

	for (unsigned row = 0; row < proc_rows(); row++)
		if (table[row].state != PROC_FREE && table[row].state != PROC_BUILDING
			&& table[row].ppid == p->pid)
			text_put(t, "%u ", table[row].pid);
}

/* As Linux shows it: thousandths of all memory, and what its owner adds. */
static long
oom_score(const volatile struct sh_proc *p)
{
	const long adj = cred_of(p)->oom_adj;
	const long score =
		(1000 + adj + (long)(proc_pages(p) * 1000 / SHARED->memory_frames)) * 2 / 3;

	return adj == -1000 || score < 0 || p->state == PROC_ZOMBIE ? 0 : score;
}

static bool
is_private(u32 what)
{
	return what == P_ENVIRON || what == P_AUXV || what == P_MAPS || what == P_SMAPS
		|| what == P_SMAPS_ROLLUP || what == P_IO || what == P_PERSONALITY;
}

int
text_process(struct text *t, u32 ino, const volatile struct sh_proc *p)
{
	const u32 what = WHAT_OF(ino), tid = PID_OF(ino);
	const volatile struct exo_env *e = exo_env(p->env);

	if (is_private(what) && !proc_may_look(p))
		return what == P_PERSONALITY ? -EPERM : -EACCES;
	switch (what) {
	case P_STAT: put_stat(t, p, tid); return 0;
	case P_STATUS: put_status(t, p, tid); return 0;
	case P_STATM: put_statm(t, p); return 0;
	case P_COMM: text_put(t, "%s\n", name_copy(p, tid)); return 0;
	case P_LIMITS: put_limits(t, p); return 0;
	case P_CMDLINE:
		if (!proc_may_look(p) || text_memory(t, what, p) || !t->bytes)
			put_cmdline(t, p);
		return 0;
	case P_WCHAN: text_put(t, "0"); return 0;
	case P_OOM_SCORE: text_put(t, "%ld\n", oom_score(p)); return 0;
	case P_OOM_ADJ: text_put(t, "%d\n", cred_of(p)->oom_adj); return 0;
	case P_CORE_FILTER: text_put(t, "%08x\n", cred_of(p)->core_filter); return 0;
	case P_LOGINUID: case P_SESSIONID: text_put(t, "4294967295"); return 0;
	case P_CGROUP: text_put(t, "0::/\n"); return 0;
	case P_PERSONALITY: text_put(t, "%08x\n", cred_of(p)->personality); return 0;
	case P_SCHEDSTAT: text_put(t, "%lu 0 %lu\n", times_of(p), e ? e->slices : 0); return 0;
	case P_CHILDREN: put_children(t, p); return 0;
	case P_ENVIRON: case P_AUXV: case P_MAPS: case P_SMAPS: case P_SMAPS_ROLLUP: case P_IO:
		return text_memory(t, what, p);
	default: text_system(t, what); return 0;
	}
}

void
text_fdinfo(struct text *t, u32 ino)
{
	struct fd_seen seen;
	u32 flags;

	if (!proc_fd(ino, &seen))
		return;
	flags = seen.access | seen.ofd.flags | (seen.cloexec ? O_CLOEXEC : 0);
	text_put(t, "pos:\t%lu\nflags:\t0", seen.ofd.pos);
	for (unsigned digit = 8; digit--;)
		if (flags >> (3 * digit) || digit == 0)
			text_put(t, "%u", flags >> (3 * digit) & 7);
	text_put(t, "\nmnt_id:\t1\nino:\t%u\n", seen.what.ino);
}
