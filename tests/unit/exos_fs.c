/* SPDX-License-Identifier: ISC */
// sources: exos/server/fs.c exos/server/fsmake.c exos/server/fsgone.c exos/server/fsfree.c exos/server/fsrename.c exos/server/fskey.c exos/server/fsattr.c exos/server/fsboot.c exos/server/fsdev.c exos/server/fsdir.c exos/server/fsmap.c exos/server/fsnode.c exos/server/fstable.c exos/server/fsseal.c exos/server/xattr.c exos/server/attrs.c exos/fs/dirblock.c exos/fs/meta.c exos/server/cred.c
/*
 * The server's file system by its requests: what each refuses, what random
 * sequences leave behind, and that nothing leaks.
 */
#include "lib/fake_fs.h"

static unsigned passed, failed;
static char comm[EXO_PAGE_BYTES];
static struct sh_proc process;

static void
check(const char *name, bool good)
{
	printf(good ? "ok %s\n" : "FAIL %s: see the source\n", name);
	good ? passed++ : failed++;
}

static long
ask(uint32_t op, uint64_t a, uint64_t b, uint64_t c, const char *name, const char *name2)
{
	struct request r = { .proc = &process,
		.cred = &fake_cred,
		.comm = comm,
		.a = a,
		.b = b,
		.c = c };

	if (name)
		strcpy(comm, name);
	if (name2)
		strcpy(comm + strlen(name) + 1, name2);
	return fs_request(&r, op);
}

static long
create(uint32_t dir, const char *name, uint32_t mode)
{
	return ask(OP_FS_CREATE, dir, mode, 0, name, NULL);
}

static long
unlink_in(uint32_t dir, const char *name, bool rmdir)
{
	return ask(OP_FS_UNLINK, dir, rmdir, 0, name, NULL);
}

static void
become(uint32_t uid, uint32_t gid)
{
	process.uid = uid;
	process.gid = gid;
	fake_user(uid, gid);
}

/* ---- the tree as a whole ------------------------------------------------------------------- */

static uint32_t names[65536];		/* per inode: names found; directories: subdirectories */
static uint64_t frames_seen;

/* Every directory is consistent with what is in it. */
static bool
tree_ok(uint32_t dir, unsigned depth)
{
	const struct fs_inode *node = sfs_inode(dir);
	uint64_t at = 0, live = 0;
	uint32_t ino, subdirs = 0;
	char name[FS_NAME_MAX + 1];

	if (!node || node->seq % 2 || depth > 500)
		return false;
	while ((ino = sfs_next(dir, &at, name)) != 0) {
		const struct fs_inode *child = sfs_inode(ino);

		live += dirent_bytes(strlen(name));
		if (!child || meta_find(&fs_meta, dir, name, strlen(name)) != (long)ino)
			return false;
		if (S_ISDIR(child->mode)) {
			subdirs++;
			if (child->parent != dir || !tree_ok(ino, depth + 1))
				return false;
		} else if (names[ino]++ == 0 && S_ISREG(child->mode)) {
			frames_seen += child->blocks;
		}
	}
	return live == node->live && node->nlink == subdirs + 2;
}

/* What waits to be freed is. */
static void
settle(void)
{
	while (sfs_free_step())
		;
}

static bool
all_ok(void)
{
	settle();
	memset(names, 0, sizeof(names));
	frames_seen = 0;
	if (!tree_ok(FS_ROOT_INO, 0))
		return false;
	for (uint32_t ino = 1; ino < fs_super->inodes; ino++) {
		const struct fs_inode *node = sfs_inode(ino);

		if (node && !S_ISDIR(node->mode) && node->nlink != names[ino])
			return false;
	}
	return frames_seen == fs_super->data_frames && frames_seen == FAKE_FRAMES - fake_free;
}

static uint32_t
inodes_used(void)
{
	return fs_super->inodes - fs_super->free_inodes;
}

/* ---- one request after the other --------------------------------------------------------------- */

