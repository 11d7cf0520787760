/* SPDX-License-Identifier: ISC */
/*
 * File contents.  A page is reached by mapping its frame, under this
 * process's key, into a slot of the file window that follows from the frame's
 * number; the slot's page-table entry says what is mapped there, so nothing
 * else is kept.  When a file is cut short elsewhere, the kernel takes the
 * mapping away and the copy faults: then the metadata is looked at again.
 *
 * Writes past the end, or into a hole, first ask the server for the frames.
 */
#include "fs.h"

#define WINDOWS 128u
#define RETRIES 8

static const char zeroes[EXO_PAGE_BYTES];

static u64
window_of(exo_pfn pfn)
{
	return (u64)AT(char, EXOS_WINDOW) + (WINDOW_FS + pfn % WINDOWS) * EXO_PAGE_BYTES;
}

void
windows_drop(void)
{
	struct exo_map gone = { .op = EXO_OP_UNMAP };

	for (u32 n = 0; n < WINDOWS; n++) {
		gone.va = window_of(n);
		if (page_entry(gone.va) & EXO_PTE_PRESENT)
			exo_map(UAREA->env, &gone, 1, KEY_SELF);
	}
}

static bool
mapped(exo_pfn pfn, bool write)
{
	u64 entry = page_entry(window_of(pfn));

	return entry & EXO_PTE_PRESENT && EXO_PTE_PFN(entry) == pfn &&
		(!write || entry & EXO_PTE_WRITE);
}

static int
window_map(exo_pfn pfn, bool write, exo_slot key)
{
	if (mapped(pfn, write))
		return 0;
	return page_map(window_of(pfn), pfn, EXO_MAP_READ | (write ? EXO_MAP_WRITE : 0), key);
}

/* A key that was kept opens nothing any more when the file got a seal or a set-id bit: then without it. */
static int
refused(u32 ino, int error)
{
	const bool may_be_key = error == -EACCES || error == -EPERM;

	if (may_be_key && !keep_key(ino))
		return -EACCES;
	if (may_be_key)
		keep_drop(ino);
	return 1;
}

/* One page's part.  1: the frame went away, look again. */
static int
page_read(u32 ino, u64 pos, u64 to, u64 bytes)
{
	exo_slot key;
	exo_pfn pfn = fs_frame(ino, pos / EXO_PAGE_BYTES, &key);
	int error;

	if (pfn == 0)
		return copy_out(to, zeroes, bytes);
	error = window_map(pfn, false, key);
	if (error)
		return refused(ino, error);
	error = copy_out(to, (const char *)window_of(pfn) + pos % EXO_PAGE_BYTES, bytes);
	return error && !mapped(pfn, false) ? 1 : error;
}

static int
page_write(u32 ino, u64 pos, u64 from, u64 bytes)
{
	exo_slot key;
	exo_pfn pfn = fs_frame(ino, pos / EXO_PAGE_BYTES, &key);
	int error;

	if (pfn == 0)
		return 1;
	error = window_map(pfn, true, key);
	if (error)
		return refused(ino, error);
	error = copy_in((char *)window_of(pfn) + pos % EXO_PAGE_BYTES, from, bytes);
	return error && !mapped(pfn, true) ? 1 : error;
}

static u64
part_of(u64 pos, u64 bytes)
{
	u64 room = EXO_PAGE_BYTES - pos % EXO_PAGE_BYTES;

	return bytes < room ? bytes : room;
}

/* One word of the inode: there is nothing that has to go with it. */
static bool
size_of(u32 ino, u64 *size)
{
	const struct fs_inode *node = fs_inode(ino);

	*size = node ? *(const volatile u64 *)&node->size : 0;
	return node;
}

long
fs_pread(u32 ino, u64 pos, u64 to, u64 bytes)
{
	u64 size, done = 0;

	if (!size_of(ino, &size))
		return -EIO;
	if (pos >= size)
		return 0;
	if (bytes > size - pos)
		bytes = size - pos;
	for (int tries = 0; done < bytes; tries++) {
		u64 part = part_of(pos + done, bytes - done);
		int error = page_read(ino, pos + done, to + done, part);

		if (error == 1 && tries < RETRIES)
			continue;
		if (error == -EFAULT && part > part_of(to + done, part)) {
			bytes = done + part_of(to + done, part);	/* up to the bad page */
			continue;
		}
		if (error)
			return done ? (long)done : error == 1 ? -EIO : error;
		done += part;
		tries = 0;
	}
	return (long)done;
}

