/* SPDX-License-Identifier: ISC */
/*
 * exec of set-id files, both sides: who asks for it and then carries, and the
 * library that the server made for the program, which fetches what it was given.
 */
#include "carry.h"
#include "signal.h"
#include "../thread/thread.h"
#include "../core/keys.h"
#include "../core/self.h"
#include "../fd/tty.h"
#include "../fs/fs.h"
#include "../linux/errno.h"
#include "../linux/files.h"

#define STRING_FRAMES 64u		/* of arguments and environment: 256 KiB */

/* ---- asking ------------------------------------------------------------------------------- */

bool
setid_needed(u32 ino)
{
	const struct fs_inode *node = fs_inode(ino);
	struct sh_cred c;

	if (!node || ino >= PROCFS || !(node->mode & (S_ISUID | S_ISGID)))
		return false;
	memcpy(&c, (const void *)(u64)CRED, sizeof(c));
	return cred_setid(&c, node->mode, node->uid, node->gid);
}

/* How the other one gets a descriptor of ours: its terminal by itself, all else by a pipe. */
static int
give_fd(int fd, struct setid_ask *ask, struct carry *c, struct file *theirs[3])
{
	struct file *f = fd_get(fd), *ends[2];
	int error;

	ask->fd[fd] = SETID_CLOSED;
	if (!f)
		return 0;
	if (tty_is(f) && PROC->tty && !tty_is_master(f)) {
		ask->fd[fd] = SETID_TTY;
		return 0;
	}
	if (fd == 2 && f == fd_get(1)) {	/* what is said on both stays in order */
		ask->fd[fd] = SETID_SAME;
		return 0;
	}
	error = pipe_new(ends, 0);
	if (error)
		return error;
	ask->fd[fd] = SETID_PIPE;
	c->end[fd] = ends[fd == 0];
	theirs[fd] = ends[fd != 0];
	ask->gift[fd].object = theirs[fd]->object->id;
	ask->gift[fd].slot = theirs[fd]->key;
	return 0;
}

static int
give_strings(const struct arguments *args, struct setid_ask *ask, struct object **o, exo_slot *key)
{
	const u32 frames = (u32)((args->bytes + EXO_PAGE_BYTES - 1) / EXO_PAGE_BYTES);
	exo_slot keys[2];
	int error = frames > STRING_FRAMES ? -E2BIG : object_new(o, frames, EXO_R, keys);

	if (error)
		return error;
	memcpy((void *)(u64)(*o)->page, args->strings, args->bytes);
	*key = keys[0];
	ask->gift[GIFT_STRINGS].object = (*o)->id;
	ask->gift[GIFT_STRINGS].slot = *key;
	return 0;
}

static void
files_drop(struct file *f[3])
{
	for (int fd = 0; fd < 3; fd++)
		if (f[fd])
			file_drop(f[fd]);
}

long
setid_run(u32 ino, const char *path, const struct arguments *args)
{
	static struct setid_ask ask TRANSIENT;
	struct file *theirs[3] = { NULL };
	struct carry c = { .ring = NULL };
	struct object *strings;
	exo_slot key;
	long pid;
	int error;

	ask = (struct setid_ask){
		.cwd = fs_cwd(), .umask = PUB->umask, .blocked = current->sig.blocked,
	};
	for (int sig = 1; sig <= SIGNALS; sig++)
		ask.ignored |= signals.action[sig].handler == SIG_IGN_ ? SIG_BIT(sig) : 0;
	if (strlen(path) >= sizeof(ask.path))
		return -ENAMETOOLONG;
	memcpy(ask.path, path, strlen(path) + 1);
	error = give_strings(args, &ask, &strings, &key);
	if (error)
		return error;
	for (int fd = 0; fd < 3 && !error; fd++)
		error = give_fd(fd, &ask, &c, theirs);
	memcpy(COMM, &ask, sizeof(ask));
	pid = error ? error
		    : server_call(OP_EXEC_SETID, ino, args->argc | (u64)args->envc << 32,
			      args->bytes, 0, 0, NULL);
	if (pid < 0) {
		files_drop(theirs);
		files_drop(c.end);
		key_slot_put(key);
		object_drop(strings);
		return pid;
	}
	/* Its ends and the arguments are held here until it has fetched them: it says so by running. */
	c.pid = (u32)pid;
	carry_begin(ino, path, args);
	setid_fetched(c.pid);
	files_drop(theirs);
	key_slot_put(key);
	object_drop(strings);
	carry(&c);
}

