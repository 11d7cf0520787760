/* SPDX-License-Identifier: ISC */
/*
 * Pipes: objects of a page of indices and 64 KiB of ring; the read end is side
 * 0, the write end side 1.  Reading and writing asks nobody.
 *
 * head is moved by writers under wlock, tail by readers under rlock.  A pipe's
 * bytes are as safe as its holders make them: they could as well write into it.
 */
#include "file.h"
#include "ring.h"

struct indices {			/* the first page; each word in a cache line of its own */
	struct object_head object;
	u64 head __attribute__((aligned(64)));
	u64 tail __attribute__((aligned(64)));
	u64 wlock __attribute__((aligned(64)));
	u64 rlock __attribute__((aligned(64)));
	u64 size __attribute__((
		aligned(64))); /* bytes that writers leave it at, 0: all of the ring */
	/* named: the last number of a reader, of a writer */
	u64 opened[2] __attribute__((aligned(64)));
};
_Static_assert(PIPE_FRAMES == 1 + RING_BYTES / EXO_PAGE_BYTES, "a page and the ring");

static volatile struct indices *
indices(const struct file *f)
{
	return (volatile struct indices *)f->object->page;
}

static char *
ring(const struct file *f)
{
	return (char *)f->object->page + EXO_PAGE_BYTES;
}

/* Room as far as F_SETPIPE_SZ allows. */
static u64
room(const struct file *f, u64 head, u64 tail)
{
	u64 size = pipe_size(f), used = ring_used(head, tail);

	return used < size ? size - used : 0;
}

static bool
is_writer(const struct file *f)
{
	return (f->access & O_ACCMODE) == O_WRONLY;
}

/* ---- reading and writing ------------------------------------------------------------------------ */

static bool
waits(const struct file *f)
{
	return !(f->shared->flags & O_NONBLOCK);
}

/* True when *word is no longer `seen`, or the other side has gone. */
static int
pipe_wait(const struct file *f, const volatile u64 *word, u64 seen)
{
	const unsigned other = is_writer(f) ? 0 : 1;
	struct exo_term t[2];

	if (!waits(f))
		return -EAGAIN;
	if (object_turn(f->object, !other, word, seen))
		return 0;
	t[0] = object_term(f->object, word, seen, f->key);
	t[1] = object_gone_term(f->object, other);
	t[1].flags = EXO_TERM_OR;
	return block_on(t, 2, 0);
}

static int
ring_get(const struct file *f, u64 tail, u64 buf, u64 bytes)
{
	u64 first = ring_first(tail, bytes);
	int error = copy_out(buf, ring(f) + ring_offset(tail), first);

	return error || first == bytes ? error : copy_out(buf + first, ring(f), bytes - first);
}

static int
ring_put(const struct file *f, u64 head, u64 buf, u64 bytes)
{
	u64 first = ring_first(head, bytes);
	int error = copy_in(ring(f) + ring_offset(head), buf, first);

	return error || first == bytes ? error : copy_in(ring(f), buf + first, bytes - first);
}

static long
pipe_read(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	volatile struct indices *i = indices(f);

	(void)pos;
	object_use(f->object, 0);
	while (bytes) {
		bool alone = f->object->holders[1] ==
			0; /* read before the head: then what they left is seen */
		u64 head, tail, n;
		int error = object_lock(&i->rlock, waits(f));

		if (error)
			return error;
		head = __atomic_load_n(&i->head, __ATOMIC_ACQUIRE);
		tail = i->tail;
		n = ring_used(head, tail);
		n = n < bytes ? n : bytes;
		if (n)
			error = ring_get(f, tail, buf, n);
		if (n && !error)
			__atomic_store_n(&i->tail, tail + n, __ATOMIC_RELEASE);
		object_unlock(&i->rlock);
		if (n)
			object_changed(f->object);
		if (n || alone)
			return error ? error : (long)n;
		error = pipe_wait(f, &i->head, head);
		if (error)
			return error;
	}
	return 0;
}

/* What fits of one piece; 0: wait until tail is no longer *tail. */
static long
put_some(struct file *f, u64 buf, u64 bytes, u64 *tail)
{
	volatile struct indices *i = indices(f);
	u64 head, n;
	int error = object_lock(&i->wlock, waits(f));

	if (error)
		return error;
	*tail = __atomic_load_n(&i->tail, __ATOMIC_ACQUIRE);
	head = i->head;
	n = ring_fits(room(f, head, *tail), bytes, LINUX_PIPE_BUF);
	if (n)
		error = ring_put(f, head, buf, n);
	if (n && !error)
		__atomic_store_n(&i->head, head + n, __ATOMIC_RELEASE);
	object_unlock(&i->wlock);
	if (n)
		object_changed(f->object);
	return error ? error : (long)n;
}

