/* SPDX-License-Identifier: ISC */
/*
 * Processes: from one program to the next (exec), into two (fork), to the end
 * (exit), and a parent's view of its children (wait).
 */
#ifndef EXOS_PROC_H
#define EXOS_PROC_H

#include "../core/exos.h"

/* What exec is given: strings in library memory, arguments first, each NUL terminated. */
struct arguments {
	char *strings;			/* at EXOS_ARGUMENTS, while collected there */
	u32 bytes, room;
	u32 argc, envc;
};

/* stack.c: where the program's strings and its auxiliary vector lie, for /proc */
struct program_strings {
	u64 arguments, environment, end, aux, aux_end;
};
extern struct program_strings program_strings;

/* arguments.c */
#define STRINGS_BYTES (6u << 20)	/* Linux takes no more, whatever the stack's limit */
#define SCRIPT_BYTES 256u		/* of a script's first line that are looked at */
int
arguments_front(struct arguments *args, const char *const *front,
	unsigned count);	/* replacing argv[0] */
/* Interpreter and its argument (or NULL) in such a line; NULL: none is named. */
char *script_line(char *line, char **argument);
int arguments_begin(struct arguments *args);		/* 0 or -errno */
int arguments_add(struct arguments *args, const char *text);	/* library memory */
int arguments_collect(struct arguments *args, u64 argv, u64 envp);	/* the program's vectors */
int arguments_room(struct arguments *args, u32 bytes);
void arguments_end(void);

/* exec.c */
long exec_run(u32 ino, const char *path, struct arguments *args, struct exo_save *regs);
long exec_setid(u32 ino, const char *path, struct arguments *args, struct exo_save *regs);
void exec_gone(u32 ino, const char *path);		/* the old program is; no way back */
void exec_publish(const char *path, const struct arguments *args);

/* setid.c */
bool setid_needed(u32 ino);		/* would exec of it make us somebody else? */
long setid_run(u32 ino, const char *path,
	const struct arguments *args); /* returns only to say why not */
void setid_files(const struct exos_start *start);	/* in the process that the server made for it */
int setid_arguments(const struct exos_start *start, struct arguments *args);

/* native.c */
long native_run(u32 ino, const char *path,
	const struct arguments *args); /* returns only to say why not */

/* stack.c */
struct loaded {				/* of a program, for its auxiliary vector */
	u64 entry, phdr, phnum, base, program_entry;
};
long stack_build(const struct arguments *args, const char *path,
	const struct loaded *image); /* rsp or -errno */

/* fork.c */
long proc_fork(bool vforked, u32 exit_signal);		/* pid, 0 in the child, -errno */

/* vfork.c */
/* Returns in the parent once the child has exec'd or ended */
long proc_vfork(u64 rsp, u32 exit_signal);
void vfork_part(void);			/* before a fork */
void vfork_forget(void);		/* at exec: the memory is gone */

#endif
