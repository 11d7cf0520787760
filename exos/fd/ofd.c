/* SPDX-License-Identifier: ISC */
/*
 * Open file descriptions: the part that all who have one share.
 *
 * Relatives have it in pages at EXOS_OFDS that fork leaves writable on both
 * sides (EXO_MAP_SHARED) and that outlive whoever claimed them (HEIR).
 *
 * A page is handed out from by one process only: at a fork every page there
 * is becomes "inherited" in parent and child alike; what they open afterwards
 * lies in new pages, which are different frames at perhaps the same address.
 * An inherited page goes when the last description in it that this process uses is closed.
 *
 * One that is passed to a stranger moves to an object of its own (server/ofd.c),
 * for he is to move this offset and no other.  `moved`, left where it was, tells
 * relatives the token of the new place; who looks there first after the move
 * follows (fd_get).  Whatever is written there, it leads to a frame made for
 * that, or nowhere: so a wild relative can still move an offset and no more.
 */
#include "file.h"
#include "../arch/x86_64/random.h"

#define PAGES 512u
#define SLOTS (EXO_PAGE_BYTES / sizeof(struct ofd))
_Static_assert(SLOTS == 64, "a bit each");

enum page_state { ABSENT, OWN, INHERITED };

static struct page {
	u8 state;			/* enum page_state */
	u16 live;			/* descriptions that this process uses */
	u64 used;
} *pages;
static unsigned room;			/* entries of pages */

static struct ofd *
page_at(unsigned index)
{
	return (struct ofd *)AT(char, EXOS_OFDS + index * EXO_PAGE_BYTES);
}

static bool
grow(void)
{
	unsigned more = room ? room * 2 : 8;
	struct page *bigger = more <= PAGES ? xalloc(more * sizeof(*bigger)) : NULL;

	if (!bigger)
		return false;
	if (pages)
		memcpy(bigger, pages, room * sizeof(*pages));
	xfree(pages);
	pages = bigger;
	room = more;
	return true;
}

static bool
page_make(unsigned index)
{
	u64 va = (u64)page_at(index);

	if (page_map_new(va, EXO_MAP_READ | EXO_MAP_WRITE | EXO_MAP_SHARED))
		return false;
	exo_frame_mark(page_pfn((void *)va), 1, EXO_FRAME_HEIR, 0, KEY_SELF);
	pages[index] = (struct page){ .state = OWN };
	return true;
}

static unsigned
slot_take(struct page *p)
{
	unsigned slot = (unsigned)__builtin_ctzll(~p->used);

	p->used |= 1ull << slot;
	p->live++;
	return slot;
}

/* A page to hand out from: an own one with room, or a new one. */
static int
page_choose(void)
{
	int absent = -1;

	for (unsigned i = 0; i < room; i++) {
		if (pages[i].state == OWN && pages[i].live < SLOTS)
			return (int)i;
		if (pages[i].state == ABSENT && absent < 0)
			absent = (int)i;
	}
	if (absent < 0) {
		absent = (int)room;
		if (!grow())
			return -1;
	}
	return page_make((unsigned)absent) ? absent : -1;
}

/* In another process it begins somewhere else: ofd_fork_child. */
static u64 next_id;

static u64
id_new(void)
{
	while (next_id == 0)
		next_id = random_word();
	return next_id++;
}

struct ofd *
ofd_new(u32 flags)
{
	int index = page_choose();
	struct ofd *o;

	if (index < 0)
		return NULL;
	o = page_at((unsigned)index) + slot_take(&pages[index]);
	*o = (struct ofd){ .flags = flags, .id = id_new(), .processes = 1 };
	return o;
}

static void
slot_free(struct ofd *o)
{
	u64 offset = (u64)((char *)o - AT(char, EXOS_OFDS));
	struct page *p = &pages[offset / EXO_PAGE_BYTES];
	unsigned slot = offset % EXO_PAGE_BYTES / sizeof(*o);

	p->used &= ~(1ull << slot);
	if (--p->live || p->state == OWN)
		return;
	page_unmap((u64)page_at((unsigned)(p - pages)), 1);
	p->state = ABSENT;
}

