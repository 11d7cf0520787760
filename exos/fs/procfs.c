/* SPDX-License-Identifier: ISC */
/*
 * /proc, made up on the spot from what is exposed to everybody: the process
 * table, the environment and frame tables, the public pages of this process.
 *
 * An inode number is PROCFS | pid << 8 | what; pid 0 is the root of it.  For
 * the descriptors of this process it is PROCFS | FD_BIT | descriptor.
 */
#include <exo/read.h>
#include "fs.h"
#include "../core/self.h"
#include "../fd/tty.h"

#define FD_BIT 0x40000000u
#define INO(pid, what) (PROCFS | (u32)(pid) << 8 | (u32)(what))
#define PID_OF(ino) ((ino) >> 8 & 0x3fffff)
#define WHAT_OF(ino) ((ino) & 0xff)
#define TICK_NS ((u64)10000000)		/* USER_HZ is 100 */

enum what {
	DIR, MEMINFO, UPTIME, MOUNTS, CPUINFO, LOADAVG, VERSION, STAT_ALL, FILESYSTEMS, SELF,
	STAT, STATUS, CMDLINE, COMM_NAME, STATM, PID_MOUNTS, EXE, CWD, ROOT, FD_DIR,
};

static const struct name {
	const char *name;
	u8 what;
	u16 type;
} root_names[] = {
	{ "self", SELF, S_IFLNK >> 12 }, { "meminfo", MEMINFO, S_IFREG >> 12 },
	{ "uptime", UPTIME, S_IFREG >> 12 }, { "mounts", MOUNTS, S_IFREG >> 12 },
	{ "cpuinfo", CPUINFO, S_IFREG >> 12 }, { "loadavg", LOADAVG, S_IFREG >> 12 },
	{ "version", VERSION, S_IFREG >> 12 }, { "stat", STAT_ALL, S_IFREG >> 12 },
	{ "filesystems", FILESYSTEMS, S_IFREG >> 12 },
}, pid_names[] = {
	{ "stat", STAT, S_IFREG >> 12 }, { "status", STATUS, S_IFREG >> 12 },
	{ "cmdline", CMDLINE, S_IFREG >> 12 }, { "comm", COMM_NAME, S_IFREG >> 12 },
	{ "statm", STATM, S_IFREG >> 12 }, { "mounts", PID_MOUNTS, S_IFREG >> 12 },
	{ "exe", EXE, S_IFLNK >> 12 }, { "cwd", CWD, S_IFLNK >> 12 },
	{ "root", ROOT, S_IFLNK >> 12 }, { "fd", FD_DIR, S_IFDIR >> 12 },
};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static u32 exe_ino;
static char exe_path[1024];

/* The name is what is found behind links; where that cannot be told, the one that was used. */
void
fs_set_exe(u32 ino, const char *path)
{
	struct place at;
	long error;

	if (ino == exe_ino)
		return;			/* itself again, perhaps by /proc/self/exe */
	exe_ino = ino;
	PUB->exe = ino < PROCFS ? ino : 0;
	error = fs_walk_at(AT_FDCWD, path, 0, &at);
	if (error == 0)
		error = at.ino == ino ? fs_path_in(at.dir, ino, exe_path, sizeof(exe_path))
				      : -ENOENT;
	if (error < 0)
		exo_snprintf(exe_path, sizeof(exe_path), "%s", path);
}

static const volatile struct sh_proc *
process(u32 ino)
{
	return PID_OF(ino) ? proc_find(PID_OF(ino)) : NULL;
}

static bool
is_self(u32 ino)
{
	return PID_OF(ino) == PROC->pid;
}

int
procfs_fd(u32 ino)
{
	return ino & FD_BIT ? (int)(ino & 0xffff) : -1;
}

/* ---- names --------------------------------------------------------------------------------- */

static const struct name *
names_of(u32 dir, size_t *count)
{
	bool top = PID_OF(dir) == 0;

	*count = WHAT_OF(dir) != DIR ? 0 : top ? COUNT(root_names) : COUNT(pid_names);
	return top ? root_names : pid_names;
}

static long
number(const char *name, size_t bytes)
{
	long n = 0;

	if (bytes == 0 || bytes > 7)
		return -1;
	for (size_t i = 0; i < bytes; i++) {
		if (name[i] < '0' || name[i] > '9')
			return -1;
		n = n * 10 + (name[i] - '0');
	}
	return n;
}

