/* SPDX-License-Identifier: ISC */
/*
 * The file system as it is at boot: every entry of the boot archive, its
 * frames being the files' frames where they lie, and the device nodes.
 * Then what the server itself reads and writes there.
 */
#include "archive.h"
#include "fsnode.h"
#include "undo.h"

#define SFS_DEPTH 40
#define PAGES(bytes) (((bytes) + EXO_PAGE_BYTES - 1) / EXO_PAGE_BYTES)

static const struct exo_archive *archive;
static exo_pfn archive_pfn;
static uint32_t *entry_ino;		/* inode of each archive entry */
static uint8_t *page_taken;		/* a bit for each page of it: contents of some file */
static struct {				/* the directory that was looked for last */
	const char *path;
	size_t bytes;
	uint32_t ino;
} last_dir;

static const struct exo_archive_entry *
entry_at(uint32_t index)
{
	return (const struct exo_archive_entry *)(archive + 1) + index;
}

static const char *
string_at(uint32_t offset)
{
	return (const char *)archive + archive->names + offset;
}

/* ---- from the archive ----------------------------------------------------------------------- */

static size_t
base_name(const char *path, size_t bytes)
{
	while (bytes && path[bytes - 1] != '/')
		bytes--;
	return bytes;
}

/* Directory of an entry; the archive has each before what is in it. */
static uint32_t
entry_dir(const char *path, size_t dir_bytes)
{
	uint32_t ino = FS_ROOT_INO;
	size_t at = 0;

	if (last_dir.path && last_dir.bytes == dir_bytes &&
		__builtin_memcmp(last_dir.path, path, dir_bytes) == 0 && node_at(last_dir.ino))
		return last_dir.ino;
	while (at < dir_bytes) {
		size_t end = at;
		long found;

		while (end < dir_bytes && path[end] != '/')
			end++;
		found = meta_find(&fs_meta, ino, path + at, end - at);
		if (found <= 0)
			return 0;
		ino = (uint32_t)found;
		at = end + 1;
	}
	last_dir.path = path;
	last_dir.bytes = dir_bytes;
	last_dir.ino = ino;
	return ino;
}

static int
adopt_contents(struct fs_inode *node, const struct exo_archive_entry *e)
{
	uint64_t pages = PAGES(e->bytes);
	exo_pfn first = archive_pfn + e->data / EXO_PAGE_BYTES;

	for (uint64_t i = 0; i < pages; i++) {
		const uint64_t page = e->data / EXO_PAGE_BYTES + i;

		if (page_taken[page / 8] >> page % 8 & 1)
			return -EINVAL;		/* another file's */
		page_taken[page / 8] |= (uint8_t)(1u << page % 8);
		if (map_set(node, i, first + i))
			return -ENOSPC;
		undo_forget();		/* the start is not taken back, and there is no room for so much */
	}
	if (pages)
		mem_guard(first, pages, node->guard);
	node->size = e->bytes;
	fs_super->data_frames += pages;
	return 0;
}

static int
hard_link(const struct exo_archive_entry *e, uint32_t dir, const char *name, size_t bytes,
	uint32_t *ino)
{
	struct fs_inode *node;
	int error;

	*ino = entry_ino[e->link - 1];
	node = node_at(*ino);
	if (!node || !S_ISREG(node->mode))
		return -EINVAL;
	error = dir_add(node_at(dir), *ino, node->mode, name, bytes);
	if (!error)
		node->nlink++;
	return error;
}

static int
entry_make(const struct exo_archive_entry *e, uint32_t index)
{
	const char *path = string_at(e->name), *target = string_at(e->link);
	size_t start = base_name(path, e->name_bytes), bytes = e->name_bytes - start;
	uint32_t dir = entry_dir(path, start);
	struct fs_inode *node;
	int error = 0;
	long ino;

	if (dir == 0 || bytes == 0 || bytes > FS_NAME_MAX)
		return -EINVAL;
	ino = meta_find(&fs_meta, dir, path + start, bytes);
	if (ino > 0)
		return -EINVAL;		/* a name twice */
	if (ino == 0 && S_ISREG(e->mode) && e->link)
		return hard_link(e, dir, path + start, bytes, &entry_ino[index]);
	if (ino == 0)
		ino = fs_make(dir, path + start, bytes, e->mode, e->uid, e->gid,
			S_ISREG(e->mode) ? 0 : e->bytes);
	if (ino < 0)
		return (int)ino;
	entry_ino[index] = (uint32_t)ino;
	node = node_at((uint32_t)ino);
	if (S_ISLNK(e->mode))
		error = fs_set_target(node, target, __builtin_strlen(target));
	else if (S_ISREG(e->mode))
		error = adopt_contents(node, e);
	node->atime_ns = node->mtime_ns = node->ctime_ns = e->mtime_ns;
	return error;
}

static const char *
archive_load(void)
{
	for (uint32_t i = 0; i < archive->count; i++) {
		if (entry_make(entry_at(i), i))
			return "the boot archive has an entry that cannot be made";
	}
	return NULL;
}

