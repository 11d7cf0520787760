/* SPDX-License-Identifier: ISC */
/* /proc of other processes: what those may read who may look, of running and of stopped ones, and what others may not. */
#include "t.h"
#include <dirent.h>
#include <grp.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define SIZE (1 << 20)

struct common {
	volatile int ready, go;
	long bytes[4];
	char text[4][SIZE];
	char secret[32];
};
static struct common *common;
static char text[SIZE], path[200];
static char *own_secret = "only in memory";

static const char *
of(pid_t pid, const char *name)
{
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return path;
}

static long
slurp(const char *name, char *to)
{
	int fd = open(name, O_RDONLY);
	long n, all = 0;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, to + all, SIZE - 1 - (size_t)all)) > 0)
		all += n;
	if (n < 0)
		all = -errno;
	close(fd);
	to[all > 0 ? all : 0] = 0;
	return all;
}

static const char *const files[] = { "environ", "auxv", "maps", "cmdline" };
#define FILES 4

/* What it reads of itself, to be compared with what others read of it. */
static void
describe(void)
{
	for (int i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "/proc/self/%s", files[i]);
		common->bytes[i] = slurp(path, common->text[i]);
	}
	common->ready = 1;
}

static void
spin(void)
{
	while (!common->go)
		;
}

static void
numbers(pid_t pid, const char *dir)
{
	DIR *d = opendir(of(pid, dir));
	struct dirent *e;
	long sum = 0, count = 0;

	if (!d) {
		printf("%s: errno %d\n", dir, errno);
		return;
	}
	while ((e = readdir(d)))
		if (e->d_name[0] != '.' && atoi(e->d_name) >= 3) {
			sum += atoi(e->d_name);
			count++;
		}
	closedir(d);
	printf("%s: %ld above 2, sum %ld\n", dir, count, sum);
}

static void
link_of(pid_t pid, const char *name)
{
	char to[200];
	ssize_t n = readlink(of(pid, name), to, sizeof(to) - 1);

	to[n > 0 ? n : 0] = 0;
	if (strchr(to, '['))
		*strchr(to, '[') = 0;		/* numbers of pipes are each system's own */
	printf("%s -> %s %d\n", name, to, n < 0 ? errno : 0);
}

static void
lines(pid_t pid, const char *name, const char *const *keys)
{
	long n = slurp(of(pid, name), text);

	if (n < 0)
		printf("%s: %ld\n", name, n);
	for (; *keys && n >= 0; keys++) {
		char *at = strstr(text, *keys);

		printf("%s %.*s\n", name, at ? (int)strcspn(at, "\n") : 6, at ? at : "absent");
	}
}

static void
look(pid_t pid, const char *what)
{
	static const char *const info[] = { "pos:", "flags:", NULL };

	printf("%s\n", what);
	for (int i = 0; i < FILES; i++) {
		long n = slurp(of(pid, files[i]), text);

		printf("%s %d\n", files[i],
			n > 0 && n == common->bytes[i] &&
				memcmp(text, common->text[i], (size_t)n) == 0);
	}
	printf("smaps %d rollup %d\n",
		slurp(of(pid, "smaps"), text) > 1000 && strstr(text, "[stack]"),
		slurp(of(pid, "smaps_rollup"), text) > 100 && strstr(text, "[rollup]"));
	numbers(pid, "fd");
	numbers(pid, "fdinfo");
	link_of(pid, "fd/77");
	link_of(pid, "fd/300");
	link_of(pid, "fd/78");
	lines(pid, "fdinfo/300", info);
	lines(pid, "fdinfo/77", info);
	lines(pid, "fdinfo/78", info);
}

