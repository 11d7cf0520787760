/* SPDX-License-Identifier: ISC */
/*
 * The other processors: which there are, how they are started, and how one
 * interrupts another.
 *
 * Which: the firmware's tables say it where the loader hands them over, else
 * QEMU's configuration device does (its microvm without ACPI), else there is
 * one.  They are started one after the other, before the first environment
 * exists, by INIT and start-up messages; one that does not come within its time is
 * reported and left out.
 */
#include "acpi.h"
#include "machine.h"

#define ICR_INIT    0x04500u
#define ICR_STARTUP 0x04600u
#define ICR_NMI     0x00400u
#define ICR_FIXED   0x04000u
#define ICR_PENDING 0x01000u
#define ICR_OTHERS  0xc0000u		/* destination: all but the sender */
#define ICR_SPINS   100000u

#define INIT_NS     10000000ull		/* what a processor may want between INIT and start-up */
#define AGAIN_NS    1000000ull		/* the second start-up message, if the first was lost */
#define COMES_NS    200000000ull	/* then it is not there */
#define TAKEN_NS    2000000000ull	/* it has a stack and does not get on: something is very wrong */

#define FW_CFG_SELECT 0x510u
#define FW_CFG_DATA   0x511u
#define FW_CFG_SIGNATURE 0u
#define FW_CFG_CPUS   5u

extern u64 *ap_stack;
noreturn_ void ap_main(struct cpu *cpu);

/* On offer to whoever comes: a stack, at its CPU's `self`. */
u64 *ap_stack;

static u32 apic_id[CPUS_MAX];		/* [I] by CPU; until they are started, candidates */
static bool started;			/* there may be others to tell */

/* ---- which -------------------------------------------------------------------------- */

/* Usable memory is mapped; anything else is made so for good: boot alone asks. */
static const void *
phys_memory(u64 phys, u64 bytes)
{
	for (u32 n = 0; n < boot_memory.ranges; n++) {
		const struct memory_range *r = &boot_memory.range[n];

		if (phys >= r->base && phys + bytes <= r->base + r->bytes)
			return direct_map + phys;
	}
	return phys + bytes < 1ull << 46 ? arch_device_map(phys, bytes) : NULL;
}

static void
fw_cfg_read(u16 key, u8 *to, u32 bytes)
{
	arch_port_out(FW_CFG_SELECT, 2, key);
	while (bytes-- > 0)
		*to++ = inb(FW_CFG_DATA);
}

/* QEMU numbers the local APICs of plain machines from 0 on. */
static u32
fw_cfg_cpus(void)
{
	char signature[4];
	u16 count = 0;

	fw_cfg_read(FW_CFG_SIGNATURE, (u8 *)signature, sizeof signature);
	if (memcmp(signature, "QEMU", 4) != 0)
		return 0;
	fw_cfg_read(FW_CFG_CPUS, (u8 *)&count, sizeof count);
	count = count < CPUS_MAX ? count : CPUS_MAX;
	for (u32 n = 0; n < count; n++)
		apic_id[n] = n;
	return count;
}

/* This one, which runs already, comes first. */
static u32
candidates_order(u32 count)
{
	u32 self = lapic_read(LAPIC_ID) >> 24, n = 0;

	while (n < count && apic_id[n] != self)
		n++;
	if (n == count)
		n = count < CPUS_MAX ? count++ : count - 1;
	apic_id[n] = apic_id[0];
	apic_id[0] = self;
	return count;
}

u32
smp_find(u64 rsdp)
{
	u32 count = acpi_cpus(rsdp, phys_memory, apic_id, CPUS_MAX);

	if (count == 0)
		count = fw_cfg_cpus();
	if (boot_memory.low_page == 0)
		count = 0;		/* nowhere to start from */
	return candidates_order(count);
}

/* ---- starting ----------------------------------------------------------------------- */

static void
icr_write(u32 apic, u32 command)
{
	for (u32 n = 0; n < ICR_SPINS && (lapic_read(LAPIC_ICR) & ICR_PENDING) != 0; n++)
		__builtin_ia32_pause();
	lapic_write(LAPIC_ICR_TO, apic << 24);
	lapic_write(LAPIC_ICR, command);
}

static bool
wait_for(const bool *word, u64 ns)
{
	u64 until = arch_now_ns() + ns;

	while (!__atomic_load_n(word, __ATOMIC_ACQUIRE) && arch_now_ns() < until)
		__builtin_ia32_pause();
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static bool
cpu_start(struct cpu *cpu, u32 apic)
{
	cpu->kstack_top = (u64)&cpu->self;
	cpu->fpu_on = 1;
	__atomic_store_n(&ap_stack, (u64 *)&cpu->self, __ATOMIC_SEQ_CST);
	icr_write(apic, ICR_STARTUP | AP_TRAMPOLINE >> 12);
	if (!wait_for(&cpu->online, AGAIN_NS)) {
		icr_write(apic, ICR_STARTUP | AP_TRAMPOLINE >> 12);
		wait_for(&cpu->online, COMES_NS);
	}
	if (__atomic_exchange_n(&ap_stack, NULL, __ATOMIC_SEQ_CST) != NULL)
		return false;
	if (!wait_for(&cpu->online, TAKEN_NS))
		panic("a processor stopped on its way");
	return true;
}

/* Each takes the next number, so that those who are there have numbers without gaps. */
u32
arch_cpus_start(u32 count)
{
	const bool never = false;
	u32 online = 1;

	started = count > 1;
	for (u32 n = 1; n < count; n++)
		icr_write(apic_id[n], ICR_INIT);
	if (count > 1 && !features.emulated)
		wait_for(&never, INIT_NS);
	for (u32 n = 1; n < count; n++) {
		apic_id[online] = apic_id[n];
		if (cpu_start(&cpus[online], apic_id[n]))
			online++;
		else
			klog("Aegis: the processor with APIC %u does not start\n", apic_id[n]);
	}
	return online;
}

noreturn_ void
ap_main(struct cpu *cpu)
{
	descriptors_cpu(cpu);
	paging_cpu();
	features_cpu();
	segments_cpu(cpu->id);
	syscall_cpu();
	lapic_cpu();
	clock_cpu();
	cpu_enter(cpu);
}

/* ---- telling each other ------------------------------------------------------------- */

void
arch_poke(u32 cpu)
{
	icr_write(apic_id[cpu], ICR_FIXED | VEC_POKE);
}

/* By NMI: they may wait for a lock with interrupts off.  trap_fatal is where they end. */
void
arch_stop_others(void)
{
	if (started)
		icr_write(0, ICR_NMI | ICR_OTHERS);
}
