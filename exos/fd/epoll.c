/* SPDX-License-Identifier: ISC */
/*
 * epoll: a list of files and what is asked of each, private to the process (a
 * child of fork has a copy).  There is no list of the ready ones: who waits
 * looks at all of them, after a change; where it stopped last time it goes on,
 * so that none starves.
 *
 * Edges: a file's version is another after everything that Linux would wake a
 * waiter for, so "ready, and not of the version that was told" is an edge.
 */
#include "epoll.h"
#include "waiting.h"

#define DEPTH_MAX 5u			/* sets inside sets */
#define ALWAYS (POLLERR | POLLHUP)
#define FLAGS (EPOLLEXCLUSIVE_ | 1u << 29 | EPOLLONESHOT_ | EPOLLET_)

struct item {
	struct file *file;		/* NULL: free */
	int fd;
	u32 events;			/* as asked */
	bool spent;			/* ONESHOT: nothing more until it is asked again */
	u64 data;
	u64 version;			/* told last */
	u32 told;			/* events of that, while they last */
};

struct epoll {
	struct epoll *next;		/* all of this process */
	struct file *self;
	struct item *items;
	u32 room;
	u32 first;			/* where the next look begins */
};

static struct epoll *all;

static struct epoll *
epoll_of(const struct file *f)
{
	return (struct epoll *)f->own[0];
}

static struct item *
item_find(const struct epoll *e, const struct file *f, int fd)
{
	for (u32 i = 0; i < e->room; i++)
		if (e->items[i].file == f && e->items[i].fd == fd)
			return &e->items[i];
	return NULL;
}

static struct item *
item_free(struct epoll *e)
{
	u32 more = e->room ? e->room * 2 : 8;
	struct item *bigger;

	for (u32 i = 0; i < e->room; i++)
		if (!e->items[i].file)
			return &e->items[i];
	bigger = xalloc(more * sizeof(*bigger));
	if (!bigger)
		return NULL;
	if (e->items)
		memcpy(bigger, e->items, e->room * sizeof(*bigger));
	xfree(e->items);
	e->items = bigger;
	e->room = more;
	return &bigger[more / 2];
}

static void
item_drop(struct item *i)
{
	i->file->epolls--;
	*i = (struct item){ .file = NULL };
}

void
epoll_forget(struct file *f)
{
	for (struct epoll *e = all; e && f->epolls; e = e->next)
		for (u32 i = 0; i < e->room; i++)
			if (e->items[i].file == f)
				item_drop(&e->items[i]);
}

/* ---- changing a set ------------------------------------------------------------------------- */

/* How many sets one holds inside another; more than DEPTH_MAX where `outer` is found inside. */
static u32
depth(const struct file *set, const struct file *outer, u32 level)
{
	const struct epoll *e = epoll_of(set);
	u32 most = 0;

	if (set == outer || level > DEPTH_MAX)
		return DEPTH_MAX + 1;
	for (u32 i = 0; i < e->room; i++) {
		const struct file *f = e->items[i].file;
		u32 below = f && f->ops == &epoll_ops ? depth(f, outer, level + 1) : 0;

		most = below > most ? below : most;
	}
	return most + 1 > DEPTH_MAX ? DEPTH_MAX + 1 : most + 1;
}

/* The longest chain of sets that ends in this one. */
static u32
height(const struct file *set, u32 level)
{
	u32 most = 0;

	for (struct epoll *e = all; e && set->epolls && level <= DEPTH_MAX; e = e->next)
		for (u32 i = 0; i < e->room; i++)
			if (e->items[i].file == set) {
				u32 above = 1 + height(e->self, level + 1);

				most = above > most ? above : most;
			}
	return most;
}

static long
item_add(struct file *set, struct file *f, int fd, const struct linux_epoll_event *event)
{
	struct item *i;

	if (f->ops == &epoll_ops && depth(f, set, 0) + height(set, 0) >= DEPTH_MAX)
		return -ELOOP;
	if (item_find(epoll_of(set), f, fd))
		return -EEXIST;
	i = item_free(epoll_of(set));
	if (!i)
		return -ENOMEM;
	*i = (struct item){ .file = f, .fd = fd, .events = event->events, .data = event->data };
	f->epolls++;
	return 0;
}

