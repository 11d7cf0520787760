/* SPDX-License-Identifier: ISC */
/* Files and directories: results and errors of the calls. */
#include "t.h"
#include <dirent.h>
#include <ftw.h>

static void
text(const char *name, const char *contents)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_WRONLY, 0644);

	if (write(fd, contents, strlen(contents)) < 0 || close(fd) < 0)
		perror(name);
}

static void
show(const char *name)
{
	char bytes[64];
	int fd = open(name, O_RDONLY);
	ssize_t n = read(fd, bytes, sizeof(bytes));

	close(fd);
	printf("%s: %zd <", name, n);
	for (ssize_t i = 0; i < n; i++)
		putchar(bytes[i] ? bytes[i] : '0');
	printf(">\n");
}

static void
opening(void)
{
	char name[300];

	text("f", "0123456789");
	mkdir("d", 0755);
	symlink("f", "l");
	symlink("loop", "loop");
	symlink("nosuch", "dangling");
	SAY(open("nosuch", O_RDONLY));
	SAY(open("", O_RDONLY));
	SAY(open("f/", O_RDONLY));
	SAY(open("f/x", O_RDONLY));
	SAY(open("nosuch/x", O_CREAT | O_RDWR, 0644));
	SAY(open("d", O_RDWR));
	SAY(open("d", O_CREAT, 0644));
	SAY(open("f", O_CREAT | O_EXCL | O_RDWR, 0644));
	SAY(open("dangling", O_CREAT | O_EXCL | O_RDWR, 0644));
	SAY(open("l", O_NOFOLLOW));
	SAY(open("f", O_DIRECTORY));
	SAY(open("loop", O_RDONLY));
	SAY(open(nowhere, O_RDONLY));
	SAY(open("new/", O_CREAT | O_RDWR, 0644));
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	SAY(open(name, O_CREAT | O_RDWR, 0644));
	TRY(close(open("dangling", O_CREAT | O_RDWR, 0644)));
	SAY(access("nosuch", F_OK));
	SAY(close(open("f", O_RDONLY | O_TRUNC)));
	SAY(close(-1));
	SAY(close(1000));
	SAY(open("f", O_PATH | O_CLOEXEC) > 2);
}

static void
moving(void)
{
	int fd = open("m", O_CREAT | O_RDWR | O_TRUNC, 0640), other;
	char byte[16];
	struct iovec v[3] = { { (char *)"ab", 2 }, { NULL, 0 }, { (char *)"cde", 3 } };

	SAY(write(fd, "hello", 5));
	SAY(lseek(fd, -2, SEEK_CUR));
	SAY(write(fd, "LOW", 3));
	SAY(lseek(fd, 0, SEEK_END));
	SAY(lseek(fd, -100, SEEK_SET));
	SAY(lseek(fd, 0, 99));
	SAY(lseek(fd, 20, SEEK_SET));
	SAY(write(fd, "far", 3));
	show("m");
	SAY(pread(fd, byte, 3, 5));
	SAY(pwrite(fd, "X", 1, 0));
	SAY(pread(fd, byte, 3, 1000));
	SAY(pread(fd, byte, 3, -1));
	SAY(lseek(fd, 0, SEEK_CUR));
	SAY(writev(fd, v, 3));
	SAY(syscall(SYS_writev, fd, v, 5000));
	SAY(lseek(fd, 0, SEEK_SET));
	SAY(readv(fd, (struct iovec[]){ { byte, 4 }, { byte + 4, 12 } }, 2));
	SAY(read(fd, nowhere, 4));
	SAY(write(fd, nowhere, 4));
	SAY(read(fd, byte, 0));
	SAY(ftruncate(fd, 4));
	SAY(ftruncate(fd, -1));
	SAY(read(fd, byte, 4));
	show("m");
	SAY(ftruncate(fd, 8));
	show("m");
	SAY(truncate("d", 0));
	SAY(truncate("nosuch", 0));
	close(fd);
	fd = open("m", O_WRONLY | O_APPEND);
	SAY(read(fd, byte, 1));
	SAY(lseek(fd, 0, SEEK_SET));
	SAY(write(fd, "end", 3));
	SAY(lseek(fd, 0, SEEK_CUR));
	other = dup(fd);
	SAY(lseek(other, 2, SEEK_SET));
	SAY(lseek(fd, 0, SEEK_CUR));
	close(fd);
	close(other);
	show("m");
	fd = open("m", O_RDONLY);
	SAY(write(fd, "x", 1));
	SAY(ftruncate(fd, 0));
	close(fd);
	fd = open("d", O_RDONLY);
	SAY(read(fd, byte, 1));
	SAY(lseek(fd, 0, SEEK_SET));
	close(fd);
}

