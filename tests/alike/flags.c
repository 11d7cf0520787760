/* SPDX-License-Identifier: ISC */
/* Flags by their names, one call each, where no other program shows them: docs/linux-calls.md refers to this. */
#include "t.h"
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <termios.h>

#define PAGE 4096ul
/* Of a newer Linux than some C library. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif
#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ull
#endif
#define P_PIDFD 3
#ifndef FUTEX_WAIT
#define FUTEX_WAIT 0
#endif
#ifndef FUTEX_WAKE
#define FUTEX_WAKE 1
#endif
#ifndef FUTEX_REQUEUE
#define FUTEX_REQUEUE 3
#endif
#ifndef FUTEX_CMP_REQUEUE
#define FUTEX_CMP_REQUEUE 4
#endif
#ifndef FUTEX_WAIT_BITSET
#define FUTEX_WAIT_BITSET 9
#endif
#ifndef FUTEX_WAKE_BITSET
#define FUTEX_WAKE_BITSET 10
#endif
#ifndef FUTEX_PRIVATE_FLAG
#define FUTEX_PRIVATE_FLAG 128
#endif
#ifndef FUTEX_CLOCK_REALTIME
#define FUTEX_CLOCK_REALTIME 256
#endif
#ifndef ARCH_SET_FS
#define ARCH_SET_FS 0x1002
#endif
#ifndef ARCH_GET_FS
#define ARCH_GET_FS 0x1003
#endif
#ifndef MEMBARRIER_CMD_QUERY
#define MEMBARRIER_CMD_QUERY 0
#endif
#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif
#ifndef MCL_ONFAULT
#define MCL_ONFAULT 4
#endif
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif
#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4
#endif
#ifndef PIDFD_NONBLOCK
#define PIDFD_NONBLOCK O_NONBLOCK
#endif
#ifndef IN_MASK_CREATE
#define IN_MASK_CREATE 0x10000000
#endif
#ifndef GRND_INSECURE
#define GRND_INSECURE 4
#endif

static char *
map(size_t pages, int flags)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, flags, -1, 0);

	if (p == MAP_FAILED)
		exit(99);
	memset(p, 'a', pages * PAGE);
	return p;
}

/* The first byte that a child sees in each of two pages. */
static void
child_sees(const char *what, const volatile char *p)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		signal(SIGSEGV, SIG_DFL);
		_exit(p[0] + (p[PAGE] == 'a'));
	}
	waitpid(pid, &status, 0);
	printf("%s: %s %d\n", what, WIFEXITED(status) ? "exit" : "signal",
		WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
	fflush(stdout);
}

static void
advice(void)
{
	char *p = map(2, MAP_PRIVATE | MAP_ANONYMOUS), *s = map(2, MAP_SHARED | MAP_ANONYMOUS);

	SAY(madvise(p, PAGE, MADV_SEQUENTIAL));
	SAY(madvise(p, PAGE, MADV_WILLNEED));
	SAY(madvise(p, PAGE, MADV_DONTDUMP));
	SAY(madvise(p, PAGE, MADV_COLD));
	SAY(madvise(p, PAGE, MADV_PAGEOUT));
	printf("%c\n", p[0]);
	SAY(madvise(p, PAGE, MADV_WIPEONFORK));
	child_sees("wiped", p);
	SAY(madvise(s, PAGE, MADV_WIPEONFORK));
	SAY(madvise(p, PAGE, MADV_KEEPONFORK));
	child_sees("kept", p);
	SAY(madvise(p, PAGE, MADV_DONTFORK));
	child_sees("left out", p);
	SAY(madvise(p, PAGE, MADV_DOFORK));
	child_sees("there", p);
	SAY(madvise(p, PAGE, MADV_POPULATE_READ));
	SAY(madvise(p, PAGE, MADV_POPULATE_WRITE));
	SAY(mlock(p, PAGE));
	SAY(madvise(p, PAGE, MADV_DONTNEED));
	SAY(madvise(p, PAGE, MADV_DONTNEED_LOCKED));
	printf("%d\n", p[0]);
	SAY(madvise(s, PAGE, MADV_REMOVE));
	printf("%d %c\n", s[0], s[PAGE]);
	SAY(syscall(SYS_mlock2, s, PAGE, MLOCK_ONFAULT));
	SAY(mlockall(MCL_ONFAULT));
	SAY(mlockall(MCL_CURRENT | MCL_ONFAULT));
	munlockall();
}

