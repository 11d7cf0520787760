/* SPDX-License-Identifier: ISC */
/*
 * What processes publish of themselves, and who may see how much of it.  The
 * server has everybody's public page and gives out copies, without what only
 * friends may know; what stands there is its owner's word.
 */
#include <exo/read.h>
#include "procfs.h"
#include "../fd/file.h"

#define CAP_SYS_PTRACE 19

u32 proc_exe_ino;
static char exe_path[1024];

/* The name is what is found behind links; where that cannot be told, the one that was used. */
void
fs_set_exe(u32 ino, const char *path)
{
	struct place at;
	long error;

	if (ino == proc_exe_ino)
		return;			/* itself again, perhaps by /proc/self/exe */
	proc_exe_ino = ino;
	PUB->exe = ino < PROCFS ? ino : 0;
	PUB->exe_dir = 0;
	error = fs_walk_at(AT_FDCWD, path, 0, &at);
	if (error == 0)
		error = at.ino == ino ? fs_path_in(at.dir, ino, exe_path, sizeof(exe_path))
				      : -ENOENT;
	if (error < 0)
		exo_snprintf(exe_path, sizeof(exe_path), "%s", path);
	else
		PUB->exe_dir = at.dir;
}

const char *
proc_exe(void)
{
	return exe_path;
}

bool
proc_may_look(const volatile struct sh_proc *p)
{
	const volatile struct sh_cred *to = cred_of(p);

	if (p == PROC || CRED->effective & CAP_BIT(CAP_SYS_PTRACE))
		return true;
	for (unsigned which = 0; which < CRED_FS; which++)
		if (to->uid[which] != CRED->uid[CRED_FS] || to->gid[which] != CRED->gid[CRED_FS])
			return false;
	return to->flags & CRED_DUMPABLE;
}

const struct pub *
proc_published(const volatile struct sh_proc *p)
{
	static struct pub copy TRANSIENT;

	if (p == PROC)
		return PUB;
	if (server_call(OP_PUBLISHED, p->pid, 0, 0, 0, 0, NULL) < 0)
		return NULL;
	memcpy(&copy, COMM, sizeof(copy));
	return &copy;
}

/* ---- descriptors ------------------------------------------------------------------------------ */

static const char *const kinds[] = { "pipe", "socket", "console", "anon_inode:[eventfd]",
	"anon_inode:[eventpoll]", "anon_inode:[pidfd]", "anon_inode:[timerfd]",
	"anon_inode:[signalfd]", "anon_inode:inotify", "anon_inode:[?]" };
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))
#define CONSOLE_KIND 2u

/* Without an inode: its kind, and which one of that kind. */
struct pub_fd
proc_fd_of(const struct file *f)
{
	u32 kind = 0, id = f->object ? f->object->id + 1 : 0;

	if (f->ino)
		return (struct pub_fd){ f->ino, f->dir };
	while (kind < KINDS - 1 && strcmp(f->ops->name, kinds[kind]))
		kind++;
	if (f->ops == &tty_ops)
		kind = CONSOLE_KIND, id = f->queue;
	return (struct pub_fd){ 0, (kind + 1) << 24 | (id & 0xffffff) };
}

static long
unnamed(u32 what, char *to, size_t room)
{
	u32 kind = (what >> 24) - 1;

	if (kind >= KINDS)
		return -ENOENT;
	return kinds[kind][0] == 'a' ? (long)exo_snprintf(to, room, "%s", kinds[kind])
		: (long)exo_snprintf(to, room, "%s:[%u]", kinds[kind], what & 0xffffff);
}

/* The directory may say nothing of it any more: it was removed. */
long
proc_fd_name(const struct pub_fd *f, char *to, size_t room)
{
	struct fs_inode node;
	long n;

	if (f->ino == 0)
		return unnamed(f->dir, to, room);
	if (fs_stat(f->ino, &node))
		return -ENOENT;
	if (S_ISDIR(node.mode) && node.nlink)
		return fs_path(f->ino, to, room);
	n = f->dir ? fs_path_in(f->dir, f->ino, to, room) : -ENOENT;
	return n == -ENOENT ? (long)exo_snprintf(to, room, "/(inode %u) (deleted)", f->ino) : n;
}
