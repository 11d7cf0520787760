/* SPDX-License-Identifier: ISC */
/* Opening: every kind of name with every set of flags; files without a name; places without contents. */
#include "t.h"
#include <stdint.h>

struct open_how { uint64_t flags, mode, resolve; };	/* linux/openat2.h, which musl lacks */
enum { RESOLVE_NO_XDEV = 1, RESOLVE_NO_MAGICLINKS = 2, RESOLVE_NO_SYMLINKS = 4, RESOLVE_BENEATH = 8,
	RESOLVE_IN_ROOT = 16, RESOLVE_CACHED = 32 };
#ifndef SYS_openat2
#define SYS_openat2 437
#endif

static void
scene(void)
{
	int fd;

	unlink("new");
	unlink("there");	/* what the dangling link names */
	fd = open("file", O_CREAT | O_TRUNC | O_WRONLY, 0644);
	write(fd, "contents", 8);
	close(fd);
	mkdir("dir", 0755);
	symlink("file", "link");
	symlink("dir", "dirlink");
	symlink("there", "dangling");
	symlink("self", "self");
	mkfifo("fifo", 0600);
}

static void
matrix(void)
{
	static const char *const names[] = { "new", "file", "dir", "link", "dirlink", "dangling",
		"self", "file/", "dir/", "new/", "dirlink/", "dir/.", "file/x", "dir/..",
		"/dev/null", "fifo" };
	static const int bits[] = { O_CREAT, O_EXCL, O_TRUNC, O_NOFOLLOW, O_DIRECTORY, O_PATH };
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };

	for (unsigned n = 0; n < sizeof(names) / sizeof(names[0]); n++)
		for (unsigned m = 0; m < 3; m++)
			for (unsigned set = 0; set < 64; set++) {
				int flags = modes[m] | O_NONBLOCK, fd;
				struct stat s;

				for (unsigned b = 0; b < 6; b++)
					flags |= set >> b & 1 ? bits[b] : 0;
				scene();
				fd = open(names[n], flags, 0640);
				if (fd < 0)
					printf("%s %o: %s\n", names[n], flags, error_name(errno));
				else {
					fstat(fd, &s);
					printf("%s %o: %o %ld %x\n", names[n], flags, s.st_mode,
						S_ISREG(s.st_mode) ? (long)s.st_size : 0,
						fcntl(fd, F_GETFL));
				}
				close(fd);
			}
}

static void
nameless(void)
{
	char path[64], text[8] = "";
	struct stat s;
	int fd = open(".", O_TMPFILE | O_RDWR, 0600), other;

	SAY(fd >= 0);
	SAY(write(fd, "hello", 5));
	fstat(fd, &s);
	printf("%o %ld %ld\n", s.st_mode, (long)s.st_nlink, (long)s.st_size);
	SAY(access("made", F_OK));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	SAY(linkat(AT_FDCWD, path, AT_FDCWD, "made", AT_SYMLINK_FOLLOW));
	SAY(linkat(AT_FDCWD, path, AT_FDCWD, "made", AT_SYMLINK_FOLLOW));
	SAY(linkat(fd, "", AT_FDCWD, "made2", AT_EMPTY_PATH));
	fstat(fd, &s);
	printf("%ld\n", (long)s.st_nlink);
	close(fd);
	fd = open("made", O_RDONLY);
	SAY(read(fd, text, 5));
	printf("%s\n", text);
	close(fd);
	SAY(unlink("made"));
	SAY(unlink("made2"));
	SAY(open(".", O_TMPFILE | O_RDONLY, 0600));
	SAY(open("file", O_TMPFILE | O_RDWR, 0600));
	SAY(open("nosuch", O_TMPFILE | O_RDWR, 0600));
	SAY(open(".", (O_TMPFILE & ~O_DIRECTORY) | O_RDWR, 0600));
	fd = open("dir", O_TMPFILE | O_WRONLY | O_EXCL, 0600);
	SAY(fd >= 0);
	SAY(linkat(fd, "", AT_FDCWD, "made", AT_EMPTY_PATH));
	close(fd);
	/* Open, and its last name goes. */
	fd = open("last", O_CREAT | O_RDWR, 0600);
	write(fd, "x", 1);
	unlink("last");
	SAY(linkat(fd, "", AT_FDCWD, "again", AT_EMPTY_PATH));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	other = open(path, O_RDONLY);
	SAY(read(other, text, 5));
	SAY(lseek(fd, 0, SEEK_CUR));
	SAY(read(other, text, 5));
	close(fd);
	close(other);
}

