/* SPDX-License-Identifier: ISC */
/*
 * Inodes, metadata blocks, and the guards of contents.
 *
 * Inode n is entry n of the table; which are in use is fstable.c's to know.
 *
 * One guard serves all inodes of the same owner, group and permissions.  Its
 * entries say with which keys contents may be mapped:
 *
 *   'u' uid   what the mode gives the owner, and EXO_P: the mark of ownership,
 *             which means nothing for frames and lets the server ask "is it yours?"
 *   'g' gid   what the mode gives the group and the owner, and EXO_A: "are you of the group?"
 *   'o'       what the mode gives everybody, the group and the owner
 *   'r'       everything: user 0 holds that key, without control, which is left to the root key.
 *             Alone it has both marks: "are you root?" is a question about these two
 *
 * Where the mode gives w the entry gives r too: the hardware knows no pages
 * that can be written and not read.  Nobody but the server has control: frames are its own.
 * A process has the keys of all classes that it is in, so none is given what the
 * classes before it lack.  Where the mode gives it more than that, and where a
 * file is to stay open for who becomes another user, the server binds a key for
 * it to a guard of the file's own (node_own).  Files with set-id bits are written
 * by nobody but root: whoever else may write has the bits taken off first.
 */
#include "fsnode.h"

#define GUARDS FILE_GUARDS
#define CLASS_BITS (06777u | SEALED)		/* the sticky bit's place marks an entry in use */
#define SEALED 0x4000u			/* its contents are written by nobody, root neither */
#define OWN 0x8000u			/* the guard of one inode alone */
#define OWN_MAX (GUARDS / 2)
/* What others leave for root: else they could keep it from making files, and from keeping them open. */
#define FOR_ROOT 128u
#define CLASSES_USERS (GUARDS - OWN_MAX - FOR_ROOT)
#define CLASSES_USER 256u		/* of one user's files */

struct meta fs_meta;
struct fs_super *fs_super;

static struct fs_guard {
	exo_guardref guard;		/* 0: free entry */
	uint32_t uid, gid, mode, users;	/* users of an OWN one: its inode */
} guards[GUARDS];
static unsigned owns, theirs;		/* of one inode; of a class, and not root's */

/* ---- guards ------------------------------------------------------------------------------ */

static uint8_t
class_rights(uint32_t bits)
{
	return (uint8_t)((bits & 4 ? EXO_R : 0) | (bits & 2 ? EXO_R | EXO_W : 0) |
		(bits & 1 ? EXO_X : 0));
}

static struct exo_key
id_entry(char kind, uint32_t id, uint8_t rights)
{
	struct exo_key k = { .len = 5, .rights = rights };

	k.name[0] = (uint8_t)kind;
	for (unsigned i = 0; i < 4; i++)
		k.name[1 + i] = (uint8_t)(id >> (24 - 8 * i));
	return k;
}

static void
guard_entries(struct exo_key e[EXO_GUARD_KEYS], uint32_t uid, uint32_t gid, uint32_t mode)
{
	const uint8_t all = mode & SEALED ? EXO_R | EXO_X : EXO_R | EXO_W | EXO_X;
	const uint8_t most = mode & (S_ISUID | S_ISGID) ? EXO_R | EXO_X : all;
	const uint8_t user = class_rights(mode >> 6) & most, group = class_rights(mode >> 3) & user,
		      other = class_rights(mode) & group;

	e[0] = id_entry('u', uid, user | EXO_P);
	e[1] = id_entry('g', gid, group | EXO_A);
	e[2] = other ? (struct exo_key){ .len = 1, .rights = other, .name = "o" }
		     : (struct exo_key){ 0 };
	e[3] = (struct exo_key){
		.len = 1, .rights = all | EXO_P | EXO_A | EXO_C, .name = "r"
	};
}

static exo_guardref
guard_make(uint32_t uid, uint32_t gid, uint32_t mode)
{
	struct exo_key entries[EXO_GUARD_KEYS];

	guard_entries(entries, uid, gid, mode);
	return guard_new(entries);
}

/* What a guard makes of this mode: its bits but for the type's. */
static uint32_t
class_of(const struct fs_inode *node, uint32_t mode)
{
	return (mode & 07777) | (node->seals & FS_SEALS_WRITE ? SEALED : 0);
}

static struct fs_guard *
guard_entry(exo_guardref guard)
{
	for (unsigned i = 0; i < GUARDS && guard; i++)
		if (guards[i].guard == guard)
			return &guards[i];
	return NULL;
}