static void
refusals(void)
{
	long d = create(FS_ROOT_INO, "d", S_IFDIR | 0755),
	     f = create(FS_ROOT_INO, "f", S_IFREG | 0644);

	check("create", d > 0 && f > 0 && create(FS_ROOT_INO, "f", S_IFREG | 0644) == -EEXIST);
	check("bad names",
		create(FS_ROOT_INO, "", S_IFREG) == -ENOENT &&
			create(FS_ROOT_INO, "a/b", S_IFREG) == -EINVAL &&
			create(FS_ROOT_INO, "..", S_IFREG) == -EEXIST);
	memset(comm, 'x', sizeof(comm));
	check("a name without an end",
		ask(OP_FS_CREATE, FS_ROOT_INO, S_IFREG, 0, NULL, NULL) == -ENAMETOOLONG);
	check("no such directory",
		create(4000000, "x", S_IFREG) == -ENOENT &&
			create((uint32_t)f, "x", S_IFREG) == -ENOTDIR &&
			ask(OP_FS_CREATE, 1ull << 32 | 1, S_IFREG, 0, "y", NULL) == -ENOENT);
	check("unlink and rmdir tell files from directories",
		unlink_in(FS_ROOT_INO, "f", true) == -ENOTDIR &&
			unlink_in(FS_ROOT_INO, "d", false) == -EISDIR &&
			unlink_in(FS_ROOT_INO, "none", false) == -ENOENT);
	create((uint32_t)d, "in", S_IFREG | 0600);
	check("a directory with something in it stays",
		unlink_in(FS_ROOT_INO, "d", true) == -ENOTEMPTY);
	check("no directory into itself",
		ask(OP_FS_RENAME, FS_ROOT_INO, (uint64_t)d, 0, "d", "x") == -EINVAL);
	check("rename replaces",
		ask(OP_FS_RENAME, (uint64_t)d, FS_ROOT_INO, 0, "in", "f") == 0 &&
			!sfs_inode((uint32_t)f) && all_ok());
	check("rename onto the other kind",
		ask(OP_FS_RENAME, FS_ROOT_INO, FS_ROOT_INO, 0, "f", "d") == -EISDIR &&
			ask(OP_FS_RENAME, FS_ROOT_INO, FS_ROOT_INO, 0, "d", "f") == -ENOTDIR &&
			ask(OP_FS_RENAME, FS_ROOT_INO, FS_ROOT_INO, RENAME_NOREPLACE, "d", "f") ==
				-EEXIST);
	check("the rest",
		ask(OP_FS_EXTEND, (uint64_t)d, 0, 1, NULL, NULL) == -EISDIR &&
			ask(OP_FS_SETATTR, FS_ROOT_INO, 1u << 20, 0, NULL, NULL) == -EINVAL &&
			ask(999, 0, 0, 0, NULL, NULL) == -ENOSYS);
	unlink_in(FS_ROOT_INO, "f", false);
	unlink_in(FS_ROOT_INO, "d", true);
}

static void
permissions(void)
{
	long d = create(FS_ROOT_INO, "home", S_IFDIR | 0755),
	     t = create(FS_ROOT_INO, "t", S_IFDIR | 01777), f;

	become(7, 8);
	check("no write in a root directory", create((uint32_t)d, "x", S_IFREG | 0644) == -EACCES);
	f = create((uint32_t)t, "mine", S_IFREG | 0640);
	check("files belong to the caller",
		f > 0 && sfs_inode((uint32_t)f)->uid == 7 && sfs_inode((uint32_t)f)->gid == 8);
	check("only root makes devices, everybody named pipes and sockets",
		create((uint32_t)t, "dev", S_IFCHR | 0666) == -EPERM &&
			create((uint32_t)t, "pipe", S_IFIFO | 0666) > 0 &&
			create((uint32_t)t, "socket", S_IFSOCK | 0666) > 0 &&
			unlink_in((uint32_t)t, "socket", false) == 0);
	become(9, 8);
	check("sticky",
		unlink_in((uint32_t)t, "mine", false) == -EPERM &&
			ask(OP_FS_RENAME, (uint64_t)t, (uint64_t)t, 0, "mine", "his") == -EPERM);
	check("the group may read, not write",
		ask(OP_FS_TRUNCATE, (uint64_t)f, 1, 0, NULL, NULL) == -EACCES &&
			client_opens(0, KEY_GROUP, sfs_inode((uint32_t)f)->guard, EXO_R) &&
			!client_opens(0, KEY_GROUP, sfs_inode((uint32_t)f)->guard, EXO_W));
	check("only the owner changes the mode",
		ask(OP_FS_SETATTR, (uint64_t)f, SETATTR_MODE, 0777, NULL, NULL) == -EPERM);
	become(7, 8);
	check("and may", ask(OP_FS_SETATTR, (uint64_t)f, SETATTR_MODE, 0600, NULL, NULL) == 0);
	become(9, 8);
	check("keys follow the mode",
		!client_opens(0, KEY_GROUP, sfs_inode((uint32_t)f)->guard, EXO_R));
	become(0, 0);
	check("root",
		unlink_in((uint32_t)t, "mine", false) == 0 &&
			unlink_in((uint32_t)t, "pipe", false) == 0 &&
			unlink_in(FS_ROOT_INO, "t", true) == 0 &&
			unlink_in(FS_ROOT_INO, "home", true) == 0 && all_ok());
}

