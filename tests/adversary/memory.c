/* SPDX-License-Identifier: ISC */
/*
 * A program that wants what is not its own: a child without keys (or with one
 * that opens its own account) tries every way to other memory.  Each attempt
 * must be refused, and what it was after must be as before.
 */
#include "t.h"

#define FRAMES (exo_info()->frames)
#define PAGE EXO_PAGE_BYTES

static volatile uint64_t secret_pfn, own_base, own_account, other_env;
static volatile uint64_t tries, gains, gain[16];

static void
gained(uint64_t what, int64_t result)
{
	if (gains < 16)
		gain[gains] = what << 32 | (uint32_t)result;
	gains++;
}

/* Refused is what it must be. */
#define TRY(expression) do { \
	int64_t r_ = (int64_t)(expression); \
	tries++; \
	if (r_ >= 0) \
		gained(__LINE__, r_); \
} while (0)

static void
verdict(uint64_t reason, uint64_t at_least)
{
	IS(reason, T_EXIT(0));
	CHECK(tries >= at_least);
	for (uint64_t n = 0; n < gains && n < 16; n++)
		t_fail("line %lu succeeded: %u", gain[n] >> 32, (uint32_t)gain[n]);
	tries = gains = 0;
}

static int64_t
self_op(uint64_t va, exo_pfn pfn, uint32_t op, exo_slot key)
{
	return t_map_op(exo_self(), va, pfn, op, key, 0);
}

/* ---- frames of others, with no key, with a key that opens nothing ---- */

static void
grabs_frames(uint64_t arg)
{
	static const exo_slot slots[] = { 0, 1, 2, 127, 128, 2047, 2048, 0x7fffffff, 0xffffffff };

	(void)arg;
	for (unsigned n = 0; n < sizeof(slots) / sizeof(slots[0]); n++) {
		exo_slot slot = slots[n];

		TRY(self_op(T_VA, secret_pfn, EXO_OP_MAP, slot));
		TRY(self_op(T_VA, secret_pfn, EXO_OP_MAP | EXO_MAP_WRITE, slot));
		TRY(self_op(T_VA, secret_pfn, EXO_OP_MAP | EXO_MAP_EXEC, slot));
		TRY(self_op(T_VA, secret_pfn, EXO_OP_MAP | EXO_MAP_CLAIM, slot));
		TRY(self_op(T_VA, secret_pfn, EXO_OP_MAP | EXO_MAP_IO, slot));
		TRY(self_op(T_VA, exo_frame_find(0, 1), EXO_OP_MAP, slot));
		TRY(self_op(T_VA, exo_frame_find(0, 1), EXO_OP_MAP | EXO_MAP_CLAIM, slot));
		TRY(exo_frame_release(secret_pfn, 1, slot));
		TRY(exo_frame_unbind(secret_pfn, 1, slot));
		TRY(exo_frame_mark(secret_pfn, 1, EXO_FRAME_PUBLIC, 0, slot));
		TRY(exo_frame_guard(secret_pfn, 1, 0, slot, slot));
		TRY(exo_frame_claim(exo_frame_find(0, 1), 1, ROOT_ACCOUNT, 0, slot, 0));
		TRY(exo_account_create(own_base + C_RING, ROOT_ACCOUNT, 1, 0, slot, 0));
		TRY(exo_account_limit(own_account, 100, slot));
		TRY(exo_account_limit(own_account, -1, slot));
		TRY(exo_account_reap(ROOT_ACCOUNT, 1, slot));
		TRY(exo_account_reap(own_account, 1, slot));
		TRY(exo_key_copy(0, 1, other_env, 9, slot));
		TRY(exo_key_take(other_env, slot, 9));
		TRY(exo_env_destroy(other_env, 0, slot));
		TRY(exo_post(other_env, 1, slot));
		TRY(exo_slice_claim(0, exo_slice_find(0), exo_self(), 0, slot, 0));
		TRY(exo_slice_release(0, 0, slot));
		TRY(exo_slice_pass(0, 0, exo_self(), slot));
		TRY(exo_irq_bind(4, exo_self(), 1, slot));
		TRY(exo_port_io(0xf4, 0x101, 0, slot));
		TRY(exo_log("x", 1, slot));
		TRY(exo_machine_off(1, slot));
		TRY(exo_pt_install(exo_self(), T_NOTABLE | 3, secret_pfn, secret_pfn + 1, slot,
			slot));
		TRY(t_map_op(other_env, T_VA, secret_pfn, EXO_OP_MAP, slot, slot));
		TRY(t_map_op(other_env, 0x400000, 0, EXO_OP_UNMAP, slot, slot));
		TRY(exo_pt_remove(other_env, 0x400000 | 1, slot));
		TRY(exo_pt_clone(other_env, 0x400000, 1, slot));
	}
	t_exit(0);
}

