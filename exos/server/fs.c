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
 * An unlinked inode stays as long as a public page names it; orphans are
 * looked through when a process says that it closed one or is gone.
 */
#include "fsnode.h"

#define MODE_BITS 07777u
#define RENAME_DEPTH_MAX 4096		/* bound of the walk up from a rename's target */
#define LINKS_MAX 65000u
#define SWEEP_INODES 4096u		/* looked at in one step */
#define SWEEP_ORPHANS 4u		/* of them: held by somebody? */

static uint32_t orphans;		/* inodes with nlink 0 that somebody may hold */

/* A name out of the comm page. */
struct name {
	char text[FS_NAME_MAX + 1];
	size_t bytes;
};

/* ---- checks --------------------------------------------------------------------------- */

/* Each byte is read once; *at moves behind the NUL. */
static int
name_read(const struct request *r, size_t *at, struct name *n)
{
	n->bytes = 0;
	for (size_t i = *at; i < EXO_PAGE_BYTES; i++) {
		char c = *(const volatile char *)(r->comm + i);

		if (c == '\0') {
			n->text[n->bytes] = '\0';
			*at = i + 1;
			return n->bytes == 0 ? -ENOENT : 0;
		}
		if (c == '/')
			return -EINVAL;
		if (n->bytes == FS_NAME_MAX)
			return -ENAMETOOLONG;
		n->text[n->bytes++] = c;
	}
	return -EINVAL;
}

static bool
is_dots(const struct name *n)
{
	return n->text[0] == '.' && (n->bytes == 1 || (n->bytes == 2 && n->text[1] == '.'));
}

/* A directory in which the caller may change names. */
static int
dir_for_change(const struct request *r, uint64_t ino, struct fs_inode **dir)
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

static bool
sticky_forbids(const struct request *r, const struct fs_inode *dir, const struct fs_inode *victim)
{
	return dir->mode & S_ISVTX && !client_owns(r, victim) && !client_owns(r, dir);
}

/* ---- making ------------------------------------------------------------------------------ */

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

static long
create(struct request *r)
{
	uint32_t mode = (uint32_t)r->b & (S_IFMT | MODE_BITS), type = mode & S_IFMT;
	struct fs_inode *dir;
	struct name n;
	size_t at = 0;
	int error = dir_for_change(r, r->a, &dir);
	long ino;

	if (!error)
		error = name_read(r, &at, &n);
	if (error)
		return error;
	if (is_dots(&n) || meta_find(&fs_meta, (uint32_t)r->a, n.text, n.bytes) > 0)
		return -EEXIST;
	if (type != S_IFREG && type != S_IFDIR && type != S_IFCHR && type != S_IFBLK &&
		type != S_IFIFO && type != S_IFSOCK)
		return -EINVAL;
	if ((type == S_IFCHR || type == S_IFBLK) && !client_is_root(r))
		return -EPERM;
	ino = fs_make((uint32_t)r->a, n.text, n.bytes, mode, r->cred->uid[CRED_FS],
		r->cred->gid[CRED_FS], type == S_IFCHR || type == S_IFBLK ? r->c : 0);
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
	uint32_t ino, gid = dir && dir->mode & S_ISGID ? dir->gid : r->cred->gid[CRED_FS];
	struct fs_inode *node = node_new(mode, r->cred->uid[CRED_FS], gid, &ino);

	if (!node)
		return -ENOSPC;
	node->flags = flags;
	orphans++;
	/* The one before it may be published by nobody: then nobody has it. */
	if (r->proc->nursed)
		sfs_sweep_due();
	r->proc->nursed = ino;
	return ino;
}

