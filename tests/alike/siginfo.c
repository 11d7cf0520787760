/* SPDX-License-Identifier: ISC */
/* What is told about a signal: who sent it, why, in which order; and who may say so. */
#include "t.h"

static volatile sig_atomic_t count;
static siginfo_t seen[64];

static void
keep(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)context;
	if (count < 64)
		seen[count] = *info;
	count++;
}

static void
handle(int sig, int flags)
{
	struct sigaction a = { .sa_sigaction = keep, .sa_flags = SA_SIGINFO | flags };

	sigaction(sig, &a, NULL);
}

static const char *
who(pid_t pid)
{
	return pid == getpid()     ? "self"
		: pid == getppid() ? "parent"
		: pid == 0         ? "nobody"
				   : "other";
}

static void
show(const char *what)
{
	printf("%s: %d\n", what, count);
	for (int n = 0; n < count && n < 64; n++) {
		siginfo_t *i = &seen[n];

		printf("  signal %d code %d errno %d from %s uid %d", i->si_signo, i->si_code,
			i->si_errno, who(i->si_pid), i->si_uid);
		if (i->si_signo == SIGCHLD)
			printf(" status %d", i->si_status);
		else if (i->si_code == SI_QUEUE)
			printf(" value %d", i->si_value.sival_int);
		printf("\n");
	}
	fflush(stdout);
	count = 0;
}

static sigset_t
block(int a, int b, int c)
{
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, a);
	sigaddset(&set, b);
	sigaddset(&set, c);
	sigprocmask(SIG_BLOCK, &set, &old);
	return old;
}

static void
restore(sigset_t old)
{
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static long
queue_raw(pid_t pid, int sig, int code, int value)
{
	siginfo_t info = { 0 };

	info.si_signo = 77;
	info.si_code = code;
	info.si_pid = getpid();
	info.si_uid = getuid();
	info.si_value.sival_int = value;
	return syscall(SYS_rt_sigqueueinfo, pid, sig, &info);
}

static void
from_self(void)
{
	union sigval v;
	sigset_t old;

	handle(SIGUSR1, 0);
	handle(SIGRTMIN, 0);
	handle(SIGRTMIN + 1, 0);
	kill(getpid(), SIGUSR1);
	raise(SIGUSR1);
	kill(0, 0);
	v.sival_int = 7;
	sigqueue(getpid(), SIGUSR1, v);
	show("kill, raise, sigqueue");
	old = block(SIGUSR1, SIGRTMIN, SIGRTMIN + 1);
	for (int n = 0; n < 5; n++) {
		v.sival_int = n;
		sigqueue(getpid(), SIGRTMIN + (n & 1), v);
		sigqueue(getpid(), SIGUSR1, v);
	}
	kill(getpid(), SIGRTMIN);
	restore(old);
	show("queued");	/* a handler's frame lies on those before it: the last begins first */
	SAY(queue_raw(getpid(), SIGUSR1, SI_USER, 1));
	SAY(queue_raw(getpid(), SIGUSR1, SI_KERNEL, 1));
	SAY(queue_raw(getpid(), SIGUSR1, -60, 1));
	SAY(queue_raw(getpid(), 65, SI_QUEUE, 1));
	SAY(queue_raw(getppid(), 0, SI_USER, 1));
	SAY(queue_raw(getppid(), 0, SI_TKILL, 1));
	SAY(queue_raw(99999, SIGUSR1, SI_QUEUE, 1));
	SAY(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, nowhere));
	SAY(syscall(SYS_rt_tgsigqueueinfo, 0, 1, SIGUSR1, seen));
	show("raw");
}

/* The child does it; the parent waits for its end with the signals blocked, then takes them. */
static void
from_child(const char *what, void (*act)(pid_t parent))
{
	sigset_t old = block(SIGUSR1, SIGRTMIN, SIGCHLD);
	pid_t child = fork();
	int status;

	if (child == 0) {
		act(getppid());
		_exit(3);
	}
	waitpid(child, &status, 0);
	handle(SIGCHLD, 0);
	restore(old);
	for (int n = 0; n < count && n < 64; n++)
		printf("%d", seen[n].si_pid == child || seen[n].si_pid == getpid());
	show(what);
}