static bool
prepare(struct t_child *c, void (*fn)(uint64_t), uint64_t spare)
{
	tries = gains = 0;
	if (!t_child(c, fn, 0, spare))
		return false;
	own_base = c->base;
	own_account = c->account;
	other_env = exo_self();
	return true;
}

TEST(frames_of_others)
{
	struct t_child c;
	uint64_t value = 0;

	secret_pfn = t_claim(2);
	IS(t_map(T_VA, secret_pfn, EXO_MAP_WRITE), 1);
	OK(t_write(T_VA, 0x5ec4e7));
	if (!prepare(&c, grabs_frames, 0) || !t_give(&c, K_NOTHING, 1) || !t_start(&c))
		return;
	verdict(t_wait(&c), 250);
	t_reap(&c);
	OK(t_read(T_VA, &value));
	IS(value, 0x5ec4e7);
	IS(exo_frame(secret_pfn)->nmaps, 1);
	IS(t_unmap(T_VA), 1);
	t_release(secret_pfn, 2);
}

/* ---- with a key to one's own account alone ---- */

static void
forges(uint64_t arg)
{
	enum { OWN, FREE };

	(void)arg;
	TRY(t_narrow(OWN, FREE, t_key(EXO_RIGHTS_ALL, "")));
	TRY(t_narrow(OWN, FREE, t_key(EXO_RIGHTS_ALL, "b")));
	TRY(t_narrow(OWN, FREE, t_key(EXO_R, "")));
	TRY(t_narrow(OWN, FREE, (struct exo_key){ .len = 255, .rights = 1, .name = "a" }));
	TRY(t_narrow(OWN, FREE, (struct exo_key){ .len = 1, .rights = 255, .name = "a" }));
	TRY(exo_key_copy(OWN, 1, other_env, 9, OWN));
	TRY(exo_account_limit(own_account, 1000000, OWN));
	TRY(exo_frame_claim(exo_frame_find(0, 1), 1, own_account, 0, OWN, 0));	/* limit used up */
	TRY(self_op(T_VA, exo_frame_find(0, 1), EXO_OP_MAP | EXO_MAP_CLAIM, OWN));
	TRY(self_op(T_VA, ROOT_ACCOUNT, EXO_OP_MAP, OWN));
	for (unsigned which = 0; which < C_FRAMES;
		which++) { /* what it owns, but typed for the kernel */
		if (which == C_UAREA)
			continue;
		TRY(self_op(T_VA, own_base + which, EXO_OP_MAP, OWN));
		TRY(self_op(T_VA, own_base + which, EXO_OP_MAP | EXO_MAP_WRITE, OWN));
		TRY(exo_account_create(own_base + which, own_account, 0, 0, OWN, 0));
		TRY(exo_guard_create(EXO_GUARD(own_base + which, 0), (void *)T_VA, OWN));
		TRY(exo_ring_add(exo_self(), 1, own_base + which, OWN));
		if (which != C_ENV)
			TRY(exo_frame_release(own_base + which, 1, OWN));
	}
	TRY(self_op(T_VA, own_base + C_UAREA, EXO_OP_MAP | EXO_MAP_EXEC, OWN));
	TRY(exo_frame_mark(own_base + C_UAREA, 1, EXO_FRAME_HEIR | 1u << 31, 0, OWN));
	TRY(exo_pt_install(exo_self(), T_NOTABLE | 3, own_base + C_ROOT, 0, 0, OWN));
	TRY(exo_pt_install(exo_self(), T_NOTABLE | 2, own_base + C_ROOT, 0, 0, OWN));
	TRY(exo_pt_install(exo_self(), (T_VA + 0x200000) | 1, own_base + C_TABLES, 0, 0, OWN));
	TRY(exo_pt_install(exo_self(), EXO_VPT | 3, own_base + C_TABLES, 0, 0, OWN));
	TRY(exo_pt_install(exo_self(), 0xffff800000000000 | 3, own_base + C_TABLES, 0, 0, OWN));
	TRY(exo_frame_release(own_base + C_ENV, 1, OWN));
	t_exit(0);
}

TEST(own_account_is_no_lever)
{
	struct exo_key entries[EXO_GUARD_KEYS] = { t_key(EXO_RIGHTS_ALL, "a"), t_key(EXO_C, "") };
	exo_pfn guards = t_claim(1);
	struct t_child c;

	OK(exo_guard_create(EXO_GUARD(guards, 0), entries, K_ROOT));
	OK(t_narrow(K_ROOT, K_FREE, t_key(EXO_RIGHTS_ALL, "a")));
	if (!prepare(&c, forges, 0) || !t_give(&c, K_FREE, 0))
		return;
	IS(exo_frame_guard_all(c.base, C_FRAMES, EXO_GUARD(guards, 0), K_ROOT, K_ROOT), C_FRAMES);
	t_start(&c);
	verdict(t_wait(&c), 100);
	t_reap(&c);
	OK(exo_guard_free(EXO_GUARD(guards, 0), K_ROOT));
	t_release(guards, 1);
}

