/* SPDX-License-Identifier: ISC */
/* Sizes and holes: what lies where in a file that was not written from end to end. */
#include "t.h"

#ifndef FALLOC_FL_ZERO_RANGE		/* linux/falloc.h, which musl lacks */
#define FALLOC_FL_COLLAPSE_RANGE 8
#define FALLOC_FL_ZERO_RANGE 16
#define FALLOC_FL_INSERT_RANGE 32
#endif

#define P 4096l

static void
seeks(int fd)
{
	off_t at = 0;

	for (int i = 0; i < 20; i++) {
		off_t data = lseek(fd, at, SEEK_DATA), hole;

		if (data < 0) {
			printf(" none after %ld: %s", (long)at, error_name(errno));
			break;
		}
		hole = lseek(fd, data, SEEK_HOLE);
		printf(" [%ld %ld)", (long)data, (long)hole);
		at = hole;
	}
	printf("\n");
}

static void
state(int fd)
{
	struct stat s;

	fstat(fd, &s);
	printf("size %ld blocks %ld:", (long)s.st_size, (long)s.st_blocks);
	/* Linux counts what is allocated and was never written as a hole. */
	if (s.st_size <= 5 * P || s.st_blocks < 40)
		seeks(fd);
	else
		printf("\n");
}

/* Which pages begin with something, which with nothing. */
static void
pages(int fd)
{
	struct stat s;

	fstat(fd, &s);
	for (off_t at = 0; at < s.st_size; at += P) {
		char c = 0;

		pread(fd, &c, 1, at);
		putchar(c ? c : '.');
	}
	putchar('\n');
}

static int
fresh(int count)
{
	int fd = open("s", O_CREAT | O_TRUNC | O_RDWR, 0644);
	char page[P];

	for (int i = 0; i < count; i++) {
		memset(page, 'a' + i, P);
		pwrite(fd, page, P, i * P);
	}
	return fd;
}

static void
holes(void)
{
	int fd = fresh(0);

	state(fd);
	SAY(pwrite(fd, "x", 1, 10 * P + 5));
	state(fd);
	SAY(pwrite(fd, "y", 1, 3 * P));
	state(fd);
	SAY(ftruncate(fd, 20 * P));
	state(fd);
	SAY(ftruncate(fd, 20 * P + 7));
	state(fd);
	SAY(ftruncate(fd, 10 * P));
	state(fd);
	SAY(ftruncate(fd, 3 * P + 1));
	state(fd);
	SAY(ftruncate(fd, 0));
	state(fd);
	SAY(lseek(fd, 0, SEEK_DATA));
	SAY(lseek(fd, 0, SEEK_HOLE));
	SAY(ftruncate(fd, 2 * P));
	SAY(lseek(fd, 5, SEEK_HOLE));
	SAY(lseek(fd, 5, SEEK_DATA));
	SAY(lseek(fd, -1, SEEK_DATA));
	SAY(lseek(fd, 2 * P, SEEK_HOLE));
	SAY(lseek(fd, 0, SEEK_CUR));
	/* What was cut off does not come back. */
	SAY(pwrite(fd, "zzzz", 4, 0));
	SAY(ftruncate(fd, 2));
	SAY(ftruncate(fd, 6));
	char text[8] = "";
	SAY(pread(fd, text, 8, 0));
	printf("%d %d %d\n", text[1], text[2], text[3]);
	close(fd);
}