long
epoll_ctl(struct file *set, long op, struct file *f, int fd, const struct linux_epoll_event *event)
{
	const u32 exclusive_allows =
		POLLIN | POLLOUT | ALWAYS | 1u << 29 | EPOLLET_ | EPOLLEXCLUSIVE_;
	bool exclusive = op != EPOLL_CTL_DEL && event->events & EPOLLEXCLUSIVE_;
	struct item *i;

	if (f->ops->blind)
		return -EPERM;
	if (f == set || set->ops != &epoll_ops)
		return -EINVAL;
	if (exclusive && (op == EPOLL_CTL_MOD || f->ops == &epoll_ops
			|| event->events & ~exclusive_allows))
		return -EINVAL;
	if (op == EPOLL_CTL_ADD)
		return item_add(set, f, fd, event);
	i = item_find(epoll_of(set), f, fd);
	if (op != EPOLL_CTL_DEL && op != EPOLL_CTL_MOD)
		return -EINVAL;
	if (!i)
		return -ENOENT;
	if (op == EPOLL_CTL_MOD && i->events & EPOLLEXCLUSIVE_)
		return -EINVAL;
	if (op == EPOLL_CTL_DEL) {
		item_drop(i);
		return 0;
	}
	i->events = event->events;
	i->data = event->data;
	i->told = 0;
	i->spent = false;
	return 0;
}

/* ---- waiting ----------------------------------------------------------------------------------- */

static u64
version_of(struct file *f, u32 events)
{
	return f->ops->version ? f->ops->version(f, events) : SHARED->changes;
}

/* What is to be told of it now. */
static u32
item_look(struct item *i, struct waiting *w)
{
	u32 asked = i->events & ~FLAGS, ready;
	u64 version;

	if (!i->file || i->spent)
		return 0;
	version = version_of(i->file,
		asked); /* before: what comes in between is told twice, not never */
	ready = waiting_look(w, i->file, asked | ALWAYS) & (asked | ALWAYS);
	if (!(i->events & EPOLLET_) || !ready) {
		i->told = 0;
		return ready;
	}
	i->told &= ready;		/* what is gone and comes back is an edge */
	return version == i->version && !(ready & ~i->told) ? 0 : ready;
}

static void
item_told(struct item *i, u32 ready, u64 version)
{
	i->told = ready;
	i->version = version;
	i->spent = i->events & EPOLLONESHOT_;
}

/* One look at all; how many were stored. */
static long
collect(struct epoll *e, struct waiting *w, u64 user, u32 room)
{
	u32 stored = 0;

	for (u32 n = 0; n < e->room; n++) {
		struct item *i = &e->items[(e->first + n) % e->room];
		u64 version = i->file ? version_of(i->file, i->events & ~FLAGS) : 0;
		struct linux_epoll_event event = { .events = item_look(i, w), .data = i->data };

		if (!event.events)
			continue;
		if (stored == room) {
			e->first = (u32)(i - e->items);
			break;
		}
		if (copy_out(user + stored * sizeof(event), &event, sizeof(event)))
			return stored ? (long)stored : -EFAULT;
		item_told(i, event.events, version);
		stored++;
	}
	return stored;
}

long
epoll_wait(struct file *set, u64 user, u32 room, u64 deadline_ns)
{
	struct waiting w = { .many = false };
	int error = 0;

	for (;;) {
		long stored;

		waiting_begin(&w);
		stored = collect(epoll_of(set), &w, user, room);
		if (stored || error == -ETIMEDOUT || (deadline_ns && clock_ns() >= deadline_ns))
			return stored;
		error = waiting_block(&w, deadline_ns);
		if (error && error != -ETIMEDOUT)
			return error;
	}
}

/* ---- as a file --------------------------------------------------------------------------------- */

/* Nothing is told by looking.  The words of those inside are too many: what holds the set watches them. */
static u32
epoll_poll(struct file *f, u32 events, struct exo_term *terms, unsigned *nterms)
{
	struct epoll *e = epoll_of(f);
	struct waiting w = { .many = true, .watched = true };
	u32 ready = 0;

	(void)terms;
	for (u32 n = 0; n < e->room; n++)
		ready |= item_look(&e->items[n], &w);
	*nterms = FILE_TERMS + 1;
	return ready ? events & (POLLIN | POLLRDNORM) : 0;
}

static void
epoll_close(struct file *f)
{
	struct epoll *e = epoll_of(f), **at = &all;

	for (u32 i = 0; i < e->room; i++)
		if (e->items[i].file)
			item_drop(&e->items[i]);
	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	xfree(e->items);
	xfree(e);
}

const struct file_ops epoll_ops = {
	.name = "anon_inode:[eventpoll]",
	.mode = 0600,
	.lseek_idle = true,
	.poll = epoll_poll,
	.close = epoll_close,
};

int
epoll_new(struct file **f)
{
	struct epoll *e = xalloc(sizeof(*e));

	*f = e ? file_new(&epoll_ops, O_RDWR) : NULL;
	if (!*f) {
		xfree(e);
		return -ENOMEM;
	}
	(*f)->own[0] = (u64)e;
	e->self = *f;
	e->next = all;
	all = e;
	return 0;
}