static void
names(void)
{
	text("a", "a");
	text("b", "b");
	mkdir("x", 0755);
	mkdir("y", 0755);
	text("y/in", "");
	SAY(link("a", "hard"));
	SAY(link("a", "hard"));
	SAY(link("d", "hardd"));
	SAY(link("nosuch", "z"));
	SAY(rename("a", "b"));
	show("b");
	SAY(rename("nosuch", "b"));
	SAY(rename("b", "x"));
	SAY(rename("x", "b"));
	SAY(rename("x", "y"));
	SAY(rename("y", "x"));
	SAY(rename("x", "x/sub"));
	SAY(rename("x", "x"));
	SAY(rename("b", "hard"));
	SAY(unlink("x"));
	SAY(rmdir("x"));
	SAY(rmdir("b"));
	SAY(rmdir("."));
	SAY(rmdir("x/.."));
	SAY(rmdir("/"));
	SAY(unlink("x/in"));
	SAY(rmdir("x/"));
	SAY(unlink("nosuch"));
	SAY(unlink("b/"));
	SAY(mkdir("b", 0755));
	SAY(mkdir("q/w", 0755));
	SAY(mkdir("q/", 0755));
	SAY(mkdir("..", 0755));
	SAY(symlink("t", "b"));
	SAY(symlink("", "empty"));
	SAY(symlink("any", "q/link"));
	SAY(unlink("q/link"));
	SAY(rmdir("q"));
	SAY(syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "hard", 1));
	text("c", "c");
	SAY(syscall(SYS_renameat2, AT_FDCWD, "b", AT_FDCWD, "c", 2));
	show("b");
	show("c");
	SAY(unlinkat(AT_FDCWD, "c", 0x4000));
	SAY(mkfifo("fifo", 0600));
	SAY(unlink("fifo"));
}

static void
links(void)
{
	char to[64];

	SAY(readlink("l", to, sizeof(to)));
	SAY(readlink("l", to, 0));
	SAY(readlink("loop", to, 2));
	SAY(readlink("f", to, sizeof(to)));
	SAY(readlink("nosuch", to, sizeof(to)));
	SAY(readlink("/proc/self/cwd", to, sizeof(to)) > 0);
	SAY(chdir("l"));
	SAY(chdir("nosuch"));
	SAY(chdir("d"));
	SAY(readlink("../l", to, sizeof(to)));
	SAY(chdir(".."));
	SAY(fchdir(0x7000));
	SAY(getcwd(to, 1) != NULL);
}

static void
look(const char *name)
{
	struct stat s;

	if (lstat(name, &s)) {
		say(name, -1);
		return;
	}
	printf("%s: %o links %lu size %ld blocks %d\n", name, s.st_mode,
		S_ISDIR(s.st_mode) ? 0 : (unsigned long)s.st_nlink,
		S_ISDIR(s.st_mode) ? 0 : (long)s.st_size, S_ISREG(s.st_mode) && s.st_blocks > 0);
}

