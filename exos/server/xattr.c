/* SPDX-License-Identifier: ISC */
/*
 * Extended attributes: one frame of the server's for a file that has some,
 * shown to nobody.  They are read by request, for they are as private as the
 * file's contents.  Which names mean what is Linux's: user.* goes with the
 * permissions of the contents, trusted.* and security.* are root's to set.
 */
#include "fsnode.h"
#include "attrs.h"

struct asked {				/* a request, copied once */
	char name[ATTRS_NAME_MAX + 1];
	char value[EXO_PAGE_BYTES];
	size_t name_bytes, value_bytes;
};

static bool
starts(const struct asked *q, const char *with)
{
	size_t n = __builtin_strlen(with);

	return q->name_bytes >= n && __builtin_memcmp(q->name, with, n) == 0;
}

static int
read_asked(const struct request *r, struct asked *q)
{
	size_t at = 0;

	for (q->name_bytes = 0; at < EXO_PAGE_BYTES; at++) {
		char c = *(const volatile char *)(r->comm + at);

		if (c == '\0')
			break;
		if (q->name_bytes == ATTRS_NAME_MAX)
			return -ERANGE;
		q->name[q->name_bytes++] = c;
	}
	at++;
	if (q->name_bytes == 0)
		return -ERANGE;
	q->value_bytes = r->c;
	if (r->c > EXO_PAGE_BYTES - at)
		return -ENOSPC;
	__builtin_memcpy(q->value, r->comm + at, r->c);
	return 0;
}

/* May the caller read, or write, an attribute of this name? */
static int
name_error(const struct request *r, const struct fs_inode *node, const struct asked *q, bool write)
{
	const int hidden = write ? -EPERM : -ENODATA;

	if (starts(q, "trusted.") && q->name_bytes > 8)
		return client_is_root(r) ? 0 : hidden;
	if (starts(q, "security.") && q->name_bytes > 9)
		return !write || client_is_root(r) ? 0 : -EPERM;
	if (!starts(q, "user."))
		return -EOPNOTSUPP;
	if (!S_ISREG(node->mode) && !S_ISDIR(node->mode))
		return hidden;
	if (S_ISDIR(node->mode) && node->mode & S_ISVTX && write && !client_owns(r, node))
		return -EPERM;
	if (!client_may_by(r, node, write ? EXO_W : EXO_R, r->d))
		return -EACCES;
	return q->name_bytes > 5 ? 0 : -EINVAL;
}

static void *
block_of(const struct fs_inode *node)
{
	return node->xattrs ? mem_window(node->xattrs) : NULL;
}

static void
block_drop(struct fs_inode *node)
{
	if (node->xattrs)
		mem_release(node->xattrs, 1);
	node->xattrs = 0;
}

void
xattrs_gone(struct fs_inode *node)
{
	block_drop(node);
}

static long
get(struct request *r, const struct fs_inode *node, const struct asked *q)
{
	const void *block = block_of(node);
	const struct attr *a = block ? attrs_find(block, q->name, q->name_bytes) : NULL;

	if (!a)
		return -ENODATA;
	__builtin_memcpy(r->comm, a->text + a->name_bytes, a->value_bytes);
	return a->value_bytes;
}

static long
list(struct request *r, const struct fs_inode *node)
{
	const void *block = block_of(node);
	const struct attr *a = NULL;
	bool root = client_is_root(r);
	size_t bytes = 0;

	while (block && (a = attrs_next(block, a)) != NULL) {
		if (!root && a->name_bytes > 8 && __builtin_memcmp(a->text, "trusted.", 8) == 0)
			continue;
		__builtin_memcpy(r->comm + bytes, a->text, a->name_bytes);
		bytes += a->name_bytes;
		r->comm[bytes++] = '\0';
	}
	return (long)bytes;
}

static void
changed(struct fs_inode *node)
{
	node_begin(node);
	node->ctime_ns = server_wall_ns();
	node_end(node);
}

static long
set(const struct request *r, struct fs_inode *node, const struct asked *q)
{
	void *block = block_of(node);
	bool is_there = block && attrs_find(block, q->name, q->name_bytes);
	exo_pfn pfn;

	if (is_there && r->b == XATTR_CREATE_NEW)
		return -EEXIST;
	if (!is_there && r->b == XATTR_REPLACE_OLD)
		return -ENODATA;
	if (!block) {
		if (mem_claim(1, 0, &pfn))
			return -ENOSPC;
		node->xattrs = (uint32_t)pfn;
		block = mem_window(pfn);
	}
	if (!block || !attrs_set(block, q->name, q->name_bytes, q->value, q->value_bytes)) {
		if (block && !attrs_next(block, NULL))
			block_drop(node);
		return -ENOSPC;
	}
	changed(node);
	return 0;
}

static long
take(struct fs_inode *node, const struct asked *q)
{
	void *block = block_of(node);

	if (!block || !attrs_find(block, q->name, q->name_bytes))
		return -ENODATA;
	attrs_remove(block, q->name, q->name_bytes);
	if (!attrs_next(block, NULL))
		block_drop(node);
	changed(node);
	return 0;
}

long
fs_xattr(struct request *r)
{
	struct fs_inode *node = r->a >> 32 ? NULL : node_at((uint32_t)r->a);
	bool write = r->b != XATTR_GET;
	static struct asked q;
	int error;

	if (!node)
		return -ENOENT;
	if (r->b == XATTR_LIST)
		return list(r, node);
	error = read_asked(r, &q);
	if (!error)
		error = name_error(r, node, &q, write);
	if (error)
		return error;
	switch (r->b) {
	case XATTR_GET: return get(r, node, &q);
	case XATTR_SET: case XATTR_CREATE_NEW: case XATTR_REPLACE_OLD: return set(r, node, &q);
	case XATTR_REMOVE: return take(node, &q);
	default: return -EINVAL;
	}
}
