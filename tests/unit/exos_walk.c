/* SPDX-License-Identifier: ISC */
// sources: exos/fs/walk.c exos/fs/known.c exos/server/fs.c exos/server/fsmake.c exos/server/fsgone.c exos/server/fsfree.c exos/server/fsrename.c exos/server/fskey.c exos/server/fsattr.c exos/server/fsboot.c exos/server/fsdev.c exos/server/fsdir.c exos/server/fsmap.c exos/server/fsnode.c exos/server/fstable.c exos/server/xattr.c exos/server/fsseal.c exos/server/attrs.c exos/fs/dirblock.c exos/fs/meta.c exos/server/cred.c
/* The path walk, over a tree that the server's own code made. */
#include "lib/fake_fs.h"
#include "../../exos/fs/known.h"

static unsigned passed, failed;
static u64 no_search;			/* rdev of a directory that may not be searched, 0: none */

static void
check(const char *name, bool good)
{
	printf(good ? "ok %s\n" : "FAIL %s: see the source\n", name);
	good ? passed++ : failed++;
}

/* ---- what the walk stands on ---------------------------------------------------------------- */

int
fs_stat(u32 ino, struct fs_inode *copy)
{
	return meta_stat(&fs_meta, ino, copy);
}

/* As it is, and what was seen before says the same. */
long
fs_find(u32 dir, const char *name, size_t bytes)
{
	static struct meta_seen seen[2];
	const long ino = meta_find(&fs_meta, dir, name, bytes);
	struct meta_seen *s = &seen[bytes % 2];

	if (meta_find_seen(&fs_meta, dir, name, bytes, s) != ino ||
		meta_find_seen(&fs_meta, dir, name, bytes, s) != ino)
		abort();
	return ino;
}

u32
fs_mode(u32 ino)
{
	const struct fs_inode *node = meta_inode(&fs_meta, ino);

	return node ? node->mode : 0;
}

long
fs_target(u32 ino, char *to, size_t room)
{
	return meta_target(&fs_meta, ino, to, room);
}

bool
fs_may(const struct fs_inode *node, u32 want)
{
	return !(want & X_OK) || no_search == 0 || node->rdev != no_search;
}

int
fs_may_search(u32 dir)
{
	const struct fs_inode *node = meta_inode(&fs_meta, dir);

	if (!node)
		return -ENOENT;
	if (!S_ISDIR(node->mode))
		return -ENOTDIR;
	return fs_may(node, X_OK) ? 0 : -EACCES;
}

u32
procfs_jump(u32 ino)
{
	(void)ino;
	return 0;
}

int
procfs_fd(u32 ino)
{
	(void)ino;
	return -1;
}

static u32 root = FS_ROOT_INO;

/* The library's texts lie in buffers of its own, where whole words can be read. */
bool
fs_path_begin(struct known_path *k, u32 start, u32 flags, const char *path)
{
	static char text[LINUX_PATH_MAX + 8] __attribute__((aligned(8)));

	if (strlen(path) >= LINUX_PATH_MAX)
		return false;
	memset(text, 0xff, sizeof(text));
	memcpy(text, path, strlen(path) + 1);
	return known_path(k, fs_super->seq, start, fs_root(), flags, text);
}

u32
fs_root(void)
{
	return root;
}

long
fd_directory(int dirfd)
{
	return dirfd == AT_FDCWD ? (long)FS_ROOT_INO : -EBADF;
}

/* ---- the tree ------------------------------------------------------------------------------------ */

static u32
make(u32 dir, const char *name, u32 mode)
{
	return (u32)fs_make(dir, name, strlen(name), mode, 0, 0, 0);
}

static void
link_to(u32 dir, const char *name, const char *target)
{
	fs_set_target(node_at(make(dir, name, S_IFLNK | 0777)), target, strlen(target));
}

static struct place at;

/* The walk ends at this inode; and again, when it is known. */
static bool
leads(u32 start, const char *path, u32 ino)
{
	struct place first;

	if (fs_walk(start, path, 0, &first) || fs_walk(start, path, 0, &at))
		return false;
	return at.ino == ino && first.ino == ino && first.dir == at.dir && first.last == at.last &&
		first.slash == at.slash && first.name_bytes == at.name_bytes &&
		memcmp(first.name, at.name, at.name_bytes) == 0;
}

static bool
fails(const char *path, int error)
{
	return fs_walk(FS_ROOT_INO, path, 0, &at) == -error;
}

static void
walks(void)
{
	u32 a = make(FS_ROOT_INO, "a", S_IFDIR | 0755), b = make(a, "b", S_IFDIR | 0755),
	    f = make(b, "f", S_IFREG | 0644);

	check("plain", leads(FS_ROOT_INO, "/a/b/f", f) && leads(a, "b/f", f) && leads(b, "/a", a));
	check("slashes and dots",
		leads(FS_ROOT_INO, "//a///b/./../b//f", f) && leads(b, "../../..", FS_ROOT_INO) &&
			leads(b, ".", b));
	check("the last name",
		fs_walk(a, "b/new", 0, &at) == 0 && at.ino == 0 && at.dir == b &&
			!strcmp(at.name, "new") && !at.slash);
	check("a slash behind it",
		fs_walk(a, "new//", 0, &at) == 0 && at.ino == 0 && at.slash && leads(a, "b/", b) &&
			fails("/a/b/f/", ENOTDIR));
	check("no last name",
		leads(a, "b/..", a) && at.name_bytes == 0 && leads(a, "/", FS_ROOT_INO) &&
			at.name_bytes == 0);
	check("not there",
		fails("/a/x/f", ENOENT) && fails("", ENOENT) && fails("/a/b/f/x", ENOTDIR));
	link_to(a, "rel", "b");
	link_to(a, "abs", "/a/b/f");
	link_to(b, "up", "../rel/f");
	link_to(a, "dangling", "b/none");
	link_to(a, "loop", "loop");
	check("links",
		leads(a, "rel/f", f) && leads(b, "/a/abs", f) && leads(FS_ROOT_INO, "a/rel/up", f));
	check("a link at the end is not followed when asked",
		fs_walk(a, "rel", WALK_NOFOLLOW, &at) == 0 && S_ISLNK(node_at(at.ino)->mode) &&
			fs_walk(a, "rel/", WALK_NOFOLLOW, &at) == 0 && at.ino == b);
	check("where a dangling link would lead",
		fs_walk(a, "dangling", 0, &at) == 0 && at.ino == 0 && at.dir == b &&
			!strcmp(at.name, "none"));
	check("a circle", fails("/a/loop", ELOOP) && fails("/a/loop/x", ELOOP));
	node_at(b)->rdev = no_search = 99;
	check("a directory that may not be searched", fails("/a/b/f", EACCES) && leads(a, "b", b));
	no_search = 0;
}

