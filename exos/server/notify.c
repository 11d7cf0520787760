/* SPDX-License-Identifier: ISC */
/*
 * inotify: instances and what they watch; the events that wait in them: notifyq.c.
 *
 * An instance is an object without frames: whoever holds a key of it may ask.
 * What happens to names happens here and is told here; what a library does to
 * a file's contents it tells us itself (OP_NOTIFY_TELL), when the inode's
 * metadata says that somebody wants to know.  Everything is bounded: who reads
 * too late, or when all are full, finds an overflow at the end of his events.
 */
#include "notify.h"
#include "object.h"
#include "fsnode.h"
#include <errno.h>

#define WATCHES 4096u
#define WATCHES_ONE 2048u		/* of one instance */
#define WATCHES_USER (WATCHES / 2)	/* of one user, but for root */
#define WATCHES_USERS (WATCHES - 256)	/* of all of them */
#define INSTANCES_USER (FS_NOTIFY_MAX * 5 / 8)
#define INSTANCES_USERS (FS_NOTIFY_MAX - 8)
#define BUCKETS 64u

/* What a library may say that it did. */
#define TOLD (IN_ACCESS | IN_MODIFY | IN_ATTRIB | IN_CLOSE_WRITE | IN_CLOSE_NOWRITE | IN_OPEN)

static struct watch {			/* 0 is never used */
	uint32_t ino, mask;		/* ino 0: free */
	int32_t number;
	uint16_t instance, next;	/* next: in its bucket */
} watches[WATCHES + 1];
static uint16_t bucket[BUCKETS];
static uint16_t watch_hint = 1;

struct instance instances[FS_NOTIFY_MAX];

/* ---- watches ------------------------------------------------------------------------------ */

static void
watched_update(uint32_t ino)
{
	struct fs_inode *node = node_at(ino);
	uint32_t mask = 0;

	for (uint16_t n = bucket[ino % BUCKETS]; n; n = watches[n].next)
		mask |= watches[n].ino == ino ? watches[n].mask & IN_ALL_EVENTS : 0;
	if (node)
		node->watched = mask;
}

/* The watch is gone, and its reader is told. */
static void
watch_end(uint16_t n, bool tell)
{
	struct watch *w = &watches[n];
	struct instance *in = &instances[w->instance];
	const uint32_t ino = w->ino;
	uint16_t *link = &bucket[ino % BUCKETS];

	while (*link != n)
		link = &watches[*link].next;
	*link = w->next;
	w->ino = 0;
	in->watches--;
	fs_super->watches--;
	watch_hint = n < watch_hint ? n : watch_hint;
	if (tell)
		events_add(in, &(struct event){ .number = w->number, .mask = IN_IGNORED });
	watched_update(ino);
}

static void
send(uint32_t ino, uint32_t mask, const char *name, size_t bytes, uint32_t cookie)
{
	struct event e = { .mask = mask, .cookie = cookie, .name_bytes = (uint16_t)bytes };
	uint16_t next;

	__builtin_memcpy(e.name, name, bytes);
	for (uint16_t n = bucket[ino % BUCKETS]; n; n = next) {
		const struct watch *w = &watches[n];

		next = w->next;
		if (w->ino != ino || !(w->mask & mask & IN_ALL_EVENTS))
			continue;
		e.number = w->number;
		events_add(&instances[w->instance], &e);
		if (w->mask & IN_ONESHOT)
			watch_end(n, true);
	}
}

static uint32_t
isdir(uint32_t ino)
{
	const struct fs_inode *node = node_at(ino);

	return node && S_ISDIR(node->mode) ? IN_ISDIR : 0;
}

void
notify_name(const struct fs_inode *dir, uint32_t ino, uint32_t mask, const char *name, size_t bytes,
	uint32_t cookie)
{
	if (dir->watched & mask)
		send((uint32_t)(dir - node_at(FS_ROOT_INO)) + FS_ROOT_INO, mask | isdir(ino), name,
			bytes, cookie);
}

void
notify_self(const struct fs_inode *node, uint32_t ino, uint32_t mask)
{
	if (node->watched & mask)
		send(ino, mask | (mask & (IN_DELETE_SELF | IN_MOVE_SELF) ? 0 : isdir(ino)), "", 0,
			0);
}

void
notify_inode_gone(struct fs_inode *node, uint32_t ino)
{
	uint16_t next;

	if (fs_super->watches == 0)
		return;
	notify_self(node, ino, IN_DELETE_SELF);
	for (uint16_t n = bucket[ino % BUCKETS]; n; n = next) {
		next = watches[n].next;
		if (watches[n].ino == ino)
			watch_end(n, true);
	}
}

