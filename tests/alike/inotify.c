/* SPDX-License-Identifier: ISC */
/* inotify: which events there are, of what, in which order. */
#include "t.h"
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/xattr.h>

static int in;

static void
events(const char *what)
{
	static const char *const names[] = { "ACCESS", "MODIFY", "ATTRIB", "CLOSE_WRITE",
		"CLOSE_NOWRITE", "OPEN", "MOVED_FROM", "MOVED_TO", "CREATE", "DELETE",
		"DELETE_SELF", "MOVE_SELF", "-", "UNMOUNT", "OVERFLOW", "IGNORED" };
	static unsigned last_cookie;
	char buffer[8192] __attribute__((aligned(8)));
	ssize_t n;

	printf("%s:", what);
	while ((n = read(in, buffer, sizeof(buffer))) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *e = (const struct inotify_event *)(buffer + at);

			printf(" [%d", e->wd);
			for (unsigned i = 0; i < 16; i++)
				if (e->mask >> i & 1)
					printf(" %s", names[i]);
			if (e->mask & IN_ISDIR)
				printf(" DIR");
			if (e->cookie)
				printf(" %s", e->cookie == last_cookie ? "same" : "cookie");
			last_cookie = e->cookie;
			if (e->len)
				printf(" %s/%u", e->name, e->len);
			printf("]");
			at += (ssize_t)(sizeof(*e) + e->len);
		}
	printf(" %s\n", n < 0 ? error_name(errno) : "end");
}

#define DO(call) ((void)(call), events(#call))

static void
names(void)
{
	int fd;

	SAY(inotify_add_watch(in, "d", IN_ALL_EVENTS));
	DO(fd = open("d/f", O_CREAT | O_RDWR, 0644));
	DO(write(fd, "hello", 5));
	DO(pwrite(fd, "x", 1, 0));
	DO(pread(fd, (char[4]){ 0 }, 4, 0));
	DO(ftruncate(fd, 3));
	DO(fchmod(fd, 0600));
	DO(fsync(fd));
	DO(close(fd));
	DO(fd = open("d/f", O_RDONLY));
	DO(read(fd, (char[8]){ 0 }, 8));
	DO(read(fd, (char[8]){ 0 }, 8));
	DO(close(fd));
	DO(open("d/f", O_PATH));
	DO(close(open("d/f", O_WRONLY | O_TRUNC)));
	DO(truncate("d/f", 10));
	DO(chmod("d/f", 0644));
	DO(chown("d/f", 0, 0));
	DO(utimensat(AT_FDCWD, "d/f", NULL, 0));
	DO(utimensat(AT_FDCWD, "d/f", (struct timespec[]){ { 5, 5 }, { 0, UTIME_OMIT } }, 0));
	DO(utimensat(AT_FDCWD, "d/f", (struct timespec[]){ { 0, UTIME_OMIT }, { 5, 5 } }, 0));
	DO(link("d/f", "d/hard"));
	DO(symlink("f", "d/sym"));
	DO(mkdir("d/sub", 0755));
	DO(mkfifo("d/fifo", 0600));
	DO(rename("d/f", "d/g"));
	DO(rename("d/g", "d/hard2"));
	DO(rename("d/hard2", "d/hard"));
	DO(rename("d/hard", "outside"));
	DO(rename("outside", "d/back"));
	DO(rename("d/sub", "d/sub2"));
	DO(stat("d/back", &(struct stat){ 0 }));
	DO(access("d/back", R_OK));
	DO(unlink("d/back"));
	DO(unlink("d/sym"));
	DO(rmdir("d/sub2"));
	DO(unlink("d/fifo"));
	DO(unlink("d/nosuch"));
	DO(fd = open("d", O_RDONLY));
	DO(syscall(SYS_getdents64, fd, (char[500]){ 0 }, 500));
	DO(fchmod(fd, 0755));
	DO(close(fd));
	DO(rename("d", "e"));
	DO(rename("e", "d"));
}

static void
selves(void)
{
	int fd = open("f", O_CREAT | O_RDWR, 0644),
	    first = inotify_add_watch(in, "f", IN_ALL_EVENTS), sub;

	printf("%d\n", first > 0);
	DO(write(fd, "x", 1));
	DO(write(fd, "y", 1));
	DO(link("f", "f2"));
	DO(unlink("f2"));
	DO(rename("f", "f3"));
	DO(setxattr("f3", "user.x", "y", 1, 0));
	DO(unlink("f3"));
	DO(close(fd));
	mkdir("sub", 0755);
	sub = inotify_add_watch(in, "sub", IN_ALL_EVENTS);
	printf("%d\n", sub > first);
	DO(rmdir("sub"));
	SAY(inotify_rm_watch(in, sub));
	close(open("once", O_CREAT | O_WRONLY, 0644));
	SAY(inotify_add_watch(in, "once", IN_OPEN | IN_ONESHOT) > 0);
	DO(close(open("once", O_RDONLY)));
	DO(close(open("once", O_RDONLY)));
	/* Both the file and its directory. */
	mkdir("both", 0755);
	close(open("both/x", O_CREAT | O_WRONLY, 0644));
	SAY(inotify_add_watch(in, "both", IN_OPEN | IN_DELETE | IN_ATTRIB) > 0);
	SAY(inotify_add_watch(in, "both/x", IN_OPEN | IN_DELETE_SELF | IN_ATTRIB) > 0);
	DO(close(open("both/x", O_RDONLY)));
	DO(chmod("both/x", 0600));
	DO(unlink("both/x"));
}

