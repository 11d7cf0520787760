/* SPDX-License-Identifier: ISC */
/*
 * Several processes, one step at a time: `p1 kill p2 SIGTERM` lets process 1
 * do that.  After each step everybody is asked for a sign of life until
 * nothing changes any more, so that no result depends on who was quicker:
 * who is alive answers, who is not shows so in /proc.  Process ids are said as
 * p0, p1...; who adopts orphans (init, or a process of the host) as "other".
 */
#include <poll.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include "differ.h"

#define PROCESSES 6
#define TEXT 4096

static struct worker {			/* shared by all */
	volatile pid_t pid;		/* 0: not there yet */
	volatile unsigned asked, done;
	struct text {
		volatile unsigned used;
		char text[TEXT];
	} result,
		signals; /* of what it was told to do; what its handlers saw since it was last heard */
	char line[256];			/* what it is to do; empty: only answer */
} *workers;
static int wake[PROCESSES][2], answer[2];
static const char *state[PROCESSES], *said[PROCESSES];	/* as known, and as last said */
static struct worker *me;

static struct text *telling;		/* the handlers', while one runs: they are not interrupted */

static void
tell(const char *format, ...)
{
	struct text *t = telling;
	va_list list;

	va_start(list, format);
	t->used += vsnprintf(t->text + t->used, TEXT - t->used, format, list);
	va_end(list);
	if (t->used >= TEXT)
		t->used = TEXT - 1;
}

static void
tell_result(long r)
{
	tell(" = %ld", r == -1 ? -(long)errno : r);
}

static long
named(const char *word)			/* p1, -p1, 0, -1, self */
{
	bool minus = word[0] == '-' && word[1] == 'p';

	word += minus;
	if (!strcmp(word, "self"))
		return getpid();
	if (*word != 'p')
		return num(word);
	pid_t pid = workers[word[1] - '0'].pid;
	return minus ? -(pid ? pid : 999999) : pid ? pid : 999999;
}

static void
tell_pid(long pid)
{
	if (pid < 0) {
		tell(" = %ld", pid);
		return;
	}
	for (int i = 0; i < PROCESSES; i++)
		if (pid && workers[i].pid == pid) {
			tell(" = p%d", i);
			return;
		}
	tell(pid ? " = other" : " = 0");
}

static void
on_signal(int sig, siginfo_t *info, void *context)
{
	struct text *before = telling;

	(void)context;
	telling = &me->signals;
	tell(" [%d", sig);
	if (info->si_code <= 0 || (sig == SIGCHLD && info->si_code > 0)) {
		tell(" code %d from", info->si_code);
		tell_pid(info->si_pid);
	}
	if (sig == SIGCHLD && info->si_code > 0)
		tell(" status %d", info->si_status);
	tell("]");
	telling = before;
}

static _Noreturn void work(int self);

static void
do_fork(char **w)
{
	int number = num(w[0]);
	pid_t pid;

	if (workers[number].pid)
		return;			/* that one is, or was, there */
	pid = fork();
	if (pid == 0) {
		workers[number].pid = getpid();
		work(number);
	}
	if (pid > 0)
		workers[number].pid = pid;
	tell_pid(pid);
}

static void
do_vfork(char **w)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(num(w[0]));
	tell(pid > 0 ? " = child" : " failed");
}

static void
do_exit(char **w)
{
	_exit(num(w[0]));
}

static void
do_kill(char **w)
{
	tell_result(syscall(SYS_kill, named(w[0]), num(w[1])));
}

static void
do_wait(char **w)
{
	int status = 0;
	long pid = syscall(SYS_wait4, named(w[0]), &status, num(w[1]) | WNOHANG, NULL);

	tell_pid(pid == -1 ? -errno : pid);
	if (pid > 0)
		tell(" %x", status);
}

static void
do_waitid(char **w)
{
	siginfo_t info;
	long r;

	memset(&info, 0, sizeof(info));
	r = syscall(SYS_waitid, num(w[0]), named(w[1]), &info, num(w[2]) | WNOHANG, NULL);
	tell_result(r);
	if (r == 0 && info.si_pid) {
		tell(" code %d status %d", info.si_code, info.si_status);
		tell_pid(info.si_pid);
	}
}

static void
do_setpgid(char **w)
{
	tell_result(syscall(SYS_setpgid, named(w[0]), named(w[1])));
}

static void
do_getpgid(char **w)
{
	long r = syscall(SYS_getpgid, named(w[0]));

	tell_pid(r == -1 ? -errno : r);
}

static void
do_setsid(char **w)
{
	long r = syscall(SYS_setsid);

	(void)w;
	tell_pid(r == -1 ? -errno : r);
}

static void
do_getsid(char **w)
{
	long r = syscall(SYS_getsid, named(w[0]));

	tell_pid(r == -1 ? -errno : r);
}

static void
do_getppid(char **w)
{
	(void)w;
	tell_pid(getppid());
}

static void
do_sigaction(char **w)
{
	struct sigaction act = { 0 };

	if (!strcmp(w[1], "ign"))
		act.sa_handler = SIG_IGN;
	else if (!strcmp(w[1], "h"))
		act.sa_sigaction = on_signal, act.sa_flags = SA_SIGINFO, sigfillset(&act.sa_mask);
	act.sa_flags |= num(w[2]);
	tell_result(sigaction(num(w[0]), &act, NULL));
}

static void
do_mask(char **w)
{
	uint64_t mask = 0;

	for (char *word = strtok(w[1], ","); word; word = strtok(NULL, ","))
		mask |= 1ull << (num(word) - 1);
	tell_result(syscall(SYS_rt_sigprocmask, num(w[0]), &mask, NULL, 8l));
}