static long
pipe_write(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	u64 done = 0;

	(void)pos;
	object_use(f->object, 1);
	while (done < bytes) {
		u64 tail;
		long n;

		if (f->object->holders[0] == 0) {
			if (done)
				return (long)done;
			signal_raise(SIGPIPE);
			return -EPIPE;
		}
		n = put_some(f, buf + done, bytes - done, &tail);
		if (n == 0)
			n = pipe_wait(f, &indices(f)->tail, tail);
		if (n < 0)
			return done ? (long)done : n;
		done += (u64)n;
	}
	return (long)done;
}

static u32
pipe_poll(struct file *f, u32 events, struct exo_term *terms, unsigned *nterms)
{
	volatile struct indices *i = indices(f);
	bool writer = is_writer(f), alone = f->object->holders[writer ? 0 : 1] == 0;
	u64 head = i->head, tail = i->tail;
	u32 now = 0;

	if (FILE_WRITES(f) && room(f, head, tail) >= LINUX_PIPE_BUF)
		now |= events & (POLLOUT | POLLWRNORM);
	if (!writer && ring_used(head, tail))
		now |= events & (POLLIN | POLLRDNORM);
	if (alone)
		now |= writer ? POLLERR : POLLHUP;
	terms[0] = writer ? object_term(f->object, &i->tail, tail, f->key)
			  : object_term(f->object, &i->head, head, f->key);
	terms[1] = object_gone_term(f->object, writer ? 0 : 1);
	terms[1].flags = EXO_TERM_OR;
	*nterms = 2;
	return now;
}

static u64
pipe_version(struct file *f, u32 events)
{
	(void)events;
	return is_writer(f) ? indices(f)->tail : indices(f)->head;
}

u64
pipe_size(const struct file *f)
{
	u64 size = indices(f)->size;

	return size >= EXO_PAGE_BYTES && size < RING_BYTES ? size : RING_BYTES;
}

/* Whole pages, a power of two of them, as Linux has it; what is in it has to fit. */
long
pipe_set_size(struct file *f, u32 bytes)
{
	u64 size = EXO_PAGE_BYTES;

	while (size < bytes)
		size *= 2;
	if (size > RING_BYTES)
		return -EPERM;
	if (pipe_pending(f) > size)
		return -EBUSY;
	indices(f)->size = size;
	object_changed(f->object);
	return (long)size;
}

u64
pipe_pending(const struct file *f)
{
	return ring_used(indices(f)->head, indices(f)->tail);
}

u64
pipe_room(const struct file *f)
{
	return ring_room(indices(f)->head, indices(f)->tail);
}

long
pipe_peek(struct file *f, char *to, u64 bytes)
{
	volatile struct indices *i = indices(f);
	u64 head, tail, n;
	int error = object_lock(&i->rlock, waits(f));

	if (error)
		return error;
	head = __atomic_load_n(&i->head, __ATOMIC_ACQUIRE);
	tail = i->tail;
	n = ring_used(head, tail);
	n = n < bytes ? n : bytes;
	error = ring_get(f, tail, (u64)to, n);
	object_unlock(&i->rlock);
	return error ? error : (long)n;
}

/* What is being read is read by nobody else meanwhile; what is not taken stays. */
long
pipe_feed(struct file *f, struct file *out, u64 *out_pos, char *buffer, u64 bytes)
{
	volatile struct indices *i = indices(f);
	u64 tail, n;
	long put = 0;
	int error = object_lock(&i->rlock, waits(f));

	if (error)
		return error;
	tail = i->tail;
	n = ring_used(__atomic_load_n(&i->head, __ATOMIC_ACQUIRE), tail);
	n = n < bytes ? n : bytes;
	error = ring_get(f, tail, (u64)buffer, n);
	if (n && !error) {
		block_never = true;
		put = out->ops->write(out, (u64)buffer, n, out_pos);
		block_never = false;
	}
	if (put > 0)
		__atomic_store_n(&i->tail, tail + (u64)put, __ATOMIC_RELEASE);
	object_unlock(&i->rlock);
	if (put > 0)
		object_changed(f->object);
	return error ? error : put;
}

static long
pipe_ioctl(struct file *f, u32 cmd, u64 arg)
{
	u32 pending = (u32)pipe_pending(f);

	return cmd == FIONREAD ? copy_out(arg, &pending, sizeof(pending)) : -ENOTTY;
}

