/* SPDX-License-Identifier: ISC */
/*
 * differ FILE: runs the sequences of FILE, `# KIND NAME` and then a call a line.
 * Says `# NAME`, for each call what came of it, and the state in the end.
 * As root with DIFFER_UID set it first becomes that user.
 */
#include <ctype.h>
#include <ftw.h>
#include <grp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/sysinfo.h>
#include <time.h>
#include "differ.h"
#include "symbols.h"

#define ROOM (1u << 20)
#define LINES 400
#define PATIENCE_S 10
#define WARM 100			/* sequences, until what is kept for the next time is there */

char start[4096];
static struct { unsigned used; char text[ROOM]; } *log_of;

void
say(const char *format, ...)
{
	va_list list;
	int bytes;

	va_start(list, format);
	bytes = vsnprintf(log_of->text + log_of->used, ROOM - log_of->used, format, list);
	va_end(list);
	if (bytes > 0 && log_of->used + bytes < ROOM)
		log_of->used += bytes;
}

void
say_result(long result)
{
	say(" = %ld", result == -1 ? -(long)errno : result);
}

void
say_data(const char *data, long bytes)
{
	say(" '");
	for (long i = 0; i < bytes && i < 24; i++)
		say(isgraph((unsigned char)data[i]) ? "%c" : "\\%02x", (unsigned char)data[i]);
	say("'");
	if (bytes > 24)
		say("+%08x", hash(0, data, bytes));
}

unsigned
hash(unsigned seed, const void *data, size_t bytes)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < bytes; i++)
		seed = (seed ^ p[i]) * 16777619u + 0x9e3779b9u;
	return seed;
}

void *
shared(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		exit(70);
	return p;
}

static long
symbol(const char *word, size_t length)
{
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++)
		if (strlen(symbols[i].name) == length && !memcmp(symbols[i].name, word, length))
			return symbols[i].value;
	fprintf(stderr, "differ: what is %.*s?\n", (int)length, word);
	exit(70);
}

long
num(const char *word)
{
	long value = 0;

	if (isdigit((unsigned char)*word) || *word == '-')
		return strtoll(word, NULL, 0);
	while (*word) {
		size_t length = strcspn(word, "|");

		value |= isdigit((unsigned char)*word) ? strtol(word, NULL, 0)
						       : symbol(word, length);
		word += length + (word[length] == '|');
	}
	return value;
}

const char *
path(const char *word)
{
	static char names[2][8192];
	static unsigned turn;
	char *name = names[turn++ % 2];
	size_t at = 0;

	if (!strcmp(word, "0"))
		return NULL;
	if (!strcmp(word, "''"))
		return "";
	while (*word && at < sizeof(names[0]) - 5000) {
		if (*word == '@') {		/* a long name */
			size_t letters = strtoul(word + 1, (char **)&word, 10);

			memset(name + at, 'n', letters);
			at += letters;
		} else
			name[at++] = *word++;
	}
	name[at] = 0;
	return name;
}

int
run_line(const struct op *const *tables, char *line)
{
	char *word[WORDS + 1] = { 0 }, copy[512];
	int words = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok(copy, " "); w && words < WORDS; w = strtok(NULL, " "))
		word[words++] = w;
	for (; *tables; tables++)
		for (const struct op *op = *tables; op->name; op++)
			if (words && !strcmp(op->name, word[0]) && words > op->words) {
				op->run(word + 1);
				return 0;
			}
	return -1;
}

static int
remove_one(const char *name, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st, (void)kind, (void)ftw;
	return remove(name), 0;
}

static int
open_one(const char *name, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)ftw;
	if (S_ISDIR(st->st_mode) && (kind == FTW_D || kind == FTW_DNR))
		chmod(name, 0700);
	return 0;
}

static void
clean(void)
{
	nftw("t", open_one, 16, FTW_PHYS);
	nftw("t", remove_one, 16, FTW_PHYS | FTW_DEPTH);
}

/* In the child: all of it. */
static void
sequence(const char *kind, char **lines, int count)
{
	static const struct op *const files[] = { file_ops, name_ops, NULL };
	static const struct op *const signals[] = { signal_ops, NULL };
	static const struct op *const memory[] = { memory_ops, file_ops, name_ops, NULL };
	bool f = !strcmp(kind, "files"), s = !strcmp(kind, "signals"), m = !strcmp(kind, "memory");

	if (!strcmp(kind, "processes")) {
		process_run(lines, count);
		return;
	}
	if (s)
		signal_begin();
	if (m)
		memory_begin();
	for (int i = 0; i < count; i++) {
		say("%s", lines[i]);
		if (run_line(f ? files : s ? signals : memory, lines[i]))
			say(" ?");
		say("\n");
	}
	if (s)
		signal_say();
	if (m)
		memory_say();
	if (f || m)
		descriptors_say();
	if (f)
		tree_say();
}