static void
kills(pid_t parent)
{
	kill(parent, SIGUSR1);
	syscall(SYS_tkill, parent, SIGUSR1);
}

static void
tkills(pid_t parent)
{
	union sigval v = { .sival_int = 4 };

	syscall(SYS_tgkill, parent, parent, SIGUSR1);
	sigqueue(parent, SIGUSR1, v);
}

static void
queues(pid_t parent)
{
	for (int n = 0; n < 20; n++) {
		union sigval v = { .sival_int = n };

		if (sigqueue(parent, SIGRTMIN, v))
			_exit(1);
	}
	kill(parent, SIGRTMIN);
	if (queue_raw(parent, SIGRTMIN, SI_USER, 1) != -1 || errno != EPERM)
		_exit(2);
	if (queue_raw(parent, SIGRTMIN, SI_TKILL, 1) != -1 || errno != EPERM)
		_exit(2);
	if (queue_raw(parent, SIGRTMIN, SI_KERNEL, 1) != -1 || errno != EPERM)
		_exit(2);
	queue_raw(parent, SIGRTMIN, SI_MESGQ, 99);
	queue_raw(parent, SIGRTMIN, -1000, 99);
}

/* ---- children -------------------------------------------------------------------------- */

/* SIGCHLD is blocked but here, so that none comes between looking and waiting. */
static void
next(void)
{
	sigset_t set;

	sigprocmask(SIG_SETMASK, NULL, &set);
	sigdelset(&set, SIGCHLD);
	sigsuspend(&set);
}

static void
child_ends(const char *what, int how)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		if (how < 0)
			_exit(-how);
		kill(getpid(), how);
		_exit(99);
	}
	while (count == 0)
		next();
	printf("%d ", seen[0].si_pid == child);
	show(what);
	printf("%d", waitpid(child, &status, 0) == child);
	printf(" %x\n", WIFSIGNALED(status) ? status & 0x7f : status);
}

static void
children(void)
{
	pid_t child;
	siginfo_t info;
	sigset_t pending, old = block(SIGCHLD, SIGCHLD, SIGCHLD);

	handle(SIGCHLD, 0);
	child_ends("exit 5", -5);
	child_ends("SIGTERM", SIGTERM);
	child_ends("SIGKILL", SIGKILL);
	child_ends("real-time", SIGRTMIN + 3);
	child = fork();
	if (child == 0)
		for (;;)
			pause();
	kill(child, SIGSTOP);
	while (count == 0)
		next();
	show("stopped");
	SAY(waitid(P_PID, (id_t)child, &info, WSTOPPED | WEXITED));
	printf("%d %d\n", info.si_code, info.si_status);
	kill(child, SIGCONT);
	while (count == 0)
		next();
	show("continued");
	handle(SIGCHLD, SA_NOCLDSTOP);
	kill(child, SIGSTOP);
	waitid(P_PID, (id_t)child, &info, WSTOPPED);
	kill(child, SIGCONT);
	waitid(P_PID, (id_t)child, &info, WCONTINUED);
	sigpending(&pending);
	printf("not told: %d\n", sigismember(&pending, SIGCHLD));
	kill(child, SIGTERM);
	while (count == 0)
		next();
	show("told");
	waitpid(child, NULL, 0);
	signal(SIGCHLD, SIG_DFL);
	restore(old);
}

/* ---- waiting for them ----------------------------------------------------------------------- */

