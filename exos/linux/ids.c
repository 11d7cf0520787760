/* SPDX-License-Identifier: ISC */
/*
 * Users, groups and capabilities.  The rules (server/cred.h) are gone through
 * on a copy; the keys that change are dropped, and the server puts others in
 * their place.
 */
#include "../fs/known.h"
#include "../core/self.h"
#include "../fs/fs.h"
#include "../proc/rlimit.h"
#include "calls.h"
#include "errno.h"

#define GROUPS_ROOM 65536		/* more than that Linux refuses, whoever asks */

/* ---- looking ----------------------------------------------------------------------------- */

long
sys_getuid(void)
{
	return CRED->uid[CRED_REAL];
}

long
sys_geteuid(void)
{
	return CRED->uid[CRED_EFFECTIVE];
}

long
sys_getgid(void)
{
	return CRED->gid[CRED_REAL];
}

long
sys_getegid(void)
{
	return CRED->gid[CRED_EFFECTIVE];
}

static long
three_out(const u64 to[3], const volatile u32 *id)
{
	for (unsigned n = 0; n < 3; n++) {
		const u32 value = id[n];

		if (copy_out(to[n], &value, sizeof(value)))
			return -EFAULT;
	}
	return 0;
}

long
sys_getresuid(long real, long effective, long saved)
{
	return three_out((const u64[]){ (u64)real, (u64)effective, (u64)saved }, CRED->uid);
}

long
sys_getresgid(long real, long effective, long saved)
{
	return three_out((const u64[]){ (u64)real, (u64)effective, (u64)saved }, CRED->gid);
}

long
sys_getgroups(long room, long list)
{
	const u32 count = CRED->groups;

	if ((int)room < 0 || ((int)room && (u32)room < count))
		return -EINVAL;
	if ((int)room && copy_out((u64)list, (const void *)(u64)CRED->group, count * sizeof(u32)))
		return -EFAULT;
	return count;
}

/* ---- changing ------------------------------------------------------------------------------ */

static void
keys_drop(const struct sh_cred *c, u32 which)
{
	if (which & CRED_KEY_USER)
		exo_key_drop(KEY_USER, 1);
	if (which & CRED_KEY_GROUP)
		exo_key_drop(KEY_GROUP, 1);
	if (which & CRED_KEY_GROUPS && c->groups)
		exo_key_drop(KEY_GROUPS, c->groups);
	if (which & CRED_KEY_ROOT && cred_root(c))
		exo_key_drop(KEY_ROOT, 1);
}

static struct sh_cred
own_cred(void)
{
	struct sh_cred c;

	memcpy(&c, (const void *)(u64)CRED, sizeof(c));
	return c;
}

long
cred_ask(u32 op, u64 a, u64 b, u64 c, const u32 *list)
{
	const struct sh_cred now = own_cred();
	struct sh_cred next = now;
	long result = cred_change(&next, op, a, b, c, list);
	u32 keys;

	if (result < 0 || memcmp(&now, &next, sizeof(now)) == 0)
		return result;
	keys = cred_keys(&now, &next);
	if (keys)
		fs_part(&next);
	if (list)
		memcpy(COMM, list, CRED_GROUPS * sizeof(*list));
	keys_drop(&now, keys);
	result = server_call(OP_CRED, op, a, b, c, 0, NULL);
	known_forget();
	if (next.uid[CRED_REAL] != now.uid[CRED_REAL])
		limit_new_user();
	return result;
}

/* The server does it when it is told of the new program; only where keys change they must be dropped first. */
void
cred_exec(void)
{
	const struct sh_cred now = own_cred();
	struct sh_cred next = now;

	cred_change(&next, CRED_EXEC, 0, 0, 0, NULL);
	if (cred_keys(&now, &next))
		cred_ask(CRED_EXEC, 0, 0, 0, NULL);
}

long
sys_setuid(long uid)
{
	return cred_ask(CRED_SETUID, (u32)uid, 0, 0, NULL);
}

long
sys_setgid(long gid)
{
	return cred_ask(CRED_SETGID, (u32)gid, 0, 0, NULL);
}

