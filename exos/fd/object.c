/* SPDX-License-Identifier: ISC */
/* Objects in this process: where they are mapped, their keys, who watches them. */
#include "object.h"
#include "../arch/x86_64/arch.h"
#include "../core/self.h"
#include "../linux/abi.h"
#include "../vm/pack.h"

#define PATIENCE_NS 100000000ull	/* with who has a lock: then he is not copying */
#define NAP_NS 5000000ull
#define PATIENCE 2000u			/* naps, while there is something to wait for */
#define SPIN_NS 50000ull
#define PAGES ((EXOS_OBJECTS_END - EXOS_OBJECTS) / EXO_PAGE_BYTES)

static u64 taken[PAGES / 64];		/* pages of EXOS_OBJECTS in use */
static u32 hint;			/* below it none is free */

static bool
is_taken(u32 page)
{
	return taken[page / 64] >> (page % 64) & 1;
}

static void
mark(u32 first, u32 count, bool as)
{
	for (u32 page = first; page < first + count; page++) {
		if (as)
			taken[page / 64] |= 1ull << (page % 64);
		else
			taken[page / 64] &= ~(1ull << (page % 64));
	}
	if (!as && first < hint)
		hint = first;
}

/* The first page of a free run, taken; -ENFILE. */
static long
place_take(u32 count)
{
	u32 run = 0;

	if (count == 0)
		return 0;
	while (hint < PAGES && is_taken(hint))
		hint++;
	for (u32 page = hint; page < PAGES; page++) {
		run = is_taken(page) ? 0 : run + 1;
		if (run == count) {
			mark(page + 1 - count, count, true);
			return (long)(page + 1 - count);
		}
	}
	return -ENFILE;
}

static u64
place_offset(u32 place)
{
	return EXOS_OBJECTS + place * EXO_PAGE_BYTES;
}

