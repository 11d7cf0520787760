/* SPDX-License-Identifier: ISC */
/*
 * A process that is on two processors at once behind its library's back: an
 * activation of its own making on another CPU, which a relative there gives its
 * time to, asks the server for everything while the first one does, too, and
 * takes away the page that both requests are read from.  The server lives, it
 * keeps its word to others, and who plays with where he is hurts himself alone.
 */
#define _GNU_SOURCE
#define CHECK_NAME "cpus"
#include <sched.h>
#include "ask.h"

#define ASKS 400
#define TRIES 1024u

static unsigned cpus;
static volatile uint64_t *
	word; /* [0] answers of the second one, [1] it is to end, [2] turns, [3] there is a giver */

static void
pin(unsigned cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	CHECK(sched_setaffinity(0, sizeof(set), &set) == 0);
}

/* ---- the second activation: no library, its own u-area ------------------------------------------ */

extern const char exo_upcall_call[];	/* libexo's */
static char stacks[EXO_STACKS * EXO_STACK_BYTES] __attribute__((aligned(4096)));
static char uarea[PAGE] __attribute__((aligned(4096)));

/* Whatever there is, with numbers that mean something now and then; nothing that ends us. */
static void
ask_anything(uint64_t n)
{
	static const uint16_t ops[] = { OP_FORK_BEGIN, OP_FORK_ABORT, OP_FORK_DONE, OP_KILL,
		OP_SIGINFO, OP_SETNAME, OP_MEMORY, OP_OBJECT_NEW, OP_CHANGED, OP_PUBLISHED,
		OP_LIMIT, OP_PRIORITY, OP_FS_CREATE, OP_FS_UNLINK, OP_FS_RENAME, OP_FS_EXTEND,
		OP_FS_SWEEP, OP_LOCK, OP_NOTIFY_NEW, OP_TTY_READ, OP_PTY_NEW, OP_SOCK_NEW,
		OP_SOCK_PAIR };
	struct exo_msg m = { .rsi = ops[n % (sizeof(ops) / sizeof(ops[0]))],
		.rdx = n % 7,
		.r8 = 200 + n % 50,
		.r9 = n % 11,
		.rbx = n % 5,
		.rbp = n % 3 };

	if (m.rsi == OP_KILL)
		m.r8 = 0;
	if (m.rsi == OP_LIMIT || m.rsi == OP_PRIORITY)
		m.rdx = 99;
	exo_call_once(shared->server, &m, 0);
}

static void
second_main(exo_envid caller, struct exo_msg *message)
{
	(void)caller;
	(void)message;
	for (uint64_t n = 0; !word[1]; n++) {
		ask_anything(n);
		word[0] = n;
	}
}

/* The first that is free another may take meanwhile: the server and its keeper do, too, when it ends. */
static exo_pfn
frame_take(void)
{
	const exo_pfn account = row_of((uint32_t)getpid())->account;
	uint64_t done;

	for (unsigned tries = 0; tries < TRIES; tries++) {
		const exo_pfn frame = exo_frame_find(0, 1);

		if (exo_frame_claim_counted(frame, 1, account, 0, KEY_SELF, KEY_SELF, &done) >= 0)
			return frame;
	}
	return 0;
}

static bool
second_make(unsigned cpu)
{
	struct exo_uarea *u = (struct exo_uarea *)uarea;
	struct exo_act_spec spec = { .cpu = cpu, .uarea_va = (uint64_t)uarea };

	mlockall(MCL_CURRENT);		/* nobody serves its page faults */
	memset(uarea, 0, sizeof(uarea));
	memset(stacks, 0, sizeof(stacks));
	spec.uarea_frame = EXO_PTE_PFN(exo_pte((uint64_t)uarea));
	spec.act_frame = frame_take();
	if (!spec.act_frame)
		return false;
	exo_upcalls_init(u, (uint64_t)uarea, stacks);
	u->entry[EXO_ENTRY_CALL] = (uint64_t)exo_upcall_call;
	((struct exo_lib *)u->library)->call = second_main;
	u->gate = 1;
	return exo_env_activate(exo_self(), &spec, KEY_SELF) >= 0;
}

/* On that CPU: it calls the second one, so all its time is that one's. */
static pid_t
giver(unsigned cpu, exo_envid to)
{
	pid_t pid = fork();

	if (pid == 0) {
		pin(cpu);
		word[3] = 1;
		while (!word[1]) {
			struct exo_msg m = { .rsi = 0 };

			word[2]++;
			exo_call_once(to, &m, 0);
		}
		_exit(0);
	}
	while (!word[3])
		;
	return pid;
}

/* ---- attacks ----------------------------------------------------------------------------------- */

/* Both ask at once, as one and the same process. */
static void
both_ask(void)
{
	pid_t pid;

	pid = giver(1, exo_self());	/* first, or all would be copied on writing */
	if (!CHECK(second_make(1)))
		_exit(1);
	for (uint64_t n = 0; n < ASKS || word[0] < ASKS; n++) {
		ask_anything(n * 13);
		if (n > 100000)
			break;
	}
	CHECK(word[0] >= ASKS);
	word[1] = 1;
	waitpid(pid, NULL, 0);
}

