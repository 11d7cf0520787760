/* SPDX-License-Identifier: ISC */
/* Locks on files: ranges of processes and of open file descriptions, and flock. */
#include "t.h"
#include <sys/file.h>

/* A child's answers, after which the parent goes on. */
#define IN_CHILD(...)                                                                              \
	do {                                                                                       \
		fflush(stdout);                                                                    \
		pid_t pid_ = fork();                                                               \
		if (pid_ == 0) {                                                                   \
			printf("- child\n");                                                       \
			__VA_ARGS__;                                                               \
			fflush(stdout);                                                            \
			_exit(0);                                                                  \
		}                                                                                  \
		int status_;                                                                       \
		waitpid(pid_, &status_, 0);                                                        \
		printf("- ended %x\n", status_);                                                   \
	} while (0)

static struct flock
range(short type, short whence, off_t start, off_t length)
{
	return (struct flock){ .l_type = type,
		.l_whence = whence,
		.l_start = start,
		.l_len = length };
}

static int
set(int fd, int cmd, short type, off_t start, off_t length)
{
	struct flock l = range(type, SEEK_SET, start, length);

	return fcntl(fd, cmd, &l);
}

static void
who(int fd, int cmd, short type, off_t start, off_t length)
{
	struct flock l = range(type, SEEK_SET, start, length);
	int result = fcntl(fd, cmd, &l);

	if (result)
		say("get", result);
	else if (l.l_type == F_UNLCK)
		printf("free %ld %ld %d\n", (long)l.l_start, (long)l.l_len, (int)l.l_whence);
	else
		printf("%s %ld %ld %s\n", l.l_type == F_RDLCK ? "read" : "write", (long)l.l_start,
			(long)l.l_len,
			l.l_pid == getppid()    ? "parent"
				: l.l_pid == -1 ? "description"
						: "somebody");
}

/* What stands in the way of a writer, place by place. */
static void
map(int fd, int bytes)
{
	for (int i = 0; i < bytes; i++) {
		struct flock l = range(F_WRLCK, SEEK_SET, i, 1);

		fcntl(fd, F_GETLK, &l);
		putchar(l.l_type == F_UNLCK ? '.' : l.l_type == F_RDLCK ? 'r' : 'w');
	}
	putchar('\n');
}

static void
ranges(void)
{
	int fd = open("f", O_RDWR | O_CREAT, 0644), ro = open("f", O_RDONLY),
	    wo = open("f", O_WRONLY);
	struct flock l;

	SAY(ftruncate(fd, 100));
	SAY(set(fd, F_SETLK, F_WRLCK, 10, 10));
	SAY(set(fd, F_SETLK, F_RDLCK, 14, 2));
	SAY(set(fd, F_SETLK, F_RDLCK, 30, 0));
	IN_CHILD({
		int mine = open("f", O_RDWR);

		map(mine, 34);
		who(mine, F_GETLK, F_WRLCK, 0, 5);
		who(mine, F_GETLK, F_WRLCK, 12, 1);
		who(mine, F_GETLK, F_RDLCK, 14, 1);
		who(mine, F_GETLK, F_WRLCK, 50, 1);
		SAY(set(mine, F_SETLK, F_RDLCK, 14, 2));
		SAY(set(mine, F_SETLK, F_WRLCK, 14, 2));
		SAY(set(mine, F_SETLK, F_RDLCK, 12, 5));
		SAY(set(mine, F_SETLK, F_WRLCK, 0, 10));
		SAY(set(mine, F_SETLK, F_RDLCK, 40, 5));
		SAY(set(mine, F_SETLK, F_WRLCK, 29, 2));
	});
	SAY(set(fd, F_SETLK, F_UNLCK, 12, 6));
	SAY(set(fd, F_SETLK, F_WRLCK, 0, 5));
	SAY(set(fd, F_SETLK, F_WRLCK, 5, 5));
	IN_CHILD(map(fd, 34));
	/* Any descriptor of the file that is closed takes all of the process's locks with it. */
	close(open("f", O_RDONLY));
	IN_CHILD(map(fd, 34));
	SAY(set(ro, F_SETLK, F_WRLCK, 0, 1));
	SAY(set(ro, F_SETLK, F_RDLCK, 0, 1));
	SAY(set(wo, F_SETLK, F_RDLCK, 0, 1));
	SAY(set(wo, F_SETLK, F_WRLCK, 2, 1));
	IN_CHILD(map(fd, 4));
	lseek(fd, 50, SEEK_SET);
	l = range(F_WRLCK, SEEK_CUR, -10, 5);
	SAY(fcntl(fd, F_SETLK, &l));
	l = range(F_WRLCK, SEEK_END, -10, 0);
	SAY(fcntl(fd, F_SETLK, &l));
	l = range(F_WRLCK, SEEK_SET, 60, -10);
	SAY(fcntl(fd, F_SETLK, &l));
	IN_CHILD({
		who(fd, F_GETLK, F_WRLCK, 40, 1);
		who(fd, F_GETLK, F_RDLCK, 99, 1);
		who(fd, F_GETLK, F_RDLCK, 55, 1);
	});
	l = range(F_WRLCK, SEEK_SET, -1, 1);
	SAY(fcntl(fd, F_SETLK, &l));
	l = range(F_WRLCK, SEEK_SET, 5, -6);
	SAY(fcntl(fd, F_SETLK, &l));
	l = range(F_WRLCK, SEEK_CUR, 0x7fffffffffffffffl, 1);
	SAY(fcntl(fd, F_SETLK, &l));
	l = range(F_WRLCK, SEEK_SET, 0x7fffffffffffffffl, 2);
	SAY(fcntl(fd, F_SETLK, &l));
	l = range(F_WRLCK, 7, 0, 1);
	SAY(fcntl(fd, F_SETLK, &l));
	l = range(7, SEEK_SET, 0, 1);
	SAY(fcntl(fd, F_SETLK, &l));
	l = range(F_UNLCK, SEEK_SET, 0, 1);
	SAY(fcntl(fd, F_GETLK, &l));
	SAY(fcntl(fd, F_SETLK, nowhere));
	SAY(fcntl(-1, F_SETLK, &l));
	SAY(fcntl(open("f", O_PATH), F_SETLK, &l));
	close(fd);
	close(ro);
	close(wo);
}

