/* SPDX-License-Identifier: ISC */
/* inotify: events that wait to be read, in tables of one size for all instances. */
#include "notify.h"
#include "fsnode.h"
#include "srv.h"

#define EVENTS 4096u
#define EVENTS_ONE 1024u		/* of one instance */
#define EVENTS_USER (EVENTS / 2)	/* of one user, but for root */
#define EVENTS_USERS (EVENTS - 256)	/* of all of them */
#define EVENTS_PAGE (EXO_PAGE_BYTES / sizeof(struct event))
static struct event *pages[EVENTS / EVENTS_PAGE + 1];
static uint16_t free_event, events_made;	/* 0 is never used */

static uint16_t events_all;		/* waiting */

static struct event *
event_at(uint16_t n)
{
	return &pages[n / EVENTS_PAGE][n % EVENTS_PAGE];
}

static uint16_t
event_new(void)
{
	uint16_t n = free_event;

	if (n) {
		free_event = event_at(n)->next;
		return n;
	}
	n = (uint16_t)(events_made + 1);
	if (n > EVENTS)
		return 0;
	if (!pages[n / EVENTS_PAGE])
		pages[n / EVENTS_PAGE] = mem_new(1);
	if (!pages[n / EVENTS_PAGE])
		return 0;
	events_made = n;
	return n;
}

static uint32_t
padded(uint32_t name_bytes)
{
	const uint32_t unit = sizeof(struct linux_inotify_event);

	return name_bytes ? (name_bytes + 1 + unit - 1) / unit * unit : 0;
}

uint32_t
event_bytes(const struct event *e)
{
	return (uint32_t)sizeof(struct linux_inotify_event) + padded(e->name_bytes);
}

static void
waiting_add(const struct instance *in, uint64_t bytes)
{
	uint64_t *word = &fs_super->waiting[in - instances];

	__atomic_store_n(word, *word + bytes, __ATOMIC_RELEASE);
	server_changed();
}

static void
overflow(struct instance *in)
{
	if (!in->lost)
		waiting_add(in, sizeof(struct linux_inotify_event));
	in->lost = true;
}

static bool
same(const struct event *a, const struct event *b)
{
	return a->number == b->number && a->mask == b->mask && a->cookie == b->cookie
		&& a->name_bytes == b->name_bytes
		&& __builtin_memcmp(a->name, b->name, a->name_bytes) == 0;
}

/* Counted when there are so many that it may matter. */
static bool
has_room(const struct instance *in)
{
	const uint32_t uid = notify_uid(in);

	if (in->events >= EVENTS_ONE)
		return false;
	return uid == 0 || events_all < EVENTS_USER ||
		(notify_use(uid).events < EVENTS_USER &&
			notify_use(NOTIFY_USERS).events < EVENTS_USERS);
}

/* One that says what the last one said is dropped, as on Linux. */
void
events_add(struct instance *in, const struct event *e)
{
	uint16_t n;

	if (in->last_event && same(event_at(in->last_event), e))
		return;
	n = has_room(in) && !in->lost ? event_new() : 0;
	if (n == 0) {
		overflow(in);
		return;
	}
	*event_at(n) = *e;
	event_at(n)->next = 0;
	if (in->last_event)
		event_at(in->last_event)->next = n;
	else
		in->first_event = n;
	in->last_event = n;
	in->events++;
	events_all++;
	waiting_add(in, event_bytes(e));
}

static void
dequeue(struct instance *in)
{
	const uint16_t n = in->first_event;
	struct event *e = event_at(n);

	in->first_event = e->next;
	if (in->first_event == 0)
		in->last_event = 0;
	in->events--;
	events_all--;
	waiting_add(in, -(uint64_t)event_bytes(e));
	e->next = free_event;
	free_event = n;
}

bool
events_first(const struct instance *in, struct event *e)
{
	if (in->first_event)
		*e = *event_at(in->first_event);
	else
		*e = (struct event){ .number = -1, .mask = IN_Q_OVERFLOW };
	return in->first_event || in->lost;
}

void
events_take(struct instance *in)
{
	if (in->first_event) {
		dequeue(in);
		return;
	}
	waiting_add(in, -(uint64_t)sizeof(struct linux_inotify_event));
	in->lost = false;
}

void
events_drop(struct instance *in)
{
	while (in->first_event)
		dequeue(in);
}