long
procfs_find(u32 dir, const char *name, size_t bytes)
{
	size_t count;
	const struct name *names = names_of(dir, &count);
	long n = number(name, bytes);

	for (size_t i = 0; i < count; i++)
		if (strlen(names[i].name) == bytes && memcmp(names[i].name, name, bytes) == 0)
			return INO(PID_OF(dir), names[i].what);
	if (n > 0 && dir == PROCFS_ROOT && proc_find((u32)n))
		return INO(n, DIR);
	if (n >= 0 && WHAT_OF(dir) == FD_DIR && is_self(dir) && fd_get((int)n))
		return PROCFS | FD_BIT | (u32)n;
	return 0;
}

static int
give(struct entry *e, u32 ino, u32 type, const char *name)
{
	e->ino = ino;
	e->type = (u8)type;
	e->name_bytes = (u8)strlen(name);
	memcpy(e->name, name, e->name_bytes + 1u);
	return 1;
}

static int
give_number(struct entry *e, u32 ino, u32 type, u32 n)
{
	char text[12];

	exo_snprintf(text, sizeof(text), "%u", n);
	return give(e, ino, type, text);
}

/* The fixed names first, then processes by their place in the table, or descriptors. */
int
procfs_next(u32 dir, u64 *at, struct entry *e)
{
	size_t count;
	const struct name *names = names_of(dir, &count);

	if (*at < count) {
		const struct name *n = &names[(*at)++];

		return give(e, INO(PID_OF(dir), n->what), n->type, n->name);
	}
	while (dir == PROCFS_ROOT && *at - count < proc_rows()) {
		const volatile struct sh_proc *p = proc_table() + ((*at)++ - count);

		if (p->pid && p->state != PROC_FREE && p->state != PROC_BUILDING)
			return give_number(e, INO(p->pid, DIR), S_IFDIR >> 12, p->pid);
	}
	if (WHAT_OF(dir) == FD_DIR && is_self(dir)) {
		int fd = fd_next((int)*at - 1);

		if (fd < 0)
			return 0;
		*at = (u64)fd + 1;
		return give_number(e, PROCFS | FD_BIT | (u32)fd, S_IFLNK >> 12, (u32)fd);
	}
	return 0;
}

static u32
mode_of(u32 ino)
{
	struct file *f = procfs_fd(ino) >= 0 ? fd_get(procfs_fd(ino)) : NULL;

	if (ino & FD_BIT)
		return f ? S_IFLNK | 0700 : 0;
	if (WHAT_OF(ino) == DIR || WHAT_OF(ino) == FD_DIR)
		return S_IFDIR | 0555;
	return WHAT_OF(ino) == SELF || (WHAT_OF(ino) >= EXE && WHAT_OF(ino) <= ROOT)
		? S_IFLNK | 0777 : S_IFREG | 0444;
}

int
procfs_stat(u32 ino, struct fs_inode *copy)
{
	const volatile struct sh_proc *p = process(ino);
	u32 mode = mode_of(ino);

	if (mode == 0 || (PID_OF(ino) && !(ino & FD_BIT) && !p))
		return -ENOENT;
	*copy = (struct fs_inode){
		.mode = mode,
		.nlink = S_ISDIR(mode) ? 2 : 1,
		.uid = p ? p->uid : 0,
		.gid = p ? p->gid : 0,
		.parent = WHAT_OF(ino) == FD_DIR ? INO(PID_OF(ino), DIR)
			: ino == PROCFS_ROOT     ? FS_ROOT_INO
						 : PROCFS_ROOT,
		.mtime_ns = clock_ns() + SHARED->wall_offset_ns,
	};
	copy->atime_ns = copy->ctime_ns = copy->mtime_ns;
	return 0;
}

/* ---- links ------------------------------------------------------------------------------------ */

u32
procfs_jump(u32 ino)
{
	struct file *f = procfs_fd(ino) >= 0 ? fd_get(procfs_fd(ino)) : NULL;

	if (ino < PROCFS)
		return 0;
	if (ino & FD_BIT)
		/* The console's name has modes of its own, whoever has it open. */
		return f && f->ino && !(f->ops == &tty_ops && f->line == CONSOLE_LINE) ? f->ino
										       : ino;
	if (WHAT_OF(ino) == EXE && is_self(ino))
		return exe_ino;
	if (WHAT_OF(ino) == CWD && is_self(ino))
		return fs_cwd();
	return WHAT_OF(ino) == ROOT ? FS_ROOT_INO : 0;
}

static long
fd_target(const struct file *f, char *to, size_t room)
{
	if (f->ops->name[0] == 'a' && !f->ino)	/* anon_inode:[...] */
		return (long)exo_snprintf(to, room, "%s", f->ops->name);
	if (f->object && !f->ino)
		return (long)exo_snprintf(to, room, "%s:[%u]", f->ops->name, f->object->id + 1);
	if (f->ops == &tty_ops && f->ino == 0)
		return (long)exo_snprintf(to, room, "console:[%u]", f->queue);
	if (f->ops == &directory_ops)
		return fs_path(f->ino, to, room);
	return fs_path_in(f->dir, f->ino, to, room);
}

