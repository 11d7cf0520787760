/* SPDX-License-Identifier: ISC */
/*
 * Processes that the server makes by itself: the first one, with the library
 * in it, and native programs, which start without.  Every other process is
 * made by its parent's library (fork).
 */
#include "object.h"
#include "elf.h"
#include "fsmeta.h"
#include "../core/header.h"
#include <errno.h>

#define RW (EXO_MAP_READ | EXO_MAP_WRITE)

/* ---- with the library ------------------------------------------------------------------- */

static int
page_filled(struct space *s, uint64_t va, const void *from, uint64_t bytes, exo_pfn *pfn)
{
	int error = space_new(s, va, RW, pfn);
	void *page;

	if (error)
		return error;
	if (bytes == 0)
		return 0;
	page = scratch_map(*pfn);
	if (!page)
		return -EXO_EQUOTA;
	__builtin_memcpy(page, from, bytes < EXO_PAGE_BYTES ? bytes : EXO_PAGE_BYTES);
	scratch_unmap();
	return 0;
}

static int
pages_filled(struct space *s, uint64_t va, const unsigned char *from, uint64_t filled,
	uint64_t bytes)
{
	exo_pfn pfn;
	int error = 0;

	for (uint64_t at = 0; at < bytes && !error; at += EXO_PAGE_BYTES)
		error = page_filled(s, va + at, from + at, at < filled ? filled - at : 0, &pfn);
	return error;
}

/* The image's text and the shared region: two entries in upper tables. */
static int
shared_parts(struct space *s)
{
	uint64_t base = image.base;
	int error = space_tables(s, base + EXOS_PRIVATE, 1);

	if (!error)
		error = (int)exo_pt_install(s->env, base | 1, image.text_table, 0, ROOT_KEY,
			ROOT_KEY);
	if (error < 0)
		return error;
	error = (int)exo_pt_install(s->env, (base + EXOS_SHARED) | 2, server_shared_table(), 0,
		ROOT_KEY, ROOT_KEY);
	return error < 0 ? error : 0;
}

static int
stacks_map(struct space *s)
{
	const struct exos_header *h = image.header;
	uint64_t top = image.base + EXOS_STACKS;
	exo_pfn pfn;

	for (unsigned depth = 0; depth < EXOS_STACK_DEPTHS; depth++) {
		top += h->stack_stride;
		for (unsigned i = 1; i <= h->stack_ready[depth]; i++) {
			int error = space_new(s, top - i * EXO_PAGE_BYTES, RW, &pfn);

			if (error)
				return error;
		}
	}
	return 0;
}

static int
start_page(struct space *s, const struct proc *p, const struct spawn *what)
{
	static unsigned char buffer[EXOS_DATA - EXOS_START];
	struct exos_start *start = (struct exos_start *)buffer;
	uint32_t program_bytes = what->program ? (uint32_t)__builtin_strlen(what->program) + 1 : 0;
	uint64_t bytes = sizeof(*start) + what->strings_bytes + program_bytes;

	if (bytes > sizeof(buffer))
		return -EXO_ERANGE;
	*start = (struct exos_start){
		.base = image.base, .pid = p->sh->pid, .argc = what->argc, .envc = what->envc,
		.strings_bytes = what->strings_bytes, .cwd = what->cwd, .stdin_tty = what->tty[0],
		.stdout_tty = what->tty[1], .stderr_tty = what->tty[2],
		.joined = what->joined,
		.program = program_bytes ? what->strings_bytes : 0,
	};
	if (what->setid) {
		start->setid_ino = what->ino;
		start->argument_bytes = what->argument_bytes;
		start->umask = what->setid->umask;
		start->blocked = what->setid->blocked;
		start->ignored = what->setid->ignored;
		__builtin_memcpy(start->fd_kind, what->setid->fd, sizeof(start->fd_kind));
	}
	__builtin_memcpy(start->strings, what->strings, what->strings_bytes);
	if (program_bytes)
		__builtin_memcpy(start->strings + what->strings_bytes, what->program,
			program_bytes);
	return pages_filled(s, image.base + EXOS_START, buffer, bytes, bytes);
}

