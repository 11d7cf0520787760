/* SPDX-License-Identifier: ISC */
/* The machine that unit tests of the kernel run on: an array for memory, and what arch/ would do. */
#include <stdarg.h>
#include "fake.h"
#include "../../../kernel/dev/dev.h"
#include "../../../kernel/event/event.h"

struct env *root, *alice, *bob;
exo_pfn root_account, alice_account, bob_account;
exo_guardref alice_guard, bob_guard;
u64 fake_now;
struct fake_told fake_told;
unsigned fake_flushes_va, fake_flushes_all;

static void *boot_blocks[8];
static unsigned boot_count;
static int passed, failed;

u8 *direct_map;
struct exo_info *info;
static struct exo_env env_table[64];
struct exo_env *envs = env_table;
u32 envs_count = 64;
struct lock env_lock = LOCK_INIT("env", RANK_ENV, EXO_LOCK_ENV);
struct lock mem_lock = LOCK_INIT("mem", RANK_MEM, EXO_LOCK_MEM);

/* ---- what the rest of the kernel offers ---- */

void
panic(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	printf("FAIL panic: ");
	vprintf(format, args);
	printf("\n%d passed, %d failed\n", passed, failed + 1);
	va_end(args);
	fflush(stdout);
	abort();
}

void
lock_acquire(struct lock *l)
{
	must(l->word == 0);
	must(l != &env_lock || mem_lock.word == 0);
	l->word = 1;
}

void
lock_release(struct lock *l)
{
	must(l->word == 1);
	l->word = 0;
}

int
copy_from_user(void *dst, u64 src, size_t bytes)
{
	must(env_lock.word == 0 && mem_lock.word == 0 && bytes <= 4096);
	if (src < 4096)
		return -EXO_EFAULT;
	memcpy(dst, (const void *)(uintptr_t)src, bytes);
	return 0;
}

void *
boot_alloc(u64 bytes)
{
	void *block = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);

	memset(block, 0, (bytes + 4095) / 4096 * 4096);
	boot_blocks[boot_count++] = block;
	return block;
}

bool
dev_mmio_open(exo_pfn pfn)
{
	return pfn == MMIO_PFN;
}

void
arch_root_fill(u64 *entries, exo_pfn pfn)
{
	entries[509] = pfn << EXO_PAGE_SHIFT | PTE_PRESENT | PTE_USER | PTE_NX;
	entries[511] = PTE_PRESENT | PTE_WRITE;
}

struct env *
env_find(exo_envid id, int *error)
{
	struct exo_env *public = &env_table[EXO_ENV_SLOT(id) % 64];

	*error = public->id != id ? -EXO_ESTALE : public->state != EXO_ENV_ALIVE ? -EXO_EDEAD : 0;
	return *error ? NULL : frame_ptr(public->env_frame);
}

int
env_allows(const struct env *self, exo_slot key, const struct env *env, u32 rights) NO_TSA
{
	return self == env ? 0 : account_allows(self, key, env->account, rights);
}

bool
env_dismantle(exo_pfn frame)
{
	const struct env *env = frame_ptr(frame);

	must(env_lock.word == 1 && mem_lock.word == 1);
	must(env_table[env->slot].state == EXO_ENV_DEAD);
	env_table[env->slot].state = EXO_ENV_FREE;
	return true;
}

u64
now_ns(void)
{
	return fake_now;
}

/* The root environment is one without an activation: nobody can tell it anything. */
bool
event_revoke(struct env *env, exo_pfn pfn, u64 deadline)
{
	must(env_lock.word == 1 && mem_lock.word == 1);
	if (env == root)
		return false;
	fake_told = (struct fake_told){ env, pfn, deadline, fake_told.times + 1, 0 };
	return true;
}

bool
event_debt(struct env *env, exo_pfn account, u64 frames_owed, u64 deadline)
{
	must(env_lock.word == 1 && mem_lock.word == 1);
	if (env == root)
		return false;
	fake_told = (struct fake_told){ env, account, deadline, fake_told.times + 1, frames_owed };
	return true;
}

/* ---- other CPUs: what they were told ---- */

u32 cpus_count = 1;

/* One at a time here: whoever has a part, or all of them, has the lock. */
void (*fake_part)(bool taken);

