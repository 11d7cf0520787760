/* SPDX-License-Identifier: ISC */
/*
 * Processes that ask for objects, sockets and letters of others, scribble over
 * what they share, take all there is, and die in the middle.  Others go on, and
 * all of it comes back.
 */
#define _GNU_SOURCE
#define CHECK_NAME "sockets"
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <exo/lib.h>
#include <exo/read.h>
#include <server/sockproto.h>
#include "../linux/check.h"

#define PAGE EXO_PAGE_BYTES
#define EMPTY_SLOT 1500u		/* of the key ring, far behind those in use */

static uint64_t base;
static const volatile struct sh_info *shared;
static volatile uint64_t *note;		/* a page that parent and children share */
static char bytes[100000];

static long
request(uint64_t op, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	struct exo_msg m;
	long error;

	do {
		m = (struct exo_msg){ .rsi = op, .rdx = a, .r8 = b, .r9 = c, .rbx = d, .rbp = e };
		error = exo_call_once(shared->server, &m, 0);
	} while (error == -EXO_EBUSY);
	return error ? -1000 + error : (long)m.rsi;
}

static volatile char *
comm(void)
{
	return (volatile char *)(base + EXOS_COMM);
}

static void
nap(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static uint64_t state = 88172645463325252ull;

static uint64_t
any(void)
{
	static const uint64_t odd[] = { 0, 1, 2, 3, 5, 16, 17, ~0ull, 1ull << 63, 1ull << 32,
		0xffffffff, 4096, 512, EXOS_OBJECTS, EXOS_OFDS - 4096 };

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state % 3 ? odd[state / 3 % (sizeof(odd) / sizeof(odd[0]))] : state >> (state % 60);
}

/* ---- others notice nothing ---- */

static struct sockaddr_un
named(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	strcpy(a.sun_path, path);
	return a;
}

static ssize_t
send_fd(int s, int fd)
{
	union { struct cmsghdr head; char room[64]; } c = { .room = { 0 } };
	struct iovec v = { "fd", 2 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
		.msg_controllen = CMSG_SPACE(sizeof(int)) };

	c.head.cmsg_level = SOL_SOCKET;
	c.head.cmsg_type = SCM_RIGHTS;
	c.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&c.head), &fd, sizeof(fd));
	return sendmsg(s, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int
receive_fd(int s)
{
	union { struct cmsghdr head; char room[64]; } c;
	char text[8];
	struct iovec v = { text, sizeof(text) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &c,
		.msg_controllen = sizeof(c) };
	int fd = -1;

	if (recvmsg(s, &m, MSG_DONTWAIT) >= 0 && m.msg_controllen >= CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(&c.head), sizeof(fd));
	return fd;
}

static void
check_alive(void)
{
	struct sockaddr_un a = named("alive");
	char byte = 0;
	int p[2], s = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM, 0);
	int fd = -1, got = -1;

	unlink("alive");
	CHECK(bind(s, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(s, 1) == 0);
	CHECK(connect(c, (struct sockaddr *)&a, sizeof(a)) == 0 &&
		(fd = accept(s, NULL, NULL)) >= 0);
	CHECK(write(c, "x", 1) == 1 && read(fd, &byte, 1) == 1 && byte == 'x');
	CHECK(pipe(p) == 0 && send_fd(fd, p[1]) == 2 && (got = receive_fd(c)) >= 0);
	CHECK(write(got, "y", 1) == 1 && read(p[0], &byte, 1) == 1 && byte == 'y');
	close(got);
	close(p[0]);
	close(p[1]);
	close(fd);
	close(c);
	close(s);
	CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, p) == 0 && write(p[0], "z", 1) == 1
		&& read(p[1], &byte, 1) == 1 && byte == 'z');
	close(p[0]);
	close(p[1]);
}

/* Somebody else's child: what this process may have itself is used up. */
static void
others_fine(void)
{
	pid_t pid = fork();
	int status = -1;

	if (pid == 0) {
		failed = 0;
		check_alive();
		_exit(failed != 0);
	}
	waitpid(pid, &status, 0);
	note[1] = status == 0;
}

