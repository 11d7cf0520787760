/* SPDX-License-Identifier: ISC */
/*
 * Signals in bad faith: forged details, storms, queues filled to the brim by
 * those who never listen, and a library that is lied to.  What counts is that
 * others go on being told everything, and that all of it is forgotten with
 * the dead.
 */
#define _GNU_SOURCE
#define CHECK_NAME "signals"
#include <sys/resource.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include "ask.h"

#define CROWD 10			/* more than fill the server's pool */
#define FEW 8				/* what everybody may have, however full it is */

static sigset_t
blocked(int sig)
{
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, sig);
	sigprocmask(SIG_BLOCK, &set, &old);
	return set;
}

/* `count` values come in order, from this very process. */
static bool
told(const sigset_t *set, int count, pid_t from)
{
	const struct timespec soon = { 5, 0 };
	siginfo_t info;

	for (int n = 0; n < count; n++)
		if (sigtimedwait(set, &info, &soon) < 0 || info.si_value.sival_int != n ||
			info.si_pid != from)
			return false;
	return true;
}

static bool
queues(pid_t to, int count)
{
	for (int n = 0; n < count; n++)
		if (sigqueue(to, SIGRTMIN, (union sigval){ .sival_int = n }))
			return false;
	return true;
}

/* Two that have nothing to do with it still reach each other. */
static void
check_alive(void)
{
	sigset_t set = blocked(SIGRTMIN);
	pid_t child = fork();
	int status;

	if (child == 0)
		_exit(!queues(getppid(), FEW));
	CHECK(told(&set, FEW, child));
	CHECK(waitpid(child, &status, 0) == child && status == 0);
}

/* ---- forged details ------------------------------------------------------------------------- */

static long
forge(pid_t to, int sig, int code, uint64_t how)
{
	volatile struct sig_detail *d = (volatile struct sig_detail *)(base + EXOS_COMM);

	*d = (struct sig_detail){ .signo = 999,
		.code = code,
		.directed = 77,
		.word = { 1, 2, 3, 4 } };
	return request(OP_KILL, (uint64_t)(long)to, (uint64_t)(long)sig, how, 0, 0);
}

static void
forged(void)
{
	pid_t parent = getppid();

	note[1] += forge(parent, SIGCHLD, 1, KILL_QUEUE) == -EPERM;
	note[1] += forge(parent, SIGUSR1, SI_USER, KILL_QUEUE) == -EPERM;
	note[1] += forge(parent, SIGUSR1, SI_KERNEL, KILL_THREAD_QUEUE) == -EPERM;
	note[1] += forge(parent, SIGUSR1, SI_TKILL, KILL_QUEUE) == -EPERM;
	note[1] += forge(parent, 65, SI_QUEUE, KILL_QUEUE) == -EINVAL;
	note[1] += forge(parent, -1, SI_QUEUE, KILL_QUEUE) == -EINVAL;
	note[1] += forge(-getpgrp(), SIGUSR1, SI_QUEUE, KILL_QUEUE) == -EINVAL;
	note[1] += forge(0, SIGUSR1, SI_QUEUE, KILL_THREAD) == -EINVAL;
	note[1] += forge(1, SIGKILL, SI_QUEUE, KILL_QUEUE) == 0;	/* the server lives */
	note[1] += forge(parent, SIGUSR1, SI_QUEUE, 1ull << 40) == -EINVAL;
	note[1] += forge(parent, SIGUSR1, SI_QUEUE, KILL_QUEUE) == 0;	/* and this one comes */
	_exit(0);
}

static void
forgeries(void)
{
	sigset_t set = blocked(SIGUSR1);
	const struct timespec none = { 0, 0 };
	siginfo_t info;

	note[1] = 0;
	CHECK(in_child(forged) == 0);
	CHECK(note[1] == 11);
	CHECK(sigtimedwait(&set, &info, &none) == SIGUSR1 && info.si_signo == SIGUSR1 &&
		info.si_code == SI_QUEUE);
	CHECK(((int *)&info)[3] == 0);
	CHECK(sigtimedwait(&set, &info, &none) == -1);
}

/* ---- a library that is lied to ---------------------------------------------------------------- */

static volatile sig_atomic_t caught;

static void
catches(int sig)
{
	caught = sig;
}

/* The doorbell without anybody, what waits taken behind its back, and stops that no signal asks for. */
static void
lied_to(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigprocmask(SIG_SETMASK, &set, NULL);
	signal(SIGUSR1, catches);
	exo_post(exo_self(), ~0ull, KEY_SELF);
	nap(1);
	set = blocked(SIGRTMIN);
	pid_t child = fork();

	if (child == 0)
		_exit(!queues(getppid(), FEW));
	waitpid(child, NULL, 0);
	request(OP_SIGINFO, 0, 0, 0, 0, 0);
	request(OP_SIGINFO, ~0ull, ~0ull, ~0ull, 0, 0);
	told(&set, FEW, child);
	kill(getpid(), SIGUSR1);
	_exit(caught == SIGUSR1 ? 0 : 1);
}

/* Whoever says that it holds more than it may is told less, and that is all. */
static void
held(void)
{
	volatile struct pub *pub = (volatile struct pub *)(base + EXOS_PUBLIC);
	pid_t child;
	int status;

	blocked(SIGRTMIN);
	pub->sig_held = ~0u;
	pub->sys_ns = ~0ull;
	child = fork();
	if (child == 0)
		_exit(sigqueue(getppid(), SIGRTMIN, (union sigval){ 0 }) == -1 && errno == EAGAIN
				? 7
				: 1);
	pub->sig_held = ~0u;
	waitpid(child, &status, 0);
	_exit(WEXITSTATUS(status) == 7 || WEXITSTATUS(status) == 1 ? 0 : 1);
}