static int
tables_for(u32 place, u32 frames)
{
	int error = tables_ensure((u64)AT(char, place_offset(place)));

	return error ? error : tables_ensure((u64)AT(char, place_offset(place + frames - 1)));
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

static int
attach(struct object *o, u32 place, object_ask *ask, void *arg, const exo_slot keys[2])
{
	u64 counts = 0;
	int error = o->frames ? tables_for(place, o->frames) : 0;
	long id = error ? error : ask(arg, place_offset(place), keys, &counts);

	/* What the dead had comes back step by step, and others are asked for some, maybe we. */
	for (unsigned n = 0; id == -EBUSY && n < PATIENCE; n++) {
		const struct exo_term asked = revoke_term();

		park_wait(&asked, 1, clock_ns() + NAP_NS);
		revoke_check();
		id = ask(arg, place_offset(place), keys, &counts);
	}
	if (id == -EBUSY)
		id = -ENFILE;
	if (id < 0)
		return (int)id;
	o->id = (u32)id;
	o->page = AT(volatile struct object_head, place_offset(place));
	o->holders = (const volatile u64 *)((const char *)SHARED + counts);
	o->uses = 1;
	return 0;
}

int
object_get(struct object **made, u32 frames, object_ask *ask, void *arg, exo_slot keys[2])
{
	struct object *o = xalloc(sizeof(*o));
	long place = o ? place_take(frames) : -ENOMEM;	/* without frames: any */
	int error = place < 0 ? (int)place : keys_take(keys);

	if (error == 0) {
		o->frames = frames;
		error = attach(o, (u32)place, ask, arg, keys);
		*made = o;
		if (error == 0)
			return 0;
		key_slot_put(keys[0]);
		key_slot_put(keys[1]);
	}
	if (place >= 0)
		mark((u32)place, frames, false);
	xfree(o);
	return error;
}

struct fresh {
	u32 frames, sides;
};

static long
ask_new(void *arg, u64 offset, const exo_slot keys[2], u64 *counts)
{
	const struct fresh *f = arg;
	struct answer answer = { 0 };
	long id =
		server_call(OP_OBJECT_NEW, f->frames, keys[0], keys[1], offset, f->sides, &answer);

	*counts = answer.rdx;
	return id;
}

int
object_new(struct object **o, u32 frames, u32 sides, exo_slot keys[2])
{
	struct fresh f = { frames, sides };
	int error = object_get(o, frames, ask_new, &f, keys);

	if (error)
		return error;
	for (unsigned side = 0; side < 2; side++)
		if (!(sides & (side ? EXO_W : EXO_R)))
			key_slot_put(keys[side]);
	return 0;
}

/*
 * That a side has one holder less is a change, too.  But with our key dropped
 * the object may be gone at any moment, and its frames with it.
 */
static void
tell_watchers(const struct object *o)
{
	u64 watched = 0;

	if (o->frames && exos_copy(&watched, (const void *)&o->page->watched, sizeof(watched)) == 0
		&& watched)
		server_call(OP_CHANGED, 0, 0, 0, 0, 0, NULL);
}

void
object_drop(struct object *o)
{
	bool last;

	tell_watchers(o);
	if (--o->uses)
		return;
	last = o->holders[0] == 0 && o->holders[1] == 0;
	if (o->frames)
		page_unmap((u64)o->page, o->frames);
	mark((u32)(((char *)o->page - AT(char, EXOS_OBJECTS)) / (long)EXO_PAGE_BYTES), o->frames,
		false);
	if (last)
		server_call(OP_OBJECT_FREE, o->id, 0, 0, 0, 0, NULL);
	xfree(o);
}

/* ---- waiting -------------------------------------------------------------------------------- */

/*
 * Bits of `cpus` are never cleared: another waiter may count on the one that
 * he found set.  So whoever finds his set need not put anything in order.
 */
static void
mark_waiter(struct object *o)
{
	const u64 here = 1ull << UAREA->cpu;

	if (exo_info()->cpus > 1 && o->frames && !(o->page->cpus & here))
		__atomic_fetch_or(&o->page->cpus, here, __ATOMIC_SEQ_CST);
}

struct exo_term
object_term(struct object *o, const volatile u64 *word, u64 seen, exo_slot key)
{
	struct exo_term t = term_word(word, ~0ull, EXO_NE, seen);

	mark_waiter(o);
	t.key = key;
	return t;
}

struct exo_term
object_gone_term(const struct object *o, unsigned side)
{
	return term_word(&o->holders[side], ~0ull, EXO_EQ, 0);
}

/* On another CPU he may be at it just now. */
static void
await_shortly(const volatile u64 *word, u64 seen, exo_envid peer)
{
	const u64 until = clock_ns() + SPIN_NS;

	while (*word == seen && exo_runs_elsewhere(peer) && clock_ns() < until)
		exo_relax();
}

/* A name that was written here by whoever has the object moves what is left of our slice, and nothing else. */
bool
object_turn(struct object *o, unsigned side, const volatile u64 *word, u64 seen)
{
	const exo_envid peer = o->page->user[!side];

	if (*word != seen)
		return true;
	if (peer == 0 || peer == UAREA->env || !give_now(&o->give))
		return false;
	if (exo_info()->cpus > 1)
		await_shortly(word, seen, peer);
	if (*word == seen && !block_give(peer))
		return false;
	return give_result(&o->give, *word != seen);
}

void
object_watch(struct object *o)
{
	if (o->frames)			/* else the server's words tell of it */
		__atomic_store_n(&o->page->watched, 1, __ATOMIC_SEQ_CST);
}

/* Who marked it may be another thread, on another CPU. */
void
object_mark_word(u64 va)
{
	const u64 here = 1ull << UAREA->cpu, head = va & ~(EXO_PAGE_BYTES - 1);
	volatile u64 *cpus = &((struct object_head *)head)->cpus;

	if (va < (u64)AT(char, EXOS_OBJECTS) || va >= (u64)AT(char, EXOS_OFDS) ||
		(~page_entry(head) & (EXO_PTE_PRESENT | EXO_PTE_WRITE)))
		return;
	if (!(*cpus & here))
		__atomic_fetch_or(cpus, here, __ATOMIC_SEQ_CST);
}

/* What is waited for lies in the first frame; that may be gone with its last descriptor. */
void
object_watch_word(u64 va)
{
	static const u64 one = 1;

	if (va >= (u64)AT(char, EXOS_OBJECTS) && va < (u64)AT(char, EXOS_OBJECTS_END))
		exos_copy((void *)(va & ~(EXO_PAGE_BYTES - 1)), &one, sizeof(one));
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void
object_changed(struct object *o)
{
	if (!o->frames)
		return;
	exo_changed(&o->page->cpus);
	if (__atomic_load_n(&o->page->watched, __ATOMIC_SEQ_CST) == 0)
		return;
	__atomic_store_n(&o->page->watched, 0, __ATOMIC_SEQ_CST);
	server_call(OP_CHANGED, 0, 0, 0, 0, 0, NULL);
}

/* ---- locks -------------------------------------------------------------------------------- */

/* Dead, and no longer on any processor: what is dead may finish a few instructions on another one. */
static bool
holder_gone(exo_envid holder)
{
	const volatile struct exo_env *e = exo_env(holder);

	return (!e || e->state != EXO_ENV_ALIVE) && !exo_runs_elsewhere(holder);
}

/* On another CPU it will soon be done; who was interrupted needs this one. */
static void
let_run(const volatile u64 *word, exo_envid holder)
{
	const u64 until = clock_ns() + SPIN_NS;

	while (*word == holder && exo_runs_elsewhere(holder) && clock_ns() < until)
		exo_relax();
	if (*word == holder)
		exos_park_to(holder);
}

int
object_lock(volatile u64 *word, bool wait)
{
	u64 self = UAREA->env, since = 0;

	for (int error = 0; error != -EINTR;) {
		u64 holder = 0;

		if (__atomic_compare_exchange_n(word, &holder, self, false, __ATOMIC_ACQUIRE,
			    __ATOMIC_RELAXED))
			return 0;
		since = since ? since : clock_ns();
		if (holder_gone(holder))
			__atomic_compare_exchange_n(word, &holder, 0, false, __ATOMIC_RELAXED,
				__ATOMIC_RELAXED);
		else if (clock_ns() - since < PATIENCE_NS)
			let_run(word, holder);
		else if (!wait)
			return -EAGAIN;
		else
			error = block_on(NULL, 0, clock_ns() + NAP_NS);
		if (error == -EAGAIN)
			return error;
	}
	return -EINTR;
}

void
object_unlock(volatile u64 *word)
{
	__atomic_store_n(word, 0, __ATOMIC_RELEASE);
}
