/* SPDX-License-Identifier: ISC */
/* Cases, results, the leak oracle, memory helpers. */
#include <stdarg.h>
#include "t.h"

extern const struct t_case __start_t_cases[], __stop_t_cases[];

static const char *current;
static unsigned failed;		/* failures of this case; only the first few are worth reading */

#define FAILURES_SHOWN 6u

struct resources {
	uint64_t free_frames, envs, slices;
};

static void
say(const char *format, va_list args)
{
	char line[250];
	size_t length = exo_format(line, sizeof(line) - 1, format, args);

	if (length > sizeof(line) - 2)
		length = sizeof(line) - 2;
	line[length++] = '\n';
	exo_log(line, length, K_ROOT);
}

void
t_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
}

void
t_fail(const char *format, ...)
{
	char why[200];
	va_list args;

	va_start(args, format);
	exo_format(why, sizeof(why), format, args);
	va_end(args);
	if (failed++ < FAILURES_SHOWN)
		t_say("FAIL %s: %s", current, why);
}

bool
t_failed(void)
{
	return failed != 0;
}

bool
t_is(int line, const char *what, int64_t got, int64_t want)
{
	if (got == want)
		return true;
	if (got < 0 || want < 0)
		t_fail("%d: %s = %ld %s, not %ld %s", line, what, (long)got,
			got < 0 ? exo_error_name(got) : "", (long)want,
			want < 0 ? exo_error_name(want) : "");
	else
		t_fail("%d: %s = 0x%lx, not 0x%lx", line, what, (unsigned long)got,
			(unsigned long)want);
	return false;
}

bool
t_check(int line, const char *what, bool good)
{
	if (!good)
		t_fail("%d: not %s", line, what);
	return good;
}

static struct resources
resources(void)
{
	struct resources r = { exo_info()->free_frames, 0, 0 };

	for (uint32_t slot = 0; slot < exo_info()->table[EXO_T_ENVS].count; slot++)
		r.envs += exo_env_slot(slot)->id != 0;
	for (uint32_t index = 0; index < exo_info()->cpus * EXO_SLICES_CPU; index++)
		r.slices += exo_slice(index / EXO_SLICES_CPU, index % EXO_SLICES_CPU)->owner != 0;
	return r;
}

/* ---- touching ---- */

extern const char t_read_at[], t_write_at[], t_exec_at[], t_touch_called[];
extern const char t_fixup[], t_fixup_exec[];
uint64_t t_touch_read(uint64_t va, uint64_t *value);
uint64_t t_touch_write(uint64_t va, uint64_t value);
uint64_t t_touch_exec(uint64_t va);

static volatile uint64_t exec_target;

static void
on_exception(struct exo_save *context)
{
	uint64_t result = context->vector | (uint64_t)context->error << 8;

	if (context->rip == (uint64_t)t_read_at || context->rip == (uint64_t)t_write_at) {
		context->rip = (uint64_t)t_fixup;
	} else if (exec_target && (context->rip == (uint64_t)t_exec_at ||
					context->rip == exec_target)) {
		context->rip = (uint64_t)t_fixup_exec;
	} else {
		t_fail("exception %u error 0x%x at 0x%lx, address 0x%lx", context->vector,
			context->error, context->rip, context->addr);
		exo_machine_off(1, K_ROOT);
	}
	context->rax = result;
}

int
t_read(uint64_t va, uint64_t *value)
{
	uint64_t ignored;

	return (int)t_touch_read(va, value ? value : &ignored);
}

int
t_write(uint64_t va, uint64_t value)
{
	return (int)t_touch_write(va, value);
}

int
t_exec(uint64_t va)
{
	int result;

	exec_target = va;
	result = (int)t_touch_exec(va);
	exec_target = 0;
	return result;
}

/* ---- keys and memory ---- */

struct exo_key
t_key(uint8_t rights, const char *name)
{
	struct exo_key key = { .rights = rights };

	while (name[key.len] && key.len < EXO_KEYNAME_BYTES) {
		key.name[key.len] = (uint8_t)name[key.len];
		key.len++;
	}
	return key;
}

int64_t
t_narrow(exo_slot src, exo_slot dst, struct exo_key key)
{
	uint64_t words[2];

	__builtin_memcpy(words, &key, sizeof(words));
	return exo_key_narrow(src, dst, words[0], words[1]);
}

exo_pfn
t_claim(uint64_t count)
{
	exo_pfn pfn = exo_frame_find(0, count);

	if (!pfn || exo_frame_claim_all(pfn, count, ROOT_ACCOUNT, 0, K_ROOT, 0) != (int64_t)count)
		t_fail("cannot claim %lu frames at 0x%lx", count, pfn);
	return pfn;
}