static bool
is_class(const struct fs_guard *g, uint32_t uid, uint32_t gid, uint32_t mode)
{
	return g->guard && g->uid == uid && g->gid == gid && g->mode == (mode | 01000);
}

/* The guard of a class of files, one user more; 0: none to be had. */
static exo_guardref
guard_get(uint32_t uid, uint32_t gid, uint32_t mode)
{
	static unsigned latest;		/* mostly it is the same again */
	struct fs_guard *spare = NULL;
	unsigned same = 0;

	mode &= CLASS_BITS;
	if (is_class(&guards[latest], uid, gid, mode)) {
		guards[latest].users++;
		return guards[latest].guard;
	}
	for (unsigned i = 0; i < GUARDS; i++) {
		struct fs_guard *g = &guards[i];

		if (g->guard == 0) {
			spare = spare ? spare : g;
			if (g->mode == 0)
				break;		/* never used, like all behind it */
		} else if (is_class(g, uid, gid, mode)) {
			latest = i;
			g->users++;
			return g->guard;
		} else {
			same += g->uid == uid && !(g->mode & OWN);
		}
	}
	if (!spare || (uid && (same >= CLASSES_USER || theirs >= CLASSES_USERS)))
		return 0;
	spare->guard = guard_make(uid, gid, mode);
	if (spare->guard == 0)
		return 0;
	spare->uid = uid;
	spare->gid = gid;
	spare->mode = mode | 01000;	/* so that a used entry is never 0 */
	spare->users = 1;
	theirs += uid != 0;
	return spare->guard;
}

static void
guard_drop(exo_guardref guard)
{
	struct fs_guard *g = guard_entry(guard);

	if (!g || (!(g->mode & OWN) && --g->users))
		return;
	if (g->mode & OWN)
		owns--;
	else
		theirs -= g->uid != 0;
	guard_put(guard);
	g->guard = 0;
}

/* ---- inodes ------------------------------------------------------------------------------------ */

static struct fs_inode *
slot_at(uint32_t ino)
{
	return (struct fs_inode *)shared_at(FS_INODE_OFF) + ino;
}

struct fs_inode *
node_at(uint32_t ino)
{
	return ino && ino < fs_super->inodes && slot_at(ino)->mode ? slot_at(ino) : NULL;
}

bool
sfs_is_seq(uint64_t address)
{
	const uint64_t at = address - (uint64_t)slot_at(0);

	return address == (uint64_t)&fs_super->seq ||
		(at < (uint64_t)fs_super->inodes * sizeof(struct fs_inode) &&
			at % sizeof(struct fs_inode) == offsetof(struct fs_inode, seq));
}

