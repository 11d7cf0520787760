/* SPDX-License-Identifier: ISC */
/* Memory that comes when it is touched. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "ops.h"

#define PAGES 64u

static char *
fresh(unsigned long pages)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		0);

	return p == MAP_FAILED ? NULL : p;
}

/* The first write to a page; getting and giving back the area is not measured. */
static uint64_t
touch(unsigned n)
{
	uint64_t took = 0, from;

	for (unsigned done = 0; done < n; done += PAGES) {
		volatile char *p = fresh(PAGES);

		if (!p)
			return CANNOT;
		from = now();
		for (unsigned i = 0; i < PAGES && done + i < n; i++)
			p[i * PAGE] = 1;
		took += now() - from;
		munmap((void *)p, PAGES * PAGE);
	}
	return took;
}

static uint64_t
map_touch_unmap(unsigned n)
{
	uint64_t from = now();

	for (unsigned i = 0; i < n; i++) {
		volatile char *p = fresh(1);

		if (!p)
			return CANNOT;
		*p = 1;
		munmap((void *)p, PAGE);
	}
	return now() - from;
}

/* A page of a file, mapped and read. */
static uint64_t
map_read(unsigned n)
{
	int fd = open("/tmp/ops-map", O_RDWR | O_CREAT | O_TRUNC, 0600);
	uint64_t from, rounds = (n + PAGES - 1) / PAGES;
	static char page[PAGE];
	volatile char sink;

	for (unsigned i = 0; i < PAGES; i++)
		if (write(fd, page, PAGE) != (long)PAGE)
			return CANNOT;
	from = now();
	for (uint64_t r = 0; r < rounds; r++) {
		volatile char *p = mmap(NULL, PAGES * PAGE, PROT_READ, MAP_SHARED, fd, 0);

		if (p == MAP_FAILED)
			return CANNOT;
		for (unsigned i = 0; i < PAGES; i++)
			sink = p[i * PAGE];
		munmap((void *)p, PAGES * PAGE);
	}
	from = (now() - from) * n / (rounds * PAGES);
	(void)sink;
	close(fd);
	unlink("/tmp/ops-map");
	return from;
}

const struct op memory_ops[] = {
	{ "touch", touch, 64 },
	{ "mmap-touch-munmap", map_touch_unmap, 8 },
	{ "mmap-read", map_read, 64 },
	{ 0 },
};