void
t_release(exo_pfn pfn, uint64_t count)
{
	int64_t result = exo_frame_release_all(pfn, count, K_ROOT);

	if (result != (int64_t)count)
		t_fail("releasing %lu frames at 0x%lx: %s", count, pfn, exo_error_name(result));
}

int64_t
t_map_op(exo_envid env, uint64_t va, exo_pfn pfn, uint32_t op, exo_slot key, exo_slot k_env)
{
	struct exo_map map = { .va = va, .pfn = pfn, .op = op, .key = key };

	return exo_map(env, &map, 1, k_env);
}

int64_t
t_map(uint64_t va, exo_pfn pfn, uint32_t permissions)
{
	return t_map_op(exo_self(), va, pfn, EXO_OP_MAP | permissions, K_ROOT, K_ROOT);
}

int64_t
t_unmap(uint64_t va)
{
	return t_map_op(exo_self(), va, 0, EXO_OP_UNMAP, K_ROOT, K_ROOT);
}

/* ---- boot/args ---- */

/* Contents of an archive file, mapped page by page; only its first page is looked at. */
static const char *
archive_page(const char *name)
{
	exo_pfn first = exo_info()->archive_pfn;
	const struct exo_archive *head = (const struct exo_archive *)T_SCRATCH;
	const struct exo_archive_entry *entry = (const struct exo_archive_entry *)(head + 1);

	if (t_map(T_SCRATCH, first, 0) != 1)
		return NULL;
	for (uint32_t n = 0; n < head->count && (n + 2) * sizeof(*entry) < EXO_PAGE_BYTES; n++) {
		const char *at = (const char *)head + head->names + entry[n].name;
		unsigned same = 0;

		if (head->names + entry[n].name + entry[n].name_bytes >= EXO_PAGE_BYTES)
			continue;
		while (name[same] && name[same] == at[same])
			same++;
		if (!name[same] && !at[same] && entry[n].bytes &&
			t_map(T_SCRATCH + EXO_PAGE_BYTES, first + entry[n].data / EXO_PAGE_BYTES,
				0) == 1)
			return (const char *)(T_SCRATCH + EXO_PAGE_BYTES);
	}
	return NULL;
}

static uint64_t
number_behind(const char *text, const char *name, uint64_t otherwise)
{
	for (; *text; text++) {
		unsigned same = 0;
		uint64_t value = 0;

		while (name[same] && name[same] == text[same])
			same++;
		if (name[same] || text[same] != '=')
			continue;
		for (text += same + 1; *text >= '0' && *text <= '9'; text++)
			value = value * 10 + (uint64_t)(*text - '0');
		return value;
	}
	return otherwise;
}

uint64_t
t_arg(const char *name, uint64_t otherwise)
{
	const char *text = archive_page("boot/args");
	uint64_t value = text ? number_behind(text, name, otherwise) : otherwise;

	t_unmap(T_SCRATCH);
	t_unmap(T_SCRATCH + EXO_PAGE_BYTES);
	return value;
}

/* ---- running ---- */

static void
setup(void)
{
	static const uint8_t rights[] = { EXO_R, EXO_W, EXO_X, EXO_P, EXO_C, EXO_A };
	exo_pfn table;

	current = "setup";
	exo_on_exception(on_exception);
	IS(exo_info()->magic, EXO_MAGIC);
	IS(exo_info()->version, EXO_VERSION);
	OK(t_narrow(K_ROOT, K_NOTHING, t_key(EXO_RIGHTS_ALL, "Z")));
	for (unsigned which = 0; which < sizeof(rights); which++)
		OK(t_narrow(K_ROOT, K_READ + which, t_key(rights[which], "")));
	table = t_claim(3);
	OK(exo_pt_install(exo_self(), T_VA | 1 | EXO_PT_WRITE, table, table + 1, K_ROOT, K_ROOT));
}

static bool
run_case(const struct t_case *c)
{
	struct resources before = resources(), after;

	current = c->name;
	failed = 0;
	c->run();
	exo_key_drop_all(K_FREE, K_NONE - K_FREE);
	after = resources();
	if (after.free_frames != before.free_frames)
		t_fail("leak: %ld frames", (long)(before.free_frames - after.free_frames));
	if (after.envs != before.envs)
		t_fail("leak: %ld environments", (long)(after.envs - before.envs));
	if (after.slices != before.slices)
		t_fail("leak: %ld slices", (long)(after.slices - before.slices));
	if (!failed)
		t_say("ok %s", c->name);
	return !failed;
}

int
exo_main(const struct exo_start *start)
{
	int status = 0;

	(void)start;
	setup();
	if (failed)
		return 1;
	for (const struct t_case *c = __start_t_cases; c < __stop_t_cases; c++)
		status |= !run_case(c);
	t_say("done %d", status);
	return status;
}
