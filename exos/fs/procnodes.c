/* SPDX-License-Identifier: ISC */
/* /proc: which names stand where. */
#include "procfs.h"

#define REG(mode) (S_IFREG | (mode))
#define LNK (S_IFLNK | 0777)

static const struct proc_node system_nodes[] = {
	{ "self", P_DIR, P_SELF, LNK },
	{ "thread-self", P_DIR, P_THREAD_SELF, LNK },
	{ "meminfo", P_DIR, P_MEMINFO, REG(0444) },
	{ "uptime", P_DIR, P_UPTIME, REG(0444) },
	{ "mounts", P_DIR, P_MOUNTS_LINK, LNK },
	{ "net", P_DIR, P_NET_LINK, LNK },
	{ "cpuinfo", P_DIR, P_CPUINFO, REG(0444) },
	{ "loadavg", P_DIR, P_LOADAVG, REG(0444) },
	{ "version", P_DIR, P_VERSION, REG(0444) },
	{ "stat", P_DIR, P_STAT_ALL, REG(0444) },
	{ "filesystems", P_DIR, P_FILESYSTEMS, REG(0444) },
	{ "cmdline", P_DIR, P_CMDLINE_BOOT, REG(0444) },
	{ "partitions", P_DIR, P_PARTITIONS, REG(0444) },
	{ "swaps", P_DIR, P_SWAPS, REG(0444) },
	{ "devices", P_DIR, P_DEVICES, REG(0444) },
	{ "diskstats", P_DIR, P_DISKSTATS, REG(0444) },
	{ "interrupts", P_DIR, P_INTERRUPTS, REG(0444) },
	{ "vmstat", P_DIR, P_VMSTAT, REG(0444) },
	{ "misc", P_DIR, P_MISC, REG(0444) },
	{ "sys", P_DIR, P_SYS, PROC_DIR_MODE },
	{ "kernel", P_SYS, P_SYS_KERNEL, PROC_DIR_MODE },
	{ "vm", P_SYS, P_SYS_VM, PROC_DIR_MODE },
	{ "fs", P_SYS, P_SYS_FS, PROC_DIR_MODE },
	{ "net", P_SYS, P_SYS_NET, PROC_DIR_MODE },
	{ "core", P_SYS_NET, P_SYS_CORE, PROC_DIR_MODE },
	{ "somaxconn", P_SYS_CORE, P_SOMAXCONN, REG(0444) },
	{ "hostname", P_SYS_KERNEL, P_HOSTNAME, REG(0444) },
	{ "domainname", P_SYS_KERNEL, P_DOMAINNAME, REG(0444) },
	{ "ostype", P_SYS_KERNEL, P_OSTYPE, REG(0444) },
	{ "osrelease", P_SYS_KERNEL, P_OSRELEASE, REG(0444) },
	{ "version", P_SYS_KERNEL, P_OSVERSION, REG(0444) },
	{ "pid_max", P_SYS_KERNEL, P_PID_MAX, REG(0444) },
	{ "threads-max", P_SYS_KERNEL, P_THREADS_MAX, REG(0444) },
	{ "ngroups_max", P_SYS_KERNEL, P_NGROUPS_MAX, REG(0444) },
	{ "cap_last_cap", P_SYS_KERNEL, P_CAP_LAST, REG(0444) },
	{ "core_pattern", P_SYS_KERNEL, P_CORE_PATTERN, REG(0444) },
	{ "core_uses_pid", P_SYS_KERNEL, P_CORE_USES_PID, REG(0444) },
	{ "randomize_va_space", P_SYS_KERNEL, P_RANDOMIZE, REG(0444) },
	{ "shmmax", P_SYS_KERNEL, P_SHMMAX, REG(0444) },
	{ "pty_max", P_SYS_KERNEL, P_PTY_MAX, REG(0444) },
	{ "random", P_SYS_KERNEL, P_SYS_RANDOM, PROC_DIR_MODE },
	{ "boot_id", P_SYS_RANDOM, P_BOOT_ID, REG(0444) },
	{ "uuid", P_SYS_RANDOM, P_UUID, REG(0444) },
	{ "entropy_avail", P_SYS_RANDOM, P_ENTROPY, REG(0444) },
	{ "poolsize", P_SYS_RANDOM, P_POOLSIZE, REG(0444) },
	{ "overcommit_memory", P_SYS_VM, P_OVERCOMMIT, REG(0444) },
	{ "max_map_count", P_SYS_VM, P_MAX_MAPS, REG(0444) },
	{ "mmap_min_addr", P_SYS_VM, P_MIN_ADDR, REG(0444) },
	{ "swappiness", P_SYS_VM, P_SWAPPINESS, REG(0444) },
	{ "file-max", P_SYS_FS, P_FILE_MAX, REG(0444) },
	{ "file-nr", P_SYS_FS, P_FILE_NR, REG(0444) },
	{ "nr_open", P_SYS_FS, P_NR_OPEN, REG(0444) },
	{ "pipe-max-size", P_SYS_FS, P_PIPE_MAX, REG(0444) },
	{ "inotify", P_SYS_FS, P_SYS_INOTIFY, PROC_DIR_MODE },
	{ "max_user_watches", P_SYS_INOTIFY, P_INOTIFY_WATCHES, REG(0444) },
	{ "max_user_instances", P_SYS_INOTIFY, P_INOTIFY_INSTANCES, REG(0444) },
	{ "max_queued_events", P_SYS_INOTIFY, P_INOTIFY_EVENTS, REG(0444) },
};

