/* SPDX-License-Identifier: ISC */
/* prctl and arch_prctl: what a process says about itself. */
#include "../arch/x86_64/arch.h"
#include "../core/self.h"
#include "../proc/proc.h"
#include "abi.h"
#include "../thread/thread.h"
#include "calls.h"
#include "errno.h"

#define ARCH_SET_GS 0x1001
#define ARCH_SET_FS 0x1002
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004
#define ARCH_GET_CPUID 0x1011
#define ARCH_SET_CPUID 0x1012

long
sys_arch_prctl(long what, long value)
{
	u64 base;

	switch ((int)what) {
	case ARCH_SET_FS:
		if ((u64)value >= EXO_USER_TOP)
			return -EPERM;
		if (!(exo_info()->features & EXO_FEAT_FSGSBASE)) {
			exos_log("no FSGSBASE: the FS base cannot be set");
			return -ENODEV;
		}
		fs_base_set((u64)value);
		return 0;
	case ARCH_GET_FS: base = fs_base(); return copy_out((u64)value, &base, sizeof(base));
	case ARCH_SET_GS:
	case ARCH_GET_GS: exos_log("GS belongs to the library: arch_prctl refused"); return -EPERM;
	/* The instruction is everybody's and cannot be taken away. */
	case ARCH_GET_CPUID: return 1;
	case ARCH_SET_CPUID: return -ENODEV;
	default: return -EINVAL;
	}
}

/* ---- what it is allowed ---------------------------------------------------------------- */

#define PR_SET_PDEATHSIG 1
#define PR_GET_PDEATHSIG 2
#define PR_GET_DUMPABLE 3
#define PR_SET_DUMPABLE 4
#define PR_GET_KEEPCAPS 7
#define PR_SET_KEEPCAPS 8
#define PR_SET_NAME 15
#define PR_GET_NAME 16
#define PR_CAPBSET_READ 23
#define PR_CAPBSET_DROP 24
#define PR_GET_SECUREBITS 27
#define PR_SET_SECUREBITS 28
#define PR_SET_CHILD_SUBREAPER 36
#define PR_GET_CHILD_SUBREAPER 37
#define PR_SET_NO_NEW_PRIVS 38
#define PR_GET_NO_NEW_PRIVS 39
#define PR_CAP_AMBIENT 47
#define NAME_BYTES 16u

enum { AMBIENT_IS_SET = 1, AMBIENT_RAISE, AMBIENT_LOWER, AMBIENT_CLEAR };

static long
flag_out(u32 flag, u64 where)
{
	const int on = (CRED->flags & flag) != 0;

	return copy_out(where, &on, sizeof(on));
}

static long
flag_set(u32 flag, long value, long most)
{
	return value < 0 || value > most ? -EINVAL : cred_ask(CRED_FLAG, flag, (u64)value, 0, NULL);
}

/* There are no ambient capabilities: what asks for none holds. */
static long
ambient(long what, u64 cap, bool rest)
{
	if (what == AMBIENT_CLEAR)
		return cap || rest ? -EINVAL : 0;
	if (cap > CAP_LAST || rest)
		return -EINVAL;
	switch (what) {
	case AMBIENT_IS_SET:
	case AMBIENT_LOWER: return 0;
	case AMBIENT_RAISE: return -EPERM;
	default: return -EINVAL;
	}
}

/* Those about what a process is allowed; -ENOSYS: another. */
static long
prctl_cred(int what, long a, bool rest)
{
	const int signal = (int)CRED->death_signal;

	switch (what) {
	case PR_SET_PDEATHSIG: return cred_ask(CRED_DEATHSIG, (u64)a, 0, 0, NULL);
	case PR_GET_PDEATHSIG: return copy_out((u64)a, &signal, sizeof(signal));
	case PR_GET_DUMPABLE: return (CRED->flags & CRED_DUMPABLE) != 0;
	case PR_SET_DUMPABLE: return flag_set(CRED_DUMPABLE, a, 1);
	case PR_GET_KEEPCAPS: return (CRED->flags & CRED_KEEPCAPS) != 0;
	case PR_SET_KEEPCAPS: return flag_set(CRED_KEEPCAPS, a, 1);
	case PR_CAPBSET_READ: return (u64)a > CAP_LAST ? -EINVAL : (long)(CRED->bounding >> a & 1);
	case PR_CAPBSET_DROP: return cred_ask(CRED_DROPCAP, (u64)a, 0, 0, NULL);
	case PR_GET_SECUREBITS: return 0;
	case PR_SET_SECUREBITS: return a == 0 && CRED->effective >> CAP_SETPCAP & 1 ? 0 : -EPERM;
	case PR_SET_CHILD_SUBREAPER: return flag_set(CRED_SUBREAPER, a != 0, 1);
	case PR_GET_CHILD_SUBREAPER: return flag_out(CRED_SUBREAPER, (u64)a);
	case PR_SET_NO_NEW_PRIVS:
		return a != 1 || rest ? -EINVAL : flag_set(CRED_NO_NEW_PRIVS, 1, 1);
	case PR_GET_NO_NEW_PRIVS:
		return a || rest ? -EINVAL : (CRED->flags & CRED_NO_NEW_PRIVS) != 0;
	default: return -ENOSYS;
	}
}