static void
clones(void)
{
	int tid = 0, pidfd = -1, status;
	siginfo_t info = { 0 };
	long pid;

	pid = syscall(SYS_clone, CLONE_PARENT_SETTID | SIGCHLD, 0, &tid, 0, 0);
	if (pid == 0)
		_exit(1);
	printf("CLONE_PARENT_SETTID %d %d\n", tid == pid, waitpid((pid_t)pid, &status, 0) == pid);
	pid = syscall(SYS_clone, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, 0, 0, &tid,
		0);
	if (pid == 0)
		_exit(tid == getpid());
	waitpid((pid_t)pid, &status, 0);
	printf("CLONE_CHILD_SETTID %d\n", WEXITSTATUS(status));
	pid = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &pidfd, 0, 0);
	if (pid == 0)
		_exit(7);
	SAY(waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED) == 0 && info.si_pid == pid);
	printf("%d\n", info.si_status);
	/* the child has its parent's stack: it ends without using it */
	__asm__ volatile(
		"syscall; test %%eax, %%eax; jnz 1f; mov $3, %%edi; mov $60, %%eax; syscall; 1:"
		: "=a"(pid)
		: "0"(SYS_clone), "D"(CLONE_VM | CLONE_VFORK | SIGCHLD), "S"(0), "d"(0)
		: "rcx", "r11", "memory", "cc");
	waitpid((pid_t)pid, &status, 0);
	printf("CLONE_VM | CLONE_VFORK %d\n", WEXITSTATUS(status));
	SAY(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &tid, 0, 0));
	SAY(syscall(SYS_clone, CLONE_THREAD | SIGCHLD, 0, 0, 0, 0) < 0);
}

static void
taken(int signal_number)
{
	(void)signal_number;
}

static void
modern_clone(void)
{
	struct {
		uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, size, tls;
	} a = { .flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD };
	struct sigaction old;
	int status;
	long pid;

	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, taken);
	pid = syscall(SYS_clone3, &a, sizeof(a));
	if (pid == 0) {
		sigaction(SIGUSR1, NULL, &old);
		status = old.sa_handler == SIG_IGN;
		sigaction(SIGUSR2, NULL, &old);
		_exit(status * 2 + (old.sa_handler == SIG_DFL));
	}
	waitpid((pid_t)pid, &status, 0);
	printf("CLONE_CLEAR_SIGHAND %d\n", WEXITSTATUS(status));
	SAY(syscall(SYS_clone3, &a, 8));
	signal(SIGUSR2, SIG_DFL);
}

static void
futexes(void)
{
	static uint32_t word = 5, other;
	struct timespec past = { 0 }, soon = { 0, 1000000 };

	SAY(syscall(SYS_futex, &word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 4, NULL, NULL, 0));
	SAY(syscall(SYS_futex, &word, FUTEX_WAIT, 5, &soon, NULL, 0));
	SAY(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 5, &past, NULL, ~0u));
	SAY(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 5, &past, NULL, 0));
	SAY(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 5, &past, NULL, 1));
	SAY(syscall(SYS_futex, &word, FUTEX_WAKE, 1, NULL, NULL, 0));
	SAY(syscall(SYS_futex, &word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 0));
	SAY(syscall(SYS_futex, &word, FUTEX_WAKE_BITSET, 1, NULL, NULL, 3));
	SAY(syscall(SYS_futex, &word, FUTEX_REQUEUE, 1, 1ul, &other, 0));
	SAY(syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE, 1, 1ul, &other, 4));
	SAY(syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE, 1, 1ul, &other, 5));
	SAY(syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE, -1, 1ul, &other, 5));
	SAY(syscall(SYS_futex, &word, FUTEX_REQUEUE, 1, -1ul, &other, 5));
	SAY(syscall(SYS_futex, &word, FUTEX_WAKE | FUTEX_CLOCK_REALTIME, 1, NULL, NULL, 0));
	SAY(syscall(SYS_futex, &word, FUTEX_WAIT | FUTEX_CLOCK_REALTIME, 4, NULL, NULL, 0));
	SAY(syscall(SYS_futex, &word, 127, 1, 1ul, &other, 5));
}

