/* SPDX-License-Identifier: ISC */
/*
 * epoll: a set of files and what is asked of each (epollset.h).  There is no list
 * of the ready ones: who waits looks at all of them, after a change; where it
 * stopped last time it goes on, so that none starves.
 *
 * Edges: a file's version is another after everything that Linux would wake a
 * waiter for, so "ready, and not of the version that was told" is an edge.
 */
#include "epoll.h"
#include "epollset.h"
#include "waiting.h"

#define DEPTH_MAX 5u			/* sets inside sets */
#define LOOKS_MOST (1u << 18)		/* at entries, to find out how deep */
#define ALWAYS (POLLERR | POLLHUP)
#define FLAGS (EPOLLEXCLUSIVE_ | 1u << 29 | EPOLLONESHOT_ | EPOLLET_)

/* ---- changing a set ------------------------------------------------------------------------- */

/*
 * How many sets one holds inside another; more than DEPTH_MAX where `outer` is found inside, or
 * there are too many ways to look at.
 */
static u32
depth(const struct file *set, const struct file *outer, u32 level, u32 *looks)
{
	const struct epoll *e = epoll_of(set);
	u32 most = 0;

	if (set == outer || level > DEPTH_MAX)
		return DEPTH_MAX + 1;
	for (u32 n = 0; n < set_room(e); n++) {
		const struct file *f = set_item(e, n).file;
		u32 below = f && f->ops == &epoll_ops ? depth(f, outer, level + 1, looks) : 0;

		if (*looks == 0)
			return DEPTH_MAX + 1;
		--*looks;
		most = below > most ? below : most;
	}
	return most + 1 > DEPTH_MAX ? DEPTH_MAX + 1 : most + 1;
}

/* The longest chain of sets that ends in this one. */
static u32
height(const struct file *set, u32 level, u32 *looks)
{
	u32 most = 0;

	for (struct epoll *e = epolls; e && set->epolls && level <= DEPTH_MAX; e = e->next)
		for (u32 n = 0; n < set_room(e); n++) {
			u32 above = set_item(e, n).file != set
				? 0 : 1 + height(e->self, level + 1, looks);

			if (*looks == 0)
				return DEPTH_MAX + 1;
			--*looks;
			most = above > most ? above : most;
		}
	return most;
}

static long
item_add(struct file *set, struct file *f, int fd, const struct linux_epoll_event *event)
{
	const struct entry what = { .id = f->shared->id,
		.fd = fd,
		.events = event->events,
		.data = event->data };
	u32 looks = LOOKS_MOST;

	if (f->ops == &epoll_ops &&
		depth(f, set, 0, &looks) + height(set, 0, &looks) >= DEPTH_MAX)
		return -ELOOP;
	if (set_find(epoll_of(set), f, fd).entry)
		return -EEXIST;
	return set_add(epoll_of(set), f, &what);
}

static void
item_change(struct epoll *e, const struct item *i, const struct linux_epoll_event *event)
{
	i->entry->spent = 1;		/* nothing is told of it meanwhile */
	i->entry->events = event->events;
	i->entry->data = event->data;
	i->entry->told = 0;
	__atomic_store_n(&i->entry->spent, 0, __ATOMIC_RELEASE);
	set_changed(e, i);
}

long
epoll_ctl(struct file *set, long op, struct file *f, int fd, const struct linux_epoll_event *event)
{
	const u32 exclusive_allows =
		POLLIN | POLLOUT | ALWAYS | 1u << 29 | EPOLLET_ | EPOLLEXCLUSIVE_;
	bool exclusive = op != EPOLL_CTL_DEL && event->events & EPOLLEXCLUSIVE_;
	struct item i;

	if (f->ops->blind)
		return -EPERM;
	if (f == set || set->ops != &epoll_ops)
		return -EINVAL;
	if (exclusive && (op == EPOLL_CTL_MOD || f->ops == &epoll_ops
			|| event->events & ~exclusive_allows))
		return -EINVAL;
	set_sync(epoll_of(set));
	if (op == EPOLL_CTL_ADD)
		return item_add(set, f, fd, event);
	i = set_find(epoll_of(set), f, fd);
	if (op != EPOLL_CTL_DEL && op != EPOLL_CTL_MOD)
		return -EINVAL;
	if (!i.entry)
		return -ENOENT;
	if (op == EPOLL_CTL_MOD && i.entry->events & EPOLLEXCLUSIVE_)
		return -EINVAL;
	if (op == EPOLL_CTL_DEL)
		set_remove(epoll_of(set), &i);
	else
		item_change(epoll_of(set), &i, event);
	return 0;
}

/* ---- waiting ----------------------------------------------------------------------------------- */