/* ---- all else -------------------------------------------------------------------------- */

#define PR_GET_TIMING 13
#define PR_SET_TIMING 14
#define PR_GET_SECCOMP 21
#define PR_GET_TSC 25
#define PR_SET_TSC 26
#define PR_SET_TIMERSLACK 29
#define PR_GET_TIMERSLACK 30
#define PR_GET_TID_ADDRESS 40
#define PR_SET_THP_DISABLE 41
#define PR_GET_THP_DISABLE 42
#define PR_TSC_ENABLE 1
#define PR_MCE_KILL 33
#define PR_MCE_KILL_GET 34
#define PR_GET_SPECULATION_CTRL 52
#define PR_SET_SPECULATION_CTRL 53
#define SLACK_NS 50000l

/* Kept for who asks: a wait ends when it is over, and there are no huge pages. */
static long slack = SLACK_NS;
static bool no_huge_pages;

/* Who is told first of memory that went bad: nobody is told, ever. */
static long
memory_failure(long what, u64 policy)
{
	enum { CLEAR, SET, LATE = 0, EARLY, DEFAULT };
	static u64 kept = DEFAULT;

	if (what == PR_MCE_KILL_GET)
		return (long)kept;
	if (what != CLEAR && what != SET)
		return -EINVAL;
	if (what == CLEAR ? policy : policy > DEFAULT)
		return -EINVAL;
	kept = what == CLEAR ? DEFAULT : policy;
	return 0;
}

/* The processor guesses as it likes, and nobody is asked. */
static long
speculation(bool set, u64 what)
{
	enum { ENABLED = 2, FORCE_DISABLED = 8 };
	static const long is[] = { ENABLED, ENABLED, FORCE_DISABLED };

	if (what >= sizeof(is) / sizeof(is[0]))
		return -ENODEV;
	return set ? -ENXIO : is[what];
}

static long
prctl_kept(int what, long a, bool rest)
{
	const int enabled = PR_TSC_ENABLE;

	switch (what) {
	case PR_GET_TIMING: return 0;
	case PR_SET_TIMING: return a ? -EINVAL : 0;
	case PR_GET_SECCOMP: return 0;
	case PR_GET_TSC: return copy_out((u64)a, &enabled, sizeof(enabled));
	case PR_SET_TSC: return a == PR_TSC_ENABLE ? 0 : -EINVAL;
	case PR_SET_TIMERSLACK: slack = a > 0 ? a : SLACK_NS; return 0;
	case PR_GET_TIMERSLACK: return slack;
	case PR_GET_TID_ADDRESS:
		return copy_out((u64)a, &current->clear_tid, sizeof(current->clear_tid));
	case PR_SET_THP_DISABLE:
		if (rest)
			return -EINVAL;
		no_huge_pages = a;
		return 0;
	case PR_GET_THP_DISABLE: return a || rest ? -EINVAL : no_huge_pages;
	default: return -EINVAL;
	}
}

static long
name_set(u64 from)
{
	char name[NAME_BYTES] = "";

	if (copy_in_string(name, from, sizeof(name)) == -EFAULT)
		return -EFAULT;
	name[NAME_BYTES - 1] = '\0';
	if (current != thread_leader) {
		memcpy(current->name, name, sizeof(name));
		return 0;
	}
	memcpy(COMM, name, sizeof(name));
	return server_call(OP_SETNAME, 0, 0, 0, 0, 0, NULL);
}

static long
name_get(u64 to)
{
	char name[NAME_BYTES];

	_Static_assert(NAME_BYTES == THREAD_NAME, "one name");
	thread_name(current, name);
	return copy_out(to, name, sizeof(name));
}

long
sys_prctl(long what, long a, long b, long c, long d)
{
	const bool rest = b || c || d;
	long result = prctl_cred((int)what, a, rest);

	if (result != -ENOSYS)
		return result;
	if ((int)what == PR_SET_NAME)
		return name_set((u64)a);
	if ((int)what == PR_GET_NAME)
		return name_get((u64)a);
	switch ((int)what) {
	case PR_CAP_AMBIENT: return ambient(a, (u64)b, c || d);
	case PR_MCE_KILL: return c || d ? -EINVAL : memory_failure(a, (u64)b);
	case PR_MCE_KILL_GET: return a || rest ? -EINVAL : memory_failure(PR_MCE_KILL_GET, 0);
	case PR_GET_SPECULATION_CTRL: return rest ? -EINVAL : speculation(false, (u64)a);
	case PR_SET_SPECULATION_CTRL: return c || d ? -EINVAL : speculation(true, (u64)a);
	default: return prctl_kept((int)what, a, rest);
	}
}
