/* SPDX-License-Identifier: ISC */
/* Linux's rules for ids and capabilities: pure, for the server, the library and the unit test. */
#include "cred.h"
#include <errno.h>

#define NONE (~0u)
/* What setfsuid turns */
#define CAP_FS_MASK (CAP_FILES | CAP_BIT(9) | CAP_BIT(CAP_MKNOD) | CAP_BIT(32))

/* ---- capabilities follow the user ids --------------------------------------------------- */

static bool
any_root(const uint32_t uid[CRED_IDS])
{
	return uid[CRED_REAL] == 0 || uid[CRED_EFFECTIVE] == 0 || uid[CRED_SAVED] == 0;
}

static void
caps_follow(struct sh_cred *c, const uint32_t was[CRED_IDS])
{
	if (any_root(was) && !any_root(c->uid) && !(c->flags & CRED_KEEPCAPS))
		c->permitted = c->effective = 0;
	if (was[CRED_EFFECTIVE] == 0 && c->uid[CRED_EFFECTIVE] != 0)
		c->effective = 0;
	if (was[CRED_EFFECTIVE] != 0 && c->uid[CRED_EFFECTIVE] == 0)
		c->effective = c->permitted;
}

static void
caps_follow_fs(struct sh_cred *c, uint32_t was)
{
	if (was == 0 && c->uid[CRED_FS] != 0)
		c->effective &= ~CAP_FS_MASK;
	if (was != 0 && c->uid[CRED_FS] == 0)
		c->effective |= c->permitted & CAP_FS_MASK;
}

/* ---- ids: the same for users and groups -------------------------------------------------- */

static int
set_all(uint32_t id[CRED_IDS], bool may, uint32_t to)
{
	if (to == NONE)
		return -EINVAL;
	if (!may && to != id[CRED_REAL] && to != id[CRED_SAVED])
		return -EPERM;
	if (may)
		id[CRED_REAL] = id[CRED_SAVED] = to;
	id[CRED_EFFECTIVE] = id[CRED_FS] = to;
	return 0;
}

static int
set_two(uint32_t id[CRED_IDS], bool may, uint32_t real, uint32_t effective)
{
	const uint32_t was = id[CRED_REAL];

	if (!may && real != NONE && real != was && real != id[CRED_EFFECTIVE])
		return -EPERM;
	if (!may && effective != NONE && effective != was && effective != id[CRED_EFFECTIVE]
		&& effective != id[CRED_SAVED])
		return -EPERM;
	if (real != NONE)
		id[CRED_REAL] = real;
	if (effective != NONE)
		id[CRED_EFFECTIVE] = effective;
	if (real != NONE || (effective != NONE && effective != was))
		id[CRED_SAVED] = id[CRED_EFFECTIVE];
	id[CRED_FS] = id[CRED_EFFECTIVE];
	return 0;
}

static bool
is_one_of(const uint32_t id[CRED_IDS], uint32_t value)
{
	return value == NONE || value == id[CRED_REAL] || value == id[CRED_EFFECTIVE]
		|| value == id[CRED_SAVED];
}

static int
set_three(uint32_t id[CRED_IDS], bool may, const uint32_t to[3])
{
	for (unsigned n = 0; n < 3; n++)
		if (!may && !is_one_of(id, to[n]))
			return -EPERM;
	for (unsigned n = 0; n < 3; n++)
		if (to[n] != NONE)
			id[n] = to[n];
	id[CRED_FS] = id[CRED_EFFECTIVE];
	return 0;
}

static long
set_fs(uint32_t id[CRED_IDS], bool may, uint32_t to)
{
	const uint32_t was = id[CRED_FS];

	if (to != NONE && (may || to == was || is_one_of(id, to)))
		id[CRED_FS] = to;
	return was;
}

static long
set_ids(uint32_t id[CRED_IDS], uint32_t op, bool may, const uint32_t to[3])
{
	switch (op) {
	case CRED_SETUID: return set_all(id, may, to[0]);
	case CRED_SETREUID: return set_two(id, may, to[0], to[1]);
	case CRED_SETRESUID: return set_three(id, may, to);
	default: return set_fs(id, may, to[0]);
	}
}

