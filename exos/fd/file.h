/* SPDX-License-Identifier: ISC */
/*
 * Open files.
 *
 * A descriptor is a place in this process's table; it names a struct file.
 * What relatives share after a fork, the offset and the status flags, lies in
 * a struct ofd in a page that exactly they have mapped (ofd.c); all else is
 * private, so that a wild relative can move our offset and no more.
 */
#ifndef EXOS_FD_FILE_H
#define EXOS_FD_FILE_H

#include "../core/exos.h"
#include "../linux/abi.h"
#include "object.h"

#define FD_MAX 4096
#define FILE_TERMS 4u			/* most that a file's poll gives; more: it has too many */
#define SETFL_BITS (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | O_ASYNC)
#define ACCESS_BITS                                                                                \
	(O_ACCMODE | O_PATH | O_DIRECTORY | O_NOFOLLOW | O_SYNC | O_LARGEFILE | O_TMPFILE_BIT)

struct ofd {				/* shared: nothing found here is believed to be in range */
	u64 pos;
	u32 flags;			/* O_APPEND, O_NONBLOCK and the like: what F_SETFL may change */
	u32 locked;			/* somebody asked for a lock by it: the server is told of its last close */
	u64 moved;			/* it is no longer here: token of the object where it is; or 0 */
	u64 id;				/* by which relatives know that theirs are one */
	u32 processes;			/* that have it, as far as they ended by closing it */
	u32 spare[7];
};
_Static_assert(sizeof(struct ofd) == 64, "a cache line");

struct file {
	const struct file_ops *ops;
	struct ofd *shared;		/* in a page of relatives', or in: */
	struct object *ofd_object;	/* the object that it was moved to; or NULL */
	exo_slot ofd_key;
	u64 astray;			/* a token that leads nowhere */
	u32 refs;			/* descriptors of this process, and uses in progress */
	u32 access;			/* ACCESS_BITS: fixed at open */
	u32 ino, dir;			/* 0: not in the file system; dir: where it was found */
	bool tty;			/* a terminal; not: the console as a stream of bytes */
	u16 line;			/* its number */
	bool nameless;			/* relatives have it, too, and it has no owner: no lock by it */
	u8 told_signal;			/* F_SETSIG and F_SETOWN: remembered, and no more */
	u32 owner;			/* number of OP_LOCK_OWNER, 0: none yet */
	exo_slot owner_key;
	u8 queue;			/* console: device queue of its output */
	exo_slot key;			/* terminal or object: bound key of this end */
	exo_slot read_key;		/* named pipe opened for both: of the other end; or 0 */
	struct object *object;		/* shared with others; or NULL */
	u8 side;			/* of it: the one that `key` is of */
	int sigio_owner;		/* F_SETOWN: a process, or a group's number negative */
	u32 epolls;			/* entries of this process's sets that are it */
	u32 round;			/* of going through all of them */
	u64 own[2];			/* what its kind makes of it */
	char *text;			/* made-up contents (procfs) */
	bool text_read;			/* from its start */
	u64 text_bytes;
};

#define FILE_STREAM(f) (!(f)->ino || (f)->tty || (f)->ops == &pipe_ops)	/* no offsets */
/* Access mode 3 is for ioctl alone. */
#define FILE_READS(f) ((((f)->access + 1) & 1) && !((f)->access & O_PATH))
#define FILE_WRITES(f) ((((f)->access + 1) & 2) && !((f)->access & O_PATH))

/* ---- table.c -------------------------------------------------------------------------- */
/* Takes over the reference; fd or -EMFILE */
int fd_install(struct file *f, int lowest, bool cloexec);
int fd_put_at(struct file *f, int fd, bool cloexec);	/* closes what is there */
int fd_close(int fd);
bool *fd_cloexec(int fd);		/* of an open descriptor */
int fd_next(int after);			/* the next open one behind; -1: none */
/* Of the process that is looked at (proc/look.h): entries of its table; a copy, with its pointers. */
int fd_other_room(void);
bool fd_other(int fd, struct file *f, bool *cloexec);
int fd_limit(void);
long fd_directory(int dirfd);		/* directory inode that a dirfd (or AT_FDCWD) stands for, -errno */
struct file *file_new(const struct file_ops *ops, u32 flags);	/* one reference; NULL: no memory */
/* Takes over a use of the object and the key, also when it fails. */
struct file *file_new_object(const struct file_ops *ops, u32 flags, struct object *o, exo_slot key);
/* With an object of its own of one frame, on the side that counts as writing.  0 or -errno. */
int file_new_single(struct file **f, const struct file_ops *ops, u32 flags);
int file_both(struct file *ends[2]);	/* 0; or one is missing: -ENOMEM, and the other is dropped */
void file_close_object(struct file *f);
void file_hold(struct file *f);
void file_drop(struct file *f);

