/* SPDX-License-Identifier: ISC */
/* What times.h says. */
#include <exo/read.h>
#include "times.h"
#include "../core/self.h"
#include "../thread/act.h"

#define STRIDE_LEAST 9u			/* entries from one that is measured to the next: */
#define STRIDE_MASK 15u			/* so many, and up to this many more, by chance */

u32 times_until_measured = 1;
static u32 stride = 1;			/* how many entries the next one stands for */
static u64 system_ns;			/* estimated */
static u64 run_shown, user_shown;
u64 times_measured;

#define LOOKS 16u			/* at what each CPU did, while it is being charged */

/* What a CPU that runs us did since it was last charged: who was entered after that had none of it. */
static u64
uncharged(u32 n)
{
	const volatile struct exo_cpu *cpu = exo_cpu(n);
	const u64 charged = cpu->charged_ns, now = clock_ns();
	const bool ours = cpu->running == UAREA->env;

	return ours && now > charged && charged == cpu->charged_ns ? now - charged : 0;
}

/* The kernel's count, and that; if none was charged meanwhile, for it would be counted twice. */
static u64
run_on_many(void)
{
	const volatile u64 *const counted = &exo_env(UAREA->env)->run_ns;
	u64 run = 0, more = 0;

	for (u32 look = 0; look < LOOKS; look++) {
		run = *counted;
		more = 0;
		for (u32 n = 0; n < SH_CPUS; n++)
			more += acts[n].on ? uncharged(n) : 0;
		if (run == *counted)
			break;
		more = 0;
	}
	run += more;
	if (run > run_shown)
		run_shown = run;
	return run_shown;
}

/* run_ns is as of charged_ns; what the processor did since then it did for us. */
u64
times_run(void)
{
	const volatile struct exo_env *e = exo_env(UAREA->env);
	const volatile struct exo_cpu *cpu = exo_cpu(UAREA->cpu);
	u64 charged, run, now;

	if (acts_many)
		return run_on_many();

	do {
		charged = cpu->charged_ns;
		run = e->run_ns;
		now = clock_ns();
	} while (charged != cpu->charged_ns);
	run += now > charged ? now - charged : 0;
	if (run > run_shown)
		run_shown = run;
	return run_shown;
}

u64
times_of(const volatile struct sh_proc *p)
{
	const volatile struct exo_env *e = exo_env(p->env);

	return p == PROC ? times_run() : p->state == PROC_ZOMBIE || !e ? p->run_ns : e->run_ns;
}

u64
times_begin(void)
{
	times_measured = act_run_ns(act_here) | 1;
	return times_measured;
}

void
times_end(u64 begun)
{
	const u64 at = act_run_ns(act_here), now = times_run();

	if (at > begun && begun == times_measured)
		system_ns += (at - begun) * stride;
	if (system_ns > now)
		system_ns = now;
	PUB->sys_ns = system_ns;
	stride = STRIDE_LEAST + (exo_rdtsc() >> 4 & STRIDE_MASK);
	times_until_measured = stride;
}

void
times_split(u64 *user, u64 *system)
{
	u64 run = times_run();
	u64 most = run - user_shown;

	*system = system_ns < most ? system_ns : most;
	*user = run - *system;
	user_shown = *user;
}

void
times_fork_child(void)
{
	system_ns = run_shown = user_shown = 0;
	PUB->sys_ns = PUB->waits = 0;
	PUB->sites = (struct pub_sites){ 0 };
}

/* ---- what else was used ------------------------------------------------------------------------ */

#define NSEC 1000000000ull

struct used
used_by(const volatile struct sh_proc *p)
{
	const volatile struct exo_env *e = exo_env(p->env);

	if (p->state == PROC_ZOMBIE || !e)
		return (struct used){ p->faults, p->waits, p->slices, p->most_frames };
	return (struct used){ e->faults + e->stlb_hits, p == PROC ? PUB->waits : p->waits,
		e->slices, p->most_frames };
}

struct used
used_by_children(const volatile struct sh_proc *p)
{
	return (struct used){ p->children_faults, p->children_waits, p->children_slices,
		p->children_most_frames };
}

void
used_add(struct used *to, struct used more)
{
	to->faults += more.faults;
	to->waits += more.waits;
	to->slices += more.slices;
	if (more.most_frames > to->most_frames)
		to->most_frames = more.most_frames;
}

void
used_put(u64 use[USE_WORDS], struct used u)
{
	/* The limit grows as memory is touched, in steps of a mebibyte, and pays for the library, too. */
	use[USE_MAXRSS] = u.most_frames * (EXO_PAGE_BYTES / 1024);
	use[USE_MINFLT] = u.faults;
	use[USE_NVCSW] = u.waits < u.slices ? u.waits : u.slices;
	use[USE_NIVCSW] = u.slices - use[USE_NVCSW];
}

void
times_put(u64 use[USE_WORDS], u64 user_ns, u64 sys_ns)
{
	use[USE_TIME] = user_ns / NSEC;
	use[USE_TIME + 1] = user_ns % NSEC / 1000;
	use[USE_SYSTEM] = sys_ns / NSEC;
	use[USE_SYSTEM + 1] = sys_ns % NSEC / 1000;
}