static void
allocating(void)
{
	static const int modes[] = { 0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE,
		FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE,
		FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_COLLAPSE_RANGE,
		FALLOC_FL_INSERT_RANGE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE, 0x1000 };
	static const struct {
		off_t from, bytes;
	} ranges[] = { { P, 2 * P }, { P + 10, 2 * P }, { 10, 20 }, { 3 * P, 4 * P }, { 8 * P, P },
		{ 0, 0 }, { -1, 5 }, { 5, -1 }, { 2 * P + 5, P - 5 } };

	for (unsigned m = 0; m < sizeof(modes) / sizeof(modes[0]); m++)
		for (unsigned r = 0; r < sizeof(ranges) / sizeof(ranges[0]); r++) {
			int fd = fresh(5),
			    result = (int)syscall(SYS_fallocate, fd, modes[m], ranges[r].from,
				    ranges[r].bytes);
			char edge[2] = "";

			printf("mode %x %ld+%ld: %s\n", modes[m], (long)ranges[r].from,
				(long)ranges[r].bytes, result ? error_name(errno) : "done");
			state(fd);
			pages(fd);
			if (ranges[r].from > 0) {
				pread(fd, edge, 2, ranges[r].from - 1);
				printf("edge %d %d\n", edge[0], edge[1]);
			}
			close(fd);
		}
	SAY(fallocate(-1, 0, 0, 1));
	SAY(fallocate(open("s", O_RDONLY), 0, 0, 1));
	SAY(fallocate(open("/dev/null", O_RDWR), 0, 0, 1));
	SAY(posix_fallocate(open("s", O_RDWR), 0, 100));
	int p[2];
	pipe(p);
	SAY(fallocate(p[1], 0, 0, 1));
	mkdir("dir", 0700);
	SAY(fallocate(open("dir", O_RDONLY), 0, 0, 1));
}

static sigjmp_buf back;

static void
bus(int sig, siginfo_t *info, void *context)
{
	(void)context;
	printf("signal %d code %d\n", sig, info->si_code);
	siglongjmp(back, 1);
}

static void
mappings(void)
{
	int fd = fresh(3);
	volatile char *at = mmap(NULL, 5 * P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char c;

	sigaction(SIGBUS, &(struct sigaction){ .sa_sigaction = bus, .sa_flags = SA_SIGINFO }, NULL);
	printf("%c%c\n", at[0], at[2 * P]);
	if (sigsetjmp(back, 1) == 0)
		printf("%c\n", at[3 * P]);
	SAY(ftruncate(fd, P + 10));
	printf("%c %d\n", at[P], at[P + 10]);
	if (sigsetjmp(back, 1) == 0)
		printf("%c\n", at[2 * P]);
	if (sigsetjmp(back, 1) == 0)
		at[2 * P] = 1;
	SAY(ftruncate(fd, 4 * P));
	printf("%d\n", at[2 * P]);
	at[2 * P + 1] = 'w';
	SAY(pread(fd, &c, 1, 2 * P + 1));
	printf("%c\n", c);
	state(fd);
	SAY(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * P, P));
	printf("%d\n", at[2 * P + 1]);
	SAY(pread(fd, &c, 1, 2 * P + 1));
	printf("%d\n", c);
	SAY(pwrite(fd, "n", 1, 2 * P));
	printf("%c\n", at[2 * P]);
	SAY(read(open("s", O_RDONLY), (void *)(at + 4 * P), 1));
	munmap((void *)at, 5 * P);
	close(fd);
}

static void
far(void)
{
	int fd = fresh(1);
	struct stat s;

	SAY(lseek(fd, 0x7fffffffffffffffl, SEEK_SET) == 0x7fffffffffffffffl);
	SAY(write(fd, "x", 1));
	SAY(read(fd, &s, 1));
	SAY(lseek(fd, 1, SEEK_CUR));
	SAY(pwrite(fd, "x", 1, 0x7fffffffffffffffl));
	SAY(pread(fd, &s, 1, 0x7fffffffffffffffl));
	SAY(pread(fd, &s, 10, 0x7ffffffffffffff0l));
	SAY(ftruncate(fd, 1l << 40));
	SAY(pwrite(fd, "x", 1, (1l << 40) + 5));
	state(fd);
	SAY(fallocate(fd, 0, 0x7fffffffffffff00l, 0x7fffl));
	SAY(lseek(fd, -5, SEEK_END));
	SAY(ftruncate(fd, 0));
	SAY(truncate("s", 0x7fffffffffffffffl));
	SAY(truncate("s", 100));
	SAY(stat("s", &s));
	printf("%ld\n", (long)s.st_size);
	close(fd);
}

