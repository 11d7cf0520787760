/* SPDX-License-Identifier: ISC */
/* inotify inside the server: notify.c's story. */
#ifndef EXOS_SERVER_NOTIFY_H
#define EXOS_SERVER_NOTIFY_H

#include "server.h"

struct event {
	uint32_t mask, cookie;
	int32_t number;
	uint16_t next, name_bytes;
	char name[FS_NAME_MAX + 1];
};

struct instance {
	uint32_t object, watches, events;
	int32_t last;			/* number of a watch */
	uint16_t first_event, last_event;
	bool used, lost;		/* lost: there was no room for something */
};
extern struct instance instances[FS_NOTIFY_MAX];

/* What a user but root has, or (NOTIFY_USERS) all of them. */
#define NOTIFY_USERS (~0u)
struct notify_use {
	uint32_t instances, watches, events;
};
struct notify_use notify_use(uint32_t uid);
uint32_t notify_uid(const struct instance *in);

/* ---- notifyq.c: what waits in an instance */
void events_add(struct instance *in, const struct event *e);	/* no room: an overflow is told */
/* The first, or the one that says that some are missing; false: there is none. */
bool events_first(const struct instance *in, struct event *e);
void events_take(struct instance *in);	/* that one */
void events_drop(struct instance *in);	/* all */
uint32_t event_bytes(const struct event *e);	/* as it is read */

#endif