long
fs_read(u32 ino, u64 pos, void *buf, u64 bytes)
{
	return fs_pread(ino, pos, (u64)buf, bytes);
}

/* Are all these pages there, and inside the file?  Then nobody needs to be asked. */
static bool
present(u32 ino, u64 pos, u64 bytes)
{
	exo_slot key;
	u64 size;

	if (!size_of(ino, &size) || pos > size || bytes > size - pos)
		return false;
	for (u64 at = pos & ~(EXO_PAGE_BYTES - 1); at < pos + bytes; at += EXO_PAGE_BYTES)
		if (fs_frame(ino, at / EXO_PAGE_BYTES, &key) == 0)
			return false;
	return true;
}

/* How much of it can be read, so that a file does not grow for bytes that nobody has. */
static u64
readable(u64 from, u64 bytes)
{
	u8 byte;

	for (u64 at = from; at < from + bytes; at = (at | (EXO_PAGE_BYTES - 1)) + 1)
		if (copy_in(&byte, at, 1))
			return at - from;
	return bytes;
}

static long
chunk_write(u32 ino, u64 *pos, u64 from, u64 bytes)
{
	u64 done = 0;
	int error;

	if (*pos == FS_APPEND || !present(ino, *pos, bytes)) {
		struct answer answer;

		bytes = readable(from, bytes);
		if (bytes == 0)
			return -EFAULT;
		long result =
			server_call(OP_FS_EXTEND, ino, *pos, bytes, keep_key(ino), 0, &answer);

		if (result < 0)
			return result;
		*pos = answer.rdx;
	}
	for (int tries = 0; done < bytes; tries++) {
		u64 part = part_of(*pos + done, bytes - done), first = part_of(from + done, part);
		u8 byte;

		/* Nothing is copied twice: it may come from a mapping of the file itself. */
		if (first < part && copy_in(&byte, from + done + first, 1)) {
			bytes = done + first;
			part = first;
		}
		error = page_write(ino, *pos + done, from + done, part);
		if (error == 1 && tries < RETRIES) {
			server_call(OP_FS_EXTEND, ino, *pos + done, part, keep_key(ino), 0, NULL);
			continue;
		}
		if (error == -EFAULT && part > part_of(from + done, part)) {
			bytes = done + part_of(from + done, part);
			continue;
		}
		if (error)
			return done ? (long)done : error == 1 ? -EIO : error;
		done += part;
		tries = 0;
	}
	return (long)done;
}

/* Who writes a set-id file takes the bits off, but root. */
static void
disarm(u32 ino)
{
	const struct fs_inode *node = fs_inode(ino);
	const u32 mode = node ? node->mode : 0;

	if ((mode & S_ISUID || (mode & (S_ISGID | 010)) == (S_ISGID | 010)) &&
		!(CRED->effective >> CAP_FSETID & 1))
		server_call(OP_FS_SETATTR, ino, SETATTR_UNSETID, 0, 0, keep_key(ino), NULL);
}

long
fs_pwrite(u32 ino, u64 *pos, u64 from, u64 bytes)
{
	u64 done = 0;

	disarm(ino);
	while (done < bytes) {
		u64 part = bytes - done < FS_EXTEND_MAX ? bytes - done : FS_EXTEND_MAX;
		u64 at = *pos == FS_APPEND ? FS_APPEND : *pos + done;
		long n = chunk_write(ino, &at, from + done, part);

		/* A full disk: what fits page by page is still written. */
		if (n == -ENOSPC && part > EXO_PAGE_BYTES)
			n = chunk_write(ino, &at, from + done,
				part_of(at == FS_APPEND ? 0 : at, part));
		if (n < 0)
			return done ? (long)done : n;
		if (*pos == FS_APPEND)
			*pos = at;
		done += (u64)n;
	}
	return (long)done;
}
