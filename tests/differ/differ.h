/* SPDX-License-Identifier: ISC */
/*
 * The interpreter of tests/differ: call sequences in, what each did out.
 *
 * A sequence runs in a process and a directory of its own; what it says goes
 * to memory shared with the process that waits for it, so that nothing is lost
 * whatever its end.  Only what must differ between two systems is left out or
 * replaced, each time with the reason.
 */
#ifndef DIFFER_H
#define DIFFER_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS 10			/* of a line: the call and its arguments */
#define FIRST_FD 3			/* descriptors of a sequence are 3..; 0 and 1 are the interpreter's, 2 the log */

struct op {
	const char *name;
	int words;			/* arguments at least */
	void (*run)(char **word);
};

extern const struct op file_ops[], name_ops[], signal_ops[], memory_ops[];	/* end: no name */

/* ---- main.c -------------------------------------------------------------------------- */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void say_result(long result);		/* = 3, or = -ENOENT's number */
void say_data(const char *data, long bytes);
long num(const char *word);		/* 12, 0x1f, 0755, -1, O_RDWR|O_CREAT */
const char *path(const char *word);	/* '' empty, @255 a name of so many letters, 0 no pointer */
unsigned hash(unsigned seed, const void *data, size_t bytes);
int run_line(const struct op *const *tables, char *line);
void *shared(size_t bytes);		/* memory that children share */

extern int top;				/* files.c: the directory that the sequence began in */
extern char start[];			/* the one above, in which the interpreter was started */

/* ---- tree.c: what a sequence leaves behind ---------------------------------------------------- */
void tree_say(void);
void descriptors_say(void);
void stat_say(const struct stat *st);

/* ---- the kinds that need more than a table -------------------------------------------------------- */
void signal_begin(void);
void signal_say(void);
void memory_begin(void);
void memory_say(void);
void process_run(char **lines, int count);	/* does it all */

#endif