/* A process that changed what it may read is not to be looked into, nor ended with its parent. */
static void
touched(struct sh_cred *c)
{
	c->flags &= ~CRED_DUMPABLE;
	c->death_signal = 0;
}

static bool
acts_as_before(const uint32_t a[CRED_IDS], const uint32_t b[CRED_IDS])
{
	return a[CRED_EFFECTIVE] == b[CRED_EFFECTIVE] && a[CRED_FS] == b[CRED_FS];
}

static long
set_users(struct sh_cred *c, uint32_t op, const uint32_t to[3])
{
	uint32_t was[CRED_IDS];
	long result;

	__builtin_memcpy(was, c->uid, sizeof(was));
	result = set_ids(c->uid, op, cred_can(c, CAP_SETUID), to);
	if (result < 0)
		return result;
	if (op == CRED_SETFSUID)
		caps_follow_fs(c, was[CRED_FS]);
	else
		caps_follow(c, was);
	if (!acts_as_before(was, c->uid))
		touched(c);
	return result;
}

static long
set_group_ids(struct sh_cred *c, uint32_t op, const uint32_t to[3])
{
	uint32_t was[CRED_IDS];
	long result;

	__builtin_memcpy(was, c->gid, sizeof(was));
	result = set_ids(c->gid, op - CRED_SETGID, cred_can(c, CAP_SETGID), to);
	if (result >= 0 && !acts_as_before(was, c->gid))
		touched(c);
	return result;
}

/* ---- the rest --------------------------------------------------------------------------------- */

static long
set_groups(struct sh_cred *c, uint64_t count, const uint32_t *list)
{
	if (!cred_can(c, CAP_SETGID))
		return -EPERM;
	if (count > CRED_GROUPS)
		return -EINVAL;
	__builtin_memset(c->group, 0, sizeof(c->group));
	for (unsigned n = 0; n < count; n++) {	/* sorted, as Linux shows them */
		unsigned at = n;

		for (; at && c->group[at - 1] > list[n]; at--)
			c->group[at] = c->group[at - 1];
		c->group[at] = list[n];
	}
	c->groups = (uint32_t)count;
	return 0;
}

static long
set_caps(struct sh_cred *c, uint64_t effective, uint64_t permitted, uint64_t inheritable)
{
	const uint64_t gain = cred_can(c, CAP_SETPCAP) ? c->bounding : 0;

	effective &= CAP_ALL;
	permitted &= CAP_ALL;
	inheritable &= CAP_ALL;
	if (inheritable & ~(c->inheritable | c->permitted | gain) ||
		inheritable & ~(c->inheritable | c->bounding) || permitted & ~c->permitted ||
		effective & ~permitted)
		return -EPERM;
	c->effective = effective;
	c->permitted = permitted;
	c->inheritable = inheritable;
	return 0;
}

static long
drop_cap(struct sh_cred *c, uint64_t which)
{
	if (!cred_can(c, CAP_SETPCAP))
		return -EPERM;
	if (which > CAP_LAST)
		return -EINVAL;
	c->bounding &= ~CAP_BIT(which);
	return 0;
}

static long
set_flag(struct sh_cred *c, uint64_t flag, bool on)
{
	if (flag != CRED_NO_NEW_PRIVS && flag != CRED_KEEPCAPS && flag != CRED_DUMPABLE &&
		flag != CRED_SUBREAPER)
		return -EINVAL;
	if (flag == CRED_NO_NEW_PRIVS && !on)
		return -EINVAL;
	c->flags = on ? c->flags | (uint32_t)flag : c->flags & ~(uint32_t)flag;
	return 0;
}

/*
 * Files have no capabilities of their own: user 0 gets all, others lose what they
 * kept.  Who is to gain nothing, and would, keeps at most what it had, as its real user.
 */
