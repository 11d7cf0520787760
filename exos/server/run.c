/* SPDX-License-Identifier: ISC */
/*
 * boot/run: what the host's command wants run (docs/console.md), and the first
 * process made of it.  Its parent is the server; when it ends, the machine does.
 */
#include "srv.h"
#include "fsmeta.h"
#include <errno.h>
#include <exo/control.h>

#define STRINGS_ROOM 49152u

struct run run;
uint32_t run_pid;

static char strings[STRINGS_ROOM], environment[STRINGS_ROOM / 2];
static uint32_t environment_bytes;
static const char *path_env = "/bin:/usr/bin:/sbin:/usr/sbin", *cwd = "/";

static bool
starts(const char *s, const char *prefix)
{
	return __builtin_strncmp(s, prefix, __builtin_strlen(prefix)) == 0;
}

static uint64_t
decimal(const char *s)
{
	uint64_t n = 0;

	for (; *s >= '0' && *s <= '9'; s++)
		n = n * 10 + (uint64_t)(*s - '0');
	return n;
}

/* Append a string with its NUL; false: no room. */
static bool
add(char *to, uint32_t *used, uint32_t room, const char *s)
{
	uint32_t bytes = (uint32_t)__builtin_strlen(s) + 1;

	if (bytes > room - *used)
		return false;
	__builtin_memcpy(to + *used, s, bytes);
	*used += bytes;
	return true;
}

static void
tty_record(const char *digits)
{
	for (; *digits; digits++)
		if (*digits >= '0' && *digits <= '2')
			run.spawn.tty[*digits - '0'] = 1;
}

static void
record(const char *key, const char *value)
{
	static const struct { const char *key; uint64_t *where; } numbers[] = {
		{ "clock", &run.clock_ns },
		{ "crash-every", &run.crash_every },
		{ "crash-stride", &run.crash_stride },
		{ "crash-op", &run.crash_op },
		{ "crash-fault", &run.crash_fault },
		{ "crash-again", &run.crash_again },
	};

	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (__builtin_strcmp(key, numbers[i].key) == 0)
			*numbers[i].where = decimal(value);
	if (__builtin_strcmp(key, "arg") == 0) {
		if (add(strings, &run.spawn.strings_bytes, STRINGS_ROOM / 2, value))
			run.spawn.argc++;
	} else if (__builtin_strcmp(key, "env") == 0) {
		if (add(environment, &environment_bytes, STRINGS_ROOM / 2, value))
			run.spawn.envc++;
		if (starts(value, "PATH="))
			path_env = value + 5;
	} else if (__builtin_strcmp(key, "exec") == 0) {
		run.exec = run.spawn.program = value;
	} else if (__builtin_strcmp(key, "libos") == 0) {
		run.libos = value;
	} else if (__builtin_strcmp(key, "cwd") == 0) {
		cwd = value;
	} else if (__builtin_strcmp(key, "tty") == 0) {
		tty_record(value);
	} else if (__builtin_strcmp(key, "joined") == 0) {
		run.spawn.joined = *value == '1';
	} else if (__builtin_strcmp(key, "rows") == 0) {
		run.rows = (uint16_t)decimal(value);
	} else if (__builtin_strcmp(key, "cols") == 0) {
		run.cols = (uint16_t)decimal(value);
	} else if (__builtin_strcmp(key, "trace") == 0) {
		run.trace = value;
	} else if (__builtin_strcmp(key, "ktrace") == 0) {
		run.ktrace = *value == '1';
	} else if (__builtin_strcmp(key, "stats") == 0) {
		run.stats = *value == '1';
	} else if (__builtin_strcmp(key, "rewrite") == 0) {
		run.keep_sites = *value == '0';
	} else if (__builtin_strcmp(key, "scatter") == 0) {
		run.scatter = *value == '1';
	} else if (__builtin_strcmp(key, "get") == 0 &&
		run.gets < sizeof(run.get) / sizeof(run.get[0])) {
		run.get[run.gets++] = value;
	}
}

void
run_read(const char *config, uint32_t bytes)
{
	static char key[32];

	for (uint32_t at = 0; at < bytes;) {
		const char *r = config + at;
		uint32_t length = 0, equals = 0;

		while (length < bytes - at && r[length])
			length++;
		while (equals < length && r[equals] != '=')
			equals++;
		if (equals < length && equals < sizeof(key) && at + length < bytes) {
			__builtin_memcpy(key, r, equals);
			key[equals] = 0;
			record(key, r + equals + 1);
		}
		at += length + 1;
	}
	if (run.spawn.argc == 0) {
		run.spawn.argc = 2;
		add(strings, &run.spawn.strings_bytes, STRINGS_ROOM / 2, "/bin/sh");
		add(strings, &run.spawn.strings_bytes, STRINGS_ROOM / 2, "-l");
		if (bytes == 0)
			run.spawn.tty[0] = run.spawn.tty[1] = run.spawn.tty[2] = 1;
	}
	__builtin_memcpy(strings + run.spawn.strings_bytes, environment, environment_bytes);
	run.spawn.strings_bytes += environment_bytes;
	run.spawn.strings = strings;
}

/* The inode of the program of argv[0], or -errno. */
static long
program_lookup(void)
{
	const char *name = run.exec ? run.exec : strings;
	char path[512];
	long ino = -ENOENT;

	if (__builtin_strchr(name, '/')) {
		exo_snprintf(path, sizeof(path), *name == '/' ? "%s%s" : "%s/%s",
			*name == '/' ? "" : cwd, name);
		ino = sfs_lookup(path);
	} else {
		for (const char *p = path_env; *p && ino < 0;) {
			uint32_t n = 0;

			while (p[n] && p[n] != ':' && n < 255)
				path[n] = p[n], n++;
			exo_snprintf(path + n, sizeof(path) - n, "/%s", name);
			ino = sfs_lookup(path);
			for (p += n; *p == ':'; p++)
				;
		}
	}
	return ino;
}

/* Is it a native one?  Then the server starts it; else the library looks it up itself. */
static uint32_t
native_program(void)
{
	long ino = program_lookup();

	return ino > 0 && elf_is_native((uint32_t)ino) ? (uint32_t)ino : 0;
}

/* Another library OS was asked for, a native program: it is given the file to run under it. */
static uint32_t
libos_program(void)
{
	long libos = sfs_lookup(run.libos), program = program_lookup();

	if (program <= 0)
		control_finish(EXO_EXIT_NOTFOUND, (uint32_t)-program, "");
	if (libos <= 0 || !elf_is_native((uint32_t)libos))
		control_finish(EXO_EXIT_FAILED, ENOEXEC, "--libos: not a native program");
	run.spawn.ino = (uint32_t)program;
	return (uint32_t)libos;
}

void
run_start(void)
{
	int error;
	struct proc *p = proc_create(NULL, SERVER_PID, 0, 0, &error);
	long where = sfs_lookup(cwd);
	uint32_t native;

	if (!p)
		control_finish(EXO_EXIT_FAILED, (uint32_t)error,
			"too little memory for a process: give --memory more");
	if (where < 0)
		control_finish(EXO_EXIT_FAILED, (uint32_t)-where,
			"the working directory does not exist in the guest");
	run.spawn.cwd = (uint32_t)where;
	run_pid = p->sh->pid;
	if (run.spawn.tty[0])
		server_tty_take_console(p->sh);
	native = run.libos ? libos_program() : native_program();
	error = native ? spawn_native(p, native, &run.spawn) : spawn_library(p, &run.spawn);
	if (error)
		control_finish(EXO_EXIT_FAILED, (uint32_t)-error,
			"the first process cannot be built: give --memory more");
}