static void
waited(void)
{
	sigset_t set, old = block(SIGUSR1, SIGRTMIN, SIGCHLD);
	struct timespec none = { 0, 0 }, bad = { 0, 1000000000 };
	siginfo_t info;
	pid_t child = fork();

	if (child == 0) {
		for (int n = 0; n < 3; n++)
			sigqueue(getppid(), SIGRTMIN, (union sigval){ .sival_int = n });
		kill(getppid(), SIGUSR1);
		_exit(7);
	}
	waitpid(child, NULL, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGCHLD);
	for (int n = 0; n < 6; n++) {
		int sig = sigtimedwait(&set, &info, &none);

		printf("%d", sig);
		if (sig > 0)
			printf(": code %d from child %d value %d status %d", info.si_code,
				info.si_pid == child,
				sig == SIGRTMIN ? info.si_value.sival_int : -1,
				sig == SIGCHLD ? info.si_status : -1);
		printf("\n");
	}
	SAY(sigtimedwait(&set, &info, &bad));
	kill(getpid(), SIGUSR1);
	SAY(syscall(SYS_rt_sigtimedwait, &set, nowhere, &none, 8));
	SAY(sigtimedwait(&set, &info, &none));
	restore(old);
}

/* ---- stopping and going on do away with each other --------------------------------------------- */

static void
opposites(void)
{
	sigset_t old = block(SIGTSTP, SIGCONT, SIGTTIN), pending;

	kill(getpid(), SIGTSTP);
	kill(getpid(), SIGTTIN);
	sigpending(&pending);
	printf("%d %d\n", sigismember(&pending, SIGTSTP), sigismember(&pending, SIGCONT));
	kill(getpid(), SIGCONT);
	sigpending(&pending);
	printf("%d %d\n", sigismember(&pending, SIGTSTP), sigismember(&pending, SIGCONT));
	kill(getpid(), SIGTSTP);
	sigpending(&pending);
	printf("%d %d\n", sigismember(&pending, SIGTSTP), sigismember(&pending, SIGCONT));
	kill(getpid(), SIGCONT);
	restore(old);
	printf("went on\n");
}

/* ---- ignored ones are gone; blocked ones are kept until looked at -------------------------------- */

static void
ignored(void)
{
	sigset_t old, pending;

	signal(SIGUSR1, SIG_IGN);
	old = block(SIGUSR1, SIGURG, SIGUSR2);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGURG);
	sigpending(&pending);
	printf("%d %d\n", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGURG));
	handle(SIGUSR1, 0);
	signal(SIGURG, SIG_IGN);
	sigpending(&pending);
	printf("%d %d\n", sigismember(&pending, SIGUSR1), sigismember(&pending, SIGURG));
	restore(old);
	show("was ignored when it came");
}

/* ---- limits ------------------------------------------------------------------------------------------ */

static void
limits(void)
{
	struct rlimit limit;
	sigset_t old = block(SIGRTMIN, SIGUSR1, SIGUSR2);
	int sent = 0;

	getrlimit(RLIMIT_SIGPENDING, &limit);
	limit.rlim_cur = 10;
	SAY(setrlimit(RLIMIT_SIGPENDING, &limit));
	handle(SIGRTMIN, 0);
	while (sent < 100 && sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = sent }) == 0)
		sent++;
	printf("%d %s\n", sent <= 10, error_name(errno));
	SAY(kill(getpid(), SIGUSR1));
	handle(SIGUSR1, 0);
	restore(old);
	printf("all came: %d\n", count == sent + 1);
	count = 0;
}

/* A child whose end is told by SIGKILL does not kill the program that its parent became. */
static void
another_program(const char *self)
{
	char *args[] = { (char *)(unsigned long)self, (char *)(unsigned long)"look", NULL };
	int gate[2], status;
	pid_t child = fork();

	if (child == 0) {
		pipe(gate);
		if (syscall(SYS_clone, SIGKILL, NULL, NULL, NULL, NULL) == 0) {
			char byte;

			close(gate[1]);
			read(gate[0], &byte, 1);
			_exit(0);
		}
		fcntl(gate[1], F_SETFD, FD_CLOEXEC);
		execv(self, args);
	}
	SAY(waitpid(child, &status, 0) == child);
	printf("%x\n", status);
}

int
main(int argc, char **argv)
{
	int status;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1) {
		printf("collected %d\n", waitpid(-1, &status, __WALL) > 0);
		return 5;
	}
	another_program(argv[0]);
	from_self();
	from_child("killed by the child", kills);
	from_child("tkilled", tkills);
	from_child("queued", queues);
	children();
	waited();
	opposites();
	ignored();
	limits();
	return 0;
}
