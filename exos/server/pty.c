/* SPDX-License-Identifier: ISC */
/*
 * Ptys: terminals whose other side is a process, the master.
 *
 * /dev/ptmx makes one and with it a name in /dev/pts, whose modes decide who
 * may open its user's side.  It is gone when neither side has a key any more,
 * however those who had them ended.
 */
#include "tty.h"
#include "fsnode.h"
#include <errno.h>

#define RESERVED 8u			/* only user 0 gets the last ones */
#define PTS_MAJOR 136u
#define PTS_MODE 0620u
#define PTS_GROUP 5u			/* tty */
#define PTS "/dev/pts"

static uint8_t text[EXO_PAGE_BYTES];

/* ---- making ------------------------------------------------------------------------------ */

static bool
memory_for(struct tty *t)
{
	const uint64_t bytes = sizeof(*t->l) + TTY_BACKLOG;

	if (t->l)
		return true;
	t->l = mem_new((bytes + EXO_PAGE_BYTES - 1) / EXO_PAGE_BYTES);
	t->typed = (uint8_t *)(t->l + 1);
	return t->l != NULL;
}

static struct tty *
pty_find(uint32_t uid)
{
	struct tty *found = NULL;
	uint32_t free = 0;

	for (uint32_t i = SH_TTYS - 1; i >= 1; i--)
		if (ttys[i].guard == 0) {
			found = &ttys[i];
			free++;
		}
	return uid == 0 || free > RESERVED ? found : NULL;
}

static void
name_of(const struct tty *t, char name[12])
{
	exo_snprintf(name, 12, "%u", tty_number(t) - 1);
}

static int
name_make(struct tty *t, uint32_t uid)
{
	char name[12];
	long ino;

	name_of(t, name);
	ino = sfs_device(PTS, name, PTS_MODE, uid, PTS_GROUP,
		LINUX_DEV(PTS_MAJOR, tty_number(t) - 1));
	t->ino = ino > 0 ? (uint32_t)ino : 0;
	return ino > 0 ? 0 : (int)ino;
}

static void
name_drop(struct tty *t)
{
	char name[12];

	name_of(t, name);
	if (t->ino)
		sfs_device_gone(PTS, name, t->ino);
	t->ino = 0;
}

static void
pty_free(struct tty *t)
{
	name_drop(t);
	tty_forget(t);
	guard_put(t->guard);
	t->guard = 0;
	tty_shown(t)->used = 0;
}

long
pty_new(struct request *r)
{
	const uint32_t uid = r->cred->uid[CRED_FS];
	struct tty *t = pty_find(uid);
	int error;

	if (!t)
		return -ENOSPC;
	if (!memory_for(t))
		return -ENOMEM;
	t->guard = tty_guard();
	if (t->guard == 0)
		return -ENOMEM;
	error = name_make(t, uid);
	if (!error)
		error = client_bind(r->env, (exo_slot)r->a, t->guard, EXO_R | EXO_P | EXO_W);
	if (error) {
		pty_free(t);
		return error;
	}
	tty_init(t, true);
	tty_shown(t)->locked = 1;
	return tty_number(t);
}

/* ---- opening the user's side --------------------------------------------------------------- */

static struct tty *
by_name(const struct request *r, int *error)
{
	const uint32_t want =
		(r->b & TTY_OPEN_READ ? EXO_R : 0) | (r->b & TTY_OPEN_WRITE ? EXO_W : 0);

	*error = -ENXIO;
	for (uint32_t i = 0; i < SH_TTYS; i++) {
		const struct fs_inode *node = ttys[i].ino == r->a ? sfs_inode(ttys[i].ino) : NULL;

		if (ttys[i].guard == 0 || r->a == 0 || !node)
			continue;
		*error = client_may(r, node, want) ? 0 : -EACCES;
		return *error ? NULL : &ttys[i];
	}
	return NULL;
}

static struct tty *
opened(const struct request *r, int *error)
{
	uint64_t number = r->b & TTY_OPEN_OWN ? r->proc->tty - 1ull : r->d;
	struct tty *t;

	if (!(r->b & (TTY_OPEN_OWN | TTY_OPEN_PEER)))
		return by_name(r, error);
	*error = r->b & TTY_OPEN_OWN ? -ENXIO : -EBADF;
	if (number >= SH_TTYS || ttys[number].guard == 0)
		return NULL;
	t = &ttys[number];
	if (r->b & TTY_OPEN_OWN && tty_shown(t)->session != r->proc->sid)
		return NULL;
	if (r->b & TTY_OPEN_PEER && !client_opens(r->env, (exo_slot)r->e, t->guard, EXO_W))
		return NULL;
	*error = 0;
	return t;
}

