/* SPDX-License-Identifier: ISC */
/*
 * Locks by descriptor: fcntl's, which are the process's, and flock's and the
 * OFD locks, which are the open file description's.  The server keeps them.
 *
 * A description becomes an owner when it is first locked by, or when it is
 * about to be shared by a fork: afterwards nobody could tell which of the
 * relatives' descriptions are one.  Its key goes with the rest of the ring.
 */
#include <exo/read.h>
#include "file.h"
#include "../fs/fs.h"

#define LAST_BYTE (~0ull >> 1)

static u64 own;				/* this process may have fcntl locks on inodes of these numbers modulo 64 */

/* What can be locked: it has an inode that the server knows. */
static bool
lockable(const struct file *f)
{
	return f->ino && f->ino < PROCFS && !(f->access & O_PATH);
}

/* ---- owners ------------------------------------------------------------------------------- */

static int
owner_ensure(struct file *f)
{
	int slot;
	long number;

	if (f->owner)
		return 0;
	if (f->nameless)
		return -ENOLCK;
	slot = key_slot_get();
	if (slot < 0)
		return -ENOLCK;
	number = server_call(OP_LOCK_OWNER, f->ino, (u64)slot, keep_key(f->ino), 0, 0,
		NULL);
	if (number < 0) {
		key_slot_put((exo_slot)slot);
		return number == -EACCES ? -EACCES : -ENOLCK;
	}
	f->owner = (u32)number;
	f->owner_key = (exo_slot)slot;
	return 0;
}

void
lock_fork(struct file *f)
{
	if (!f->nameless && lockable(f) && (f->ops == &regular_ops || f->ops == &directory_ops)
		&& owner_ensure(f))
		f->nameless = true;
}

bool
lock_file_closed(struct file *f)
{
	if (!f->owner)
		return true;
	key_slot_put(f->owner_key);
	/* Without locks the server finds out for itself, unless somebody waits to hear of it. */
	return f->shared->locked || fs_watched(f->ino, f->dir, IN_CLOSE_WRITE | IN_CLOSE_NOWRITE)
		? server_call(OP_LOCK_CLOSED, f->owner, 0, 0, 0, 0, NULL) == 0 : false;
}

void
lock_descriptor_closed(const struct file *f)
{
	if (own >> f->ino % 64 & 1 && lockable(f))
		server_call(OP_LOCK, f->ino, 0, 0, LAST_BYTE, 0, NULL);
}

void
lock_forget_own(void)
{
	own = 0;
}

static u64
owner_word(const struct file *f, bool description)
{
	return description ? f->owner | (u64)f->owner_key << 32 : (u64)keep_key(f->ino) << 32;
}

/* ---- asking --------------------------------------------------------------------------------- */

/* The server says no, or the lock is had; wait: it says -EAGAIN only to be asked again. */
static long
ask(const struct file *f, u32 what, u64 first, u64 last, u64 owner, bool wait)
{
	const struct fs_super *super =
		(const struct fs_super *)((const char *)SHARED + SHARED->fs_off);
	const volatile u64 *word = &super->unlocked[f->ino % FS_UNLOCK_WORDS];
	int error = 0;

	for (;;) {
		u64 seen = *word;
		long result = server_call(OP_LOCK, f->ino, what | (wait ? LOCK_ASK_WAIT : 0), first,
			last, owner, NULL);
		struct exo_term t = term_word(word, ~0ull, EXO_NE, seen);

		if (result != -EAGAIN || !wait)
			return result;
		error = block_on(&t, 1, 0);
		if (error)
			break;
	}
	if ((u32)owner == 0)			/* no longer waiting: any other request says so */
		server_call(OP_LOCK, f->ino, LOCK_ASK_TEST | 1, first, last, 0, NULL);
	return error;
}

