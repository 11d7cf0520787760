/* SPDX-License-Identifier: ISC */
/* Names that were looked up before, and lead elsewhere since: whoever changed it, and how. */
#include "t.h"

/* What each of a few names is now; twice, for what was kept by the first time. */
static void
look(const char *what)
{
	static const char *const names[] = { "d/f", "d/l", "s/f", "d/e/g", "d/e/../f", "./d//f",
		"d/f/", "d/e/", "d/none", "l", "up/d/f", "d/e/g/h",
		"d/eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
		"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee" };

	printf("%s\n", what);
	for (unsigned n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		struct stat s, t, l;
		int a = stat(names[n], &s) ? errno : 0, b = stat(names[n], &t) ? errno : 0;
		int c = lstat(names[n], &l) ? errno : 0, fd = open(names[n], O_RDONLY);

		printf(" %.20s: %d %d %d %d %o %ld %o\n", names[n], a, b, c, fd < 0 ? errno : 0,
			a ? 0 : s.st_mode, a || b ? 0L : (long)(s.st_size - t.st_size),
			c ? 0 : l.st_mode >> 12);
		if (fd >= 0)
			close(fd);
	}
}

static void
file(const char *name, unsigned bytes)
{
	int fd = open(name, O_CREAT | O_WRONLY | O_TRUNC, 0644);

	if (fd < 0 || write(fd, "0123456789", bytes) != (ssize_t)bytes)
		printf("%s: %d\n", name, errno);
	close(fd);
}

static long
size(const char *name)
{
	struct stat s;

	return stat(name, &s) ? -errno : (long)s.st_size;
}

/* A child does it, whose library knows other things. */
static void
other(void (*what)(void))
{
	pid_t pid = fork();

	if (pid == 0) {
		what();
		exit(0);
	}
	waitpid(pid, NULL, 0);
}

static void
swaps(void)
{
	rename("d/f", "d/old");
	rename("d/n", "d/f");
}

static void
retargets(void)
{
	unlink("s");
	symlink("d2", "s");
}

static void
changes(void)
{
	mkdir("d", 0755), mkdir("d/e", 0755), mkdir("d2", 0755);
	file("d/f", 1), file("d/n", 2), file("d2/f", 3), file("d/e/g", 4), file("l", 5);
	symlink("f", "d/l"), symlink("d", "s"), symlink(".", "up");
	look("at first");
	printf("%ld %ld %ld\n", size("d/f"), size("d/l"), size("s/f"));
	other(swaps);
	look("another file has the name");
	printf("%ld %ld %ld\n", size("d/f"), size("d/l"), size("s/f"));
	other(retargets);
	look("the link leads elsewhere");
	printf("%ld\n", size("s/f"));
	rename("d", "d3");
	look("a directory is gone");
	rename("d3", "d");
	look("and back");
	file("d/none", 7);
	look("what was not there is");
	unlink("d/f");
	mkdir("d/f", 0700);
	look("a file became a directory");
	printf("%ld\n", size("d/f/.."));
}

/* Who may not search a directory finds nothing behind it, also what he found before. */
static void
rights(void)
{
	mkdir("r", 0755), file("r/f", 6), chmod(".", 0755);
	printf("%ld\n", size("r/f"));
	chmod("r", 0700);
	printf("root %ld\n", size("r/f"));
	SAY(setresuid(1000, 1000, 0));
	printf("user %ld %ld\n", size("r/f"), size("r/f"));
	SAY(setresuid(0, 0, 0));
	printf("root %ld\n", size("r/f"));
	chmod("r", 0711);
	SAY(setresuid(1000, 1000, 0));
	printf("user %ld\n", size("r/f"));
	SAY(access("r/f", R_OK));
	SAY(setresuid(-1, 0, -1));
	chmod("r", 0700);
	printf("effective %ld\n", size("r/f"));
	SAY(access("r/f", R_OK));
	SAY(faccessat(AT_FDCWD, "r/f", R_OK, AT_EACCESS));
	printf("effective %ld\n", size("r/f"));
	SAY(setresuid(0, 0, 0));
}

/* The same text from another place. */
static void
places(void)
{
	int d = open("d2", O_RDONLY | O_DIRECTORY);
	struct stat s;

	mkdir("d2/d", 0755), file("d2/d/f2", 8), file("f2", 9);
	SAY(fstatat(d, "d/f2", &s, 0));
	SAY(stat("d/f2", &s));
	SAY(chdir("d2"));
	SAY(stat("d/f2", &s));
	printf("%ld %ld\n", size("../f2"), size("../f"));
	SAY(chroot("."));
	printf("%ld %ld\n", size("../f2"), size("/d/f2"));
	close(d);
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	in_memory();
	changes();
	rights();
	fflush(stdout);
	if (fork() == 0) {
		places();
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	return 0;
}
