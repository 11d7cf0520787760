/* SPDX-License-Identifier: ISC */
/*
 * exec: read what the new program is while the old one still stands; from
 * the first unmapping on there is no way back, and a failure is the end.
 *
 * A native program (an ELF note says so) and a set-id one are started by the
 * server, in a fresh environment.
 */
#include "proc.h"
#include "elf.h"
#include "rlimit.h"
#include "signal.h"
#include "../arch/x86_64/arch.h"
#include "../core/self.h"
#include "../fd/file.h"
#include "../fs/fs.h"
#include "../server/fsmeta.h"
#include "../thread/thread.h"
#include "../vm/vm.h"
#include "../linux/errno.h"

#define HEAD_BYTES 4096u
#define SCRIPT_DEPTH 5
#define INTERP_MAX 256u

/* ---- images -------------------------------------------------------------------------------- */

/* Who may run it but not read it reads it all the same: the processor knows no other way. */
static long
readable(u32 ino, const struct fs_inode *inode)
{
	return fs_may(inode, R_OK) || ino >= PROCFS ? 0 : keep(ino, 1);
}

static bool
open_for_writing(u32 ino)
{
	for (int fd = fd_next(-1); fd >= 0; fd = fd_next(fd)) {
		const struct file *f = fd_get(fd);

		if (f->ino == ino && f->ops == &regular_ops && FILE_WRITES(f))
			return true;
	}
	return false;
}

static long
executable(u32 ino)
{
	const struct fs_inode *inode = fs_inode(ino);

	if (inode == NULL)
		return -ENOENT;
	if (!S_ISREG(inode->mode))
		return -EACCES;
	if (!fs_may(inode, X_OK))
		return -EACCES;
	return open_for_writing(ino) ? -ETXTBSY : readable(ino, inode);
}

static long
image_read(u32 ino, u8 *head, struct elf_image *image)
{
	long got = fs_read(ino, 0, head, HEAD_BYTES);

	if (got < 0)
		return got;
	return elf_parse(head, (u64)got, fs_inode(ino)->size, image) ? 0 : -ENOEXEC;
}

static int
image_map(u32 ino, const struct elf_image *image, u64 bias)
{
	for (unsigned n = 0; n < image->count; n++) {
		const struct elf_segment *s = &image->segment[n];
		struct region r = { .prot = s->prot,
			.ino = s->file_bytes ? ino : 0,
			.dir = image->dir,
			.offset = s->file_bytes ? s->offset : 0,
			.file_bytes = s->file_bytes };
		int error = vm_map(s->start + bias, s->bytes, VM_FIXED, &r);

		if (error)
			return error;
	}
	return 0;
}

/* Where it goes, if it does not say: room for the alignment that it wants is behind. */
static u64
pie_base(const struct elf_image *image)
{
	u64 base = VM_PIE + vm_random(1ull << 32) * 16;

	return (base + image->align - 1) & ~(image->align - 1);
}

/* The directory in which path names that file. */
static u32
dir_of(const char *path, u32 ino)
{
	struct place at;

	return fs_walk_at(AT_FDCWD, path, 0, &at) == 0 && at.ino == ino ? at.dir : 0;
}

/* The interpreter of a dynamic program: 0, or its inode, or -errno. */
static long
interpreter_find(u32 ino, const struct elf_image *image, u32 *dir)
{
	char name[INTERP_MAX];
	long error;

	if (image->interp_bytes == 0)
		return 0;
	if (image->interp_bytes >= sizeof(name))
		return -ENOEXEC;
	error = fs_read(ino, image->interp_offset, name, image->interp_bytes);
	if (error < 0)
		return error;
	name[image->interp_bytes] = '\0';
	error = fs_lookup(AT_FDCWD, name, 0);
	*dir = error > 0 ? dir_of(name, (u32)error) : 0;
	return error;
}

