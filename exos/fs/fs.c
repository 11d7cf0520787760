/* SPDX-License-Identifier: ISC */
/*
 * The library's view of the file system.
 *
 * Every process reads the same metadata and asks nobody.  A reader that loses
 * a race three times makes an empty request of the server: when that is
 * answered, whatever the server was in the middle of is done.
 *
 * Permissions are checked here for the program's sake.  What protects a file
 * is elsewhere: the kernel checks keys when contents are mapped, the server
 * when names change.
 */
#include "known.h"

static struct meta meta;
static u32 cwd, root = FS_ROOT_INO;

void
fs_init(u32 start)
{
	if (!meta_init(&meta, (const char *)SHARED, SHARED->fs_off))
		exos_die(SIGKILL, "no file system");
	fs_set_cwd(start);
}

u32
fs_cwd(void)
{
	return cwd;
}

void
fs_set_cwd(u32 ino)
{
	cwd = ino;
	PUB->cwd = ino;
	PUB->root = root;
}

u32
fs_root(void)
{
	return root;
}

void
fs_set_root(u32 ino)
{
	root = ino;
	PUB->root = ino;
}

static void
race_lost(void)
{
	server_call(OP_FS_SWEEP, 0, 0, 0, 0, 0, NULL);
}

int
fs_stat(u32 ino, struct fs_inode *copy)
{
	int error;

	if (ino >= PROCFS)
		return procfs_stat(ino, copy);
	while ((error = meta_stat(&meta, ino, copy)) == -EAGAIN)
		race_lost();
	return error;
}

const struct fs_inode *
fs_inode(u32 ino)
{
	static struct fs_inode made;

	if (ino < PROCFS)
		return meta_inode(&meta, ino);
	return procfs_stat(ino, &made) ? NULL : &made;
}

#define SEEN 16u

long
fs_find(u32 dir, const char *name, size_t bytes)
{
	static struct meta_seen seen[SEEN];
	const u32 which = dir + (u32)bytes * 5 + (u8)name[0] * 3 + (u8)name[bytes - 1];
	long ino;

	if (dir >= PROCFS)
		return procfs_find(dir, name, bytes);
	if (dir == FS_ROOT_INO && bytes == 4 && memcmp(name, "proc", 4) == 0)
		return PROCFS_ROOT;
	while ((ino = meta_find_seen(&meta, dir, name, bytes, &seen[which % SEEN])) == -EAGAIN)
		race_lost();
	return ino;
}

long
fs_target(u32 ino, char *to, size_t room)
{
	long bytes;

	if (ino >= PROCFS)
		return procfs_target(ino, to, room);
	while ((bytes = meta_target(&meta, ino, to, room)) == -EAGAIN)
		race_lost();
	return bytes;
}

/* ---- permissions: the owner's bits, else the group's, else the others' ---------------------- */

static bool real_ids;			/* access(2) asks for those who run it */

void
fs_act_real(bool real)
{
	real_ids = real;
}

static bool
is_root(void)
{
	const u64 files = CRED->effective & CAP_FILES;

	/* access() of who is root only for the moment: nobody's rights count but the user's. */
	return real_ids ? CRED->uid[CRED_REAL] == 0 && CRED->permitted : files == CAP_FILES;
}

bool
fs_path_begin(struct known_path *k, u32 start, u32 flags, const char *path)
{
	const u64 seq = __atomic_load_n(&meta.super->seq, __ATOMIC_ACQUIRE);

	return !real_ids && known_path(k, seq, start, root, flags, path);
}

static u32
acting(const volatile u32 id[CRED_IDS])
{
	return id[real_ids ? CRED_REAL : CRED_FS];
}

/* The slot of the key of this group: 0, not a member. */
static exo_slot
group_key(u32 gid)
{
	if (acting(CRED->gid) == gid)
		return KEY_GROUP;
	for (u32 n = 0; n < CRED->groups && n < CRED_GROUPS; n++)
		if (CRED->group[n] == gid)
			return KEY_GROUPS + n;
	return 0;
}

bool
fs_may(const struct fs_inode *node, u32 want)
{
	u32 mode = node->mode;

	if (is_root())
		return !(want & X_OK) || S_ISDIR(mode) || mode & 0111;
	if (acting(CRED->uid) == node->uid)
		mode >>= 6;
	else if (group_key(node->gid))
		mode >>= 3;
	return (mode & want) == want;
}

/* Mode and owner belong together; no copy is made of what else there is. */
int
fs_may_search(u32 dir)
{
	for (;;) {
		const struct fs_inode *node = fs_inode(dir);
		u64 seq;
		int error;

		if (!node)
			return -ENOENT;
		if (meta_begin(node, &seq)) {
			error = !S_ISDIR(node->mode) ? -ENOTDIR : fs_may(node, X_OK) ? 0 : -EACCES;
			if (meta_same(node, seq))
				return error;
		}
		race_lost();
	}
}

