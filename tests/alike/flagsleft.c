/* SPDX-License-Identifier: ISC */
/* Flags and options that no other program here names: advice, clocks, stat, alternate stacks, sockets. */
#include "t.h"
#include <stdint.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define PAGE 4096u

/* Those that one of the C libraries does not have. */
#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif
#ifndef MFD_EXEC
#define MFD_NOEXEC_SEAL 8u
#define MFD_EXEC 16u
#endif
#ifndef PROT_SEM
#define PROT_SEM 8
#endif
#ifndef AT_STATX_FORCE_SYNC
#define AT_STATX_FORCE_SYNC 0x2000
#define AT_STATX_DONT_SYNC 0x4000
#endif
#ifndef STATX_BTIME
#define STATX_MODE 2u
#define STATX_SIZE 0x200u
#define STATX_BASIC_STATS 0x7ffu
#define STATX_BTIME 0x800u
#endif
#define STATX_RESERVED (1u << 31)
#define IOPRIO_CLASS_NONE 0
#define IOPRIO_CLASS_RT 1
#define IOPRIO_CLASS_BE 2
#define IOPRIO_CLASS_IDLE 3

/* ---- memory -------------------------------------------------------------------------------------- */

static void
advice(void)
{
	char *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memset(p, 7, 4 * PAGE);
	SAY(madvise(p, 4 * PAGE, MADV_NORMAL));
	SAY(madvise(p, 4 * PAGE, MADV_RANDOM));
	SAY(madvise(p, 4 * PAGE, MADV_DODUMP));
	SAY(madvise(p, 4 * PAGE, MADV_HUGEPAGE) == 0 ||
		errno == EINVAL); /* as the kernel was built */
	SAY(madvise(p, 4 * PAGE, MADV_NOHUGEPAGE) == 0 || errno == EINVAL);
	SAY(madvise(p, 4 * PAGE, MADV_MERGEABLE) == 0 || errno == EINVAL);
	SAY(madvise(p, 4 * PAGE, MADV_UNMERGEABLE) == 0 || errno == EINVAL);
	SAY(madvise(p + 1, PAGE, MADV_RANDOM));
	SAY(madvise(p, 8u << 20, MADV_NORMAL));
	SAY(mprotect(p, PAGE, PROT_READ | PROT_WRITE | PROT_SEM));
	SAY(mprotect(p, PAGE, PROT_READ | 0x20));
	printf("%d %d\n", p[0], p[4 * PAGE - 1]);
	munmap(p, 4 * PAGE);
}

/* What is not to be run has no modes for it, and gets none. */
static void
executable(void)
{
	struct stat st;
	int fd = (int)syscall(SYS_memfd_create, "x", MFD_EXEC);

	SAY(fstat(fd, &st));
	printf("mode of the owner %o\n", st.st_mode & 0700);
	SAY(fcntl(fd, F_GET_SEALS));
	fd = (int)syscall(SYS_memfd_create, "x", MFD_NOEXEC_SEAL);
	SAY(fstat(fd, &st));
	printf("mode of the owner %o\n", st.st_mode & 0700);
	SAY(fcntl(fd, F_GET_SEALS));
	SAY(fchmod(fd, 0644));
	SAY(fchmod(fd, 0755));
	SAY(syscall(SYS_memfd_create, "x", MFD_EXEC | MFD_NOEXEC_SEAL));
}

/* ---- stat, clocks -------------------------------------------------------------------------------- */