static void
open_some(void)
{
	int fd = open("/proc/self/exe", O_RDONLY), p[2];

	for (int n = 3; n < 70; n++)
		close(n);
	pipe(p);
	dup2(p[0], 77);
	close(p[0]);
	close(p[1]);
	fd = open("file", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	write(fd, "0123456789", 10);
	fcntl(fd, F_DUPFD_CLOEXEC, 300);
	lseek(fd, 4, SEEK_SET);
	close(fd);
}

/* ---- the program that is looked at: exec'd, with an environment of its own ---- */

static int
subject(int argc, char **argv)
{
	common = mmap(NULL, sizeof(*common), PROT_READ | PROT_WRITE, MAP_SHARED, 9, 0);
	close(9);
	open_some();
	if (argc > 2)
		memset(argv[2], 'X', strlen(argv[2]));
	strcpy(common->secret, own_secret);
	describe();
	spin();
	return 0;
}

static void
await(pid_t pid)
{
	int status;

	while (!common->ready)
		usleep(1000);
	look(pid, "running");
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	look(pid, "stopped");
	kill(pid, SIGCONT);
}

static void
end(pid_t pid)
{
	int status;

	common->go = 1;
	waitpid(pid, &status, 0);
	printf("ended %x\n", status);
	common->ready = common->go = 0;
}

static void
vm_read(pid_t pid)
{
	char there[32] = "";
	struct iovec here = { there, sizeof(common->secret) },
		     far = { common->secret, sizeof(common->secret) };

	printf("read %zd %s\n", process_vm_readv(pid, &here, 1, &far, 1, 0), there);
	far.iov_base = own_secret;
	far.iov_len = here.iov_len = strlen(own_secret);
	memset(there, 0, sizeof(there));
	printf("read %zd %s\n", process_vm_readv(pid, &here, 1, &far, 1, 0), there);
	far.iov_base = (void *)8;
	printf("nothing %d\n", process_vm_readv(pid, &here, 1, &far, 1, 0) < 0 ? errno : 0);
}

static void
execd(int fd)
{
	char *argv[] = { "procpeer", "subject", "overwritten", NULL };
	char *envp[] = { "ONE=1", "TWO=zwei", NULL };
	pid_t pid = fork();

	if (pid == 0) {
		dup2(fd, 9);
		execve("/proc/self/exe", argv, envp);
		_exit(127);
	}
	await(pid);
	end(pid);
}

static void
forked(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		open_some();
		strcpy(common->secret, "the child's");
		describe();
		spin();
		_exit(3);
	}
	await(pid);
	vm_read(pid);
	end(pid);
}

/* A zombie has no memory any more. */
static void
dead(void)
{
	pid_t pid = fork();
	siginfo_t info;

	if (pid == 0)
		_exit(0);
	waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	printf("dead: %ld %ld %ld\n", slurp(of(pid, "environ"), text), slurp(of(pid, "maps"), text),
		slurp(of(pid, "cmdline"), text));
	waitpid(pid, NULL, 0);
	printf("gone: %ld\n", slurp(of(pid, "maps"), text));
}

/* ---- who may not ---- */

static void
refused(pid_t pid, const char *who)
{
	static const char *const all[] = { "environ", "auxv", "maps", "smaps", "io", "fd/0",
		"fdinfo/0", "personality" };
	char byte;
	struct iovec here = { &byte, 1 }, far = { own_secret, 1 };

	printf("%s:", who);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		printf(" %s %ld", all[i], slurp(of(pid, all[i]), text) < 0 ? slurp(path, text) : 0);
	printf(" readv %d\n", process_vm_readv(pid, &here, 1, &far, 1, 0) < 0 ? errno : 0);
	printf("%s: cmdline %d comm %d stat %d\n", who, slurp(of(pid, "cmdline"), text) > 0,
		slurp(of(pid, "comm"), text) > 0, slurp(of(pid, "stat"), text) > 0);
	link_of(pid, "exe");
}

static void
as(uid_t uid, gid_t gid, pid_t pid, const char *who)
{
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		setgroups(0, NULL);
		setresgid(gid, gid, gid);
		setresuid(uid, uid, uid);
		refused(pid, who);
		fflush(stdout);
		_exit(0);
	}
	waitpid(child, NULL, 0);
}

static pid_t
person(uid_t uid, gid_t gid, int dumpable)
{
	pid_t pid = fork();

	if (pid == 0) {
		setgroups(0, NULL);
		setresgid(gid, gid, gid);
		setresuid(uid, uid, uid);
		prctl(PR_SET_DUMPABLE, dumpable);
		common->ready = 1;
		spin();
		_exit(0);
	}
	while (!common->ready)
		usleep(1000);
	return pid;
}

static void
strangers(void)
{
	pid_t pid = person(1000, 1000, 1);

	as(1000, 1000, pid, "the same");
	as(1000, 1001, pid, "another group");
	as(1001, 1000, pid, "another user");
	end(pid);
	pid = person(1000, 1000, 0);
	as(1000, 1000, pid, "not dumpable");
	refused(pid, "root");
	end(pid);
	pid = person(0, 0, 1);
	as(1000, 1000, pid, "root's");
	end(pid);
}

int
main(int argc, char **argv)
{
	int fd;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1 && strcmp(argv[1], "subject") == 0)
		return subject(argc, argv);
	for (fd = 3; fd < 400; fd++)
		close(fd);
	fd = memfd_create("common", 0);
	ftruncate(fd, sizeof(*common));
	common = mmap(NULL, sizeof(*common), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	execd(fd);
	forked();
	dead();
	strangers();
	return 0;
}
