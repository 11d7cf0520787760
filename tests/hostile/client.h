/* SPDX-License-Identifier: ISC */
/* For Linux programs that ask the kernel and the server behind their library's back, as several users. */
#ifndef HOSTILE_CLIENT_H
#define HOSTILE_CLIENT_H

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <server/fsmeta.h>
#include "ask.h"

#define NOBODY 65534
#define SLOTS 256u
#define FREE_SLOT 120u			/* of the key ring: the library takes the lowest free */

static inline char *
comm(void)
{
	return (char *)(base + EXOS_COMM);
}

static inline const volatile struct fs_inode *
node_of(const char *path, uint32_t *ino)
{
	const volatile struct fs_super *super =
		(const volatile struct fs_super *)((const char *)(uint64_t)shared + shared->fs_off);
	struct stat s;

	if (stat(path, &s))
		return NULL;
	*ino = (uint32_t)s.st_ino;
	return (const volatile struct fs_inode *)((const char *)(uint64_t)shared +
		       super->inode_off) +
		s.st_ino;
}

static inline void
become(uid_t uid)
{
	if (syscall(SYS_setgroups, 0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		_exit(99);
}

static inline void
file_make(const char *path, mode_t mode, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (long)strlen(text));
	fchmod(fd, mode);
	close(fd);
}

static inline void
copy(const char *from, const char *to, mode_t mode)
{
	static char bytes[1 << 16];
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);
	long n;

	while ((n = read(in, bytes, sizeof(bytes))) > 0)
		CHECK(write(out, bytes, (size_t)n) == n);
	close(in);
	close(out);
	CHECK(chmod(to, mode) == 0);
}

/* With none of the keys in the ring. */
static inline bool
frame_opens(exo_pfn pfn, uint32_t perms)
{
	static char place[PAGE] __attribute__((aligned(4096)));
	bool any = false;

	place[0] = 1;
	for (exo_slot slot = 0; slot < SLOTS && !any; slot++) {
		struct exo_map m = { .va = (uint64_t)place, .pfn = pfn, .op = EXO_OP_MAP | perms,
			.key = slot };

		any = exo_map(exo_self(), &m, 1, KEY_SELF) == 1;
	}
	return any;
}

/* Is it bound anywhere in the library's part of the address space? */
static inline bool
frame_is_bound(exo_pfn pfn)
{
	for (uint64_t va = base; va < base + EXOS_SHARED; va += PAGE) {
		if (!(exo_pte_at(va, 2) & EXO_PTE_PRESENT)) {
			va |= 0x1fffff & ~(PAGE - 1);
			continue;
		}
		if (exo_pte(va) & EXO_PTE_PRESENT && EXO_PTE_PFN(exo_pte(va)) == pfn)
			return true;
	}
	return false;
}

#endif
