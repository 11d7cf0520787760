/* SPDX-License-Identifier: ISC */
/*
 * Processes that reach for the memory of others, for memory that was sealed,
 * and for more of it than is theirs, and that die while they make some.
 */
#define _GNU_SOURCE
#define CHECK_NAME "memory"
#include <time.h>
#include "client.h"

#define RW (EXO_MAP_READ | EXO_MAP_WRITE)

/* The frame behind its first page. */
static exo_pfn
memory_fd(int *fd, const char *text)
{
	exo_pfn pfn;
	char *p;

	*fd = (int)syscall(SYS_memfd_create, "hostile", 2L);
	CHECK(write(*fd, text, strlen(text)) == (long)strlen(text));
	p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, *fd, 0);
	CHECK(p != MAP_FAILED && p[0] == text[0]);
	pfn = EXO_PTE_PFN(exo_pte((uint64_t)p));
	munmap(p, PAGE);
	return pfn;
}

/* Sealed, not even its maker writes it, by whatever key; and it says so for good. */
static void
sealed(void)
{
	uint32_t ino = 0;
	char path[64], byte;
	int fd;
	exo_pfn pfn = memory_fd(&fd, "right");

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(node_of(path, &ino) && frame_opens(pfn, RW));
	CHECK(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE) == 0);
	CHECK(!frame_opens(pfn, RW) && frame_opens(pfn, EXO_MAP_READ));
	CHECK(request(OP_FS_KEY, ino, EXO_R | EXO_W, FREE_SLOT, 0, 0) < 0);
	CHECK(request(OP_FS_PUNCH, ino, 0, PAGE, 0, 0) < 0);
	CHECK(request(OP_FS_EXTEND, ino, 0, PAGE, 0, 0) < 0);
	CHECK(request(OP_FS_SETATTR, ino, SETATTR_MODE, 0777, 0, 0) >= 0);
	CHECK(!frame_opens(pfn, RW));
	CHECK(request(OP_FS_SEAL, ino, 0, 0, 0, 0) >= 0 && fcntl(fd, F_GET_SEALS) == F_SEAL_WRITE);
	CHECK(request(OP_FS_SEAL, ino, 0x100, 0, 0, 0) == -EINVAL);
	CHECK(pread(fd, &byte, 1, 0) == 1 && byte == 'r');
}

/* What the parent holds without a name is not another user's by its number or its frame. */
static void
of_others(void)
{
	const uint32_t ino = (uint32_t)note[1];
	const exo_pfn pfn = note[2];

	close((int)note[3]);
	munmap((void *)note[4], PAGE);
	become(1000);
	CHECK(!frame_opens(pfn, EXO_MAP_READ));
	CHECK(request(OP_FS_SEAL, ino, F_SEAL_WRITE, 0, 0, 0) < 0);
	CHECK(request(OP_FS_TRUNCATE, ino, 0, 0, 0, 0) < 0);
	CHECK(request(OP_FS_PUNCH, ino, 0, PAGE, 0, 0) < 0);
	CHECK(request(OP_FS_EXTEND, ino, 0, PAGE, 0, FS_FILL) < 0);
	CHECK(request(OP_FS_KEY, ino, EXO_R, FREE_SLOT, 0, 0) < 0);
	CHECK(request(OP_MEMORY, 16, row_of((uint32_t)getppid())->account, 0, 0, 0) == -EINVAL);
	CHECK(request(OP_MEMORY, 1ull << 60, row_of((uint32_t)getpid())->account, 0, 0, 0) ==
		-EINVAL);
	CHECK(request(OP_MEMORY, 1u << 24, row_of((uint32_t)getpid())->account, 0, 0, 0) < 0);
	_exit(failed != 0);
}

static void
strangers(void)
{
	char path[64];
	uint32_t ino = 0;
	int fd;

	note[2] = memory_fd(&fd, "mine");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(node_of(path, &ino) != NULL);
	note[1] = ino;
	note[3] = (uint64_t)fd;
	note[4] = (uint64_t)mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(in_child(of_others) == 0);
	CHECK(fcntl(fd, F_GET_SEALS) == 0);
	munmap((void *)note[4], PAGE);
	close(fd);
}

/* Never published: each but the last is to go, and that with its maker. */
static void
unpublished(void)
{
	for (int n = 0; n < 300; n++) {
		long ino = request(OP_FS_NAMELESS, 0, S_IFREG | 0700, ~0ull, 0, 0);

		CHECK(ino > 0);
		request(OP_FS_TRUNCATE, (uint64_t)ino, PAGE, 0, 0, 0);
		request(OP_FS_EXTEND, (uint64_t)ino, 0, PAGE, 0, 0);
	}
	_exit(failed != 0);
}

static void
fills(void)
{
	volatile char *p = mmap(NULL, 8u << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		-1, 0);
	volatile char *q = mmap(NULL, 8u << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		-1, 0);

	for (size_t at = 0;; at = (at + PAGE) % (8u << 20)) {
		p[at] = q[at] = 1;
		if (at == 0)
			mprotect((void *)(uint64_t)q, 4u << 20, PROT_NONE),
				mprotect((void *)(uint64_t)q, 4u << 20, PROT_READ | PROT_WRITE);
		if (at == 1u << 20)
			fork();
	}
}

static void
killed_while_filling(void)
{
	for (int n = 0; n < 12; n++) {
		struct timespec t = { 0, n * 1500000 };
		pid_t pid = fork();

		if (pid == 0) {
			setpgid(0, 0);
			fills();
		}
		setpgid(pid, pid);
		nanosleep(&t, NULL);
		kill(-pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
}

static void
nothing_is_lost(const char *what, void (*f)(void))
{
	const struct census before = frames_count();

	f();
	frames_back(&before, TABLES_GROW, what);
}

/* ---- who is refused: the one whose oom_score_adj says so, however little it has ---- */

static void
adjust(const char *value)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	CHECK(write(fd, value, strlen(value)) > 0);
	close(fd);
}

static void
touch(size_t bytes)
{
	noise(mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0),
		bytes);
}

/* Half of what is free, in small steps from there on. */
static void
modest(void)
{
	touch(exo_info()->free_frames / 4 * PAGE);
	note[1] = 1;
	for (;;) {
		touch(4 * PAGE);
		nap(1);
	}
}

static void
chosen(bool first)
{
	pid_t small = fork(), large;
	int status = 0;

	note[1] = 0;
	if (small == 0)
		adjust(first ? "900" : "0"), modest();
	while (!note[1])
		nap(1);
	large = fork();
	if (large == 0) {
		adjust(first ? "0" : "-1000");
		touch(exo_info()->free_frames * 11 / 10 * PAGE);
		_exit(0);
	}
	CHECK(waitpid(small, &status, 0) == small && WIFSIGNALED(status));
	CHECK(waitpid(large, &status, 0) == large && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void
choices(void)
{
	chosen(true);
	chosen(false);
}

static void
in_child_unpublished(void)
{
	CHECK(in_child(unpublished) == 0);
}

int
main(void)
{
	if (!CHECK(client_begin()))
		return summary();
	sealed();
	killed_while_filling();		/* the server's tables grow, once */
	nothing_is_lost("strangers", strangers);
	nothing_is_lost("unpublished", in_child_unpublished);
	nothing_is_lost("killed", killed_while_filling);
	nothing_is_lost("choices", choices);
	return summary();
}