/* Each of several processes appends whole records. */
static void
appending(void)
{
	int fd = open("log", O_CREAT | O_TRUNC | O_RDWR, 0644), good = 0, seen[8] = { 0 };
	char record[100], *p;

	for (int n = 0; n < 8; n++)
		if (fork() == 0) {
			int own = open("log", O_WRONLY | O_APPEND);

			memset(record, 'a' + n, sizeof(record));
			for (int i = 0; i < 60; i++)
				write(own, record, sizeof(record));
			_exit(0);
		}
	while (wait(NULL) > 0)
		;
	p = mmap(NULL, 1 << 16, PROT_READ, MAP_PRIVATE, fd, 0);
	printf("%ld bytes\n", (long)lseek(fd, 0, SEEK_END));
	for (int i = 0; i < 480; i++) {
		memset(record, p[i * 100], sizeof(record));
		good += memcmp(p + i * 100, record, sizeof(record)) == 0;
		seen[(p[i * 100] - 'a') & 7]++;
	}
	printf("%d whole:", good);
	for (int n = 0; n < 8; n++)
		printf(" %d", seen[n]);
	printf("\n");
}

/* What is freed in several steps reads as zero as soon as it is there again, and others' views end at once. */
#define BIG (24l << 20)

static long
nonzero(int fd, long from, long to)
{
	static char buffer[1 << 16];
	long sum = 0;

	for (long at = from; at < to; at += (long)sizeof(buffer)) {
		long n = pread(fd, buffer, sizeof(buffer), at);

		for (long i = 0; i < n; i++)
			sum += buffer[i] != 0;
	}
	return sum;
}

static void
fill(int fd)
{
	static char buffer[1 << 16];

	memset(buffer, 'x', sizeof(buffer));
	for (long at = 0; at < BIG; at += (long)sizeof(buffer))
		pwrite(fd, buffer, sizeof(buffer), at);
}

static void
big(void)
{
	int fd = open("big", O_RDWR | O_CREAT | O_TRUNC, 0600), other;
	volatile char *map;
	struct stat s;

	fill(fd);
	map = mmap(NULL, BIG, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	printf("mapped %c\n", map[BIG - 1]);
	SAY(ftruncate(fd, 5));
	fstat(fd, &s);
	printf("size %ld read %zd\n", (long)s.st_size, pread(fd, (char[100]){ 0 }, 100, 0));
	SAY(ftruncate(fd, BIG));
	printf("zero %ld %d\n", nonzero(fd, 0, BIG), map[BIG - 1]);
	fill(fd);
	SAY(ftruncate(fd, 3 * 4096 + 7));
	SAY(ftruncate(fd, 4096 + 3));
	printf("write %zd\n", pwrite(fd, "end", 3, BIG - 3));
	printf("zero %ld\n", nonzero(fd, 4096 + 3, BIG - 3));
	fill(fd);
	SAY(ftruncate(fd, 0));
	printf("append %zd zero %ld\n", pwrite(fd, "a", 1, 8192), nonzero(fd, 0, 8192));
	fill(fd);
	SAY(ftruncate(fd, 1));
	unlink("big");
	fill(fd);
	close(open("big", O_CREAT | O_WRONLY, 0600));
	other = open("big", O_RDWR);
	fstat(other, &s);
	printf("new %ld\n", (long)s.st_size);
	munmap((void *)map, BIG);
	close(fd);
	fill(other);
	SAY(ftruncate(other, 2));
	close(other);
	other = open("big", O_RDWR | O_TRUNC);
	fstat(other, &s);
	printf("emptied %ld %ld\n", (long)s.st_size, nonzero(other, 0, BIG));
	close(other);
	unlink("big");
}

int
main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	in_memory();
	holes();
	allocating();
	mappings();
	far();
	appending();
	big();
	return 0;
}
