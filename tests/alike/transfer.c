/* SPDX-License-Identifier: ISC */
/* Bytes from one descriptor to another, and vectors with flags. */
#include "t.h"
#include <stdint.h>
#include <sys/sendfile.h>

#ifndef RWF_APPEND			/* which musl may lack, with the calls */
#define RWF_DSYNC 2
#define RWF_SYNC 4
#define RWF_APPEND 16
#endif
#define preadv2(fd, v, n, at, flags) syscall(SYS_preadv2, fd, v, n, at, 0, flags)
#define pwritev2(fd, v, n, at, flags) syscall(SYS_pwritev2, fd, v, n, at, 0, flags)

static void
contents(int fd)
{
	char text[64];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	printf("<%s> at %ld\n", text, (long)lseek(fd, 0, SEEK_CUR));
}

static int
file(const char *name, const char *text)
{
	int fd = open(name, O_CREAT | O_TRUNC | O_RDWR, 0644);

	write(fd, text, strlen(text));
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void
drain(int fd)
{
	char text[64];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = '\0';
	printf("<%s>\n", n < 0 ? error_name(errno) : text);
}

static void
sendfiles(void)
{
	int in = file("in", "0123456789"), out = file("out", ""), p[2], dir = open(".", O_RDONLY),
	    append = open("out", O_WRONLY | O_APPEND);
	off_t at = 3, wrong = -1;

	pipe(p);
	SAY(sendfile(out, in, NULL, 4));
	contents(out);
	SAY(lseek(in, 0, SEEK_CUR));
	SAY(sendfile(out, in, &at, 100));
	printf("%ld\n", (long)at);
	contents(out);
	SAY(sendfile(out, in, &at, 100));
	SAY(sendfile(out, in, &wrong, 1));
	SAY(sendfile(append, in, NULL, 1));
	SAY(sendfile(p[1], in, NULL, 3));
	drain(p[0]);
	SAY(sendfile(out, p[0], NULL, 1));
	SAY(sendfile(out, p[0], &at, 1));
	SAY(sendfile(out, dir, NULL, 1));
	SAY(sendfile(open("out", O_RDONLY), in, NULL, 1));
	SAY(sendfile(-1, in, NULL, 1));
	SAY(sendfile(out, -1, NULL, 1));
	SAY(sendfile(out, in, nowhere, 1));
	SAY(sendfile(out, in, NULL, 0));
	SAY(sendfile(open("/dev/null", O_WRONLY), in, NULL, 2));
	close(p[0]), close(p[1]);
}

static void
ranges(void)
{
	int in = file("in", "0123456789"), out = file("out", "abcdefghij"),
	    dir = open(".", O_RDONLY), p[2];
	loff_t a = 2, b = 8, far = 100;

	pipe(p);
	SAY(copy_file_range(in, &a, out, &b, 4, 0));
	printf("%ld %ld\n", (long)a, (long)b);
	contents(out);
	SAY(copy_file_range(in, NULL, out, NULL, 3, 0));
	contents(out);
	SAY(lseek(in, 0, SEEK_CUR));
	SAY(copy_file_range(in, &far, out, NULL, 3, 0));
	SAY(copy_file_range(in, NULL, out, NULL, 3, 1));
	a = 0, b = 4;
	SAY(copy_file_range(in, &a, in, &b, 5, 0));
	SAY(copy_file_range(in, &a, in, &b, 4, 0));
	contents(in);
	SAY(copy_file_range(dir, NULL, out, NULL, 1, 0));
	SAY(copy_file_range(in, NULL, p[1], NULL, 1, 0));
	SAY(copy_file_range(open("in", O_WRONLY), NULL, out, NULL, 1, 0));
	SAY(copy_file_range(in, NULL, open("out", O_RDONLY), NULL, 1, 0));
	SAY(copy_file_range(in, NULL, open("out", O_WRONLY | O_APPEND), NULL, 1, 0));
	a = -1;
	SAY(copy_file_range(in, &a, out, NULL, 1, 0));
	a = 0x7fffffffffffffffl;
	SAY(copy_file_range(in, &a, out, NULL, 1, 0));
	SAY(copy_file_range(in, NULL, out, NULL, 0, 0));
	SAY(copy_file_range(-1, NULL, out, NULL, 1, 0));
	close(p[0]), close(p[1]);
}

static void
splices(void)
{
	int in = file("in", "0123456789"), out = file("out", ""), p[2], q[2], append;
	loff_t at = 2;
	char big[70000];
	struct iovec v[2] = { { (char *)"vm", 2 }, { (char *)"splice", 6 } }, r[2];

	pipe(p), pipe(q);
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	SAY(splice(in, &at, p[1], NULL, 5, 0));
	printf("%ld\n", (long)at);
	SAY(splice(in, NULL, p[1], NULL, 2, 0));
	SAY(tee(p[0], q[1], 100, 0));
	drain(q[0]);
	SAY(splice(p[0], NULL, out, NULL, 3, 0));
	SAY(splice(p[0], NULL, q[1], NULL, 2, 0));
	drain(q[0]);
	at = 10;
	SAY(splice(p[0], NULL, out, &at, 100, 0));
	printf("%ld\n", (long)at);
	contents(out);
	SAY(splice(p[0], NULL, out, NULL, 1, 0));
	SAY(splice(q[0], NULL, out, NULL, 1, SPLICE_F_NONBLOCK));
	SAY(tee(q[0], p[1], 1, SPLICE_F_NONBLOCK));
	lseek(in, 0, SEEK_END);
	SAY(splice(in, NULL, p[1], NULL, 5, 0));
	SAY(splice(in, NULL, out, NULL, 5, 0));
	SAY(splice(p[0], NULL, p[1], NULL, 5, 0));
	SAY(tee(p[0], p[1], 5, 0));
	SAY(tee(in, p[1], 5, 0));
	SAY(splice(p[0], &at, out, NULL, 5, 0));
	SAY(splice(in, NULL, p[1], &at, 5, 0));
	SAY(splice(in, NULL, p[1], NULL, 0, 0));
	SAY(splice(in, NULL, p[1], NULL, 1, 64));
	SAY(splice(-1, NULL, p[1], NULL, 1, 0));
	SAY(splice(in, NULL, p[0], NULL, 1, 0));
	append = open("out", O_WRONLY | O_APPEND);
	write(p[1], "x", 1);
	SAY(splice(p[0], NULL, append, NULL, 1, 0));
	drain(p[0]);
	SAY(vmsplice(p[1], v, 2, 0));
	drain(p[0]);
	write(p[1], "received", 8);
	r[0] = (struct iovec){ big, 3 };
	r[1] = (struct iovec){ big + 10, 20 };
	SAY(vmsplice(p[0], r, 2, 0));
	printf("%.3s %.5s\n", big, big + 10);
	SAY(vmsplice(in, v, 1, 0));
	SAY(vmsplice(-1, v, 1, 0));
	/* More than a pipe holds. */
	memset(big, 'b', sizeof(big));
	pwrite(in, big, sizeof(big), 0);
	lseek(in, 0, SEEK_SET);
	SAY(splice(in, NULL, p[1], NULL, sizeof(big), 0));
	SAY(splice(in, NULL, p[1], NULL, 100, SPLICE_F_NONBLOCK));
	SAY(lseek(in, 0, SEEK_CUR));
	SAY(splice(p[0], NULL, out, NULL, sizeof(big), 0));
	close(p[1]);
	SAY(splice(p[0], NULL, out, NULL, 1, 0));
	signal(SIGPIPE, SIG_IGN);
	close(q[0]);
	SAY(splice(in, NULL, q[1], NULL, 1, 0));
	close(p[0]), close(q[1]);
	pipe(p);
	SAY(fcntl(p[0], F_GETPIPE_SZ));
	SAY(fcntl(p[1], F_SETPIPE_SZ, 65536));
	SAY(fcntl(in, F_GETPIPE_SZ));
	SAY(fcntl(in, F_SETPIPE_SZ, 4096));
}

static void
vectors(void)
{
	int fd = file("v", "0123456789"), p[2];
	char a[8] = "", b[8] = "";
	struct iovec v[2] = { { a, 3 }, { b, 4 } },
		     w[2] = { { (char *)"AB", 2 }, { (char *)"CD", 2 } },
		     huge[2] = { { a, 1 }, { b, 1ul << 63 } };

	pipe(p);
	SAY(preadv2(fd, v, 2, 2, 0));
	printf("%s %s\n", a, b);
	SAY(preadv2(fd, v, 2, -1, 0));
	SAY(lseek(fd, 0, SEEK_CUR));
	SAY(preadv2(fd, v, 2, -2, 0));
	SAY(preadv2(fd, v, 2, 0, 0x1000));
	SAY(pwritev2(fd, w, 2, 0, RWF_APPEND));
	contents(fd);
	SAY(pwritev2(fd, w, 2, -1, RWF_APPEND | RWF_DSYNC));
	contents(fd);
	SAY(pwritev2(fd, w, 2, 1, RWF_SYNC));
	contents(fd);
	SAY(preadv(fd, v, 2, -1));
	SAY(preadv(p[0], v, 2, 0));
	SAY(preadv(-1, v, 2, 0));
	SAY(syscall(SYS_readv, fd, huge, 2));
	SAY(syscall(SYS_readv, fd, v, -1));
	SAY(readv(fd, v, 0));
	SAY(readv(fd, nowhere, 1));
	/* What has come is not waited behind. */
	write(p[1], "abc", 3);
	SAY(readv(p[0], v, 2));
	write(p[1], "abcde", 5);
	SAY(readv(p[0], v, 2));
	printf("%.3s %.2s\n", a, b);
	SAY(writev(p[1], w, 2));
	SAY(read(p[0], a, 8));
	SAY(readahead(fd, 0, 10));
	SAY(readahead(p[0], 0, 10));
	SAY(sync_file_range(fd, 0, 10, 0));
	SAY(sync_file_range(p[0], 0, 10, 0));
	SAY(sync_file_range(fd, -1, 10, 0));
	SAY(sync_file_range(fd, 0, 10, 64));
	SAY(fdatasync(fd));
	SAY(fsync(p[0]));
	SAY(syncfs(fd));
	SAY(syncfs(-1));
	SAY(syscall(SYS_read, fd, a, -1l));
	SAY(write(fd, nowhere, 5));
	SAY(lseek(fd, 0, SEEK_END));
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	in_memory();
	sendfiles();
	ranges();
	splices();
	vectors();
	return 0;
}