static u64
version_of(struct file *f, u32 events)
{
	return f->ops->version ? f->ops->version(f, events) : SHARED->changes;
}

/* What is to be told of it now, and of which version. */
static u32
item_look(const struct item *i, struct waiting *w, u64 *version)
{
	volatile struct entry *s = i->entry;
	const u32 events = s->events, asked = events & ~FLAGS;
	u32 ready, told;

	if (!i->file || s->spent)
		return 0;
	*version = version_of(i->file,
		asked); /* before: what comes in between is told twice, not never */
	ready = waiting_look(w, i->file, asked | ALWAYS) & (asked | ALWAYS);
	if (!(events & EPOLLET_) || !ready) {
		if (s->told)
			s->told = 0;
		return ready;
	}
	told = s->told & ready;		/* what is gone and comes back is an edge */
	s->told = told;
	return *version == s->version && !(ready & ~told) ? 0 : ready;
}

/* ONESHOT: false if somebody else who has the set was quicker. */
static bool
item_told(const struct item *i, u32 ready, u64 version)
{
	if (i->entry->events & EPOLLONESHOT_ &&
		__atomic_exchange_n(&i->entry->spent, 1, __ATOMIC_ACQ_REL))
		return false;
	i->entry->told = ready;
	i->entry->version = version;
	return true;
}

/* One look at all; how many were stored. */
static long
collect(struct epoll *e, struct waiting *w, u64 user, u32 room)
{
	const u32 all = set_room(e), first = all ? e->first % all : 0;
	u32 stored = 0;

	for (u32 n = 0; n < all; n++) {
		u64 version = 0;
		struct item i = set_item(e, (first + n) % all);
		struct linux_epoll_event event = { .events = item_look(&i, w, &version),
			.data = i.entry->data };

		if (!event.events)
			continue;
		if (stored == room) {
			e->first = (first + n) % all;
			break;
		}
		if (copy_out(user + stored * sizeof(event), &event, sizeof(event)))
			return stored ? (long)stored : -EFAULT;
		stored += item_told(&i, event.events, version);
	}
	return stored;
}

/* Others who have the set may change it. */
static void
watch_set(const struct file *set, struct waiting *w)
{
	struct epoll *e = epoll_of(set);
	struct exo_term t;

	if (!set_word(e))
		return;
	if (w->watched)
		object_watch(set->object);
	set_sync(e);
	t = object_term(set->object, set_word(e), e->seen, set->key);
	waiting_terms(w, &t, 1);
}

long
epoll_wait(struct file *set, u64 user, u32 room, u64 deadline_ns)
{
	struct waiting w = { .sets = true };
	int error = 0;

	for (;;) {
		long stored;

		waiting_begin(&w);
		watch_set(set, &w);
		stored = collect(epoll_of(set), &w, user, room);
		if (stored || error == -ETIMEDOUT || (deadline_ns && clock_ns() >= deadline_ns))
			return stored;
		error = waiting_block(&w, deadline_ns);
		if (error && error != -ETIMEDOUT)
			return error;
	}
}

/* ---- as a file --------------------------------------------------------------------------------- */

/*
 * Nothing is told by looking.  The words of those inside are too many: what holds the set watches
 * them.  Sets in sets end somewhere, whatever somebody wrote into them; what there are too many
 * ways to is said to be ready, for who looks at it by itself to see.
 */
static u32
epoll_poll(struct file *f, u32 events, struct exo_term *terms, unsigned *nterms)
{
	static u32 level;
	struct epoll *e = epoll_of(f);
	struct waiting w = { .many = true, .watched = true };
	u32 ready = 0;
	u64 version;

	(void)terms;
	*nterms = FILE_TERMS + 1;
	if (level > DEPTH_MAX)
		return 0;
	level++;
	set_sync(e);
	for (u32 n = 0; n < set_room(e); n++) {
		struct item i = set_item(e, n);

		if (waiting_nested == 0)
			ready |= POLLIN;
		if (waiting_nested == 0 || !i.file)
			continue;
		waiting_nested--;
		ready |= item_look(&i, &w, &version);
	}
	level--;
	return ready ? events & (POLLIN | POLLRDNORM) : 0;
}

static void
epoll_close(struct file *f)
{
	struct epoll *e = epoll_of(f), **at = &epolls;

	set_free(e);
	while (*at != e)
		at = &(*at)->next;
	*at = e->next;
	xfree(e);
}

const struct file_ops epoll_ops = {
	.name = "anon_inode:[eventpoll]",
	.mode = 0600,
	.lseek_idle = true,
	.poll = epoll_poll,
	.close = epoll_close,
	.fork = set_share,
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
	e->next = epolls;
	epolls = e;
	return 0;
}