void
ofd_fork(void)
{
	for (unsigned i = 0; i < room; i++) {
		if (pages[i].state == OWN &&
			pages[i].live == 0) { /* nobody would ever close the last in it */
			page_unmap((u64)page_at(i), 1);
			pages[i].state = ABSENT;
		} else if (pages[i].state == OWN) {
			pages[i].state = INHERITED;
		}
	}
}

bool
ofd_shared(const struct file *f)
{
	u64 offset = (u64)((char *)f->shared - AT(char, EXOS_OFDS));

	return f->ofd_object || pages[offset / EXO_PAGE_BYTES].state == INHERITED;
}

void
ofd_fork_child(void)
{
	next_id = 0;
}

/* ---- in an object ----------------------------------------------------------------------------- */

struct place {				/* the frame */
	struct object_head object;
	struct ofd ofd;
};

static struct ofd *
ofd_in(const struct object *o)
{
	return (struct ofd *)&((volatile struct place *)o->page)->ofd;
}

struct asked {
	u64 token;
};

static long
ask_new(void *arg, u64 offset, const exo_slot keys[2], u64 *counts)
{
	struct asked *a = arg;
	struct answer answer = { 0 };
	long id = server_call(OP_OFD_NEW, keys[0], offset, 0, 0, 0, &answer);

	*counts = answer.rdx;
	a->token = answer.r8;
	return id;
}

static long
ask_find(void *arg, u64 offset, const exo_slot keys[2], u64 *counts)
{
	const struct asked *a = arg;
	struct answer answer = { 0 };
	long id = server_call(OP_OFD_FIND, a->token, keys[0], offset, 0, 0, &answer);

	*counts = answer.rdx;
	return id;
}

static void
leave(struct file *f)
{
	struct object *o = f->ofd_object;

	if (!o) {
		slot_free(f->shared);
		return;
	}
	f->ofd_object = NULL;
	key_slot_put(f->ofd_key);
	object_drop(o);
}

static void
enter(struct file *f, struct object *o, exo_slot key)
{
	leave(f);
	f->ofd_object = o;
	f->ofd_key = key;
	f->shared = ofd_in(o);
}

/* Of a relative who moves it at the same time one is first, and the other follows. */
int
ofd_move(struct file *f)
{
	struct asked ask = { 0 };
	u64 moved = 0;
	struct object *o;
	exo_slot keys[2];
	int error;

	if (f->ofd_object)
		return 0;
	error = object_get(&o, 1, ask_new, &ask, keys);
	if (error)
		return error;
	key_slot_put(keys[1]);
	*ofd_in(o) = *f->shared;
	ofd_in(o)->moved = 0;
	if (__atomic_compare_exchange_n(&f->shared->moved, &moved, ask.token, false,
		    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		enter(f, o, keys[0]);
		return 0;
	}
	key_slot_put(keys[0]);
	object_drop(o);
	ofd_follow(f);
	return f->ofd_object ? 0 : -ENFILE;
}

/* What leads nowhere is not asked about again. */
void
ofd_follow(struct file *f)
{
	struct asked ask = { *(volatile u64 *)&f->shared->moved };
	struct object *o;
	exo_slot keys[2];

	if (ask.token == 0 || ask.token == f->astray)
		return;
	if (object_get(&o, 1, ask_find, &ask, keys)) {
		f->astray = ask.token;
		return;
	}
	key_slot_put(keys[1]);
	enter(f, o, keys[0]);
}

int
ofd_adopt(struct file *f, object_ask *ask, void *arg)
{
	struct object *o;
	exo_slot keys[2];
	int error = object_get(&o, 1, ask, arg, keys);

	if (error)
		return error;
	key_slot_put(keys[1]);
	enter(f, o, keys[0]);
	__atomic_add_fetch(&f->shared->processes, 1, __ATOMIC_RELAXED);
	return 0;
}

void
ofd_drop(struct file *f)
{
	leave(f);
	f->shared = NULL;
}