static const char *
root_make(void)
{
	uint32_t ino;
	struct fs_inode *root = node_new(S_IFDIR | 0755, 0, 0, &ino);

	if (!root || ino != FS_ROOT_INO)
		return "no memory for the root directory";
	root->nlink = 2;
	root->parent = FS_ROOT_INO;
	return NULL;
}

const char *
sfs_boot(const void *archive_view, exo_pfn pfn)
{
	const char *wrong = node_boot() ? "no memory for the file system" : root_make();

	archive = archive_view;
	archive_pfn = pfn;
	last_dir.path = NULL;
	if (wrong)
		return wrong;
	entry_ino = archive ? mem_new(PAGES(archive->count * sizeof(uint32_t)) + 1) : NULL;
	page_taken = archive ? mem_new(PAGES(PAGES(archive->bytes) / 8) + 1) : NULL;
	if (archive && (!entry_ino || !page_taken))
		return "no memory for the boot archive";
	wrong = archive ? archive_load() : NULL;
	return wrong ? wrong : fs_devices_boot();
}

/* ---- for the server itself --------------------------------------------------------------------- */

long
sfs_lookup(const char *path)
{
	static char text[2 * LINUX_PATH_MAX], rest[LINUX_PATH_MAX];
	uint32_t dir = FS_ROOT_INO;
	size_t bytes = __builtin_strlen(path), at = 0;
	int links = 0;

	if (bytes >= LINUX_PATH_MAX)
		return -ENAMETOOLONG;
	__builtin_memcpy(text, path, bytes + 1);
	while (text[at]) {
		size_t end = at;
		long ino, target;

		if (text[at] == '/') {
			at++;
			continue;
		}
		while (text[end] && text[end] != '/')
			end++;
		ino = end - at == 1 && text[at] == '.' ? (long)dir
			: end - at == 2 && text[at] == '.' && text[at + 1] == '.'
			? (long)node_at(dir)->parent
			: meta_find(&fs_meta, dir, text + at, end - at);
		if (ino <= 0)
			return ino ? ino : -ENOENT;
		at = end;
		if (!S_ISLNK(node_at((uint32_t)ino)->mode)) {
			dir = (uint32_t)ino;
			continue;
		}
		bytes = __builtin_strlen(text + at);
		if (++links > SFS_DEPTH || bytes >= sizeof(rest))
			return -ELOOP;
		__builtin_memcpy(rest, text + at, bytes + 1);
		target = meta_target(&fs_meta, (uint32_t)ino, text, LINUX_PATH_MAX);
		if (target < 0)
			return target;
		__builtin_memcpy(text + target, rest, bytes + 1);
		dir = text[0] == '/' ? FS_ROOT_INO : dir;
		at = 0;
	}
	return dir;
}

const struct fs_inode *
sfs_inode(uint32_t ino)
{
	return node_at(ino);
}

static long
link_read(uint32_t ino, uint64_t pos, void *buf, uint64_t bytes)
{
	static char target[LINUX_PATH_MAX];
	long length = meta_target(&fs_meta, ino, target, sizeof(target));

	if (length < 0 || pos >= (uint64_t)length)
		return length < 0 ? length : 0;
	if (bytes > (uint64_t)length - pos)
		bytes = (uint64_t)length - pos;
	__builtin_memcpy(buf, target + pos, bytes);
	return (long)bytes;
}

long
sfs_read(uint32_t ino, uint64_t pos, void *buf, uint64_t bytes)
{
	struct fs_inode *node = node_at(ino);
	uint64_t done = 0;

	if (node && S_ISLNK(node->mode))
		return link_read(ino, pos, buf, bytes);
	if (!node || !S_ISREG(node->mode))
		return -EINVAL;
	if (pos >= node->size)
		return 0;
	if (bytes > node->size - pos)
		bytes = node->size - pos;
	while (done < bytes) {
		uint64_t within = (pos + done) % EXO_PAGE_BYTES, part = EXO_PAGE_BYTES - within;
		exo_pfn pfn = map_get(node, (pos + done) / EXO_PAGE_BYTES);
		const char *page = pfn ? mem_window(pfn) : NULL;

		if (part > bytes - done)
			part = bytes - done;
		if (pfn && !page)
			return -ENOMEM;
		if (page)
			__builtin_memcpy((char *)buf + done, page + within, part);
		else
			__builtin_memset((char *)buf + done, 0, part);
		done += part;
	}
	return (long)done;
}

uint32_t
sfs_next(uint32_t dir, uint64_t *at, char name[FS_NAME_MAX + 1])
{
	struct fs_inode *node = node_at(dir);

	while (node && S_ISDIR(node->mode) && *at < node->size) {
		uint32_t offset = *at % DIRBLOCK_BYTES;
		const void *block = meta_block(&fs_meta, map_get(node, *at / DIRBLOCK_BYTES));
		const struct fs_dirent *e = block ? dirblock_next(block, &offset) : NULL;

		*at = (*at & ~(uint64_t)(DIRBLOCK_BYTES - 1)) + (e ? offset : DIRBLOCK_BYTES);
		if (!e || e->ino == 0)
			continue;
		__builtin_memcpy(name, e->name, e->name_bytes);
		name[e->name_bytes] = '\0';
		return e->ino;
	}
	return 0;
}