static void
do_pending(char **w)
{
	uint64_t set = 0;

	(void)w;
	syscall(SYS_rt_sigpending, &set, 8l);
	tell(" %lx", set);
}

static const struct op process_ops[] = {
	{ "fork", 1, do_fork },
	{ "vfork", 1, do_vfork },
	{ "exit", 1, do_exit },
	{ "kill", 2, do_kill },
	{ "wait", 2, do_wait },
	{ "waitid", 3, do_waitid },
	{ "setpgid", 2, do_setpgid },
	{ "getpgid", 1, do_getpgid },
	{ "setsid", 0, do_setsid },
	{ "getsid", 1, do_getsid },
	{ "getppid", 0, do_getppid },
	{ "sigaction", 3, do_sigaction },
	{ "mask", 2, do_mask },
	{ "pending", 0, do_pending },
	{ NULL, 0, NULL },
};

static _Noreturn void
work(int self)
{
	static const struct op *const tables[] = { process_ops, NULL };
	char byte;

	me = &workers[self];
	telling = &me->result;
	alarm(60);			/* nobody outlives a run that was cut off */
	for (;;) {
		if (read(wake[self][0], &byte, 1) != 1)
			continue;	/* a handler ran */
		if (me->line[0] && run_line(tables, me->line))
			tell(" ?");
		me->line[0] = 0;
		me->done = me->asked;
		write(answer[1], "", 1);
	}
}

/* ---- the one who conducts ---------------------------------------------------------------- */

/* Alive (NULL), or what /proc calls it.  A zombie whom init or we are to collect is as good as gone. */
static const char *
state_of(int i)
{
	char name[40], text[256] = "", letter = 0, *end;
	int fd, parent = 0;

	snprintf(name, sizeof(name), "/proc/%d/stat", workers[i].pid);
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 || !(end = strrchr(text, ')'))) {
		close(fd);
		return "gone";
	}
	close(fd);
	sscanf(end + 1, " %c %d", &letter, &parent);
	if (letter == 'T')
		return "stopped";
	if (letter != 'Z' && letter != 'X')
		return NULL;
	for (int p = 0; p < PROCESSES; p++)
		if (workers[p].pid == parent)
			return "zombie";
	return "gone";
}

static void
ask(int i)
{
	workers[i].asked++;
	write(wake[i][1], "", 1);
}

/* Until it has answered, or cannot. */
static const char *
hear(int i)
{
	struct pollfd p = { answer[0], POLLIN, 0 };
	char bytes[16];

	while (workers[i].done != workers[i].asked) {
		const char *now;

		if (poll(&p, 1, 1) == 1)
			read(answer[0], bytes, sizeof(bytes));
		else if ((now = state_of(i)))
			return now;
	}
	return "alive";
}

static void
collect(void)				/* orphans are adopted by us where that is possible: then init cannot be slow */
{
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static unsigned heard[PROCESSES];

static bool
round_of_all(void)
{
	bool changed = false;

	for (int i = 0; i < PROCESSES; i++)
		if (workers[i].pid && workers[i].asked == workers[i].done)
			ask(i);
	for (int i = 0; i < PROCESSES; i++) {
		const char *now;

		if (!workers[i].pid)
			continue;
		now = hear(i);
		collect();
		if (!strcmp(now, "zombie"))
			now = state_of(i);	/* who was to collect it may have gone meanwhile */
		changed |=
			!state[i] || strcmp(now, state[i]) || workers[i].signals.used != heard[i];
		heard[i] = workers[i].signals.used;
		state[i] = now;
	}
	return changed;
}

/* When nothing moves any more: what that led to, by process, since who was quicker is nobody's business. */
static void
settle(void)
{
	for (int quiet = 0; quiet < 2;)
		quiet = round_of_all() ? 0 : quiet + 1;
	for (int i = 0; i < PROCESSES; i++) {
		bool news = state[i] && (!said[i] || strcmp(said[i], state[i]));

		if (news || workers[i].signals.used)
			say("  p%d:%s %s\n", i, workers[i].signals.text, news ? state[i] : "");
		workers[i].signals.used = heard[i] = 0;
		workers[i].signals.text[0] = 0;
		said[i] = state[i];
	}
}

static void
step(const char *line)
{
	int i = line[1] - '0';

	if (i < 0 || i >= PROCESSES || !state[i] || strcmp(state[i], "alive")) {
		say("%s not alive\n", line);
		return;
	}
	say("%s", line);
	snprintf(workers[i].line, sizeof(workers[i].line), "%s", line + 3);
	ask(i);
	hear(i);
	say("%s\n", workers[i].result.text);
	workers[i].result.used = 0;
	workers[i].result.text[0] = 0;
	settle();
}

void
process_run(char **lines, int count)
{
	pid_t first;

	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	workers = shared(sizeof(*workers) * PROCESSES);
	pipe(answer);
	for (int i = 0; i < PROCESSES; i++)
		pipe(wake[i]);
	first = fork();
	if (first < 0)
		exit(70);
	if (first == 0) {
		setsid();
		work(0);
	}
	workers[0].pid = first;
	settle();
	for (int i = 0; i < count; i++)
		step(lines[i]);
	for (int i = 0; i < PROCESSES; i++)
		if (workers[i].pid > 0 && strcmp(state_of(i) ? state_of(i) : "", "gone"))
			kill(workers[i].pid, SIGKILL);
	collect();
}
