/* SPDX-License-Identifier: ISC */
/* /proc: the few files of a process that can be written, by whom their modes let. */
#include "procfs.h"
#include "../thread/thread.h"
#include "../linux/errno.h"

#define NAME_MOST 15u
#define NUMBER_MOST 23u

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static int
digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0'
		: (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
						     : 16;
}

/* As strtol has it with base 0, and nothing but space around it. */
static int
number(const char *text, size_t bytes, bool sign, long *value)
{
	size_t at = 0, first;
	bool minus = false;
	long base = 10, n = 0;

	while (at < bytes && is_space(text[at]))
		at++;
	while (bytes > at && (is_space(text[bytes - 1]) || text[bytes - 1] == '\0'))
		bytes--;
	if (at < bytes && sign && (text[at] == '-' || text[at] == '+'))
		minus = text[at++] == '-';
	if (at + 1 < bytes && text[at] == '0') {
		base = (text[at + 1] | 32) == 'x' ? 16 : 8;
		at += base == 16 ? 2 : 1;
	}
	for (first = at; at < bytes && digit(text[at]) < base && n < 1l << 40; at++)
		n = n * base + digit(text[at]);
	*value = minus ? -n : n;
	return at == bytes && at > first ? n >= 1l << 31 ? -ERANGE : 0 : -EINVAL;
}

/* One's own name alone, as by prctl. */
static long
name_write(const volatile struct sh_proc *p, u32 tid, const char *text, size_t bytes)
{
	struct thread *t = thread_find(tid);
	const size_t most = bytes < NAME_MOST ? bytes : NAME_MOST;

	if (p != PROC)
		return -EINVAL;
	if (t && t != thread_leader) {
		memset(t->name, 0, sizeof(t->name));
		memcpy(t->name, text, most);
		return 0;
	}
	memcpy(COMM, text, most);
	COMM[most] = '\0';
	return server_call(OP_SETNAME, 0, 0, 0, 0, 0, NULL);
}

static long
number_write(const volatile struct sh_proc *p, enum tune what, const char *text, size_t bytes)
{
	long value;
	int error = bytes > NUMBER_MOST ? -EINVAL
					: number(text, bytes, what == TUNE_OOM, &value);

	return error ? error : server_call(OP_TUNE, p->pid, what, (u64)value, 0, 0, NULL);
}

bool
proc_written(u32 what)
{
	return what == P_COMM || what == P_OOM_ADJ || what == P_CORE_FILTER;
}

long
proc_write(u32 ino, const volatile struct sh_proc *p, const char *text, size_t bytes)
{
	const u32 what = WHAT_OF(ino);
	long error = what == P_COMM ? name_write(p, PID_OF(ino), text, bytes)
		: number_write(p, what == P_OOM_ADJ ? TUNE_OOM : TUNE_CORE, text, bytes);

	return error ? error : (long)bytes;
}