static void
descriptors(void)
{
	int fds[2], one = 1, n = 0, fd = open("file", O_RDWR | O_CREAT | O_LARGEFILE, 0600);
	struct f_owner_ex { int type, pid; } owner = { 1, getpid() };

	SAY(ioctl(fd, FIOCLEX));
	SAY(fcntl(fd, F_GETFD));
	SAY(ioctl(fd, FIONCLEX));
	SAY(fcntl(fd, F_GETFD));
	SAY(fcntl(fd, 15, &owner));			/* F_SETOWN_EX */
	SAY(fcntl(fd, F_GETOWN) == getpid());
	SAY(ioctl(fd, FIONBIO, &one));
	SAY(fcntl(fd, F_GETFL) & O_NONBLOCK);
	SAY(pipe(fds));
	SAY(ioctl(fds[0], FIONREAD, &n));
	SAY(ioctl(fds[0], TIOCMGET, &n));
	SAY(ioctl(fds[0], TIOCOUTQ, &n));
	SAY(ioctl(fds[0], TCSBRK, 1));
	SAY(syscall(SYS_close_range, fds[0], fds[1], CLOSE_RANGE_CLOEXEC));
	SAY(fcntl(fds[0], F_GETFD) + fcntl(fds[1], F_GETFD));
	SAY(syscall(SYS_close_range, 5, 4, 0));
	SAY(syscall(SYS_pidfd_open, getpid(), PIDFD_NONBLOCK) >= 0);
	SAY(syscall(SYS_pidfd_open, getpid(), 1));
	close(open("other", O_WRONLY | O_CREAT, 0600));
	SAY(syscall(SYS_renameat2, AT_FDCWD, "file", AT_FDCWD, "other", RENAME_NOREPLACE));
	SAY(syscall(SYS_renameat2, AT_FDCWD, "file", AT_FDCWD, "none", RENAME_EXCHANGE));
	SAY(syscall(SYS_renameat2, AT_FDCWD, "file", AT_FDCWD, "other", RENAME_EXCHANGE));
	SAY(syscall(SYS_renameat2, AT_FDCWD, "file", AT_FDCWD, "other",
		RENAME_EXCHANGE | RENAME_NOREPLACE));
	SAY(fchownat(AT_FDCWD, "file", -1, -1, AT_SYMLINK_NOFOLLOW));
	SAY(fchownat(AT_FDCWD, "file", -1, -1, 1));
	close(fds[0]);
	close(fds[1]);
	close(fd);
}

static void
terminals(void)
{
	int n = -1, master = posix_openpt(O_RDWR | O_NOCTTY), slave;
	struct termios t;
	struct { unsigned char bytes[64]; } old;

	if (unlockpt(master) || (slave = open(ptsname(master), O_RDWR | O_NOCTTY)) < 0)
		return;
	tcgetattr(slave, &t);
	SAY(ioctl(slave, TCSETSW, &t));
	SAY(ioctl(slave, TCSETSF, &t));
	SAY(ioctl(slave, 0x5405, &old));		/* TCGETA */
	SAY(ioctl(slave, 0x802c542a, &old));		/* TCGETS2 */
	SAY(ioctl(slave, TCSBRK, 1));
	SAY(ioctl(slave, TCXONC, TCOON));
	SAY(ioctl(slave, TCXONC, 9));
	SAY(ioctl(slave, TCFLSH, TCIOFLUSH));
	SAY(ioctl(slave, TCFLSH, 9));
	SAY(ioctl(slave, TIOCOUTQ, &n));
	SAY(n);
	SAY(ioctl(slave, TIOCGETD, &n));
	SAY(n);
	SAY(ioctl(slave, TIOCSETD, &n));
	SAY(ioctl(slave, TIOCMGET, &n));
	close(master);
	close(slave);
}

static void
watches(void)
{
	int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	SAY(inotify_add_watch(fd, ".", IN_ACCESS | IN_MOVED_FROM | IN_MOVED_TO | IN_MOVE_SELF));
	SAY(inotify_add_watch(fd, ".", IN_MASK_CREATE | IN_CREATE));
	SAY(inotify_add_watch(fd, ".", IN_MASK_CREATE | IN_MASK_ADD | IN_CREATE));
	SAY(symlink("file", "link"));
	SAY(inotify_add_watch(fd, "link", IN_DONT_FOLLOW | IN_ATTRIB));
	SAY(inotify_add_watch(fd, "link", IN_EXCL_UNLINK | IN_ATTRIB));
	close(fd);
}