/* The server clears the word when the other library has all. */
void
setid_fetched(u32 pid)
{
	const volatile struct sh_proc *p = proc_find(pid);

	while (p && p->pid == pid && p->vforked) {
		struct exo_term t = term_word(&p->vforked, ~0ull, EXO_EQ, 0);

		park_wait(&t, 1, 0);
	}
}

/* ---- being it --------------------------------------------------------------------------------- */

struct gift_ask {
	u32 n, frames;
};

static long
ask_gift(void *arg, u64 offset, const exo_slot keys[2], u64 *counts)
{
	struct gift_ask *g = arg;
	struct answer answer = { 0 };
	long id = server_call(OP_GIFT, g->n, keys[0], keys[1], offset, 0, &answer);

	*counts = answer.rdx;
	return id >= 0 && answer.r8 != g->frames ? -EINVAL : id;
}

static struct file *
fd_fetch(unsigned fd, u32 kind)
{
	struct gift_ask ask = { .n = fd, .frames = PIPE_FRAMES };
	struct fs_inode node;
	struct file *f = NULL;
	struct object *o;
	exo_slot keys[2];
	long ino;

	if (kind == SETID_SAME && fd) {
		f = fd_get((int)fd - 1);
		if (f)
			file_hold(f);
		return f;
	}
	if (kind == SETID_TTY) {
		ino = fs_lookup(AT_FDCWD, "/dev/tty", 0);
		return ino > 0 && fs_stat((u32)ino, &node) == 0 &&
				tty_open(&node, (u32)ino, 0, O_RDWR, &f) == 1
			? f
			: NULL;
	}
	if (kind != SETID_PIPE || object_get(&o, PIPE_FRAMES, ask_gift, &ask, keys))
		return NULL;
	key_slot_put(keys[fd == 0]);
	return pipe_adopt(o, fd == 0 ? O_RDONLY : O_WRONLY, keys[fd != 0]);
}

/* Standard descriptors that were closed are taken by /dev/null: a set-id program may not open files there. */
static struct file *
fd_null(void)
{
	return file_new(&null_ops, O_RDWR);
}

void
setid_files(const struct exos_start *start)
{
	for (unsigned fd = 0; fd < 3; fd++) {
		struct file *f = fd_fetch(fd, start->fd_kind[fd]);

		f = f ? f : fd_null();
		if (!f || fd_install(f, (int)fd, false) < 0)
			exos_die(SIGKILL, "no memory for standard input and output");
	}
	PUB->umask = start->umask & 0777;
	signal_block(start->blocked);
	for (int sig = 1; sig <= SIGNALS; sig++)
		if (start->ignored & SIG_BIT(sig))
			signals.action[sig].handler = SIG_IGN_;
	signal_changed();
}

/* The page is shared with who asked: each string is copied once, and ends where it ends then. */
int
setid_arguments(const struct exos_start *start, struct arguments *args)
{
	const u32 frames = (start->argument_bytes + (u32)EXO_PAGE_BYTES - 1) / (u32)EXO_PAGE_BYTES;
	struct gift_ask ask = { .n = GIFT_STRINGS, .frames = frames };
	struct object *o;
	exo_slot keys[2];
	u32 at = 0;
	int error = frames == 0 || frames > STRING_FRAMES
		? -E2BIG : object_get(&o, frames, ask_gift, &ask, keys);

	if (error)
		return error;
	arguments_begin(args);
	error = arguments_room(args, start->argument_bytes + 1);
	if (error)
		return error;
	memcpy(args->strings, (const void *)(u64)o->page, start->argument_bytes);
	args->strings[start->argument_bytes] = '\0';
	key_slot_put(keys[0]);
	key_slot_put(keys[1]);
	object_drop(o);
	for (u32 n = 0; n < start->argc + start->envc; n++) {
		if (at >= start->argument_bytes)
			return -EINVAL;
		at += (u32)strlen(args->strings + at) + 1;
	}
	args->bytes = at;
	args->argc = start->argc;
	args->envc = start->envc;
	return 0;
}
