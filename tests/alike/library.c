/* SPDX-License-Identifier: ISC */
/* What a C library builds on the calls: time, numbers, streams, temporary files, popen, environment. */
#include "t.h"
#include <glob.h>
#include <locale.h>
#include <math.h>
#include <sys/utsname.h>

static long
ms_since(const struct timespec *begin)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - begin->tv_sec) * 1000 + (now.tv_nsec - begin->tv_nsec) / 1000000;
}

static void
clocks(void)
{
	struct timespec begin, t = { 0, 30000000 }, bad = { 0, 2000000000 }, last = { 0, 0 };
	struct timeval tv;
	struct tms tms;
	int backwards = 0;
	long took;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	SAY(nanosleep(&t, NULL));
	took = ms_since(&begin);
	printf("slept %d\n", took >= 30 && took < 3000);
	SAY(nanosleep(&bad, NULL));
	SAY(clock_gettime(77, &t));
	t = begin;
	SAY(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
	gettimeofday(&tv, NULL);
	SAY(labs(time(NULL) - tv.tv_sec) <= 1);
	SAY(tv.tv_sec > 1600000000);
	clock_gettime(CLOCK_REALTIME, &t);
	SAY(labs(t.tv_sec - tv.tv_sec) <= 1);
	for (int i = 0; i < 2000; i++) {
		clock_gettime(CLOCK_MONOTONIC, &t);
		backwards += t.tv_sec < last.tv_sec ||
			(t.tv_sec == last.tv_sec && t.tv_nsec < last.tv_nsec);
		last = t;
	}
	printf("backwards %d\n", backwards);
	for (volatile long i = 0; i < 30000000; i++)
		;
	SAY(clock() > 0);
	SAY(times(&tms) != -1);
	struct rusage usage;
	SAY(getrusage(RUSAGE_SELF, &usage));
	SAY(usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec > 0);
}

static void
numbers(void)
{
	printf("%.10f %.10g %a\n", M_PI, exp(1.5), 0.1);
	printf("%.6f %.6f %.6f\n", sin(1), sqrt(2), pow(2, 0.5));
	printf("%Lf %g %g\n", 1.0L / 3, HUGE_VAL, strtod("1e-320", NULL));
	printf("%ld %lu\n", strtol("-0x7f", NULL, 0), strtoul("777", NULL, 8));
	srand(1);
	if (fork() == 0) {
		printf("child %.3f\n", sqrt(3));
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

static void
streams(void)
{
	FILE *f = tmpfile(), *p;
	char line[64];
	int n = 0;

	fprintf(f, "line 1\nline 2\n");
	rewind(f);
	while (fgets(line, sizeof(line), f))
		n++;
	printf("%d lines\n", n);
	fseek(f, 5, SEEK_SET);
	printf("%c %ld\n", fgetc(f), ftell(f));
	fclose(f);
	p = popen("echo from popen; exit 3", "r");
	fgets(line, sizeof(line), p);
	printf("%s%d\n", line, WEXITSTATUS(pclose(p)));
	p = popen("tr a-z A-Z", "w");
	fflush(stdout);
	fprintf(p, "to popen\n");
	pclose(p);
	f = fopen("nosuch", "r");
	printf("%d %s\n", f == NULL, error_name(errno));
	f = fopen("s", "w+");
	for (int i = 0; i < 10000; i++)
		fprintf(f, "%d\n", i);
	fseek(f, 0, SEEK_SET);
	long sum = 0, value;
	while (fscanf(f, "%ld", &value) == 1)
		sum += value;
	printf("%ld\n", sum);
	fclose(f);
	SAY(setvbuf(stdout, NULL, _IOLBF, 0));
	char name[] = "tmpXXXXXX";
	SAY(mkstemp(name) >= 0);
	SAY(strcmp(name, "tmpXXXXXX") != 0);
	unlink(name);
}

static void
surroundings(void)
{
	struct utsname u;
	glob_t g;
	char cwd[4096];
	long page = sysconf(_SC_PAGESIZE);

	SAY(uname(&u));
	printf("%s %s\n", u.sysname, u.machine);
	SAY(setenv("A", "1", 1));
	printf("%s %d\n", getenv("A"), getenv("NOSUCH") == NULL);
	SAY(glob("s*", 0, NULL, &g));
	printf("%zu %s\n", g.gl_pathc, g.gl_pathv[0]);
	SAY(getcwd(cwd, sizeof(cwd)) == cwd);
	SAY(page);
	SAY(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
	SAY(getuid());
	SAY(geteuid());
	SAY(getppid() > 0);
	SAY(gethostname(cwd, sizeof(cwd)));
	SAY(isatty(0));
	SAY(sched_yield());
	SAY(getpriority(PRIO_PROCESS, 0));
	SAY(setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }));
	SAY(nice(0));
	SAY(sysconf(_SC_OPEN_MAX) >= 256);
	SAY(umask(022));
	SAY(getgroups(0, NULL) >= 0);
	SAY(ttyname(0) == NULL);
	printf("%s\n", setlocale(LC_ALL, "C"));
}

static void
unknown(void)
{
	SAY(syscall(999));
	SAY(syscall(500));
}

static void
left(void)
{
	printf("atexit\n");
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	clocks();
	numbers();
	streams();
	surroundings();
	unknown();
	SAY(atexit(left));
	return 42;
}