static long
exec(struct sh_cred *c)
{
	const bool root = c->uid[CRED_REAL] == 0 || c->uid[CRED_EFFECTIVE] == 0,
		   acts = c->uid[CRED_EFFECTIVE] == 0;
	const uint64_t had = c->permitted;

	c->permitted = root ? c->bounding | c->inheritable : 0;
	if (c->flags & CRED_NO_NEW_PRIVS && c->permitted & ~had) {
		c->permitted &= had;
		c->uid[CRED_EFFECTIVE] = c->uid[CRED_REAL];
		c->gid[CRED_EFFECTIVE] = c->gid[CRED_REAL];
	}
	c->uid[CRED_SAVED] = c->uid[CRED_FS] = c->uid[CRED_EFFECTIVE];
	c->gid[CRED_SAVED] = c->gid[CRED_FS] = c->gid[CRED_EFFECTIVE];
	c->effective = acts ? c->permitted : 0;
	c->flags &= ~CRED_KEEPCAPS;
	c->flags &= ~CRED_DUMPABLE;
	if (c->uid[CRED_REAL] == c->uid[CRED_EFFECTIVE] &&
		c->gid[CRED_REAL] == c->gid[CRED_EFFECTIVE])
		c->flags |= CRED_DUMPABLE;
	c->flags |= CRED_EXECD;
	return 0;
}

#define SET_UID 04000u
#define SET_GID 02000u
#define PERSONALITY_UNSAFE 0x0740000u	/* layouts that make attacks easier */
#define LIMIT_STACK 3
#define STACK_BYTES (8ull << 20)

bool
cred_setid(struct sh_cred *c, uint32_t mode, uint32_t uid, uint32_t gid)
{
	const uint32_t euid = c->uid[CRED_EFFECTIVE], egid = c->gid[CRED_EFFECTIVE];
	const bool user = mode & SET_UID, group = (mode & (SET_GID | 010)) == (SET_GID | 010);

	if (c->flags & CRED_NO_NEW_PRIVS || !((user && uid != euid) || (group && gid != egid)))
		return false;
	if (user)
		c->uid[CRED_EFFECTIVE] = uid;
	if (group)
		c->gid[CRED_EFFECTIVE] = gid;
	exec(c);
	touched(c);
	c->personality &= ~PERSONALITY_UNSAFE;
	if (c->limit[LIMIT_STACK][0] > STACK_BYTES)
		c->limit[LIMIT_STACK][0] = STACK_BYTES;
	return true;
}

long
cred_change(struct sh_cred *c, uint32_t op, uint64_t a, uint64_t b, uint64_t arg,
	const uint32_t *list)
{
	const uint32_t to[3] = { (uint32_t)a, (uint32_t)b, (uint32_t)arg };

	if (op <= CRED_SETFSUID)
		return set_users(c, op, to);
	if (op <= CRED_SETFSGID)
		return set_group_ids(c, op, to);
	switch (op) {
	case CRED_SETGROUPS: return set_groups(c, a, list);
	case CRED_SETCAPS: return set_caps(c, a, b, arg);
	case CRED_DROPCAP: return drop_cap(c, a);
	case CRED_FLAG: return set_flag(c, a, b != 0);
	case CRED_DEATHSIG:
		if (a > 64)
			return -EINVAL;
		c->death_signal = (uint32_t)a;
		return 0;
	case CRED_PERSONA: c->personality = (uint32_t)a; return 0;
	case CRED_EXEC: return exec(c);
	default: return -EINVAL;
	}
}

uint32_t
cred_keys(const struct sh_cred *a, const struct sh_cred *b)
{
	uint32_t differ = 0;

	if (a->uid[CRED_FS] != b->uid[CRED_FS])
		differ |= CRED_KEY_USER;
	if (a->gid[CRED_FS] != b->gid[CRED_FS])
		differ |= CRED_KEY_GROUP;
	if (a->groups != b->groups || __builtin_memcmp(a->group, b->group, sizeof(a->group)))
		differ |= CRED_KEY_GROUPS;
	if (cred_root(a) != cred_root(b))
		differ |= CRED_KEY_ROOT;
	return differ;
}

bool
cred_in_group(const struct sh_cred *c, uint32_t gid)
{
	if (c->gid[CRED_FS] == gid)
		return true;
	for (uint32_t n = 0; n < c->groups && n < CRED_GROUPS; n++)
		if (c->group[n] == gid)
			return true;
	return false;
}

uint32_t
cred_bits(const struct sh_cred *c, uint32_t uid, uint32_t gid, uint32_t mode)
{
	if (cred_root(c))
		return mode & 0111 || (mode & 0170000) == 0040000 ? 7 : 6;
	if (c->uid[CRED_FS] == uid)
		return mode >> 6 & 7;
	return cred_in_group(c, gid) ? mode >> 3 & 7 : mode & 7;
}

