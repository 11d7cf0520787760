/* SPDX-License-Identifier: ISC */
/* env_create, env_activate, env_destroy. */
#include "t.h"

#define FRAMES (exo_info()->frames)

static struct exo_env_spec spec;
static exo_pfn account, base;

static void
sleeper(uint64_t arg)
{
	(void)arg;
	for (;;)
		exo_wait_for(NULL, 0, 0, 0);
}

/* An account with 12 frames, and a spec that would be accepted. */
static void
prepare(void)
{
	account = t_claim(1);
	OK(exo_account_create(account, ROOT_ACCOUNT, 12, 0, K_ROOT, 0));
	base = exo_frame_find(0, 12);
	IS(exo_frame_claim_all(base, 12, account, 0, K_ROOT, 0), 12);
	spec = (struct exo_env_spec){ .slot = exo_env_find_slot(), .k_account = K_ROOT,
		.account = account, .env_frame = base, .root_frame = base + 1,
		.root_links = base + 2, .ring_frame = base + 4 };
}

static void
finish(void)
{
	int64_t done;

	do {
		done = exo_account_reap(account, 16, K_ROOT);
	} while (done > 0);
	IS(done, 0);
	t_release(account, 1);
}

static int64_t
create_with(struct exo_env_spec changed)
{
	return exo_env_create(&changed);
}

#define WITH(field, value) ({ struct exo_env_spec s_ = spec; s_.field = (value); create_with(s_); })

TEST(create_errors)
{
	exo_pfn foreign = t_claim(2);

	prepare();
	ERR(exo_env_create((void *)T_VA), FAULT);
	ERR(exo_env_create((void *)EXO_TABLES_END), FAULT);
	ERR(WITH(spare, 1), ARG);
	ERR(WITH(slot, 0), RANGE);
	ERR(WITH(slot, exo_info()->table[EXO_T_ENVS].count), RANGE);
	ERR(WITH(slot, 0xffffffff), RANGE);
	ERR(WITH(slot, EXO_ENV_SLOT(exo_self())), TAKEN);
	ERR(WITH(account, FRAMES), RANGE);
	ERR(WITH(account, foreign), KIND);
	ERR(WITH(k_account, K_NONE), KEY);
	ERR(WITH(k_account, K_NOTHING), RIGHTS);
	ERR(WITH(k_account, K_WRITE), RIGHTS);
	ERR(WITH(env_frame, FRAMES), RANGE);
	ERR(WITH(env_frame, foreign), OWNER);
	ERR(WITH(root_frame, base), ARG);
	ERR(WITH(ring_frame, base + 3), ARG);
	CHECK(WITH(root_links, FRAMES - 1) < 0);
	ERR(WITH(root_links, ~0ull), RANGE);
	ERR(WITH(root_links, foreign), OWNER);
	ERR(WITH(ring_frame, account), KIND);
	ERR(WITH(guard, EXO_GUARD(foreign, 0)), ABSENT);
	IS(t_map(T_VA, base + 4, 0), 1);
	ERR(exo_env_create(&spec), BUSY);
	IS(t_unmap(T_VA), 1);
	for (exo_pfn pfn = base; pfn < base + 12; pfn++)
		IS(exo_frame(pfn)->kind, EXO_FRAME_DATA);
	finish();
	t_release(foreign, 2);
}

