/* SPDX-License-Identifier: ISC */
/* Names: renaming everything to everything, links, and how long and deep names may be. */
#include "t.h"

static void
clear(const char *name)
{
	char inner[64];

	snprintf(inner, sizeof(inner), "%s/in", name);
	unlink(inner);
	rmdir(inner);
	if (unlink(name))
		rmdir(name);
}

static const char *const kinds[] = { "absent", "file", "link", "empty", "full", "fifo", "dangling",
	"hard" };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void
make(const char *name, unsigned kind)
{
	char inner[64];

	clear(name);
	snprintf(inner, sizeof(inner), "%s/in", name);
	switch (kind) {
	case 1: close(open(name, O_CREAT | O_WRONLY, 0644)); break;
	case 2: symlink("full", name); break;
	case 3: mkdir(name, 0755); break;
	case 4: mkdir(name, 0755), mkdir(inner, 0755); break;
	case 5: mkfifo(name, 0644); break;
	case 6: symlink("nowhere", name); break;
	case 7: link("hardlinked", name); break;
	}
}

static void
look(const char *name)
{
	struct stat s;

	if (lstat(name, &s))
		printf(" -");
	else
		printf(" %o/%lu", s.st_mode >> 12, (unsigned long)s.st_nlink);
}

static void
matrix(void)
{
	close(open("hardlinked", O_CREAT | O_WRONLY, 0644));
	mkdir("d1", 0755);
	mkdir("d2", 0755);
	for (unsigned flags = 0; flags < 4; flags++)
		for (unsigned a = 0; a < KINDS; a++)
			for (unsigned b = 0; b < KINDS; b++) {
				long result;

				make("d1/a", a);
				make("d2/b", b);
				result = syscall(SYS_renameat2, AT_FDCWD, "d1/a", AT_FDCWD, "d2/b",
					flags);
				printf("%s to %s %u: %s", kinds[a], kinds[b], flags,
					result ? error_name(errno) : "done");
				look("d1/a");
				look("d2/b");
				look("d1");
				look("d2");
				printf("\n");
			}
	clear("d1/a");
	clear("d2/b");
}

static void
odd(void)
{
	static const char *const names[][2] = { { "x", "x/y" }, { "x", "x/y/z" }, { "x/y", "x" },
		{ "x/y/z", "x" }, { "x/..", "q" }, { "x/.", "q" }, { ".", "q" }, { "q", "x/." },
		{ "x", "x/" }, { "x/", "moved/" }, { "moved/", "x" }, { "f/", "g" }, { "f", "g/" },
		{ "f", "x/" }, { "nosuch", "q" }, { "f", "nosuch/q" }, { "f", "f" }, { "f", "./f" },
		{ "f", "h" }, { "l", "l2" }, { "l2/", "l3" }, { "x", "l2/" }, { "", "q" },
		{ "f", "" }, { "x/y", "x/y/../w" }, { "f/g", "q" }, { "f", "f/q" } };

	mkdir("x", 0755);
	mkdir("x/y", 0755);
	mkdir("x/y/z", 0755);
	close(open("f", O_CREAT | O_WRONLY, 0644));
	link("f", "h");
	symlink("x", "l");
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		printf("%s to %s: %s\n", names[i][0], names[i][1],
			rename(names[i][0], names[i][1]) ? error_name(errno) : "done");
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (unsigned flags = 1; flags < 4; flags++)
			printf("%s to %s %u: %s\n", names[i][0], names[i][1], flags,
				syscall(SYS_renameat2, AT_FDCWD, names[i][0], AT_FDCWD, names[i][1],
					flags)
					? error_name(errno)
					: "done");
	SAY(syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "f2", 8));
	SAY(rename(nowhere, "f"));
}

static void
linking(void)
{
	static const char *const names[][2] = { { "f", "new" }, { "f", "new" }, { "f/", "n1" },
		{ "f", "n2/" }, { "nosuch", "n3" }, { "x", "n4" }, { "l", "n5" }, { "dang", "n6" },
		{ "f", "nosuch/n7" }, { "f", "f/n8" }, { "", "n9" }, { "f", "" }, { "f", "." },
		{ "f", "dang" }, { "fifo", "n11" }, { "/proc/uptime", "n12" },
		{ "f", "/proc/n13" } };
	struct stat s;

	symlink("nowhere", "dang");
	mkfifo("fifo", 0600);
	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		for (int follow = 0; follow < 2; follow++)
			printf("%s as %s %d: %s\n", names[i][0], names[i][1], follow,
				linkat(AT_FDCWD, names[i][0], AT_FDCWD, names[i][1],
					follow ? AT_SYMLINK_FOLLOW : 0)
					? error_name(errno)
					: "done");
	SAY(linkat(AT_FDCWD, "f", AT_FDCWD, "n14", 0x800));
	SAY(symlink("", "s1"));
	SAY(symlink("t", "s2/"));
	SAY(symlink("t", "x"));
	SAY(symlink("t", ""));
	SAY(mkdir("", 0700));
	SAY(mkdir("x", 0700));
	SAY(mkdir("dang", 0700));
	SAY(mkdir("newdir//", 0700));
	SAY(rmdir("newdir//"));
	SAY(mkdir("f/x", 0700));
	SAY(rmdir("x"));
	SAY(rmdir("l"));
	SAY(rmdir("l/"));
	SAY(rmdir("f"));
	SAY(rmdir("x/."));
	SAY(rmdir("x/.."));
	SAY(unlink("x"));
	SAY(unlink("l/"));
	SAY(unlink("f/"));
	SAY(unlink("x/.."));
	SAY(unlink("dang/"));
	SAY(unlink(""));
	SAY(unlinkat(AT_FDCWD, "x", 1));
	SAY(mknod("n20", S_IFREG | 0644, 0));
	SAY(mknod("n21", 0644, 0));
	SAY(mknod("n22", S_IFIFO | 0644, 0));
	SAY(mknod("n23", S_IFDIR | 0644, 0));
	SAY(mknod("n24", S_IFLNK | 0644, 0));
	SAY(mknod("n25", S_IFCHR | 0644, makedev(1, 3)));
	SAY(mknod("n26", S_IFBLK | 0644, makedev(7, 0)));
	SAY(mknod("n27", S_IFSOCK | 0644, 0));
	SAY(mknod("n28/", S_IFREG | 0644, 0));
	SAY(write(open("n25", O_WRONLY), "x", 1));
	SAY(open("n27", O_RDONLY));
	stat("n26", &s);
	printf("%o %u %u\n", s.st_mode, major(s.st_rdev), minor(s.st_rdev));
}