/* ---- making and closing ---------------------------------------------------------------------------- */

static void
pipe_close(struct file *f)
{
	key_slot_put(f->key);
	if (f->read_key)
		key_slot_put(f->read_key);
	object_drop(f->object);
}

const struct file_ops pipe_ops = {
	.name = "pipe",
	.read = pipe_read,
	.write = pipe_write,
	.ioctl = pipe_ioctl,
	.poll = pipe_poll,
	.version = pipe_version,
	.close = pipe_close,
};

struct file *
pipe_adopt(struct object *o, u32 flags, exo_slot key)
{
	return file_new_object(&pipe_ops, flags, o, key);
}

int
pipe_new(struct file *ends[2], u32 flags)
{
	struct object *o;
	exo_slot keys[2];
	int error = object_new(&o, PIPE_FRAMES, EXO_R | EXO_W, keys);

	if (error)
		return error;
	o->uses++;
	ends[0] = file_new_object(&pipe_ops, flags | O_RDONLY, o, keys[0]);
	ends[1] = file_new_object(&pipe_ops, flags | O_WRONLY, o, keys[1]);
	if (ends[1])
		ends[1]->side = 1;
	return file_both(ends);
}

/* ---- named pipes -------------------------------------------------------------------------------- */

/* Whoever opened one sets its number last; of two the higher stays. */
static void
announce(const struct file *f, u64 number)
{
	volatile u64 *opened = &indices(f)->opened[FILE_WRITES(f) ? 1 : 0];
	u64 seen = *opened;

	while (seen < number && !__atomic_compare_exchange_n(opened, &seen, number, false,
					__ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;			/* bound: each time somebody else's number */
}

/*
 * Until somebody of the other side has come since the server counted.  He may
 * have gone again by the time we look, so his number decides; he may not have
 * announced it yet, so his key does, too.
 */
static int
wait_for_other(const struct file *f, u64 before)
{
	unsigned other = is_writer(f) ? 0 : 1;
	volatile u64 *opened = &indices(f)->opened[other];
	const volatile u64 *there = &f->object->holders[other];
	int error = 0;

	while (*there == 0 && *opened <= before && !error) {
		struct exo_term t[2];

		t[0] = object_term(f->object, opened, before, f->key);
		t[0].cmp = EXO_GT;
		t[1] = term_word(there, ~0ull, EXO_NE, 0);
		t[1].flags = EXO_TERM_OR;
		error = block_on(t, 2, 0);
	}
	/* Met is met, even if a signal came with it. */
	return *there == 0 && *opened <= before ? error : 0;
}

static int
meet(const struct file *f, const struct answer *others)
{
	bool nonblock = f->shared->flags & O_NONBLOCK, both = FILE_READS(f) && FILE_WRITES(f);
	bool there = others->rdx;

	if (is_writer(f) && nonblock && !there)
		return -ENXIO;
	announce(f, others->r9);
	object_changed(f->object);
	return there || nonblock || both ? 0 : wait_for_other(f, others->r8);
}

struct fifo {
	u32 ino, rights;
	struct answer others;
};

static long
ask_fifo(void *arg, u64 offset, const exo_slot keys[2], u64 *counts)
{
	struct fifo *a = arg;
	long id = server_call(OP_FS_FIFO, a->ino, a->rights, keys[0], keys[1], offset, &a->others);

	*counts = a->others.rdx >> 1;
	a->others.rdx &= 1;
	return id;
}

long
fifo_open(u32 ino, u32 dir, u32 flags, struct file **f)
{
	u32 mode = flags & O_ACCMODE;
	struct fifo ask = {
		.ino = ino,
		.rights = (mode != O_WRONLY ? EXO_R : 0) | (mode != O_RDONLY ? EXO_W : 0),
	};
	struct object *o;
	exo_slot keys[2];
	int error = object_get(&o, PIPE_FRAMES, ask_fifo, &ask, keys);

	if (error)
		return error;
	*f = file_new_object(&pipe_ops, flags, o, mode == O_RDONLY ? keys[0] : keys[1]);
	if (mode != O_RDWR || !*f)
		key_slot_put(mode == O_RDONLY ? keys[1] : keys[0]);
	else
		(*f)->read_key = keys[0];
	if (!*f)
		return -ENOMEM;
	(*f)->side = mode != O_RDONLY;
	error = pub_hold(ino);
	if (!error) {
		(*f)->ino = ino;
		(*f)->dir = dir;
		error = meet(*f, &ask.others);
	}
	if (error)
		file_drop(*f);
	return error;
}
