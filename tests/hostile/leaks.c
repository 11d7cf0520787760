/* SPDX-License-Identifier: ISC */
/*
 * Root puts a secret wherever data can be: memory, files, what is left of both,
 * pipes, sockets, messages, terminals, attributes.  Nobody then looks through
 * every frame of the machine that any of his keys maps, and through all memory
 * that he is given.  The secret is computed, so that he has no copy of it himself.
 */
#define _GNU_SOURCE
#define CHECK_NAME "leaks"
#include "client.h"
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/xattr.h>

#define SECRET 48u
#define CLAIMED (48u << 20)

static unsigned char
secret(unsigned n)
{
	return (unsigned char)(0x80 | ((n * 37 + 11) & 0x7f));
}

static bool
has_secret(const volatile unsigned char *page)
{
	for (unsigned at = 0; at + SECRET <= PAGE; at++) {
		unsigned n = 0;

		while (n < SECRET && page[at + n] == secret(n))
			n++;
		if (n == SECRET)
			return true;
	}
	return false;
}

/* ---- hiding it ----------------------------------------------------------------------------- */

static unsigned char text[PAGE];

static int
file_with_secret(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	for (int n = 0; n < 3; n++)
		CHECK(write(fd, text, PAGE) == PAGE);
	return fd;
}

static void
in_files(void)
{
	int fd;

	file_with_secret("/tmp/leaks.file");
	fd = file_with_secret("/tmp/leaks.gone");
	unlink("/tmp/leaks.gone");
	fd = file_with_secret("/tmp/leaks.short");
	CHECK(ftruncate(fd, 1) == 0);
	fd = file_with_secret("/tmp/leaks.freed");
	close(fd);
	unlink("/tmp/leaks.freed");
	/* Open to all once, and mapped by somebody then. */
	fd = file_with_secret("/tmp/leaks.closed");
	CHECK(fchmod(fd, 0644) == 0 && fchmod(fd, 0600) == 0);
	/* Of a user's file: the attribute of root's. */
	fd = open("/tmp/leaks.nobody", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	CHECK(fchown(fd, NOBODY, NOBODY) == 0);
	CHECK(fsetxattr(fd, "trusted.secret", text, SECRET, 0) == 0);
	fd = memfd_create("secret", MFD_CLOEXEC);
	CHECK(write(fd, text, PAGE) == PAGE);
}

static void
on_the_way(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "/tmp/leaks.socket" };
	int p[2], master, receiver, sender;

	CHECK(pipe2(p, O_CLOEXEC) == 0 && write(p[1], text, PAGE) == PAGE);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p) == 0 &&
		write(p[1], text, PAGE) == PAGE);
	CHECK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, p) == 0 &&
		write(p[1], text, PAGE) == PAGE);
	receiver = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHECK(bind(receiver, (struct sockaddr *)&name, sizeof(name)) == 0);
	CHECK(sendto(sender, text, PAGE, 0, (struct sockaddr *)&name, sizeof(name)) == PAGE);
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK(write(master, text, SECRET) == SECRET);
}

/* Somebody who had it ends, and somebody who has it stays. */
static void
in_memory(pid_t *stays)
{
	unsigned char *big = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char *shared_page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	memcpy(shared_page, text, PAGE);
	for (unsigned n = 0; n < 64; n++)
		memcpy(big + n * PAGE, text, PAGE);
	if (fork() == 0) {
		for (unsigned n = 0; n < 64; n++)
			big[n * PAGE + 100]++;
		_exit(0);
	}
	wait(NULL);
	*stays = fork();
	if (*stays == 0)
		for (;;)
			pause();
	munmap(big, 32 * PAGE);
	madvise(big + 32 * PAGE, 16 * PAGE, MADV_DONTNEED);
}

/* ---- looking for it --------------------------------------------------------------------------- */

/* Those that the library fills, and some that it may. */
static const exo_slot slots[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 16, 17, 48, 49, 50, 51, 52, 53, 54 };
#define ANY_SLOT (sizeof(slots) / sizeof(slots[0]))

static volatile unsigned char place[PAGE] __attribute__((aligned(4096)));

static unsigned
look_at(exo_pfn pfn, unsigned *found)
{
	static const uint32_t perms[] = { EXO_MAP_READ, EXO_MAP_EXEC,
		EXO_MAP_READ | EXO_MAP_HIDDEN };

	for (unsigned n = 0; n < 3 * ANY_SLOT; n++) {
		struct exo_map m = { .va = (uint64_t)place, .pfn = pfn, .key = slots[n / 3],
			.op = EXO_OP_MAP | perms[n % 3] };

		if (exo_map(exo_self(), &m, 1, KEY_SELF) != 1)
			continue;
		m.op = EXO_OP_PROTECT | EXO_MAP_READ;
		exo_map(exo_self(), &m, 1, KEY_SELF);
		*found += has_secret(place);
		m.op = EXO_OP_UNMAP;
		exo_map(exo_self(), &m, 1, KEY_SELF);
		return 1;
	}
	return 0;
}

static void
frames_looked_at(void)
{
	const uint64_t count = exo_info()->frames;
	unsigned mapped = 0, found = 0;

	place[0] = 1;			/* now there is a table */
	for (exo_pfn pfn = 0; pfn < count; pfn++) {
		const uint32_t kind = exo_frame(pfn)->kind;

		if (kind != EXO_FRAME_FREE && kind != EXO_FRAME_ABSENT)
			mapped += look_at(pfn, &found);
	}
	CHECK(mapped > 100);
	CHECK(geteuid() ? found == 0 : found >= 8);	/* root finds what lies in files */
}

/* All of what is given is empty, and nothing of the machine's own is writable. */
static void
memory_looked_at(void)
{
	const unsigned char *p = mmap(NULL, CLAIMED, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	unsigned dirty = 0;

	if (!CHECK(p != MAP_FAILED))
		return;
	for (uint64_t at = 0; at < CLAIMED; at += 8)
		dirty += *(const uint64_t *)(p + at) != 0;
	CHECK(dirty == 0);
}

static int
looks(void)
{
	frames_looked_at();
	memory_looked_at();
	return failed != 0;
}

int
main(int argc, char **argv)
{
	int status = -1;
	pid_t stays, pid;

	if (!CHECK(client_begin()))
		return summary();
	if (argc > 1)
		return looks();
	copy(argv[0], "/tmp/leaks", 0755);
	for (unsigned n = 0; n < PAGE; n++)
		text[n] = secret(n % SECRET);
	CHECK(has_secret(text));
	in_files();
	on_the_way();
	in_memory(&stays);
	for (unsigned n = 0; n < 2; n++) {
		pid = fork();
		if (pid == 0) {
			if (n)
				become(NOBODY);
			execl("/tmp/leaks", "/tmp/leaks", "looks", NULL);
			_exit(98);
		}
		CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	}
	kill(stays, SIGKILL);
	return summary();
}
