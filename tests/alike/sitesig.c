/* SPDX-License-Identifier: ISC */
/*
 * Call sites that are called often, and what interrupts them: handlers, steps,
 * calls begun anew, children, threads that are there while they change.
 */
#include "sites.h"
#include <pthread.h>
#include <ucontext.h>

SITE(own_pid,
	"mov $39,%eax\n .globl own_pid_call\n own_pid_call: syscall\n .globl own_pid_end\n own_pid_end:");
long short_pid(void);
CODE(short_pid, "mov $39,%r8d\n mov %r8,%rax\n .globl short_pid_call\n short_pid_call: syscall\n"
	".globl short_pid_end\n short_pid_end: ret\n" NOP8);
SITE(position, "mov $-1,%edi\n mov $8,%eax\n syscall\n");
long read_one(int fd, void *to, long bytes);
CODE(read_one, "mov $0,%eax\n .globl read_one_call\n read_one_call: syscall\n");
extern const char own_pid_call[], own_pid_end[], short_pid_call[], short_pid_end[], read_one_call[];

static volatile long ticks, odd, wrong;

/* ---- handlers at any time ------------------------------------------------------------------- */

/* Wherever it comes, the program is in code of its own, and the site's instructions are whole. */
static void
tick(int sig, siginfo_t *info, void *context)
{
	extern const char __executable_start[], etext[];
	ucontext_t *uc = context;
	const greg_t *r = uc->uc_mcontext.gregs;
	const char *rip = (const char *)r[REG_RIP];

	(void)sig, (void)info;
	ticks++;
	odd += rip < __executable_start || rip >= etext;
	odd += rip > (const char *)own_pid && rip < own_pid_end && rip != own_pid_call;
	odd += rip == own_pid_call && r[REG_RAX] != SYS_getpid;
	odd += rip == own_pid_end && r[REG_RAX] != getpid();
	odd += rip > short_pid_end && rip < short_pid_end + 9;
	odd += rip == short_pid_call && r[REG_RAX] != SYS_getpid;
	odd += rip == short_pid_end && r[REG_RAX] != getpid();
	wrong += own_pid() != getpid() || short_pid() != getpid() || position() != -EBADF;
}

static void
often_interrupted(void)
{
	struct sigaction a = { .sa_sigaction = tick, .sa_flags = SA_SIGINFO | SA_RESTART };
	const struct itimerval each = { { 0, 500 }, { 0, 500 } }, none = { { 0, 0 }, { 0, 0 } };
	const long pid = getpid();

	sigaction(SIGALRM, &a, NULL);
	setitimer(ITIMER_REAL, &each, NULL);
	while (ticks < 60) {
		for (int i = 0; i < 1000; i++)
			wrong += own_pid() != pid || short_pid() != pid || position() != -EBADF;
	}
	setitimer(ITIMER_REAL, &none, NULL);
	printf("interrupted: %ld %ld\n", odd, wrong);
}

/* ---- calls begun anew, and not ---------------------------------------------------------------- */

static volatile long seen_at, handled;

static void
look(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig, (void)info;
	seen_at = uc->uc_mcontext.gregs[REG_RIP] - (long)read_one_call;
	handled++;
}

/* A child sends a signal when we wait in read, and a byte when we were told. */
static void
restarts(int flags)
{
	struct sigaction a = { .sa_sigaction = look, .sa_flags = SA_SIGINFO | flags };
	char byte = 0;
	int p[2];
	long got;
	pid_t child;

	sigaction(SIGUSR1, &a, NULL);
	pipe(p);
	for (int i = 0; i < OFTEN; i++) {
		write(p[1], "x", 1);
		read_one(p[0], &byte, 1);
	}
	handled = 0;
	child = fork();
	if (child == 0) {
		for (int i = 0; i < 5; i++)
			usleep(20000), kill(getppid(), SIGUSR1);
		usleep(20000);
		write(p[1], "y", 1);
		_exit(0);
	}
	byte = 0;
	while ((got = read_one(p[0], &byte, 1)) == -EINTR)
		;
	waitpid(child, NULL, 0);
	printf("read: %ld %c, told %d times, %ld bytes into it\n", got, byte, handled > 0, seen_at);
	close(p[0]);
	close(p[1]);
}

/* ---- a handler says where to go on ---------------------------------------------------------------- */

static volatile long go_to, go_rax;

static void
divert(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)sig, (void)info;
	uc->uc_mcontext.gregs[REG_RIP] = go_to;
	uc->uc_mcontext.gregs[REG_RAX] = go_rax;
}

/* At ud2, as if behind a call of own_pid: its return address is on the stack. */
long diverted(void);
CODE(diverted, "ud2\n");

static void
diversions(void)
{
	struct sigaction a = { .sa_sigaction = divert, .sa_flags = SA_SIGINFO };
	long result[3];

	often(own_pid);
	sigaction(SIGILL, &a, NULL);
	go_to = (long)own_pid, go_rax = 5;
	result[0] = diverted();
	go_to = (long)own_pid_call, go_rax = SYS_getppid;
	result[1] = diverted();
	go_to = (long)own_pid_end, go_rax = 77;
	result[2] = diverted();
	signal(SIGILL, SIG_DFL);
	printf("diverted: %s %s %ld\n", whose(result[0]), whose(result[1]), result[2]);
}