void
node_begin(struct fs_inode *node)
{
	__atomic_store_n(&node->seq, node->seq | 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void
node_end(struct fs_inode *node)
{
	__atomic_store_n(&node->seq, (node->seq | 1) + 1, __ATOMIC_RELEASE);
}

void
node_touch(struct fs_inode *node)
{
	node->mtime_ns = node->ctime_ns = server_wall_ns();
}

struct fs_inode *
node_new(uint32_t mode, uint32_t uid, uint32_t gid, uint32_t *ino)
{
	exo_guardref guard = guard_get(uid, gid, mode);
	struct fs_inode *node;
	uint32_t n = guard ? slot_new() : 0;

	if (n == 0) {
		guard_drop(guard);
		return NULL;
	}
	node = slot_at(n);
	node_begin(node);
	node->nlink = 0;
	node->uid = uid;
	node->gid = gid;
	node->size = node->rdev = node->blocks = 0;
	node->guard = guard;
	node->generation++;
	node->parent = node->map = 0;
	node->depth = node->flags = node->seals = 0;
	__builtin_memset(node->target, 0, sizeof(node->target));
	node_touch(node);
	node->atime_ns = node->btime_ns = node->mtime_ns;
	node->xattrs = node->watched = 0;
	node->roomy = 0;
	node->mode = mode;
	node_end(node);
	*ino = n;
	return node;
}

void
node_free(uint32_t ino)
{
	struct fs_inode *node = slot_at(ino);
	bool gone;

	notify_inode_gone(node, ino);
	locks_inode_gone(ino);
	node_begin(node);
	xattrs_gone(node);
	gone = free_node(node, ino);
	guard_drop(node->guard);
	node->guard = 0;
	node->mode = 0;
	node_end(node);
	if (gone)
		slot_free(ino);
}

/* Put all frames under another guard. */
static void
frames_guard(struct fs_inode *node, exo_guardref guard)
{
	uint64_t index = 0, pfn, first = 0, run = 0;

	for (; map_next(node, &index, &pfn); index++) {
		if (run && pfn == first + run) {
			run++;
			continue;
		}
		if (run)
			mem_guard(first, run, guard);
		first = pfn;
		run = 1;
	}
	if (run)
		mem_guard(first, run, guard);
}

static bool
guard_is_own(exo_guardref guard)
{
	const struct fs_guard *g = guard_entry(guard);

	return g && g->mode & OWN;
}

/* Those that nobody has a key of any more are given back. */
static void
owns_sweep(void)
{
	for (unsigned i = 0; i < GUARDS; i++) {
		struct fs_inode *node = node_at(guards[i].users);
		exo_guardref guard;

		if (!guards[i].guard || !(guards[i].mode & OWN) || !node ||
			guard_held(guards[i].guard))
			continue;
		guard = guard_get(node->uid, node->gid, class_of(node, node->mode));
		if (!guard)
			return;
		frames_guard(node, guard);
		guard_drop(node->guard);
		node->guard = guard;
	}
}

exo_guardref
node_own(uint32_t ino, bool root)
{
	struct fs_inode *node = node_at(ino);
	const unsigned most = root ? OWN_MAX : OWN_MAX - FOR_ROOT;
	struct fs_guard *g;
	exo_guardref guard;

	if (guard_is_own(node->guard))
		return node->guard;
	if (owns >= most)
		owns_sweep();
	for (g = guards; g < guards + GUARDS && g->guard; g++)
		;
	guard = owns < most && g < guards + GUARDS
		? guard_make(node->uid, node->gid, class_of(node, node->mode))
		: 0;
	if (!guard)
		return 0;
	*g = (struct fs_guard){ guard, node->uid, node->gid, node->mode | OWN | 01000, ino };
	owns++;
	frames_guard(node, guard);
	guard_drop(node->guard);
	node_begin(node);
	node->guard = guard;
	node_end(node);
	return guard;
}

/* A guard of its own stays, with the keys that were bound to it, unless these could write what is armed now. */
static exo_guardref
guard_next(const struct fs_inode *node, uint32_t mode, uint32_t uid, uint32_t gid, bool armed)
{
	struct exo_key entries[EXO_GUARD_KEYS];

	if (!guard_is_own(node->guard) || (armed && guard_writers(node->guard)))
		return guard_get(uid, gid, class_of(node, mode));
	guard_entries(entries, uid, gid, class_of(node, mode));
	guard_alter(node->guard, entries);
	return node->guard;
}

/* Whoever has it mapped must ask again: writing it is over. */
static void
frames_unbind(const struct fs_inode *node)
{
	uint64_t index = 0, pfn;

	for (; map_next(node, &index, &pfn); index++)
		mem_unbind(pfn);
}

int
node_seal(struct fs_inode *node, bool unbind)
{
	exo_guardref guard = guard_get(node->uid, node->gid, class_of(node, node->mode));

	if (guard == 0)
		return -ENOSPC;
	frames_guard(node, guard);
	if (unbind)
		frames_unbind(node);
	guard_drop(node->guard);	/* and with one of its own all keys bound to that */
	node_begin(node);
	node->guard = guard;
	node_end(node);
	return 0;
}

int
node_setid(struct fs_inode *node, uint32_t mode, uint32_t uid, uint32_t gid)
{
	const bool armed = mode & (S_ISUID | S_ISGID) && !(node->mode & (S_ISUID | S_ISGID));
	exo_guardref guard = guard_next(node, mode, uid, gid, armed);

	if (guard == 0)
		return -ENOSPC;
	if (S_ISREG(node->mode) && guard != node->guard)
		frames_guard(node, guard);
	if (S_ISREG(node->mode) && armed)
		frames_unbind(node);
	if (!guard_is_own(guard))
		guard_drop(node->guard);
	node_begin(node);
	node->guard = guard;
	node->mode = (node->mode & S_IFMT) | (mode & 07777);
	node->uid = uid;
	node->gid = gid;
	node->ctime_ns = server_wall_ns();
	fs_super->seq += S_ISDIR(node->mode);
	node_end(node);
	return 0;
}

int
node_boot(void)
{
	fs_super = (struct fs_super *)shared_at(FS_SUPER_OFF);
	owns = theirs = 0;
	__builtin_memset(guards, 0, sizeof(guards));
	fs_super->inode_off = FS_INODE_OFF;
	fs_super->block_off = FS_BLOCK_OFF;
	if (tables_boot())
		return -ENOSPC;
	fs_super->magic = FS_MAGIC;
	return meta_init(&fs_meta, shared_at(0), FS_SUPER_OFF) ? 0 : -EINVAL;
}
