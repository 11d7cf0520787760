/* SPDX-License-Identifier: ISC */
/*
 * Random calls by environments that hold some of each other's keys: whatever
 * they do, the invariants hold, the translation cache never allows more than
 * the tables, a claimed frame is clean, and in the end every frame comes back.
 */
// sources: kernel/cap/*.c kernel/mem/*.c tests/unit/lib/fake.c
#include "fake.h"

#define OPERATIONS 300000u
#define SWEEP 64u
#define PEOPLE 6u
#define REGIONS 3u

static struct env *people[PEOPLE];
static exo_pfn accounts[PEOPLE];
static exo_pfn windows[PEOPLE];		/* each tries its luck mostly among 64 frames from here */
static struct env *self;
static unsigned who;
static unsigned succeeded[40], tried[40];
static u64 dirty_claims, seed = 88172645463325252ull;

static u64
draw(u64 below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % below;
}

static exo_pfn
any_frame(void)
{
	return draw(8) ? windows[draw(PEOPLE)] + draw(64) : draw(FRAMES + 2);
}

static exo_pfn
own_frame(void)
{
	return windows[who] + draw(64);
}

static u64
any_va(void)
{
	return 0x400000 + draw(REGIONS) * 0x200000 + draw(12) * EXO_PAGE_BYTES;
}

/* Some frame of this kind, if there is one further up. */
static exo_pfn
any_of(enum exo_frame_kind kind)
{
	for (exo_pfn pfn = draw(FRAMES); pfn < FRAMES; pfn++)
		if (frames[pfn].kind == kind)
			return pfn;
	return any_frame();
}

static exo_guardref
any_guard(void)
{
	return draw(4) ? EXO_GUARD(draw(2) ? any_of(EXO_FRAME_GUARD) : own_frame(), draw(2)) : 0;
}

static exo_slot
any_key(void)
{
	return draw(6) ? K_OWN : (exo_slot)draw(24);
}

static exo_envid
any_env(void)
{
	return draw(3) ? self->id : people[draw(PEOPLE)]->id;
}

static i64
op_claim(void)
{
	return sys_frame_claim(self, own_frame(), 1 + draw(4), accounts[who], any_guard(), K_OWN,
		any_key());
}

static i64
op_release(void)
{
	return sys_frame_release(self, draw(2) ? own_frame() : any_frame(), 1 + draw(2), any_key());
}

static i64
op_guard(void)
{
	return sys_frame_guard(self, own_frame(), 1 + draw(3), any_guard(), K_OWN, any_key());
}

static i64
op_mark(void)
{
	u64 set = draw(8), clear = draw(8) & ~set;
	exo_pfn pfn = draw(3) ? own_frame() : any_of(EXO_FRAME_PT1 + (u32)draw(3));

	return sys_frame_mark(self, pfn, 1, set & ~4ull, clear & ~4ull, any_key());
}

static i64
op_unbind(void)
{
	return sys_frame_unbind(self, any_frame(), 1 + draw(3), any_key());
}

static i64
op_guard_create(void)
{
	struct exo_key entry[EXO_GUARD_KEYS] = { { 0 } };

	for (unsigned n = 0; n < EXO_GUARD_KEYS; n++)
		entry[n] = (struct exo_key){ .len = 1, .rights = (u8)draw(EXO_RIGHTS_ALL + 1),
			.name = { (u8)('a' + draw(PEOPLE)) } };
	return draw(4) ? sys_guard_create(self, EXO_GUARD(own_frame(), draw(2)), user(entry), K_OWN)
		       : sys_guard_change(self, any_guard(), user(entry), any_key());
}

static i64
op_guard_end(void)
{
	return draw(2) ? sys_guard_free(self, any_guard(), any_key()) :
		sys_guard_revoke(self, any_guard(), any_key());
}

static i64
op_bind(void)
{
	return sys_key_bind(self, any_guard(), 1 + draw(EXO_RIGHTS_ALL), any_key(),
		K_FREE + draw(20));
}

static i64
op_key(void)
{
	switch (draw(5)) {
	case 0:
		return sys_key_drop(self, K_FREE + draw(20), 1 + draw(4));
	case 1:
		return sys_key_copy(self, K_FREE + draw(20), 1 + draw(4), any_env(),
			K_FREE + draw(20), any_key());
	case 2: return sys_key_offer(self, K_FREE + draw(20), any_env());
	case 3: return sys_key_take(self, any_env(), K_FREE + draw(20), K_FREE + draw(20));
	default: return sys_key_narrow(self, any_key(), K_FREE + draw(20), draw(64) << 8, 0);
	}
}

