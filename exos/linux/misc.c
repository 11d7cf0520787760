/* SPDX-License-Identifier: ISC */
/* What a Linux system says about itself, limits, randomness, and the futex of one thread. */
#include "../arch/x86_64/arch.h"
#include "../core/self.h"
#include "../proc/signal.h"
#include "../vm/vm.h"
#include "abi.h"
#include "calls.h"
#include "clocks.h"
#include "errno.h"

#define NSEC 1000000000ull

/* ---- the system ----------------------------------------------------------------------- */

static void
field(char to[65], const char *from)
{
	size_t length = strlen(from);

	memset(to, 0, 65);
	memcpy(to, from, length < 64 ? length : 64);
}

long
sys_uname(long where)
{
	char names[6][65];

	/* The release says which Linux's calls are meant: what libc's compare with. */
	field(names[0], "Linux");
	field(names[1], SHARED->hostname[0] ? (const char *)SHARED->hostname : "exos");
	field(names[2], "6.1.0-exos");
	field(names[3], "ExOS on Aegis");
	field(names[4], "x86_64");
	field(names[5], SHARED->domainname[0] ? (const char *)SHARED->domainname : "(none)");
	return copy_out((u64)where, names, sizeof(names));
}

struct linux_sysinfo {
	u64 uptime, loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	u16 procs, pad[3];
	u64 totalhigh, freehigh;
	u32 mem_unit;
	char room[4];
};
_Static_assert(sizeof(struct linux_sysinfo) == 112, "struct sysinfo");

long
sys_sysinfo(long where)
{
	struct linux_sysinfo s = {
		.uptime = clock_ns() / NSEC,
		.totalram = SHARED->memory_frames * EXO_PAGE_BYTES,
		.freeram = exo_info()->free_frames * EXO_PAGE_BYTES,
		.mem_unit = 1,
	};
	const volatile struct sh_proc *table = proc_table();
	const unsigned rows = proc_rows();

	for (unsigned row = 0; row < rows; row++)
		s.procs += table[row].state != PROC_FREE;
	return copy_out((u64)where, &s, sizeof(s));
}

/* ---- randomness -------------------------------------------------------------------------- */

#define GRND_RANDOM 2
#define GRND_INSECURE 4
#define GRND_KNOWN 7

long
sys_getrandom(long where, long bytes, long flags)
{
	u64 done = 0;

	if (flags & ~GRND_KNOWN || bytes < 0 ||
		(flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	while (done < (u64)bytes) {
		u64 word = random_word();
		u64 part = (u64)bytes - done < sizeof(word) ? (u64)bytes - done : sizeof(word);

		if (copy_out((u64)where + done, &word, part))
			return done ? (long)done : -EFAULT;
		done += part;
	}
	return bytes;
}

#define MEMBARRIER_QUERY 0

/* One thread is always in order with itself; no command is needed, so none is offered. */
long
sys_membarrier(long command, long flags, long cpu)
{
	(void)cpu;
	return (int)command == MEMBARRIER_QUERY && (int)flags == 0 ? 0 : -EINVAL;
}
/* ---- futex ---------------------------------------------------------------------------------------- */

enum {
	FUTEX_WAIT,
	FUTEX_WAKE,
	FUTEX_REQUEUE = 3,
	FUTEX_CMP_REQUEUE,
	FUTEX_WAIT_BITSET = 9,
	FUTEX_WAKE_BITSET
};
#define FUTEX_CLOCK_REALTIME 256
#define FUTEX_COMMAND 127
#define FUTEX_PRIVATE 128

/*
 * Until *arg[0] is no longer arg[1].  Only another process that shares the
 * page can change it; whoever does and wakes others bumps SHARED->changes.
 */
static long
futex_sleep(struct restart *r)
{
	int error = 0;

	for (;;) {
		struct exo_term term =
			term_word(&SHARED->changes, ~0ull, EXO_NE, SHARED->changes);
		u32 now;

		if (copy_in(&now, r->arg[0], sizeof(now)))
			return -EFAULT;
		if (now != (u32)r->arg[1])
			return 0;
		if (error)
			break;
		error = block_on(&term, 1, r->deadline);
	}
	/* One with a time limit is not begun anew by a handler. */
	return error == -EINTR && r->deadline ? restart_from(r) : error;
}

static long
futex_wait(long word, u32 value, long timeout, bool absolute, bool wall)
{
	struct restart r = { .again = futex_sleep, .arg = { (u64)word, value } };
	struct linux_timespec t;
	u32 now;

	if (word % 4)
		return -EINVAL;
	if (copy_in(&now, (u64)word, sizeof(now)) ||
		(timeout && copy_in(&t, (u64)timeout, sizeof(t))))
		return -EFAULT;
	if (timeout) {
		if (!timespec_ok(&t))
			return -EINVAL;
		r.deadline = timespec_ns(&t);
		if (!absolute)
			r.deadline += clock_ns();
		else if (wall)
			r.deadline -= r.deadline < SHARED->wall_offset_ns ? r.deadline
									  : SHARED->wall_offset_ns;
		r.deadline += r.deadline == 0;		/* before the machine began */
	}
	return now == value ? futex_sleep(&r) : -EAGAIN;
}

/* Nobody else of this process can be waiting; how many that wakes nobody counts. */
static long
futex_wake(long word, bool private)
{
	if (word % 4)
		return -EINVAL;
	return private ? 0 : server_call(OP_CHANGED, 0, 0, 0, 0, 0, NULL);
}

/* Who is to wait for the other word instead is woken, and looks for itself. */
static long
futex_requeue(long word, long wake, long move, const u32 *expected, bool private)
{
	u32 now;

	if ((int)wake < 0 || (int)move < 0 || word % 4)
		return -EINVAL;
	if (expected && copy_in(&now, (u64)word, sizeof(now)))
		return -EFAULT;
	if (expected && now != *expected)
		return -EAGAIN;
	return futex_wake(word, private);
}

long
sys_futex(long word, long how, long value, long timeout, long word2, long value3)
{
	const int command = (int)how & FUTEX_COMMAND;
	const bool private = how & FUTEX_PRIVATE, wall = how & FUTEX_CLOCK_REALTIME;
	const u32 expected = (u32)value3;

	(void)word2;
	if ((command == FUTEX_WAIT_BITSET || command == FUTEX_WAKE_BITSET) && expected == 0)
		return -EINVAL;
	if (wall && command != FUTEX_WAIT_BITSET)
		return -ENOSYS;
	switch (command) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		return futex_wait(word, (u32)value, timeout, command == FUTEX_WAIT_BITSET, wall);
	case FUTEX_WAKE:
	case FUTEX_WAKE_BITSET: return futex_wake(word, private);
	case FUTEX_REQUEUE: return futex_requeue(word, value, timeout, NULL, private);
	case FUTEX_CMP_REQUEUE: return futex_requeue(word, value, timeout, &expected, private);
	default: return -ENOSYS;
	}
}