/* The page is released in the middle of whatever the other one asks. */
static void
page_goes(void)
{
	const exo_pfn frame = EXO_PTE_PFN(exo_pte(base + EXOS_COMM));

	giver(1, exo_self());
	if (!CHECK(second_make(1)))
		_exit(1);
	while (word[0] < 50)
		;
	exo_frame_release_all(frame, 1, KEY_SELF);
	for (;;)			/* and so is this process, by the server */
		;
}

/* It goes without having anything to run there. */
static void
moves_into_nothing(void)
{
	struct exo_msg m = { .rsi = OP_PRIORITY,
		.rdx = PRIORITY_CPUS,
		.r8 = 0,
		.r9 = (uint64_t)getpid(),
		.rbx = 2 };

	mlockall(MCL_CURRENT);		/* a fault, too, would have our library look */
	exo_critical_enter();
	ask(&m);
	CHECK(request(OP_CPU_MORE, 0, 0, 0, 0, 0) == 1);
	CHECK(request(OP_CPU_LESS, 0, 0, 0, 0, 0) == 0);
	for (;;)
		;
}

/* It takes slices on all CPUs for nothing, gives them back, and again; and cannot have more than one on each. */
static void
takes_all(void)
{
	const volatile struct sh_proc *row = row_of((uint32_t)getpid());
	const uint64_t all = (1ull << shared->cpus) - 1;
	cpu_set_t set;

	CPU_ZERO(&set);
	for (unsigned cpu = 0; cpu < shared->cpus; cpu++)
		CPU_SET(cpu, &set);
	CHECK(sched_setaffinity(0, sizeof(set), &set) == 0);
	for (unsigned round = 0; round < 200; round++) {
		while (row->cpus != all)
			request(OP_CPU_MORE, 0, 0, 0, 0, 0);
		CHECK(request(OP_CPU_MORE, 0, 0, 0, 0, 0) == -EAGAIN);
		for (unsigned cpu = 0; cpu < shared->cpus; cpu++)
			if (cpu != exo_uarea()->cpu)
				CHECK(request(OP_CPU_LESS, cpu, 0, 0, 0, 0) == 0);
		CHECK(request(OP_CPU_LESS, exo_uarea()->cpu, 0, 0, 0, 0) == -EINVAL);
	}
	_exit(failed != 0);
}

static void
mover(uint64_t rounds)
{
	for (uint64_t n = 0; n < rounds; n++)
		pin(n % 2);
}

/* A child that attacks, and is ended by it, or by us; afterwards everything is as it was for others. */
static void
suffers(const char *name, void (*f)(void), bool wanted)
{
	struct timespec begin, now;
	int status = -1;
	pid_t pid;

	word[0] = word[1] = word[2] = word[3] = 0;
	fflush(stdout);
	pin(0);				/* so is the child, from its beginning: it has nothing on the other one */
	pid = fork();
	if (pid == 0) {
		failed = 0;		/* what failed before is told already */
		f();
		_exit(failed != 0);
	}
	clock_gettime(CLOCK_MONOTONIC, &begin);
	do {
		clock_gettime(CLOCK_MONOTONIC, &now);
		nap(5);
		if (wanted && now.tv_sec - begin.tv_sec > 0)
			kill(pid, SIGKILL);
	} while (waitpid(pid, &status, WNOHANG) == 0 && now.tv_sec - begin.tv_sec < 60);
	word[1] = 1;
	if (!check(wanted ? WIFSIGNALED(status) : status == 0, name, __LINE__))
		kill(pid, SIGKILL);
}

static void
refusals(void)
{
	for (unsigned cpu = 0; cpu < 64; cpu++)	/* none that it has, and none but this one */
		CHECK(request(OP_CPU_LESS, cpu, 0, 0, 0, 0) == -EINVAL);
	CHECK(request(OP_CPU_LESS, 1ull << 40, 0, 0, 0, 0) == -EINVAL);
	if (cpus == 1)
		CHECK(request(OP_CPU_MORE, 0, 0, 0, 0, 0) == -EAGAIN);
	CHECK(request(OP_PRIORITY, PRIORITY_CPUS, 0, (uint64_t)getpid(), 0, 0) == -EINVAL);
	CHECK(request(OP_PRIORITY, PRIORITY_CPUS, 0, (uint64_t)getpid(), 1u << 20, 0) == -EINVAL);
	CHECK(request(OP_PRIORITY, PRIORITY_CPUS, 0, 1, 1, 0) == -EPERM);
	CHECK(request(OP_PRIORITY, 77, 0, (uint64_t)getpid(), 1, 0) == -EINVAL);
}

int
main(void)
{
	CHECK(client_begin());
	word = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cpus = exo_info()->cpus;
	refusals();
	pin(0);				/* children begin there, and have no other activation */
	if (cpus > 1) {
		suffers("both ask", both_ask, false);
		suffers("the page goes", page_goes, true);
		suffers("takes all", takes_all, false);
		suffers("moves into nothing", moves_into_nothing, true);
		mover(50);
		CHECK(in_child((void (*)(void))refusals) == 0);
	}
	return summary();
}
