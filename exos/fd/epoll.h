/* SPDX-License-Identifier: ISC */
/* epoll: sets of files to wait for (epoll.c). */
#ifndef EXOS_FD_EPOLL_H
#define EXOS_FD_EPOLL_H

#include "file.h"

#define EPOLLEXCLUSIVE_ (1u << 28)
#define EPOLLONESHOT_   (1u << 30)
#define EPOLLET_        (1u << 31)

#define EPOLL_CTL_ADD 1
#define EPOLL_CTL_DEL 2
#define EPOLL_CTL_MOD 3

struct linux_epoll_event {
	u32 events;
	u64 data;
} __attribute__((packed));
_Static_assert(sizeof(struct linux_epoll_event) == 12, "struct epoll_event");

int epoll_new(struct file **f);
long
epoll_ctl(struct file *set, long op, struct file *f, int fd, const struct linux_epoll_event *e);
/* Events of at most `room` files; 0: none until the deadline (0: no deadline; 1: do not wait). */
long epoll_wait(struct file *set, u64 user, u32 room, u64 deadline_ns);
void epoll_forget(struct file *f, bool last);	/* its last descriptor is closed; of all processes' */
extern u64 epoll_changes;		/* of sets, by this process: a word for its threads to wait on */
void epoll_found(void);			/* there is a file here that others may have added */

#endif
