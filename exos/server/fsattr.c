/* SPDX-License-Identifier: ISC */
/*
 * Attributes and sizes: the requests that change one inode and no name.  Who
 * may: the owner (or root) the mode and the times, root the owner, and whoever
 * may write the contents the size.
 */
#include "fsnode.h"

#define MODE_BITS 07777u

/* Whoever may write may say that he did; other times are the owner's to set. */
static long
set_times(struct fs_inode *node, struct request *r)
{
	if (!client_owns(r, node) && !(r->b & SETATTR_NOW))
		return -EPERM;
	if (!client_owns(r, node) && !client_may_by(r, node, EXO_W, r->e))
		return -EACCES;
	if (r->b & SETATTR_NOW)
		r->c = r->d = server_wall_ns();

	node_begin(node);
	if (r->b & SETATTR_ATIME)
		node->atime_ns = r->c;
	if (r->b & SETATTR_MTIME)
		node->mtime_ns = r->d;
	node->ctime_ns = server_wall_ns();
	node_end(node);
	return 0;
}

static long
set_owner_mode(struct fs_inode *node, const struct request *r)
{
	uint32_t mode = r->b & SETATTR_MODE ? (uint32_t)r->c & MODE_BITS : node->mode & MODE_BITS;
	uint32_t uid = r->b & SETATTR_UID ? (uint32_t)r->d : node->uid;
	uint32_t gid = r->b & SETATTR_GID ? (uint32_t)r->e : node->gid;
	bool root = client_is_root(r);

	/* Who is not of the group gets no set-group-id bit. */
	if (!root && r->b & SETATTR_MODE && !cred_in_group(r->cred, node->gid))
		mode &= ~(uint32_t)S_ISGID;
	if (!root && (uid != node->uid || (gid != node->gid && !cred_in_group(r->cred, gid))))
		return -EPERM;
	if (r->b & (SETATTR_UID | SETATTR_GID) && !S_ISDIR(node->mode))
		mode &= ~(uint32_t)(S_ISUID |
			(mode & 010 ? S_ISGID : 0)); /* root's too, as Linux does */
	if (node->seals & FS_SEAL_EXEC && (mode ^ node->mode) & 0111)
		return -EPERM;
	return node_setid(node, mode, uid, gid);
}

static long
unset_id(struct fs_inode *node)
{
	const uint32_t group = node->mode & 010 ? S_ISGID : 0;
	const uint32_t mode = node->mode & ~(S_ISUID | group);

	return S_ISREG(node->mode) && mode != node->mode
		? node_setid(node, mode, node->uid, node->gid)
		: 0;
}

/* Times of access are kept as by relatime: when it was changed since, or was not read for a day. */
static long
was_read(struct fs_inode *node)
{
	const uint64_t now = server_wall_ns(), day = 86400ull * 1000000000;
	const uint64_t at = node->atime_ns;

	if (at > node->mtime_ns && at > node->ctime_ns && now - at < day)
		return 0;
	node_begin(node);
	node->atime_ns = now;
	node_end(node);
	return 0;
}

long
fs_setattr(struct request *r)
{
	struct fs_inode *node = r->a >> 32 ? NULL : node_at((uint32_t)r->a);
	const uint64_t times = SETATTR_ATIME | SETATTR_MTIME;
	const uint64_t ids = SETATTR_MODE | SETATTR_UID | SETATTR_GID;

	if (!node)
		return -ENOENT;
	/* Whoever can see the metadata can say so: no more than Linux tells of who may open it is at stake. */
	if (r->b == SETATTR_READ)
		return client_may_by(r, node, EXO_R, r->e) || S_ISLNK(node->mode) ? was_read(node)
										  : -EACCES;
	if (r->b & ~(times | ids | SETATTR_UNSETID | SETATTR_NOW) || (r->b & times && r->b & ids))
		return -EINVAL;
	if (r->b & times)
		return set_times(node, r);
	if (r->b == SETATTR_UNSETID)
		return client_may_by(r, node, EXO_W, r->e) ? unset_id(node) : -EPERM;
	return client_owns(r, node) ? set_owner_mode(node, r) : -EPERM;
}

static int
file_for_change(const struct request *r, struct fs_inode **node, uint64_t slot)
{
	*node = r->a >> 32 ? NULL : node_at((uint32_t)r->a);
	if (!*node)
		return -ENOENT;
	if (!S_ISREG((*node)->mode))
		return S_ISDIR((*node)->mode) ? -EISDIR : -EINVAL;
	if (!client_may_by(r, *node, EXO_W, slot)) /* sealed, it has nobody left who may */
		return (*node)->seals & FS_SEALS_WRITE && client_owns(r, *node) ? 0 : -EACCES;
	return client_is_root(r) ? 0 : (int)unset_id(*node);
}

