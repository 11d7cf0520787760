/* SPDX-License-Identifier: ISC */
/*
 * The descriptor table: private to the process, copied by fork with all of the
 * library's memory.  Counts are of descriptors of this process only; whether
 * relatives still have a pipe open is the pipe's guard's to say.
 */
#include "file.h"
#include "../fs/fs.h"
#include "epoll.h"
#include "../proc/look.h"
#include "../proc/rlimit.h"

static struct fd {
	struct file *file;		/* NULL: closed */
	bool cloexec;
} *table;
static int room;			/* entries of table */

static bool
grow(int wanted)
{
	int more = room ? room : 32;
	struct fd *bigger;

	while (more <= wanted)
		more *= 2;
	bigger = xalloc((size_t)more * sizeof(*bigger));
	if (!bigger)
		return false;
	if (table)
		memcpy(bigger, table, (size_t)room * sizeof(*table));
	xfree(table);
	table = bigger;
	room = more;
	return true;
}

static struct fd *
entry(int fd)
{
	return fd >= 0 && fd < room && table[fd].file ? &table[fd] : NULL;
}

__attribute__((noinline)) static struct file *
followed(struct file *f)
{
	ofd_follow(f);
	return f;
}

struct file *
fd_get(int fd)
{
	const struct fd *e = entry(fd);

	if (!e)
		return NULL;
	return e->file->shared->moved ? followed(e->file) : e->file;
}

bool *
fd_cloexec(int fd)
{
	struct fd *e = entry(fd);

	return e ? &e->cloexec : NULL;
}

int
fd_limit(void)
{
	const u64 limit = limit_soft(LIMIT_NOFILE);

	return limit < FD_MAX ? (int)limit : FD_MAX;
}

int
fd_next(int after)
{
	for (int fd = after + 1; fd < room; fd++)
		if (table[fd].file)
			return fd;
	return -1;
}

/* ---- of the process that is looked at ------------------------------------------------------- */

int
fd_other_room(void)
{
	int entries;

	return look_read((u64)&room, &entries, sizeof(entries)) || entries < 0 ? 0
		: entries < FD_MAX ? entries : FD_MAX;
}

/* Its pointers are addresses there, and may be anything; kinds are told by comparing. */
bool
fd_other(int fd, struct file *f, bool *cloexec)
{
	struct fd *there, e;

	if (fd < 0 || fd >= fd_other_room() || look_read((u64)&table, &there, sizeof(there)) ||
		look_read((u64)(there + fd), &e, sizeof(e)) || !e.file ||
		look_read((u64)e.file, f, sizeof(*f)))
		return false;
	*cloexec = *(volatile u8 *)&e.cloexec & 1;
	return true;
}

/* ---- files -------------------------------------------------------------------------------- */

struct file *
file_new(const struct file_ops *ops, u32 flags)
{
	struct file *f = xalloc(sizeof(*f));

	if (!f)
		return NULL;
	f->shared = ofd_new(flags & SETFL_BITS);
	if (!f->shared) {
		xfree(f);
		return NULL;
	}
	f->ops = ops;
	f->refs = 1;
	f->access = flags & ACCESS_BITS;
	return f;
}

struct file *
file_new_object(const struct file_ops *ops, u32 flags, struct object *o, exo_slot key)
{
	struct file *f = file_new(ops, flags);

	if (f) {
		f->object = o;
		f->key = key;
		return f;
	}
	key_slot_put(key);
	object_drop(o);
	return NULL;
}

int
file_new_single(struct file **f, const struct file_ops *ops, u32 flags)
{
	struct object *o;
	exo_slot keys[2];
	int error = object_new(&o, 1, EXO_W, keys);

	if (error)
		return error;
	*f = file_new_object(ops, flags, o, keys[1]);
	if (!*f)
		return -ENOMEM;
	(*f)->side = 1;
	return 0;
}

int
file_both(struct file *ends[2])
{
	if (ends[0] && ends[1])
		return 0;
	for (unsigned i = 0; i < 2; i++)
		if (ends[i])
			file_drop(ends[i]);
	return -ENOMEM;
}

void
file_close_object(struct file *f)
{
	key_slot_put(f->key);
	object_drop(f->object);
}

void
file_hold(struct file *f)
{
	f->refs++;
}

