/* SPDX-License-Identifier: ISC */
/* Renaming: checks in the order in which Linux makes them, then names, .. and watchers. */
#include "fsname.h"

#define RENAME_DEPTH_MAX 4096		/* bound of the walk up from a rename's target */

/* Deeper than can be looked through counts as below, lest a loop be made there. */
static bool
lies_below(uint32_t dir, uint32_t above)
{
	for (int i = 0; dir != FS_ROOT_INO; i++) {
		struct fs_inode *node = node_at(dir);

		if (dir == above || i == RENAME_DEPTH_MAX)
			return true;
		if (!node)
			return false;
		dir = node->parent;
	}
	return dir == above;
}

/* May what bears the new name give way? */
static int
may_replace(const struct request *r, const struct fs_inode *node, struct fs_inode *dir2,
	const struct fs_inode *old)
{
	if (r->c & RENAME_NOREPLACE)
		return -EEXIST;
	if (S_ISDIR(old->mode) != S_ISDIR(node->mode))
		return S_ISDIR(old->mode) ? -EISDIR : -ENOTDIR;
	if (S_ISDIR(old->mode) && !dir_empty(old))
		return -ENOTEMPTY;
	return fs_sticky_forbids(r, dir2, old) ? -EPERM : 0;
}

static void
move_parent(struct fs_inode *node, struct fs_inode *from, struct fs_inode *to, uint32_t to_ino)
{
	node_begin(node);
	node->ctime_ns = server_wall_ns();
	if (S_ISDIR(node->mode) && from != to) {
		node->parent = to_ino;
		from->nlink--;
		to->nlink++;
	}
	node_end(node);
}

struct swap {
	struct fs_inode *dir, *dir2, *node, *old;
	uint32_t ino, old_ino;
	const struct name *n, *n2;
};

static void
moved(const struct swap *s)
{
	const uint32_t cookie = notify_cookie();

	notify_name(s->dir, s->ino, IN_MOVED_FROM, s->n->text, s->n->bytes, cookie);
	notify_name(s->dir2, s->ino, IN_MOVED_TO, s->n2->text, s->n2->bytes, cookie);
}

/* Two names change places; nothing is lost. */
static long
exchange(const struct request *r, const struct swap *s)
{
	if (!s->old)
		return -ENOENT;
	if (fs_sticky_forbids(r, s->dir2, s->old))
		return -EPERM;
	if (S_ISDIR(s->old->mode) && lies_below((uint32_t)r->a, s->old_ino))
		return -EINVAL;
	if (S_ISDIR(s->old->mode) && s->dir != s->dir2 && !client_may(r, s->old, EXO_W))
		return -EACCES;

	dir_point(s->dir, s->n->text, s->n->bytes, s->old_ino, s->old->mode);
	dir_point(s->dir2, s->n2->text, s->n2->bytes, s->ino, s->node->mode);
	move_parent(s->node, s->dir, s->dir2, (uint32_t)r->b);
	move_parent(s->old, s->dir2, s->dir, (uint32_t)r->a);
	moved(s);
	notify_self(s->node, s->ino, IN_MOVE_SELF);
	moved(&(struct swap){ .dir = s->dir2, .dir2 = s->dir, .ino = s->old_ino, .n = s->n2,
		.n2 = s->n });
	notify_self(s->old, s->old_ino, IN_MOVE_SELF);
	return 0;
}

/* Two names of one file: nothing is to be done, whoever asks. */
static bool
same_file(const struct request *r)
{
	struct name n, n2;
	size_t at = 0;
	long ino;

	if (r->c || !node_at((uint32_t)r->a) || !node_at((uint32_t)r->b) || (r->a | r->b) >> 32 ||
		fs_name_read(r, &at, &n) || fs_name_read(r, &at, &n2) || fs_is_dots(&n) ||
		fs_is_dots(&n2))
		return false;
	ino = meta_find(&fs_meta, (uint32_t)r->a, n.text, n.bytes);
	return ino > 0 && ino == meta_find(&fs_meta, (uint32_t)r->b, n2.text, n2.bytes);
}

/* May it move at all, whatever bears the new name? */
static int
may_move(const struct request *r, const struct swap *s)
{
	if (S_ISDIR(s->node->mode) && lies_below((uint32_t)r->b, s->ino))
		return -EINVAL;
	if (s->old && r->c != RENAME_EXCHANGE && S_ISDIR(s->old->mode)
		&& lies_below((uint32_t)r->a, s->old_ino))
		return -ENOTEMPTY;
	if (fs_sticky_forbids(r, s->dir, s->node))
		return -EPERM;
	/* Its .. changes. */
	return S_ISDIR(s->node->mode) && s->dir != s->dir2 && !client_may(r, s->node, EXO_W)
		? -EACCES : 0;
}

static long
move_name(const struct request *r, const struct swap *s)
{
	struct fs_inode *old = s->old;
	int error = old ? may_replace(r, s->node, s->dir2, old) : 0;

	if (!error && !old)
		error = dir_add(s->dir2, s->ino, s->node->mode, s->n2->text, s->n2->bytes);
	if (error)
		return error;

	if (old) {
		dir_point(s->dir2, s->n2->text, s->n2->bytes, s->ino, s->node->mode);
		s->dir2->nlink -= S_ISDIR(old->mode) ? 1 : 0;
	}
	dir_remove(s->dir, s->n->text, s->n->bytes);
	move_parent(s->node, s->dir, s->dir2, (uint32_t)r->b);
	moved(s);
	if (old)
		fs_name_lost(s->old_ino);
	notify_self(s->node, s->ino, IN_MOVE_SELF);
	return 0;
}

long
fs_rename(struct request *r)
{
	struct name n, n2;
	struct swap s = { .n = &n, .n2 = &n2 };
	size_t at = 0;
	long ino, old_ino;
	int error = same_file(r) ? 1 : fs_dir_for_change(r, r->a, &s.dir);

	if (error > 0)
		return 0;
	if (!error)
		error = fs_dir_for_change(r, r->b, &s.dir2);
	if (!error)
		error = fs_name_read(r, &at, &n);
	if (!error)
		error = fs_name_read(r, &at, &n2);
	if (error)
		return error;
	if (r->c != 0 && r->c != RENAME_NOREPLACE && r->c != RENAME_EXCHANGE)
		return -EINVAL;
	if (fs_is_dots(&n) || fs_is_dots(&n2))
		return -EBUSY;
	ino = meta_find(&fs_meta, (uint32_t)r->a, n.text, n.bytes);
	s.node = ino > 0 ? node_at((uint32_t)ino) : NULL;
	if (!s.node)
		return -ENOENT;
	old_ino = meta_find(&fs_meta, (uint32_t)r->b, n2.text, n2.bytes);
	s.old = old_ino > 0 ? node_at((uint32_t)old_ino) : NULL;
	if (s.old == s.node && r->c != RENAME_NOREPLACE)
		return 0;
	s.ino = (uint32_t)ino;
	s.old_ino = (uint32_t)old_ino;
	error = may_move(r, &s);
	if (error)
		return error;
	return r->c == RENAME_EXCHANGE ? exchange(r, &s) : move_name(r, &s);
}