/* Who maps a hole must find the frame that everybody finds: to make it one it takes no more than to read. */
static long
fill_hole(const struct request *r)
{
	struct fs_inode *node = r->a >> 32 ? NULL : node_at((uint32_t)r->a);
	uint64_t from = r->b, bytes = r->c, end;
	int error;

	if (!node || !S_ISREG(node->mode))
		return -ENOENT;
	if (!client_may_by(r, node, EXO_R, r->d))
		return -EACCES;
	end = (node->size + EXO_PAGE_BYTES - 1) / EXO_PAGE_BYTES * EXO_PAGE_BYTES;
	if (bytes == 0 || bytes > FS_EXTEND_MAX || from >= end || bytes > end - from)
		return -EINVAL;
	node_begin(node);
	error = map_fill(node, from / EXO_PAGE_BYTES, (from + bytes - 1) / EXO_PAGE_BYTES);
	node_end(node);
	return error;
}

/* Something is to be freed first: of that a step. */
static long
server_again(void)
{
	free_step();
	return SERVER_AGAIN;
}

long
fs_extend(struct request *r)
{
	struct fs_inode *node;
	uint64_t from = r->b, bytes = r->c;
	int error;

	if (r->e == FS_FILL)
		return fill_hole(r);
	error = file_for_change(r, &node, r->d);
	if (error)
		return error;
	if (from == FS_APPEND)
		from = node->size;
	if (node->seals & FS_SEALS_WRITE ||
		(node->seals & FS_SEAL_GROW && (from > node->size || bytes > node->size - from)))
		return -EPERM;
	if (bytes == 0 || bytes > FS_EXTEND_MAX)
		return -EINVAL;
	if (node->flags & FS_NODE_QUEUED && (from > node->size || bytes > node->size - from))
		return server_again();
	if (from > FS_SIZE_MAX || bytes > FS_SIZE_MAX - from)
		return -EFBIG;
	node_begin(node);
	error = map_fill(node, from / EXO_PAGE_BYTES, (from + bytes - 1) / EXO_PAGE_BYTES);
	if (!error && from + bytes > node->size && !r->e)
		node->size = from + bytes;
	node_touch(node);
	node_end(node);
	r->rdx = from;
	return error;
}

/* Bytes within one page: its frame stays. */
static void
clear_part(const struct fs_inode *node, uint64_t from, uint64_t bytes)
{
	exo_pfn pfn = bytes ? map_get(node, from / EXO_PAGE_BYTES) : 0;
	char *page = pfn ? mem_window(pfn) : NULL;

	if (page)
		__builtin_memset(page + from % EXO_PAGE_BYTES, 0, bytes);
}

/* What lies behind the end of the last page must read as zero should the file grow again. */
static void
clear_tail(const struct fs_inode *node, uint64_t size)
{
	uint32_t within = size % EXO_PAGE_BYTES;

	clear_part(node, size, within ? EXO_PAGE_BYTES - within : 0);
}

long
fs_truncate(struct request *r)
{
	struct fs_inode *node;
	uint64_t size = r->b;
	int error = file_for_change(r, &node, r->c);

	if (error)
		return error;
	if (size > FS_SIZE_MAX)
		return -EFBIG;
	if ((size < node->size && node->seals & FS_SEAL_SHRINK) ||
		(size > node->size && node->seals & FS_SEAL_GROW))
		return -EPERM;
	if (size > node->size && node->flags & FS_NODE_QUEUED)
		return server_again();
	node_begin(node);
	if (size < node->size) {
		node->size = size;
		free_tail(node, (uint32_t)r->a);
		clear_tail(node, size);
	}
	node->size = size;
	node_touch(node);
	node_end(node);
	return 0;
}

#define PUNCH_STEP 4096u		/* frames given back by one request */

long
fs_punch(struct request *r)
{
	struct fs_inode *node;
	uint64_t from = r->b, end, first, last;
	bool more;
	int error = file_for_change(r, &node, r->d);

	if (error)
		return error;
	if (r->c == 0 || from > FS_SIZE_MAX || r->c > FS_SIZE_MAX - from)
		return r->c ? -EFBIG : -EINVAL;
	if (node->seals & FS_SEALS_WRITE)
		return -EPERM;
	end = from + r->c;
	first = (from + EXO_PAGE_BYTES - 1) / EXO_PAGE_BYTES;
	last = end / EXO_PAGE_BYTES;	/* the first page that does not go */
	node_begin(node);
	if (first > last) {
		clear_part(node, from, r->c);
	} else {
		clear_part(node, from, first * EXO_PAGE_BYTES - from);
		clear_part(node, last * EXO_PAGE_BYTES, end % EXO_PAGE_BYTES);
	}
	more = first < last && map_punch(node, &first, last, PUNCH_STEP);
	node_touch(node);
	node_end(node);
	r->rdx = first * EXO_PAGE_BYTES;
	return more;
}
