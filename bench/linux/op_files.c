/* SPDX-License-Identifier: ISC */
/* Files in memory: tmpfs, or ExOS's. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "ops.h"

#define NAME "/tmp/ops-file"
#define ENTRIES 100u

static char block[65536];

static int
make(const char *name)
{
	return open(name, O_CREAT | O_RDWR | O_TRUNC, 0600);
}

static uint64_t
open_close(unsigned n)
{
	uint64_t from;

	close(make(NAME));
	from = now();
	for (unsigned i = 0; i < n; i++)
		close(open(NAME, O_RDONLY));
	from = now() - from;
	unlink(NAME);
	return from;
}

static uint64_t
stat_file(unsigned n)
{
	struct stat st;
	uint64_t from;

	close(make(NAME));
	from = now();
	for (unsigned i = 0; i < n; i++)
		stat(NAME, &st);
	from = now() - from;
	unlink(NAME);
	return from;
}

static uint64_t
create_unlink(unsigned n)
{
	uint64_t from = now();

	for (unsigned i = 0; i < n; i++) {
		close(make(NAME));
		unlink(NAME);
	}
	return now() - from;
}

static uint64_t
create_write_unlink(unsigned n)
{
	uint64_t from = now();

	for (unsigned i = 0; i < n; i++) {
		int fd = make(NAME);

		if (write(fd, block, 1024) != 1024)
			return CANNOT;
		close(fd);
		unlink(NAME);
	}
	return now() - from;
}

typedef ssize_t (*transfer)(int fd, void *p, size_t bytes, off_t at);

static ssize_t
put(int fd, void *p, size_t bytes, off_t at)
{
	return pwrite(fd, p, bytes, at);
}

static uint64_t
moved(unsigned n, transfer move, size_t bytes)
{
	int fd = make(NAME);
	uint64_t from;

	if (write(fd, block, sizeof(block)) != sizeof(block))
		return CANNOT;
	from = now();
	for (unsigned i = 0; i < n; i++)
		if (move(fd, block, bytes, 0) != (ssize_t)bytes)
			return CANNOT;
	from = now() - from;
	close(fd);
	unlink(NAME);
	return from;
}

static uint64_t
read_4k(unsigned n)
{
	return moved(n, pread, 4096);
}

static uint64_t
write_4k(unsigned n)
{
	return moved(n, put, 4096);
}

static uint64_t
read_64k(unsigned n)
{
	return moved(n, pread, sizeof(block));
}

static void
populate(bool there)
{
	char name[64];

	if (there)
		mkdir("/tmp/ops-dir", 0700);
	for (unsigned i = 0; i < ENTRIES; i++) {
		snprintf(name, sizeof(name), "/tmp/ops-dir/file-%u", i);
		if (there)
			close(make(name));
		else
			unlink(name);
	}
	if (!there)
		rmdir("/tmp/ops-dir");
}

/* A directory of a hundred files. */
static uint64_t
scan(unsigned n)
{
	unsigned found = 0;
	uint64_t from;

	populate(true);
	from = now();
	for (unsigned i = 0; i < n; i++) {
		DIR *d = opendir("/tmp/ops-dir");

		while (readdir(d))
			found++;
		closedir(d);
	}
	from = now() - from;
	populate(false);
	return found == n * (ENTRIES + 2) ? from : CANNOT;
}

const struct op file_ops[] = {
	{ "open-close", open_close, 16 },
	{ "stat", stat_file, 16 },
	{ "create-unlink", create_unlink, 8 },
	{ "create-1K-unlink", create_write_unlink, 8 },
	{ "read-4K", read_4k, 16 },
	{ "write-4K", write_4k, 16 },
	{ "read-64K", read_64k, 8 },
	{ "scan-100", scan, 4 },
	{ 0 },
};