/* By a signal's default action: that is its end. */
static bool
stopped(int status, pid_t pid)
{
	if (!WIFSTOPPED(status))
		return false;
	say("(stopped by %d)\n", WSTOPSIG(status));
	kill(pid, SIGKILL);
	return true;
}

static void
one(const char *kind, const char *name, char **lines, int count)
{
	struct timespec patience = { PATIENCE_S, 0 };
	sigset_t child;
	int status = -1;
	pid_t pid;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	log_of->used = 0;
	clean();
	pid = fork();
	if (pid == 0) {
		sigprocmask(SIG_UNBLOCK, &child, NULL);
		umask(0);
		alarm(6 * PATIENCE_S);	/* nobody outlives a run that was cut off */
		/* What .. leads to is the sequence's own, too. */
		for (int above = 0; above < 14; above++)
			if (mkdir("t", 0755) || chdir("t"))
				say("(no directory: %d)\n", errno), _exit(71);
		setpgid(0, 0);
		top = fcntl(open(".", O_RDONLY | O_DIRECTORY), F_DUPFD_CLOEXEC, 200);
		for (int fd = FIRST_FD; fd < 100; fd++)
			close(fd);
		sequence(kind, lines, count);
		_exit(0);
	}
	while (waitpid(pid, &status, WNOHANG | WUNTRACED) == 0 || stopped(status, pid))
		if (sigtimedwait(&child, NULL, &patience) < 0 && errno == EAGAIN) {
			say("(hangs)\n");
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL);
		}
	printf("# %s\n%.*s", name, (int)log_of->used, log_of->text);
	if (WIFSIGNALED(status))
		printf("(killed by %d)\n", WTERMSIG(status));
	else
		printf("(ended with %d)\n", WEXITSTATUS(status));
	fflush(stdout);			/* what comes next may bring the machine down */
}

/* ---- what is left behind in a machine of one's own ------------------------------------------ */

static struct left { long bytes, inodes, processes; } first;

static struct left
left_now(void)
{
	struct sysinfo info;
	struct statfs fs;

	if (sysinfo(&info) || statfs(".", &fs))
		return (struct left){ 0 };
	return (struct left){ (long)(info.freeram * info.mem_unit), fs.f_ffree, info.procs };
}

/* The dead are given back little by little. */
static void
left_say(void)
{
	const struct timespec moment = { 0, 20000000 };
	struct left now = left_now();

	for (int i = 0; i < 100 && (now.bytes < first.bytes || now.inodes != first.inodes); i++) {
		nanosleep(&moment, NULL);
		now = left_now();
	}
	fprintf(stderr, "differ: left %ld bytes, %ld inodes, %ld processes\n",
		first.bytes - now.bytes, first.inodes - now.inodes,
		now.processes - first.processes);
}

/* Lines of the next sequence; its head's kind and name in words. */
static int
next(FILE *f, char *kind, char *name, char **lines)
{
	static char line[512];
	int count = 0;

	if (!line[0] && !fgets(line, sizeof(line), f))
		return -1;
	if (sscanf(line, "# %15s %63s", kind, name) != 2)
		exit(70);
	line[0] = 0;
	while (fgets(line, sizeof(line), f) && line[0] != '#' && count < LINES) {
		line[strcspn(line, "\n")] = 0;
		free(lines[count]);
		lines[count++] = strdup(line);
		line[0] = 0;
	}
	return count;
}

int
main(int argc, char **argv)
{
	static char *lines[LINES];
	char kind[16], name[64];
	const char *uid = getenv("DIFFER_UID");
	int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1;
	FILE *f = fdopen(fcntl(fd, F_DUPFD_CLOEXEC, 100),
		"r"); /* a sequence's own descriptors begin at 3 */
	int count;

	if (!f)
		return 70;
	getcwd(start, sizeof(start));
	log_of = shared(sizeof(*log_of));
	if (uid && getuid() == 0 &&
		(setgroups(0, NULL) || setgid(atoi(uid)) || setuid(atoi(uid)))) {
		perror("differ: becoming another user");
		return 70;
	}
	for (int done = 0; (count = next(f, kind, name, lines)) >= 0; done++) {
		if (done == WARM)
			clean(), first = left_now();
		one(kind, name, lines, count);
	}
	clean();
	if (first.bytes)
		left_say();
	printf("# end\n");
	return 0;
}
