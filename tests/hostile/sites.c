/* SPDX-License-Identifier: ISC */
/*
 * Programs that write over what their library made of their call sites, by
 * kernel calls that it does not hear of, and that jump into it anywhere: they
 * end, or go on as they like; others notice nothing, and nobody their memory.
 */
#define _GNU_SOURCE
#define CHECK_NAME "sites"
#include <sys/syscall.h>
#include "client.h"

#define OFTEN 500
#define STUB_BYTES 64u
#define RW (EXO_MAP_READ | EXO_MAP_WRITE)
#define CHILDREN 60

static uint64_t state = 88172645463325252ull;

static uint64_t
any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static long
calls(void)
{
	long bad = 0;

	for (int i = 0; i < OFTEN; i++)
		bad += syscall(SYS_getpid) != getpid() || syscall(SYS_lseek, -1, 0, 0) != -1;
	return bad;
}

static char *
stubs(void)
{
	static char text[16384];
	FILE *f = fopen("/proc/self/maps", "r");
	char *found = NULL;

	while (f && fgets(text, sizeof(text), f)) {
		if (strstr(text, "[stubs]"))
			found = (char *)strtoul(text, NULL, 16);
	}
	if (f)
		fclose(f);
	return found;
}

/* By the kernel, with the key that the library has, too. */
static bool
may(char *page, uint32_t perms)
{
	struct exo_map m = { .va = (uint64_t)page, .op = EXO_OP_PROTECT | perms, .key = KEY_SELF };

	return exo_map(exo_self(), &m, 1, KEY_SELF) >= 0;
}

/* The addresses by which stubs enter the library, or their first instructions. */
static void
scribble(char *page, bool code)
{
	for (unsigned n = 0; n < PAGE / STUB_BYTES; n++) {
		char *stub = page + n * STUB_BYTES;

		if (code)
			memset(stub, (int)any(), STUB_BYTES);
		else
			*(uint64_t *)(stub + STUB_BYTES - 8) = base + any() % 0x40000;
	}
}

static void
child(bool code)
{
	char *page;

	munmap(stubs(), PAGE);		/* its parent's, too: it gets its own */
	calls();
	page = stubs();
	if (!page || !may(page, RW))
		_exit(77);
	scribble(page, code);
	if (!may(page, EXO_MAP_READ | EXO_MAP_EXEC))
		_exit(77);
	alarm(1);
	calls();
	_exit(0);
}

int
main(void)
{
	int ended = 0, status;

	if (!client_begin())
		return summary();
	CHECK(calls() == 0 && stubs() != NULL);
	for (int n = 0; n < CHILDREN; n++) {
		pid_t pid;

		any();
		pid = fork();
		if (pid == 0)
			child(n & 1);
		CHECK(waitpid(pid, &status, 0) == pid &&
			!(WIFEXITED(status) && WEXITSTATUS(status) == 77));
		ended += WIFSIGNALED(status);
		CHECK(calls() == 0);
	}
	CHECK(ended > 0);
	CHECK(system("ls / >/dev/null") == 0);
	return summary();
}