static void
attributes(void)
{
	struct timespec t[2] = { { 1000, 5 }, { 2000, 6 } },
			now[2] = { { 0, UTIME_OMIT }, { 0, UTIME_NOW } };
	struct stat s, before;
	int fd;

	look("f");
	look("d");
	look("l");
	look("b");
	look("/dev/null");
	SAY(chmod("f", 04751));
	look("f");
	SAY(chmod("nosuch", 0));
	umask(027);
	close(open("masked", O_CREAT | O_RDWR, 0666));
	look("masked");
	umask(022);
	SAY(utimensat(AT_FDCWD, "f", t, 0));
	stat("f", &s);
	printf("%ld.%ld %ld.%ld\n", (long)s.st_atim.tv_sec, s.st_atim.tv_nsec,
		(long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
	SAY(utimensat(AT_FDCWD, "f", now, 0));
	stat("f", &s);
	printf("%ld %d\n", (long)s.st_atim.tv_sec, s.st_mtim.tv_sec > 1000000000);
	SAY(utimensat(AT_FDCWD, "nosuch", NULL, 0));
	SAY(utimensat(AT_FDCWD, "l", t, AT_SYMLINK_NOFOLLOW));
	fd = open("f", O_RDWR);
	SAY(fchmod(fd, 0600));
	SAY(futimens(fd, t));
	SAY(fstat(fd, &before));
	SAY(write(fd, "x", 1));
	fstat(fd, &s);
	printf("%d %d\n", s.st_mtim.tv_sec > before.st_mtim.tv_sec, s.st_ino == before.st_ino);
	SAY(unlink("f"));
	fstat(fd, &s);
	printf("links %lu\n", (unsigned long)s.st_nlink);
	SAY(write(fd, "gone", 4));
	SAY(pread(fd, &s, 5, 0));
	close(fd);
	SAY(fstat(fd, &s));
	SAY(fstatat(AT_FDCWD, "", &s, AT_EMPTY_PATH));
	SAY(stat("/dev/null", &s));
	printf("%u %u\n", major(s.st_rdev), minor(s.st_rdev));
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int entries;

static int
visit(const char *path, const struct stat *s, int type, struct FTW *w)
{
	(void)path;
	(void)s;
	(void)w;
	entries += type == FTW_F || type == FTW_DP || type == FTW_SL;
	return type == FTW_DP ? rmdir(path) : unlink(path);
}

static void
directories(void)
{
	struct dirent **list;
	char name[32];
	int n, fd;
	DIR *d;
	long middle = 0;

	mkdir("many", 0755);
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "many/n%03d", i);
		if (i % 10 == 0)
			mkdir(name, 0755);
		else
			text(name, "");
	}
	n = scandir("many", &list, NULL, by_name);
	printf("%d %s %s %d %d\n", n, list[0]->d_name, list[n - 1]->d_name,
		list[2]->d_type == DT_DIR, list[3]->d_type == DT_REG);
	d = opendir("many");
	n = 0;
	while (readdir(d)) {
		if (++n == 150)
			middle = telldir(d);
	}
	rewinddir(d);
	readdir(d);
	seekdir(d, middle);
	int rest = 0;
	while (readdir(d))
		rest++;
	printf("%d then %d\n", n, rest);
	rewinddir(d);
	/* Entries that go while it is read are skipped, none is seen twice. */
	n = 0;
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		snprintf(name, sizeof(name), "many/%.20s", e->d_name);
		if (e->d_type == DT_REG && unlink(name) == 0)
			n++;
	}
	closedir(d);
	printf("removed %d\n", n);
	SAY(nftw("many", visit, 8, FTW_DEPTH | FTW_PHYS));
	printf("%d\n", entries);
	SAY(opendir("nosuch") != NULL);
	fd = open("d", O_RDONLY | O_DIRECTORY);
	SAY(openat(fd, "inside", O_CREAT | O_RDWR, 0600) >= 0);
	SAY(faccessat(fd, "inside", R_OK, 0));
	SAY(renameat(fd, "inside", AT_FDCWD, "outside"));
	SAY(unlinkat(AT_FDCWD, "outside", 0));
	SAY(mkdirat(fd, "sub", 0700));
	SAY(unlinkat(fd, "sub", 0));
	SAY(unlinkat(fd, "sub", AT_REMOVEDIR));
	SAY(fchdir(fd));
	SAY(access("../d", X_OK));
	SAY(openat(0x7000, "x", O_RDONLY));
	rmdir("../d");
	SAY(open("x", O_CREAT | O_RDWR, 0600));
	SAY(mkdir("x", 0700));
	SAY(open(".", O_RDONLY) >= 0);
	SAY(getcwd(name, sizeof(name)) != NULL);
	SAY(chdir(".."));
}

static void
descriptors(void)
{
	int fd = open("/dev/null", O_RDWR), high;

	SAY(fcntl(fd, F_GETFL) & O_ACCMODE);
	SAY(fcntl(fd, F_SETFL, O_NONBLOCK | O_APPEND));
	SAY(fcntl(fd, F_GETFL) & (O_NONBLOCK | O_APPEND));
	SAY(fcntl(fd, F_GETFD));
	SAY(fcntl(fd, F_SETFD, FD_CLOEXEC));
	SAY(fcntl(fd, F_GETFD));
	high = fcntl(fd, F_DUPFD, 100);
	SAY(high);
	SAY(fcntl(high, F_GETFD));
	SAY(fcntl(fd, F_DUPFD_CLOEXEC, 100));
	SAY(fcntl(101, F_GETFD));
	SAY(dup2(fd, 50));
	SAY(dup2(50, 50));
	SAY(dup2(77, 50));
	SAY(dup2(fd, -1));
	SAY(dup2(fd, 1 << 24));
	SAY(dup3(fd, fd, 0));
	SAY(fcntl(77, F_GETFD));
	SAY(fcntl(fd, 9999));
	SAY(isatty(fd));
	SAY(ioctl(fd, TCGETS, nowhere));
	SAY(ioctl(77, TCGETS, nowhere));
	SAY(lseek(fd, 10, SEEK_SET));
	SAY(fsync(fd));
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	umask(022);
	opening();
	moving();
	names();
	links();
	attributes();
	directories();
	descriptors();
	return 0;
}
