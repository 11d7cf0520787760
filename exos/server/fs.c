/* SPDX-License-Identifier: ISC */
/*
 * Files: what clients may ask to have changed.
 *
 * Reading needs nobody: libraries walk and stat in the shared region and map
 * contents under their own keys.  Here names and sizes change, each request
 * checked against the caller's keys by the kernel (client_opens), never
 * against what the message says.  A new file belongs to the user that the
 * process table names.
 *
 * This file has the checks and what the requests have in common; fsmake.c makes
 * names, fsgone.c takes them away, fsrename.c moves them.
 */
#include "fsname.h"

/* ---- checks --------------------------------------------------------------------------- */

/* Each byte is read once, by one copy, which costs one note; *at moves behind the NUL. */
int
fs_name_read(const struct request *r, size_t *at, struct name *n)
{
	const size_t room = *at < EXO_PAGE_BYTES ? EXO_PAGE_BYTES - *at : 0;
	const size_t most = room < sizeof(n->text) ? room : sizeof(n->text);
	size_t bytes = 0;

	__builtin_memcpy(n->text, r->comm + *at, most);
	for (; bytes < most && n->text[bytes]; bytes++)
		if (n->text[bytes] == '/')
			return -EINVAL;
	if (bytes == most)
		return most == sizeof(n->text) ? -ENAMETOOLONG : -EINVAL;
	n->bytes = bytes;
	*at += bytes + 1;
	return bytes == 0 ? -ENOENT : 0;
}

bool
fs_is_dots(const struct name *n)
{
	return n->text[0] == '.' && (n->bytes == 1 || (n->bytes == 2 && n->text[1] == '.'));
}

/* A directory in which the caller may change names. */
int
fs_dir_for_change(const struct request *r, uint64_t ino, struct fs_inode **dir)
{
	*dir = node_at((uint32_t)ino);
	if (!*dir || ino >> 32)
		return -ENOENT;
	if (!S_ISDIR((*dir)->mode))
		return -ENOTDIR;
	if ((*dir)->nlink == 0)
		return -ENOENT;			/* removed, but somebody's working directory */
	return client_may(r, *dir, EXO_W | EXO_X) ? 0 : -EACCES;
}

bool
fs_sticky_forbids(const struct request *r, const struct fs_inode *dir,
	const struct fs_inode *victim)
{
	return dir->mode & S_ISVTX && !client_owns(r, victim) && !client_owns(r, dir);
}

/* ---- making ------------------------------------------------------------------------------ */

/* It gets the directory's group, and so who is not of that group makes no program that acts for it. */
uint32_t
fs_mode_of_new(const struct request *r, const struct fs_inode *dir, uint32_t mode)
{
	const bool arms = !S_ISDIR(mode) && (mode & (S_ISGID | 010)) == (S_ISGID | 010);

	return arms && dir->mode & S_ISGID && !cred_in_group(r->cred, dir->gid) &&
			!client_is_root(r)
		? mode & ~(uint32_t)S_ISGID
		: mode;
}

int
fs_set_target(struct fs_inode *node, const char *target, size_t bytes)
{
	uint32_t block;
	int error;

	node->size = bytes;
	if (bytes <= sizeof(node->target)) {
		__builtin_memcpy(node->target, target, bytes);
		return 0;
	}
	block = block_new();
	if (block == 0)
		return -ENOSPC;
	__builtin_memcpy(block_at(block), target, bytes);
	error = map_set(node, 0, block);
	return error;
}

long
fs_make(uint32_t dir, const char *name, size_t bytes, uint32_t mode, uint32_t uid, uint32_t gid,
	uint64_t rdev)
{
	struct fs_inode *parent = node_at(dir);
	struct fs_inode *node;
	uint32_t ino;

	if (parent->mode & S_ISGID) {
		gid = parent->gid;
		mode |= S_ISDIR(mode) ? S_ISGID : 0;
	}
	node = node_new(mode, uid, gid, &ino);
	if (!node)
		return -ENOSPC;
	if (dir_add(parent, ino, mode, name, bytes)) {
		node_free(ino);
		return -ENOSPC;
	}

	node_begin(node);
	node->rdev = rdev;
	node->parent = S_ISDIR(mode) ? dir : 0;
	node->nlink = S_ISDIR(mode) ? 2 : 1;
	node_end(node);
	parent->nlink += S_ISDIR(mode) ? 1 : 0;
	return ino;
}

/* ---- dispatch -------------------------------------------------------------------------------- */

static long
request(struct request *r, uint32_t op)
{
	switch (op) {
	case OP_FS_CREATE: return fs_create(r);
	case OP_FS_SYMLINK: return fs_make_symlink(r);
	case OP_FS_LINK: return fs_make_link(r);
	case OP_FS_UNLINK: return fs_unlink(r);
	case OP_FS_RENAME: return fs_rename(r);
	case OP_FS_SETATTR: return fs_setattr(r);
	case OP_FS_EXTEND: return fs_extend(r);
	case OP_FS_TRUNCATE: return fs_truncate(r);
	case OP_FS_PUNCH: return fs_punch(r);
	case OP_FS_XATTR: return fs_xattr(r);
	case OP_FS_SEAL: return fs_seal(r);
	case OP_FS_BUSY: return r->a && server_runs((uint32_t)r->a) ? -ETXTBSY : 0;
	case OP_FS_KEY: return fs_key_request(r);
	case OP_FS_NAMELESS: return fs_make_nameless(r);
	case OP_FS_SWEEP:
		if (r->proc->nursed == r->a)
			r->proc->nursed = 0;
		return r->a >> 32 ? 0 : fs_orphan_try((uint32_t)r->a);
	default: return -ENOSYS;
	}
}

/* There is room when what is being freed is free. */
long
fs_request(struct request *r, uint32_t op)
{
	const long result = request(r, op);

	return result == -ENOSPC && free_step() ? SERVER_AGAIN : result;
}