void
mem_part_acquire(void)
{
	must(env_lock.word == 0);
	lock_acquire(&mem_lock);
	if (fake_part != NULL)
		fake_part(true);
}

void
mem_part_release(void)
{
	if (fake_part != NULL)
		fake_part(false);
	lock_release(&mem_lock);
}

void
mem_acquire_all(void)
{
	lock_acquire(&mem_lock);
}

void
mem_release_all(void)
{
	lock_release(&mem_lock);
}

void
lock_spin(u32 *word, u32 which)
{
	panic("lock %u at %p is held", which, (void *)word);
}

exo_pfn fake_flushed;
unsigned fake_flushes_others;
u64 fake_flushed_free;

void
cpus_flush(exo_pfn space_root)
{
	must(mem_lock.word == 1);
	fake_flushed = space_root;
	fake_flushed_free = fake_unused();
	fake_flushes_others++;
}

void
cpus_wake_others(void)
{
}

/* ---- the translation cache: what was touched and not flushed since ---- */

static struct { u64 va, pfn; bool write; } cached[64];
static unsigned cached_count;

void
arch_flush_va(u64 va)
{
	fake_flushes_va++;
	for (unsigned n = 0; n < cached_count; n++)
		if (cached[n].va == va)
			cached[n--] = cached[--cached_count];
}

void
arch_flush_all(void)
{
	fake_flushes_all++;
	cached_count = 0;
}

static bool
translate(const struct env *env, u64 va, bool *write, u64 *pfn)
{
	u64 table = env->root, entry;

	*write = true;
	for (unsigned level = 4; level > 0; level--) {
		entry = ((u64 *)frame_ptr(table))[pt_index(va, level)];
		if (!(entry & PTE_PRESENT) || !(entry & PTE_USER))
			return false;
		*write = *write && (entry & PTE_WRITE);
		table = PTE_PFN(entry);
	}
	*pfn = table;
	return true;
}

bool
fake_touch(const struct env *env, u64 va, bool write)
{
	bool writable;
	u64 pfn;

	if (!translate(env, va, &writable, &pfn) || (write && !writable))
		return false;
	if (write && pfn < FRAMES)
		((u64 *)frame_ptr(pfn))[va >> 12 & 511] = va | 1;
	if (cached_count < 64) {
		cached[cached_count].va = va;
		cached[cached_count].pfn = pfn;
		cached[cached_count++].write = write;
	}
	return true;
}

void
fake_tlb_check(const struct env *env)
{
	bool writable;
	u64 pfn;

	for (unsigned n = 0; n < cached_count; n++) {
		must(translate(env, cached[n].va, &writable, &pfn));
		must(pfn == cached[n].pfn && (writable || !cached[n].write));
	}
}

/* ---- things to test with ---- */

u64
fake_unused(void)
{
	return info->free_frames;
}

exo_pfn
fake_free_run(unsigned count)
{
	unsigned run = 0;

	for (exo_pfn pfn = 0; pfn < FRAMES; pfn++) {
		run = frames[pfn].kind == EXO_FRAME_FREE ? run + 1 : 0;
		if (run == count)
			return pfn + 1 - count;
	}
	panic("out of frames");
}

exo_pfn
fake_free(void)
{
	return fake_free_run(1);
}

exo_pfn
fake_own_run(const struct env *env, unsigned count) NO_TSA
{
	exo_pfn first = fake_free_run(count);

	for (unsigned n = 0; n < count; n++)
		frame_take(first + n, env->account, 0);
	return first;
}

exo_pfn
fake_own(const struct env *env)
{
	return fake_own_run(env, 1);
}

static struct exo_key
named(const char *name, u32 rights)
{
	struct exo_key key = { .len = (u8)strlen(name), .rights = (u8)rights };

	memcpy(key.name, name, key.len);
	return key;
}

void
fake_key(const struct env *env, exo_slot slot, const char *name, u32 rights) NO_TSA
{
	struct key *key = ring_slot(env, slot);

	key_clear(key);
	key_put(key, &(struct key){ .type = KEY_NAMED, .named = named(name, rights) });
}

exo_guardref
fake_guard(const struct env *env, const char *name, u32 rights)
{
	struct exo_key entry[EXO_GUARD_KEYS] = { named(name, rights) };
	exo_guardref ref = EXO_GUARD(fake_own(env), 3);

	must(sys_guard_create((struct env *)env, ref, user(entry), K_OWN) == 0);
	return ref;
}