long
tty_open(struct request *r)
{
	const uint32_t rights =
		(r->b & TTY_OPEN_READ ? EXO_R : 0) | (r->b & TTY_OPEN_WRITE ? EXO_P : 0);
	int error;
	struct tty *t = opened(r, &error);
	struct sh_tty *s = t ? tty_shown(t) : NULL;

	if (!t)
		return error;
	if (!rights)
		return -EINVAL;
	if (s->locked || s->hung || !s->is_tty)
		return s->is_tty ? -EIO : -ENXIO;
	if (s->exclusive && !client_is_root(r))
		return -EBUSY;
	error = client_bind(r->env, (exo_slot)r->c, t->guard, rights);
	if (error)
		return error;

	t->opened = true;
	if (s->closed) {
		s->closed = 0;
		s->master_news++;
		server_changed();
	}
	if (!(r->b & TTY_OPEN_NOCTTY) && rights & EXO_R && r->proc->sid == r->proc->pid
		&& r->proc->tty == 0 && s->session == 0)
		tty_take(t, r->proc);
	return tty_number(t);
}

/* ---- the master's side --------------------------------------------------------------------------- */

void
pty_digest(struct tty *t)
{
	while (t->typed_tail != t->typed_head && ldisc_room(t->l))
		tty_type(t, t->typed[t->typed_tail++ % TTY_BACKLOG]);
}

long
pty_write(struct request *r, struct tty *t)
{
	uint32_t bytes = r->c < sizeof(text) ? (uint32_t)r->c : (uint32_t)sizeof(text), done = 0;

	__builtin_memcpy(text, r->comm, bytes);
	for (pty_digest(t); done < bytes; done++) {
		if (t->typed_tail == t->typed_head && ldisc_room(t->l))
			tty_type(t, text[done]);
		else if (t->typed_head - t->typed_tail < TTY_BACKLOG)
			t->typed[t->typed_head++ % TTY_BACKLOG] = text[done];
		else
			break;
	}
	tty_show(t);
	return done || bytes == 0 ? (long)done : -EAGAIN;
}

/* In packet mode a byte first: what happened, and then nothing else, or 0. */
static long
take(struct tty *t, uint32_t max)
{
	uint32_t head = tty_shown(t)->packet ? 1 : 0;

	if (head && t->l->packet) {
		text[0] = t->l->packet;
		t->l->packet = 0;
		return 1;
	}
	if (max <= head || ldisc_out_bytes(t->l) == 0)
		return 0;
	text[0] = 0;
	return (long)(head + ldisc_take(t->l, text + head, max - head));
}

long
pty_read(struct request *r, struct tty *t)
{
	uint32_t max = r->c < sizeof(text) ? (uint32_t)r->c : (uint32_t)sizeof(text);
	long n = max ? take(t, max) : 0;

	if (max && n == 0)
		return tty_shown(t)->closed ? -EIO : -EAGAIN;
	__builtin_memcpy(r->comm, text, (size_t)n);
	tty_show(t);
	return n;
}

/* ---- the end ---------------------------------------------------------------------------------------- */

static void
master_gone(struct tty *t)
{
	struct sh_tty *s = tty_shown(t);

	s->hung = 1;
	name_drop(t);
	t->typed_tail = t->typed_head;
	ldisc_discard(t->l);
	ldisc_out_discard(t->l);
	tty_hang_up(t);
	tty_show(t);
	s->slave_news++;
	server_changed();
}

static void
users_gone(struct tty *t)
{
	struct sh_tty *s = tty_shown(t);

	s->closed = 1;
	s->exclusive = 0;
	s->master_news++;
	server_changed();
}

void
pty_sweep(void)
{
	for (uint32_t i = 1; i < SH_TTYS; i++) {
		struct tty *t = &ttys[i];
		const volatile uint64_t *holders = t->guard ? guard_holders(t->guard) : NULL;

		if (!holders)
			continue;
		if (holders[1] == 0 && !tty_shown(t)->hung)
			master_gone(t);
		if (holders[0] == 0 && t->opened && !tty_shown(t)->closed)
			users_gone(t);
		if (holders[0] == 0 && holders[1] == 0)
			pty_free(t);
	}
}
