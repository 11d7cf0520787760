/* SPDX-License-Identifier: ISC */
/* What is told of files: times and what changes them, statx, statfs, access, modes. */
#include "t.h"
#include <stdint.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

struct statx_time { int64_t sec; uint32_t nsec; int32_t pad; };
struct statx_all {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, pad;
	uint64_t ino, size, blocks, attributes_mask;
	struct statx_time atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t spare[14];
};

static struct stat before;

static void
settle(const char *name)
{
	static const struct timespec old[2] = { { 1000000000, 1 }, { 1000000000, 2 } };

	utimensat(AT_FDCWD, name, old, AT_SYMLINK_NOFOLLOW);
	usleep(12000);			/* file times are no finer than a tick */
	lstat(name, &before);
}

static int
later(struct timespec a, struct timespec b)
{
	return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

/* Which times are later than they were. */
static void
changed(const char *what, const char *name)
{
	struct stat s;

	lstat(name, &s);
	printf("%s: %s%s%s\n", what, later(s.st_atim, before.st_atim) ? "a" : "-",
		later(s.st_mtim, before.st_mtim) ? "m" : "-",
		later(s.st_ctim, before.st_ctim) ? "c" : "-");
}

#define TOUCHES(name, what) (settle(name), (void)(what), changed(#what, name))

static void
file_times(void)
{
	char c[16];
	int fd = open("f", O_CREAT | O_RDWR, 0644), dir = open(".", O_RDONLY),
	    quiet = open("f", O_RDONLY | O_NOATIME);

	mkdir("d", 0755);
	symlink("f", "l");
	TOUCHES("f", write(fd, "hello", 5));
	TOUCHES("f", pwrite(fd, "x", 1, 0));
	TOUCHES("f", write(fd, "", 0));
	TOUCHES("f", pread(fd, c, 1, 0));
	TOUCHES("f", pread(fd, c, 1, 1000));
	TOUCHES("f", pread(quiet, c, 1, 0));
	TOUCHES("f", ftruncate(fd, 5));
	TOUCHES("f", ftruncate(fd, 50));
	TOUCHES("f", truncate("f", 50));
	TOUCHES("f", chmod("f", 0600));
	TOUCHES("f", chmod("f", 0600));
	TOUCHES("f", chown("f", 0, 0));
	TOUCHES("f", chown("f", -1, -1));
	TOUCHES("f", link("f", "h"));
	TOUCHES("f", rename("h", "g"));
	TOUCHES("f", unlink("g"));
	TOUCHES("f", open("f", O_RDONLY));
	TOUCHES("f", open("f", O_WRONLY));
	TOUCHES("f", open("f", O_WRONLY | O_TRUNC));
	TOUCHES("f", open("f", O_WRONLY | O_TRUNC));
	TOUCHES("f", utimensat(AT_FDCWD, "f", NULL, 0));
	TOUCHES("f",
		utimensat(AT_FDCWD, "f",
			(struct timespec[]){ { 0, UTIME_OMIT }, { 0, UTIME_OMIT } }, 0));
	TOUCHES("f",
		utimensat(AT_FDCWD, "f", (struct timespec[]){ { 0, UTIME_NOW }, { 0, UTIME_OMIT } },
			0));
	TOUCHES("f",
		utimensat(AT_FDCWD, "f",
			(struct timespec[]){ { 0, UTIME_OMIT }, { 2000000000, 0 } }, 0));
	TOUCHES("f", access("f", R_OK));
	TOUCHES("d", close(open("d/n", O_CREAT | O_WRONLY, 0644)));
	TOUCHES("d", close(open("d/n", O_CREAT | O_WRONLY, 0644)));
	TOUCHES("d", chmod("d/n", 0600));
	TOUCHES("d", rename("d/n", "d/m"));
	TOUCHES("d", unlink("d/m"));
	TOUCHES("d", mkdir("d/s", 0755));
	TOUCHES("d", rmdir("d/s"));
	settle("d");
	rename("d", "d2");
	changed("renamed", "d2");
	TOUCHES("d2", symlink("x", "d2/l"));
	TOUCHES("d2", syscall(SYS_getdents64, open("d2", O_RDONLY), (char[200]){ 0 }, 200));
	TOUCHES("l", readlink("l", c, sizeof(c)));
	TOUCHES("f", fallocate(fd, 0, 0, 10000));
	TOUCHES("f", fsync(fd));
	/* Read again: once is enough, until it changes. */
	settle("f");
	pread(fd, c, 1, 0);
	lstat("f", &before);
	usleep(12000);
	pread(fd, c, 1, 0);
	changed("read again", "f");
	pwrite(fd, "y", 1, 0);
	usleep(12000);
	lstat("f", &before);
	pread(fd, c, 1, 0);
	changed("written, read", "f");
	SAY(utimensat(AT_FDCWD, "f", (struct timespec[]){ { 0, 1000000000 }, { 0, 0 } }, 0));
	SAY(utimensat(AT_FDCWD, "f", (struct timespec[]){ { -5, 7 }, { 1l << 33, 999999999 } }, 0));
	lstat("f", &before);
	printf("%ld.%09ld %ld.%09ld\n", (long)before.st_atim.tv_sec, before.st_atim.tv_nsec,
		(long)before.st_mtim.tv_sec, before.st_mtim.tv_nsec);
	SAY(utimensat(AT_FDCWD, "f", NULL, 0x4000));
	SAY(utimensat(dir, "", NULL, 0));
	SAY(syscall(SYS_utimensat, dir, "", NULL, AT_EMPTY_PATH));
	SAY(syscall(SYS_utimensat, AT_FDCWD, NULL, NULL, 0));
	SAY(syscall(SYS_utimensat, fd, NULL, NULL, AT_SYMLINK_NOFOLLOW));
	close(fd), close(dir), close(quiet);
}

static void
extended(void)
{
	struct statx_all x;
	struct stat s;
	static const unsigned masks[] = { 0, 0x7ff, 0xfff, 0x800, 1 };
	int fd = open("f", O_RDONLY);

	for (unsigned i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		memset(&x, 7, sizeof(x));
		SAY(syscall(SYS_statx, AT_FDCWD, "f", 0, masks[i], &x));
		printf("%x %x\n", x.mask & masks[i], x.blksize);
	}
	stat("f", &s);
	syscall(SYS_statx, AT_FDCWD, "f", 0, 0xfff, &x);
	printf("%d %d %d %d %d\n", x.mode == s.st_mode, x.size == (uint64_t)s.st_size,
		x.ino == s.st_ino, makedev(x.dev_major, x.dev_minor) == s.st_dev,
		x.btime.sec > 1000000000 && x.btime.sec <= x.ctime.sec);
	SAY(syscall(SYS_statx, AT_FDCWD, "f", 0, 0x80000000u, &x));
	SAY(syscall(SYS_statx, AT_FDCWD, "f", 0x6000, 0, &x));
	SAY(syscall(SYS_statx, AT_FDCWD, "f", 0x2000, 0, &x));
	SAY(syscall(SYS_statx, AT_FDCWD, "f", 8, 0, &x));
	SAY(syscall(SYS_statx, fd, "", AT_EMPTY_PATH, 0, &x));
	SAY(syscall(SYS_statx, fd, "", 0, 0, &x));
	SAY(syscall(SYS_statx, AT_FDCWD, "l", AT_SYMLINK_NOFOLLOW, 0, &x));
	printf("%o\n", x.mode);
	SAY(syscall(SYS_statx, AT_FDCWD, "f", 0, 0, nowhere));
	SAY(syscall(SYS_statx, AT_FDCWD, "nosuch", 0, 0, &x));
	SAY(fstatat(fd, "", &s, AT_EMPTY_PATH));
	SAY(fstatat(AT_FDCWD, "f", &s, 8));
	close(fd);
}

static void
systems(void)
{
	struct statfs s;

	SAY(statfs(".", &s));
	printf("%lx %ld %ld %d %d %d\n", (long)s.f_type, (long)s.f_bsize, (long)s.f_namelen,
		s.f_blocks > 0, s.f_bfree <= s.f_blocks, s.f_files > 0 && s.f_ffree <= s.f_files);
	SAY(fstatfs(open("f", O_PATH), &s));
	SAY(fstatfs(-1, &s));
	SAY(statfs("nosuch", &s));
	SAY(statfs("f/x", &s));
	SAY(statfs("/proc", &s));
	printf("%lx\n", (long)s.f_type);
}

static void
accessing(void)
{
	static const int flags[] = { 0, AT_EACCESS, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, 8 };

	close(open("x", O_CREAT | O_WRONLY, 0));
	symlink("nosuch", "dangling");
	for (int want = -1; want < 9; want++)
		for (unsigned i = 0; i < 5; i++)
			printf("%d %x: %ld %ld %ld %ld\n", want, flags[i],
				syscall(439, AT_FDCWD, "x", want, flags[i]),
				syscall(439, AT_FDCWD, "dangling", want, flags[i]),
				syscall(439, AT_FDCWD, "", want, flags[i]),
				syscall(439, AT_FDCWD, ".", want, flags[i]));
	chmod("x", 0100);
	SAY(access("x", X_OK));
	SAY(syscall(452, AT_FDCWD, "x", 0640, 0));
	SAY(syscall(452, AT_FDCWD, "dangling", 0640, AT_SYMLINK_NOFOLLOW));
	SAY(syscall(452, AT_FDCWD, "x", 0640, 8));
	SAY(syscall(452, open("x", O_PATH), "", 0600, AT_EMPTY_PATH));
	SAY(chmod("x", 07777));
	stat("x", &before);
	printf("%o\n", before.st_mode);
	SAY(chmod("x", 0200000));
	stat("x", &before);
	printf("%o\n", before.st_mode);
}

static void
elsewhere(void)
{
	char path[300];
	int fd;

	mkdir("jail", 0755);
	mkdir("jail/sub", 0755);
	close(open("jail/inside", O_CREAT | O_WRONLY, 0644));
	symlink("/inside", "jail/absolute");
	symlink("../../../inside", "jail/sub/up");
	SAY(chroot("f"));
	SAY(chroot("nosuch"));
	fflush(stdout);
	if (fork() == 0) {
		fd = open(".", O_RDONLY);
		SAY(chroot("jail"));
		SAY(getcwd(path, sizeof(path)) == NULL ? 1 : path[0] == '(');
		SAY(chdir("/"));
		SAY(access("inside", F_OK));
		SAY(access("/absolute", F_OK));
		SAY(access("sub/up", F_OK));
		SAY(access("../../../../inside", F_OK));
		SAY(access("/f", F_OK));
		SAY(chdir("sub"));
		printf("%s\n", getcwd(path, sizeof(path)));
		SAY(chdir("../../.."));
		printf("%s\n", getcwd(path, sizeof(path)));
		SAY(fchdir(fd));
		SAY(access("f", F_OK));
		_exit(0);
	}
	wait(NULL);
	SAY(access("f", F_OK));
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	umask(022);
	in_memory();
	file_times();
	extended();
	systems();
	accessing();
	elsewhere();
	return 0;
}
