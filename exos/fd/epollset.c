/* SPDX-License-Identifier: ISC */
/* The entries of epoll sets: the header's story. */
#include "epoll.h"
#include "epollset.h"

#define FRAMES_LEAST 4u
#define FRAMES_MOST 64u
#define TAKEN (~0ull)			/* an id that no description has: somebody is filling it in */

struct head {				/* of the object; entries follow */
	struct object_head object;
	u64 changes;			/* bumped when an entry is another */
	u64 spare[7];
};

struct epoll *epolls;
u64 epoll_changes;

static volatile struct head *
head(const struct epoll *e)
{
	return (volatile struct head *)e->self->object->page;
}

static bool
alone(const struct epoll *e)
{
	return !e->self->object || e->self->object->holders[1] <= 1;
}

const volatile u64 *
set_word(const struct epoll *e)
{
	return e->common.room ? &head(e)->changes : NULL;
}

/* ---- which of this process's files an entry means -------------------------------------------- */

static void
link(struct list *l, u32 n, struct file *f)
{
	if (l->files[n])
		l->files[n]->epolls--;
	l->files[n] = f;
	if (f)
		f->epolls++;
}

static struct file *
file_by_id(u64 id)
{
	for (int fd = fd_next(-1); fd >= 0; fd = fd_next(fd)) {
		struct file *f = fd_get(fd);

		if (f->shared->id == id && f->ops->poll && !f->ops->blind)
			return f;
	}
	return NULL;
}

void
set_sync(struct epoll *e)
{
	struct list *l = &e->common;
	u64 changes;

	if (!l->room)
		return;
	changes = head(e)->changes;
	if (changes == e->seen)
		return;
	e->seen = changes;
	for (u32 n = 0; n < l->room; n++) {
		u64 id = l->entries[n].id;

		if (l->files[n] && l->files[n]->shared->id == id)
			continue;
		link(l, n, id ? file_by_id(id) : NULL);
	}
}

struct item
set_item(const struct epoll *e, u32 n)
{
	const bool common = n < e->common.room;
	const struct list *l = common ? &e->common : &e->own;
	struct file *f;

	n -= common ? 0 : e->common.room;
	f = l->files[n];
	if (f && f->shared->id != l->entries[n].id)
		f = NULL;
	return (struct item){ &l->entries[n], f, common };
}

struct item
set_find(const struct epoll *e, const struct file *f, int fd)
{
	const u32 room = set_room(e);

	for (u32 n = 0; n < room; n++) {
		struct item i = set_item(e, n);

		if (i.file && i.entry->id == f->shared->id && i.entry->fd == fd)
			return i;
	}
	return (struct item){ .entry = NULL };
}

/* ---- changing it ------------------------------------------------------------------------------- */

static bool
own_grow(struct list *l)
{
	u32 more = l->room ? l->room * 2 : 8;
	struct entry *entries = xalloc(more * sizeof(*entries));
	struct file **files = xalloc(more * sizeof(*files));

	if (!entries || !files) {
		xfree(entries);
		xfree(files);
		return false;
	}
	if (l->room) {
		memcpy(entries, (const void *)l->entries, l->room * sizeof(*entries));
		memcpy(files, l->files, l->room * sizeof(*files));
	}
	xfree((void *)l->entries);
	xfree(l->files);
	*l = (struct list){ entries, files, more };
	return true;
}