/* ---- storms -------------------------------------------------------------------------------------- */

/* As many as take signals and never look, each filled to its limit. */
static void
fills(void)
{
	pid_t crowd[CROWD];
	uint64_t sent = 0;

	for (int n = 0; n < CROWD; n++) {
		crowd[n] = fork();
		if (crowd[n] == 0)
			for (;;)
				pause();
		kill(crowd[n], SIGSTOP);
	}
	for (int n = 0; n < CROWD; n++)
		while (sent < 100000 && sigqueue(crowd[n], SIGRTMIN, (union sigval){ 0 }) == 0)
			sent++;
	note[2] = sent;
	note[3] = 1;
	while (note[3] == 1)
		nap(1);
	for (int n = 0; n < CROWD; n++)
		kill(crowd[n], SIGKILL);
	_exit(0);
}

static void
full(void)
{
	uint64_t first = 0;

	for (int round = 0; round < 3; round++) {
		pid_t child;

		note[3] = 0;
		child = fork();
		if (child == 0)
			fills();
		PATIENTLY (note[3] == 0)
			nap(1);
		check_alive();
		note[3] = 2;
		CHECK(waitpid(child, NULL, 0) == child);
		if (round == 0)
			first = note[2];
		/* What the dead had not taken is nobody's: there is as much as before. */
		CHECK(note[2] == first && first > FEW);
	}
}

/* Two that send to each other and to all as fast as they can. */
static void
storms(void)
{
	signal(SIGUSR1, catches);
	signal(SIGRTMIN, catches);
	for (;;) {
		kill(0, SIGUSR1);
		sigqueue((pid_t)note[4], SIGRTMIN, (union sigval){ 0 });
		sigqueue((pid_t)note[5], SIGRTMIN, (union sigval){ 0 });
	}
}

static void
storm(void)
{
	int p[2], answer[2], status;
	pid_t group = fork(), worker;
	char byte;

	if (group == 0) {		/* a group of their own */
		setpgid(0, 0);
		note[5] = (uint64_t)fork();
		if (note[5] == 0)
			storms();
		note[4] = (uint64_t)getpid();
		storms();
	}
	setpgid(group, group);
	CHECK(pipe(p) == 0 && pipe(answer) == 0);
	worker = fork();
	if (worker == 0) {
		while (read(p[0], &byte, 1) == 1 && byte)
			write(answer[1], &byte, 1);
		_exit(0);
	}
	for (int n = 0; n < 200; n++) {
		CHECK(write(p[1], "x", 1) == 1);
		CHECK(read(answer[0], &byte, 1) == 1);
	}
	check_alive();
	kill(-group, SIGKILL);
	CHECK(waitpid(group, &status, 0) == group && WTERMSIG(status) == SIGKILL);
	CHECK(write(p[1], "", 1) == 1 && waitpid(worker, &status, 0) == worker && status == 0);
	for (int n = 0; n < 4; n++)
		close(n < 2 ? p[n] : answer[n - 2]);
}

/* ---- frames that lie --------------------------------------------------------------------------------- */

static volatile int lie;

static void
lies(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *r = uc->uc_mcontext.gregs;

	(void)sig;
	(void)info;
	switch (lie) {
	case 0: r[REG_CSGSFS] = 0x0008000800080008; break;	/* the kernel's segments */
	case 1: r[REG_CSGSFS] = 0x10; break;
	case 2: r[REG_EFL] = ~0ll; break;			/* all flags: IOPL, NT, VM, TF, IF off ... */
	case 3: r[REG_EFL] = 0; break;
	case 4: r[REG_RIP] = (greg_t)0x8000000000000000ull; break;
	case 5: r[REG_RIP] = (greg_t)0xffffffff80000000ull; break;
	case 6: r[REG_RSP] = (greg_t)0xdeadbeefdeadbeefull; break;
	case 7: uc->uc_mcontext.fpregs = (void *)0xffff800000000000ull; break;
	case 8: uc->uc_mcontext.fpregs = (void *)((char *)uc->uc_mcontext.fpregs + 1); break;
	case 9: uc->uc_mcontext.fpregs = (void *)(base + EXOS_SHARED); break;
	case 10: memset(uc->uc_mcontext.fpregs, 0xff, 512); break;
	case 11: memset((char *)uc->uc_mcontext.fpregs + 512, 0xff, 64); break;
	case 12: r[REG_RIP] = (greg_t)base; break;		/* into the library */
	case 13: r[REG_RSP] = (greg_t)(base + EXOS_STACKS + 0x8000); break;
	case 14:
		uc->uc_stack.ss_sp = (void *)base;
		uc->uc_stack.ss_size = ~0ull;
		uc->uc_stack.ss_flags = 0;
		break;
	}
}

static void
lying(void)
{
	struct sigaction a = { .sa_sigaction = lies, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	sigaction(SIGUSR1, &a, NULL);
	raise(SIGUSR1);
	raise(SIGUSR1);
	_exit(0);
}

static void
frames(void)
{
	for (lie = 0; lie < 15; lie++) {
		pid_t child = fork();
		int status = -1;

		if (child == 0)
			lying();
		/* It goes on, or it dies of it. */
		CHECK(waitpid(child, &status, 0) == child);
		CHECK(status == 0 || (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL) ||
			WIFEXITED(status));
	}
	check_alive();
}

int
main(void)
{
	if (!CHECK(client_begin()))
		return summary();
	forgeries();
	CHECK(in_child(lied_to) == 0);
	CHECK(in_child(held) == 0);
	check_alive();
	full();
	storm();
	frames();
	return summary();
}