void
file_drop(struct file *f)
{
	bool last;

	if (--f->refs)
		return;
	if (f->shared->moved)
		ofd_follow(f);
	last = __atomic_sub_fetch(&f->shared->processes, 1, __ATOMIC_ACQ_REL) == 0;
	if (f->epolls)
		epoll_forget(f, last);
	if (f->ops->close)
		f->ops->close(f);
	if (lock_file_closed(f) && f->ino && !(f->access & O_PATH))
		fs_tell(f->ino, f->dir, FILE_WRITES(f) ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
	if (f->ino)
		pub_drop(f->ino);
	xfree(f->text);
	ofd_drop(f);
	xfree(f);
}

/* ---- descriptors ---------------------------------------------------------------------------- */

int
fd_install(struct file *f, int lowest, bool cloexec)
{
	int fd = lowest;

	while (entry(fd))
		fd++;
	if (fd >= fd_limit() || (fd >= room && !grow(fd))) {
		file_drop(f);
		return -EMFILE;
	}
	table[fd] = (struct fd){ f, cloexec };
	return fd;
}

int
fd_close(int fd)
{
	struct fd *e = entry(fd);
	struct file *f;

	if (!e)
		return -EBADF;
	f = e->file;
	e->file = NULL;
	lock_descriptor_closed(f);
	file_drop(f);
	return 0;
}

int
fd_put_at(struct file *f, int fd, bool cloexec)
{
	if (fd < 0 || fd >= fd_limit() || (fd >= room && !grow(fd))) {
		file_drop(f);
		return -EBADF;
	}
	fd_close(fd);
	table[fd] = (struct fd){ f, cloexec };
	return fd;
}

long
fd_directory(int dirfd)
{
	struct file *f;
	const struct fs_inode *node;

	if (dirfd == AT_FDCWD)
		return fs_cwd();
	f = fd_get(dirfd);
	if (!f)
		return -EBADF;
	node = f->ino ? fs_inode(f->ino) : NULL;
	return node && S_ISDIR(node->mode) ? (long)f->ino : -ENOTDIR;
}

int
fd_mappable(int fd, struct mappable *m)
{
	struct file *f = fd_get(fd);

	if (!f || f->access & O_PATH)
		return -EBADF;
	if (!FILE_READS(f))
		return -EACCES;
	*m = (struct mappable){ .ino = f->ino,
		.dir = f->dir,
		.written = FILE_WRITES(f),
		.sealed = f->ops == &regular_ops && fs_inode(f->ino)->seals & FS_SEALS_WRITE,
		.zeroes = f->ops == &zero_ops };
	return m->zeroes || f->ops == &regular_ops ? 0 : -ENODEV;
}

/* ---- the process's life ------------------------------------------------------------------------ */

void
fd_init(const struct exos_start *start)
{
	struct file *in = console_open(start->stdin_tty, false, O_RDWR);
	struct file *out = console_open(start->stdout_tty, false, O_RDWR);
	struct file *error =
		console_open(start->stderr_tty, !start->stderr_tty && !start->joined, O_RDWR);

	if (!in || !out || !error)
		exos_die(SIGKILL, "no memory for standard input and output");
	exo_key_drop(KEY_TTY, 1);		/* from here on only who has it open */
	fd_install(in, 0, false);
	fd_install(out, 1, false);
	fd_install(error, 2, false);
}

void
fd_exec(void)
{
	for (int fd = 0; fd < room; fd++)
		if (table[fd].file && table[fd].cloexec)
			fd_close(fd);
}

/* The next file behind fd of those not met in this round. */
static struct file *
file_next(int *fd, u32 round)
{
	while ((*fd = fd_next(*fd)) >= 0) {
		struct file *f = fd_get(*fd);

		if (f->round != round) {
			f->round = round;
			return f;
		}
	}
	return NULL;
}

static u32 rounds;

int
fd_fork_prepare(void)
{
	struct file *f;
	int error = 0;

	rounds++;
	for (int fd = -1; !error && (f = file_next(&fd, rounds));) {
		lock_fork(f);
		error = f->ops->fork ? f->ops->fork(f) : 0;
	}
	if (error)
		return error == -ENFILE ? -EAGAIN : error;
	rounds++;
	for (int fd = -1; (f = file_next(&fd, rounds));)
		__atomic_add_fetch(&f->shared->processes, 1, __ATOMIC_RELAXED);
	ofd_fork();
	return 0;
}

void
fd_fork_failed(void)
{
	struct file *f;

	rounds++;
	for (int fd = -1; (f = file_next(&fd, rounds));)
		__atomic_sub_fetch(&f->shared->processes, 1, __ATOMIC_RELAXED);
}

void
fd_fork_child(void)
{
	io_counts = (struct io_counts){ 0 };
	lock_forget_own();
	ofd_fork_child();
}

void
fd_exit(void)
{
	lock_forget_own();		/* the server drops them all at once */
	for (int fd = 0; fd < room; fd++)
		if (table[fd].file)
			fd_close(fd);
}