static void
attack(const char *name, void (*f)(void))
{
	uint64_t before, after = 0;

	nap(50);
	before = exo_info()->free_frames;
	in_child(f);
	check_alive();
	for (int try = 0; try < 100 && after + 64 < before; try++) {
		nap(20);
		after = exo_info()->free_frames;
	}
	if (!CHECK(after + 64 >= before))
		printf("%s: %lu frames are gone\n", name, before - after);
}

/* ---- what is others' ---- */

/* Of objects that we have no key of nothing is told and nothing taken. */
static void
not_ours(void)
{
	note[0] = 1;
	for (uint64_t id = 0; id < 64; id++) {
		struct passed p = { .kind = 5, .object = (uint32_t)id, .sides = EXO_R | EXO_W };

		for (uint64_t slot = 0; slot < 16; slot++) {
			note[0] &= request(OP_SOCK_INFO, id, slot, 0, 0, 0) < 0;
			note[0] &= request(OP_SOCK_ACCEPT, id, slot, EMPTY_SLOT,
					   EXOS_OBJECTS + (1 << 20), 0) < 0;
			note[0] &= request(OP_LETTER_TAKE, id, slot, 0, 0, 0) < 0;
			note[0] &= request(OP_SOCK_SHUT, id, slot, 2, 0, 0) < 0;
			request(OP_LETTER_NEW, 0, 0, 0, 0, 0);
			memcpy((void *)comm(), &p, sizeof(p));
			note[0] &= request(OP_LETTER_RIGHT, slot, slot, 0, 0, 0) < 0;
		}
	}
	_exit(0);
}

/* A file that may not be read is not read by way of a letter. */
static void
files_of_others(void)
{
	struct passed p = { .kind = 1, .object = PASSED_NOTHING, .sides = EXO_R };
	struct stat st;
	int fd = open("secret", O_RDWR | O_CREAT, 0600);

	fstat(fd, &st);
	close(fd);
	p.ino = (uint32_t)st.st_ino;
	note[0] = setgid(1000) == 0 && setuid(1000) == 0;
	note[0] &= request(OP_LETTER_NEW, 0, 0, 0, 0, 0) == 0;
	memcpy((void *)comm(), &p, sizeof(p));
	note[0] &= request(OP_LETTER_RIGHT, 0, 0, 0, 0, 0) < 0;
	for (uint32_t line = 1; line < 20; line++) {
		p = (struct passed){ .kind = 4,
			.object = PASSED_NOTHING,
			.sides = EXO_W,
			.line = line };
		memcpy((void *)comm(), &p, sizeof(p));
		note[0] &= request(OP_LETTER_RIGHT, 3, 0, 0, 0, 0) < 0;
	}
	_exit(0);
}

/* Whose name says 0600 is connected to by its owner. */
static void
names_of_others(void)
{
	struct sockaddr_un a = named("private");
	int s = socket(AF_UNIX, SOCK_STREAM, 0), c;
	struct stat st;

	unlink("private");
	bind(s, (struct sockaddr *)&a, sizeof(a));
	listen(s, 5);
	chmod("private", 0600);
	stat("private", &st);
	note[0] = setgid(1000) == 0 && setuid(1000) == 0;
	c = socket(AF_UNIX, SOCK_STREAM, 0);
	note[0] &= connect(c, (struct sockaddr *)&a, sizeof(a)) < 0 && errno == EACCES;
	note[0] &= request(OP_SOCK_CONNECT, WHERE_INODE | SOCK_TYPE_STREAM << 8, st.st_ino,
			   EMPTY_SLOT, EXOS_OBJECTS + (1 << 20), ~0ull) == -EACCES;
	_exit(0);
}

/* ---- requests with anything in them ---- */

