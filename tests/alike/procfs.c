/* SPDX-License-Identifier: ISC */
/* /proc: of oneself, of others, of the system, as programs read it. */
#include "t.h"
#include <dirent.h>
#include <stdbool.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

static char text[1 << 20];

static long
slurp(const char *path)
{
	int fd = open(path, O_RDONLY);
	long n, all = 0;

	if (fd < 0)
		return -1;
	while ((n = read(fd, text + all, sizeof(text) - 1 - (size_t)all)) > 0)
		all += n;
	if (n < 0)
		all = -1;
	close(fd);
	text[all > 0 ? all : 0] = 0;
	return all;
}

static char path[200];

static const char *
of(pid_t pid, const char *name)
{
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return path;
}

/* Fields of stat behind the name. */
static int
stat_fields(pid_t pid, char *letter, long long field[60])
{
	char *at;
	int n = 0;

	if (slurp(of(pid, "stat")) <= 0)
		return -1;
	at = strrchr(text, ')') + 2;
	*letter = *at++;
	while (*at == ' ' && n < 60)
		field[n++] = (long long)strtoull(at, &at, 10);
	return n + 3;
}

static void
myself(int argc, char **argv, char **envp)
{
	long long f[60] = { 0 };
	char letter = 0;
	size_t at = 0;
	bool same = true;
	long n;

	printf("fields %d\n", stat_fields(getpid(), &letter, f));
	printf("%c ppid %d pgrp %d sid %d tty %lld threads %lld\n", letter, f[0] == getppid(),
		f[1] == getpgrp(), f[2] == getsid(0), f[3], f[16]);
	printf("size %d start %d\n", f[19] > 4096, f[18] > 0);
	n = slurp("/proc/self/cmdline");
	for (int i = 0; i < argc; i++) {
		same = same && strcmp(text + at, argv[i]) == 0;
		at += strlen(argv[i]) + 1;
	}
	printf("cmdline %d\n", same && (size_t)n == at);
	n = slurp("/proc/self/environ");
	for (at = 0, same = true; *envp; envp++) {
		same = same && strcmp(text + at, *envp) == 0;
		at += strlen(*envp) + 1;
	}
	printf("environ %d\n", same && (size_t)n == at);
	slurp("/proc/self/comm");
	printf("comm %.5s", text);
	prctl(PR_SET_NAME, "renamed");
	slurp("/proc/self/comm");
	printf(" %s", text);
	slurp("/proc/self/auxv");
	for (unsigned long *aux = (unsigned long *)text; aux[0]; aux += 2)
		if (aux[0] == AT_PAGESZ || aux[0] == AT_ENTRY || aux[0] == AT_RANDOM)
			printf("aux %lu %d\n", aux[0], getauxval(aux[0]) == aux[1]);
}

static void
line(const char *key)
{
	char *at = strstr(text, key);

	printf("%.*s\n", at ? (int)strcspn(at, "\n") : 6, at ? at : "absent");
}

static void
caught(int sig)
{
	(void)sig;
}

/* What the runner happened to ignore is not the test's; the C library keeps 32 and 33 from sigaction. */
static void
signals_reset(void)
{
	static const unsigned long by_default[4];

	for (int sig = 1; sig <= 64; sig++)
		syscall(SYS_rt_sigaction, sig, by_default, NULL, 8);
}

static void
status(void)
{
	static const char *const same[] = { "Name:", "Umask:", "State:", "TracerPid:", "Uid:",
		"Gid:", "Threads:", "ShdPnd:", "SigBlk:", "SigIgn:", "SigCgt:", "NoNewPrivs:",
		"Seccomp:" };
	static const char *const there[] = { "Tgid:", "Pid:", "PPid:", "FDSize:", "Groups:",
		"VmPeak:", "VmSize:", "VmRSS:", "VmData:", "VmStk:", "VmExe:", "VmLib:", "VmPTE:",
		"SigQ:", "CapInh:", "CapPrm:", "CapEff:", "CapBnd:", "CapAmb:", "Cpus_allowed:",
		"Cpus_allowed_list:", "voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:" };
	sigset_t set;

	signals_reset();
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, caught);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGALRM);
	umask(027);
	slurp("/proc/self/status");
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		line(same[i]);
	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++)
		if (!strstr(text, there[i]))
			printf("%s is missing\n", there[i]);
	slurp("/proc/self/limits");
	line("Max stack size");
	line("Max core file size");
	slurp("/proc/self/statm");
	printf("statm %d\n", strtol(text, NULL, 10) > 1);
}