static int
put(struct list *l, struct file *f, const struct entry *what)
{
	for (u32 n = 0; n < l->room; n++) {
		volatile struct entry *to = &l->entries[n];
		u64 none = 0;

		/* Of those who share it one takes it; the id comes last. */
		if (to->id || !__atomic_compare_exchange_n(&to->id, &none, TAKEN, false,
					__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
			continue;
		to->data = what->data;
		to->version = what->version;
		to->events = what->events;
		to->fd = what->fd;
		to->told = what->told;
		to->spent = what->spent;
		__atomic_store_n(&to->id, what->id, __ATOMIC_RELEASE);
		link(l, n, f);
		return 0;
	}
	return -ENOSPC;
}

void
set_changed(struct epoll *e, const struct item *i)
{
	epoll_changes++;
	if (!i->common)
		return;
	__atomic_add_fetch(&head(e)->changes, 1, __ATOMIC_SEQ_CST);
	object_changed(e->self->object);
}

int
set_add(struct epoll *e, struct file *f, const struct entry *what)
{
	const struct item common = { .common = true };
	int error;

	if (!alone(e) && e->common.room && ofd_shared(f)) {
		error = put(&e->common, f, what);
		if (!error)
			set_changed(e, &common);
		return error;
	}
	error = put(&e->own, f, what);
	if (error && own_grow(&e->own))
		error = put(&e->own, f, what);
	epoll_changes++;
	return error ? -ENOMEM : 0;
}

void
set_remove(struct epoll *e, const struct item *i)
{
	struct list *l = i->common ? &e->common : &e->own;

	link(l, (u32)(i->entry - l->entries), NULL);
	i->entry->id = 0;
	set_changed(e, i);
}

/* The last descriptor of this process.  What others have open stays, for them. */
static void
forget(struct epoll *e, struct file *f, bool last)
{
	for (u32 n = 0; n < set_room(e); n++) {
		const bool common = n < e->common.room;
		struct list *l = common ? &e->common : &e->own;
		const u32 at = n - (common ? 0 : e->common.room);
		const struct item i = { &l->entries[at], f, common };

		if (l->files[at] != f)
			continue;
		if (!common || last || alone(e))
			set_remove(e, &i);
		else
			link(l, at, NULL);
		e->seen--;		/* another of this process may be the same */
	}
}

void
epoll_forget(struct file *f, bool last)
{
	for (struct epoll *e = epolls; e && f->epolls; e = e->next)
		forget(e, f, last);
}

void
epoll_found(void)
{
	for (struct epoll *e = epolls; e; e = e->next)
		e->seen--;
}

/* ---- sharing it ---------------------------------------------------------------------------------- */

static void
common_free(struct epoll *e)
{
	for (u32 n = 0; n < e->common.room; n++)
		link(&e->common, n, NULL);
	xfree(e->common.files);
	e->common = (struct list){ .room = 0 };
	if (e->self->object)
		file_close_object(e->self);
	e->self->object = NULL;
}

/* As many as there are, and as many again. */
static u32
frames_for(const struct epoll *e)
{
	u32 used = 0, frames;

	for (u32 n = 0; n < set_room(e); n++)
		used += set_item(e, n).file != NULL;
	frames =
		(u32)((used * 2 * sizeof(struct entry) + sizeof(struct head)) / EXO_PAGE_BYTES) + 1;
	frames = frames < FRAMES_LEAST ? FRAMES_LEAST : frames;
	return frames < FRAMES_MOST ? frames : FRAMES_MOST;
}

static void
move(struct epoll *e, struct list *to)
{
	for (u32 n = 0; n < set_room(e); n++) {
		struct item i = set_item(e, n);
		struct entry what;

		if (!i.file)
			continue;
		what = *i.entry;
		if (put(to, i.file, &what) == 0)
			set_remove(e, &i);
	}
}

static int
common_new(struct epoll *e)
{
	const u32 frames = frames_for(e);
	struct list l = { .room = (u32)((frames * EXO_PAGE_BYTES - sizeof(struct head)) /
				  sizeof(struct entry)) };
	struct object *o;
	exo_slot keys[2];
	int error;

	l.files = xalloc(l.room * sizeof(*l.files));
	error = l.files ? object_new(&o, frames, EXO_W, keys) : -ENOMEM;
	if (error) {
		xfree(l.files);
		return error;
	}
	l.entries = (volatile struct entry *)((volatile char *)o->page + sizeof(struct head));
	move(e, &l);
	common_free(e);
	e->self->object = o;
	e->self->key = keys[1];
	e->self->side = 1;
	e->common = l;
	return 0;
}

/* What has no room in a part that somebody has already stays each one's own. */
int
set_share(struct file *f)
{
	struct epoll *e = epoll_of(f);
	bool all = true;

	set_sync(e);
	if (e->common.room) {
		const struct item common = { .common = true };

		for (u32 n = e->common.room; n < set_room(e); n++) {
			struct item i = set_item(e, n);
			struct entry what;

			if (!i.file)
				continue;
			what = *i.entry;
			if (put(&e->common, i.file, &what) == 0)
				set_remove(e, &i);
			else
				all = false;
		}
		set_changed(e, &common);
		e->seen = head(e)->changes;
	}
	return e->common.room && (all || !alone(e)) ? 0 : common_new(e);
}

void
set_free(struct epoll *e)
{
	for (u32 n = 0; n < e->own.room; n++)
		link(&e->own, n, NULL);
	xfree((void *)e->own.entries);
	xfree(e->own.files);
	common_free(e);
}