u32
fs_mode(u32 ino)
{
	const struct fs_inode *node = fs_inode(ino);

	return node ? *(const volatile u32 *)&node->mode : 0;
}

int
fs_busy(u32 ino, const struct fs_inode *node)
{
	if (ino >= PROCFS || !S_ISREG(node->mode) || !(node->mode & 0111))
		return 0;
	return (int)server_call(OP_FS_BUSY, ino, 0, 0, 0, 0, NULL);
}

exo_slot
fs_key(const struct fs_inode *node)
{
	exo_slot group;

	if (is_root())
		return KEY_ROOT;
	if (acting(CRED->uid) == node->uid)
		return KEY_USER;
	group = group_key(node->gid);
	return group ? group : KEY_OTHER;
}

/* Each class may what the one before it may, or the keys do not say it all. */
static bool
is_plain(u32 mode)
{
	const u32 user = mode >> 6 & 7, group = mode >> 3 & 7, other = mode & 7;

	return (group & ~user) == 0 && (other & ~group) == 0;
}

static exo_slot
key_for(u32 ino, const struct fs_inode *node)
{
	const exo_slot own = keep_key(ino), key = fs_key(node);
	u32 bits = 0;

	if (own || key == KEY_ROOT || is_plain(node->mode))
		return own ? own : key;
	for (u32 n = 1; n <= 4; n <<= 1)
		bits |= fs_may(node, n) ? n : 0;
	return keep(ino, bits) == 0 ? keep_key(ino) : key;
}

/* Since it was copied; what is gone changes no more. */
static bool
was_changed(u32 ino, const struct fs_inode *copy)
{
	const struct fs_inode *node = meta_inode(&meta, ino);

	return node && !meta_same(node, copy->seq);
}

unsigned
fs_frames(u32 ino, u64 index, unsigned count, exo_pfn *pfn, exo_slot *key)
{
	struct fs_inode node;
	u64 pages;

	if (ino >= PROCFS)
		return 0;
	do {
		if (fs_stat(ino, &node) || !S_ISREG(node.mode) ||
			index * EXO_PAGE_BYTES >= node.size)
			return 0;
		pages = (node.size - 1) / EXO_PAGE_BYTES + 1 - index;
		count = pages < count ? (unsigned)pages : count;
		for (unsigned n = 0; n < count; n++)
			pfn[n] = meta_leaf(&meta, node.map, node.depth, index + n);
	} while (was_changed(ino, &node));
	*key = key_for(ino, &node);
	return count;
}

exo_pfn
fs_frame(u32 ino, u64 index, exo_slot *key)
{
	exo_pfn pfn;

	return fs_frames(ino, index, 1, &pfn, key) ? pfn : 0;
}

long
fs_seek(u32 ino, u64 at, bool data)
{
	struct fs_inode node;
	u64 found, end;

	do {
		if (fs_stat(ino, &node) || at >= node.size)
			return -ENXIO;
		end = (node.size + EXO_PAGE_BYTES - 1) / EXO_PAGE_BYTES;
		found = meta_seek(&meta, node.map, node.depth, at / EXO_PAGE_BYTES, end, data);
	} while (was_changed(ino, &node));
	if (data && found >= end)
		return -ENXIO;
	found *= EXO_PAGE_BYTES;
	found = found > at ? found : at;
	return (long)(found < node.size ? found : node.size);
}

/* ---- times: the server's to write; it is asked when it would write something new ------------- */

#define TICK_NS 4000000u		/* Linux's file times are no finer */
#define DAY_NS (86400ull * 1000000000)

static u64
wall_ns(void)
{
	return clock_ns() + SHARED->wall_offset_ns;
}

void
fs_was_read(u32 ino)
{
	const struct fs_inode *node = ino < PROCFS ? meta_inode(&meta, ino) : NULL;

	if (node && (node->atime_ns <= node->mtime_ns || node->atime_ns <= node->ctime_ns
		|| wall_ns() - node->atime_ns >= DAY_NS))
		server_call(OP_FS_SETATTR, ino, SETATTR_READ, 0, 0, keep_key(ino), NULL);
}

void
fs_was_written(u32 ino)
{
	const struct fs_inode *node = ino < PROCFS ? meta_inode(&meta, ino) : NULL;

	if (node && wall_ns() - node->mtime_ns >= TICK_NS)
		server_call(OP_FS_SETATTR, ino, SETATTR_MTIME | SETATTR_NOW, 0, 0, keep_key(ino),
			NULL);
}

/* ---- directories --------------------------------------------------------------------------- */

