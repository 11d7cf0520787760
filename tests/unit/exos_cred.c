/* SPDX-License-Identifier: ISC */
// sources: exos/server/cred.c
/*
 * Credentials: random sequences of every change, from random states.  Who may
 * be nobody but himself stays so; capabilities come from nowhere.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include "../../exos/server/cred.h"

static unsigned passed, failed;

static void
check(const char *name, bool good)
{
	printf(good ? "ok %s\n" : "FAIL %s: see the source\n", name);
	good ? passed++ : failed++;
}

static uint64_t state = 88172645463325252ull;

static uint64_t
draw(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	return state ^= state << 17;
}

static const uint32_t ids[] = { 0, 1, 1000, 2000, ~0u };

static uint32_t
id(void)
{
	return ids[draw() % 5];
}

static long
change(struct sh_cred *c)
{
	uint32_t list[CRED_GROUPS], op = (uint32_t)(draw() % (CRED_EXEC + 3));
	uint64_t a = id(), b = id(), arg = id();

	for (unsigned n = 0; n < CRED_GROUPS; n++)
		list[n] = id();
	if (op == CRED_SETGROUPS)
		a = draw() % (CRED_GROUPS + 3);
	if (op == CRED_SETCAPS)
		a = draw() & draw(), b = draw() | draw(), arg = draw() & draw();
	if (op == CRED_DROPCAP)
		a = draw() % 70;
	if (op == CRED_FLAG)
		a = draw() % 40, b = draw() % 2;
	return cred_change(c, op, a, b, arg, list);
}

static bool
has(const uint32_t of[CRED_IDS], uint32_t one)
{
	return of[0] == one || of[1] == one || of[2] == one;
}

/* One step of anybody; what must hold of it. */
static bool
step_ok(struct sh_cred *c)
{
	const struct sh_cred was = *c;
	const bool set_user = cred_can(c, CAP_SETUID), set_group = cred_can(c, CAP_SETGID);
	long result = change(c);
	bool good = true;

	if (result < 0)
		return memcmp(&was, c, sizeof(was)) == 0;	/* refused: nothing changed */
	for (unsigned n = 0; n < CRED_IDS; n++) {
		good &= set_user || has(was.uid, c->uid[n]) || c->uid[n] == was.uid[CRED_FS];
		good &= set_group || has(was.gid, c->gid[n]) || c->gid[n] == was.gid[CRED_FS];
		good &= c->uid[n] != ~0u && c->gid[n] != ~0u;
	}
	good &= set_group ||
		(c->groups == was.groups && !memcmp(c->group, was.group, sizeof(c->group)));
	good &= (c->effective & ~c->permitted) == 0;
	good &= (c->permitted & ~(was.permitted | was.bounding | was.inheritable)) == 0;
	good &= (c->bounding & ~was.bounding) == 0;
	good &= !(was.flags & CRED_NO_NEW_PRIVS) || c->flags & CRED_NO_NEW_PRIVS;
	good &= !(was.flags & CRED_NO_NEW_PRIVS) || (c->permitted & ~was.permitted) == 0;
	/* Capabilities are gained by being user 0 when another program starts, and in no other way. */
	good &= (c->permitted & ~was.permitted) == 0 || has(c->uid, 0);
	return good && c->groups <= CRED_GROUPS;
}

static void
random_steps(void)
{
	bool good = true, confined = true;

	for (unsigned n = 0; n < 20000; n++) {
		struct sh_cred c;

		cred_first(&c);
		for (unsigned i = 0; i < 12; i++)
			good &= step_ok(&c);
	}
	check("each step, from what it was", good);
	for (unsigned n = 0; n < 20000; n++) {
		struct sh_cred c;

		cred_first(&c);
		cred_change(&c, CRED_SETRESUID, 1000, 1000, 1000, NULL);
		for (unsigned i = 0; i < 20; i++)
			change(&c);
		for (unsigned i = 0; i < CRED_IDS; i++)
			confined &= c.uid[i] == 1000;
		confined &= c.permitted == 0 && c.effective == 0 && !cred_root(&c);
	}
	check("who gave up everything gets nothing back", confined);
}

