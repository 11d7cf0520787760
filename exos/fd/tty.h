/* SPDX-License-Identifier: ISC */
/* Terminals as files: what reading, writing and ioctl have in common. */
#ifndef EXOS_FD_TTY_H
#define EXOS_FD_TTY_H

#include "file.h"

#define TTY_MAJOR 5u			/* of /dev/tty, console, ptmx */
#define PTS_MAJOR 136u

#define CONSOLE_LINE 0u

const volatile struct sh_tty *tty_row(const struct file *f);
const struct ktermios *tty_termios(const struct file *f);
bool tty_is(const struct file *f);	/* a terminal's user or master, or the console as a stream */
bool tty_is_master(const struct file *f);
/* May a process that is not in the foreground do this?  0; -EINTR: it has been sent the signal; -EIO. */
int tty_job_check(const struct file *f, int sig);
/* Of a character device: 1, and the file; 0: it is no terminal; -errno. */
long tty_open(const struct fs_inode *node, u32 ino, u32 dir, u32 flags, struct file **f);
long tty_open_peer(struct file *master, u32 flags, struct file **f);
long tty_send(struct file *f, enum server_op op, u64 buf, u64 bytes, const volatile u64 *news);
/* A terminal's file, with an empty slot for its key.  0 or -errno. */
int tty_make(const struct file_ops *ops, u32 flags, u32 ino, u32 dir, struct file **f);
void tty_close(struct file *f);
long console_put(const struct file *f, u64 buf, u64 bytes);	/* straight to the device */

#endif