static i64
op_install(void)
{
	u64 level = 1 + draw(3), write = draw(3) ? EXO_PT_WRITE : 0;
	u64 where = (any_va() & ~0x1fffffull) | level | write;
	exo_pfn pfn = own_frame();

	if (draw(2))
		return sys_pt_install(self, any_env(), where,
			any_of(EXO_FRAME_PT1 + (u32)level - 1), 0, any_key(), any_key());
	sys_frame_claim(self, pfn, 3, accounts[who], 0, K_OWN, 0);
	return sys_pt_install(self, any_env(), where, pfn, pfn + 1, any_key(), 0);
}

static i64
op_remove(void)
{
	return sys_pt_remove(self, any_env(),
		(any_va() & ~0x1fffffull) | (draw(9) ? 1 : 1 + draw(3)), any_key());
}

#include "mem_random_own.h"

static bool
clean(exo_pfn pfn)
{
	static const u8 zero[EXO_PAGE_BYTES];

	return memcmp(frame_ptr(pfn), zero, sizeof zero) == 0;
}

static i64
op_map(void)
{
	struct exo_map vec[20];
	u64 count = draw(2) ? 1 : 1 + draw(20);
	i64 done;

	for (unsigned n = 0; n < count; n++)
		vec[n] = any_map();
	done = sys_map(self, any_env(), user(vec), count, any_key());
	for (i64 n = 0; n < done; n++)
		if ((vec[n].op & EXO_MAP_CLAIM) && count == 1)
			dirty_claims += !clean(vec[n].pfn);
	return done;
}

/* What the software TLB answers, the access can do; the array may be anybody's by now. */
static i64
op_stlb(void)
{
	u64 va = any_va(), fault = FAULT_USER | (draw(2) ? FAULT_WRITE : 0) | draw(2);
	const struct stlb *stlb = &self->stlb;
	struct exo_map e = any_map();

	if (draw(8) == 0 || stlb->frames == 0 || frames[stlb->pfn].kind != EXO_FRAME_DATA)
		return sys_stlb_offer(self, any_env(), own_frame(), draw(3), any_key(), any_key());
	((struct exo_stlb *)frame_ptr(stlb->pfn))[exo_stlb_index(va, 1)] =
		(struct exo_stlb){ va | EXO_MAP_READ | (e.op & (draw(9) ? 0x77 : 0xfff)),
			(draw(2) ? e.pfn : own_frame()) | (u64)e.key << EXO_STLB_KEY_SHIFT };
	for (unsigned n = 0; stlb_fault(self, va, fault); n++) {
		must(n < 8);		/* a pooled table takes some to empty */
		if (fake_touch(self, va, fault & FAULT_WRITE))
			return 1;
	}
	return -1;
}

static i64
op_pool(void)
{
	exo_pfn pfn = own_frame(), table = draw(8) ? pfn : draw(2) ? any_frame() : 0;

	sys_frame_claim(self, pfn, 3, accounts[who], 0, K_OWN, 0);
	return sys_stlb_pool(self, any_env(), draw(4), table, draw(9) ? pfn + 1 : any_frame(),
		any_key());
}

static i64
op_region(void)
{
	u64 region = (draw(3) ? any_of(EXO_FRAME_REGION) : own_frame()) << EXO_PAGE_SHIFT;

	return draw(4) ? sys_region_copy(self, region + draw(3072), any_frame() << EXO_PAGE_SHIFT,
				 1 + draw(700), draw(2), any_key(), any_key())
		       : sys_region_guard(self, own_frame(), draw(EXO_REGION_LINES), 1 + draw(9),
				 any_guard(), any_key(), any_key());
}