static int
activate(struct space *s, uint32_t cpu, exo_pfn uarea, uint64_t va)
{
	struct exo_act_spec spec = { .cpu = cpu, .uarea_frame = uarea, .uarea_va = va };
	int error = frames_claim(s->account, 1, &spec.act_frame);

	if (!error)
		error = (int)exo_env_activate(s->env, &spec, ROOT_KEY);
	return error < 0 ? error : 0;
}

static int
uarea_make(struct space *s, exo_pfn *pfn)
{
	static struct exo_uarea u;
	const struct exos_header *h = image.header;
	uint64_t base = image.base;

	__builtin_memset(&u, 0, sizeof(u));
	u.self = base + EXOS_UAREA;
	u.critical = 1;
	for (unsigned i = 0; i < EXO_ENTRIES; i++)
		u.entry[i] = h->entry[i] ? base + h->entry[i] : 0;
	u.window_begin = base + h->window_begin;
	u.window_end = base + h->window_end;
	((struct exo_lib *)u.library)->stacks = base + EXOS_STACKS;
	return page_filled(s, base + EXOS_UAREA, &u, sizeof(u), pfn);
}

static int
library_build(struct proc *p, const struct spawn *what, exo_pfn *comm, exo_pfn *pub)
{
	struct space s = { .env = p->sh->env, .account = p->sh->account };
	uint64_t base = image.base;
	exo_pfn uarea;
	int error;

	if ((error = shared_parts(&s)) || (error = uarea_make(&s, &uarea)) ||
		(error = page_filled(&s, base + EXOS_PUBLIC, NULL, 0, pub)) ||
		(error = page_filled(&s, base + EXOS_COMM, NULL, 0, comm)) ||
		(error = start_page(&s, p, what)) ||
		(error = pages_filled(&s, base + EXOS_DATA, image.data, image.data_bytes,
			 image.memory_bytes)) ||
		(error = stacks_map(&s)))
		return error;
	return activate(&s, p->sh->cpu, uarea, base + EXOS_UAREA);
}

int
spawn_library(struct proc *p, const struct spawn *what)
{
	exo_pfn comm, pub;
	int error = library_build(p, what, &comm, &pub);

	if (error) {
		klog_server("cannot build a process: %s", exo_error_name(error));
		return -ENOMEM;
	}
	if (proc_keys(p) || (!what->setid && server_tty_give_console(p->sh->env)))
		return -EAGAIN;
	p->sh->vforked = what->setid != NULL;
	return proc_start(p, comm, pub);
}

/* ---- without it ------------------------------------------------------------------------------- */

/* Its limit beyond a library process's: it has no library to ask for more */
#define NATIVE_FRAMES 2048
#define NATIVE_UAREA 0x0000600000000000ull
#define NATIVE_FREE  0x0000000040000000ull	/* from here on nothing is mapped */

static bool
headers_read(uint32_t ino, struct elf_ehdr *eh, struct elf_phdr *ph)
{
	const struct fs_inode *node = sfs_inode(ino);

	return node && (node->mode & 0170000) == 0100000 &&
		sfs_read(ino, 0, eh, sizeof(*eh)) == (long)sizeof(*eh) &&
		elf_header_ok(eh, node->size) &&
		sfs_read(ino, eh->phoff, ph, eh->phnum * sizeof(*ph)) ==
		(long)(eh->phnum * sizeof(*ph));
}

bool
elf_is_native(uint32_t ino)
{
	struct elf_ehdr eh;
	struct elf_phdr ph[32];
	struct exo_note note;

	if (!headers_read(ino, &eh, ph))
		return false;
	for (unsigned i = 0; i < eh.phnum; i++)
		if (ph[i].type == ELF_PT_NOTE && ph[i].filesz >= sizeof(note)
			&& sfs_read(ino, ph[i].offset, &note, sizeof(note)) == (long)sizeof(note)
			&& note.type == EXO_NOTE_TYPE && note.name_bytes == sizeof(EXO_NOTE_NAME)
			&& __builtin_memcmp(note.name, EXO_NOTE_NAME, sizeof(EXO_NOTE_NAME)) == 0)
			return note.version == EXO_VERSION;
	return false;
}