static void
requests(void)
{
	int p[2], q[2];

	socketpair(AF_UNIX, SOCK_STREAM, 0, p);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, q);
	for (int n = 0; n < 20000; n++) {
		uint64_t op = OP_SOCK_NEW + any() % (OP_LETTER_END - OP_SOCK_NEW + 2);

		for (int i = 0; i < 8; i++)
			((volatile uint64_t *)comm())[any() % 512] = any();
		request(op, any(), any() % 3 ? 16 + any() % 8 : any(), any(), any(), any());
	}
	note[0] = 1;
	_exit(0);
}

/* ---- scribbling over what is shared ---- */

static void
scribble(void)
{
	for (int n = 0; n < 100000; n++) {
		uint64_t va = base + EXOS_OBJECTS + any() % 200 * PAGE;

		if (exo_pte_at(va, 2) & EXO_PTE_PRESENT && exo_pte(va) & EXO_PTE_PRESENT)
			*(volatile uint64_t *)(va + any() % 512 * 8 % (n % 2 ? 256 : PAGE)) = any();
	}
}

/* The other end of all that it has is wild; it must not hang, either: nothing here waits. */
static void
wild_peer(void)
{
	struct timespec quick = { 0, 0 };
	int s[2], q[2], p[2], e = eventfd(0, EFD_NONBLOCK);
	pid_t child;

	socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s);
	socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, q);
	pipe2(p, O_NONBLOCK);
	signal(SIGPIPE, SIG_IGN);
	for (int round = 0; round < 10; round++) {
		child = fork();
		if (child == 0) {
			state += (uint64_t)round * 7919;
			scribble();
			_exit(0);
		}
		for (int n = 0; n < 200; n++) {
			uint64_t value = 1;

			/* A lock of somebody alive who never lets go would be waited for: so only this for writes. */
			alarm(1);
			write(s[0], bytes, any() % 3000);
			write(q[0], bytes, any() % 3000);
			write(p[1], bytes, any() % 3000);
			write(e, &value, 8);
			read(s[1], bytes, any() % 3000);
			read(q[1], bytes, any() % 3000);
			read(p[0], bytes, any() % 3000);
			read(e, &value, 8);
			nanosleep(&quick, NULL);
		}
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	note[0] = 1;
	_exit(0);
}

/* ---- all there is ---- */

static int fill_p[2];

static void
fills(void)
{
	struct rlimit most = { 4096, 4096 };
	int p[2], made = 0;
	char byte = 1;

	setrlimit(RLIMIT_NOFILE, &most);
	while (socketpair(AF_UNIX, SOCK_STREAM, 0, p) == 0)
		made++;
	while (pipe(p) == 0)
		made++;
	while (eventfd(0, 0) >= 0)
		made++;
	while (socket(AF_UNIX, SOCK_DGRAM, 0) >= 0)
		made++;
	write(fill_p[1], &byte, 1);
	for (;;)
		pause();
}

/* Two that take all that they can, while others go on. */
static void
exhausted(void)
{
	pid_t child[2];
	char byte;

	pipe(fill_p);
	for (int n = 0; n < 2; n++) {
		child[n] = fork();
		if (child[n] == 0)
			fills();
		read(fill_p[0], &byte, 1);
	}
	others_fine();
	note[0] = note[1];
	for (int n = 0; n < 2; n++) {
		kill(child[n], SIGKILL);
		waitpid(child[n], NULL, 0);
	}
	_exit(0);
}

/* Datagrams that nobody takes, descriptors that nobody takes, drafts that are never sent. */
static void
letters(void)
{
	int p[2], sent = 0;

	for (int n = 0; n < 40; n++) {
		socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, p);
		while (send_fd(p[0], p[n % 2]) == 2)
			sent++;
		while (write(p[0], bytes, 5000) == 5000)
			sent++;
	}
	for (int n = 0; n < 50; n++)
		request(OP_LETTER_NEW, 100000, 0, 0, 0, 0);
	others_fine();
	note[0] = sent > 200 && note[1];
	_exit(0);
}