/* ---- memory that a user may not touch, directly ---- */

static volatile uint64_t touched, last_vector;

static void
skip(struct exo_save *context)
{
	last_vector = context->vector;
	context->rip = context->rbx;
}

static void
peek(uint64_t va, bool write)
{
	last_vector = 99;
	if (write)
		__asm__ volatile("lea 1f(%%rip), %%rbx; movq $7, (%0); 1:"
				 :
				 : "r"(va)
				 : "rbx", "memory");
	else
		__asm__ volatile("lea 1f(%%rip), %%rbx; mov (%0), %%rcx; 1:"
				 :
				 : "r"(va)
				 : "rbx", "rcx");
	if (last_vector != 14 && last_vector != 13)
		gained(va >> 12, write);
	touched++;
}

static void
touches(uint64_t arg)
{
	static const uint64_t hidden[] = {
		0, 0x1000, 0xffff800000000000, 0xffff800000100000, 0xffffffff80000000,
		0xffffffff80100000, 0xffffffff80200000, 0xfffffffffffff000, 0xffffff8000000000,
		0x0000800000000000, 0x00007ffffffff000, 0xfffffe7fffffe000, T_VA, T_NOTABLE,
	};
	static const uint64_t read_only[] = {
		EXO_INFO, EXO_CPUS, EXO_DEVICES, EXO_SLICES, EXO_ENVS, EXO_FREEMAP, EXO_FRAMES,
	};

	(void)arg;
	exo_on_exception(skip);
	for (unsigned n = 0; n < sizeof(hidden) / sizeof(hidden[0]); n++) {
		peek(hidden[n], false);
		peek(hidden[n], true);
	}
	for (unsigned n = 0; n < sizeof(read_only) / sizeof(read_only[0]); n++)
		peek(read_only[n], true);
	/* Own page tables: readable, never writable, and the kernel half of the root too. */
	peek(EXO_VPT + (0x400000 >> 12) * 8, true);
	peek(EXO_VPT + 0x7fbfdfeff000 / 8 * 8, true);
	t_exit(0);
}

TEST(addresses)
{
	IS(t_run(touches, 0), T_EXIT(0));
	CHECK(touched >= 30);
	for (uint64_t n = 0; n < gains && n < 16; n++)
		t_fail("address 0x%lx000 could be touched", gain[n] >> 32);
	gains = 0;
}

/* ---- the private halves: nothing of the kernel's, nothing of others' in what is exposed ---- */

TEST(no_kernel_pointers_exposed)
{
	static const enum exo_table_id tables[] = { EXO_T_CPUS, EXO_T_DEVICES, EXO_T_SLICES,
		EXO_T_ENVS, EXO_T_FRAMES };

	for (unsigned n = 0; n < sizeof(tables) / sizeof(tables[0]); n++) {
		uint64_t base = exo_info()->table[tables[n]].base;
		uint64_t words = exo_info()->table[tables[n]].count *
			exo_info()->table[tables[n]].entry_bytes / 8;

		for (uint64_t word = 0; word < words; word++) {
			uint64_t value = ((const volatile uint64_t *)base)[word];

			if (value >= 0xffff800000000000 && value < ~0ull - 0xffffffff)
				t_fail("table %u word %lu: 0x%lx", tables[n], word, value);
		}
	}
}

/* A claimed frame shows nothing of its last owner, whichever way it is looked at. */
TEST(no_leftovers)
{
	exo_pfn pfn = t_claim(1);
	uint64_t value;

	for (unsigned way = 0; way < 3; way++) {
		IS(t_map(T_VA, pfn, EXO_MAP_WRITE), 1);
		for (uint64_t at = 0; at < PAGE; at += 8)
			*(volatile uint64_t *)(T_VA + at) = ~0ull;
		t_release(pfn, 1);
		IS(exo_frame_claim(pfn, 1, ROOT_ACCOUNT, 0, K_ROOT, 0), 1);
		if (way == 1) {
			struct exo_key entries[EXO_GUARD_KEYS] = { t_key(EXO_R, "Z") };

			OK(exo_guard_create(EXO_GUARD(pfn, 31), entries, K_ROOT));
		} else if (way == 2) {
			OK(exo_account_create(pfn, ROOT_ACCOUNT, 0, 0, K_ROOT, 0));
		}
		IS(t_map(T_VA, pfn, 0), 1);
		for (uint64_t at = 0; at < PAGE; at += 8) {
			OK(t_read(T_VA + at, &value));
			if (value == ~0ull && !(way == 1 && at >= 31 * 128))
				t_fail("way %u: byte %lu was left", way, at);
		}
		IS(t_unmap(T_VA), 1);
		if (way == 1)
			OK(exo_guard_free(EXO_GUARD(pfn, 31), K_ROOT));
		t_release(pfn, 1);
		IS(exo_frame_claim(pfn, 1, ROOT_ACCOUNT, 0, K_ROOT, 0), 1);
	}
	t_release(pfn, 1);
}