static void
lengths(void)
{
	static char path[8192];
	char name[300], number[16], target[5000];
	int fd, i;

	memset(name, 'n', 255);
	name[255] = '\0';
	SAY(mkdir(name, 0755));
	SAY(access(name, F_OK));
	SAY(rename(name, "short"));
	SAY(rename("short", name));
	SAY(rmdir(name));
	name[255] = 'n';
	name[256] = '\0';
	SAY(mkdir(name, 0755));
	SAY(symlink("x", name));
	SAY(access(name, F_OK));
	memset(path, '/', 4095);
	SAY(access(path, F_OK));
	path[4095] = '/';
	SAY(access(path, F_OK));
	memset(target, 't', sizeof(target));
	target[4095] = '\0';
	SAY(symlink(target, "long"));
	SAY(readlink("long", path, sizeof(path)));
	SAY(access("long", F_OK));
	target[4095] = 't';
	target[4096] = '\0';
	SAY(symlink(target, "longer"));
	/* A chain of links. */
	symlink("f", "c0");
	for (i = 1; i < 45; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		snprintf(number, sizeof(number), "c%d", i - 1);
		symlink(number, name);
	}
	SAY(access("c39", F_OK));
	SAY(access("c40", F_OK));
	/* Deeper than a path can say. */
	fd = open(".", O_RDONLY);
	for (i = 0; i < 30; i++) {
		memset(name, 'a' + i % 26, 200);
		name[200] = '\0';
		if (mkdir(name, 0755) || chdir(name))
			break;
	}
	printf("%d deep\n", i);
	SAY(getcwd(path, sizeof(path)) == NULL);
	SAY(syscall(SYS_getcwd, path, sizeof(path)));
	while (i-- > 0) {
		memset(name, 'a' + i % 26, 200);
		if (chdir("..") || rmdir(name))
			break;
	}
	printf("%d left\n", i + 1);
	fchdir(fd);
	close(fd);
	/* Links to one file. */
	close(open("many", O_CREAT | O_WRONLY, 0644));
	mkdir("links", 0755);
	for (i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "links/%d", i);
		if (link("many", name))
			break;
	}
	struct stat s;
	stat("many", &s);
	printf("%d %lu\n", i, (unsigned long)s.st_nlink);
}

static void
removed(void)
{
	char path[256];
	struct stat s;
	int dir, file;

	mkdir("gone", 0755);
	dir = open("gone", O_RDONLY);
	SAY(chdir("gone"));
	SAY(rmdir("../gone"));
	fstat(dir, &s);
	printf("links %lu\n", (unsigned long)s.st_nlink);
	SAY(openat(dir, "x", O_CREAT | O_WRONLY, 0644));
	SAY(mkdir("x", 0755));
	SAY(symlink("x", "y"));
	SAY(access(".", F_OK));
	SAY(stat("..", &s));
	SAY(getcwd(path, sizeof(path)) == NULL);
	printf("%s\n", error_name(errno));
	SAY(syscall(SYS_getdents64, dir, path, sizeof(path)));
	SAY(fchmod(dir, 0700));
	SAY(chdir(".."));
	SAY(fchdir(dir));
	SAY(chdir("/"));
	SAY(close(dir));
	file = open("/tmp/removed.while.open", O_CREAT | O_RDWR, 0600);
	SAY(unlink("/tmp/removed.while.open"));
	SAY(write(file, "still", 5));
	SAY(fchmod(file, 0640));
	fstat(file, &s);
	printf("%o %lu %ld\n", s.st_mode, (unsigned long)s.st_nlink, (long)s.st_size);
	SAY(close(file));
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	umask(022);
	in_memory();
	matrix();
	odd();
	linking();
	lengths();
	removed();
	return 0;
}
