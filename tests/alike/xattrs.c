/* SPDX-License-Identifier: ISC */
/* Extended attributes. */
#include "t.h"
#include <sys/xattr.h>

static void
list(const char *path)
{
	char names[512];
	ssize_t n = llistxattr(path, names, sizeof(names));
	int seen = 0;

	/* The order is the file system's. */
	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(names + i) + 1)
		seen += 1 + names[i + 5] % 7;
	printf("%s: %zd bytes, sum %d\n", path, n, seen);
}

static void
show(const char *path, const char *name)
{
	char value[64];
	ssize_t n = lgetxattr(path, name, value, sizeof(value));

	if (n < 0)
		say(name, -1);
	else
		printf("%s = <%.*s>\n", name, (int)n, value);
}

static char big[70000], name[300], value[16];
static int fd, ro;

static void
basic(void)
{
	list("f");
	SAY(setxattr("f", "user.one", "1", 1, 0));
	SAY(setxattr("l", "user.two", "second", 6, XATTR_CREATE));
	SAY(fsetxattr(ro, "user.three", "", 0, 0));
	SAY(setxattr("f", "user.one", "x", 1, XATTR_CREATE));
	SAY(setxattr("f", "user.four", "x", 1, XATTR_REPLACE));
	SAY(setxattr("f", "user.one", "longer than before", 18, XATTR_REPLACE));
	SAY(setxattr("f", "user.one", "1", 1, 4));
	list("f");
	show("f", "user.one");
	show("f", "user.two");
	show("f", "user.three");
	show("f", "user.four");
	SAY(getxattr("f", "user.one", NULL, 0));
	SAY(getxattr("f", "user.one", value, 5));
	SAY(getxattr("f", "user.three", NULL, 0));
	SAY(fgetxattr(fd, "user.two", value, 16));
	SAY(getxattr("f", "user.one", nowhere, 100));
	SAY(listxattr("f", NULL, 0));
	SAY(listxattr("f", value, 5));
	SAY(flistxattr(fd, NULL, 0));
	SAY(removexattr("f", "user.two"));
	SAY(removexattr("f", "user.two"));
	SAY(fremovexattr(fd, "user.three"));
	list("f");
}

static void
names_and_values(void)
{
	/* Names. */
	SAY(setxattr("f", "user.", "x", 1, 0));
	SAY(setxattr("f", "", "x", 1, 0));
	SAY(setxattr("f", "nothing", "x", 1, 0));
	SAY(setxattr("f", "unknown.name", "x", 1, 0));
	SAY(getxattr("f", "unknown.name", value, 16));
	SAY(getxattr("f", "", value, 16));
	memset(name, 'n', 256);
	memcpy(name, "user.", 5);
	SAY(setxattr("f", name, "x", 1, 0));
	SAY(getxattr("f", name, value, 16));
	name[255] = '\0';
	SAY(setxattr("f", name, "x", 1, 0));
	SAY(removexattr("f", name));
	SAY(setxattr("f", nowhere, "x", 1, 0));
	SAY(setxattr("f", "user.v", nowhere, 1, 0));
	/* Values. */
	SAY(setxattr("f", "user.big", big, 3000, 0));
	SAY(getxattr("f", "user.big", big, sizeof(big)));
	SAY(setxattr("f", "user.big2", big, 3000, 0));
	SAY(setxattr("f", "user.big", big, 65537, 0));
	SAY(getxattr("f", "user.big", big, sizeof(big)));
	SAY(removexattr("f", "user.big"));
}

static void
kinds(void)
{
	/* Kinds of files. */
	SAY(setxattr("d", "user.d", "dir", 3, 0));
	show("d", "user.d");
	SAY(lsetxattr("l", "user.l", "x", 1, 0));
	SAY(lgetxattr("l", "user.l", value, 16));
	SAY(llistxattr("l", value, 16));
	SAY(setxattr("p", "user.p", "x", 1, 0));
	SAY(getxattr("p", "user.p", value, 16));
	SAY(setxattr("nosuch", "user.a", "x", 1, 0));
	SAY(listxattr("nosuch", value, 16));
	SAY(fsetxattr(-1, "user.a", "x", 1, 0));
	SAY(fsetxattr(open("f", O_PATH), "user.a", "x", 1, 0));
	SAY(fgetxattr(open("f", O_WRONLY), "user.one", value, 1));
	SAY(setxattr("f", "trusted.t", "secret", 6, 0));
	show("f", "trusted.t");
	list("f");
	SAY(removexattr("f", "trusted.t"));
}

static void
lives(void)
{
	struct stat before, after;

	/* They go with the file, and stay with it. */
	stat("f", &before);
	usleep(12000);
	SAY(setxattr("f", "user.last", "x", 1, 0));
	stat("f", &after);
	printf("%d %d\n", after.st_ctim.tv_nsec != before.st_ctim.tv_nsec,
		after.st_mtim.tv_nsec == before.st_mtim.tv_nsec);
	SAY(rename("f", "g"));
	show("g", "user.last");
	SAY(unlink("g"));
	SAY(fgetxattr(fd, "user.last", value, 16));
	close(fd), close(ro);
	close(open("g", O_CREAT | O_WRONLY, 0644));
	list("g");
	/* Somebody else. */
	SAY(setxattr("g", "user.o", "x", 1, 0));
	SAY(setxattr("g", "trusted.o", "x", 1, 0));
	fflush(stdout);
	if (fork() == 0) {
		SAY(setuid(12345));
		SAY(getxattr("g", "user.o", value, 16));
		SAY(setxattr("g", "user.n", "x", 1, 0));
		SAY(removexattr("g", "user.o"));
		SAY(getxattr("g", "trusted.o", value, 16));
		SAY(setxattr("g", "trusted.p", "x", 1, 0));
		list("g");
		_exit(0);
	}
	wait(NULL);
	chmod("g", 0600);
	if (fork() == 0) {
		setuid(12345);
		SAY(getxattr("g", "user.o", value, 16));
		SAY(listxattr("g", NULL, 0));
		_exit(0);
	}
	wait(NULL);
}

int
main(void)
{
	fd = open("f", O_CREAT | O_RDWR, 0644);
	ro = open("f", O_RDONLY);
	setvbuf(stdout, NULL, _IOLBF, 0);
	mkdir("d", 0755);
	symlink("f", "l");
	mkfifo("p", 0644);
	basic();
	names_and_values();
	kinds();
	lives();
	return 0;
}