static void
refusals(void)
{
	int other = inotify_init1(IN_NONBLOCK), p[2], n = 0, wd;
	char small[8];
	struct pollfd poll_in = { .fd = other, .events = POLLIN };
	struct epoll_event event = { .events = EPOLLIN };
	int set = epoll_create1(0);

	pipe(p);
	SAY(inotify_init1(0x55));
	SAY(inotify_add_watch(-1, ".", IN_OPEN));
	SAY(inotify_add_watch(p[0], ".", IN_OPEN));
	SAY(inotify_add_watch(other, "nosuch", IN_OPEN));
	SAY(inotify_add_watch(other, ".", 0));
	SAY(inotify_add_watch(other, nowhere, IN_OPEN));
	SAY(inotify_add_watch(other, "once", IN_OPEN | IN_ONLYDIR));
	SAY(inotify_add_watch(other, "once", IN_MASK_ADD | 0x10000000 | IN_OPEN));
	SAY(inotify_rm_watch(other, 77));
	SAY(inotify_rm_watch(p[0], 1));
	SAY(inotify_rm_watch(-1, 1));
	wd = inotify_add_watch(other, "once", IN_OPEN);
	SAY(inotify_add_watch(other, "once", IN_CLOSE) == wd);
	SAY(inotify_add_watch(other, "once", 0x10000000 | IN_OPEN));
	SAY(epoll_ctl(set, EPOLL_CTL_ADD, other, &event));
	SAY(poll(&poll_in, 1, 0));
	SAY(epoll_wait(set, &event, 1, 0));
	close(open("once", O_RDONLY));
	SAY(poll(&poll_in, 1, 0));
	SAY(epoll_wait(set, &event, 1, 0));
	SAY(inotify_add_watch(other, "once", IN_MASK_ADD | IN_OPEN) == wd);
	close(open("once", O_RDONLY));
	SAY(ioctl(other, FIONREAD, &n));
	printf("%d bytes\n", n);
	SAY(read(other, small, sizeof(small)));
	SAY(read(other, nowhere, 16));
	SAY(write(other, "x", 1));
	SAY(lseek(other, 0, SEEK_SET));
	SAY(inotify_rm_watch(other, wd));
	in = other;
	events("removed");
	SAY(close(other));
	close(p[0]), close(p[1]), close(set);
}

/* By another process; waited for. */
static void
others(void)
{
	int fd;
	char buffer[512];
	pid_t pid;

	in = inotify_init();
	SAY(inotify_add_watch(in, "d",
		IN_CREATE)); /* one event: no more may come while it is read */
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		usleep(20000);
		fd = open("d/made", O_CREAT | O_WRONLY, 0644);
		_exit(0);
	}
	SAY(read(in, buffer, sizeof(buffer)));
	waitpid(pid, NULL, 0);
	fcntl(in, F_SETFL, O_NONBLOCK);
	events("by a child");
	SAY(inotify_add_watch(in, "d", IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE));
	/* A descriptor that two have is closed when both have closed it. */
	fd = open("d/made", O_WRONLY);
	pid = fork();
	if (pid == 0)
		_exit(close(fd));
	waitpid(pid, NULL, 0);
	events("closed by the child");
	DO(close(fd));
	/* Watched by a child that goes on with the parent's instance. */
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		close(open("d/made2", O_CREAT | O_WRONLY, 0644));
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	events("inherited");
	/* Too many. */
	SAY(inotify_add_watch(in, "once", IN_OPEN | IN_CLOSE) > 0);
	close(in);
}

/* One of many, that stands elsewhere each time. */
static void
crowd(void)
{
	char name[40];

	mkdir("d/crowd", 0755);
	for (int n = 0; n < 400; n++) {
		snprintf(name, sizeof(name), "d/crowd/number.%d", n);
		close(open(name, O_CREAT | O_WRONLY, 0644));
	}
	in = inotify_init1(IN_NONBLOCK);
	SAY(inotify_add_watch(in, "d/crowd", IN_OPEN | IN_CLOSE));
	for (int round = 0; round < 3; round++) {
		int first = open("d/crowd/number.350", O_RDONLY),
		    second = open("d/crowd/number.2", O_RDONLY);

		close(first);
		if (round == 1)
			rename("d/crowd/number.350", "d/crowd/aside");
		close(second);
		events("crowd");
		for (int n = round * 100 + 3; n < round * 100 + 90; n++) {
			snprintf(name, sizeof(name), "d/crowd/number.%d", n);
			unlink(name);
		}
		if (round == 1)
			rename("d/crowd/aside", "d/crowd/number.350");
		events("gone");
	}
	close(in);
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	umask(022);
	in_memory();
	mkdir("d", 0755);
	in = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	events("nothing yet");
	names();
	selves();
	close(in);
	refusals();
	others();
	crowd();
	return 0;
}