/* What read, write and their relatives did: /proc/PID/io. */
struct io_counts {			/* [0]: reading, [1]: writing */
	struct {
		u64 calls, bytes;
	} by[2];
};
extern struct io_counts io_counts;	/* linux/io.c */

/* ---- ofd.c -------------------------------------------------------------------------------- */
struct ofd *ofd_new(u32 flags);		/* NULL: no memory */
void ofd_drop(struct file *f);
void ofd_fork(void);			/* from now on every page may be a relative's, too */
void ofd_fork_child(void);
bool ofd_shared(const struct file *f);	/* may others have it? */
int ofd_move(struct file *f);		/* where strangers may have it, too: 0 or -errno */
void ofd_follow(struct file *f);	/* to where a relative moved it */
/* Not its own, but one that the server gives: ask as for object_get. */
int ofd_adopt(struct file *f, object_ask *ask, void *arg);

int file_size_ok(u64 size);		/* RLIMIT_FSIZE: 0, or -EFBIG with the signal raised */

/* ---- lock.c: locks by descriptor ------------------------------------------------------------- */
long lock_fcntl(struct file *f, long cmd, u64 user);
long lock_flock(struct file *f, long operation);
void lock_descriptor_closed(const struct file *f);	/* the process's own locks on the file go */
/* This process no longer has the description; true: nobody has */
bool lock_file_closed(struct file *f);
void lock_fork(struct file *f);		/* before it is shared: what it takes to know it again */
void lock_forget_own(void);		/* in a child, and at exit: there are no own locks (any more) */

/* ---- pub.c: what the public page says is open ------------------------------------------------ */
int pub_hold(u32 ino);			/* 0 or -ENFILE */
void pub_unkept(u32 ino);		/* a key of its own is not needed if nobody uses it */
void pub_drop(u32 ino);			/* the last of an unlinked file: the server may free it */

/* ---- the kinds ---------------------------------------------------------------------------------- */
extern const struct file_ops regular_ops, directory_ops, procfs_ops, tty_ops, ptm_ops, pipe_ops;
extern const struct file_ops inotify_ops, eventfd_ops, epoll_ops, pidfd_ops, socket_ops;
extern const struct file_ops timerfd_ops, signalfd_ops;
extern const struct file_ops null_ops, zero_ops, full_ops, random_ops, kmsg_ops;
extern const struct file_ops place_ops;
/* What an inode is that is opened so; NULL: nothing that its number alone says, or not to be opened. */
struct fs_inode;
const struct file_ops *file_kind(u32 ino, const struct fs_inode *node, u32 flags);
/* By inode.  fresh: just made by this process, which may then do what it asked for. */
long file_open(u32 ino, u32 dir, u32 flags, bool fresh, struct file **f);
struct file *console_open(bool tty, bool error, u32 flags);	/* at the very start */
long tty_ioctl(struct file *f, u32 cmd, u64 arg);
int pipe_new(struct file *ends[2], u32 flags);
/* Takes both over; NULL: no memory */
struct file *pipe_adopt(struct object *o, u32 flags, exo_slot key);
long fifo_open(u32 ino, u32 dir, u32 flags, struct file **f);	/* waits for the other side */
int inotify_new(struct file **f, u32 flags);
bool inotify_word_ok(u64 offset);
int eventfd_new(struct file **f, u32 count, bool semaphore, u32 flags);
int pidfd_new(struct file **f, u32 pid, u32 flags);
long pidfd_pid(int fd);			/* -EBADF: no such descriptor; -ESRCH: the process is gone */
u64 pipe_pending(const struct file *f);
u64 pipe_size(const struct file *f);
long pipe_set_size(struct file *f, u32 bytes);	/* what it is then, or -errno */
u64 pipe_room(const struct file *f);
long pipe_peek(struct file *f, char *to, u64 bytes);	/* what would be read, left where it is */
/* As much as `out` takes without waiting is read, by way of the buffer; 0: nothing is there, or -errno of either. */
long pipe_feed(struct file *f, struct file *out, u64 *out_pos, char *buffer, u64 bytes);

/* Does this read or write have to wait?  -EAGAIN, or as block_on. */
static inline int
file_block(const struct file *f, struct exo_term *terms, unsigned count)
{
	return f->shared->flags & O_NONBLOCK ? -EAGAIN : block_on(terms, count, 0);
}

#endif