/* ---- over others ---------------------------------------------------------------------------------- */

bool
cred_may_look(const struct sh_cred *from, const struct sh_cred *to)
{
	if (from == to || cred_can(from, CAP_SYS_PTRACE))
		return true;
	for (unsigned which = 0; which < CRED_FS; which++)
		if (to->uid[which] != from->uid[CRED_FS] || to->gid[which] != from->gid[CRED_FS])
			return false;
	return to->flags & CRED_DUMPABLE && (to->permitted & ~from->effective) == 0;
}

bool
cred_may_tune(const struct sh_cred *from, const struct sh_cred *to)
{
	return cred_can(from, CAP_DAC_OVERRIDE) ||
		from->uid[CRED_FS] == (to->flags & CRED_DUMPABLE ? to->uid[CRED_EFFECTIVE] : 0);
}

bool
cred_may_signal(const struct sh_cred *from, const struct sh_cred *to)
{
	const uint32_t real = from->uid[CRED_REAL], effective = from->uid[CRED_EFFECTIVE];

	return cred_can(from, CAP_KILL) || effective == to->uid[CRED_SAVED] ||
		effective == to->uid[CRED_REAL] || real == to->uid[CRED_SAVED] ||
		real == to->uid[CRED_REAL];
}

bool
cred_may_renice(const struct sh_cred *from, const struct sh_cred *to)
{
	const uint32_t effective = from->uid[CRED_EFFECTIVE];

	return cred_can(from, CAP_SYS_NICE) || effective == to->uid[CRED_REAL] ||
		effective == to->uid[CRED_EFFECTIVE];
}

bool
cred_may_limit(const struct sh_cred *from, const struct sh_cred *to)
{
	const uint32_t uid = from->uid[CRED_REAL], gid = from->gid[CRED_REAL];

	return from == to || cred_can(from, CAP_SYS_RESOURCE) ||
		(uid == to->uid[CRED_REAL] && uid == to->uid[CRED_EFFECTIVE] &&
			uid == to->uid[CRED_SAVED] && gid == to->gid[CRED_REAL] &&
			gid == to->gid[CRED_EFFECTIVE] && gid == to->gid[CRED_SAVED]);
}

int
cred_limit(struct sh_cred *to, const struct sh_cred *from, uint32_t which, const uint64_t want[2])
{
	if (which >= CRED_LIMITS || want[0] > want[1])
		return -EINVAL;
	if (which == RLIMIT_NOFILE_ && want[1] > CRED_NOFILE_MAX)
		return -EPERM;
	if (want[1] > to->limit[which][1] && !cred_can(from, CAP_SYS_RESOURCE))
		return -EPERM;
	to->limit[which][0] = want[0];
	to->limit[which][1] = want[1];
	return 0;
}

void
cred_first(struct sh_cred *c)
{
	static const uint64_t none = ~0ull;
	static const uint64_t first[CRED_LIMITS][2] = {
		{ none, none },			/* CPU */
		{ none, none },			/* FSIZE */
		{ none, none },			/* DATA */
		{ 8ull << 20, none },		/* STACK */
		{ 0, none },			/* CORE */
		{ none, none },			/* RSS */
		{ 1024, 1024 },			/* NPROC: rows of the process table */
		{ 1024, CRED_NOFILE_MAX },	/* NOFILE */
		{ 8ull << 20, 8ull << 20 },	/* MEMLOCK */
		{ none, none },			/* AS */
		{ none, none },			/* LOCKS */
		{ 4096, 4096 },			/* SIGPENDING: of all of a user's processes */
		{ 819200, 819200 },		/* MSGQUEUE */
		{ 0, 0 },			/* NICE */
		{ 0, 0 },			/* RTPRIO */
		{ none, none },			/* RTTIME */
	};

	*c = (struct sh_cred){
		.permitted = CAP_ALL, .effective = CAP_ALL, .bounding = CAP_ALL,
		.flags = CRED_DUMPABLE, .exit_signal = 17, .core_filter = 0x33,
	};
	__builtin_memcpy(c->limit, first, sizeof(first));
}