static bool
scoped(u32 start, const char *path, u32 flags, long expected)
{
	int error = fs_walk(start, path, flags, &at);

	return error ? error == expected : (long)at.ino == expected;
}

/* Places that a walk does not leave. */
static void
scopes(void)
{
	u32 s = make(FS_ROOT_INO, "s", S_IFDIR | 0755), t = make(s, "t", S_IFDIR | 0755),
	    f = make(t, "f", S_IFREG | 0644);

	link_to(s, "out", "../a");
	link_to(s, "in", "t/f");
	link_to(s, "abs", "/t/f");
	check("beneath",
		scoped(s, "t/../t/f", WALK_BENEATH, f) && scoped(s, "in", WALK_BENEATH, f) &&
			scoped(s, "..", WALK_BENEATH, -EXDEV) &&
			scoped(s, "/s", WALK_BENEATH, -EXDEV) &&
			scoped(s, "out", WALK_BENEATH, -EXDEV) &&
			scoped(s, "abs", WALK_BENEATH, -EXDEV));
	check("in a root of its own",
		scoped(s, "/abs", WALK_IN_ROOT, f) && scoped(s, "../../t/f", WALK_IN_ROOT, f) &&
			scoped(t, "abs", WALK_IN_ROOT, 0));
	check("without links",
		scoped(s, "t/f", WALK_NO_SYMLINKS, f) &&
			scoped(s, "in", WALK_NO_SYMLINKS, -ELOOP) &&
			fs_walk(s, "in", WALK_NO_SYMLINKS | WALK_NOFOLLOW, &at) == 0);
	check("a file made with a slash behind",
		scoped(s, "t/", WALK_CREATE, -EISDIR) && scoped(s, "none/", WALK_CREATE, -EISDIR));
	root = s;
	check("another root", leads(t, "/t/f", f) && leads(t, "../../../t", t)
		&& leads(FS_ROOT_INO, "/abs", f) && leads(s, "out", 0));
	root = FS_ROOT_INO;
}

static void
lengths(void)
{
	static char path[2 * LINUX_PATH_MAX];
	u32 dir = FS_ROOT_INO;

	memset(path, 'n', 300);
	check("a name too long", fails(path, ENAMETOOLONG));
	path[255] = '\0';
	check("the longest name", fs_walk(FS_ROOT_INO, path, 0, &at) == 0 && at.ino == 0);
	memset(path, '/', LINUX_PATH_MAX - 1);
	path[LINUX_PATH_MAX - 1] = '\0';
	check("the longest path", leads(FS_ROOT_INO, path, FS_ROOT_INO));
	memset(path, '/', LINUX_PATH_MAX);
	path[LINUX_PATH_MAX] = '\0';
	check("a path too long", fails(path, ENAMETOOLONG));
	memset(path, 0, sizeof(path));
	for (unsigned i = 0; i < 100; i++) {
		dir = make(dir, "deeper", S_IFDIR | 0755);
		strcat(path, "/deeper");
	}
	check("a deep path", leads(FS_ROOT_INO, path, dir));
	path[3500] = '\0';
	memset(path, '/', 3500);
	link_to(FS_ROOT_INO, "long", path);
	memset(path, '/', 3500);
	memcpy(path, "long", 4);
	check("links do not make the text overflow", leads(FS_ROOT_INO, path, FS_ROOT_INO));
}

/* Texts of all lengths up to what is kept, and some more, that differ in their last byte alone. */
static void
known(void)
{
	u32 a = make(FS_ROOT_INO, "x", S_IFDIR | 0755), b = make(FS_ROOT_INO, "y", S_IFREG | 0644),
	    c;
	char path[160];
	bool good = true;

	for (size_t n = 1; n < sizeof(path); n++) {
		memset(path, '/', n);
		path[n] = '\0';
		path[n - 1] = 'x';
		good = good && leads(FS_ROOT_INO, path, a);
		path[n - 1] = 'y';
		good = good && leads(FS_ROOT_INO, path, b);
		path[n - 1] = 'z';
		good = good && leads(FS_ROOT_INO, path, 0);
	}
	check("what is known is told apart", good);
	c = make(FS_ROOT_INO, "z", S_IFREG | 0644);
	path[3] = '\0';
	memcpy(path, "//z", 3);
	check("what is made is found at once",
		leads(FS_ROOT_INO, "//z", c) && leads(FS_ROOT_INO, path, c));
	check("what is not a directory ends a path",
		leads(FS_ROOT_INO, "y", b) && fails("y/", ENOTDIR));
}

int
main(void)
{
	fake_boot();
	if (sfs_boot(NULL, 0))
		return 1;
	walks();
	scopes();
	lengths();
	known();
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