static const struct proc_node process_nodes[] = {
	{ "task", P_DIR, P_TASK, PROC_DIR_MODE },
	{ "fd", P_DIR, P_FD, S_IFDIR | 0500 },
	{ "fdinfo", P_DIR, P_FDINFO, PROC_DIR_MODE },
	{ "net", P_DIR, P_NET, PROC_DIR_MODE },
	{ "stat", P_DIR, P_STAT, REG(0444) },
	{ "status", P_DIR, P_STATUS, REG(0444) },
	{ "cmdline", P_DIR, P_CMDLINE, REG(0444) },
	{ "comm", P_DIR, P_COMM, REG(0644) },
	{ "statm", P_DIR, P_STATM, REG(0444) },
	{ "mounts", P_DIR, P_MOUNTS, REG(0444) },
	{ "mountinfo", P_DIR, P_MOUNTINFO, REG(0444) },
	{ "exe", P_DIR, P_EXE, LNK },
	{ "cwd", P_DIR, P_CWD, LNK },
	{ "root", P_DIR, P_ROOT, LNK },
	{ "environ", P_DIR, P_ENVIRON, REG(0400) },
	{ "auxv", P_DIR, P_AUXV, REG(0400) },
	{ "maps", P_DIR, P_MAPS, REG(0444) },
	{ "smaps", P_DIR, P_SMAPS, REG(0444) },
	{ "smaps_rollup", P_DIR, P_SMAPS_ROLLUP, REG(0444) },
	{ "limits", P_DIR, P_LIMITS, REG(0444) },
	{ "io", P_DIR, P_IO, REG(0400) },
	{ "wchan", P_DIR, P_WCHAN, REG(0444) },
	{ "oom_score", P_DIR, P_OOM_SCORE, REG(0444) },
	{ "oom_score_adj", P_DIR, P_OOM_ADJ, REG(0644) },
	{ "coredump_filter", P_DIR, P_CORE_FILTER, REG(0644) },
	{ "loginuid", P_DIR, P_LOGINUID, REG(0444) },
	{ "sessionid", P_DIR, P_SESSIONID, REG(0444) },
	{ "cgroup", P_DIR, P_CGROUP, REG(0444) },
	{ "personality", P_DIR, P_PERSONALITY, REG(0400) },
	{ "schedstat", P_DIR, P_SCHEDSTAT, REG(0444) },
	{ "children", P_TASK_PID, P_CHILDREN, REG(0444) },
	{ "dev", P_NET, P_NET_DEV, REG(0444) },
	{ "unix", P_NET, P_NET_UNIX, REG(0444) },
	{ "tcp", P_NET, P_NET_TCP, REG(0444) },
	{ "udp", P_NET, P_NET_UDP, REG(0444) },
	{ "route", P_NET, P_NET_ROUTE, REG(0444) },
	{ "arp", P_NET, P_NET_ARP, REG(0444) },
};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What stands in a directory: a thread's has what its process's has, but no threads. */
bool
proc_stands_in(const struct proc_node *n, u32 dir)
{
	u32 what = WHAT_OF(dir);

	return n->parent == what
		|| (what == P_TASK_PID && n->parent == P_DIR && n->what != P_TASK);
}

const struct proc_node *
proc_nodes(u32 ino, size_t *count)
{
	*count = PID_OF(ino) ? COUNT(process_nodes) : COUNT(system_nodes);
	return PID_OF(ino) ? process_nodes : system_nodes;
}

const struct proc_node *
proc_node(u32 ino)
{
	size_t count;
	const struct proc_node *n = proc_nodes(ino, &count);

	for (size_t i = 0; i < count; i++)
		if (n[i].what == WHAT_OF(ino))
			return &n[i];
	return NULL;
}