static i64
op_repossess(void)
{
	exo_pfn pfn = draw(3) ? any_frame() : any_of(EXO_FRAME_LOST);

	fake_now += draw(EXO_REPOSSESS_NS);
	switch (draw(8)) {
	case 0: return sys_repossess(self, pfn, ~0ull, any_key());
	case 1: return sys_repossess(root, pfn, 0, K_OWN);
	case 2: return sys_account_watch(self, any_frame(), any_env(), any_key(), any_key());
	case 3:
	case 4: return sys_repossess(root, pfn, fake_now + EXO_REPOSSESS_NS * (1 + draw(3)), K_OWN);
	default: return sys_repossess_take(root, pfn, K_OWN);
	}
}

static i64
op_debt(void)
{
	exo_pfn account = accounts[draw(PEOPLE)], at = account_of(account)->vector;
	u64 soon = (fake_now += draw(EXO_REPOSSESS_NS)) + EXO_REPOSSESS_NS;
	struct exo_vector *vector = frame_ptr(at);

	if (at && frames[at].kind == EXO_FRAME_DATA)
		vector->spare[vector->named++ % EXO_SPARES] = own_frame();
	switch (draw(5)) {
	case 0: return sys_account_ask(root, account, 1 + draw(20), soon, K_OWN);
	case 1: return sys_account_ask(root, account, 0, draw(2) ? soon : 0, K_OWN);
	case 2: return sys_account_guarantee(root, account, (i64)draw(9) - 4, any_key());
	case 3: return sys_account_vector(self, account, own_frame(), any_key());
	default: return sys_repossess_take(root, any_frame(), K_OWN);
	}
}

static i64
op_clone(void)
{
	return sys_pt_clone(self, any_env(), any_va(), 1 + draw(1000), any_key());
}

static i64
op_account(void)
{
	switch (draw(4)) {
	case 0:
		return sys_account_create(self, own_frame(), accounts[who], draw(10), any_guard(),
			K_OWN, any_key());
	case 1: return sys_account_limit(self, any_frame(), (i64)draw(9) - 4, any_key());
	case 2: return sys_frame_claim(self, any_frame(), 1, any_frame(), 0, any_key(), 0);
	default: return sys_account_reap(self, own_frame(), 1 + draw(20), any_key());
	}
}

static i64
op_touch(void)
{
	return fake_touch(self, any_va(), draw(2)) ? 1 : -1;
}

static i64
op_pin(void)
{
	struct exo_frame *frame = &frames[own_frame()];

	if (frame->pins && draw(2))
		frame->pins--;
	else if (frame->kind == EXO_FRAME_DATA && frame->pins < 2 && draw(4) == 0)
		frame->pins++;
	return 0;
}

static i64 (*const operations[])(void) = {
	op_claim,
	op_release,
	op_guard,
	op_mark,
	op_unbind,
	op_guard_create,
	op_guard_end,
	op_bind,
	op_key,
	op_install,
	op_remove,
	op_map,
	op_map,
	op_map,
	op_map_own,
	op_map,
	op_clone,
	op_stlb,
	op_stlb,
	op_pool,
	op_region,
	op_account,
	op_repossess,
	op_repossess,
	op_debt,
	op_touch,
	op_pin
};
#define KINDS (sizeof operations / sizeof *operations)

/* An account and an environment in it; its key's name is one letter, and it holds another's key at times. */
static void
live(unsigned n)
{
	const char name[2] = { (char)('a' + n), 0 }, other[2] = { (char)('a' + draw(PEOPLE)), 0 };

	accounts[n] = fake_own(root);
	fake_key(root, K_FREE, name, EXO_RIGHTS_ALL);
	must(sys_account_create(root, accounts[n], root_account, 160,
		     fake_guard(root, name, EXO_RIGHTS_ALL), K_OWN, K_FREE) == 0);
	people[n] = fake_env(10 + n, accounts[n]);
	fake_key(people[n], K_OWN, name, EXO_RIGHTS_ALL);
	fake_key(people[n], K_OTHER, other, EXO_R | EXO_W | (u32)draw(64));
	fake_key(people[n], K_WEAK, "M", EXO_R | EXO_W);
	for (unsigned region = 0; region < REGIONS; region++)
		fake_tables(people[n], 0x400000 + region * 0x200000);
}

/* The accounts below n's, deepest first, then n's own: as a process server would. */
static void
reap_tree(exo_pfn account)
{
	bool again = true;
	i64 result;

	while (again) {
		again = false;
		do
			result = sys_account_reap(root, account, 1 + draw(50), K_OWN);
		while (result > 0);
		for (exo_pfn pfn = 0; pfn < frames_count && result < 0; pfn++)
			if (frames[pfn].kind == EXO_FRAME_ACCOUNT &&
				frames[pfn].account == account && pfn != account) {
				reap_tree(pfn);
				again = true;
			}
	}
	must(account_of(account)->used == 0);
}