/* ---- step by step ------------------------------------------------------------------------------------ */

static volatile long steps, site_steps[16], site_rax[16], short_steps[16];
static volatile unsigned site_count, short_count;

static void
step(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	greg_t *r = uc->uc_mcontext.gregs;
	const long offset = r[REG_RIP] - (long)own_pid, other = r[REG_RIP] - (long)short_pid;

	(void)sig, (void)info;
	steps++;
	if (other >= 0 && other <= 24 && short_count < 16)
		short_steps[short_count++] = other;
	if (offset >= 0 && offset <= 8 && site_count < 16) {
		site_steps[site_count] = offset;
		site_rax[site_count++] = offset == 7 ? r[REG_RAX] == getpid()
			: offset == 5                ? r[REG_RAX]
						     : 0;
	}
}

static void
stepped(void)
{
	struct sigaction a = { .sa_sigaction = step, .sa_flags = SA_SIGINFO };

	often(own_pid);
	often(short_pid);
	sigaction(SIGTRAP, &a, NULL);
	__asm__ volatile(
		"sub $128,%%rsp; pushfq; orq $0x100,(%%rsp); popfq; call own_pid; call own_pid; call short_pid\n"
		"pushfq; andq $-0x101,(%%rsp); popfq; add $128,%%rsp"
		:
		:
		: "rax", "rcx", "r8", "r11", "memory", "cc");
	signal(SIGTRAP, SIG_DFL);
	printf("%ld steps, in the site", steps);
	for (unsigned n = 0; n < site_count; n++)
		printf(" %ld:%ld", site_steps[n], site_rax[n]);
	for (unsigned n = 0; n < short_count; n++)
		printf(" %ld", short_steps[n]);
	printf("\n");
}

/* ---- children --------------------------------------------------------------------------------------------- */

static void
children(void)
{
	for (int i = 0; i < 4; i++) {
		pid_t child = i & 1 ? vfork() : fork();

		if (child == 0) {
			if (i & 1)
				_exit(own_pid() == getpid() && position() == -EBADF ? 3 : 4);
			often(own_pid), often(short_pid);
			if (fork() == 0)
				_exit(own_pid() == getpid() && often(position) == -EBADF ? 3 : 4);
			wait(NULL);
			_exit(own_pid() == getpid() ? 3 : 4);
		}
		int status;

		waitpid(child, &status, 0);
		printf("child %d ", WEXITSTATUS(status));
	}
	printf("own %d\n", own_pid() == getpid());
}

/* A child changes code that is its parent's, too: the parent's stays. */
static void
children_change(void)
{
	int fd = code_file("shared", 256, SYS_getppid), status;
	unsigned char *code = code_map(fd, MAP_PRIVATE);
	routine *f = (routine *)(code + 256), *second = (routine *)(code + 1024);
	pid_t child;

	often(f);
	child = fork();
	if (child == 0) {
		mprotect(code, 4096, PROT_READ | PROT_WRITE);
		code[257] = SYS_getpid;
		memcpy(code + 1024, code + 256, 8);
		mprotect(code, 4096, PROT_READ | PROT_EXEC);
		_exit(often(f) == getpid() && often(second) == getpid() ? 3 : 4);
	}
	waitpid(child, &status, 0);
	printf("changed by a child: %d %s %02x\n", WEXITSTATUS(status), whose(often(f)),
		code[1024]);
	close(fd);
}

/* ---- threads ------------------------------------------------------------------------------------------------ */

#define THREADS 6
#define SITES 24

static unsigned char *storm;

static void *
caller(void *number)
{
	long bad = 0;

	for (int round = 0; round < 400; round++) {
		for (unsigned n = 0; n < SITES; n++) {
			routine *f = (routine *)(storm + 64 + n * 160);

			bad += f() != (n & 1 ? getppid() : getpid());
		}
		if (round % 50 == (long)number)
			sched_yield();
	}
	return (void *)bad;
}

/* All make the calls of the same sites, which become what they become meanwhile. */
static void
threads(void)
{
	int fd = code_file("storm", 0, 0);
	const unsigned char site[8] = { 0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0xc3 };
	pthread_t t[THREADS];
	long bad = 0;

	for (unsigned n = 0; n < SITES; n++) {
		const unsigned char number = n & 1 ? SYS_getppid : SYS_getpid;

		pwrite(fd, site, sizeof(site), 64 + n * 160);
		pwrite(fd, &number, 1, 64 + n * 160 + 1);
	}
	storm = code_map(fd, MAP_PRIVATE);
	for (long n = 0; n < THREADS; n++)
		pthread_create(&t[n], NULL, caller, (void *)n);
	for (int n = 0; n < THREADS; n++) {
		void *result;

		pthread_join(t[n], &result);
		bad += (long)result;
	}
	printf("threads: %ld\n", bad);
	close(fd);
}

int
main(void)
{
	in_memory();
	often_interrupted();
	restarts(SA_RESTART);
	restarts(0);
	diversions();
	stepped();
	children();
	children_change();
	threads();
	return 0;
}