TEST(create_and_activate)
{
	struct exo_act_spec act = { .uarea_va = EXO_BOOT_UAREA };
	exo_pfn foreign = t_claim(1);
	exo_envid id;

	prepare();
	id = (exo_envid)exo_env_create(&spec);
	CHECK((int64_t)id > 0);
	IS(EXO_ENV_SLOT(id), spec.slot);
	IS(exo_env(id)->state, EXO_ENV_ALIVE);
	IS(exo_env(id)->account, account);
	IS(exo_frame(base)->kind, EXO_FRAME_ENV);
	IS(exo_frame(base + 1)->kind, EXO_FRAME_ROOT);
	IS(exo_frame(base + 2)->kind, EXO_FRAME_LINKS);
	IS(exo_frame(base + 3)->kind, EXO_FRAME_LINKS);
	IS(exo_frame(base + 4)->kind, EXO_FRAME_RING);
	ERR(exo_env_create(&spec), TAKEN);
	ERR(WITH(slot, exo_env_find_slot()), KIND);
	ERR(exo_post(id, 1, K_ROOT), ABSENT);

	act.uarea_frame = base + 5;
	act.act_frame = base + 6;
	ERR(exo_env_activate(id, (void *)T_VA, K_ROOT), FAULT);
	ERR(exo_env_activate(id + 0x10000, &act, K_ROOT), STALE);
	ERR(exo_env_activate(id, &act, K_NONE), KEY);
	ERR(exo_env_activate(id, &act, K_CONTROL), RIGHTS);
	act.cpu = exo_info()->cpus;
	ERR(exo_env_activate(id, &act, K_ROOT), RANGE);
	act.cpu = 0;
	act.spare = 1;
	ERR(exo_env_activate(id, &act, K_ROOT), ARG);
	act.spare = 0;
	act.uarea_va = EXO_USER_TOP;
	ERR(exo_env_activate(id, &act, K_ROOT), RANGE);
	act.uarea_va = 0xffff800000000000;
	ERR(exo_env_activate(id, &act, K_ROOT), RANGE);
	act.uarea_va = EXO_BOOT_UAREA;
	act.uarea_frame = base + 6;
	CHECK(exo_env_activate(id, &act, K_ROOT) < 0);
	act.uarea_frame = base;
	ERR(exo_env_activate(id, &act, K_ROOT), KIND);
	act.uarea_frame = ROOT_ACCOUNT;
	ERR(exo_env_activate(id, &act, K_ROOT), KIND);
	act.uarea_frame = foreign;
	ERR(exo_env_activate(id, &act, K_ROOT), OWNER);
	act.uarea_frame = FRAMES;
	ERR(exo_env_activate(id, &act, K_ROOT), RANGE);
	act.uarea_frame = base + 5;
	IS(t_map(T_VA, base + 5, EXO_MAP_WRITE), 1);	/* ours: not the environment's account's */
	ERR(exo_env_activate(id, &act, K_ROOT), BUSY);
	IS(t_unmap(T_VA), 1);
	OK(exo_env_activate(id, &act, K_WRITE));
	ERR(exo_env_activate(id, &act, K_ROOT), TAKEN);
	IS(exo_frame(base + 5)->kind, EXO_FRAME_UAREA);
	IS(exo_frame(base + 6)->kind, EXO_FRAME_ACT);
	/* Nobody else's: not even readable. */
	CHECK(t_map(T_VA, base + 5, 0) < 0);
	CHECK(t_map(T_VA, base + 6, 0) < 0);
	CHECK(t_map(T_VA, base, 0) < 0);
	OK(exo_env_destroy(id, 5, K_CONTROL));
	IS(exo_env(id)->state, EXO_ENV_DEAD);
	IS(exo_env(id)->reason, T_EXIT(5));
	ERR(exo_env_activate(id, &act, K_ROOT), DEAD);
	finish();
	t_release(foreign, 1);
	CHECK(exo_env(id) == NULL);
}

