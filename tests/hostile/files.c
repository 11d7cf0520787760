/* SPDX-License-Identifier: ISC */
/*
 * Processes that ask the server for locks, attributes and watches that are not
 * theirs, for more than there is, and die holding or waiting.  What counts is
 * that others get what is theirs, during and afterwards.
 */
#define _GNU_SOURCE
#define CHECK_NAME "files"
#include <fcntl.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include "ask.h"

#define PLACE "/tmp/files."
#define LAST_BYTE (~0ull >> 1)

static uint32_t
ino_of(const char *path)
{
	struct stat s;

	return stat(path, &s) ? 0 : (uint32_t)s.st_ino;
}

static int
lock(int fd, int cmd, short type, off_t start, off_t length)
{
	struct flock l = { .l_type = type,
		.l_whence = SEEK_SET,
		.l_start = start,
		.l_len = length };

	return fcntl(fd, cmd, &l);
}

/* A child that runs f and then stays until it is killed; note[0] says that it has. */
static pid_t
stays(void (*f)(void))
{
	pid_t pid;

	note[0] = 0;
	pid = fork();
	if (pid == 0) {
		f();
		note[0] = 1;
		for (;;)
			pause();
	}
	while (!note[0])
		nap(1);
	return pid;
}

static void
gone(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- locks --------------------------------------------------------------------------------- */

/* Numbers of descriptions that we have no key for, with slots that hold other keys. */
static void
forge_owners(void)
{
	uint32_t ino = ino_of(PLACE "a");

	note[1] = 1;
	for (uint64_t id = 1; id <= 64; id++)
		for (uint64_t slot = 0; slot < 40; slot++)
			if (request(OP_LOCK, ino, LOCK_ASK_WHOLE, 0, LAST_BYTE, id | slot << 32) ==
				0)
				note[1] = 0;
	for (uint64_t id = 0; id < 4000; id++)
		request(OP_LOCK_CLOSED, id, 0, 0, 0, 0);
}

static void
forged(void)
{
	int fd = open(PLACE "a", O_RDWR | O_CREAT, 0600), other = open(PLACE "a", O_RDWR);
	pid_t pid;

	/* The child is a stranger to the description: it is locked after the fork. */
	CHECK(flock(other, LOCK_SH) == 0 && flock(other, LOCK_UN) == 0);
	fcntl(other, F_SETFD, FD_CLOEXEC);
	pid = fork();
	if (pid == 0) {
		close(fd);
		close(other);
		nap(50);
		forge_owners();
		_exit(0);
	}
	close(fd);
	fd = open(PLACE "a", O_RDWR);
	CHECK(flock(fd, LOCK_EX) == 0);
	waitpid(pid, NULL, 0);
	CHECK(note[1] == 1 && flock(other, LOCK_SH | LOCK_NB) < 0 && errno == EAGAIN);
	close(fd);
	CHECK(flock(other, LOCK_EX | LOCK_NB) == 0);
	close(other);
}

static void
take_all_locks(void)
{
	int fd = open(PLACE "b", O_RDWR | O_CREAT, 0600);

	note[1] = 0;
	while (lock(fd, F_SETLK, F_RDLCK, (off_t)note[1] * 2, 1) == 0)
		note[1]++;
	note[2] = (uint64_t)errno;
}

static void
take_all_owners(void)
{
	note[1] = 0;
	while (flock(open(PLACE "b", O_RDWR), LOCK_SH) == 0)
		note[1]++;
}

static void
exhausted(void)
{
	int fd;
	pid_t pid = stays(take_all_locks), second;

	CHECK(note[1] > 500 && note[1] < 4096 && note[2] == ENOLCK);
	fd = open(PLACE "b", O_RDWR);
	CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 1) < 0 && errno == EAGAIN);
	CHECK(lock(fd, F_SETLK, F_WRLCK, 1, 1) == 0);
	second = stays(take_all_owners);
	CHECK(note[1] > 100 && note[1] < 2000);
	CHECK(flock(fd, LOCK_SH) == 0 && flock(fd, LOCK_UN) == 0);
	gone(second);
	gone(pid);
	/* What they had is to be had again, by one after the other. */
	for (int n = 0; n < 8; n++) {
		pid = stays(take_all_locks);
		CHECK(note[1] > 500);
		gone(pid);
		pid = stays(take_all_owners);
		CHECK(note[1] > 100);
		gone(pid);
	}
	CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 0) == 0);
	close(fd);
}

