/* SPDX-License-Identifier: ISC */
/* Other processors: who sleeps there, who runs there. */
#include <exo/lib.h>
#include <exo/read.h>

void
exo_wake_others(const volatile uint64_t *cpus)
{
	const uint32_t count = exo_info()->cpus, here = exo_uarea()->cpu;
	uint64_t mask;

	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	mask = cpus ? *cpus : ~0ull;
	for (uint32_t cpu = 0; cpu < count && mask >> cpu; cpu++)
		if (cpu != here && mask >> cpu & 1 && exo_cpu(cpu)->idle)
			exo_wake(cpu);
}

bool
exo_runs_elsewhere(exo_envid env)
{
	const uint32_t count = exo_info()->cpus, here = exo_uarea()->cpu;

	for (uint32_t cpu = 0; cpu < count; cpu++)
		if (cpu != here && exo_cpu(cpu)->running == env)
			return true;
	return false;
}
