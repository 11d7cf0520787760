/* SPDX-License-Identifier: ISC */
/* What a Linux system says about itself, limits, randomness, order. */
#include "../arch/x86_64/arch.h"
#include "../core/self.h"
#include "../thread/act.h"
#include "abi.h"
#include "calls.h"
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

/* ---- order between threads ---------------------------------------------------------------- */

enum {
	MEMBARRIER_QUERY,
	MEMBARRIER_GLOBAL = 1,
	MEMBARRIER_GLOBAL_EXPEDITED = 2,
	MEMBARRIER_REGISTER_GLOBAL = 4,
	MEMBARRIER_PRIVATE_EXPEDITED = 8,
	MEMBARRIER_REGISTER_PRIVATE = 16,
	MEMBARRIER_SERVED = 31
};
#define BARRIER_NAP_NS 10000000u

/* Who runs on other CPUs is interrupted by the timer there, which is a barrier, or comes to rest. */
static void
barrier_elsewhere(void)
{
	for (u32 n = 0; n < SHARED->cpus; n++) {
		const volatile struct exo_cpu *cpu = exo_cpu(n);
		const struct exo_term tick = term_word(&cpu->timer_ticks, ~0ull, EXO_NE,
			cpu->timer_ticks);

		while (n != UAREA->cpu && !cpu->idle && cpu->timer_ticks == tick.value)
			park_wait(&tick, 1, clock_ns() + BARRIER_NAP_NS);
	}
}

/* Of this process's threads those that run elsewhere are stopped for a moment. */
long
sys_membarrier(long command, long flags, long cpu)
{
	static bool registered;
	const u32 c = (u32)command;

	(void)cpu;
	if ((int)flags)
		return -EINVAL;
	if (c == MEMBARRIER_QUERY)
		return MEMBARRIER_SERVED;
	if (c & (c - 1) || !(c & MEMBARRIER_SERVED))
		return -EINVAL;
	if (c == MEMBARRIER_PRIVATE_EXPEDITED && !registered)
		return -EPERM;
	registered |= c == MEMBARRIER_REGISTER_PRIVATE;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	acts_stop();
	if (c & (MEMBARRIER_GLOBAL | MEMBARRIER_GLOBAL_EXPEDITED))
		barrier_elsewhere();
	return 0;
}