static bool
is_native(u32 ino, const struct elf_image *image)
{
	struct exo_note note;

	if (image->note_bytes < sizeof(note) ||
		fs_read(ino, image->note_offset, &note, sizeof(note)) != (long)sizeof(note))
		return false;
	return note.type == EXO_NOTE_TYPE && note.name_bytes == sizeof(EXO_NOTE_NAME) &&
		memcmp(note.name, EXO_NOTE_NAME, sizeof(EXO_NOTE_NAME)) == 0;
}

/* ---- the step ---------------------------------------------------------------------------------- */

void
exec_publish(const char *path, const struct arguments *args)
{
	const char *name = path;
	u32 bytes = 0;

	for (const char *s = path; *s; s++) {
		if (*s == '/')
			name = s + 1;
	}
	for (u32 n = 0; n < args->argc; n++)
		bytes += (u32)strlen(args->strings + bytes) + 1;
	if (bytes > sizeof(PUB->cmdline) - 1)
		bytes = sizeof(PUB->cmdline) - 1;
	memset(PUB->cmdline, 0, sizeof(PUB->cmdline));
	memcpy(PUB->cmdline, args->strings, bytes);
	for (bytes = 0; bytes < 15 && name[bytes]; bytes++)
		COMM[bytes] = name[bytes];
	COMM[bytes] = '\0';
	server_call(OP_SETNAME, true, 0, 0, 0, 0, NULL);
	PUB->sites = (struct pub_sites){ 0 };
}

static u64
data_bytes(const struct elf_image *image)
{
	u64 bytes = 0;

	for (unsigned n = 0; n < image->count; n++)
		bytes += image->segment[n].prot & PROT_WRITE ? image->segment[n].bytes : 0;
	return bytes;
}

static long
load(u32 ino, const struct elf_image *image, u32 interp, const struct elf_image *interp_image,
	struct loaded *out)
{
	u64 bias = image->anywhere ? pie_base(image) - image->low : 0, interp_bias = 0;
	int error = image_map(ino, image, bias);

	if (error == 0 && interp) {
		u64 extra = interp_image->align - PAGE;
		u64 bytes = interp_image->high - interp_image->low + extra;
		u64 where = regions_gap(&vm.regions, bytes, VM_LOW, vm.maps_top);

		interp_bias = ((where + extra) & ~extra) - interp_image->low;
		error = where ? image_map(interp, interp_image, interp_bias) : -ENOMEM;
	}
	if (error == 0)
		error = vm_enter(&(struct region){ .start = vm.stack_top - VM_STACK_BEGUN,
			.end = vm.stack_top,
			.prot = PROT_READ | PROT_WRITE |
				(image->exec_stack ? PROT_EXEC : 0),
			.flags = REGION_GROWSDOWN });
	vm_set_brk(image->high + bias, data_bytes(image));
	*out = (struct loaded){
		.phdr = image->phdr ? image->phdr + bias : 0,
		.phnum = image->phnum,
		.base = interp ? interp_bias + interp_image->low : 0,
		.program_entry = image->entry + bias,
		.entry = interp ? interp_image->entry + interp_bias : image->entry + bias,
	};
	return error;
}

void
exec_gone(u32 ino, const char *path)
{
	threads_end_others();
	cred_exec();
	vm_exec_reset();
	vfork_forget();
	fs_set_exe(ino, path);
}

/* The name that was asked for: of a script, where `path` is its interpreter's by now. */
static const char *called;

/* From here on the old program is gone. */
static long
replace(u32 ino, const char *path, struct arguments *args, struct elf_image image[2], u32 interp,
	struct exo_save *regs)
{
	const u64 flags = regs->flags;
	struct loaded loaded;
	long rsp;

	exec_gone(ino, path);
	regs = program_regs();
	threads_exec();
	if (load(ino, &image[0], interp, &image[1], &loaded))
		exos_die(SIGKILL, "exec: no memory");
	signal_exec();
	rsp = stack_build(args, called, &loaded);
	if (rsp < 0)
		exos_die(SIGKILL, "exec: no memory for the stack");
	exec_publish(called, args);
	fd_exec();			/* by now whoever hears of it is told that this is another program */
	arguments_end();
	fs_base_set(0);
	fpu_reset();
	lazy_drop();
	*regs = (struct exo_save){ .rip = loaded.entry,
		.rsp = (u64)rsp,
		.rflags = 0x202,
		.flags = (u16)flags };
	REGS_CALL(regs) = ~0ull;
	return 0;
}