/* Where the page lies; 0: nowhere, or it is no file. */
static exo_pfn
frame_at(uint32_t ino, uint64_t index)
{
	const struct fs_inode *node = node_at(ino);

	return node && S_ISREG(node->mode) ? map_get(node, index) : 0;
}

static void
contents(void)
{
	long f = create(FS_ROOT_INO, "f", S_IFREG | 0644);
	char got[100];
	exo_pfn pfn;

	check("extend",
		ask(OP_FS_EXTEND, (uint64_t)f, 0, 5000, NULL, NULL) == 0 &&
			sfs_inode((uint32_t)f)->size == 5000 &&
			sfs_inode((uint32_t)f)->blocks == 2);
	pfn = frame_at((uint32_t)f, 1);
	memset(mem_window(pfn), 'z', 904);
	check("append",
		ask(OP_FS_EXTEND, (uint64_t)f, FS_APPEND, 10, NULL, NULL) == 0 &&
			sfs_inode((uint32_t)f)->size == 5010);
	check("read over the end",
		sfs_read((uint32_t)f, 4990, got, 100) == 20 && got[0] == 'z' && got[12] == 0);
	ask(OP_FS_TRUNCATE, (uint64_t)f, 4500, 0, NULL, NULL);
	ask(OP_FS_TRUNCATE, (uint64_t)f, 5000, 0, NULL, NULL);
	check("what was cut off is zero",
		sfs_read((uint32_t)f, 4499, got, 3) == 3 && got[0] == 'z' && got[1] == 0);
	check("far away: a hole and deep maps",
		ask(OP_FS_EXTEND, (uint64_t)f, 1ull << 38, 1, NULL, NULL) == 0 &&
			sfs_inode((uint32_t)f)->depth == 3 && sfs_inode((uint32_t)f)->blocks == 3 &&
			frame_at((uint32_t)f, 1) == pfn && frame_at((uint32_t)f, 77) == 0);
	check("too far",
		ask(OP_FS_EXTEND, (uint64_t)f, FS_SIZE_MAX, 1, NULL, NULL) == -EFBIG && all_ok());
	while (ask(OP_FS_EXTEND, (uint64_t)f, FS_APPEND, FS_EXTEND_MAX, NULL, NULL) == 0)
		;
	check("no frames left",
		fake_free < 256 &&
			ask(OP_FS_EXTEND, (uint64_t)f, FS_APPEND, FS_EXTEND_MAX, NULL, NULL) ==
				-ENOSPC);
	fake_held = (uint32_t)f;
	unlink_in(FS_ROOT_INO, "f", false);
	sfs_sweep_due();
	sfs_sweep();
	check("an open file stays", sfs_inode((uint32_t)f) && sfs_inode((uint32_t)f)->nlink == 0);
	fake_held = 0;
	sfs_sweep_due();
	sfs_sweep();
	check("a step at a time",
		!sfs_inode((uint32_t)f) && fake_free < FAKE_FRAMES && sfs_free_work());
	settle();
	check("until it is closed",
		!sfs_inode((uint32_t)f) && fake_free == FAKE_FRAMES && all_ok());
}

static void
links(void)
{
	static char far[LINUX_PATH_MAX];
	long s = ask(OP_FS_SYMLINK, FS_ROOT_INO, 0, 0, "s", "short"), l,
	     f = create(FS_ROOT_INO, "f", S_IFREG | 0644);

	memset(far, 'q', 3000);
	l = ask(OP_FS_SYMLINK, FS_ROOT_INO, 0, 0, "l", far);
	check("symbolic links, short and long",
		s > 0 && l > 0 && meta_target(&fs_meta, (uint32_t)s, far, 100) == 5 &&
			strcmp(far, "short") == 0 &&
			meta_target(&fs_meta, (uint32_t)l, far, sizeof(far)) == 3000);
	check("lookup follows",
		ask(OP_FS_SYMLINK, FS_ROOT_INO, 0, 0, "short", "/./f") > 0 &&
			sfs_lookup("//s") == f);
	check("hard links",
		ask(OP_FS_LINK, (uint64_t)f, FS_ROOT_INO, 0, "f2", NULL) == 0 &&
			sfs_inode((uint32_t)f)->nlink == 2 &&
			ask(OP_FS_LINK, FS_ROOT_INO, FS_ROOT_INO, 0, "r", NULL) == -EPERM &&
			all_ok());
	for (unsigned i = 0; i < 5; i++)
		unlink_in(FS_ROOT_INO, ((const char *[]){ "s", "l", "short", "f", "f2" })[i],
			false);
	ask(OP_FS_SYMLINK, FS_ROOT_INO, 0, 0, "a", "b");
	ask(OP_FS_SYMLINK, FS_ROOT_INO, 0, 0, "b", "a");
	check("links in a circle", sfs_lookup("/a") == -ELOOP);
	unlink_in(FS_ROOT_INO, "a", false);
	unlink_in(FS_ROOT_INO, "b", false);
}