static void
die(unsigned n)
{
	for (unsigned frame = 0; frame < FRAMES; frame++)
		frames[frame].pins = 0;
	fake_die(people[n]);
	/* root's key reaches everything once the accounts' own guards are gone */
	for (exo_pfn pfn = 0; pfn < frames_count; pfn++)
		if (frames[pfn].kind == EXO_FRAME_ACCOUNT && pfn != root_account)
			account_of(pfn)->guard_serial =
				frames[pfn].account == root_account && pfn != accounts[n]
				? account_of(pfn)->guard_serial
				: 0;
	reap_tree(accounts[n]);
	must(sys_frame_release(root, accounts[n], 1, K_OWN) == 1);
}

/* A table where there is none; what is not needed goes back. */
static void
furnish(u64 where)
{
	exo_pfn run = fake_own_run(self, 3);

	if (sys_pt_install(self, self->id, where, run, run + 1, 0, 0) < 0)
		must(sys_frame_release(self, run, 3, K_OWN) == 3);
}

static void
turn(unsigned n)
{
	who = n;
	self = people[n];
	arch_flush_all();		/* the other address space is loaded */
	for (u64 va = 0x400000; va < 0x400000 + REGIONS * 0x200000; va += 0x200000)
		if (fake_pte(self, va) == NULL && fake_unused() > 500)
			for (u64 level = 3; level > 0; level--)
				furnish(va | level | EXO_PT_WRITE);
}

static void
run(void)
{
	fake_part = part;
	for (unsigned n = 0; n < OPERATIONS; n++) {
		unsigned kind = (unsigned)draw(KINDS);

		cpus_count = 1 + (u32)draw(2);
		if (draw(20) == 0)
			turn((unsigned)draw(PEOPLE));
		tried[kind]++;
		succeeded[kind] += operations[kind]() >= 0;
		must(env_lock.word == 0 && mem_lock.word == 0);
		fake_tlb_check(self);
		if (n % SWEEP == 0) {
			mem_check();
			cap_check();
		}
		if (draw(2000) == 0) {
			unsigned victim = (unsigned)draw(PEOPLE);

			die(victim);
			live(victim);
			turn(victim);
		}
	}
	cpus_count = 1;

	holds("enough is done under a part of the lock", changes > 300);
}

int
main(void)
{
	u64 unused;
	char what[64];

	fake_start();
	for (unsigned n = 0; n < PEOPLE; n++)
		windows[n] = 1100 + 64 * n;
	must(sys_account_limit(root, alice_account, -500, K_OWN) == 0);
	must(sys_account_limit(root, bob_account, -300, K_OWN) == 0);
	unused = fake_unused();
	for (unsigned n = 0; n < PEOPLE; n++)
		live(n);
	turn(0);
	run();
	for (unsigned n = 0; n < PEOPLE; n++)
		die(n);
	for (exo_pfn pfn = 0; pfn < frames_count; pfn++)	/* let go of when asked for */
		if (frames[pfn].kind == EXO_FRAME_LOST)
			must(sys_repossess_take(root, pfn, K_OWN) == 1);
	for (exo_pfn pfn = 0; pfn < frames_count; pfn++)	/* the guards of the accounts */
		if (frames[pfn].kind == EXO_FRAME_GUARD && frames[pfn].account == root_account &&
			pfn != alice_guard / EXO_GUARDS_FRAME &&
			pfn != bob_guard / EXO_GUARDS_FRAME) {
			must(sys_guard_free(root, EXO_GUARD(pfn, 3), K_OWN) == 0);
			must(sys_frame_release(root, pfn, 1, K_OWN) == 1);
		}
	gives("no frame is lost", (i64)fake_unused(), (i64)unused);
	gives("claimed frames are clean", (i64)dirty_claims, 0);
	for (unsigned n = 0; n < KINDS; n++) {
		snprintf(what, sizeof what, "operation %u: %u of %u succeeded", n, succeeded[n],
			tried[n]);
		holds(what, succeeded[n] > 0);
	}
	return fake_end();
}