long
sys_setreuid(long real, long effective)
{
	return cred_ask(CRED_SETREUID, (u32)real, (u32)effective, 0, NULL);
}

long
sys_setregid(long real, long effective)
{
	return cred_ask(CRED_SETREGID, (u32)real, (u32)effective, 0, NULL);
}

long
sys_setresuid(long real, long effective, long saved)
{
	return cred_ask(CRED_SETRESUID, (u32)real, (u32)effective, (u32)saved, NULL);
}

long
sys_setresgid(long real, long effective, long saved)
{
	return cred_ask(CRED_SETRESGID, (u32)real, (u32)effective, (u32)saved, NULL);
}

long
sys_setfsuid(long uid)
{
	const long was = CRED->uid[CRED_FS];

	cred_ask(CRED_SETFSUID, (u32)uid, 0, 0, NULL);
	return was;
}

long
sys_setfsgid(long gid)
{
	const long was = CRED->gid[CRED_FS];

	cred_ask(CRED_SETFSGID, (u32)gid, 0, 0, NULL);
	return was;
}

long
sys_setgroups(long count, long list)
{
	u32 group[CRED_GROUPS] = { 0 };
	const struct sh_cred c = own_cred();

	if (!cred_can(&c, CAP_SETGID))
		return -EPERM;
	if ((u32)count > GROUPS_ROOM)
		return -EINVAL;
	if ((u32)count > CRED_GROUPS) {
		exos_log("more than %u supplementary groups are not served", CRED_GROUPS);
		return -EINVAL;
	}
	if (copy_in(group, (u64)list, (u32)count * sizeof(u32)))
		return -EFAULT;
	return cred_ask(CRED_SETGROUPS, (u32)count, 0, 0, group);
}

/* ---- capabilities --------------------------------------------------------------------------- */

#define CAP_VERSION_1 0x19980330u
#define CAP_VERSION_2 0x20071026u
#define CAP_VERSION_3 0x20080522u

struct cap_head {
	u32 version;
	int pid;
};

struct cap_data {
	u32 effective, permitted, inheritable;
};

/* How many 32-bit halves there are; 0: an unknown version, and the known one is told. */
static int
cap_head(u64 at, struct cap_head *head)
{
	const u32 known = CAP_VERSION_3;

	if (copy_in(head, at, sizeof(*head)))
		return -EFAULT;
	if (head->version == CAP_VERSION_1)
		return 1;
	if (head->version == CAP_VERSION_2 || head->version == CAP_VERSION_3)
		return 2;
	return copy_out(at, &known, sizeof(known)) ? -EFAULT : 0;
}

long
sys_capget(long at, long to)
{
	const volatile struct sh_proc *p;
	const volatile struct sh_cred *c;
	struct cap_data data[2];
	struct cap_head head;
	int halves = cap_head((u64)at, &head);

	if (halves < 0)
		return halves;
	if (halves == 0)
		return to ? -EINVAL : 0;
	if (head.pid < 0)
		return -EINVAL;
	p = head.pid ? proc_find((u32)head.pid) : PROC;
	if (p == NULL)
		return -ESRCH;
	if (to == 0)
		return 0;
	c = cred_of(p);
	for (int n = 0; n < 2; n++)
		data[n] = (struct cap_data){ (u32)(c->effective >> (32 * n)),
			(u32)(c->permitted >> (32 * n)), (u32)(c->inheritable >> (32 * n)) };
	return copy_out((u64)to, data, (unsigned)halves * sizeof(data[0]));
}

long
sys_capset(long at, long from)
{
	struct cap_data data[2] = { { 0, 0, 0 } };
	struct cap_head head;
	int halves = cap_head((u64)at, &head);

	if (halves <= 0)
		return halves ? halves : -EINVAL;
	if (head.pid && head.pid != (int)PROC->pid)
		return -EPERM;
	if (copy_in(data, (u64)from, (unsigned)halves * sizeof(data[0])))
		return -EFAULT;
	return cred_ask(CRED_SETCAPS, data[0].effective | (u64)data[1].effective << 32,
		data[0].permitted | (u64)data[1].permitted << 32,
		data[0].inheritable | (u64)data[1].inheritable << 32, NULL);
}
