/* SPDX-License-Identifier: ISC */
/*
 * Pipes: a page of indices and 64 KiB of ring, mapped by exactly those who
 * inherited them, and a guard whose holder counts say who is still there.
 * The server makes and frees them; reading and writing asks nobody.
 *
 * head is moved by writers under wlock, tail by readers under rlock; a lock
 * holds the name of the environment that has it, so that one who died is found
 * out.  Nothing waits with a lock held.  A pipe's bytes are as safe as its
 * holders make them: they could as well write into it.
 */
#include <exo/read.h>
#include "file.h"
#include "ring.h"
#include "../arch/x86_64/arch.h"

#define STRIDE (32 * EXO_PAGE_BYTES)
#define RING_PAGES (RING_BYTES / EXO_PAGE_BYTES)
#define GUARD_PAGE (1 + RING_PAGES)	/* the guard's frame is shown behind the ring */
#define PIPES_MAX ((EXOS_OFDS - EXOS_PIPES) / STRIDE)

struct indices {			/* the first page; each word in a cache line of its own */
	u64 head __attribute__((aligned(64)));
	u64 tail __attribute__((aligned(64)));
	u64 wlock __attribute__((aligned(64)));
	u64 rlock __attribute__((aligned(64)));
	/* named: the last number of a reader, of a writer */
	u64 opened[2] __attribute__((aligned(64)));
};

struct pipe {				/* this process's; one for both ends */
	volatile struct indices *page;
	const volatile u64 *holders;	/* in the guard: readers, writers */
	u32 id, place, ends;
};

static u64 places[(PIPES_MAX + 63) / 64];	/* in use at EXOS_PIPES */

static char *
ring(const struct pipe *p)
{
	return (char *)p->page + EXO_PAGE_BYTES;
}

static bool
is_writer(const struct file *f)
{
	return (f->access & O_ACCMODE) == O_WRONLY;
}

/* ---- locks -------------------------------------------------------------------------------- */

static void
lock(volatile u64 *word)
{
	u64 self = UAREA->env;

	for (;;) {
		u64 holder = 0;

		if (__atomic_compare_exchange_n(word, &holder, self, false, __ATOMIC_ACQUIRE,
			    __ATOMIC_RELAXED))
			return;
		if (!exo_env(holder) || exo_env(holder)->state != EXO_ENV_ALIVE)
			__atomic_compare_exchange_n(word, &holder, 0, false, __ATOMIC_RELAXED,
				__ATOMIC_RELAXED);
		else
			exos_park_to(holder);
	}
}

static void
unlock(volatile u64 *word)
{
	__atomic_store_n(word, 0, __ATOMIC_RELEASE);
}

/* ---- reading and writing ------------------------------------------------------------------------ */

/* True when *word is no longer `seen`, or the other side has gone. */
static int
pipe_wait(const struct file *f, const volatile u64 *word, u64 seen)
{
	struct exo_term t[2];

	t[0] = term_word(word, ~0ull, EXO_NE, seen);
	t[0].key = f->key;
	t[1] = term_word(&f->pipe->holders[is_writer(f) ? 0 : 1], ~0ull, EXO_EQ, 0);
	t[1].flags = EXO_TERM_OR;
	return file_block(f, t, 2);
}

static int
ring_get(const struct pipe *p, u64 tail, u64 buf, u64 bytes)
{
	u64 first = ring_first(tail, bytes);
	int error = copy_out(buf, ring(p) + ring_offset(tail), first);

	return error || first == bytes ? error : copy_out(buf + first, ring(p), bytes - first);
}

static int
ring_put(const struct pipe *p, u64 head, u64 buf, u64 bytes)
{
	u64 first = ring_first(head, bytes);
	int error = copy_in(ring(p) + ring_offset(head), buf, first);

	return error || first == bytes ? error : copy_in(ring(p), buf + first, bytes - first);
}