uint32_t
notify_cookie(void)
{
	static uint32_t last;

	return ++last;
}

/* ---- requests ------------------------------------------------------------------------------- */

static struct instance *
instance_asked(const struct request *r)
{
	const struct object *o = object_by_id(r->a);

	return o && o->notify && client_opens(r->env, (exo_slot)r->b, o->guard, EXO_R)
		? &instances[o->notify - 1] : NULL;
}

struct notify_use
notify_use(uint32_t uid)
{
	struct notify_use all = { 0 };

	for (unsigned i = 0; i < FS_NOTIFY_MAX; i++) {
		const struct instance *in = &instances[i];
		const uint32_t whose = in->used ? notify_uid(in) : 0;

		if (!in->used || (uid != NOTIFY_USERS && whose != uid) || whose == 0)
			continue;
		all.instances++;
		all.watches += in->watches;
		all.events += in->events;
	}
	return all;
}

uint32_t
notify_uid(const struct instance *in)
{
	return objects[in->object].uid;
}

static struct instance *
instance_new(uint32_t uid)
{
	if (uid && (notify_use(uid).instances >= INSTANCES_USER ||
				notify_use(NOTIFY_USERS).instances >= INSTANCES_USERS))
		return NULL;
	for (unsigned i = 0; i < FS_NOTIFY_MAX; i++)
		if (!instances[i].used)
			return &instances[i];
	return NULL;
}

static long
request_new(struct request *r)
{
	struct instance *in = instance_new(r->proc->uid);
	struct object *o = in ? object_make(proc_by_env(r->env), 0) : NULL;

	if (!o)
		return -EMFILE;
	*in = (struct instance){ .used = true, .object = object_id(o) };
	o->notify = (uint32_t)(in - instances) + 1;
	fs_super->waiting[in - instances] = 0;
	if (object_key(o, EXO_R, r->env, (exo_slot)r->a) || !object_held(o)) {
		object_release(o);
		return -EINVAL;
	}
	r->rdx = (uint64_t)((char *)&fs_super->waiting[in - instances] - shared_at(0));
	r->r8 = guard_shown(o->guard);
	return object_id(o);
}

/* All of one instance in a bucket, and what the inodes there say of who is left: each is looked at twice. */
static void
bucket_clear(uint16_t *link, const struct instance *in)
{
	const uint16_t *head = link;

	while (*link) {
		struct watch *w = &watches[*link];
		struct fs_inode *node = node_at(w->ino);

		if (node)
			node->watched = 0;
		if (&instances[w->instance] != in) {
			link = &w->next;
			continue;
		}
		watch_hint = *link < watch_hint ? *link : watch_hint;
		*link = w->next;
		w->ino = 0;
		fs_super->watches--;
	}
	for (uint16_t n = *head; n; n = watches[n].next)
		if (node_at(watches[n].ino))
			node_at(watches[n].ino)->watched |= watches[n].mask & IN_ALL_EVENTS;
}

void
notify_gone(struct object *o)
{
	struct instance *in = &instances[o->notify - 1];

	for (unsigned b = 0; b < BUCKETS && in->watches; b++)
		bucket_clear(&bucket[b], in);
	in->watches = 0;
	events_drop(in);
	fs_super->waiting[in - instances] = 0;
	in->used = false;
}

static uint16_t
watch_find(const struct instance *in, uint32_t ino)
{
	for (uint16_t n = bucket[ino % BUCKETS]; n; n = watches[n].next)
		if (watches[n].ino == ino && &instances[watches[n].instance] == in)
			return n;
	return 0;
}

static uint16_t
watch_new(struct instance *in, uint32_t ino)
{
	const uint32_t uid = notify_uid(in);
	uint16_t n = watch_hint;

	if (uid && (notify_use(uid).watches >= WATCHES_USER ||
				notify_use(NOTIFY_USERS).watches >= WATCHES_USERS))
		return 0;
	while (n <= WATCHES && watches[n].ino)
		n++;
	if (n > WATCHES || in->watches == WATCHES_ONE)
		return 0;
	watch_hint = n + 1;
	/* Numbers are not used again, or events of an old watch would be taken for the new one's. */
	watches[n] = (struct watch){ .ino = ino, .number = ++in->last,
		.instance = (uint16_t)(in - instances), .next = bucket[ino % BUCKETS] };
	bucket[ino % BUCKETS] = n;
	in->watches++;
	fs_super->watches++;
	return n;
}