/* Copied, not shared: a native program owns every frame it runs in. */
static int
segment_load(struct space *s, uint32_t ino, const struct elf_phdr *ph)
{
	uint64_t first = ph->vaddr & ~(EXO_PAGE_BYTES - 1);
	uint32_t perms = EXO_MAP_READ | (ph->flags & ELF_W ? EXO_MAP_WRITE : 0) |
		(ph->flags & ELF_X ? EXO_MAP_EXEC : 0);

	if (ph->vaddr < EXO_PAGE_BYTES || ph->memsz > NATIVE_FREE ||
		ph->vaddr > NATIVE_FREE - ph->memsz || ph->filesz > ph->memsz)
		return -EXO_ERANGE;
	for (uint64_t va = first; va < ph->vaddr + ph->memsz; va += EXO_PAGE_BYTES) {
		uint64_t from = va > ph->vaddr ? va : ph->vaddr, to = va + EXO_PAGE_BYTES;
		unsigned char *page;
		exo_pfn pfn;
		int error = space_new(s, va, perms, &pfn);

		if (error)
			return error;
		if (to > ph->vaddr + ph->filesz)
			to = ph->vaddr + ph->filesz;
		if (from >= to)
			continue;
		page = scratch_map(pfn);
		if (!page ||
			sfs_read(ino, ph->offset + (from - ph->vaddr), page + from % EXO_PAGE_BYTES,
				to - from) < 0)
			return -EXO_EQUOTA;
		scratch_unmap();
	}
	return 0;
}

static void
start_info(struct exo_uarea *u, const struct proc *p, const struct spawn *what, exo_pfn console)
{
	struct exo_start *start = (struct exo_start *)((char *)u + EXO_START_OFFSET);

	*start = (struct exo_start){
		.magic = EXO_START_MAGIC,
		.version = EXO_VERSION,
		.argc = what->argc,
		.envc = what->envc,
		.strings_bytes = what->strings_bytes,
		.account = p->sh->account,
		.k_account = KEY_SELF,
		.k_env = KEY_SELF,
		.k_parent = EXO_NO_SLOT,
		.k_console = what->ring ? KEY_FIRST_FREE : KEY_OUT,
		.k_log = KEY_LOG,
		.first_slot = KEY_FIRST_FREE + 1,
		.console_device = what->ring ? EXO_CONSOLE_RING : 0,
		.console_out = 1,
		.console_in = EXO_NO_SLOT,
		.console_pfn = console,
		.console_va = NATIVE_FREE,
		.free_va = NATIVE_FREE + EXO_PAGE_BYTES,
		.free_end = NATIVE_UAREA,
		.free_tables = NATIVE_FREE + (EXO_PAGE_BYTES << 9),
	};
	__builtin_memcpy(start->strings, what->strings, what->strings_bytes);
}

/* A file's contents in frames of the program's account, in a row and bound nowhere. */
static int
file_give(struct space *s, uint32_t ino, struct exo_start *start)
{
	uint64_t bytes = sfs_inode(ino)->size,
		 frames = (bytes + EXO_PAGE_BYTES - 1) / EXO_PAGE_BYTES;
	int error;

	exo_account_limit(s->account, (int64_t)frames, ROOT_KEY);
	error = frames_claim(s->account, frames, &start->first_pfn);
	for (uint64_t n = 0; n < frames && !error; n++) {
		void *page = scratch_map(start->first_pfn + n);

		if (!page || sfs_read(ino, n * EXO_PAGE_BYTES, page, EXO_PAGE_BYTES) < 0)
			error = -EXO_EQUOTA;
		scratch_unmap();
	}
	start->frames = frames;
	start->program_bytes = bytes;
	return error;
}