static long
pipe_read(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	volatile struct indices *i = f->pipe->page;

	(void)pos;
	while (bytes) {
		bool alone = f->pipe->holders[1] ==
			0; /* read before the head: then what they left is seen */
		u64 head, tail, n;
		int error = 0;

		lock(&i->rlock);
		head = __atomic_load_n(&i->head, __ATOMIC_ACQUIRE);
		tail = i->tail;
		n = ring_used(head, tail);
		n = n < bytes ? n : bytes;
		if (n)
			error = ring_get(f->pipe, tail, buf, n);
		if (n && !error)
			__atomic_store_n(&i->tail, tail + n, __ATOMIC_RELEASE);
		unlock(&i->rlock);
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
put_some(struct pipe *p, u64 buf, u64 bytes, u64 *tail)
{
	volatile struct indices *i = p->page;
	u64 whole = bytes <= LINUX_PIPE_BUF ? bytes : 1, head, n;
	int error = 0;

	lock(&i->wlock);
	*tail = __atomic_load_n(&i->tail, __ATOMIC_ACQUIRE);
	head = i->head;
	n = ring_room(head, *tail);
	if (n < whole)
		n = 0;
	n = n < bytes ? n : bytes;
	if (n)
		error = ring_put(p, head, buf, n);
	if (n && !error)
		__atomic_store_n(&i->head, head + n, __ATOMIC_RELEASE);
	unlock(&i->wlock);
	return error ? error : (long)n;
}

static long
pipe_write(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	u64 done = 0;

	(void)pos;
	while (done < bytes) {
		u64 tail;
		long n;

		if (f->pipe->holders[0] == 0) {
			if (done)
				return (long)done;
			signal_raise(SIGPIPE);
			return -EPIPE;
		}
		n = put_some(f->pipe, buf + done, bytes - done, &tail);
		if (n == 0)
			n = pipe_wait(f, &f->pipe->page->tail, tail);
		if (n < 0)
			return done ? (long)done : n;
		done += (u64)n;
	}
	return (long)done;
}

static u32
pipe_poll(struct file *f, u32 events, struct exo_term *terms, unsigned *nterms)
{
	volatile struct indices *i = f->pipe->page;
	bool writer = is_writer(f), alone = f->pipe->holders[writer ? 0 : 1] == 0;
	u64 head = i->head, tail = i->tail;
	u32 now = 0;

	if (FILE_WRITES(f) && ring_room(head, tail) >= LINUX_PIPE_BUF)
		now |= events & (POLLOUT | POLLWRNORM);
	if (!writer && ring_used(head, tail))
		now |= events & (POLLIN | POLLRDNORM);
	if (alone)
		now |= writer ? POLLERR : POLLHUP;
	terms[0] = writer ? term_word(&i->tail, ~0ull, EXO_NE, tail)
			  : term_word(&i->head, ~0ull, EXO_NE, head);
	terms[0].key = f->key;
	terms[1] = term_word(&f->pipe->holders[writer ? 0 : 1], ~0ull, EXO_EQ, 0);
	terms[1].flags = EXO_TERM_OR;
	*nterms = 2;
	return now;
}

u64
pipe_pending(const struct file *f)
{
	return ring_used(f->pipe->page->head, f->pipe->page->tail);
}

u32
pipe_id(const struct file *f)
{
	return f->pipe->id;
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
	struct pipe *p = f->pipe;
	bool last;

	key_slot_put(f->key);
	if (f->read_key)
		key_slot_put(f->read_key);
	if (--p->ends)
		return;
	last = p->holders[0] == 0 && p->holders[1] == 0;
	page_unmap((u64)p->page, GUARD_PAGE + 1);
	places[p->place / 64] &= ~(1ull << (p->place % 64));
	if (last)
		server_call(OP_PIPE_FREE, p->id, 0, 0, 0, 0, NULL);
	xfree(p);
}

const struct file_ops pipe_ops = {
	.name = "pipe",
	.read = pipe_read,
	.write = pipe_write,
	.ioctl = pipe_ioctl,
	.poll = pipe_poll,
	.close = pipe_close,
};

static int
place_take(void)
{
	for (unsigned i = 0; i < PIPES_MAX; i++)
		if (!(places[i / 64] >> (i % 64) & 1)) {
			places[i / 64] |= 1ull << (i % 64);
			return (int)i;
		}
	return -ENFILE;
}

static int
guard_show(struct pipe *p)
{
	exo_guardref guard = exo_frame(page_pfn(p->page))->guard;
	u64 va = (u64)p->page + GUARD_PAGE * EXO_PAGE_BYTES;
	int error = page_map(va, guard / EXO_GUARDS_FRAME, EXO_MAP_READ | EXO_MAP_SHARED, KEY_SELF);

	p->holders = (const volatile u64 *)(va + guard % EXO_GUARDS_FRAME * 128 + 16);
	return error;
}

static int
keys_take(exo_slot keys[2])
{
	int a = key_slot_get(), b = a < 0 ? a : key_slot_get();

	if (b < 0) {
		if (a >= 0)
			key_slot_put((exo_slot)a);
		return b;
	}
	keys[0] = (exo_slot)a;
	keys[1] = (exo_slot)b;
	return 0;
}

/* The keys, in the slots named, and the mapping: by name, or without one a new pipe. */
static int
pipe_map(struct pipe *p, u32 ino, u32 rights, const exo_slot keys[2], struct answer *others)
{
	u64 offset = EXOS_PIPES + p->place * STRIDE;
	int error = tables_ensure((u64)AT(char, offset));
	long id;

	if (error)
		return error;
	id = ino ? server_call(OP_FS_FIFO, ino, rights, keys[0], keys[1], offset, others)
		 : server_call(OP_PIPE_NEW, keys[0], keys[1], offset, 0, 0, NULL);
	if (id < 0)
		return (int)id;
	p->id = (u32)id;
	p->page = AT(volatile struct indices, offset);
	return guard_show(p);
}

static struct pipe *
pipe_attach(u32 ino, u32 rights, exo_slot keys[2], struct answer *others, int *error)
{
	struct pipe *p = xalloc(sizeof(*p));
	int place = p ? place_take() : -ENOMEM;

	*error = place < 0 ? place : keys_take(keys);
	if (!*error) {
		p->place = (u32)place;
		*error = pipe_map(p, ino, rights, keys, others);
		if (!*error)
			return p;
		key_slot_put(keys[0]);
		key_slot_put(keys[1]);
	}
	if (place >= 0)
		places[place / 64] &= ~(1ull << (place % 64));
	xfree(p);
	return NULL;
}

static struct file *
end_new(struct pipe *p, u32 flags, exo_slot key)
{
	struct file *f = file_new(&pipe_ops, flags);

	if (!f)
		exos_die(SIGKILL, "no memory for a pipe");
	f->pipe = p;
	f->key = key;
	p->ends++;
	return f;
}

int
pipe_new(struct file *ends[2], u32 flags)
{
	exo_slot keys[2];
	int error;
	struct pipe *p = pipe_attach(0, 0, keys, NULL, &error);

	if (!p)
		return error;
	ends[0] = end_new(p, flags | O_RDONLY, keys[0]);
	ends[1] = end_new(p, flags | O_WRONLY, keys[1]);
	return 0;
}

/* ---- named pipes -------------------------------------------------------------------------------- */

/* Whoever opened one sets its number last; of two the higher stays. */
static void
announce(const struct file *f, u64 number)
{
	volatile u64 *opened = &f->pipe->page->opened[FILE_WRITES(f) ? 1 : 0];
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
	volatile u64 *opened = &f->pipe->page->opened[other];
	const volatile u64 *there = &f->pipe->holders[other];
	int error = 0;

	while (*there == 0 && *opened <= before && !error) {
		struct exo_term t[2];

		t[0] = term_word(opened, ~0ull, EXO_GT, before);
		t[0].key = f->key;
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
	return there || nonblock || both ? 0 : wait_for_other(f, others->r8);
}

long
fifo_open(u32 ino, u32 dir, u32 flags, struct file **f)
{
	u32 mode = flags & O_ACCMODE;
	u32 rights = (mode != O_WRONLY ? EXO_R : 0) | (mode != O_RDONLY ? EXO_W : 0);
	struct answer others = { 0 };
	exo_slot keys[2];
	int error;
	struct pipe *p = pipe_attach(ino, rights, keys, &others, &error);

	if (!p)
		return error;
	*f = end_new(p, flags, mode == O_RDONLY ? keys[0] : keys[1]);
	if (mode == O_RDWR)
		(*f)->read_key = keys[0];
	else
		key_slot_put(mode == O_RDONLY ? keys[1] : keys[0]);
	error = pub_hold(ino);
	if (!error) {
		(*f)->ino = ino;
		(*f)->dir = dir;
		error = meet(*f, &others);
	}
	if (error)
		file_drop(*f);
	return error;
}
