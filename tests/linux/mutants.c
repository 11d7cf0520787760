/* SPDX-License-Identifier: ISC */
/*
 * Damaged programs: an ELF file and scripts, mutated by seed.  Each is refused
 * with a reason or runs to whatever end, and nothing else suffers: in between
 * the good one still runs, and in the end there is as much memory as before.
 *
 *   mutants [COUNT [SEED]]
 */
#define _GNU_SOURCE 1
#define CHECK_NAME "mutants"
#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include "check.h"

#define FILE_BYTES 0x2000
#define BASE 0x400000
#define GOOD_STATUS 42
#define PATIENCE_US 20000		/* of the processor: what runs for ever is ended */
#define KEPT_BYTES (8ul << 20)		/* what may be cached, or not yet given back */

static union {
	unsigned char bytes[FILE_BYTES];
	struct {
		Elf64_Ehdr eh;
		Elf64_Phdr ph[3];
	} head;
} good, bad;
static uint64_t state;
static unsigned refused, ended, killed;

static uint64_t
draw(uint64_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (state >> 33) % below;
}

static void
make_good(void)
{
	/* mov $42, %edi; mov $231, %eax; syscall */
	static const unsigned char code[] = { 0xbf, GOOD_STATUS, 0, 0, 0, 0xb8, 231, 0, 0, 0, 0x0f,
		5 };

	good.head.eh = (Elf64_Ehdr){ .e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = 1,
		.e_entry = BASE + 0x1000,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 3 };
	memcpy(good.bytes, "\177ELF\2\1\1", 7);
	good.head.ph[0] = (Elf64_Phdr){ PT_LOAD, PF_R, 0, BASE, BASE, 0x200, 0x200, 0x1000 };
	good.head.ph[1] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_X, 0x1000, BASE + 0x1000, 0, 0x100,
		0x100, 0x1000 };
	good.head.ph[2] = (Elf64_Phdr){ PT_LOAD, PF_R | PF_W, 0x1800, BASE + 0x2800, 0, 0x80,
		0x3000, 0x1000 };
	memcpy(good.bytes + 0x1000, code, sizeof(code));
}

static int
store(const char *name, const void *bytes, size_t count)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	if (fd < 0 || write(fd, bytes, count) != (ssize_t)count)
		return -1;
	return close(fd);
}

/* Its wait status; an errno in the upper half when it was refused. */
static int
run(const char *name)
{
	char *argv[] = { (char *)name, "argument", NULL }, *envp[] = { NULL };
	int status = -1, note[2], error = 0;
	pid_t pid;

	if (pipe2(note, O_CLOEXEC))
		return -1;
	pid = fork();
	if (pid == 0) {
		const struct itimerval limit = { { 0, 0 }, { 0, PATIENCE_US } };

		for (int fd = 0; fd < 3; fd++)		/* what runs may say anything */
			close(fd);
		setitimer(ITIMER_REAL, &limit, NULL);
		execve(name, argv, envp);
		error = errno;
		write(note[1], &error, sizeof(error));
		_exit(0);
	}
	close(note[1]);
	if (read(note[0], &error, sizeof(error)) != sizeof(error))
		error = 0;
	close(note[0]);
	waitpid(pid, &status, 0);
	return error ? error << 16 : status;
}

static void
judge(const char *name)
{
	int status = run(name);

	if (status >> 16)
		refused++;
	else if (WIFSIGNALED(status))
		killed++;
	else
		ended++;
}

static void
damage(void)
{
	static const uint64_t odd[] = { 0, 1, 0xfff, 0x1000, 0x7fffffff, 0xffffffff, 1ull << 46,
		1ull << 47, 1ull << 63, ~0ull, ~0xfffull, BASE, BASE - 0x1000 };
	const size_t head = sizeof(good.head);

	bad = good;
	for (unsigned n = 1 + draw(3); n; n--) {
		size_t at = draw(head);

		switch (draw(4)) {
		case 0: bad.bytes[at] ^= 1u << draw(8); break;
		case 1: bad.bytes[at] = draw(256); break;
		case 2:
			memcpy(bad.bytes + at / 8 * 8, &odd[draw(sizeof(odd) / sizeof(odd[0]))], 8);
			break;
		default: memcpy(bad.bytes + at / 8 * 8, bad.bytes + draw(head / 8) * 8, 8); break;
		}
	}
}

static void
programs(unsigned count)
{
	for (unsigned n = 0; n < count; n++) {
		size_t bytes = draw(8) ? FILE_BYTES : draw(FILE_BYTES);

		damage();
		if (!CHECK(store("mutant", bad.bytes, bytes) == 0))
			return;
		judge("mutant");
		if (n % 50 == 0 && !CHECK(WEXITSTATUS(run("good")) == GOOD_STATUS))
			return;
	}
}

/* Made of pieces: interpreters that are there, are not, are scripts, are themselves, and blanks and ends of lines. */
static void
scripts(unsigned count)
{
	static const char *const piece[] = { "#!", "#!", " ", "\t", "\n", "./good", "good",
		"./mutant", "./script", "/", "./nothing", ".", "-x", "argument", "\r", "\177ELF",
		"#", "" };
	char text[1024];

	for (unsigned n = 0; n < count; n++) {
		size_t at = 0;

		at = sprintf(text, "%s", draw(5) ? "#!" : "");
		for (unsigned pieces = draw(6); pieces; pieces--)
			at += sprintf(text + at, "%s",
				piece[draw(sizeof(piece) / sizeof(piece[0]))]);
		if (draw(6) == 0) {
			memset(text + at, draw(2) ? 'a' : ' ', 300);
			at += 300;
		}
		if (draw(4) == 0)
			text[draw(at + 1)] = draw(256);
		if (!CHECK(store("script", text, at + 1) == 0))
			return;
		judge("script");
	}
}

static unsigned long
memory_free(void)
{
	struct sysinfo info;

	return sysinfo(&info) ? 0 : info.freeram * info.mem_unit;
}

int
main(int argc, char **argv)
{
	const unsigned count = argc > 1 ? strtoul(argv[1], NULL, 0) : 400;
	const bool alone = getppid() == 1;	/* on a host others use memory, too */
	char place[] = "/tmp/mutantsXXXXXX";
	unsigned long before;

	state = argc > 2 ? strtoul(argv[2], NULL, 0) : 1;
	if (!mkdtemp(place) || chdir(place))
		return 2;
	make_good();
	CHECK(store("good", good.bytes, FILE_BYTES) == 0);
	CHECK(WEXITSTATUS(run("good")) == GOOD_STATUS);
	before = memory_free();
	programs(count);
	scripts(count / 2);
	CHECK(WEXITSTATUS(run("good")) == GOOD_STATUS);
	CHECK(refused && ended && killed);
	CHECK(!alone || memory_free() + KEPT_BYTES > before);
	unlink("good"), unlink("mutant"), unlink("script");
	CHECK(chdir("/") == 0 && rmdir(place) == 0);
	if (argc > 1)
		printf("%u refused, %u ended, %u killed\n", refused, ended, killed);
	return summary();
}