/* The region of an address, by maps. */
static void
region(const char *what, unsigned long address)
{
	for (char *at = text; *at; at += strcspn(at, "\n") + 1) {
		unsigned long start, end, offset;
		char rights[8], name[100] = "";

		if (sscanf(at, "%lx-%lx %7s %lx %*s %*s%99[^\n]", &start, &end, rights, &offset,
			    name) < 4 ||
			address < start || address >= end)
			continue;
		printf("%s %s %lx %s\n", what, rights, offset,
			strrchr(name, '/') ? "file" : name + strspn(name, " "));
		return;
	}
	printf("%s is nowhere\n", what);
}

static void
maps(void)
{
	int fd = open("mapped", O_RDWR | O_CREAT, 0600);
	char *file, *anonymous, *hole, *shared, local = 0;
	char cwd[100], expected[200];

	ftruncate(fd, 16384);
	file = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 4096);
	shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	anonymous = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(anonymous + 8192, 4096, PROT_NONE);
	hole = anonymous + 40960;
	munmap(hole, 4096);
	slurp("/proc/self/maps");
	region("file", (unsigned long)file);
	region("shared", (unsigned long)shared);
	region("anonymous", (unsigned long)anonymous);
	region("none", (unsigned long)anonymous + 8192);
	region("hole", (unsigned long)hole);
	region("stack", (unsigned long)&local);
	region("text", (unsigned long)maps);
	region("data", (unsigned long)text);
	getcwd(cwd, sizeof(cwd));
	snprintf(expected, sizeof(expected), "%s/mapped\n", cwd);
	printf("named %d heap %d vdso %d\n", strstr(text, expected) != NULL,
		sbrk(0) == sbrk(0) &&
			(brk((char *)sbrk(0) + 4096), slurp("/proc/self/maps"),
				strstr(text, "[heap]")) != NULL,
		strstr(text, "[vdso]") != NULL);
	anonymous[0] = 1;
	slurp("/proc/self/smaps");
	printf("smaps %d %d %d\n", strstr(text, "Rss:") != NULL,
		strstr(text, "Private_Dirty:") != NULL, strstr(text, "Pss:") != NULL);
	unlink("mapped");
	close(fd);
}

static void
link_of(const char *name)
{
	char to[300] = "", cwd[200];
	long n = readlink(name, to, sizeof(to) - 1);

	getcwd(cwd, sizeof(cwd));
	if (n < 0)
		say(name, -1);
	else if (strncmp(to, cwd, strlen(cwd)) == 0)
		printf("%s: .%s\n", name, to + strlen(cwd));
	else
		printf("%s: %.5s\n", name, to);
}

static void
descriptors(void)
{
	int fd = open("file", O_RDWR | O_CREAT | O_APPEND, 0600), p[2], count = 0;
	struct dirent *e;
	DIR *d;

	write(fd, "12345", 5);
	pipe(p);
	dup2(fd, 50);
	dup2(p[0], 51);
	close(fd);
	close(p[0]);
	close(p[1]);
	link_of("/proc/self/fd/50");
	link_of("/proc/self/fd/51");
	link_of("/proc/self/fd/52");
	link_of("/proc/self/cwd");
	link_of("/proc/self/root");
	printf("exe %d\n", readlink("/proc/self/exe", text, 1000) > 0);
	d = opendir("/proc/self/fd");
	while ((e = readdir(d)))
		count += strcmp(e->d_name, "50") == 0 || strcmp(e->d_name, "51") == 0;
	closedir(d);
	printf("listed %d\n", count);
	slurp("/proc/self/fdinfo/50");
	line("pos:");
	line("flags:");
	SAY(access("/proc/self/fdinfo/99", F_OK));
	d = opendir("/proc/self/task");
	for (count = 0; (e = readdir(d));)
		count += atoi(e->d_name) == getpid();
	closedir(d);
	printf("tasks %d\n", count);
	close(50);
	close(51);
	unlink("file");
}