static int
native_build(struct proc *p, uint32_t ino, const struct spawn *what)
{
	static struct exo_uarea u;
	struct space s = { .env = p->sh->env, .account = p->sh->account };
	struct elf_ehdr eh;
	struct elf_phdr ph[32];
	exo_pfn uarea, console;
	int error = 0;

	if (!headers_read(ino, &eh, ph) || what->strings_bytes > EXO_START_STRINGS)
		return -EXO_EARG;
	exo_account_limit(p->sh->account, NATIVE_FRAMES,
		ROOT_KEY); /* what is not to be had shows below */
	for (unsigned i = 0; i < eh.phnum && !error; i++)
		if (ph[i].type == ELF_PT_LOAD && ph[i].memsz)
			error = segment_load(&s, ino, &ph[i]);
	console = what->ring;
	if (!error && console)
		error = space_bind(&s, NATIVE_FREE, console, RW);
	else if (!error)
		error = space_new(&s, NATIVE_FREE, RW, &console);
	if (!error && what->ring)
		error = client_bind(s.env, KEY_FIRST_FREE, what->guard, EXO_R | EXO_W);
	if (error)
		return error;
	__builtin_memset(&u, 0, sizeof(u));
	u.self = NATIVE_UAREA;
	u.critical = 1;
	u.entry[EXO_ENTRY_PROLOGUE] = eh.entry;
	start_info(&u, p, what, console);
	if (what->ino && (error = file_give(&s, what->ino,
					(struct exo_start *)((char *)&u + EXO_START_OFFSET))))
		return error;
	if ((error = page_filled(&s, NATIVE_UAREA, &u, sizeof(u), &uarea)))
		return error;
	return activate(&s, p->sh->cpu, uarea, NATIVE_UAREA);
}

int
spawn_native(struct proc *p, uint32_t ino, const struct spawn *what)
{
	int error = native_build(p, ino, what);

	if (error) {
		klog_server("cannot start a native program: %s", exo_error_name(error));
		return -ENOEXEC;
	}
	if (proc_keys(p))
		return -EAGAIN;
	p->native = true;
	return proc_start(p, 0, 0);
}

/*
 * exec of a native program, which knows nothing of descriptors: it is a child
 * of the process that was to become it, which stays to carry what it says
 * wherever descriptor 1 leads, ends as it ends, and takes it along.
 */
long
spawn_child(struct proc *p, const struct exo_msg *m, const char *comm)
{
	static char strings[EXO_PAGE_BYTES];
	const struct request r = { .env = p->sh->env, .cred = p->cred };
	const struct object *o = object_by_id(m->rbx);
	struct spawn what = {
		.argc = (uint32_t)m->r8, .envc = (uint32_t)(m->r8 >> 32), .strings = strings,
		.strings_bytes = (uint32_t)m->r9,
	};
	struct proc *child;
	int error = EAGAIN;

	if (m->r9 > sizeof(strings) || m->rdx >> 32 || !elf_is_native((uint32_t)m->rdx))
		return -EINVAL;
	if (!sfs_may_run(&r, (uint32_t)m->rdx))
		return -EACCES;
	if (!o || !client_opens(p->sh->env, (exo_slot)m->rbp, o->guard, EXO_R | EXO_W))
		return -EBADF;
	child = !limits_fork(p) ? NULL
				: proc_create(NULL, p->sh->pid, p->sh->pgid, p->sh->sid, &error);
	if (!child)
		return -error;
	__builtin_memcpy(strings, comm, m->r9);
	cred_fork(child, p);
	child->carried = p->carries = true;
	child->sh->tty = p->sh->tty;
	__builtin_memcpy(child->sh->name, p->sh->name, sizeof(p->sh->name));
	what.ring = o->pfn;
	what.guard = o->guard;
	error = spawn_native(child, (uint32_t)m->rdx, &what);
	if (error) {
		proc_discard(child);
		return error;
	}
	return child->sh->pid;
}
