/* SPDX-License-Identifier: ISC */
/* exec: what it refuses, how much it takes, what goes along. */
#include "t.h"

static void
make(const char *name, mode_t mode, const char *text, size_t bytes)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	write(fd, text, bytes);
	close(fd);
	chmod(name, mode);
}

static void
copy(const char *to, mode_t mode)
{
	static char bytes[1 << 16];
	int in = open("/proc/self/exe", O_RDONLY),
	    out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	long n;

	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		write(out, bytes, n);
	close(in);
	close(out);
	chmod(to, mode);
}

static char *const none[] = { NULL };

/* In a child, as somebody; what it ended with, or why exec failed. */
static void
try(const char *what, uid_t uid, int dirfd, const char *path, char *const argv[],
	char *const envp[], int flags)
{
	int p[2], status = 0, error = 0;
	pid_t pid;

	fflush(stdout);
	pipe2(p, O_CLOEXEC);
	pid = fork();
	if (pid == 0) {
		if (uid &&
			(syscall(SYS_setresgid, uid, uid, uid) ||
				syscall(SYS_setresuid, uid, uid, uid)))
			_exit(99);
		syscall(SYS_execveat, dirfd, path, argv, envp, flags);
		error = errno;
		write(p[1], &error, sizeof(error));
		_exit(0);
	}
	close(p[1]);
	read(p[0], &error, sizeof(error));
	close(p[0]);
	waitpid(pid, &status, 0);
	if (error)
		printf("%s: %s\n", what, error_name(error));
	else
		printf("%s: %s %d\n", what, WIFSIGNALED(status) ? "signal" : "exit",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	fflush(stdout);
}

static void
files(void)
{
	char *args[] = { "name", "show", "a", NULL };
	char long_name[5000];
	int fd;

	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = 0;
	copy("good", 0755);
	copy("locked", 0644);
	copy("only_x", 0711);
	copy("mine", 0700);
	make("empty", 0755, "", 0);
	make("text", 0755, "hello\n", 6);
	make("short", 0755, "\177ELF", 4);
	make("elf", 0755, "\177ELF\2\1\1", 64);
	symlink("good", "link");
	symlink("loop", "loop");
	symlink("nowhere", "dangling");
	mkdir("dir", 0755);
	mkdir("closed", 0700);
	copy("closed/good", 0755);
	try("good", 0, AT_FDCWD, "good", args, none, 0);
	try("link", 0, AT_FDCWD, "link", args, none, 0);
	try("absent", 0, AT_FDCWD, "absent", args, none, 0);
	try("dir", 0, AT_FDCWD, "dir", args, none, 0);
	try("locked", 0, AT_FDCWD, "locked", args, none, 0);
	try("mine", 1000, AT_FDCWD, "mine", args, none, 0);
	try("only x", 1000, AT_FDCWD, "only_x", args, none, 0);
	try("closed", 1000, AT_FDCWD, "closed/good", args, none, 0);
	try("empty", 0, AT_FDCWD, "empty", args, none, 0);
	try("text", 0, AT_FDCWD, "text", args, none, 0);
	try("short", 0, AT_FDCWD, "short", args, none, 0);
	try("elf", 0, AT_FDCWD, "elf", args, none, 0);
	try("loop", 0, AT_FDCWD, "loop", args, none, 0);
	try("dangling", 0, AT_FDCWD, "dangling", args, none, 0);
	try("file/x", 0, AT_FDCWD, "good/x", args, none, 0);
	try("slash", 0, AT_FDCWD, "good/", args, none, 0);
	try("long", 0, AT_FDCWD, long_name, args, none, 0);
	try("nothing", 0, AT_FDCWD, "", args, none, 0);
	try("fault", 0, AT_FDCWD, nowhere, args, none, 0);
	try("fault in argv", 0, AT_FDCWD, "good", nowhere, none, 0);
	try("null device", 0, AT_FDCWD, "/dev/null", args, none, 0);
	fd = open("good", O_RDONLY);
	try("descriptor", 0, fd, "", args, none, AT_EMPTY_PATH);
	try("no flag", 0, fd, "", args, none, 0);
	try("nofollow", 0, AT_FDCWD, "link", args, none, AT_SYMLINK_NOFOLLOW);
	try("bad flag", 0, AT_FDCWD, "good", args, none, 0x10);
	try("bad descriptor", 0, 99, "good", args, none, 0);
	try("not a directory", 0, fd, "good", args, none, 0);
	close(fd);
	fd = open("good", O_PATH);
	try("O_PATH", 0, fd, "", args, none, AT_EMPTY_PATH);
	close(fd);
	fd = open(".", O_RDONLY);
	try("relative", 0, fd, "good", args, none, 0);
	try("a directory", 0, fd, "", args, none, AT_EMPTY_PATH);
	close(fd);
	fd = open("good", O_WRONLY);
	try("busy", 0, AT_FDCWD, "good", args, none, 0);
	close(fd);
	try("not busy", 0, AT_FDCWD, "good", args, none, 0);
}

/* ---- arguments ---- */

static char *many[70000];

/* So many of so many bytes; the child tells how many came. */
static void
amount(int count, size_t bytes, const char *what)
{
	char *text = malloc(bytes + 1);

	memset(text, 'a', bytes);
	text[bytes] = 0;
	many[0] = "name";
	many[1] = "count";
	for (int i = 2; i < count; i++)
		many[i] = text;
	many[count] = NULL;
	try(what, 0, AT_FDCWD, "good", many, none, 0);
	free(text);
}

static void
arguments(void)
{
	char *env[] = { "A=1", "B=2", NULL };
	char *shows[] = { "x", "show", "", "two words", NULL };

	try("strings", 0, AT_FDCWD, "good", shows, env, 0);
	try("no arguments", 0, AT_FDCWD, "good", none, env, 0);
	try("NULL", 0, AT_FDCWD, "good", NULL, NULL, 0);
	amount(10, 1000, "some");
	amount(1000, 1000, "a thousand");
	amount(3, 131071, "one long");
	amount(3, 131072, "one too long");
	amount(16, 131000, "most");
	amount(17, 131000, "too much");
	amount(60000, 1, "many");
	amount(1500, 1300, "nearly two megabytes");
}

/* ---- scripts ---- */

static void
scripts(void)
{
	static char line[600];
	char *args[] = { "zero", "one", NULL };
	char name[16], text[64];

	make("s1", 0755, "#!./good show\n", 14);
	make("s2", 0755, "#! \t./good   show   more  \t\n", 28);
	make("s3", 0755, "#!./good", 8);
	make("s4", 0755, "#!\n", 3);
	make("s10", 0755, "#!", 2);
	make("s11", 0755, "#! \t", 4);
	make("s12", 0755, "#! \t\n", 5);
	make("s5", 0755, "#!./absent\n", 11);
	make("s6", 0755, "#!./dir\n", 8);
	make("s7", 0755, "#!./text\n", 9);
	make("s8", 0644, "#!./good\n", 9);
	make("s9", 0755, "#!./good show\r\n", 15);
	try("script", 0, AT_FDCWD, "./s1", args, none, 0);
	try("blanks", 0, AT_FDCWD, "./s2", args, none, 0);
	try("no end", 0, AT_FDCWD, "./s3", args, none, 0);
	try("no name", 0, AT_FDCWD, "./s4", args, none, 0);
	try("no name, no end", 0, AT_FDCWD, "./s10", args, none, 0);
	try("blanks, no end", 0, AT_FDCWD, "./s11", args, none, 0);
	try("blanks alone", 0, AT_FDCWD, "./s12", args, none, 0);
	try("absent", 0, AT_FDCWD, "./s5", args, none, 0);
	try("a directory", 0, AT_FDCWD, "./s6", args, none, 0);
	try("a text", 0, AT_FDCWD, "./s7", args, none, 0);
	try("not executable", 0, AT_FDCWD, "./s8", args, none, 0);
	try("return", 0, AT_FDCWD, "./s9", args, none, 0);
	try("without arguments", 0, AT_FDCWD, "./s1", none, none, 0);
	for (int i = 0; i < 7; i++) {
		sprintf(name, "./n%d", i);
		sprintf(text, i ? "#!./n%d\n" : "#!./good show\n", i - 1);
		make(name, 0755, text, strlen(text));
		try(name, 0, AT_FDCWD, name, args, none, 0);
	}
	memset(line, 'x', sizeof(line));
	memcpy(line, "#!./good show ", 14);
	line[599] = '\n';
	make("long", 0755, line, 600);
	try("long line", 0, AT_FDCWD, "./long", args, none, 0);
	memcpy(line, "#!./goodxxxxxx", 14);
	make("longer", 0755, line, 600);
	try("long name", 0, AT_FDCWD, "./longer", args, none, 0);
}

/* ---- a program that runs is not written ---- */

static void
running(void)
{
	int p[2], q[2];
	char byte = 0;
	pid_t pid;

	pipe(p);
	pipe(q);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		dup2(p[1], 8);
		dup2(q[0], 9);
		execl("good", "good", "waits", NULL);
		_exit(1);
	}
	read(p[0], &byte, 1);
	TRY(open("good", O_WRONLY));
	TRY(open("good", O_RDWR));
	TRY(open("good", O_WRONLY | O_TRUNC));
	SAY(truncate("good", 5));
	TRY(open("good", O_RDONLY));
	SAY(chmod("good", 0755));
	SAY(rename("good", "better"));
	TRY(open("better", O_WRONLY));
	write(q[1], "", 1);
	waitpid(pid, NULL, 0);
	TRY(open("better", O_WRONLY));
}

int
main(int argc, char **argv, char **envp)
{
	if (argc > 1 && !strcmp(argv[1], "show")) {
		for (int i = 0; i < argc; i++)
			printf("[%.40s]", argv[i]);
		for (int i = 0; envp[i]; i++)
			printf(" %s", envp[i]);
		printf("\n");
		return 3;
	}
	if (argc > 1 && !strcmp(argv[1], "count")) {
		size_t bytes = 0;

		for (int i = 0; i < argc; i++)
			bytes += strlen(argv[i]) + 1;
		printf("%d arguments, %zu bytes\n", argc, bytes);
		return 4;
	}
	if (argc > 1 && !strcmp(argv[1], "waits")) {
		write(8, "", 1);
		read(9, argv[1], 1);
		return 0;
	}
	if (argc != 1 || !strcmp(argv[0], "")) {
		printf("%d [%s]\n", argc, argc ? argv[0] : "");
		return 5;
	}
	if (argc == 1 && strstr(argv[0], "exec.") == NULL && strcmp(argv[0], "/alike/exec")) {
		printf("[%s]\n", argv[0]);
		return 6;
	}
	umask(022);
	chmod(".", 0755);
	files();
	arguments();
	scripts();
	running();
	return 0;
}