static long
request_add(const struct request *r, struct instance *in)
{
	const uint32_t kept = IN_ALL_EVENTS | IN_EXCL_UNLINK | IN_ONESHOT;
	const struct fs_inode *node = r->c >> 32 ? NULL : node_at((uint32_t)r->c);
	const uint32_t ino = (uint32_t)r->c, mask = (uint32_t)r->d;
	uint16_t n = node ? watch_find(in, ino) : 0;

	if (!node)
		return -ENOENT;
	if (!(mask & IN_ALL_EVENTS))
		return -EINVAL;
	if (!client_may(r, node, EXO_R))
		return -EACCES;
	if (n && mask & IN_MASK_CREATE)
		return -EEXIST;
	if (n == 0)
		n = watch_new(in, ino);
	if (n == 0)
		return -ENOSPC;
	watches[n].mask = (mask & kept) | (mask & IN_MASK_ADD ? watches[n].mask : 0);
	watched_update(ino);
	return watches[n].number;
}

static long
request_remove(const struct request *r, const struct instance *in)
{
	for (uint16_t n = 1; n <= WATCHES; n++)
		if (watches[n].ino && &instances[watches[n].instance] == in
			&& watches[n].number == (int32_t)r->c) {
			watch_end(n, true);
			return 0;
		}
	return -EINVAL;
}

static long
request_read(const struct request *r, struct instance *in)
{
	const uint64_t room = r->c < EXO_PAGE_BYTES ? r->c : EXO_PAGE_BYTES;
	uint64_t done = 0;
	struct event e;

	while (events_first(in, &e)) {
		const uint32_t bytes = event_bytes(&e);
		const struct linux_inotify_event head = { e.number, e.mask, e.cookie,
			bytes - (uint32_t)sizeof(head) };

		if (bytes > room - done)
			return done ? (long)done : -EINVAL;
		__builtin_memset(r->comm + done, 0, bytes);
		__builtin_memcpy(r->comm + done, &head, sizeof(head));
		__builtin_memcpy(r->comm + done + sizeof(head), e.name, e.name_bytes);
		done += bytes;
		events_take(in);
	}
	return done ? (long)done : -EAGAIN;
}

/* The name of the entry that ends at this byte of the directory, if it is the file's; 0 bytes: it is not. */
static size_t
name_at(const struct fs_inode *dir, uint64_t end, uint32_t ino, char name[FS_NAME_MAX + 1])
{
	const uint64_t index = (end - 1) / DIRBLOCK_BYTES;
	const struct fs_dirent *e;
	const void *block = end && end <= dir->size ? meta_block(&fs_meta, map_get(dir, index))
							: NULL;
	uint32_t offset = 0;

	while (block &&
		(e = dirblock_next(block, &offset)) != NULL) { /* bound: a block's entries */
		if (index * DIRBLOCK_BYTES + offset != end || e->ino != ino)
			continue;
		__builtin_memcpy(name, e->name, e->name_bytes);
		return e->name_bytes;
	}
	return 0;
}

static long
request_tell(const struct request *r)
{
	const struct fs_inode *node = r->a >> 32 ? NULL : node_at((uint32_t)r->a);
	const struct fs_inode *dir = r->b >> 32 ? NULL : node_at((uint32_t)r->b);
	const uint32_t ino = (uint32_t)r->a, mask = (uint32_t)r->c & TOLD;
	char name[FS_NAME_MAX + 1];
	size_t bytes;

	if (!node || (!client_owns(r, node) && !client_may_by(r, node, EXO_R, r->d)
		&& !client_may_by(r, node, EXO_W, r->d) && !client_may(r, node, EXO_X)))
		return -EACCES;
	if (dir && S_ISDIR(dir->mode) && dir->watched & mask && r->e) {
		bytes = name_at(dir, r->e, ino, name);
		if (!bytes)
			return -ESTALE;
		notify_name(dir, ino, mask, name, bytes, 0);
	}
	notify_self(node, ino, mask);
	return 0;
}

long
notify_requests(struct request *r, uint32_t op)
{
	struct instance *in = NULL;

	if (op == OP_NOTIFY_NEW)
		return request_new(r);
	if (op == OP_NOTIFY_TELL)
		return request_tell(r);
	in = instance_asked(r);
	if (!in)
		return -EBADF;
	switch (op) {
	case OP_NOTIFY_ADD: return request_add(r, in);
	case OP_NOTIFY_REMOVE: return request_remove(r, in);
	case OP_NOTIFY_READ: return request_read(r, in);
	default: return -ENOSYS;
	}
}