static long
make_nameless(struct request *r)
{
	struct fs_inode *dir = NULL;
	uint32_t mode = (uint32_t)r->b & (S_IFMT | MODE_BITS);
	int error = r->a ? dir_for_change(r, r->a, &dir) : 0;
	long ino;

	if (error)
		return error;
	if (!S_ISREG(mode))
		return -EINVAL;
	if (dir)
		ino = node_nameless(r, dir, mode, r->c ? FS_NODE_LINKABLE : 0);
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

static long
make_symlink(struct request *r)
{
	static char target[EXO_PAGE_BYTES];
	struct fs_inode *dir;
	struct name n = { .bytes = 0 };
	size_t at = 0;
	long ino, bytes;
	int error = dir_for_change(r, r->a, &dir);

	if (!error && !r->b)
		error = name_read(r, &at, &n);
	if (error)
		return error;
	bytes = target_read(r, at, target);
	if (bytes < 0)
		return bytes;
	if (!r->b && (is_dots(&n) || meta_find(&fs_meta, (uint32_t)r->a, n.text, n.bytes) > 0))
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

static long
make_link(struct request *r)
{
	struct fs_inode *node = node_at((uint32_t)r->a), *dir;
	struct name n;
	size_t at = 0;
	int error = dir_for_change(r, r->b, &dir);

	if (!error)
		error = name_read(r, &at, &n);
	if (error)
		return error;
	if (!node || r->a >> 32 || (node->nlink == 0 && !(node->flags & FS_NODE_LINKABLE)))
		return -ENOENT;
	if (S_ISDIR(node->mode) || !may_link(r, node))
		return -EPERM;
	if (node->nlink >= LINKS_MAX)
		return -EMLINK;
	if (is_dots(&n) || meta_find(&fs_meta, (uint32_t)r->b, n.text, n.bytes) > 0)
		return -EEXIST;
	error = dir_add(dir, (uint32_t)r->a, node->mode, n.text, n.bytes);
	if (error)
		return error;

	orphans -= orphans && node->nlink == 0 ? 1 : 0;
	node_begin(node);
	node->nlink++;
	node->flags &= (uint8_t)~FS_NODE_LINKABLE;
	node->ctime_ns = server_wall_ns();
	node_end(node);
	notify_self(node, (uint32_t)r->a, IN_ATTRIB);
	notify_name(dir, (uint32_t)r->a, IN_CREATE, n.text, n.bytes, 0);
	return 0;
}

/* ---- unmaking ----------------------------------------------------------------------------- */

void
fs_name_lost(uint32_t ino)
{
	struct fs_inode *node = node_at(ino);

	node_begin(node);
	node->nlink = S_ISDIR(node->mode) ? 0 : node->nlink - 1;
	node->ctime_ns = server_wall_ns();
	node_end(node);
	if (!S_ISDIR(node->mode))
		notify_self(node, ino, IN_ATTRIB);
	if (node->nlink)
		return;
	if (server_published(ino))
		orphans++;
	else
		node_free(ino);
}

static bool
orphan_try(uint32_t ino)
{
	struct fs_inode *node = node_at(ino);

	if (!node || node->nlink || server_published(ino))
		return false;
	node_free(ino);
	orphans -= orphans ? 1 : 0;
	return true;
}

static uint32_t sweep_at;		/* the next inode to look at */

void
sfs_sweep_due(void)
{
	sweep_at = FS_ROOT_INO;
}

/* Each orphan is a look at every public page, and how many there are is the clients' choice. */
bool
sfs_sweep(void)
{
	unsigned tried = 0;

	for (unsigned seen = 0; seen < SWEEP_INODES && tried < SWEEP_ORPHANS; seen++, sweep_at++) {
		const struct fs_inode *node = node_at(sweep_at);

		if (orphans == 0 || sweep_at == 0 || sweep_at >= fs_super->inodes)
			return false;
		if (!node || node->nlink)
			continue;
		orphan_try(sweep_at);
		tried++;
	}
	return true;
}

static long
unlink_name(struct request *r)
{
	struct fs_inode *dir, *node;
	struct name n;
	size_t at = 0;
	long ino;
	int error = dir_for_change(r, r->a, &dir);

	if (!error)
		error = name_read(r, &at, &n);
	if (error)
		return error;
	if (is_dots(&n))
		return r->b ? (n.bytes == 1 ? -EINVAL : -ENOTEMPTY) : -EISDIR;
	ino = meta_find(&fs_meta, (uint32_t)r->a, n.text, n.bytes);
	node = node_at((uint32_t)ino);
	if (ino <= 0 || !node)
		return -ENOENT;
	if (S_ISDIR(node->mode) != !!r->b)
		return r->b ? -ENOTDIR : -EISDIR;
	if (sticky_forbids(r, dir, node))
		return -EPERM;
	if (r->b && !dir_empty(node))
		return -ENOTEMPTY;

	dir_remove(dir, n.text, n.bytes);
	dir->nlink -= r->b ? 1 : 0;
	fs_name_lost((uint32_t)ino);
	notify_name(dir, 0, IN_DELETE | (r->b ? IN_ISDIR : 0), n.text, n.bytes, 0);
	return 0;
}

/* ---- renaming -------------------------------------------------------------------------------- */

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
	return sticky_forbids(r, dir2, old) ? -EPERM : 0;
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
	if (sticky_forbids(r, s->dir2, s->old))
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
		name_read(r, &at, &n) || name_read(r, &at, &n2) || is_dots(&n) || is_dots(&n2))
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
	if (sticky_forbids(r, s->dir, s->node))
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

static long
rename_name(struct request *r)
{
	struct name n, n2;
	struct swap s = { .n = &n, .n2 = &n2 };
	size_t at = 0;
	long ino, old_ino;
	int error = same_file(r) ? 1 : dir_for_change(r, r->a, &s.dir);

	if (error > 0)
		return 0;
	if (!error)
		error = dir_for_change(r, r->b, &s.dir2);
	if (!error)
		error = name_read(r, &at, &n);
	if (!error)
		error = name_read(r, &at, &n2);
	if (error)
		return error;
	if (r->c != 0 && r->c != RENAME_NOREPLACE && r->c != RENAME_EXCHANGE)
		return -EINVAL;
	if (is_dots(&n) || is_dots(&n2))
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

/* ---- dispatch -------------------------------------------------------------------------------- */

long
fs_request(struct request *r, uint32_t op)
{
	switch (op) {
	case OP_FS_CREATE: return create(r);
	case OP_FS_SYMLINK: return make_symlink(r);
	case OP_FS_LINK: return make_link(r);
	case OP_FS_UNLINK: return unlink_name(r);
	case OP_FS_RENAME: return rename_name(r);
	case OP_FS_SETATTR: return fs_setattr(r);
	case OP_FS_EXTEND: return fs_extend(r);
	case OP_FS_TRUNCATE: return fs_truncate(r);
	case OP_FS_PUNCH: return fs_punch(r);
	case OP_FS_XATTR: return fs_xattr(r);
	case OP_FS_SEAL: return fs_seal(r);
	case OP_FS_BUSY: return r->a && server_runs((uint32_t)r->a) ? -ETXTBSY : 0;
	case OP_FS_KEY: return fs_key_request(r);
	case OP_FS_NAMELESS: return make_nameless(r);
	case OP_FS_SWEEP:
		if (r->proc->nursed == r->a)
			r->proc->nursed = 0;
		return r->a >> 32 ? 0 : orphan_try((uint32_t)r->a);
	default: return -ENOSYS;
	}
}
