/* SPDX-License-Identifier: ISC */
/*
 * What an epoll set holds: entries, each a description, the descriptor that it
 * was added by, and what is asked of it.
 *
 * A set that nobody else has is a list in this process's heap.  When it is about
 * to be shared by a fork its entries go to an object that all who have the set
 * have mapped, `common`; what one of them adds, changes or removes there all
 * find.  What nobody else has open stays out of it, in `own`, so that others
 * cannot change what is told of it.
 *
 * Descriptions are known by their ids (struct ofd).  An entry whose description
 * this process does not have open tells it nothing.  Who shares the set can write
 * anything into the common part: of it words are read once, and files are this
 * process's own.
 */
#ifndef EXOS_FD_EPOLLSET_H
#define EXOS_FD_EPOLLSET_H

#include "file.h"

struct entry {
	u64 id;				/* of the description; 0: free */
	u64 data;
	u64 version;			/* told last */
	u32 events;			/* as asked */
	int fd;
	u32 told;			/* events of that, while they last */
	u32 spent;			/* ONESHOT: nothing more until it is asked again */
};

struct list {
	volatile struct entry *entries;
	struct file **files;		/* this process's of each, or NULL; a use of struct file.epolls */
	u32 room;
};

struct epoll {
	struct epoll *next;		/* all of this process */
	struct file *self;
	struct list own, common;
	u64 seen;			/* changes of `common` that `files` is as new as */
	u32 first;			/* where the next look begins */
};
extern struct epoll *epolls;

struct item {
	volatile struct entry *entry;	/* NULL: none */
	struct file *file;		/* NULL: free, or not open here */
	bool common;
};

static inline struct epoll *
epoll_of(const struct file *f)
{
	return (struct epoll *)f->own[0];
}

static inline u32
set_room(const struct epoll *e)
{
	return e->common.room + e->own.room;
}

struct item set_item(const struct epoll *e, u32 n);	/* n < set_room */
void set_sync(struct epoll *e);		/* find what others changed */
struct item set_find(const struct epoll *e, const struct file *f, int fd);
int set_add(struct epoll *e, struct file *f, const struct entry *what);	/* 0, -ENOMEM, -ENOSPC */
void set_remove(struct epoll *e, const struct item *i);
void set_changed(struct epoll *e, const struct item *i);	/* others are to look again */
int set_share(struct file *f);		/* relatives are about to have it, too: 0 or -errno */
const volatile u64 *
set_word(const struct epoll *e); /* that counts changes of `common`; NULL: none */
void set_free(struct epoll *e);

#endif
