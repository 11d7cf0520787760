/* SPDX-License-Identifier: ISC */
/* memfd_create and its seals. */
#include "t.h"

#define PAGE 4096ul
#define RW (PROT_READ | PROT_WRITE)
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 16
#endif

static int
make(const char *name, unsigned flags)
{
	return (int)syscall(SYS_memfd_create, name, (long)flags);
}

static void
basics(void)
{
	char text[300], byte = 0;
	struct stat st;
	int fd = make("x", 0), other;
	char *p, *q;

	memset(text, 'n', sizeof(text));
	text[249] = '\0';
	TRY(make(text, 0));
	text[249] = 'n';
	text[250] = '\0';
	SAY(make(text, 0));
	SAY(make(nowhere, 0));
	SAY(make("x", 0x100));
	SAY(make("x", 0x18));
	fstat(fd, &st);
	printf("regular %d links %d size %d\n", S_ISREG(st.st_mode), (int)st.st_nlink,
		(int)st.st_size);
	printf("flags %x %d\n", fcntl(fd, F_GETFL) & O_ACCMODE, fcntl(fd, F_GETFD));
	printf("cloexec %d\n", fcntl(make("y", 1), F_GETFD));
	SAY(write(fd, "hello", 5));
	SAY(pread(fd, text, 10, 0));
	SAY(ftruncate(fd, 2 * 4096));
	p = mmap(NULL, 2 * PAGE, RW, MAP_SHARED, fd, 0);
	q = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
	p[PAGE] = 'p';
	q[0] = 'q';
	pread(fd, &byte, 1, 4096);
	printf("%c %.5s %.5s\n", byte, p, q);
	if (fork() == 0) {
		p[1] = 'E';
		pwrite(fd, "O", 1, 4);
		_exit(0);
	}
	wait(NULL);
	printf("%.5s\n", p);
	other = dup(fd);
	close(fd);
	SAY(pread(other, text, 1, 0));
	SAY(madvise(p, PAGE, 9));
	printf("removed %d %c\n", p[0], p[PAGE]);
	close(other);
	printf("mapped still %c\n", p[PAGE]);
}

static void
sealed(void)
{
	int fd = make("s", 2), plain = make("p", 0), file = open("f", O_CREAT | O_RDWR, 0644), ro;
	char *p, path[64], text[10];

	SAY(fcntl(fd, F_GET_SEALS));
	SAY(fcntl(plain, F_GET_SEALS));
	SAY(fcntl(file, F_GET_SEALS));
	SAY(fcntl(plain, F_ADD_SEALS, F_SEAL_SHRINK));
	SAY(fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK));
	SAY(fcntl(fd, F_ADD_SEALS, 64));
	write(fd, "12345678", 8);
	SAY(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	SAY(ftruncate(fd, 4));
	SAY(ftruncate(fd, 20));
	SAY(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	SAY(ftruncate(fd, 30));
	SAY(pwrite(fd, "x", 1, 20));
	SAY(pwrite(fd, "x", 1, 19));
	SAY(fallocate(fd, 0, 0, 100));
	p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	SAY(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	p[1] = 'P';
	munmap(p, PAGE);
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	SAY(p == MAP_FAILED);
	munmap(p, PAGE);
	SAY(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	SAY(pwrite(fd, "x", 1, 0));
	SAY(pread(fd, text, 8, 0));
	printf("%.8s\n", text);
	SAY((long)mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0));
	p = mmap(NULL, PAGE, RW, MAP_PRIVATE, fd, 0);
	p[0] = 'm';
	printf("%.8s\n", p);
	p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	printf("%.8s\n", p);
	SAY(mprotect(p, PAGE, RW));
	SAY(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 10));
	SAY(fcntl(fd, F_GET_SEALS));
	if (fork() == 0) {
		SAY(pwrite(fd, "x", 1, 0));
		SAY(pread(fd, text, 8, 0));
		setuid(1000);
		SAY(pread(fd, text, 8, 0));
		SAY(pwrite(fd, "x", 1, 0));
		_exit(0);
	}
	wait(NULL);
	SAY(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	SAY(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	fd = make("future", 2);
	ftruncate(fd, 4096);
	p = mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0);
	SAY(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	p[0] = 'f';
	SAY(pwrite(fd, "x", 1, 0));
	SAY((long)mmap(NULL, PAGE, RW, MAP_SHARED, fd, 0));
	SAY(pread(fd, text, 1, 0));
	printf("%c\n", text[0]);
	fd = make("read", 2);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ro = open(path, O_RDONLY);
	SAY(fcntl(ro, F_ADD_SEALS, F_SEAL_SHRINK));
	SAY(fcntl(ro, F_GET_SEALS));
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	basics();
	sealed();
	return 0;
}
