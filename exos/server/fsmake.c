/* SPDX-License-Identifier: ISC */
/* Requests that make something: files of every kind, with names and without, and further names. */
#include "fsname.h"

#define LINKS_MAX 65000u

long
fs_create(struct request *r)
{
	uint32_t mode = (uint32_t)r->b & (S_IFMT | MODE_BITS), type = mode & S_IFMT;
	struct fs_inode *dir;
	struct name n;
	size_t at = 0;
	int error = fs_dir_for_change(r, r->a, &dir);
	long ino;

	if (!error)
		error = fs_name_read(r, &at, &n);
	if (error)
		return error;
	if (fs_is_dots(&n) || meta_find(&fs_meta, (uint32_t)r->a, n.text, n.bytes) > 0)
		return -EEXIST;
	if (type != S_IFREG && type != S_IFDIR && type != S_IFCHR && type != S_IFBLK &&
		type != S_IFIFO && type != S_IFSOCK)
		return -EINVAL;
	if ((type == S_IFCHR || type == S_IFBLK) && !client_is_root(r))
		return -EPERM;
	ino = fs_make((uint32_t)r->a, n.text, n.bytes, fs_mode_of_new(r, dir, mode),
		r->cred->uid[CRED_FS], r->cred->gid[CRED_FS],
		type == S_IFCHR || type == S_IFBLK ? r->c : 0);
	if (ino > 0 && r->d && type == S_IFREG)
		fs_key_bind(r, (uint32_t)ino, r->d, r->e);	/* if not, it learns when it writes */
	if (ino > 0)
		notify_name(dir, (uint32_t)ino, IN_CREATE, n.text, n.bytes, 0);
	return ino;
}

/* An orphan from the start, whom the caller is about to publish or to link. */
static long
node_nameless(struct request *r, const struct fs_inode *dir, uint32_t mode, uint8_t flags)
{
	uint32_t ino, before = 0,
		      gid = dir && dir->mode & S_ISGID ? dir->gid : r->cred->gid[CRED_FS];
	struct fs_inode *node = node_new(mode, r->cred->uid[CRED_FS], gid, &ino);

	if (!node)
		return -ENOSPC;
	node->flags = flags;
	fs_orphans++;
	if (r->proc->nursed)
		before = (uint32_t)r->proc->nursed;
	r->proc->nursed = ino;
	fs_orphan_try(before);		/* which the caller may never have published: nobody has it then */
	return ino;
}

long
fs_make_nameless(struct request *r)
{
	struct fs_inode *dir = NULL;
	uint32_t mode = (uint32_t)r->b & (S_IFMT | MODE_BITS);
	int error = r->a ? fs_dir_for_change(r, r->a, &dir) : 0;
	long ino;

	if (error)
		return error;
	if (!S_ISREG(mode))
		return -EINVAL;
	if (dir)
		ino = node_nameless(r, dir, fs_mode_of_new(r, dir, mode),
			r->c ? FS_NODE_LINKABLE : 0);
	else
		ino = node_nameless(r, NULL, mode, FS_NODE_MEMORY);
	if (ino > 0 && !dir)
		node_at((uint32_t)ino)->seals = (uint8_t)(r->c & FS_SEALS_ALL);
	if (ino > 0 && r->d)
		fs_key_bind(r, (uint32_t)ino, r->d, r->e);
	return ino;
}

/* A link's target out of the comm page, from *at on: its length, or -errno. */
static long
target_read(const struct request *r, size_t at, char target[EXO_PAGE_BYTES])
{
	size_t bytes = 0;

	while (at + bytes < EXO_PAGE_BYTES) {
		target[bytes] = *(const volatile char *)(r->comm + at + bytes);
		if (target[bytes] == '\0')
			return bytes ? (long)bytes : -ENOENT;
		bytes++;
	}
	return -ENAMETOOLONG;
}

long
fs_make_symlink(struct request *r)
{
	static char target[EXO_PAGE_BYTES];
	struct fs_inode *dir;
	struct name n = { .bytes = 0 };
	size_t at = 0;
	long ino, bytes;
	int error = fs_dir_for_change(r, r->a, &dir);

	if (!error && !r->b)
		error = fs_name_read(r, &at, &n);
	if (error)
		return error;
	bytes = target_read(r, at, target);
	if (bytes < 0)
		return bytes;
	if (!r->b && (fs_is_dots(&n) || meta_find(&fs_meta, (uint32_t)r->a, n.text, n.bytes) > 0))
		return -EEXIST;
	ino = r->b ? node_nameless(r, dir, S_IFLNK | 0777, FS_NODE_LINKABLE)
		   : fs_make((uint32_t)r->a, n.text, n.bytes, S_IFLNK | 0777, r->cred->uid[CRED_FS],
			     r->cred->gid[CRED_FS], 0);
	if (ino < 0)
		return ino;
	if (fs_set_target(node_at((uint32_t)ino), target, (size_t)bytes) == 0) {
		if (!r->b)
			notify_name(dir, (uint32_t)ino, IN_CREATE, n.text, n.bytes, 0);
		return ino;
	}
	if (!r->b) {
		dir_remove(dir, n.text, n.bytes);
		node_free((uint32_t)ino);
	}
	return -ENOSPC;
}

/*
 * Any inode's number may stand in a request, so there is no path that the
 * caller had to be able to walk: it must own the file, or have it to read and
 * write anyway (as Linux with fs.protected_hardlinks).
 */
static bool
may_link(const struct request *r, const struct fs_inode *node)
{
	if (client_owns(r, node))
		return true;
	return S_ISREG(node->mode) && !(node->mode & S_ISUID)
		&& (node->mode & (S_ISGID | 010)) != (S_ISGID | 010)
		&& client_may(r, node, EXO_R | EXO_W);
}

long
fs_make_link(struct request *r)
{
	struct fs_inode *node = node_at((uint32_t)r->a), *dir;
	struct name n;
	size_t at = 0;
	int error = fs_dir_for_change(r, r->b, &dir);

	if (!error)
		error = fs_name_read(r, &at, &n);
	if (error)
		return error;
	if (!node || r->a >> 32 || (node->nlink == 0 && !(node->flags & FS_NODE_LINKABLE)))
		return -ENOENT;
	if (S_ISDIR(node->mode) || !may_link(r, node))
		return -EPERM;
	if (node->nlink >= LINKS_MAX)
		return -EMLINK;
	if (fs_is_dots(&n) || meta_find(&fs_meta, (uint32_t)r->b, n.text, n.bytes) > 0)
		return -EEXIST;
	error = dir_add(dir, (uint32_t)r->a, node->mode, n.text, n.bytes);
	if (error)
		return error;

	fs_orphans -= fs_orphans && node->nlink == 0 ? 1 : 0;
	node_begin(node);
	node->nlink++;
	node->flags &= (uint8_t)~FS_NODE_LINKABLE;
	node->ctime_ns = server_wall_ns();
	node_end(node);
	notify_self(node, (uint32_t)r->a, IN_ATTRIB);
	notify_name(dir, (uint32_t)r->a, IN_CREATE, n.text, n.bytes, 0);
	return 0;
}
