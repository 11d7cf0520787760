/* SPDX-License-Identifier: ISC */
/* Files of several users: who may read, write, run, remove, change them. */
#include "t.h"
#include <grp.h>
#include <sys/fsuid.h>

struct who {
	const char *name;
	uid_t uid;
	gid_t gid, groups[2];
	int count;
};

static const struct who people[] = {
	{ "root", 0, 0, { 0 }, 0 },
	{ "owner", 1000, 1000, { 0 }, 0 },
	{ "ownerin", 1000, 3000, { 2000 }, 1 },
	{ "group", 1001, 2000, { 0 }, 0 },
	{ "member", 1002, 1002, { 5, 2000 }, 2 },
	{ "other", 1003, 1003, { 7 }, 1 },
};
#define PEOPLE (sizeof(people) / sizeof(people[0]))

static void
be(const struct who *w)
{
	if (syscall(SYS_setgroups, w->count, w->groups) ||
		syscall(SYS_setresgid, w->gid, w->gid, w->gid) ||
		syscall(SYS_setresuid, w->uid, w->uid, w->uid))
		_exit(99);
}

/* Each person in turn, in a child. */
static void
each(void (*f)(void))
{
	for (size_t n = 0; n < PEOPLE; n++) {
		pid_t pid;

		printf("%s\n", people[n].name);
		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			be(&people[n]);
			f();
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

static void
make(const char *name, mode_t mode, uid_t uid, gid_t gid)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	write(fd, "#!/bin/true\n", 12);
	close(fd);
	if (chown(name, uid, gid) || chmod(name, mode))
		printf("cannot make %s\n", name);
}

static void
mode_say(const char *name)
{
	struct stat s;

	if (stat(name, &s))
		printf("%s: %s\n", name, error_name(errno));
	else
		printf("%s %o %d:%d\n", name, (unsigned)s.st_mode, (int)s.st_uid, (int)s.st_gid);
	fflush(stdout);
}

/* ---- the three classes ---- */

static const mode_t modes[] = { 0, 0400, 0040, 0004, 0600, 0060, 0006, 0640, 0604, 0064, 0644, 0444,
	0111, 0711, 0755, 0077, 0707, 0470, 0222 };
#define MODES (sizeof(modes) / sizeof(modes[0]))

static void
try_modes(void)
{
	for (size_t n = 0; n < MODES; n++) {
		char name[16], byte = 0;
		int fd[3];
		long got = -2, put = -2;

		sprintf(name, "f%03o", (unsigned)modes[n]);
		fd[0] = open(name, O_RDONLY);
		fd[1] = open(name, O_WRONLY);
		fd[2] = open(name, O_RDWR | O_TRUNC * 0);
		if (fd[0] >= 0)
			got = read(fd[0], &byte, 1);
		if (fd[1] >= 0)
			put = write(fd[1], "#", 1);
		printf("%s r%d w%d rw%d read %ld %c write %ld access %d%d%d\n", name, fd[0] >= 0,
			fd[1] >= 0, fd[2] >= 0, got, byte ? byte : '-', put,
			access(name, R_OK) == 0, access(name, W_OK) == 0, access(name, X_OK) == 0);
		for (int i = 0; i < 3; i++)
			close(fd[i]);
	}
	fflush(stdout);
}

static void
classes(void)
{
	for (size_t n = 0; n < MODES; n++) {
		char name[16];

		sprintf(name, "f%03o", (unsigned)modes[n]);
		make(name, modes[n], 1000, 2000);
	}
	each(try_modes);
}

/* ---- directories ---- */

static void
try_dirs(void)
{
	static const char *const dirs[] = { "d755", "d711", "d744", "d733", "d1777", "d2775",
		"d070" };

	for (size_t n = 0; n < sizeof(dirs) / sizeof(dirs[0]); n++) {
		char inside[40], fresh[40];
		int fd, list;

		sprintf(inside, "%s/inside", dirs[n]);
		sprintf(fresh, "%s/new.%d", dirs[n], (int)getuid());
		list = open(dirs[n], O_RDONLY | O_DIRECTORY);
		printf("%s list %d chdir %d stat %d", dirs[n], list >= 0,
			chdir(dirs[n]) == 0 && chdir("..") == 0, access(inside, F_OK) == 0);
		close(list);
		fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL, 0644);
		printf(" create %s", fd < 0 ? error_name(errno) : "done");
		close(fd);
		fd = rename(inside, inside);
		printf(" rename %s", fd ? error_name(errno) : "done");
		sprintf(inside, "%s/root", dirs[n]);
		fd = unlink(inside);
		printf(" unlink %s", fd ? error_name(errno) : "done");
		sprintf(inside, "%s/dir.%d", dirs[n], (int)getuid());
		fd = mkdir(inside, 0755);
		printf(" mkdir %s\n", fd ? error_name(errno) : "done");
		fflush(stdout);
		if (fd == 0) {
			mode_say(inside);
			mode_say(fresh);
		}
	}
}

