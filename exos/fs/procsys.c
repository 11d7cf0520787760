/* SPDX-License-Identifier: ISC */
/* /proc: what the files of the system say, /proc/sys included: the same for everybody. */
#include <exo/read.h>
#include "procfs.h"
#include "../arch/x86_64/arch.h"
#include "../fd/file.h"
#include "../vm/vm.h"

#define KIB_PAGE 4u

static u64
file_pages(void)
{
	return ((const struct fs_super *)((const char *)SHARED + SHARED->fs_off))->data_frames;
}

static void
put_kib(struct text *t, const char *name, u64 kib)
{
	text_put(t, "%s:", name);
	for (size_t n = strlen(name); n < 15; n++)
		text_put(t, " ");
	text_put(t, "%8lu kB\n", kib);
}

static void
put_meminfo(struct text *t)
{
	u64 total = SHARED->memory_frames * KIB_PAGE, free = exo_info()->free_frames * KIB_PAGE;
	u64 files = file_pages() * KIB_PAGE,
	    other = total > free + files ? total - free - files : 0;

	put_kib(t, "MemTotal", total);
	put_kib(t, "MemFree", free);
	put_kib(t, "MemAvailable", free);
	put_kib(t, "Buffers", 0);
	put_kib(t, "Cached", files);
	put_kib(t, "SwapCached", 0);
	put_kib(t, "Active", other);
	put_kib(t, "Inactive", 0);
	put_kib(t, "SwapTotal", 0);
	put_kib(t, "SwapFree", 0);
	put_kib(t, "Dirty", 0);
	put_kib(t, "Writeback", 0);
	put_kib(t, "AnonPages", other);
	put_kib(t, "Mapped", 0);
	put_kib(t, "Shmem", files);
	put_kib(t, "Slab", 0);
	put_kib(t, "SReclaimable", 0);
	put_kib(t, "SUnreclaim", 0);
	put_kib(t, "CommitLimit", total);
	put_kib(t, "Committed_AS", other);
}

/* CPUs that processes may be put on. */
static u32
cpus(void)
{
	return (u32)SHARED->cpus;
}

static void
put_cpu(struct text *t, u32 cpu)
{
	u64 khz = exo_info()->tsc_hz / 1000;

	text_put(t, "processor\t: %u\nmodel name\t: x86-64\ncpu MHz\t\t: %lu.%03lu\n", cpu,
		khz / 1000, khz % 1000);
	text_put(t,
		"physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n"
		"fpu\t\t: yes\n",
		cpus(), cpu, cpus());
	text_put(t, "flags\t\t: fpu tsc cx8 sep cmov mmx fxsr sse sse2 syscall nx lm\n");
	text_put(t, "bogomips\t: %lu.%02lu\naddress sizes\t: 40 bits physical, 48 bits virtual\n\n",
		khz * 2 / 1000, khz * 2 % 1000 / 10);
}

static void
put_cpuinfo(struct text *t)
{
	for (u32 cpu = 0; cpu < cpus(); cpu++)
		put_cpu(t, cpu);
}

static unsigned
count_processes(bool running)
{
	const volatile struct sh_proc *table = proc_table();
	unsigned count = 0;

	for (unsigned row = 0; row < proc_rows(); row++)
		count += table[row].state != PROC_FREE &&
			(!running || exo_cpu(table[row].cpu)->running == table[row].env);
	return count;
}

/* Ticks that it slept; *busy: the others, which are not split. */
static u64
ticks_idle(u32 cpu, u64 *busy)
{
	u64 now = clock_ns() / TICK_NS, idle = exo_cpu(cpu)->idle_ns / TICK_NS;

	*busy = now > idle ? now - idle : 0;
	return idle;
}

static void
put_stat_all(struct text *t)
{
	u64 idle = 0, busy = 0, interrupts = 0, switches = 0, some;

	for (u32 cpu = 0; cpu < cpus(); cpu++) {
		idle += ticks_idle(cpu, &some);
		busy += some;
		interrupts += exo_cpu(cpu)->interrupts;
		switches += exo_cpu(cpu)->switches;
	}
	text_put(t, "cpu  %lu 0 0 %lu 0 0 0 0 0 0\n", busy, idle);
	for (u32 cpu = 0; cpu < cpus(); cpu++) {
		idle = ticks_idle(cpu, &some);
		text_put(t, "cpu%u %lu 0 0 %lu 0 0 0 0 0 0\n", cpu, some, idle);
	}
	text_put(t,
		"intr %lu\nctxt %lu\nbtime %lu\nprocesses %u\nprocs_running %u\nprocs_blocked 0\n",
		interrupts, switches, SHARED->wall_offset_ns / 1000000000, count_processes(false),
		count_processes(true));
}

static void
put_uptime(struct text *t)
{
	u64 now = clock_ns() / TICK_NS, idle = 0, busy;

	for (u32 cpu = 0; cpu < cpus(); cpu++)
		idle += ticks_idle(cpu, &busy);
	text_put(t, "%lu.%02lu %lu.%02lu\n", now / 100, now % 100, idle / 100, idle % 100);
}

static void
put_mounts(struct text *t, bool info)
{
	if (info)
		text_put(t,
			"1 0 0:1 / / rw,relatime - ramfs root rw\n"
			"2 1 0:2 / /proc rw,relatime - proc proc rw\n");
	else
		text_put(t, "root / ramfs rw,relatime 0 0\nproc /proc proc rw,relatime 0 0\n");
}