static void
stats(void)
{
	struct {			/* struct statx */
		uint32_t mask, blksize;
		uint64_t attributes;
		uint32_t nlink, uid, gid;
		uint16_t mode, pad;
		uint64_t ino, size, blocks, attributes_mask;
		struct { int64_t sec; uint32_t nsec; int32_t pad; } atime, btime, ctime, mtime;
		uint64_t rest[20];
	} x;

	memset(&x, 0, sizeof(x));
	SAY(syscall(SYS_statx, AT_FDCWD, "/", AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &x));
	printf("basic %d\n", (x.mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
	close(open("born", O_CREAT | O_WRONLY, 0600));
	SAY(syscall(SYS_statx, AT_FDCWD, "born", AT_STATX_FORCE_SYNC, STATX_BTIME | STATX_SIZE,
		&x));
	printf("size %lu\n", (unsigned long)x.size);
	SAY(syscall(SYS_statx, AT_FDCWD, "born", AT_NO_AUTOMOUNT | 0x8000, STATX_MODE, &x));
	/* Who keeps no time of birth says so, and who says one means it. */
	printf("born %d\n", !(x.mask & STATX_BTIME) || x.btime.sec >= x.ctime.sec - 1);
	SAY(syscall(SYS_statx, AT_FDCWD, "born", AT_STATX_DONT_SYNC, STATX_MODE, &x));
	SAY(syscall(SYS_statx, AT_FDCWD, "born", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC,
		STATX_MODE, &x));
	SAY(syscall(SYS_statx, AT_FDCWD, "born", 0, STATX_RESERVED, &x));
	unlink("born");
}

static void
clocks(void)
{
	struct timespec coarse, fine, unit;

	SAY(clock_gettime(CLOCK_MONOTONIC_COARSE, &coarse));
	SAY(clock_gettime(CLOCK_MONOTONIC, &fine));
	printf("coarse is behind %d\n", coarse.tv_sec < fine.tv_sec ||
		(coarse.tv_sec == fine.tv_sec && coarse.tv_nsec <= fine.tv_nsec));
	SAY(clock_getres(CLOCK_MONOTONIC_COARSE, &unit));
	SAY(clock_nanosleep(CLOCK_MONOTONIC_COARSE, 0, &(struct timespec){ 0, 1 }, NULL));
	SAY(clock_settime(CLOCK_MONOTONIC_COARSE, &fine));
}

/* ---- signals ------------------------------------------------------------------------------------- */

static volatile sig_atomic_t inside;

static void
handler(int sig)
{
	stack_t s;

	(void)sig;
	sigaltstack(NULL, &s);
	inside = s.ss_flags;
}

/* With SS_AUTODISARM there is no alternate stack while a handler runs, and the same one afterwards. */
static void
disarm(void)
{
	stack_t s = { .ss_sp = malloc(65536), .ss_size = 65536, .ss_flags = (int)SS_AUTODISARM },
		back;
	struct sigaction a = { .sa_handler = handler, .sa_flags = SA_ONSTACK };

	sigaction(SIGUSR1, &a, NULL);
	SAY(sigaltstack(&s, NULL));
	SAY(sigaltstack(NULL, &back));
	printf("flags %#x size %zu\n", (unsigned)back.ss_flags, back.ss_size);
	raise(SIGUSR1);
	printf("inside %#x\n", (unsigned)inside);
	SAY(sigaltstack(NULL, &back));
	printf("flags %#x size %zu\n", (unsigned)back.ss_flags, back.ss_size);
	s.ss_flags = SS_ONSTACK | (int)SS_AUTODISARM;
	SAY(sigaltstack(&s, NULL));
	s.ss_flags = SS_DISABLE | (int)SS_AUTODISARM;
	SAY(sigaltstack(&s, NULL));
	SAY(sigaltstack(NULL, &back));
	printf("flags %#x\n", (unsigned)back.ss_flags);
	s.ss_flags = 0x1000;
	SAY(sigaltstack(&s, NULL));
	raise(SIGUSR1);
	printf("inside %#x\n", (unsigned)inside);
}

static void
masks(void)
{
	sigset_t set, old;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	SAY(sigprocmask(SIG_BLOCK, &set, NULL));
	SAY(sigprocmask(SIG_UNBLOCK, &set, &old));
	printf("was %d\n", sigismember(&old, SIGUSR2));
	SAY(sigprocmask(SIG_SETMASK, &old, NULL));
	SAY(sigprocmask(3, &set, NULL));
	SAY(sigprocmask(SIG_SETMASK, &set, NULL));
}

/* ---- processes ----------------------------------------------------------------------------------- */

static long
ioprio(int class, int level)
{
	return syscall(SYS_ioprio_set, 1, 0, class << 13 | level);
}

static void
priorities(void)
{
	SAY(ioprio(IOPRIO_CLASS_BE, 3));
	SAY(syscall(SYS_ioprio_get, 1, 0));
	SAY(ioprio(IOPRIO_CLASS_IDLE, 0));
	SAY(syscall(SYS_ioprio_get, 1, 0));
	SAY(ioprio(IOPRIO_CLASS_BE, 8));
	SAY(ioprio(5, 0));
	SAY(ioprio(IOPRIO_CLASS_NONE, 1));
	SAY(ioprio(IOPRIO_CLASS_NONE, 0));
	if (setresuid(1000, 1000, 1000) == 0)
		SAY(ioprio(IOPRIO_CLASS_RT, 0));
}

/* ---- sockets, events --------------------------------------------------------------------------- */

static void
option(int s, int which, const char *name, int value)
{
	int got = -1;
	socklen_t bytes = sizeof(got);
	long set = setsockopt(s, SOL_SOCKET, which, &value, sizeof(value));

	printf("%s set %ld %s", name, set, set ? error_name(errno) : "");
	set = getsockopt(s, SOL_SOCKET, which, &got, &bytes);
	printf(" get %ld %s %d\n", set, set ? error_name(errno) : "", set ? 0 : got);
}
#define OPTION(s, which, value) option(s, which, #which, value)

static void
options(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	OPTION(s, SO_DEBUG, 0);
	OPTION(s, SO_PRIORITY, 3);
	OPTION(s, SO_RCVLOWAT, 5);
	OPTION(s, SO_RCVLOWAT, 0);
	OPTION(s, SO_SNDLOWAT, 5);	/* ENOPROTOOPT */
	OPTION(s, SO_RCVBUFFORCE, 70000);
	OPTION(s, SO_PASSCRED, 7);
	OPTION(s, SO_TYPE, 1);
	close(s);
}

/* A stream is read once there is as much as was asked for at the least, or no more comes. */
static void
least(void)
{
	char bytes[16];
	int s[2], five = 5;
	pid_t pid;

	socketpair(AF_UNIX, SOCK_STREAM, 0, s);
	SAY(setsockopt(s[0], SOL_SOCKET, SO_RCVLOWAT, &five, sizeof(five)));
	pid = fork();
	if (pid == 0) {
		close(s[0]);
		for (int n = 0; n < 9; n++) {
			write(s[1], "x", 1);
			usleep(20000);
		}
		_exit(0);
	}
	close(s[1]);
	SAY(read(s[0], bytes, 3));
	SAY(read(s[0], bytes, sizeof(bytes)) >= 5);
	waitpid(pid, NULL, 0);
}

static void
forced(void)
{
	int s = socket(AF_UNIX, SOCK_STREAM, 0);

	setresuid(1000, 1000, 1000);
	OPTION(s, SO_RCVBUFFORCE, 70000);
	OPTION(s, SO_SNDBUFFORCE, 70000);
	OPTION(s, SO_PRIORITY, 7);
	OPTION(s, SO_PRIORITY, 6);
}

static void
watched(void)
{
	static const struct { uint32_t bit; const char *name; } bits[] = {
		{ IN_OPEN, "IN_OPEN" }, { IN_CLOSE_NOWRITE, "IN_CLOSE_NOWRITE" },
		{ IN_CREATE, "IN_CREATE" }, { IN_DELETE, "IN_DELETE" }, { IN_ISDIR, "IN_ISDIR" },
		{ IN_DELETE_SELF, "IN_DELETE_SELF" }, { IN_IGNORED, "IN_IGNORED" },
	};
	char bytes[4096] __attribute__((aligned(8)));
	int fd = inotify_init1(IN_NONBLOCK), wd;
	long n;

	mkdir("watched", 0700);
	wd = inotify_add_watch(fd, "watched", IN_ALL_EVENTS & ~IN_ACCESS);
	mkdir("watched/d", 0700);
	close(open("watched/d", O_RDONLY | O_DIRECTORY));
	close(open("watched", O_RDONLY | O_DIRECTORY));
	rmdir("watched/d");
	SAY(inotify_rm_watch(fd, wd));
	wd = inotify_add_watch(fd, "watched", IN_DELETE_SELF);
	rmdir("watched");
	n = read(fd, bytes, sizeof(bytes));
	for (long at = 0; at < n;) {
		const struct inotify_event *e = (const void *)(bytes + at);

		printf("%s:", e->len ? e->name : "");
		for (unsigned b = 0; b < sizeof(bits) / sizeof(bits[0]); b++)
			if (e->mask & bits[b].bit)
				printf(" %s", bits[b].name);
		printf("\n");
		at += (long)(sizeof(*e) + e->len);
	}
	close(fd);
}

/* ---- by descriptors of processes ------------------------------------------------------------------- */

static volatile sig_atomic_t code, value;

static void
told(int sig, siginfo_t *info, void *context)
{
	(void)sig, (void)context;
	code = info->si_code;
	value = info->si_value.sival_int;
}

static void
pidfds(void)
{
	struct sigaction a = { .sa_sigaction = told, .sa_flags = SA_SIGINFO };
	siginfo_t info = { .si_signo = SIGUSR1, .si_code = SI_QUEUE };
	char path[32];
	int fd, other, in_it;

	sigaction(SIGUSR1, &a, NULL);
	snprintf(path, sizeof(path), "/proc/%d", getpid());
	fd = open(path, O_DIRECTORY);
	other = open("/", O_DIRECTORY);
	in_it = open("/proc/self/fd", O_DIRECTORY);
	SAY(syscall(SYS_pidfd_send_signal, fd, SIGUSR1, NULL, 0));
	printf("code %d\n", (int)code);
	info.si_value.sival_int = 77;
	SAY(syscall(SYS_pidfd_send_signal, fd, SIGUSR1, &info, 0));
	printf("code %d value %d\n", (int)code, (int)value);
	SAY(syscall(SYS_pidfd_send_signal, fd, SIGUSR2, &info, 0));
	SAY(syscall(SYS_pidfd_send_signal, other, 0, NULL, 0));
	SAY(syscall(SYS_pidfd_send_signal, in_it, 0, NULL, 0));
}

int
main(void)
{
	static void (*const parts[])(void) = {
		advice,
		executable,
		stats,
		clocks,
		disarm,
		masks,
		options,
		least,
		forced,
		watched,
		pidfds,
		priorities,
	};

	in_memory();
	setvbuf(stdout, NULL, _IONBF, 0);
	for (unsigned n = 0; n < sizeof(parts) / sizeof(parts[0]); n++) {
		pid_t pid = fork();

		if (pid == 0) {
			parts[n]();
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
	return 0;
}