/* Sockets sent over themselves and over each other: nobody can ever take them out. */
static void
cycles(void)
{
	for (int n = 0; n < 500; n++) {
		int p[2], q[2];

		if (socketpair(AF_UNIX, SOCK_STREAM, 0, p) ||
			socketpair(AF_UNIX, SOCK_DGRAM, 0, q)) {
			nap(20);
			continue;
		}
		send_fd(p[0], p[0]);
		send_fd(p[0], p[1]);
		send_fd(p[0], q[1]);
		send_fd(q[0], p[1]);
		send_fd(q[0], q[1]);
		close(p[0]);
		close(p[1]);
		close(q[0]);
		close(q[1]);
	}
	nap(50);
	others_fine();
	note[0] = note[1];
	_exit(0);
}

/* Names of open files: as many as there can be descriptors, and gone with who said them. */
static void
says_many(void)
{
	uint64_t said = 0;

	for (uint64_t ino = 2; request(OP_HOLD, ino, 0, 0, 0, 0) == 0; ino++)
		said++;
	_exit(said == 4096 && request(OP_HOLD, 1ull << 32, 0, 0, 0, 0) < 0 &&
				request(OP_HOLD, 5, 1, 0, 0, 0) == 0 &&
				request(OP_HOLD, 5, 1, 0, 0, 0) < 0
			? 0
			: 1);
}

static void
holds(void)
{
	note[0] = 1;
	for (int n = 0; n < 6; n++)
		note[0] &= in_child(says_many) == 0;
	_exit(0);
}

/* ---- dying in the middle ---- */

static void
passes(int s)
{
	for (;;) {
		int p[2];

		if (pipe(p) == 0) {
			send_fd(s, p[any() % 2]);
			close(p[0]);
			close(p[1]);
		}
		for (int fd; (fd = receive_fd(s)) >= 0;)
			close(fd);
	}
}

static void
storm(void)
{
	for (int round = 0; round < 12; round++) {
		pid_t pid[8];
		int p[2];

		for (int n = 0; n < 8; n++) {
			if (n % 2 == 0)
				socketpair(AF_UNIX, n % 4 ? SOCK_DGRAM : SOCK_STREAM, 0, p);
			pid[n] = fork();
			if (pid[n] == 0) {
				state += (uint64_t)(round * 8 + n);
				passes(p[n % 2]);
			}
			if (n % 2) {
				close(p[0]);
				close(p[1]);
			}
		}
		nap(5 + round % 5 * 4);
		for (int n = 0; n < 8; n++) {
			if (!CHECK(pid[n] > 0))
				_exit(1);
			kill(pid[n], SIGKILL);
			waitpid(pid[n], NULL, 0);
		}
	}
	note[0] = 1;
	_exit(0);
}

static const struct {
	const char *name;
	void (*f)(void);
} attacks[] = {
#define ATTACK(f)                                                                                  \
	{                                                                                          \
#f, f                                                                              \
	}
	ATTACK(not_ours),
	ATTACK(files_of_others),
	ATTACK(names_of_others),
	ATTACK(requests),
	ATTACK(wild_peer),
	ATTACK(exhausted),
	ATTACK(letters),
	ATTACK(cycles),
	ATTACK(holds),
	ATTACK(storm),
};

/* Without arguments all, else those named. */
int
main(int argc, char **argv)
{
	base = exo_gs_first() - EXOS_UAREA;
	shared = (const volatile struct sh_info *)(base + EXOS_SHARED);
	note = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!CHECK(shared->magic == SH_MAGIC && note != MAP_FAILED))
		return summary();
	for (unsigned n = 0; n < sizeof(attacks) / sizeof(attacks[0]); n++) {
		bool wanted = argc < 2;

		for (int a = 1; a < argc; a++)
			wanted |= strcmp(argv[a], attacks[n].name) == 0;
		if (!wanted)
			continue;
		note[0] = 0;
		attack(attacks[n].name, attacks[n].f);
		if (!CHECK(note[0] == 1))
			printf("%s\n", attacks[n].name);
	}
	return summary();
}