struct env *
fake_env(u32 slot, exo_pfn account) NO_TSA
{
	const struct env owner = { .account = (u32)account };
	exo_pfn frame = fake_own(&owner), table = fake_own(&owner), ring = fake_own(&owner);
	exo_pfn links = fake_own_run(&owner, 2);
	struct env *env = frame_ptr(frame);

	frame_type(frame, EXO_FRAME_ENV, 0);
	root_init(table, links, frame);
	frame_type(ring, EXO_FRAME_RING, (u32)frame);
	env->id = 7ull << 16 | slot;
	env->slot = slot;
	env->frame = (u32)frame;
	env->root = (u32)table;
	env->account = (u32)account;
	env->ring[0] = (u32)ring;
	env_table[slot] = (struct exo_env){ .id = env->id, .state = EXO_ENV_ALIVE,
		.account = (u32)account, .env_frame = (u32)frame };
	return env;
}

void
fake_die(struct env *env)
{
	env_table[env->slot].state = EXO_ENV_DEAD;
}

void
fake_tables(struct env *env, u64 va)
{
	for (unsigned level = 3; level > 0; level--) {
		i64 result = sys_pt_install(env, env->id, va | level | EXO_PT_WRITE, fake_own(env),
			fake_own_run(env, 2), 0, 0);

		must(result == 0 || result == -EXO_ETAKEN);
	}
}

u64 *
fake_pte(const struct env *env, u64 va) NO_TSA
{
	binding_t at;

	return pt_entry(env->root, va, 1, &at);
}

static struct env *
person(u32 slot, const char *name, u64 limit, exo_guardref *guard, exo_pfn *account)
{
	struct env *env;

	*guard = fake_guard(root, name, EXO_RIGHTS_ALL);
	fake_key(root, K_FREE, name, EXO_RIGHTS_ALL);
	*account = fake_own(root);
	must(sys_account_create(root, *account, root_account, limit, *guard, K_OWN, K_FREE) == 0);
	env = fake_env(slot, *account);
	fake_key(env, K_OWN, name, EXO_RIGHTS_ALL);
	fake_key(env, K_OTHER, "zz", EXO_RIGHTS_ALL);
	fake_key(env, K_WEAK, name, EXO_R);
	return env;
}

void
fake_start(void) NO_TSA
{
	const struct memory_range usable[] = {
		{ 0, HOLE_BEGIN * EXO_PAGE_BYTES },
		{ HOLE_END * EXO_PAGE_BYTES, (FRAMES - HOLE_END) * EXO_PAGE_BYTES },
	};

	while (boot_count)
		free(boot_blocks[--boot_count]);
	free(direct_map);
	direct_map = aligned_alloc(4096, FRAMES * EXO_PAGE_BYTES);
	memset(direct_map, 0xa5, FRAMES * EXO_PAGE_BYTES);
	memset(env_table, 0, sizeof env_table);
	info = boot_alloc(sizeof *info);
	frames_count = 0;
	cached_count = 0;
	mem_boot(usable, 2);
	mem_reserve(0, 4 * EXO_PAGE_BYTES, EXO_FRAME_KERNEL);
	mem_reserve(TRACE_PFN * EXO_PAGE_BYTES, 1, EXO_FRAME_TRACE);
	root_account = fake_free();
	account_boot(root_account);
	root = fake_env(1, root_account);
	fake_key(root, K_OWN, "", EXO_RIGHTS_ALL);
	fake_key(root, K_OTHER, "zz", EXO_RIGHTS_ALL);
	fake_key(root, K_WEAK, "", EXO_R);
	alice = person(2, "a", ALICE_LIMIT, &alice_guard, &alice_account);
	bob = person(3, "b", BOB_LIMIT, &bob_guard, &bob_account);
	mem_check();
	cap_check();
}

void
gives(const char *what, i64 result, i64 expected)
{
	must(env_lock.word == 0 && mem_lock.word == 0);
	mem_check();
	cap_check();
	if (result == expected) {
		printf("ok %s\n", what);
		passed++;
	} else {
		printf("FAIL %s: %lld, not %lld\n", what, (long long)result, (long long)expected);
		failed++;
	}
}

int
fake_end(void)
{
	printf("%d passed, %d failed\n", passed, failed);
	return failed != 0;
}