static void
wait_for_it(void)
{
	int fd = open(PLACE "c", O_RDWR | O_CREAT, 0600);

	if (lock(fd, F_SETLKW, F_WRLCK, 0, 0) == 0)
		nap(2);
	_exit(0);
}

/* Waiting and holding, ended at any moment. */
static void
dying(void)
{
	pid_t pid[8];

	for (int round = 0; round < 12; round++) {
		for (int n = 0; n < 8; n++) {
			pid[n] = fork();
			if (pid[n] == 0)
				wait_for_it();
		}
		nap(round % 5);
		for (int n = 0; n < 8; n++)
			gone(pid[n]);
	}
	pid[0] = open(PLACE "c", O_RDWR | O_CREAT, 0600);
	CHECK(lock(pid[0], F_SETLK, F_WRLCK, 0, 0) == 0);
	close(pid[0]);
}

/* A lock on an inode that goes although it is locked: nobody says that he has it open. */
static void
lock_and_hide(void)
{
	struct pub *pub = (struct pub *)(base + EXOS_PUBLIC);
	int fd = open(PLACE "d", O_RDWR | O_CREAT, 0600);

	note[1] = ino_of(PLACE "d");
	lock(fd, F_SETLK, F_WRLCK, 0, 0);
	flock(fd, LOCK_EX);
	pub->nopen = 0;
	unlink(PLACE "d");
}

static void
inherited_by_number(void)
{
	pid_t pid = stays(lock_and_hide);
	int fd = -1;

	for (int n = 0; n < 64 && ino_of(PLACE "d") != note[1]; n++) {
		unlink(PLACE "d");
		close(fd);
		fd = open(PLACE "d", O_RDWR | O_CREAT, 0600);
	}
	CHECK(ino_of(PLACE "d") == note[1]);
	CHECK(lock(fd, F_SETLK, F_WRLCK, 0, 0) == 0 && flock(fd, LOCK_EX | LOCK_NB) == 0);
	gone(pid);
	close(fd);
}

/* ---- watches ---------------------------------------------------------------------------------- */

/* Instances that we have no key for. */
static void
forge_instances(void)
{
	uint32_t ino = ino_of("/tmp");

	note[1] = 1;
	for (uint64_t id = 0; id < 64; id++)
		for (uint64_t slot = 0; slot < 128; slot += 3) {
			note[1] &= request(OP_NOTIFY_ADD, id, slot, ino, IN_CREATE, 0) < 0;
			note[1] &= request(OP_NOTIFY_REMOVE, id, slot, 1, 0, 0) < 0;
			note[1] &= request(OP_NOTIFY_READ, id, slot, 4096, 0, 0) < 0;
		}
}

static void
take_all_instances(void)
{
	int fd, last = -1;

	note[1] = 0;
	for (; (fd = inotify_init1(IN_NONBLOCK)) >= 0; last = fd)
		note[1]++;
	note[2] = (uint64_t)errno;
	note[3] = 0;
	for (int i = 0; i < 5000; i++) {
		char name[64];

		snprintf(name, sizeof(name), PLACE "w.%d", i);
		close(open(name, O_CREAT | O_WRONLY, 0600));
		if (inotify_add_watch(last, name, IN_OPEN) < 0)
			break;
		note[3]++;
	}
	note[4] = (uint64_t)errno;
	for (uint64_t i = 0; i <= note[3]; i++) {
		char name[64];

		snprintf(name, sizeof(name), PLACE "w.%lu", i);
		unlink(name);
	}
}

static void
flooded(int in)
{
	static char buffer[65536] __attribute__((aligned(8)));
	int fds[2], count = 0, overflows = 0, after = 0;
	ssize_t n;

	for (int i = 0; i < 3000; i++) {
		fds[0] = open(PLACE "x", O_CREAT | O_WRONLY, 0600);
		fds[1] = open(PLACE "y", O_CREAT | O_WRONLY, 0600);
		close(fds[0]), close(fds[1]);
	}
	while ((n = read(in, buffer, sizeof(buffer))) > 0)
		for (ssize_t at = 0; at < n; count++) {
			const struct inotify_event *e = (const struct inotify_event *)(buffer + at);

			after += overflows;
			overflows += (e->mask & IN_Q_OVERFLOW) != 0;
			at += (ssize_t)(sizeof(*e) + e->len);
		}
	CHECK(count > 500 && count < 3000 && overflows == 1 && after == 0);
	close(open(PLACE "x", O_RDONLY));
	CHECK(read(in, buffer, sizeof(buffer)) > 0);
	unlink(PLACE "x"), unlink(PLACE "y");
}