/* Until the child has written a byte. */
static void
meet(int fd)
{
	char c;

	if (read(fd, &c, 1) != 1)
		printf("nobody\n");
}

static volatile int rang;

static void
ring(int sig)
{
	(void)sig;
	rang++;
}

static void
waiting(void)
{
	int fd = open("w", O_RDWR | O_CREAT, 0644), p[2], q[2];
	struct sigaction restarted = { .sa_handler = ring, .sa_flags = SA_RESTART };
	struct itimerval soon = { .it_value = { 0, 30000 }, .it_interval = { 0, 30000 } },
			 never = { 0 };
	pid_t pid;
	char c = 0;

	if (pipe(p) || pipe(q))
		return;
	pid = fork();
	if (pid == 0) {
		SAY(set(fd, F_SETLK, F_WRLCK, 0, 10));
		write(p[1], &c, 1);
		meet(q[0]);
		usleep(20000);
		set(fd, F_SETLK, F_UNLCK, 0, 3);
		meet(q[0]);
		_exit(0);		/* with the rest of the lock */
	}
	meet(p[0]);
	write(q[1], &c, 1);
	SAY(set(fd, F_SETLKW, F_WRLCK, 0, 3));
	signal(SIGALRM, SIG_IGN);
	sigaction(SIGALRM, &(struct sigaction){ .sa_handler = ring }, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	SAY(set(fd, F_SETLKW, F_WRLCK, 5, 1));
	printf("rang %d\n", rang > 0);
	sigaction(SIGALRM, &restarted, NULL);
	setitimer(ITIMER_REAL, &soon, NULL);
	pid_t other = fork();
	if (other == 0) {
		usleep(60000);
		write(q[1], &c, 1);
		_exit(0);
	}
	SAY(set(fd, F_SETLKW, F_RDLCK, 0, 0));
	printf("rang %d\n", rang > 0);
	setitimer(ITIMER_REAL, &never, NULL);
	while (wait(NULL) > 0)
		;
	/* Killed while it holds one. */
	SAY(set(fd, F_SETLK, F_UNLCK, 0, 0));
	pid = fork();
	if (pid == 0) {
		set(fd, F_SETLK, F_WRLCK, 0, 0);
		write(p[1], &c, 1);
		pause();
	}
	meet(p[0]);
	SAY(set(fd, F_SETLK, F_RDLCK, 0, 1));
	kill(pid, SIGKILL);
	SAY(set(fd, F_SETLKW, F_RDLCK, 0, 1));
	waitpid(pid, NULL, 0);
	close(fd);
	close(p[0]), close(p[1]), close(q[0]), close(q[1]);
}

static void
deadlock(void)
{
	int fd = open("d", O_RDWR | O_CREAT, 0644), p[2], status = 0, told;
	pid_t pid;
	char c = 0;

	if (pipe(p))
		return;
	SAY(set(fd, F_SETLK, F_WRLCK, 0, 1));
	pid = fork();
	if (pid == 0) {
		SAY(set(fd, F_SETLK, F_WRLCK, 1, 1));
		write(p[1], &c, 1);
		_exit(set(fd, F_SETLKW, F_WRLCK, 0, 1) && errno == EDEADLK);
	}
	meet(p[0]);
	/* Whoever comes last is told; the other gets what he waits for. */
	told = set(fd, F_SETLKW, F_WRLCK, 1, 1) && errno == EDEADLK;
	SAY(set(fd, F_SETLK, F_UNLCK, 0, 1));
	waitpid(pid, &status, 0);
	printf("told %d\n", told + (status == 0x100));
	SAY(set(fd, F_SETLKW, F_WRLCK, 1, 1));
	close(fd);
	close(p[0]), close(p[1]);
}

static void
descriptions(void)
{
	int a = open("o", O_RDWR | O_CREAT, 0644), b = open("o", O_RDWR), ro = open("o", O_RDONLY);
	struct flock l = range(F_WRLCK, SEEK_SET, 0, 1);

	SAY(set(a, F_OFD_SETLK, F_WRLCK, 0, 10));
	SAY(set(b, F_OFD_SETLK, F_RDLCK, 5, 1));
	SAY(set(b, F_SETLK, F_RDLCK, 5, 1));
	SAY(set(ro, F_OFD_SETLK, F_WRLCK, 20, 1));
	who(b, F_OFD_GETLK, F_WRLCK, 0, 0);
	who(a, F_OFD_GETLK, F_WRLCK, 0, 0);
	l.l_pid = 1;
	SAY(fcntl(a, F_OFD_SETLK, &l));
	IN_CHILD({ SAY(set(a, F_OFD_SETLK, F_UNLCK, 0, 5)); who(b, F_OFD_GETLK, F_WRLCK, 0, 0); });
	SAY(set(b, F_OFD_SETLK, F_RDLCK, 0, 5));
	close(dup(a));
	SAY(set(b, F_OFD_SETLK, F_RDLCK, 5, 1));
	close(a);
	SAY(set(b, F_OFD_SETLK, F_RDLCK, 5, 1));
	close(b);
	close(ro);
}

static void
whole(void)
{
	int a = open("w1", O_RDWR | O_CREAT, 0644), b = open("w1", O_RDONLY), p[2];
	pid_t pid;
	char c = 0;

	if (pipe(p))
		return;
	SAY(flock(a, LOCK_EX));
	SAY(flock(a, LOCK_EX | LOCK_NB));
	SAY(flock(b, LOCK_SH | LOCK_NB));
	SAY(set(b, F_SETLK, F_RDLCK, 0, 0));
	SAY(flock(a, LOCK_SH));
	SAY(flock(b, LOCK_SH | LOCK_NB));
	SAY(flock(b, LOCK_EX | LOCK_NB));
	SAY(flock(a, LOCK_EX | LOCK_NB));
	SAY(flock(b, LOCK_UN));
	SAY(flock(b, LOCK_UN));
	SAY(flock(a, LOCK_EX | LOCK_NB));
	SAY(flock(a, 0));
	SAY(flock(a, LOCK_SH | LOCK_EX));
	SAY(flock(-1, LOCK_SH));
	SAY(flock(open("w1", O_PATH), LOCK_SH));
	/* The child's descriptor is the same description. */
	IN_CHILD({ SAY(flock(a, LOCK_EX | LOCK_NB)); close(a); SAY(flock(b, LOCK_EX | LOCK_NB)); });
	SAY(flock(b, LOCK_EX | LOCK_NB));
	IN_CHILD(SAY(flock(a, LOCK_UN)));
	SAY(flock(b, LOCK_EX | LOCK_NB));
	SAY(flock(b, LOCK_UN));
	/* Taken by a child, it stays with who else has the description. */
	IN_CHILD(SAY(flock(a, LOCK_EX | LOCK_NB)));
	SAY(flock(b, LOCK_EX | LOCK_NB));
	pid = fork();
	if (pid == 0) {
		close(a);
		write(p[1], &c, 1);
		SAY(flock(b, LOCK_SH));
		_exit(0);
	}
	meet(p[0]);
	usleep(30000);
	printf("closing\n");
	fflush(stdout);
	close(a);
	waitpid(pid, NULL, 0);
	/* Held by one who is killed. */
	a = open("w1", O_RDWR);
	SAY(flock(b, LOCK_UN));
	pid = fork();
	if (pid == 0) {
		int own = open("w1", O_RDWR);

		SAY(flock(own, LOCK_EX));
		write(p[1], &c, 1);
		pause();
	}
	meet(p[0]);
	SAY(flock(a, LOCK_SH | LOCK_NB));
	kill(pid, SIGKILL);
	SAY(flock(a, LOCK_SH));
	waitpid(pid, NULL, 0);
	mkdir("dir", 0755);
	SAY(flock(open("dir", O_RDONLY), LOCK_EX));
	SAY(flock(open("dir", O_RDONLY), LOCK_EX | LOCK_NB));
	close(a);
	close(b);
}

int
main(void)
{
	ranges();
	waiting();
	deadlock();
	descriptions();
	whole();
	return 0;
}
