/* SPDX-License-Identifier: ISC */
/*
 * Descriptors on their way to another process.  What goes is what it takes to
 * open the same again: the inode and a key to it, or the object and a key of its
 * side; besides, what all who have the description share, its offset and status
 * flags (ofd.c), and the key of the locks that it owns (lock.c).
 *
 * The server vouches for keys: for a file's, that the sender might do with it
 * what `sides` says.  All else is the sender's word, and we may do more than he:
 * so nothing is opened here by our own rights that he has not shown his for, and
 * a number that is said to be a file's is one of the kind that it is said to be.
 */
#include "socket.h"
#include <exo/control.h>
#include "epoll.h"
#include "signalfd.h"
#include "tty.h"
#include "../fs/fs.h"

/* By number, as they travel; append only. */
static const struct file_ops *const kinds[] = {
	NULL,
	&regular_ops,
	&directory_ops,
	NULL,			/* what /proc says depends on who opens it */
	&tty_ops,
	&ptm_ops,
	&pipe_ops,
	&eventfd_ops,
	&pidfd_ops,
	&socket_ops,
	&null_ops,
	&zero_ops,
	&full_ops,
	&random_ops,
	&timerfd_ops,
	&signalfd_ops,
	&kmsg_ops,
	&inotify_ops,
	&place_ops,
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static u32
kind_of(const struct file *f)
{
	for (u32 i = 1; i < KINDS; i++)
		if (kinds[i] && kinds[i] == f->ops)
			return i;
	return 0;
}

/* ---- out ---------------------------------------------------------------------------------- */

static u32
sides_of(const struct file *f)
{
	if (f->object)
		return (f->side ? EXO_W : EXO_R) | (f->read_key ? EXO_R : 0);
	if (f->ops != &regular_ops || f->access & O_PATH)
		return 0;
	return (FILE_READS(f) ? EXO_R : 0) | (FILE_WRITES(f) ? EXO_W : 0);
}

static void
socket_fill(struct passed *p, const struct file *f)
{
	const struct socket *k = socket_of(f);

	p->own[0] = k->type | (u64)k->state << 8 | (u64)k->side << 16 | (u64)k->pass_cred << 24;
	p->own[1] =
		k->row ? (u64)((const volatile char *)k->row - (const volatile char *)SHARED) : 0;
}

/* Its key's rights are those it was opened with: exos/fd/ptm.c. */
static void
tty_fill(struct passed *p, const struct file *f)
{
	p->line = f->line + 1u;
	p->own[0] = f->tty | (u64)f->queue << 8;
	p->sides = (FILE_READS(f) ? EXO_R : 0) | (FILE_WRITES(f) ? EXO_P : 0);
	if (f->ops == &ptm_ops)
		p->sides = EXO_R | EXO_P | EXO_W;
}

int
pass_out(struct file *f)
{
	struct passed p = { .kind = kind_of(f), .access = f->access, .ino = f->ino, .dir = f->dir,
		.object = PASSED_NOTHING, .own = { f->own[0], f->own[1] } };
	u64 slot[2] = { 0, 0 };
	int error;

	if (p.kind == 0) {
		exos_log("a descriptor of %s cannot be passed", f->ops->name);
		return -EINVAL;
	}
	error = f->ops->fork ? f->ops->fork(f) : 0;
	if (!error)
		error = ofd_move(f);
	if (error)
		return error;
	lock_fork(f);
	p.sides = sides_of(f);
	p.ofd = f->ofd_object->id;
	p.owner = f->owner;
	if (f->ops == &socket_ops)
		socket_fill(&p, f);
	if (tty_is(f)) {
		tty_fill(&p, f);
		slot[0] = f->key;
	}
	if (f->object) {
		p.object = f->object->id;
		slot[f->side] = f->key;
		if (f->read_key)
			slot[0] = f->read_key;
	} else if (f->ops == &regular_ops) {
		slot[0] = keep_key(f->ino);
	}
	memcpy(COMM, &p, sizeof(p));
	return (int)server_call(OP_LETTER_RIGHT, slot[0], slot[1],
		f->ofd_key | (u64)f->owner_key << 32, 0, 0, NULL);
}

/* ---- in ------------------------------------------------------------------------------------- */

struct giver {
	u32 which;
	struct passed p;
};

static long
ask_give(void *arg, u64 offset, const exo_slot keys[2], u64 *counts)
{
	struct giver *g = arg;
	struct answer answer = { 0 };
	long error = server_call(OP_LETTER_GIVE, g->which, keys[0] | (u64)keys[1] << 32, offset, 0,
		0, &answer);

	*counts = answer.r8;
	return error ? error : (long)g->p.object;
}

/* Takes over the use of the object and the key. */
static struct file *
socket_adopt(const struct passed *p, struct object *o, exo_slot key)
{
	u32 type = p->own[0] & 0xff, state = p->own[0] >> 8 & 0xff, side = p->own[0] >> 16 & 1;
	bool row_ok = p->own[1] - SOCKS_OFF < SH_SOCKS * sizeof(struct sh_sock)
		&& p->own[1] % sizeof(struct sh_sock) == 0;
	struct file *f;

	if (state == SOCKET_CONNECTED)
		return socket_connected(type, side, 0, o, key);
	f = row_ok ? socket_file(type, state, 0) : NULL;
	if (!f) {
		key_slot_put(key);
		object_drop(o);
		return NULL;
	}
	f->object = o;
	f->key = key;
	socket_of(f)->row =
		(const volatile struct sh_sock *)((const volatile char *)SHARED + p->own[1]);
	return f;
}

/* Only as many frames as the kind has: what the sender says decides nothing. */
static bool
frames_fit(const struct passed *p, u64 frames)
{
	const struct file_ops *ops = kinds[p->kind];

	if (ops == &socket_ops)
		return frames ==
			((p->own[0] >> 8 & 0xff) == SOCKET_CONNECTED ? CONNECTION_FRAMES : 0);
	if (ops == &pipe_ops)
		return frames == PIPE_FRAMES;
	if (ops == &inotify_ops)
		return frames == 0 && inotify_word_ok(p->own[0]);
	return (ops == &eventfd_ops || ops == &timerfd_ops) && frames == 1;
}

static int
object_adopt(struct giver *g, u64 frames, struct file **f)
{
	u32 sides = g->p.sides & (EXO_R | EXO_W), side = sides & EXO_W ? 1 : 0;
	struct object *o;
	exo_slot keys[2];
	int error;

	if (!frames_fit(&g->p, frames) || !sides)
		return -EINVAL;
	error = object_get(&o, (u32)frames, ask_give, g, keys);
	if (error)
		return error;
	if (sides != (EXO_R | EXO_W))
		key_slot_put(keys[!side]);
	if (kinds[g->p.kind] == &socket_ops)
		*f = socket_adopt(&g->p, o, keys[side]);
	else
		*f = file_new_object(kinds[g->p.kind], g->p.access, o, keys[side]);
	if (*f && sides == (EXO_R | EXO_W))
		(*f)->read_key = keys[0];
	if (!*f)
		return -ENOMEM;
	if (kinds[g->p.kind] == &inotify_ops)
		(*f)->own[0] = g->p.own[0];
	(*f)->side = (u8)side;
	return 0;
}

/* A key to the file, where we could not open it. */
static int
inode_key(const struct giver *g)
{
	/* What can be written can be read, as pages go. */
	u32 bits = (g->p.sides & EXO_R ? 4 : 0) | (g->p.sides & EXO_W ? 6 : 0);
	struct fs_inode node;
	int slot;
	long error;

	if (!bits || fs_stat(g->p.ino, &node) || fs_may(&node, bits)
		|| (keep_bits(g->p.ino) & bits) == bits)
		return 0;
	slot = key_slot_get();
	if (slot < 0)
		return slot;
	error = server_call(OP_LETTER_GIVE, g->which, (u64)slot, 1, 0, 0, NULL);
	if (error == 0) {
		keep_drop(g->p.ino);
		return keep_add(g->p.ino, bits, (exo_slot)slot);
	}
	key_slot_put((exo_slot)slot);
	return (int)error;
}

/* Is that inode of that kind, and may the sender use it so?  Nothing is asked of who opens it anew. */
static int
inode_check(const struct giver *g)
{
	struct file like = { .access = g->p.access };
	u32 needs = (FILE_READS(&like) ? EXO_R : 0) | (FILE_WRITES(&like) ? EXO_W : 0);
	struct fs_inode node;
	int error = g->p.ino < PROCFS ? fs_stat(g->p.ino, &node) : -EINVAL;

	if (error)
		return error;
	if (file_kind(g->p.ino, &node, g->p.access) != kinds[g->p.kind])
		return -EINVAL;
	return S_ISREG(node.mode) && needs & ~g->p.sides ? -EACCES : 0;
}

static int
inode_adopt(const struct giver *g, struct file **f)
{
	int error = inode_check(g);

	if (!error)
		error = inode_key(g);
	if (error)
		return error;
	return (int)file_open(g->p.ino, g->p.dir, g->p.access, true, f);
}

/* A name of that terminal's, or of any: what is done to the descriptor's inode is done by our rights. */
static bool
tty_named(const struct passed *p)
{
	struct fs_inode node;

	if (p->ino == 0)
		return true;
	if (p->ino >= PROCFS || fs_stat(p->ino, &node) || !S_ISCHR(node.mode))
		return false;
	return node.rdev == LINUX_DEV(PTS_MAJOR, p->line - 2) ||
		(LINUX_MAJOR(node.rdev) == TTY_MAJOR &&
			(LINUX_MINOR(node.rdev) != 1 || p->line == 1));
}

static int
tty_adopt(const struct giver *g, struct file **f)
{
	const u8 queue = (u8)(g->p.own[0] >> 8);
	int error = !tty_named(&g->p)
		? -EINVAL
		: tty_make(kinds[g->p.kind], g->p.access, g->p.ino, g->p.dir, f);

	if (error)
		return error;
	(*f)->tty = g->p.own[0] & 1;
	(*f)->line = (u16)(g->p.line - 1);
	(*f)->queue = queue == 2 * EXO_PORT_STDERR + 1 ? queue : 2 * EXO_PORT_STDIO + 1;
	error = (int)server_call(OP_LETTER_GIVE, g->which, (*f)->key, 1, 0, 0, NULL);
	if (error)
		file_drop(*f);
	return error;
}

static int
adopt(struct giver *g, u64 frames, struct file **f)
{
	const struct file_ops *ops = kinds[g->p.kind];

	if (g->p.object != PASSED_NOTHING)
		return object_adopt(g, frames, f);
	if (ops == &pidfd_ops)
		return pidfd_new(f, (u32)g->p.own[0], 0);
	if (ops == &signalfd_ops)
		return signalfd_new(f, g->p.own[0], 0);
	if (ops == &socket_ops)
		return socket_new(f, g->p.own[0] & 0xff, 0);
	if (ops == &tty_ops || ops == &ptm_ops)
		return g->p.line - 1 < SH_TTYS ? tty_adopt(g, f) : -EINVAL;
	return g->p.ino ? inode_adopt(g, f) : -EINVAL;
}

/* ---- what is shared ----------------------------------------------------------------------------- */

static long
ask_ofd(void *arg, u64 offset, const exo_slot keys[2], u64 *counts)
{
	const struct giver *g = arg;
	struct answer answer = { 0 };
	long error = server_call(OP_LETTER_GIVE, g->which, keys[0], offset, PASSED_OFD, 0, &answer);

	*counts = answer.r8;
	return error ? error : (long)g->p.ofd;
}

static int
owner_adopt(const struct giver *g, struct file *f)
{
	int slot = key_slot_get();
	long error = slot < 0 ? slot
		: server_call(OP_LETTER_GIVE, g->which, (u64)slot, 0, PASSED_OWNER, 0, NULL);

	if (!error) {
		f->owner = g->p.owner;
		f->owner_key = (exo_slot)slot;
	} else if (slot >= 0) {
		key_slot_put((exo_slot)slot);
	}
	return (int)error;
}

static int
description_adopt(struct giver *g, struct file *f)
{
	int error = ofd_adopt(f, ask_ofd, g);

	f->nameless = true;
	if (!error && g->p.owner)
		error = owner_adopt(g, f);
	return error;
}

int
pass_in(u32 which, struct file **f)
{
	struct giver g = { .which = which };
	struct answer answer = { 0 };
	long error = server_call(OP_LETTER_GIVE, which, 0, 0, PASSED_ITSELF, 0, &answer);

	if (error)
		return (int)error;
	memcpy(&g.p, COMM, sizeof(g.p));
	g.p.access &= O_ACCMODE | O_PATH | O_DIRECTORY;
	if (g.p.kind >= KINDS || !kinds[g.p.kind])
		return -EINVAL;
	error = adopt(&g, answer.r9, f);
	if (error)
		return (int)error;
	error = description_adopt(&g, *f);
	if (error)
		file_drop(*f);
	else
		epoll_found();
	return (int)error;
}