/* from: a place in at's block, *in, where an entry begins, or 0. */
static int
next_once(const struct fs_inode *dir, u64 *at, u32 from, const char **in, struct entry *e)
{
	while (*at < dir->size) {
		const char *block = from ? *in : meta_block(&meta,
			meta_leaf(&meta, dir->map, dir->depth, *at / DIRBLOCK_BYTES));
		u32 wanted = *at % DIRBLOCK_BYTES, offset = from, here = from;
		const struct fs_dirent *d = NULL;

		from = 0;
		*in = block;
		while (block && (d = dirblock_next(block, &offset)) != NULL &&
			(here < wanted || d->ino == 0))
			here = offset;
		if (!block || !d) {
			*at = (*at & ~(u64)(DIRBLOCK_BYTES - 1)) + DIRBLOCK_BYTES;
			continue;
		}
		e->ino = d->ino;
		e->type = d->type;
		e->name_bytes = d->name_bytes;
		if (here + sizeof(*d) + e->name_bytes > DIRBLOCK_BYTES)
			return 0;
		memcpy(e->name, d->name, e->name_bytes);
		e->name[e->name_bytes] = '\0';
		*at = (*at & ~(u64)(DIRBLOCK_BYTES - 1)) + offset;
		return 1;
	}
	return 0;
}

/*
 * Where the last look ended.  If the directory is the same since, that is where
 * the next entry begins; else entries may have been joined, and the block is gone
 * through from its start.
 */
static struct {
	u32 dir;			/* 0: none */
	u64 at;
	const char *in;			/* the block where that is */
	const struct fs_inode *where;
	struct fs_inode node;		/* as it was */
} looked;

/* Is the directory what it was when it was last looked at?  Else it is looked at now: 0 or -errno. */
static int
look(u32 dir)
{
	int error;

	if (looked.dir == dir && looked.where->btime_ns == looked.node.btime_ns &&
		meta_same(looked.where, looked.node.seq))
		return 0;
	looked.dir = 0;
	looked.at = 0;
	looked.where = meta_inode(&meta, dir);
	error = looked.where ? fs_stat(dir, &looked.node) : -ENOENT;
	if (error || !S_ISDIR(looked.node.mode))
		return error ? error : -ENOTDIR;
	looked.dir = dir;
	return 0;
}

int
fs_next(u32 dir, u64 *at, struct entry *e)
{
	for (;;) {
		u64 to = *at;
		int found, error;

		if (dir >= PROCFS)
			return procfs_next(dir, at, e);
		error = look(dir);
		if (error)
			return error;
		found = next_once(&looked.node, &to,
			looked.at == to ? (u32)(to % DIRBLOCK_BYTES) : 0, &looked.in, e);
		if (meta_same(looked.where, looked.node.seq)) {
			looked.at = to;
			*at = to;
			return found;
		}
		race_lost();
	}
}

/* The name under which `ino` stands in `dir`. */
static int
name_of(u32 dir, u32 ino, struct entry *e)
{
	u64 at = 0;
	int found;

	while ((found = fs_next(dir, &at, e)) > 0)
		if (e->ino == ino)
			return 0;
	return found < 0 ? found : -ENOENT;
}

#define DEPTH_MAX 1024			/* bound of the walk up */

/* Built from the end of the buffer towards its front. */
static long
path_build(u32 ino, char *to, size_t room, size_t at)
{
	struct entry e;

	for (int i = 0; ino != root && i < DEPTH_MAX; i++) {
		struct fs_inode node;
		int error = fs_stat(ino, &node);

		if (ino == FS_ROOT_INO)
			return -ENOENT;		/* it does not lie below the process's root */
		if (!error && ino == PROCFS_ROOT)
			e = (struct entry){ .name_bytes = 4, .name = "proc" };
		else if (!error)
			error = name_of(node.parent, ino, &e);
		if (error)
			return error;
		if (at < e.name_bytes + 1u)
			return -ENAMETOOLONG;
		at -= e.name_bytes;
		memcpy(to + at, e.name, e.name_bytes);
		to[--at] = '/';
		ino = node.parent;
	}
	if (at == room - 1)
		to[--at] = '/';
	memmove(to, to + at, room - at);
	return (long)(room - at - 1);
}

long
fs_path(u32 dir, char *to, size_t room)
{
	to[room - 1] = '\0';
	return path_build(dir, to, room, room - 1);
}

long
fs_path_in(u32 dir, u32 ino, char *to, size_t room)
{
	struct entry e;
	int error = name_of(dir, ino, &e);

	if (error)
		return error;
	if (room < e.name_bytes + 2u)
		return -ENAMETOOLONG;
	to[room - 1] = '\0';
	memcpy(to + room - 1 - e.name_bytes, e.name, e.name_bytes);
	to[room - 2 - e.name_bytes] = '/';
	return path_build(dir, to, room, room - 2 - e.name_bytes);
}