static void
set_id(void)
{
	struct sh_cred c, before;

	cred_first(&c);
	cred_change(&c, CRED_SETRESUID, 1000, 1000, 1000, NULL);
	cred_change(&c, CRED_SETRESGID, 0, 0, 0, NULL);
	before = c;
	check("no bits, nobody else",
		!cred_setid(&c, 0755, 0, 0) && !memcmp(&c, &before, sizeof(c)));
	check("group bit without x", !cred_setid(&c, 02745, 0, 5));
	check("to the same group", !cred_setid(&c, 02755, 5, 0));
	check("to root",
		cred_setid(&c, 04755, 0, 5) && c.uid[CRED_REAL] == 1000 &&
			c.uid[CRED_EFFECTIVE] == 0 && c.uid[CRED_SAVED] == 0 &&
			c.uid[CRED_FS] == 0 && cred_root(&c) && !(c.flags & CRED_DUMPABLE));
	c = before;
	c.flags |= CRED_NO_NEW_PRIVS;
	check("no new privileges", !cred_setid(&c, 06755, 0, 5) && c.uid[CRED_EFFECTIVE] == 1000);
	cred_first(&c);
	cred_change(&c, CRED_SETCAPS, 1, 3, 0, NULL);
	cred_change(&c, CRED_FLAG, CRED_NO_NEW_PRIVS, 1, 0, NULL);
	check("nor for root that gave some up",
		cred_change(&c, CRED_EXEC, 0, 0, 0, NULL) == 0 && c.permitted == 3);
	c = before;
	c.bounding = 1;
	check("bounded", cred_setid(&c, 04755, 0, 5) && c.permitted == 1 && !cred_root(&c));
}

static void
classes(void)
{
	struct sh_cred c;
	const uint32_t group = 7;

	cred_first(&c);
	check("root reads, and runs what anybody may", cred_bits(&c, 5, 5, 0100000) == 6 &&
		cred_bits(&c, 5, 5, 0100001) == 7 && cred_bits(&c, 5, 5, 0040000) == 7);
	cred_change(&c, CRED_SETGROUPS, 1, 0, 0, &group);
	cred_change(&c, CRED_SETRESGID, 100, 100, 100, NULL);
	cred_change(&c, CRED_SETRESUID, 1000, 1000, 1000, NULL);
	check("the owner's bits and no others", cred_bits(&c, 1000, 7, 0100077) == 0);
	check("the group's, of each group",
		cred_bits(&c, 1, 100, 0100751) == 5 && cred_bits(&c, 1, 7, 0100751) == 5);
	check("the others'", cred_bits(&c, 1, 1, 0100751) == 1);
}

static void
limits(void)
{
	struct sh_cred root, user;
	const uint64_t less[2] = { 10, 20 }, more[2] = { 10, 30 }, wrong[2] = { 20, 10 },
		       files[2] = { 10, 1u << 30 };

	cred_first(&root);
	user = root;
	cred_change(&user, CRED_SETRESUID, 1000, 1000, 1000, NULL);
	check("lowered", cred_limit(&user, &user, 1, less) == 0 && user.limit[1][1] == 20);
	check("not raised", cred_limit(&user, &user, 1, more) == -EPERM && user.limit[1][1] == 20);
	check("raised by root", cred_limit(&user, &root, 1, more) == 0);
	check("soft above hard", cred_limit(&user, &root, 1, wrong) == -EINVAL);
	check("no such limit", cred_limit(&user, &root, CRED_LIMITS, less) == -EINVAL);
	check("more descriptors than there can be",
		cred_limit(&user, &root, RLIMIT_NOFILE_, files) == -EPERM);
	check("whose",
		cred_may_limit(&root, &user) && cred_may_limit(&user, &user) &&
			!cred_may_limit(&user, &root));
	check("signals", cred_may_signal(&root, &user) && !cred_may_signal(&user, &root));
	user.uid[CRED_SAVED] = 0;
	check("a saved id is not one that signals", !cred_may_signal(&user, &root));
}

static void
looking(void)
{
	struct sh_cred root, user, other;

	cred_first(&root);
	cred_first(&user);
	for (unsigned n = 0; n < CRED_IDS; n++)
		user.uid[n] = user.gid[n] = 1000;
	user.permitted = user.effective = 0;
	other = user;
	check("root looks", cred_may_look(&root, &user) && !cred_may_look(&user, &root));
	check("the same look", cred_may_look(&user, &other) && cred_may_tune(&user, &other));
	other.gid[CRED_SAVED] = 1;
	check("a group more is another",
		!cred_may_look(&user, &other) && cred_may_tune(&user, &other));
	other = user;
	other.uid[CRED_SAVED] = 0;
	check("a saved id is another", !cred_may_look(&user, &other));
	other = user;
	other.permitted = CAP_BIT(CAP_KILL);
	check("a capability more is more", !cred_may_look(&user, &other));
	user.permitted = other.permitted;
	check("it takes those in effect", !cred_may_look(&user, &other));
	user.effective = other.permitted;
	check("the same again", cred_may_look(&user, &other));
	other.flags &= ~CRED_DUMPABLE;
	check("not dumpable", !cred_may_look(&user, &other) && !cred_may_tune(&user, &other) &&
			cred_may_look(&other, &other) && cred_may_tune(&root, &other));
}

int
main(void)
{
	random_steps();
	looking();
	set_id();
	classes();
	limits();
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
