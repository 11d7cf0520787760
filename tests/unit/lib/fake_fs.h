/* SPDX-License-Identifier: ISC */
/* What the server's file system stands on, on the host: frames that are counted, keys that are a user's. */
#ifndef FAKE_FS_H
#define FAKE_FS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "../../../exos/server/fsnode.h"

#define FAKE_FRAMES 4096u
#define FAKE_FIRST 100u			/* number of the first frame */

static unsigned char *fake_region;	/* the shared region, 1 GiB, backed as it is touched */
static unsigned char *fake_frame[FAKE_FRAMES];	/* NULL: free */
static exo_guardref fake_guard_of[FAKE_FRAMES];
static uint64_t fake_free = FAKE_FRAMES, fake_clock = 1000;
static struct exo_key fake_guard[4096][EXO_GUARD_KEYS];
static unsigned fake_guards, fake_guards_live;
static uint32_t fake_held;		/* the one inode that a public page names */
static struct exo_key fake_key[KEY_FIRST_FREE];	/* the client's */

char *
shared_at(uint64_t offset)
{
	return (char *)fake_region + offset;
}

int
shared_back(uint64_t offset, uint64_t pages)
{
	return offset + pages * EXO_PAGE_BYTES > 1u << 30 ? -ENOSPC : 0;
}

int
shared_unback(uint64_t offset, uint64_t pages)
{
	memset(fake_region + offset, 0, pages * EXO_PAGE_BYTES);
	return 0;
}

int
mem_claim(uint64_t count, exo_guardref guard, exo_pfn *first)
{
	static unsigned from;

	for (unsigned try = 0; try < FAKE_FRAMES; try++, from++) {
		unsigned run = 0;

		if (from + count > FAKE_FRAMES)
			from = 0;
		while (run < count && from + run < FAKE_FRAMES && !fake_frame[from + run])
			run++;
		if (run < count)
			continue;
		for (unsigned i = 0; i < count; i++) {
			fake_frame[from + i] = calloc(1, EXO_PAGE_BYTES);
			fake_guard_of[from + i] = guard;
		}
		fake_free -= count;
		*first = FAKE_FIRST + from;
		return 0;
	}
	return -ENOSPC;
}

void
mem_release(exo_pfn pfn, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		if (pfn + i < FAKE_FIRST || !fake_frame[pfn + i - FAKE_FIRST])
			abort();	/* not claimed */
		free(fake_frame[pfn + i - FAKE_FIRST]);
		fake_frame[pfn + i - FAKE_FIRST] = NULL;
	}
	fake_free += count;
}

void
undo_forget(void)
{
}

void
undo_reuse(void)
{
}

void
undo_zero(void *at, uint64_t bytes)
{
	memset(at, 0, bytes);
}

void
mem_guard(exo_pfn pfn, uint64_t count, exo_guardref guard)
{
	for (uint64_t i = 0; i < count; i++)
		fake_guard_of[pfn + i - FAKE_FIRST] = guard;
}

void *
mem_window(exo_pfn pfn)
{
	return fake_frame[pfn - FAKE_FIRST];
}

void *
mem_new(uint64_t pages)
{
	return calloc(pages, EXO_PAGE_BYTES);
}

exo_guardref
guard_new(const struct exo_key entries[EXO_GUARD_KEYS])
{
	memcpy(fake_guard[++fake_guards % 4096], entries, sizeof(fake_guard[0]));
	fake_guards_live++;
	return fake_guards % 4096;
}

void
guard_put(exo_guardref g)
{
	memset(fake_guard[g], 0, sizeof(fake_guard[g]));
	fake_guards_live--;
}

bool
client_opens(exo_envid env, exo_slot slot, exo_guardref guard, uint32_t rights)
{
	const struct exo_key *key = &fake_key[slot];

	(void)env;
	for (unsigned i = 0; i < EXO_GUARD_KEYS && key->rights; i++) {
		const struct exo_key *e = &fake_guard[guard][i];

		if (key->len <= e->len && memcmp(key->name, e->name, key->len) == 0
			&& (e->rights & key->rights & rights) == rights)
			return true;
	}
	return false;
}

void
guard_alter(exo_guardref g, const struct exo_key entries[EXO_GUARD_KEYS])
{
	memcpy(fake_guard[g], entries, sizeof(fake_guard[0]));
}

static exo_guardref fake_bound;		/* the one that the client has a key bound to */

bool
guard_held(exo_guardref g)
{
	return g == fake_bound;
}

bool
guard_writers(exo_guardref g)
{
	return g == fake_bound;
}

int
client_bind(exo_envid env, exo_slot slot, exo_guardref guard, uint32_t rights)
{
	(void)env;
	(void)slot;
	(void)rights;
	fake_bound = guard;
	return 0;
}

void
mem_unbind(exo_pfn pfn)
{
	(void)pfn;
}

static struct sh_cred fake_cred;	/* the client's */

bool
server_runs(uint32_t ino)
{
	(void)ino;
	return false;
}

bool
server_published(uint32_t ino)
{
	return ino == fake_held;
}

void
notify_name(const struct fs_inode *dir, uint32_t ino, uint32_t mask, const char *name, size_t bytes,
	uint32_t cookie)
{
	(void)dir, (void)ino, (void)mask, (void)name, (void)bytes, (void)cookie;
}

void
notify_self(const struct fs_inode *node, uint32_t ino, uint32_t mask)
{
	(void)node, (void)ino, (void)mask;
}

void
notify_inode_gone(struct fs_inode *node, uint32_t ino)
{
	(void)node, (void)ino;
}

uint32_t
notify_cookie(void)
{
	return 1;
}

void
locks_inode_gone(uint32_t ino)
{
	(void)ino;
}

uint64_t
server_wall_ns(void)
{
	return fake_clock += 1000;
}

static inline void
fake_user(uint32_t uid, uint32_t gid)
{
	memset(fake_key, 0, sizeof(fake_key));
	for (unsigned n = 0; n < CRED_IDS; n++) {
		fake_cred.uid[n] = uid;
		fake_cred.gid[n] = gid;
	}
	fake_key[KEY_USER] = (struct exo_key){ 5, EXO_RIGHTS_ALL,
		{ 'u', (uint8_t)(uid >> 24), (uint8_t)(uid >> 16), (uint8_t)(uid >> 8),
			(uint8_t)uid } };
	fake_key[KEY_GROUP] = (struct exo_key){ 5, EXO_RIGHTS_ALL,
		{ 'g', (uint8_t)(gid >> 24), (uint8_t)(gid >> 16), (uint8_t)(gid >> 8),
			(uint8_t)gid } };
	fake_key[KEY_OTHER] = (struct exo_key){ 1, EXO_RIGHTS_ALL, "o" };
	if (uid == 0)
		fake_key[KEY_ROOT] = (struct exo_key){ 1, EXO_RIGHTS_ALL, "r" };
}

static inline void
fake_boot(void)
{
	fake_region = mmap(NULL, 1u << 30, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	fake_user(0, 0);
}

#endif
