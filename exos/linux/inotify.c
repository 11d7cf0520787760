/* SPDX-License-Identifier: ISC */
/* Linux calls of inotify. */
#include "files.h"

long
sys_inotify_init1(long flags)
{
	struct file *f = NULL;
	int error;

	if (flags & ~(long)(O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	error = inotify_new(&f, (u32)flags & O_NONBLOCK);
	return error ? error : fd_install(f, 0, flags & O_CLOEXEC);
}

long
sys_inotify_init(void)
{
	return sys_inotify_init1(0);
}

static struct file *
instance(int fd, int *error)
{
	struct file *f = file_get(fd, error);

	if (f && f->ops != &inotify_ops)
		*error = -EINVAL;
	return f && f->ops == &inotify_ops ? f : NULL;
}

#define KNOWN                                                                                      \
	(IN_ALL_EVENTS | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK | IN_MASK_CREATE |           \
		IN_MASK_ADD | IN_ONESHOT | IN_ISDIR | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED)

long
sys_inotify_add_watch(long fd, long path, long how)
{
	const u32 mask = (u32)how;
	struct fs_inode node;
	struct place at;
	struct file *f;
	int error;

	if (!(mask & KNOWN) || (mask & (IN_MASK_ADD | IN_MASK_CREATE)) ==
		(IN_MASK_ADD | IN_MASK_CREATE))
		return -EINVAL;
	f = instance((int)fd, &error);
	if (!f)
		return error;
	error = path_place(0, AT_FDCWD, (u64)path, mask & IN_DONT_FOLLOW ? WALK_NOFOLLOW : 0, true,
		&at);
	if (!error)
		error = fs_stat(at.ino, &node);
	if (error)
		return error;
	if (mask & IN_ONLYDIR && !S_ISDIR(node.mode))
		return -ENOTDIR;
	if (!fs_may(&node, R_OK))
		return -EACCES;
	if (at.ino >= PROCFS)
		return -ENOSPC;		/* what is made up when it is looked at does not change */
	return server_call(OP_NOTIFY_ADD, f->object->id, f->key, at.ino, mask, 0, NULL);
}

long
sys_inotify_rm_watch(long fd, long number)
{
	int error;
	struct file *f = instance((int)fd, &error);

	return f ? server_call(OP_NOTIFY_REMOVE, f->object->id, f->key, (u32)number, 0, 0, NULL)
		 : error;
}
