/* SPDX-License-Identifier: ISC */
/*
 * inotify: an instance is the server's, an object without frames, known here
 * by its key.  Events are taken by request; the word that says how many bytes
 * of them wait lies in the shared region.
 */
#include "file.h"
#include "../fs/fs.h"

#define WORD(f) ((const volatile u64 *)((const volatile char *)SHARED + (f)->own[0]))

/* A word that bytes of some instance are counted in, wherever somebody says that it lies. */
bool
inotify_word_ok(u64 offset)
{
	const struct fs_super *super =
		(const struct fs_super *)((const char *)SHARED + SHARED->fs_off);
	const u64 first = (u64)((const char *)super->waiting - (const char *)SHARED);

	return offset >= first && offset - first < sizeof(super->waiting) &&
		(offset - first) % sizeof(super->waiting[0]) == 0;
}

static long
inotify_take(struct file *f, u64 buf, u64 bytes)
{
	static char events[EXO_PAGE_BYTES] TRANSIENT;
	long n = server_call(OP_NOTIFY_READ, f->object->id, f->key, bytes, 0, 0, NULL);

	if (n <= 0)
		return n;
	memcpy(events, COMM, (size_t)n);	/* a fault may use the comm page */
	return copy_out(buf, events, (size_t)n) ? -EFAULT : n;
}

static long
inotify_read(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	u64 done = 0;

	(void)pos;
	for (;;) {
		struct exo_term t = term_word(WORD(f), ~0ull, EXO_NE, 0);
		long n = inotify_take(f, buf + done, bytes - done);

		if (n > 0)
			done += (u64)n;
		else if (done)
			return (long)done;
		else if (n != -EAGAIN)
			return n;
		else if ((n = file_block(f, &t, 1)) != 0)
			return n;
	}
}

static u32
inotify_poll(struct file *f, u32 events, struct exo_term *terms, unsigned *nterms)
{
	terms[0] = term_word(WORD(f), ~0ull, EXO_NE, 0);
	*nterms = 1;
	return *WORD(f) ? events & (POLLIN | POLLRDNORM) : 0;
}

static long
inotify_ioctl(struct file *f, u32 cmd, u64 arg)
{
	const u32 waiting = (u32)*WORD(f);

	return cmd == FIONREAD ? copy_out(arg, &waiting, sizeof(waiting)) : -ENOTTY;
}

const struct file_ops inotify_ops = {
	.name = "anon_inode:inotify",
	.mode = 0600,
	.lseek_idle = true,
	.read = inotify_read,
	.poll = inotify_poll,
	.ioctl = inotify_ioctl,
	.close = file_close_object,
};

struct maker {
	u64 word;
};

static long
ask_new(void *arg, u64 offset, const exo_slot keys[2], u64 *counts)
{
	struct maker *m = arg;
	struct answer answer = { 0 };
	long id = server_call(OP_NOTIFY_NEW, keys[0], 0, 0, 0, 0, &answer);

	(void)offset;
	m->word = answer.rdx;
	*counts = answer.r8;
	return id;
}

int
inotify_new(struct file **f, u32 flags)
{
	struct maker made = { 0 };
	struct object *o;
	exo_slot keys[2];
	int error = object_get(&o, 0, ask_new, &made, keys);

	if (error)
		return error;
	key_slot_put(keys[1]);
	*f = file_new_object(&inotify_ops, flags | O_RDONLY, o, keys[0]);
	if (!*f)
		return -ENOMEM;
	(*f)->own[0] = made.word;
	return 0;
}