long
procfs_target(u32 ino, char *to, size_t room)
{
	struct file *f = procfs_fd(ino) >= 0 ? fd_get(procfs_fd(ino)) : NULL;

	if (ino & FD_BIT)
		return f ? fd_target(f, to, room) : -ENOENT;
	if (!S_ISLNK(mode_of(ino)))
		return -EINVAL;
	if (WHAT_OF(ino) == SELF)
		return (long)exo_snprintf(to, room, "%u", PROC->pid);
	if (WHAT_OF(ino) == ROOT)
		return (long)exo_snprintf(to, room, "/");
	if (!is_self(ino))
		return -EACCES;
	if (WHAT_OF(ino) == CWD)
		return fs_path(fs_cwd(), to, room);
	return exe_ino ? (long)exo_snprintf(to, room, "%s", exe_path) : -ENOENT;
}

/* ---- contents ------------------------------------------------------------------------------------- */

struct text {
	char *at;
	size_t room, bytes;
};

__attribute__((format(printf, 2, 3))) static void
put(struct text *t, const char *format, ...)
{
	__builtin_va_list args;
	size_t n;

	if (t->bytes >= t->room)
		return;
	__builtin_va_start(args, format);
	n = exo_format(t->at + t->bytes, t->room - t->bytes, format, args);
	__builtin_va_end(args);
	t->bytes = n < t->room - t->bytes ? t->bytes + n : t->room;
}

static u64
frames_of(u64 account)
{
	u64 count = 0, all = exo_info()->frames;

	for (exo_pfn pfn = 0; pfn < all && account; pfn++)	/* bound: the frame table */
		count += exo_frame(pfn)->account == account;
	return count;
}

static char
state_letter(const volatile struct sh_proc *p)
{
	const volatile struct exo_env *e = exo_env(p->env);

	if (p->state == PROC_ZOMBIE)
		return 'Z';
	if (p->state == PROC_STOPPED)
		return 'T';
	return e && exo_cpu(0)->running == p->env ? 'R' : 'S';
}

static u64
run_ticks(const volatile struct sh_proc *p)
{
	const volatile struct exo_env *e = exo_env(p->env);

	return (e ? e->run_ns : p->run_ns) / TICK_NS;
}

static const char *
name_copy(const volatile struct sh_proc *p)
{
	static char name[33];

	for (unsigned i = 0; i < 32; i++)
		name[i] = p->name[i];
	return name;
}

static const volatile struct sh_tty *
terminal(u32 tty)
{
	return (const volatile struct sh_tty *)((const char *)SHARED + SHARED->ttys_off) + tty - 1;
}

/* As stat tells it; a row's tty is the terminal's number + 1. */
static u32
tty_device(u32 tty)
{
	return tty == 0 ? 0 : tty == 1 ? 5 << 8 | 1 : 136 << 8 | (tty - 2);
}

static int
foreground(u32 tty)
{
	return tty && tty <= SH_TTYS ? (int)terminal(tty)->pgrp : -1;
}

static void
put_stat(struct text *t, const volatile struct sh_proc *p)
{
	u64 frames = frames_of(p->account);

	put(t, "%u (%s) %c %u %u %u %d %d 0 0 0 0 0 %lu 0 %lu 0 20 0 1 0 %lu %lu %lu ", p->pid,
		name_copy(p), state_letter(p), p->ppid, p->pgid, p->sid, tty_device(p->tty),
		foreground(p->tty), run_ticks(p), p->children_ns / TICK_NS,
		p->start_ns / TICK_NS, frames * (u64)EXO_PAGE_BYTES, frames);
	put(t, "18446744073709551615 0 0 0 0 0 0 0 0 0 0 0 0 17 0 0 0 0 0 0 0 0 0 0 0 0 0 0\n");
}

static const char *
state_word(char letter)
{
	switch (letter) {
	case 'R': return "running";
	case 'Z': return "zombie";
	case 'T': return "stopped";
	default: return "sleeping";
	}
}

static void
put_status(struct text *t, const volatile struct sh_proc *p)
{
	u64 kib = frames_of(p->account) * 4;
	char letter = state_letter(p);

	put(t, "Name:\t%s\nState:\t%c (%s)\n", name_copy(p), letter, state_word(letter));
	put(t, "Tgid:\t%u\nPid:\t%u\nPPid:\t%u\n", p->pid, p->pid, p->ppid);
	put(t, "Uid:\t%u\t%u\t%u\t%u\n", p->uid, p->uid, p->uid, p->uid);
	put(t, "Gid:\t%u\t%u\t%u\t%u\n", p->gid, p->gid, p->gid, p->gid);
	put(t, "VmSize:\t%8lu kB\nVmRSS:\t%8lu kB\nThreads:\t1\n", kib, kib);
}