/* ---- random requests --------------------------------------------------------------------------- */

#define DIRS 8u

static void
random_request(uint32_t dirs[DIRS])
{
	static const char *const pool[] = { "a", "b", "somewhat longer name", "d", "e", "f", "g.h",
		"i" };
	uint32_t dir = dirs[(unsigned)rand() % DIRS], dir2 = dirs[(unsigned)rand() % DIRS];
	const char *name = pool[rand() % 8], *name2 = pool[rand() % 8];
	long ino = meta_find(&fs_meta, dir, name, strlen(name));

	switch (rand() % 9) {
	case 0: create(dir, name, S_IFREG | 0644); break;
	case 1:
		ino = create(dir, name, S_IFDIR | 0755);
		if (ino > 0)
			dirs[1 + (unsigned)rand() % (DIRS - 1)] = (uint32_t)ino;
		break;
	case 2: unlink_in(dir, name, false); break;
	case 3: unlink_in(dir, name, true); break;
	case 4: ask(OP_FS_RENAME, dir, dir2, 0, name, name2); break;
	case 5: ask(OP_FS_LINK, (uint64_t)ino, dir2, 0, name2, NULL); break;
	case 6:
		ask(OP_FS_EXTEND, (uint64_t)ino, (uint64_t)rand() % 3000000,
			1 + (uint64_t)rand() % 9000, NULL, NULL);
		break;
	case 7:
		ask(OP_FS_TRUNCATE, (uint64_t)ino, (uint64_t)rand() % 3000000, 0, NULL, NULL);
		break;
	default:
		ask(OP_FS_SETATTR, (uint64_t)ino, SETATTR_MODE, (uint64_t)rand() % 512, NULL, NULL);
		break;
	}
}

/* Everything below a directory, by requests. */
static void
remove_all(uint32_t dir)
{
	char name[FS_NAME_MAX + 1];
	uint64_t at = 0;
	uint32_t ino;

	while ((ino = sfs_next(dir, &at, name)) != 0) {
		bool is_dir = S_ISDIR(sfs_inode(ino)->mode);

		if (is_dir)
			remove_all(ino);
		unlink_in(dir, name, is_dir);
		at = 0;
	}
}

static void
random_sequences(void)
{
	uint32_t dirs[DIRS], before = inodes_used();
	bool good = true;

	for (unsigned i = 0; i < DIRS; i++)
		dirs[i] = FS_ROOT_INO;
	srand(4);
	for (unsigned i = 0; i < 60000 && good; i++) {
		random_request(dirs);
		good = i % 32 || all_ok();
	}
	check("random requests: the tree stays consistent", good);
	remove_all(FS_ROOT_INO);
	check("nothing is left behind",
		all_ok() && fake_free == FAKE_FRAMES && inodes_used() <= before);
	check("guards come back", fake_guards_live <= 4);
}

static void
many_names(void)
{
	long d = create(FS_ROOT_INO, "many", S_IFDIR | 0755);
	uint64_t most;
	char name[40];
	bool good = true;

	for (unsigned i = 0; i < 3000; i++) {
		sprintf(name, "name number %u", i);
		good &= create((uint32_t)d, name, S_IFREG | 0644) > 0;
	}
	most = sfs_inode((uint32_t)d)->size;
	check("3000 names", good && all_ok());
	for (unsigned round = 0; round < 3000; round++) {
		sprintf(name, "name number %u", round * 7 % 3000);
		good &= unlink_in((uint32_t)d, name, false) == 0 &&
			create((uint32_t)d, name, S_IFREG | 0600) > 0;
	}
	check("room given back is used again",
		good && all_ok() && sfs_inode((uint32_t)d)->size <= most * 3 / 2);
	remove_all((uint32_t)d);
	check("an empty one goes", unlink_in(FS_ROOT_INO, "many", true) == 0 && all_ok());
}