/* Linux's rule: a quarter of the stack's limit, at least 128 KiB. */
static u64
strings_limit(void)
{
	u64 limit = limit_soft(LIMIT_STACK) / 4;

	limit = limit < STRINGS_BYTES ? limit : STRINGS_BYTES;
	return limit > 32 * PAGE ? limit : 32 * PAGE;
}

static long
run_image(u32 ino, const char *path, struct arguments *args, u8 *head, struct elf_image image[2],
	struct exo_save *regs)
{
	long error = image_read(ino, head, &image[0]), interp;
	u32 interp_dir;

	if (error)
		return error;
	if (is_native(ino, &image[0]))
		return native_run(ino, path, args);
	if (args->bytes + 8ull * (args->argc + args->envc) > strings_limit())
		return -E2BIG;
	image[0].dir = dir_of(path, ino);
	interp = interpreter_find(ino, &image[0], &interp_dir);
	if (interp < 0)
		return interp;
	if (interp) {
		error = image_read((u32)interp, head, &image[1]);
		if (error || !image[1].anywhere)
			return error ? error : -ENOEXEC;
		image[1].dir = interp_dir;
	}
	return replace(ino, path, args, image, (u32)interp, regs);
}

/* What path names: a program (0), or a script: then args and *ino are its interpreter's. */
static long
run_script(u32 *ino, const char *path, struct arguments *args, u8 *head)
{
	const char *front[3];
	unsigned count = 0;
	char *argument, *name;
	long got = fs_read(*ino, 0, head, SCRIPT_BYTES - 1);

	if (got < 0)
		return got;
	memset(head + got, 0, SCRIPT_BYTES - (u64)got);
	if (got < 2 || head[0] != '#' || head[1] != '!')
		return 0;
	name = script_line((char *)head, &argument);
	if (name == NULL)
		return -ENOEXEC;
	front[count++] = name;
	if (argument)
		front[count++] = argument;
	front[count++] = path;
	got = arguments_front(args, front, count);
	if (got < 0)
		return got;
	if (*name == '\0')		/* no name and no end of the line: where it is, a directory */
		return -EACCES;
	got = fs_lookup(AT_FDCWD, name, 0);
	if (got > 0)
		*ino = (u32)got;
	return got;
}

/* What cannot be read is none: its interpreter could not read it, either. */
static bool
is_script(u32 ino)
{
	char magic[2];

	return fs_read(ino, 0, magic, sizeof(magic)) == 2 && magic[0] == '#' && magic[1] == '!';
}

/* No script: its bits mean nothing, whoever asked for it, as its name may mean another file by now. */
long
exec_setid(u32 ino, const char *path, struct arguments *args, struct exo_save *regs)
{
	static struct elf_image image[2] TRANSIENT;
	static u8 head[HEAD_BYTES] TRANSIENT;

	called = path;
	return run_image(ino, path, args, head, image, regs);
}

long
exec_run(u32 ino, const char *path, struct arguments *args, struct exo_save *regs)
{
	static struct elf_image image[2] TRANSIENT;
	static u8 head[HEAD_BYTES] TRANSIENT;
	static char name[HEAD_BYTES] TRANSIENT;
	long result;

	called = path;
	for (unsigned depth = 0;; depth++) {
		result = depth > SCRIPT_DEPTH ? -ELOOP : executable(ino);
		if (result == 0 && setid_needed(ino) && !is_script(ino))
			return setid_run(ino, path, args);
		if (result == 0)
			result = run_script(&ino, path, args, head);
		if (result < 0)
			return result;
		if (result == 0)
			return run_image(ino, path, args, head, image, regs);
		/* The interpreter: a copy, as the next round puts strings in front of the arguments. */
		memcpy(name, args->strings, strlen(args->strings) + 1);
		path = name;
	}
}
