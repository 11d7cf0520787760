/* SPDX-License-Identifier: ISC */
/*
 * What lies in the slots of a process's key ring is its own affair: a user who
 * puts the key of his user, or one of a file of his, where root's key is looked
 * for, is not taken for root: neither for the second of two directories of one
 * request nor for what is root's alone.
 */
#define _GNU_SOURCE
#define CHECK_NAME "roots"
#include "client.h"

#define PLACE "/tmp/roots/"
#define USER 1000

static uint32_t
ino_of(const char *path)
{
	struct stat s;

	CHECK(stat(path, &s) == 0);
	return (uint32_t)s.st_ino;
}

static long
moved(uint32_t from, const char *name, uint32_t to, const char *as)
{
	memcpy(comm(), name, strlen(name) + 1);
	memcpy(comm() + strlen(name) + 1, as, strlen(as) + 1);
	return request(OP_FS_RENAME, from, to, 0, 0, 0);
}

static void
user(void)
{
	const uint32_t closed = ino_of(PLACE "closed");
	uint32_t own;

	become(USER);
	CHECK(mkdir(PLACE "open/own", 0755) == 0);
	own = ino_of(PLACE "open/own");
	file_make(PLACE "open/own/mine", 0644, "mine");
	CHECK(exo_key_copy(KEY_USER, 1, exo_self(), KEY_ROOT, KEY_SELF) == 1);
	/* Asked about his own first, and about root's with the same breath. */
	CHECK(moved(own, "mine", closed, "theirs") == -EACCES);
	CHECK(moved(closed, "theirs", own, "taken") == -EACCES);
	memcpy(comm(), "mine", 5);
	CHECK(request(OP_FS_LINK, ino_of(PLACE "open/own/mine"), closed, 0, 0, 0) == -EACCES);
	memcpy(comm(), "device", 7);
	CHECK(request(OP_FS_CREATE, own, S_IFCHR | 0666, 1 << 8 | 1, 0, 0) == -EPERM);
	CHECK(request(OP_FS_SETATTR, ino_of(PLACE "open/own/mine"), SETATTR_UID, 0, 0, 0) < 0);
	_exit(failed != 0);
}

/* User 0 without root's capabilities owns root's files, and is root no more than others. */
static void
no_root(void)
{
	struct {
		uint32_t version;
		int pid;
	} head = { 0x20080522, 0 };
	struct {
		uint32_t effective, permitted, inheritable;
	} none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	CHECK(syscall(SYS_capset, &head, none) == 0);
	CHECK(exo_key_copy(KEY_USER, 1, exo_self(), KEY_ROOT, KEY_SELF) == 1);
	memcpy(comm(), "device", 7);
	CHECK(request(OP_FS_CREATE, ino_of(PLACE "closed"), S_IFCHR | 0666, 1 << 8 | 1, 0, 0) ==
		-EPERM);
	_exit(failed != 0);
}

int
main(void)
{
	if (!CHECK(client_begin()))
		return summary();
	mkdir("/tmp/roots", 0755);
	CHECK(mkdir(PLACE "closed", 0755) == 0 && mkdir(PLACE "open", 0755) == 0 &&
		chmod(PLACE "open", 01777) == 0);
	file_make(PLACE "closed/theirs", 0600, "theirs");
	CHECK(in_child(user) == 0);
	CHECK(in_child(no_root) == 0);
	return summary();
}