/* Where data and holes begin, against a look at each page; far pages, and holes punched. */
static bool
seeks_ok(const struct fs_inode *n, uint64_t end)
{
	for (uint64_t i = 0; i < end; i++)
		for (int data = 0; data < 2; data++) {
			uint64_t j = i;

			while (j < end && (meta_leaf(&fs_meta, n->map, n->depth, j) != 0) != data)
				j++;
			if (meta_seek(&fs_meta, n->map, n->depth, i, end, data) != j)
				return false;
		}
	return true;
}

static void
holes(void)
{
	long f = create(FS_ROOT_INO, "holes", S_IFREG | 0644);
	const struct fs_inode *n = sfs_inode((uint32_t)f);
	uint64_t free = fake_free;
	bool good = seeks_ok(n, 5), punched = true;

	for (unsigned i = 0; i < 300; i++) {
		uint64_t at = (uint64_t)rand() % 1200, count = 1 + (uint64_t)rand() % 40;
		bool punch = rand() % 2;
		struct request r = { .proc = &process,
			.cred = &fake_cred,
			.comm = comm,
			.a = (uint64_t)f,
			.b = at * EXO_PAGE_BYTES,
			.c = count * EXO_PAGE_BYTES };
		long more = 1;

		while (more == 1) {
			more = fs_request(&r, punch ? OP_FS_PUNCH : OP_FS_EXTEND);
			r.c -= more == 1 ? r.rdx - r.b : 0;
			r.b = r.rdx;
		}
		for (uint64_t p = at; p < at + count; p++)
			punched &= (frame_at((uint32_t)f, p) != 0) == !punch || more < 0;
		if (i % 30 == 0)
			good &= seeks_ok(n, 1300);
	}
	check("data and holes are found", good && seeks_ok(n, 1300));
	check("what was punched is a hole, what was extended is not", punched && all_ok());
	check("the last byte there can be",
		ask(OP_FS_EXTEND, (uint64_t)f, FS_SIZE_MAX - 1, 1, NULL, NULL) == 0 && n->depth == 6
			&& meta_seek(&fs_meta, n->map, n->depth, 1300, 1ull << 51, true)
				== (FS_SIZE_MAX - 1) / EXO_PAGE_BYTES
			&& meta_seek(&fs_meta, n->map, n->depth, 1300, 1ull << 51, false) == 1300);
	ask(OP_FS_TRUNCATE, (uint64_t)f, 0, 0, NULL, NULL);
	check("and all of it is given back", fake_free == free && all_ok());
	unlink_in(FS_ROOT_INO, "holes", false);
}

static void
nameless(void)
{
	uint32_t before = inodes_used();
	long a = ask(OP_FS_NAMELESS, FS_ROOT_INO, S_IFREG | 0600, 1, NULL, NULL), b;

	fake_held = (uint32_t)a;
	b = ask(OP_FS_NAMELESS, FS_ROOT_INO, S_IFREG | 0600, 0, NULL, NULL);
	check("without a name", a > 0 && b > 0 && sfs_inode((uint32_t)a)->nlink == 0);
	check("one of them may be named",
		ask(OP_FS_LINK, (uint64_t)b, FS_ROOT_INO, 0, "n", NULL) == -ENOENT &&
			ask(OP_FS_LINK, (uint64_t)a, FS_ROOT_INO, 0, "n", NULL) == 0 &&
			meta_find(&fs_meta, FS_ROOT_INO, "n", 1) == a && all_ok());
	fake_held = 0;
	unlink_in(FS_ROOT_INO, "n", false);
	for (int n = 0; n < 5; n++)
		b = ask(OP_FS_NAMELESS, FS_ROOT_INO, S_IFREG | 0600, 0, NULL, NULL);
	check("of those that were not taken one stays", inodes_used() == before + 1);
	process.nursed = 0;
	ask(OP_FS_SWEEP, (uint64_t)b, 0, 0, NULL, NULL);
	check("and they go", inodes_used() == before && all_ok());
	check("a directory cannot be so",
		ask(OP_FS_NAMELESS, FS_ROOT_INO, S_IFDIR | 0700, 1, NULL, NULL) == -EINVAL);
}

int
main(void)
{
	fake_boot();
	if (sfs_boot(NULL, 0))
		return 1;
	refusals();
	permissions();
	contents();
	links();
	many_names();
	random_sequences();
	holes();
	nameless();
	printf("%u passed, %u failed\n", passed, failed);
	return failed != 0;
}
