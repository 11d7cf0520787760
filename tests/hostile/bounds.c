/* SPDX-License-Identifier: ISC */
/*
 * Two users take, with several processes each, all that the server keeps for
 * them: locks, owners of locks, watches, events, details of signals.  One of
 * them alone leaves some for every other user; both together leave some for root.
 */
#define _GNU_SOURCE
#define CHECK_NAME "bounds"
#include "client.h"
#include <sys/file.h>
#include <sys/inotify.h>

#define PLACE "/tmp/bounds"
#define FILES 2200
#define TAKERS 6			/* processes of a user */
#define ALICE 1001u
#define BOB 1002u
#define CAROL 1003u

#define READY note[20]
#define TAKEN note[21]

static const char *
file(int n)
{
	static char name[60];

	snprintf(name, sizeof(name), PLACE "/many/%d", n);
	return name;
}

/* ---- one of each kind: how many could be had ---- */

static unsigned
locks(unsigned most)
{
	int fd = open(PLACE "/lock", O_RDWR);
	unsigned n = 0;

	while (n < most) {
		struct flock l = { .l_type = F_RDLCK, .l_start = (off_t)n * 2, .l_len = 1 };

		if (fcntl(fd, F_SETLK, &l))
			break;
		n++;
	}
	return n;
}

static unsigned
owners(unsigned most)
{
	unsigned n = 0;

	while (n < most && flock(open(PLACE "/lock", O_RDWR), LOCK_SH) == 0)
		n++;
	return n;
}

static unsigned
watches(unsigned most)
{
	int in = inotify_init1(IN_NONBLOCK);
	unsigned n = 0;

	while (n < most && n < FILES && inotify_add_watch(in, file((int)n), IN_ATTRIB) > 0)
		n++;
	return n;
}

/* Two names in turn, so that no two events in a row are the same; until there is an overflow. */
static unsigned
events(unsigned most)
{
	static char buffer[1 << 16];
	int in = inotify_init1(IN_NONBLOCK);
	unsigned n = 0, lost = 0;
	ssize_t got;

	if (in < 0 || inotify_add_watch(in, PLACE "/open", IN_OPEN) < 0)
		return 0;
	for (unsigned i = 0; i < most; i++)
		close(open(i % 2 ? PLACE "/open/a" : PLACE "/open/b", O_RDONLY));
	if (most > 1)
		return most;			/* they stay */
	while ((got = read(in, buffer, sizeof(buffer))) > 0)
		for (ssize_t at = 0; at < got;) {
			const struct inotify_event *e = (const void *)(buffer + at);

			n += (e->mask & IN_OPEN) != 0;
			lost += (e->mask & IN_Q_OVERFLOW) != 0;
			at += (ssize_t)(sizeof(*e) + e->len);
		}
	return lost ? 0 : n;
}

/* To one that is stopped, and so takes none. */
static unsigned
signals(unsigned most)
{
	const union sigval value = { .sival_int = 1 };
	unsigned n = 0;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		raise(SIGSTOP);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, WUNTRACED) != pid)
		return 0;
	while (n < most && sigqueue(pid, SIGRTMIN, value) == 0)
		n++;
	if (most == 1)
		kill(pid, SIGKILL);
	return n;
}

static const struct kind {
	const char *name;
	unsigned (*take)(unsigned most);
	unsigned each, user;		/* tried by each process; least that a user gets */
} kinds[] = {
	{ "locks", locks, 2000, 1500 },
	{ "owners", owners, 400, 300 },
	{ "watches", watches, 3000, 1500 },
	{ "events", events, 1100, 1500 },
	{ "signals", signals, 3000, 3000 },
};

/* ---- users ---- */

static void
user(uint32_t uid, const struct kind *k, pid_t pid[TAKERS])
{
	uint64_t before = READY;

	TAKEN = 0;
	fflush(stdout);
	for (int n = 0; n < TAKERS; n++) {
		pid[n] = fork();
		if (pid[n] == 0) {
			setpgid(0, 0);
			become(uid);
			TAKEN += k->take(k->each);
			READY++;
			for (;;)
				pause();
		}
		PATIENTLY (READY == before + (uint64_t)n)
			nap(1);
	}
}

static unsigned
one(uint32_t uid, const struct kind *k)
{
	pid_t pid;
	int status = -1;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		if (uid)
			become(uid);
		_exit(k->take(1) == 1);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? (unsigned)WEXITSTATUS(status) : 0;
}

static void
finish(const pid_t pid[TAKERS])
{
	for (int n = 0; n < TAKERS; n++) {
		kill(-pid[n], SIGKILL);
		waitpid(pid[n], NULL, 0);
	}
}

static void
kind(const struct kind *k)
{
	pid_t first[TAKERS], second[TAKERS];
	unsigned again = 0;

	CHECK(one(ALICE, k) && one(0, k));
	user(ALICE, k, first);
	if (!CHECK(TAKEN >= k->user || k->take == events))
		printf("%s: %lu\n", k->name, (unsigned long)TAKEN);
	if (!CHECK(!one(ALICE, k)))
		printf("%s: no bound for a user\n", k->name);
	if (!CHECK(one(CAROL, k) && one(0, k)))
		printf("%s: one user takes all\n", k->name);
	user(BOB, k, second);
	if (!CHECK(one(0, k)))
		printf("%s: two users leave nothing for root\n", k->name);
	finish(first);
	finish(second);
	/* What the dead had is found by the loop of the server. */
	PATIENTLY (!again) {
		nap(5);
		again = one(ALICE, k);
	}
	if (!CHECK(again))
		printf("%s: is not given back\n", k->name);
}

int
main(int argc, char **argv)
{
	if (!CHECK(client_begin()))
		return summary();
	mkdir(PLACE, 0755);
	mkdir(PLACE "/many", 0755);
	mkdir(PLACE "/open", 0755);
	file_make(PLACE "/lock", 0666, "x");
	file_make(PLACE "/open/a", 0644, "x");
	file_make(PLACE "/open/b", 0644, "x");
	for (int n = 0; n < FILES; n++)
		close(open(file(n), O_CREAT | O_WRONLY, 0644));
	for (size_t n = 0; n < sizeof(kinds) / sizeof(kinds[0]); n++)
		if (argc < 2 || strcmp(argv[1], kinds[n].name) == 0)
			kind(&kinds[n]);
	return summary();
}