static void
messages(void)
{
	struct timeval t = { 0, 10000 };
	int pair[2], fd, size = 4096;
	struct pollfd p;
	char buf[16];
	struct iovec v = { buf, 2 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	SAY(setsockopt(pair[0], SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)));
	SAY(setsockopt(pair[0], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)));
	SAY(setsockopt(pair[0], SOL_SOCKET, SO_KEEPALIVE, &size, sizeof(size)));
	SAY(sendmsg(pair[0], &m, MSG_OOB));
	SAY(send(pair[0], "12345", 5, 0));
	SAY(recvmsg(pair[1], &m, MSG_PEEK));
	SAY(m.msg_flags & MSG_TRUNC);
	SAY(recvmsg(pair[1], &m, MSG_TRUNC));
	SAY(send(pair[0], "12", 2, 0));
	SAY(recvmsg(pair[1], &m, MSG_WAITALL));
	SAY(shutdown(pair[0], SHUT_RDWR));
	SAY(recv(pair[0], buf, 1, 0));
	fd = dup(pair[0]);
	close(pair[0]);
	close(fd);
	p = (struct pollfd){ pair[1], POLLIN | POLLPRI, 0 };
	SAY(poll(&p, 1, 0));
	printf("%d\n", p.revents);
	close(pair[1]);
	SAY(poll(&p, 1, 0));
	SAY(p.revents == POLLNVAL);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	close(pair[0]);
	p = (struct pollfd){ pair[1], POLLIN, 0 };
	SAY(poll(&p, 1, 0));
	SAY(p.revents & POLLHUP);
	close(pair[1]);
}

static void
times_and_limits(void)
{
	static const int all[] = { RLIMIT_NPROC, RLIMIT_FSIZE, RLIMIT_CPU, RLIMIT_NICE };
	struct timespec now;
	struct rlimit limit;
	struct rusage usage;
	unsigned long base;
	char c;

	SAY(clock_gettime(CLOCK_TAI, &now));
	SAY(clock_gettime(CLOCK_REALTIME_COARSE, &now));
	SAY(timerfd_create(CLOCK_BOOTTIME, 0) >= 0);
	SAY(getrusage(RUSAGE_THREAD, &usage));
	for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		SAY(getrlimit(all[i], &limit));
		SAY(setrlimit(all[i], &limit));
	}
	SAY(getrandom(&c, 1, GRND_NONBLOCK));
	SAY(getrandom(&c, 1, GRND_RANDOM));
	SAY(getrandom(&c, 1, GRND_INSECURE));
	SAY(getrandom(&c, 1, GRND_INSECURE | GRND_RANDOM));
	SAY(syscall(SYS_arch_prctl, ARCH_GET_FS, &base));
	SAY(syscall(SYS_arch_prctl, ARCH_SET_FS, base));
	SAY(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0) >= 0);
	SAY(prctl(PR_GET_SECUREBITS));
	SAY(prctl(PR_SET_SECUREBITS, 0));
	SAY(prctl(PR_GET_SECCOMP));
}

static void
policies(void)
{
	struct sched_param zero = { 0 }, one = { .sched_priority = 1 };

	SAY(syscall(SYS_sched_setscheduler, 0, SCHED_BATCH, &zero));
	SAY(syscall(SYS_sched_getscheduler, 0));
	SAY(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER, &one));
	SAY(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &zero));
	SAY(syscall(SYS_sched_setscheduler, 0, SCHED_IDLE, &zero));
	SAY(syscall(SYS_sched_getscheduler, 0));
}

static void
mappings(void)
{
	static const int shared_validate = 3;		/* MAP_SHARED_VALIDATE */
	int fd = open("mapped", O_RDWR | O_CREAT, 0600);
	char *p;

	SAY(ftruncate(fd, PAGE));
	p = mmap(NULL, PAGE, PROT_READ, shared_validate, fd, 0);
	SAY(p != MAP_FAILED);
	p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_POPULATE | MAP_NONBLOCK, fd, 0);
	SAY(p != MAP_FAILED);
	SAY(mprotect(p, PAGE, PROT_READ | PROT_GROWSDOWN));
	SAY(mprotect(p, PAGE, PROT_READ | PROT_GROWSDOWN | PROT_GROWSUP));
	p = mmap(NULL, PAGE, PROT_READ, shared_validate | 0x4000000, fd, 0);
	SAY(p == MAP_FAILED);
	close(fd);
}

int
main(void)
{
	in_memory();
	advice();
	clones();
	modern_clone();
	futexes();
	descriptors();
	terminals();
	watches();
	messages();
	times_and_limits();
	policies();
	mappings();
	return 0;
}