static void
places(void)
{
	char text[64] = "";
	struct stat s;
	int fd = open("file", O_PATH), dir = open("dir", O_PATH),
	    link = open("link", O_PATH | O_NOFOLLOW);

	SAY(read(fd, text, 1));
	SAY(write(fd, text, 1));
	SAY(pread(fd, text, 1, 0));
	SAY(lseek(fd, 0, SEEK_SET));
	SAY(ftruncate(fd, 0));
	SAY(fchmod(fd, 0600));
	SAY(fchown(fd, 0, 0));
	SAY(fsync(fd));
	SAY(ioctl(fd, FIONREAD, text));
	SAY(fcntl(fd, F_GETFL) == O_PATH);
	SAY(fcntl(fd, F_SETFL, O_NONBLOCK));
	SAY(fcntl(fd, F_GETFD));
	SAY(fcntl(fd, F_DUPFD, 0) > fd);
	SAY(fstat(fd, &s));
	SAY(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED);
	SAY(fchdir(fd));
	SAY(fchdir(dir));
	SAY(fchdir(open("..", O_PATH)));
	SAY(openat(dir, "../file", O_RDONLY) >= 0);
	SAY(syscall(SYS_getdents64, dir, text, sizeof(text)));
	SAY(readlinkat(link, "", text, sizeof(text)));
	printf("%s\n", text);
	SAY(readlinkat(fd, "", text, sizeof(text)));
	SAY(fstatat(link, "", &s, AT_EMPTY_PATH));
	printf("%o\n", s.st_mode);
	SAY(fchownat(link, "", 0, 0, AT_EMPTY_PATH));
	SAY(syscall(SYS_utimensat, fd, NULL, NULL, 0));
	SAY(faccessat(fd, "", R_OK, 0));
	snprintf(text, sizeof(text), "/proc/self/fd/%d", fd);
	SAY(open(text, O_RDONLY) >= 0);
	SAY(open(text, O_RDONLY | O_NOFOLLOW));
	SAY(openat(fd, "x", O_RDONLY));
	SAY(openat(fd, "", O_RDONLY));
	fd = open("dir", O_PATH | O_CREAT | O_EXCL | O_TRUNC, 0);
	SAY(fd >= 0);
	SAY(close(fd));
}

