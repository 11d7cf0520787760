/* SPDX-License-Identifier: ISC */
/*
 * The server's files and terminal: what they offer the main loop, and the few
 * services of mem.c that they stand on.  Everything but mem.c is free of
 * kernel calls, so that the unit tests run it on the host.
 *
 * A request is answered at once.  The text in the comm page belongs to the
 * client, who may change it meanwhile: it is copied out first, and only once.
 */
#ifndef EXOS_SERVER_H
#define EXOS_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "proto.h"
#include "fsmeta.h"

struct request {
	exo_envid env;			/* whom the kernel names */
	struct sh_proc *proc;		/* its entry */
	const struct sh_cred *cred;	/* what is known of it */
	char *comm;			/* its comm page, mapped in the server */
	uint64_t a, b, c, d, e;		/* rdx r8 r9 rbx rbp */
	uint64_t rdx, r8, r9;		/* further results */
	int8_t *root;			/* NULL, or what the kernel said of KEY_ROOT in this request; 0: was not asked */
};

/* ---- the main loop's side ----------------------------------------------------------- */
struct exo_msg;
/* Result or -errno; arguments and further results are in the message. */
struct proc;
long server_fs(struct proc *p, uint32_t op, struct exo_msg *m, char *comm);
long server_tty(struct proc *p, uint32_t op, struct exo_msg *m, char *comm);

const char *sfs_boot(const void *archive,
	exo_pfn pfn); /* everything from the archive; NULL, or what is wrong */
void sfs_sweep_due(void);	/* a process is gone: the unlinked files that it held are to be freed */
bool sfs_sweep(void);		/* a step of that; false: done */
long sfs_lookup(const char *path);			/* absolute; links are followed; ino or -errno */
const struct fs_inode *sfs_inode(uint32_t ino);		/* NULL: no such */
long sfs_read(uint32_t ino, uint64_t pos, void *buf, uint64_t bytes);	/* files and symbolic links */
bool sfs_may_run(const struct request *r, uint32_t ino);
long sfs_device(const char *dir, const char *name, uint32_t mode, uint32_t uid, uint32_t gid,
	uint64_t rdev);		/* a new one: ino or -errno */
/* If it still has the name */
void sfs_device_gone(const char *dir, const char *name, uint32_t ino);
uint32_t sfs_next(uint32_t dir, uint64_t *at, char name[FS_NAME_MAX + 1]);

const char *tty_table_boot(void);			/* NULL, or what is wrong */
const char *console_boot(bool is_tty, uint16_t rows, uint16_t cols);
unsigned console_terms(struct exo_term *terms);		/* at most 2; each one a product of its own */
void console_poll(void);
void console_receive(unsigned n);		/* a buffer, */
void console_send(void);			/* ... or what there is to say, to the device, unless that has it */
void console_drain(void);				/* waits until the host has everything */
void console_ended(uint64_t bytes);			/* the host sent so many in all */
uint64_t console_consumed(void);			/* bytes of input that programs have read */
void console_winsize(uint16_t rows, uint16_t cols);
void pty_sweep(void);					/* whose other side has gone? */
int server_tty_give_console(exo_envid env);		/* a key to it, at KEY_TTY */
void server_tty_take_console(struct sh_proc *p);	/* p leads the first session */
void server_tty_leader_ended(struct sh_proc *p);
/* Those that are in the foreground, 0 for none */
void server_tty_groups(void (*one)(uint32_t pgrp));
bool server_tty_names(uint32_t pgrp);			/* is it in the foreground of one, gone or not? */
void server_signal_process(uint32_t pid, int sig);	/* kill.c's */
void server_signal_group(uint32_t pgrp, int sig);	/* kill.c's */

/* ---- lock.c: locks on files ------------------------------------------------------------ */
long lock_requests(struct request *r, uint32_t op);
long futex_requests(struct request *r, uint32_t op);
void locks_process_gone(const struct sh_proc *p);
void locks_inode_gone(uint32_t ino);
long lock_owner_closed(uint64_t number);	/* 0: nobody has it any more; -EBUSY */
exo_guardref
lock_owner_guard(uint32_t number, uint32_t ino); /* an owner's of locks on it; 0: none */
void locks_sweep(void);		/* those of open file descriptions that nobody has any more */

/* ---- notify.c: who wants to know what happens to files --------------------------------------- */
long notify_requests(struct request *r, uint32_t op);
struct fs_inode;
/* To the directory `dir`, about a name in it; cookie: both halves of a rename have the same, else 0. */
void notify_name(const struct fs_inode *dir, uint32_t ino, uint32_t mask, const char *name,
	size_t bytes, uint32_t cookie);
void notify_self(const struct fs_inode *node, uint32_t ino, uint32_t mask);
void notify_inode_gone(struct fs_inode *node, uint32_t ino);
uint32_t notify_cookie(void);

/* A request as the parts see it that run on the host, too. */
long fs_request(struct request *r, uint32_t op);
long tty_request(struct request *r, uint32_t op);

/* ---- mem.c ----------------------------------------------------------------------------- */
const char *server_memory_boot(void);			/* the shared region with sh_info and the process table */
exo_pfn server_shared_table(void);			/* its page directory, to be installed in every process */
struct sh_info *server_shared_info(void);
struct sh_proc *server_proc_table(void);
struct sh_cred *server_cred(unsigned row);	/* a page there if need be; NULL: no memory */
char *shared_at(uint64_t offset);			/* the server's writable view */
int shared_back(uint64_t offset, uint64_t pages);	/* put frames there; 0 or -ENOSPC */
int shared_unback(uint64_t offset,
	uint64_t
		pages); /* give them back: zeroes to be read, nothing to be written; 0 or -ENOSPC */

int mem_claim(uint64_t count, exo_guardref guard,
	exo_pfn *first); /* contiguous; under a guard: a file's; 0 or -ENOSPC */
void mem_release(exo_pfn pfn, uint64_t count);		/* at once, or when devices have let go */
void mem_sweep(void);
bool sfs_free_step(void);		/* of files that are no more; false: done */
bool sfs_free_work(void);
bool sfs_is_seq(uint64_t address);	/* a word by which readers know that something changed */
void mem_guard(exo_pfn pfn, uint64_t count, exo_guardref guard);
void mem_unbind(exo_pfn pfn);				/* everywhere */
void *mem_window(exo_pfn pfn);				/* writable, until the next call; NULL: no memory */
void mem_window_back(exo_pfn pfn);
void *mem_new(uint64_t pages);				/* zeroed private pages; NULL */
exo_pfn mem_pfn(const void *own);			/* the frame behind one of them */
exo_guardref guard_new(const struct exo_key entries[EXO_GUARD_KEYS]);
void guard_put(exo_guardref g);
void guard_alter(exo_guardref g, const struct exo_key entries[EXO_GUARD_KEYS]);
bool guard_writers(exo_guardref g);		/* one that writes? */
bool guard_held(exo_guardref g);			/* has anybody a key bound to it? */

/* ---- client.c ---------------------------------------------------------------------------- */
int client_bind(exo_envid env, exo_slot slot, exo_guardref guard,
	uint32_t rights); /* a key for it: 0 or -errno */
bool client_opens(exo_envid env, exo_slot slot, exo_guardref guard, uint32_t rights);
bool server_runs(uint32_t ino);		/* does one say that it runs it? */
bool server_published(uint32_t ino);			/* does a public page name it? */
uint64_t server_wall_ns(void);

#endif
