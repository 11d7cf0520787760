/* SPDX-License-Identifier: ISC */
/* What the server makes in the file system by itself: /dev, /proc, /tmp, and names of ptys. */
#include "fsnode.h"

static const struct {
	const char *name;
	uint32_t mode, major, minor;
} devices[] = {
	{ "null", 0666, 1, 3 },
	{ "zero", 0666, 1, 5 },
	{ "full", 0666, 1, 7 },
	{ "random", 0666, 1, 8 },
	{ "urandom", 0666, 1, 9 },
	{ "kmsg", 0600, 1, 11 },
	{ "tty", 0666, 5, 0 },
	{ "console", 0600, 5, 1 },
	{ "ptmx", 0666, 5, 2 },
};

static const struct {
	const char *name, *target;
} links[] = {
	{ "fd", "/proc/self/fd" }, { "stdin", "/proc/self/fd/0" },
	{ "stdout", "/proc/self/fd/1" }, { "stderr", "/proc/self/fd/2" },
};

static size_t
length(const char *s)
{
	return __builtin_strlen(s);
}

/* A directory, made if it is not there; 0: no memory. */
static uint32_t
dir_ensure(uint32_t in, const char *name, uint32_t mode)
{
	long ino = meta_find(&fs_meta, in, name, length(name));

	if (ino == 0)
		ino = fs_make(in, name, length(name), S_IFDIR | mode, 0, 0, 0);
	return ino > 0 ? (uint32_t)ino : 0;
}

static long
device_make(uint32_t dir, const char *name, uint32_t mode, uint32_t major, uint32_t minor)
{
	long ino = meta_find(&fs_meta, dir, name, length(name));

	return ino ? ino : fs_make(dir, name, length(name), S_IFCHR | mode, 0, 0,
					LINUX_DEV(major, minor));
}

static long
link_make(uint32_t dir, const char *name, const char *target)
{
	long ino = meta_find(&fs_meta, dir, name, length(name));

	if (ino)
		return ino;
	ino = fs_make(dir, name, length(name), S_IFLNK | 0777, 0, 0, 0);
	if (ino > 0)
		fs_set_target(node_at((uint32_t)ino), target, length(target));
	return ino;
}

const char *
fs_devices_boot(void)
{
	uint32_t dev = dir_ensure(FS_ROOT_INO, "dev", 0755);
	long ino = dev;

	for (unsigned i = 0; i < sizeof(devices) / sizeof(devices[0]) && ino > 0; i++)
		ino = device_make(dev, devices[i].name, devices[i].mode, devices[i].major,
			devices[i].minor);
	for (unsigned i = 0; i < sizeof(links) / sizeof(links[0]) && ino > 0; i++)
		ino = link_make(dev, links[i].name, links[i].target);
	return ino > 0 && dir_ensure(dev, "pts", 0755) && dir_ensure(dev, "shm", 01777)
			&& dir_ensure(FS_ROOT_INO, "proc", 0555)
			&& dir_ensure(FS_ROOT_INO, "tmp", 01777)
		? NULL : "no memory for /dev";
}

/* ---- ptys ----------------------------------------------------------------------------------- */

long
sfs_device(const char *dir, const char *name, uint32_t mode, uint32_t uid, uint32_t gid,
	uint64_t rdev)
{
	long in = sfs_lookup(dir);

	if (in <= 0 || !S_ISDIR(node_at((uint32_t)in)->mode))
		return -ENOENT;
	if (meta_find(&fs_meta, (uint32_t)in, name, length(name)))
		return -EEXIST;
	return fs_make((uint32_t)in, name, length(name), S_IFCHR | mode, uid, gid, rdev);
}

void
sfs_device_gone(const char *dir, const char *name, uint32_t ino)
{
	long in = sfs_lookup(dir);

	if (in <= 0 || meta_find(&fs_meta, (uint32_t)in, name, length(name)) != (long)ino)
		return;			/* somebody who may has removed it, or moved it elsewhere */
	dir_remove(node_at((uint32_t)in), name, length(name));
	fs_name_lost(ino);
}