/* Without reaping the account: what is dead is let go of frame by frame, what lives is not. */
TEST(release_of_the_dead)
{
	struct exo_act_spec act;
	exo_envid id;

	prepare();
	id = (exo_envid)exo_env_create(&spec);
	CHECK((int64_t)id > 0);
	act = (struct exo_act_spec){ .uarea_va = T_VA, .uarea_frame = base + 5,
		.act_frame = base + 6 };
	OK(exo_env_activate(id, &act, K_ROOT));
	for (exo_pfn pfn = base; pfn < base + 7; pfn++)
		if (exo_frame(pfn)->kind != EXO_FRAME_LINKS)
			ERR(exo_frame_release(pfn, 1, K_ROOT), BUSY);
	OK(exo_env_destroy(id, 0, K_ROOT));
	ERR(exo_frame_release(base, 1, K_NOTHING), RIGHTS);
	ERR(exo_frame_release(base + 4, 1, K_ROOT), BUSY);	/* not taken apart yet */
	while (exo_frame_release(base, 1, K_ROOT) == 0)
		;
	CHECK(exo_env(id) == NULL);
	ERR(exo_frame_release(base, 1, K_ROOT), BUSY);		/* the others are still there */
	IS(exo_frame_release(base + 1, 1, K_ROOT), 1);
	IS(exo_frame_release_all(base + 4, 3, K_ROOT), 3);
	IS(exo_frame_release(base, 1, K_ROOT), 1);
	for (exo_pfn pfn = base; pfn < base + 7; pfn++)
		IS(exo_frame(pfn)->kind, EXO_FRAME_FREE);
	finish();
}

TEST(destroy_errors)
{
	struct t_child c;

	if (!t_child(&c, sleeper, 0, 0))
		return;
	ERR(exo_env_destroy(c.id + 0x10000, 0, K_ROOT), STALE);
	ERR(exo_env_destroy(0, 0, K_ROOT), STALE);
	ERR(exo_env_destroy(~0ull, 0, K_ROOT), STALE);
	ERR(exo_env_destroy(c.id, 0, K_NONE), KEY);
	ERR(exo_env_destroy(c.id, 0, K_NOTHING), RIGHTS);
	ERR(exo_env_destroy(c.id, 0, K_WRITE), RIGHTS);
	OK(exo_env_destroy(c.id, 0, K_ROOT));
	ERR(exo_env_destroy(c.id, 0, K_ROOT), DEAD);
	t_reap(&c);
	ERR(exo_env_destroy(c.id, 0, K_ROOT), STALE);
}

TEST(guard_of_an_environment)
{
	struct exo_key entries[EXO_GUARD_KEYS] = { t_key(EXO_P, "Z"), t_key(EXO_RIGHTS_ALL, "") };
	exo_pfn guards = t_claim(1);
	exo_envid id;

	prepare();
	OK(exo_guard_create(EXO_GUARD(guards, 0), entries, K_ROOT));
	spec.guard = EXO_GUARD(guards, 0);
	spec.k_guard = K_NONE;
	ERR(exo_env_create(&spec), KEY);
	spec.k_guard = K_NOTHING;
	ERR(exo_env_create(&spec), RIGHTS);
	spec.k_guard = K_ROOT;
	id = (exo_envid)exo_env_create(&spec);
	CHECK((int64_t)id > 0);
	ERR(exo_post(id, 1, K_NOTHING), ABSENT);
	ERR(exo_env_destroy(id, 0, K_NOTHING), RIGHTS);
	OK(exo_env_destroy(id, 0, K_ROOT));
	finish();
	OK(exo_guard_free(EXO_GUARD(guards, 0), K_ROOT));
	t_release(guards, 1);
}

/* A name is a slot and a generation: the next one in the slot is somebody else. */
TEST(generations)
{
	struct t_child c;
	exo_envid first;

	if (!t_child(&c, sleeper, 0, 0))
		return;
	first = c.id;
	t_reap(&c);
	if (!t_child(&c, sleeper, 0, 0))
		return;
	IS(EXO_ENV_SLOT(c.id), EXO_ENV_SLOT(first));
	CHECK(c.id != first);
	ERR(exo_env_destroy(first, 0, K_ROOT), STALE);
	t_reap(&c);
}

TEST(deaths_are_counted)
{
	uint64_t deaths = exo_info()->deaths;
	struct t_child c;

	if (!t_child(&c, sleeper, 0, 0))
		return;
	OK(exo_env_destroy(c.id, 0, K_ROOT));
	IS(exo_info()->deaths, deaths + 1);
	t_reap(&c);
	IS(exo_info()->deaths, deaths + 1);
}
