/* SPDX-License-Identifier: ISC */
/*
 * Reading directories.  A position is a place in the directory's blocks, where
 * entries stay as long as they exist: whatever comes and goes meanwhile, none
 * that stays is skipped or seen twice.
 */
#include "files.h"

/* An entry, and room around its name for what the program is to find there: names are copied once. */
struct wide {
	char before[LINUX_DIRENT64_HEADER - offsetof(struct entry, name) + 7];
	struct entry e;
	char after[8];
};

/* One entry to the program, as getdents64 or getdents has it.  Its bytes, 0: no room, -EFAULT. */
static long
entry_out(u64 user, u64 room, struct wide *w, u64 next, bool old)
{
	const u32 header = old ? LINUX_DIRENT_HEADER : LINUX_DIRENT64_HEADER;
	const u32 bytes = (header + w->e.name_bytes + (old ? 2u : 1u) + 7u) & ~7u;
	const u8 type = w->e.type;
	struct linux_dirent64 head = { w->e.ino, (int64_t)next, (uint16_t)bytes, type };
	char *name = (char *)w + offsetof(struct wide, e) + offsetof(struct entry, name);
	char *at = name - header;

	if (bytes > room)
		return 0;
	name += w->e.name_bytes;
	__builtin_memcpy(name, &(u64){ 0 }, sizeof(u64));
	name[sizeof(u64)] = '\0';
	__builtin_memcpy(at, &head, LINUX_DIRENT_HEADER);
	if (old)
		at[bytes - 1] = (char)type;
	else
		at[LINUX_DIRENT_HEADER] = (char)type;
	return copy_out(user, at, bytes) ? -EFAULT : (long)bytes;
}

/* Positions: 0 ".", 1 "..", then the directory's own plus 2. */
static int
entry_get(u32 dir, u64 *pos, struct entry *e)
{
	struct fs_inode node;
	u64 at = *pos - 2;
	int found;

	if (*pos < 2) {
		if (fs_stat(dir, &node))
			return -ENOENT;
		*e = (struct entry){ .ino = *pos ? node.parent : dir,
			.type = S_IFDIR >> 12,
			.name = ".." };
		e->name_bytes = (u8)(*pos + 1);
		e->name[e->name_bytes] = '\0';
		++*pos;
		return 1;
	}
	found = fs_next(dir, &at, e);
	*pos = at + 2;
	return found;
}

static long
read_entries(int fd, u64 user, u64 room, bool old)
{
	int error, found;
	struct file *f = file_get(fd, &error);
	struct fs_inode node;
	u64 done = 0, pos;
	struct wide w;

	if (!f || f->ops != &directory_ops)
		return f ? -ENOTDIR : error;
	if (fs_stat(f->ino, &node) || node.nlink == 0)
		return -ENOENT;
	pos = f->shared->pos;
	if (pos > FS_SIZE_MAX)
		return 0;
	while ((found = entry_get(f->ino, &pos, &w.e)) > 0) {
		long bytes = entry_out(user + done, room - done, &w, pos, old);

		if (bytes <= 0)
			return done ? (long)done : bytes ? bytes : -EINVAL;
		done += (u64)bytes;
		f->shared->pos = pos;
	}
	if (!(f->shared->flags & O_NOATIME))
		fs_was_read(f->ino);
	fs_tell(f->ino, f->dir, IN_ACCESS);
	return found < 0 && done == 0 ? found : (long)done;
}

long
sys_getdents64(long fd, long user, long room)
{
	return read_entries((int)fd, (u64)user, (u32)room, false);
}

long
sys_getdents(long fd, long user, long room)
{
	return read_entries((int)fd, (u64)user, (u32)room, true);
}