static void
second_kind(void)
{
	static const struct { const char *name; uint64_t flags, mode, resolve; } tries[] = {
		{ "file", O_RDONLY, 0, 0 },
		{ "file", O_RDONLY, 0644, 0 },
		{ "n1", O_CREAT | O_RDWR, 0640, 0 },
		{ "n2", O_CREAT | O_RDWR, 0200000, 0 },
		{ "file", 1ull << 40, 0, 0 },
		{ "file", O_RDONLY, 0, 1ull << 30 },
		{ "link", O_RDONLY, 0, RESOLVE_NO_SYMLINKS },
		{ "dirlink/.", O_RDONLY, 0, RESOLVE_NO_SYMLINKS },
		{ "file", O_RDONLY, 0, RESOLVE_NO_SYMLINKS },
		{ "/etc", O_RDONLY, 0, RESOLVE_BENEATH },
		{ "../file", O_RDONLY, 0, RESOLVE_BENEATH },
		{ "dir/../file", O_RDONLY, 0, RESOLVE_BENEATH },
		{ "dir/../../x", O_RDONLY, 0, RESOLVE_BENEATH },
		{ "link", O_RDONLY, 0, RESOLVE_BENEATH },
		{ "absolute", O_RDONLY, 0, RESOLVE_BENEATH },
		{ "absolute", O_RDONLY, 0, RESOLVE_IN_ROOT },
		{ "/file", O_RDONLY, 0, RESOLVE_IN_ROOT },
		{ "../../file", O_RDONLY, 0, RESOLVE_IN_ROOT },
		{ "dir/../../file", O_RDONLY, 0, RESOLVE_IN_ROOT },
		{ "/file", O_RDONLY, 0, RESOLVE_IN_ROOT | RESOLVE_BENEATH },
		{ "/proc/self/cwd", O_RDONLY, 0, RESOLVE_NO_MAGICLINKS },
		{ "/proc/self", O_RDONLY, 0, RESOLVE_NO_MAGICLINKS },
		{ "/proc/uptime", O_RDONLY, 0, RESOLVE_NO_XDEV },
		{ "file", O_PATH | O_RDWR, 0, 0 },
		{ "file", O_RDONLY, 0, RESOLVE_CACHED },
		{ "nosuch", O_RDONLY, 0, 0 },
	};

	unlink("n1");
	symlink("/file", "absolute");
	for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		struct open_how how = { tries[i].flags, tries[i].mode, tries[i].resolve };
		long fd = syscall(SYS_openat2, AT_FDCWD, tries[i].name, &how, sizeof(how));

		printf("%s %lx %lx: %s\n", tries[i].name, (unsigned long)how.flags,
			(unsigned long)how.resolve, fd < 0 ? error_name(errno) : "opened");
		close((int)fd);
	}
	struct { struct open_how how; uint64_t more; } large = { { O_RDONLY, 0, 0 }, 0 };
	SAY(syscall(SYS_openat2, AT_FDCWD, "file", &large, sizeof(large)) >= 0);
	large.more = 1;
	SAY(syscall(SYS_openat2, AT_FDCWD, "file", &large, sizeof(large)));
	SAY(syscall(SYS_openat2, AT_FDCWD, "file", &large, 8));
	SAY(syscall(SYS_openat2, AT_FDCWD, "file", nowhere, sizeof(large.how)));
}

static void
flags_kept(void)
{
	int fd = open("file", O_RDWR | O_SYNC | O_APPEND | O_NOATIME | O_CLOEXEC | O_NOCTTY);

	printf("%x\n", fcntl(fd, F_GETFL));
	SAY(fcntl(fd, F_SETFL, O_NONBLOCK));
	printf("%x\n", fcntl(fd, F_GETFL));
	SAY(close(fd));
	fd = open("file", O_RDWR | O_DSYNC);
	printf("%x\n", fcntl(fd, F_GETFL));
	SAY(close(fd));
	SAY(open("file", 3) >= 0);
	SAY(write(open("file", 3), "x", 1));
	fd = open("file", O_RDWR);
	SAY(fcntl(fd, F_SETOWN, getpid()));
	SAY(fcntl(fd, F_GETOWN) == getpid());
	SAY(fcntl(fd, F_SETSIG, 65));
	SAY(fcntl(fd, F_SETSIG, SIGUSR1));
	SAY(fcntl(fd, F_GETSIG) == SIGUSR1);
	SAY(fcntl(fd, F_GETLEASE));
	SAY(fcntl(fd, F_SETLEASE, 7));
	SAY(fcntl(fd, F_SETLEASE, F_UNLCK));
	SAY(fcntl(fd, F_NOTIFY, 1));
	SAY(syscall(SYS_close_range, 3, 2, 0));
	SAY(syscall(SYS_close_range, 3, ~0u, 0));
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	umask(022);
	scene();
	matrix();
	nameless();
	scene();
	places();
	second_kind();
	flags_kept();
	return 0;
}