/* ---- others ---- */

/* What another user is told of a process. */
static void
stranger(pid_t pid)
{
	static const char *const secret[] = { "environ", "maps", "fd", "fd/0", "exe", "cwd", "auxv",
		"io", "smaps", "personality" };
	static const char *const told[] = { "stat", "status", "cmdline", "comm", "statm", "limits",
		"mounts", "cgroup", "wchan", "oom_score" };
	char to[200];

	setgid(1000);
	if (setuid(1000))
		printf("setuid\n");
	for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++) {
		DIR *d;

		of(pid, secret[i]);
		if (strcmp(secret[i], "fd") == 0)
			printf("%s: %s\n", secret[i],
				(d = opendir(path)) ? "open" : error_name(errno));
		else if (readlink(path, to, sizeof(to)) >= 0)
			printf("%s: told\n", secret[i]);
		else if (errno != EINVAL)
			printf("%s: %s\n", secret[i], error_name(errno));
		else
			printf("%s: %s\n", secret[i],
				slurp(path) >= 0 ? "told" : error_name(errno));
	}
	for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++)
		printf("%s: %s\n", told[i],
			slurp(of(pid, told[i])) >= 0 ? "told" : error_name(errno));
	fflush(stdout);
}

static void
others(void)
{
	char letter = 0, to[200];
	long long f[60] = { 0 };
	int p[2], status;
	pid_t pid, thief;

	pipe(p);
	pid = fork();
	if (pid == 0) {
		char byte;

		close(p[1]);
		open("/dev/null", O_RDONLY);
		chdir("/tmp");
		execl("/proc/self/exe", "another", "name", "waits", NULL);
		read(p[0], &byte, 1);
		_exit(0);
	}
	close(p[0]);
	for (int i = 0; i < 2000; i++) {
		if (slurp(of(pid, "cmdline")) > 0 && strcmp(text, "another") == 0)
			break;
		usleep(1000);
	}
	printf("cmdline %s %s %s\n", text, text + 8, text + 13);
	printf("fields %d\n", stat_fields(pid, &letter, f));
	printf("ppid %d\n", f[0] == getpid());
	memset(to, 0, sizeof(to));
	SAY(readlink(of(pid, "cwd"), to, sizeof(to) - 1));
	printf("cwd %s\n", to);
	memset(to, 0, sizeof(to));
	TRY(readlink(of(pid, "exe"), to, sizeof(to) - 1));
	printf("exe %d\n",
		(readlink("/proc/self/exe", text, 200), strncmp(text, to, strlen(to))) == 0);
	memset(to, 0, sizeof(to));
	TRY(readlink(of(pid, "fd/4"), to, sizeof(to) - 1));
	printf("fd %s\n", to);
	SAY(access(of(pid, "fd/60"), F_OK));
	thief = fork();
	if (thief == 0) {
		stranger(pid);
		_exit(0);
	}
	waitpid(thief, NULL, 0);
	close(p[1]);
	while (stat_fields(pid, &letter, f) > 0 && letter != 'Z')
		usleep(1000);
	printf("%c\n", letter);
	printf("cmdline %ld\n", slurp(of(pid, "cmdline")));
	waitpid(pid, &status, 0);
	SAY(access(of(pid, ""), F_OK));
	SAY(open(of(pid, "stat"), O_RDONLY));
	SAY(access("/proc/0", F_OK));
	SAY(access("/proc/self/nonsense", F_OK));
	SAY(open("/proc/nonsense", O_RDWR | O_CREAT, 0600));
	SAY(mkdir("/proc/self/new", 0700));
	SAY(unlink("/proc/version"));
}