/* Where the file's entry ends is said by who tells; the server looks. */
static void
places(void)
{
	int in = inotify_init1(IN_NONBLOCK), fd = open(PLACE "told", O_CREAT | O_RDWR, 0600);
	char buffer[512];
	struct stat s, d;
	unsigned right = 0;

	close(open(PLACE "other", O_CREAT | O_RDWR, 0600));
	stat(PLACE "told", &s);
	stat("/tmp", &d);
	CHECK(inotify_add_watch(in, "/tmp", IN_ATTRIB) > 0);
	for (uint64_t at = 1; at <= (uint64_t)d.st_size; at++)
		right += request(OP_NOTIFY_TELL, s.st_ino, d.st_ino, IN_ATTRIB, 0, at) == 0;
	CHECK(right == 1 && read(in, buffer, sizeof(buffer)) == 16 + 16);
	for (unsigned bit = 0; bit < 64; bit++)
		CHECK(request(OP_NOTIFY_TELL, s.st_ino, d.st_ino, IN_ATTRIB, 0, ~0ull << bit) ==
			-ESTALE);
	CHECK(read(in, buffer, sizeof(buffer)) < 0);
	close(fd);
	close(in);
	unlink(PLACE "told"), unlink(PLACE "other");
}

static void
watched(void)
{
	int in = inotify_init1(IN_NONBLOCK), other;
	pid_t pid = fork();

	CHECK(inotify_add_watch(in, "/tmp", IN_OPEN) > 0);
	if (pid == 0) {
		close(in);
		nap(20);
		forge_instances();
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	CHECK(note[1] == 1);
	places();
	flooded(in);
	for (int round = 0; round < 3; round++) {
		pid = stays(take_all_instances);
		CHECK(note[1] > 50 && note[2] == EMFILE && note[3] > 1000 && note[3] < 4096 &&
			note[4] == ENOSPC);
		other = inotify_add_watch(in, "/", IN_CREATE);
		CHECK(other > 0 && inotify_rm_watch(in, other) == 0);
		gone(pid);
		/* What it had is given back when its keys are gone. */
		PATIENTLY ((other = inotify_init1(0)) < 0)
			nap(5);
		close(other);
	}
	other = inotify_init1(0);
	CHECK(other >= 0 && inotify_add_watch(other, "/tmp", IN_OPEN) > 0);
	close(other);
	close(in);
}

/* ---- attributes --------------------------------------------------------------------------------- */

static void
attributes(void)
{
	static char value[3000];
	struct exo_msg m = { .rsi = OP_FS_XATTR };
	const struct census before = frames_count();

	for (int i = 0; i < 500; i++) {
		close(open(PLACE "attr", O_CREAT | O_WRONLY, 0600));
		CHECK(setxattr(PLACE "attr", "user.big", value, sizeof(value), 0) == 0);
		unlink(PLACE "attr");
	}
	frames_back(&before, 100, "attributes");
	/* Values that say they are longer than the page, names without an end. */
	memset((void *)(base + EXOS_COMM), 'x', EXO_PAGE_BYTES);
	m.rdx = ino_of("/tmp");
	for (uint64_t what = 0; what < 8; what++)
		for (unsigned shift = 0; shift < 64; shift += 4)
			CHECK(request(OP_FS_XATTR, m.rdx, what, 1ull << shift, 0, 0) <= 0);
}

/* ---- metadata -------------------------------------------------------------------------------------- */

#define LINKS 4000

/* Long links take a page each: memory that is everybody's again when they are gone. */
static void
metadata(void)
{
	static char target[2000], name[64];
	const struct census before = frames_count();
	uint64_t least;
	int made = 0;

	memset(target, 't', sizeof(target) - 1);
	mkdir(PLACE "links", 0700);
	for (; made < LINKS; made++) {
		snprintf(name, sizeof(name), PLACE "links/%d", made);
		if (symlink(target, name))
			break;
	}
	least = frames_count().spare;
	CHECK(made == LINKS && least + LINKS < before.spare + 200);
	for (int n = 0; n < made; n++) {
		snprintf(name, sizeof(name), PLACE "links/%d", n);
		unlink(name);
	}
	CHECK(rmdir(PLACE "links") == 0);
	frames_back(&before, 400, "links");
}

int
main(void)
{
	if (!CHECK(client_begin()))
		return summary();
	forged();
	exhausted();
	dying();
	inherited_by_number();
	watched();
	attributes();
	metadata();
	return summary();
}