static void
directories(void)
{
	static const struct {
		const char *name;
		mode_t mode;
	} dirs[] = { { "d755", 0755 }, { "d711", 0711 }, { "d744", 0744 }, { "d733", 0733 },
		{ "d1777", 01777 }, { "d2775", 02775 }, { "d070", 070 } };

	for (size_t n = 0; n < sizeof(dirs) / sizeof(dirs[0]); n++) {
		char name[32];

		mkdir(dirs[n].name, 0700);
		sprintf(name, "%s/inside", dirs[n].name);
		make(name, 0644, 1000, 2000);
		sprintf(name, "%s/root", dirs[n].name);
		make(name, 0644, 0, 0);
		chown(dirs[n].name, 1000, 2000);
		chmod(dirs[n].name, dirs[n].mode);
	}
	each(try_dirs);
}

/* ---- changing attributes ---- */

static void
try_attributes(void)
{
	const struct timespec some[2] = { { 1000, 0 }, { 2000, 0 } };
	int fd;

	SAY(chmod("attr", 06755));
	mode_say("attr");
	SAY(chown("attr", -1, -1));
	SAY(chown("attr", 1000, -1));
	SAY(chown("attr", -1, 2000));
	mode_say("attr");
	SAY(chown("attr", -1, 7));
	SAY(chown("attr", 1003, -1));
	SAY(utimensat(AT_FDCWD, "attr", NULL, 0));
	SAY(utimensat(AT_FDCWD, "attr", some, 0));
	SAY(truncate("attr", 5));
	mode_say("attr");
	fd = open("attr", O_WRONLY);
	if (fd >= 0)
		SAY(write(fd, "x", 1));
	close(fd);
	mode_say("attr");
	SAY(chown("dirattr", -1, 2000));
	SAY(chmod("dirattr", 02770));
	mode_say("dirattr");
	SAY(link("attr", "d1777/link"));
	SAY(unlink("d1777/link"));
	SAY(mknod("d1777/fifo", S_IFIFO | 0600, 0));
	SAY(unlink("d1777/fifo"));
	SAY(mknod("d1777/null", S_IFCHR | 0600, makedev(1, 3)));
	SAY(unlink("d1777/null"));
}

static void
attributes(void)
{
	for (size_t n = 0; n < PEOPLE; n++) {
		pid_t pid;

		make("attr", 06777, 1000, 2000);
		mkdir("dirattr", 0700);
		chown("dirattr", 1000, 1000);
		chmod("dirattr", 0755);
		printf("%s\n", people[n].name);
		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			be(&people[n]);
			try_attributes();
			_exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

/* ---- what is open stays open ---- */

static void
still(void)
{
	char text[16] = "";
	int secret, log, both;
	char *map;

	make("secret", 0600, 0, 0);
	make("log", 0600, 0, 0);
	secret = open("secret", O_RDONLY);
	log = open("log", O_WRONLY | O_APPEND);
	both = open("log", O_RDWR);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, secret, 0);
	SAY(syscall(SYS_setresuid, 1003, 1003, 0));
	SAY(read(secret, text, 5));
	printf("[%s] %c\n", text, map[1]);
	SAY(write(log, "more", 4));
	SAY(pread(both, text, 4, 12));
	SAY(pwrite(both, text, 4, 5000));
	SAY(ftruncate(both, 100));
	SAY(ftruncate(both, 9000));
	SAY(fchmod(secret, 0644));
	SAY(open("secret", O_RDONLY));
	SAY(access("log", R_OK));
	SAY(write(secret, "x", 1));
	/* Real and effective differ: access asks for the real one, open for the other. */
	SAY(syscall(SYS_setresuid, -1, 0, -1));
	SAY(access("secret", R_OK));
	SAY(faccessat(AT_FDCWD, "secret", R_OK, AT_EACCESS));
	TRY(open("secret", O_RDONLY));
	SAY(setfsuid(1003));
	SAY(open("secret", O_RDONLY));
	TRY(open("d1777/fsuid", O_WRONLY | O_CREAT, 0600));
	mode_say("d1777/fsuid");
	SAY(setfsuid(0));
	mode_say("log");
}

/* Made with a mode that does not let its maker write: he may, once. */
static void
made(void)
{
	char text[8] = "";
	int fd;

	chdir("d1777");
	fd = open("readonly", O_RDWR | O_CREAT | O_EXCL, 0444);
	SAY(write(fd, "hello", 5));
	SAY(lseek(fd, 0, SEEK_SET));
	SAY(read(fd, text, 5));
	SAY(open("readonly", O_RDWR));
	close(fd);
	fd = open("none", O_WRONLY | O_CREAT | O_EXCL, 0);
	SAY(write(fd, "hello", 5));
	SAY(open("none", O_RDONLY));
	unlink("readonly");
	unlink("none");
	fd = open("closing", O_RDWR | O_CREAT | O_EXCL, 0644);
	SAY(fchmod(fd, 0));
	SAY(write(fd, "hello", 5));
	SAY(pread(fd, text, 5, 0));
	SAY(ftruncate(fd, 9000));
	SAY(open("closing", O_RDONLY));
	SAY(chmod("closing", 0444));
	SAY(pwrite(fd, "h", 1, 8000));
	close(fd);
	SAY(open("closing", O_WRONLY));
	unlink("closing");
}

static void
fork_one(const struct who *w, void (*f)(void))
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		be(w);
		f();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	if (status)
		printf("status %x\n", (unsigned)status);
}

int
main(void)
{
	umask(022);
	chmod(".", 0755);
	classes();
	directories();
	attributes();
	fork_one(&people[0], still);
	fork_one(&people[5], made);
	return 0;
}