static void
put_uuid(struct text *t, u64 a, u64 b)
{
	a = (a & ~0xf000ull) | 0x4000;	/* version 4, variant 1 */
	b = (b & ~(3ull << 62)) | 1ull << 63;
	text_put(t, "%08lx-%04lx-%04lx-%04lx-%012lx\n", a >> 32, a >> 16 & 0xffff, a & 0xffff,
		b >> 48, b & 0xfffffffffffful);
}

static void
put_vmstat(struct text *t)
{
	text_put(t,
		"nr_free_pages %lu\nnr_file_pages %lu\npgpgin 0\npgpgout 0\npswpin 0\npswpout 0\n",
		exo_info()->free_frames, file_pages());
}

static void
put_network(struct text *t, u32 what)
{
	switch (what) {
	case P_NET_DEV:
		text_put(t,
			"Inter-|   Receive                            "
			"                    |  Transmit\n"
			" face |bytes    packets errs drop fifo frame compressed multicast|"
			"bytes    packets errs drop fifo colls carrier compressed\n");
		break;
	case P_NET_UNIX:
		text_put(t, "Num       RefCount Protocol Flags    Type St Inode Path\n");
		break;
	case P_NET_TCP:
	case P_NET_UDP:
		text_put(t,
			"  sl  local_address rem_address   st tx_queue rx_queue "
			"tr tm->when retrnsmt   uid  timeout inode\n");
		break;
	case P_NET_ROUTE:
		text_put(t,
			"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\t"
			"Mask\t\tMTU\tWindow\tIRTT\n");
		break;
	default:
		text_put(t,
			"IP address       HW type     Flags       HW address"
			"            Mask     Device\n");
		break;
	}
}

/* Files of one number; ~0: it is none. */
static u64
number_of(u32 what)
{
	switch (what) {
	case P_PID_MAX: return 32768;
	case P_THREADS_MAX: return SH_PROCS;
	case P_ENTROPY: case P_POOLSIZE: return 256;
	case P_NGROUPS_MAX: return CRED_GROUPS;
	case P_CAP_LAST: return CAP_LAST;
	case P_CORE_USES_PID: case P_SWAPPINESS: return 0;
	case P_RANDOMIZE: return 2;
	case P_SHMMAX: return 0x7fffffffffffffffull;
	case P_OVERCOMMIT: return 1;
	case P_MAX_MAPS: return VM_REGIONS_MAX;
	case P_MIN_ADDR: return VM_LOW;
	case P_FILE_MAX: return (u64)SH_PROCS * FD_MAX;
	case P_NR_OPEN: return FD_MAX;
	case P_PIPE_MAX: return 65536;
	case P_SOMAXCONN: return 128;
	case P_PTY_MAX: return SH_TTYS - 1;
	case P_INOTIFY_WATCHES: return 8192;
	case P_INOTIFY_INSTANCES: return 128;
	case P_INOTIFY_EVENTS: return 16384;
	default: return ~0ull;
	}
}

static const char *
words_of(u32 what)
{
	switch (what) {
	case P_VERSION: return "Linux version 6.1.0-exos (Aegis) #1 ExOS on Aegis\n";
	case P_FILESYSTEMS: return "nodev\tramfs\nnodev\tproc\nnodev\ttmpfs\n";
	case P_CMDLINE_BOOT: return "\n";
	case P_PARTITIONS: return "major minor  #blocks  name\n\n";
	case P_SWAPS: return "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
	case P_DEVICES:
		return "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n"
		       "  5 /dev/ptmx\n"
		       "136 pts\n\nBlock devices:\n";
	case P_OSTYPE: return "Linux\n";
	case P_OSRELEASE: return "6.1.0-exos\n";
	case P_OSVERSION: return "ExOS on Aegis\n";
	case P_CORE_PATTERN: return "core\n";
	default: return "";
	}
}

void
text_system(struct text *t, u32 what)
{
	u64 number = number_of(what);
	u64 boot = SHARED->base ^ exo_info()->tsc_base;

	if (number != ~0ull) {
		text_put(t, "%lu\n", number);
		return;
	}
	switch (what) {
	case P_MEMINFO: put_meminfo(t); break;
	case P_CPUINFO: put_cpuinfo(t); break;
	case P_STAT_ALL: put_stat_all(t); break;
	case P_UPTIME: put_uptime(t); break;
	case P_MOUNTS: case P_MOUNTINFO: put_mounts(t, what == P_MOUNTINFO); break;
	case P_LOADAVG:
		text_put(t, "0.00 0.00 0.00 %u/%u %u\n", count_processes(true),
			count_processes(false), PROC->pid);
		break;
	case P_INTERRUPTS:
		text_put(t, "           CPU0\nALL: %10lu\n", exo_cpu(0)->interrupts);
		break;
	case P_VMSTAT: put_vmstat(t); break;
	case P_HOSTNAME: text_put(t, "%s\n", (const char *)SHARED->hostname); break;
	case P_DOMAINNAME:
		text_put(t, "%s\n",
			SHARED->domainname[0] ? (const char *)SHARED->domainname : "(none)");
		break;
	case P_BOOT_ID:
		put_uuid(t, boot * 0x9e3779b97f4a7c15ull, boot * 0xff51afd7ed558ccdull);
		break;
	case P_UUID: put_uuid(t, random_word(), random_word()); break;
	case P_FILE_NR: text_put(t, "0\t0\t%lu\n", (u64)SH_PROCS * FD_MAX); break;
	case P_NET_DEV:
	case P_NET_UNIX:
	case P_NET_TCP:
	case P_NET_UDP:
	case P_NET_ROUTE:
	case P_NET_ARP: put_network(t, what); break;
	default: text_put(t, "%s", words_of(what)); break;
	}
}