long
lock_flock(struct file *f, long operation)
{
	const bool wait = !(operation & LINUX_LOCK_NB);
	u32 what = LOCK_ASK_WHOLE;
	int error;

	switch (operation & ~(long)LINUX_LOCK_NB) {
	case LINUX_LOCK_UN: break;
	case LINUX_LOCK_SH: what |= 1; break;
	case LINUX_LOCK_EX: what |= 2; break;
	default: return -EINVAL;
	}
	if (!lockable(f))
		return -ENOLCK;
	if (!f->owner && !f->nameless && (what & LOCK_ASK_TYPE) == 0)
		return 0;
	error = owner_ensure(f);
	if (error)
		return error;
	f->shared->locked = 1;
	return ask(f, what, 0, LAST_BYTE, owner_word(f, true), wait);
}

/* ---- fcntl ------------------------------------------------------------------------------------- */

static long
range_of(const struct file *f, const struct linux_flock *l, u64 *first, u64 *last)
{
	struct fs_inode node;
	int64_t start = 0, end;

	switch (l->whence) {
	case SEEK_SET: break;
	case SEEK_CUR: start = (int64_t)f->shared->pos; break;
	case SEEK_END: start = fs_stat(f->ino, &node) ? 0 : (int64_t)node.size; break;
	default: return -EINVAL;
	}
	if (__builtin_add_overflow(start, l->start, &start))
		return -EOVERFLOW;
	if (start < 0)
		return -EINVAL;
	end = INT64_MAX;
	if (l->length > 0 && __builtin_add_overflow(start, l->length - 1, &end))
		return -EOVERFLOW;
	if (l->length < 0) {
		end = start - 1;
		if (__builtin_add_overflow(start, l->length, &start) || start < 0)
			return -EINVAL;
	}
	*first = (u64)start;
	*last = (u64)end;
	return 0;
}

static long
range_test(struct file *f, struct linux_flock *l, u64 user, u64 owner)
{
	u64 first, last;
	struct answer in_the_way;
	long result = range_of(f, l, &first, &last);

	if (result)
		return result;
	if (l->type == F_UNLCK)
		return -EINVAL;
	result = server_call(OP_LOCK, f->ino, LOCK_ASK_TEST | (l->type == F_WRLCK ? 2 : 1), first,
		last, owner, &in_the_way);
	if (result < 0)
		return result;
	if (result == 0) {
		l->type = F_UNLCK;
		return copy_out(user, l, sizeof(*l));
	}
	*l = (struct linux_flock){ .type = result == 2 ? F_WRLCK : F_RDLCK, .whence = SEEK_SET,
		.start = (int64_t)in_the_way.rdx, .pid = (int32_t)in_the_way.r9 };
	if (in_the_way.r8 != LAST_BYTE)
		l->length = (int64_t)(in_the_way.r8 - in_the_way.rdx + 1);
	return copy_out(user, l, sizeof(*l));
}

static long
range_set(struct file *f, const struct linux_flock *l, u64 owner, bool wait)
{
	u64 first, last;
	long error = range_of(f, l, &first, &last);
	u32 what = l->type == F_RDLCK ? 1 : l->type == F_WRLCK ? 2 : 0;

	if (error)
		return error;
	if ((what == 1 && !FILE_READS(f)) || (what == 2 && !FILE_WRITES(f)))
		return -EBADF;
	if ((u32)owner == 0 && what)
		own |= 1ull << f->ino % 64;
	else if ((u32)owner)
		f->shared->locked = 1;
	return ask(f, what, first, last, owner, wait && what);
}

long
lock_fcntl(struct file *f, long cmd, u64 user)
{
	const bool description = cmd >= F_OFD_GETLK;
	struct linux_flock l;
	int error;

	if (copy_in(&l, user, sizeof(l)))
		return -EFAULT;
	if (l.type < F_RDLCK || l.type > F_UNLCK || (description && l.pid != 0))
		return -EINVAL;
	if (!lockable(f))
		return -ENOLCK;
	error = description ? owner_ensure(f) : 0;
	if (error)
		return error;
	if (cmd == F_GETLK || cmd == F_OFD_GETLK)
		return range_test(f, &l, user, owner_word(f, description));
	return range_set(f, &l, owner_word(f, description), cmd == F_SETLKW || cmd == F_OFD_SETLKW);
}
