/* SPDX-License-Identifier: ISC */
/*
 * Path walk: one component after the other, without recursion.  A symbolic
 * link is spliced into the text that is still to be walked.
 */
#include "known.h"
#include "../fd/file.h"

struct walk {
	u32 dir;			/* where the rest of the text starts */
	u32 root, start;		/* what / and .. do not lead out of; where it began */
	u32 flags;
	size_t at;
	unsigned links;
	bool made_up;			/* /proc was passed */
	char text[2 * LINUX_PATH_MAX];
};

static struct walk walk TRANSIENT;		/* one at a time: no walk begins inside another */

static int
to_root(struct walk *w)
{
	if (w->flags & WALK_BENEATH)
		return -EXDEV;
	if (w->flags & WALK_NO_XDEV && w->dir >= PROCFS)
		return -EXDEV;
	w->dir = w->root;
	return 0;
}

/* .. */
static int
upwards(struct walk *w)
{
	struct fs_inode node;

	if (w->dir == w->start && w->flags & WALK_BENEATH)
		return -EXDEV;
	if (w->dir == PROCFS_ROOT && w->flags & WALK_NO_XDEV)
		return -EXDEV;
	if (w->dir == w->root)
		return 0;
	if (fs_stat(w->dir, &node))
		return -ENOENT;
	w->dir = node.parent;
	return 0;
}

/* A link that leads to a file without naming it. */
static int
may_jump(const struct walk *w)
{
	if (w->flags & (WALK_NO_MAGIC | WALK_NO_SYMLINKS))
		return -ELOOP;
	return w->flags & (WALK_BENEATH | WALK_IN_ROOT | WALK_NO_XDEV) ? -EXDEV : 0;
}

/* The link's target takes the place of what was walked. */
static int
splice(struct walk *w, u32 link)
{
	static char rest[LINUX_PATH_MAX] TRANSIENT;
	size_t bytes = strlen(w->text + w->at);
	long target;

	if (++w->links > LINUX_SYMLOOP_MAX || w->flags & WALK_NO_SYMLINKS)
		return -ELOOP;
	if (bytes >= sizeof(rest))
		return -ENAMETOOLONG;
	memcpy(rest, w->text + w->at, bytes + 1);
	target = fs_target(link, w->text, LINUX_PATH_MAX);
	if (target <= 0)
		return target ? (int)target : -ENOENT;
	memcpy(w->text + target, rest, bytes + 1);
	w->at = 0;
	return w->text[0] == '/' ? to_root(w) : 0;
}

/* The next component: its length, 0 at the end; *last: only slashes follow, *slash: at least one. */
static size_t
component(struct walk *w, const char **name, bool *last, bool *slash)
{
	const char *end;

	while (w->text[w->at] == '/')
		w->at++;
	*name = end = w->text + w->at;
	while (*end && *end != '/')
		end++;
	w->at += (size_t)(end - *name);
	*slash = *end == '/';
	while (*end == '/')
		end++;
	*last = *end == '\0';
	return (size_t)(w->text + w->at - *name);
}

static int
ends_at(struct place *at, u32 dir, u32 ino)
{
	at->dir = dir;
	at->ino = ino;
	return 0;
}

/* One name in w->dir.  1: go on, 0: at is filled in, -errno. */
static int
step(struct walk *w, const char *name, size_t bytes, bool last, u32 flags, struct place *at)
{
	u32 mode;
	long found = last && at->slash && flags & WALK_CREATE ? -EISDIR
								: fs_find(w->dir, name, bytes);
	int error;

	if (found >= (long)PROCFS && w->dir < PROCFS && flags & WALK_NO_XDEV)
		return -EXDEV;
	w->made_up |= found >= (long)PROCFS;
	if (found < 0 || (found == 0 && !last))
		return found ? (int)found : -ENOENT;
	memcpy(at->name, name, bytes);
	at->name[bytes] = '\0';
	at->name_bytes = (u32)bytes;
	if (found == 0 || (last && flags & WALK_PARENT))
		return ends_at(at, w->dir, (u32)found);
	mode = fs_mode((u32)found);
	if (!mode)
		return -ENOENT;
	if (S_ISLNK(mode) && (!last || at->slash || !(flags & WALK_NOFOLLOW))) {
		u32 jump = procfs_jump((u32)found);

		error = jump || procfs_fd((u32)found) >= 0 ? may_jump(w) : 0;
		if (error)
			return error;
		if (jump == 0) {
			error = splice(w, (u32)found);
			return error ? error : 1;
		}
		found = jump;
		mode = fs_mode(jump);
	}
	if (last && at->slash && !S_ISDIR(mode))
		return -ENOTDIR;
	if (last)
		return ends_at(at, w->dir, (u32)found);
	w->dir = (u32)found;
	return 1;
}

static int
walk_all(u32 start, const char *path, u32 flags, struct place *at)
{
	struct walk *w = &walk;
	size_t length = strlen(path), bytes;
	const char *name;
	bool last;
	int more;

	if (length == 0)
		return -ENOENT;
	if (length >= LINUX_PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(w->text, path, length + 1);
	w->flags = flags;
	w->dir = w->start = start;
	w->root = flags & WALK_IN_ROOT ? start : fs_root();
	w->at = w->links = 0;
	w->made_up = start >= PROCFS;
	more = path[0] == '/' ? to_root(w) : 0;
	if (more)
		return more;
	for (;;) {			/* bound: links, each with a bounded number of components */
		bytes = component(w, &name, &last, &at->slash);
		at->name_bytes = 0;
		at->last = LAST_ROOT;
		if (bytes == 0)
			return ends_at(at, w->dir, w->dir);
		if (bytes > LINUX_NAME_MAX)
			return -ENAMETOOLONG;
		more = fs_may_search(w->dir);
		if (more)
			return more;
		at->last = name[0] != '.' || bytes > 2 ? LAST_NAME
			: bytes == 1		       ? LAST_DOT
			: name[1] == '.'	       ? LAST_DOTDOT
						       : LAST_NAME;
		if (last && flags & WALK_PARENT && at->last != LAST_NAME)
			return ends_at(at, w->dir, w->dir);
		if (at->last == LAST_DOT)
			continue;
		if (at->last == LAST_DOTDOT) {
			more = upwards(w);
			if (more)
				return more;
			continue;
		}
		more = step(w, name, bytes, last, flags, at);
		if (more <= 0)
			return more;
	}
}

int
fs_walk(u32 start, const char *path, u32 flags, struct place *at)
{
	struct known_path k;
	const bool keep = (flags & ~WALK_NOFOLLOW) == 0 && fs_path_begin(&k, start, flags, path);
	int error;

	if (keep && known_find(&k, at))
		return 0;
	error = walk_all(start, path, flags, at);
	if (keep && !error && !walk.made_up)
		known_add(&k, at);
	return error;
}

int
fs_walk_at(int dirfd, const char *path, u32 flags, struct place *at)
{
	bool scoped = flags & (WALK_BENEATH | WALK_IN_ROOT);
	long start = path[0] == '\0'		? -ENOENT
		: path[0] == '/' && !scoped	? (long)fs_root()
					    : fd_directory(dirfd);

	return start < 0 ? (int)start : fs_walk((u32)start, path, flags, at);
}

long
fs_lookup(int dirfd, const char *path, u32 flags)
{
	struct place at;
	int error = fs_walk_at(dirfd, path, flags & AT_SYMLINK_NOFOLLOW ? WALK_NOFOLLOW : 0, &at);

	if (error)
		return error;
	return at.ino ? (long)at.ino : -ENOENT;
}