/* The public page of another process is not mapped here: its name has to do. */
static void
put_cmdline(struct text *t, const volatile struct sh_proc *p)
{
	size_t bytes = sizeof(PUB->cmdline);

	if (p->pid != PROC->pid) {
		put(t, "%s", name_copy(p));
		t->bytes++;
		return;
	}
	while (bytes && PUB->cmdline[bytes - 1] == '\0')
		bytes--;
	bytes = bytes < sizeof(PUB->cmdline) && bytes ? bytes + 1 : bytes;
	memcpy(t->at, PUB->cmdline, bytes);
	t->bytes = bytes;
}

static void
put_process(struct text *t, u32 what, const volatile struct sh_proc *p)
{
	u64 frames;

	switch (what) {
	case STAT: put_stat(t, p); break;
	case STATUS: put_status(t, p); break;
	case CMDLINE: put_cmdline(t, p); break;
	case COMM_NAME: put(t, "%s\n", name_copy(p)); break;
	case STATM:
		frames = frames_of(p->account);
		put(t, "%lu %lu 0 0 0 %lu 0\n", frames, frames, frames);
		break;
	default: break;
	}
}

static void
put_meminfo(struct text *t)
{
	u64 free = exo_info()->free_frames * 4, files;
	const struct fs_super *super =
		(const struct fs_super *)((const char *)SHARED + SHARED->fs_off);

	files = super->data_frames * 4;
	put(t, "MemTotal:       %8lu kB\nMemFree:        %8lu kB\n", (u64)SHARED->memory_frames * 4,
		free);
	put(t, "MemAvailable:   %8lu kB\nBuffers:               0 kB\n", free);
	put(t, "Cached:         %8lu kB\nSwapCached:            0 kB\n", files);
	put(t, "Shmem:          %8lu kB\nSReclaimable:          0 kB\n", files);
	put(t, "SwapTotal:             0 kB\nSwapFree:              0 kB\n");
}

static void
put_cpuinfo(struct text *t)
{
	u64 mhz = exo_info()->tsc_hz / 1000000;

	for (u32 cpu = 0; cpu < exo_info()->cpus; cpu++)
		put(t, "processor\t: %u\nmodel name\t: x86-64\ncpu MHz\t\t: %lu.000\n\n", cpu, mhz);
}

static void
put_cpu_line(struct text *t, const char *name, u64 idle_ns)
{
	u64 now = clock_ns(), idle = idle_ns / TICK_NS;

	put(t, "cpu%s %lu 0 0 %lu 0 0 0 0 0 0\n", name,
		now / TICK_NS > idle ? now / TICK_NS - idle : 0, idle);
}

static void
put_stat_all(struct text *t)
{
	put_cpu_line(t, " ", exo_cpu(0)->idle_ns);
	put_cpu_line(t, "0", exo_cpu(0)->idle_ns);
	put(t, "intr %lu\nctxt %lu\nbtime %lu\n", exo_cpu(0)->interrupts, exo_cpu(0)->switches,
		SHARED->wall_offset_ns / 1000000000);
}

static void
put_global(struct text *t, u32 what)
{
	u64 now = clock_ns() / 10000000, idle = exo_cpu(0)->idle_ns / 10000000;

	switch (what) {
	case MEMINFO: put_meminfo(t); break;
	case CPUINFO: put_cpuinfo(t); break;
	case STAT_ALL: put_stat_all(t); break;
	case UPTIME:
		put(t, "%lu.%lu%lu %lu.%lu%lu\n", now / 100, now / 10 % 10, now % 10, idle / 100,
			idle / 10 % 10, idle % 10);
		break;
	case MOUNTS: put(t, "root / ramfs rw 0 0\nproc /proc proc rw 0 0\n"); break;
	case LOADAVG: put(t, "0.00 0.00 0.00 1/1 %u\n", PROC->pid); break;
	case VERSION: put(t, "Linux version 6.1.0-exos (Aegis)\n"); break;
	case FILESYSTEMS: put(t, "nodev\tramfs\nnodev\tproc\n"); break;
	default: break;
	}
}

long
procfs_text(u32 ino, char *to, size_t room)
{
	struct text t = { .at = to, .room = room };
	const volatile struct sh_proc *p = process(ino);

	if (PID_OF(ino) && !p)
		return -ESRCH;
	if (p && WHAT_OF(ino) != PID_MOUNTS)
		put_process(&t, WHAT_OF(ino), p);
	else
		put_global(&t, p ? MOUNTS : WHAT_OF(ino));
	return (long)t.bytes;
}