/* ---- the system ---- */

static void
number(const char *name)
{
	long n = slurp(name);

	printf("%s: %s\n", name,
		n > 0 && strspn(text, "0123456789\n") == (size_t)n ? "a number"
			: n < 0                                    ? "absent"
								   : text);
}

static void
whole(void)
{
	static const char *const there[] = { "MemTotal:", "MemFree:", "MemAvailable:", "Buffers:",
		"Cached:", "SwapTotal:", "SwapFree:", "Shmem:", "Slab:" };
	struct utsname u;
	double up, idle, load[3];
	int running, total, last;

	slurp("/proc/meminfo");
	for (size_t i = 0; i < sizeof(there) / sizeof(there[0]); i++)
		if (!strstr(text, there[i]))
			printf("%s is missing\n", there[i]);
	slurp("/proc/uptime");
	printf("uptime %d\n", sscanf(text, "%lf %lf", &up, &idle));
	slurp("/proc/loadavg");
	printf("loadavg %d\n",
		sscanf(text, "%lf %lf %lf %d/%d %d", &load[0], &load[1], &load[2], &running, &total,
			&last));
	slurp("/proc/stat");
	printf("stat %d %d %d\n", strncmp(text, "cpu  ", 5), strstr(text, "\nbtime ") != NULL,
		strstr(text, "\nprocesses ") != NULL);
	slurp("/proc/cpuinfo");
	printf("cpuinfo %d %d\n", strncmp(text, "processor\t: 0", 13),
		strstr(text, "\nflags\t\t:") != NULL);
	slurp("/proc/mounts");
	printf("mounts %d %d\n", strstr(text, " / ") != NULL, strstr(text, " /proc proc ") != NULL);
	slurp("/proc/filesystems");
	printf("filesystems %d\n", strstr(text, "nodev\tproc\n") != NULL);
	slurp("/proc/devices");
	printf("devices %d\n", strstr(text, "136 pts") != NULL);
	uname(&u);
	slurp("/proc/sys/kernel/osrelease");
	printf("osrelease %d\n", strncmp(text, u.release, strlen(u.release)));
	slurp("/proc/sys/kernel/hostname");
	printf("hostname %d\n", strncmp(text, u.nodename, strlen(u.nodename)));
	slurp("/proc/sys/kernel/ostype");
	printf("%s", text);
	printf("boot_id %ld\n", slurp("/proc/sys/kernel/random/boot_id"));
	printf("uuid %ld\n", slurp("/proc/sys/kernel/random/uuid"));
	number("/proc/sys/kernel/pid_max");
	number("/proc/sys/kernel/threads-max");
	number("/proc/sys/kernel/ngroups_max");
	number("/proc/sys/kernel/cap_last_cap");
	number("/proc/sys/kernel/random/entropy_avail");
	number("/proc/sys/vm/overcommit_memory");
	number("/proc/sys/vm/max_map_count");
	number("/proc/sys/fs/file-max");
	number("/proc/sys/fs/nr_open");
	number("/proc/sys/fs/pipe-max-size");
	number("/proc/sys/fs/inotify/max_user_watches");
	printf("partitions %d swaps %d\n", slurp("/proc/partitions") > 0, slurp("/proc/swaps") > 0);
	printf("unix %d dev %d\n", slurp("/proc/net/unix") > 0, slurp("/proc/net/dev") > 0);
	printf("%d %d\n", access("/proc/thread-self/comm", R_OK), access("/proc/self/task/", R_OK));
}

int
main(int argc, char **argv, char **envp)
{
	if (strcmp(argv[0], "another") == 0) {
		char byte;

		read(3, &byte, 1);
		return 0;
	}
	myself(argc, argv, envp);
	status();
	maps();
	descriptors();
	others();
	whole();
	return 0;
}
