/* SPDX-License-Identifier: ISC */
/*
 * Inside ExOS: what the parts of the library offer each other.
 *
 * ExOS runs in the process's own address space, at EXOS_* offsets from its
 * image base.  All its state is private to the process; what it shares is
 * named in server/proto.h.  It is entered by upcalls only (arch/), runs with
 * `critical` set, and leaves by core/start.c, where pending events are
 * looked at.  General registers only; no vector or x87 state is touched.
 */
#ifndef EXOS_H
#define EXOS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <exo/lib.h>
#include <exo/read.h>
#include <exo/tag.h>
#include "../server/proto.h"

#define noreturn_ __attribute__((noreturn))

typedef uint64_t u64;
typedef uint32_t u32;
typedef uint16_t u16;
typedef uint8_t u8;

/* ---- places ------------------------------------------------------------------- */
extern char exos_image[] __attribute__((visibility("hidden")));	/* start of the image: B */
#define AT(type, offset) ((type *)(exos_image + (offset)))
/* Of the CPU that the library is on: thread/act.h. */
extern struct exo_uarea *uarea_here;
#define UAREA  uarea_here
#define PUB    AT(struct pub, EXOS_PUBLIC)
#define COMM   AT(char, EXOS_COMM)
#define SHARED AT(const volatile struct sh_info, EXOS_SHARED)
/* This process's row, written by the server; core/self.c */
extern const volatile struct sh_proc *self_proc;
#define PROC self_proc
extern const volatile struct sh_cred *self_cred;	/* and what it is allowed */
#define CRED self_cred

/*
 * The program's registers are the save slot of the upcall that entered the
 * library: for a Linux call arch/ fills it as the kernel does for a fault.
 * What is changed there is what the program finds.
 */
#define REGS_CALL(regs) ((regs)->spare[0])	/* Linux call number to be restarted, or -1 */

/* Whoever waited looks again: it may be on another CPU. */
static inline struct exo_save *
program_regs(void)
{
	return &UAREA->save[0];
}

/* ---- core/frames.c: frames and translations of this process ------------------------- */
/* Claim a free frame (chosen from the exposed free map) and map it at va; tables are installed as needed. 0 or -errno. */
int page_map_new(u64 va, u32 perms);			/* perms: EXO_MAP_*, a tag; none: it is the library's */
int page_map_copy(u64 va,
	u32 perms); /* ... as a copy of what is there; 0, too, if that went meanwhile */
int page_map_run(u64 va, unsigned count, u32 perms);	/* as many as can be had, at least one */
int page_map(u64 va, exo_pfn pfn, u32 perms, exo_slot key);
int page_protect(u64 va, u32 perms);
void page_unmap(u64 va, u64 pages);			/* releases frames that are our own */
u64 page_entry(u64 va);					/* hardware PTE by EXO_VPT, 0 where no table is */
int tables_ensure(u64 va);				/* page tables down to level 1 */
void tables_drop(u64 start, u64 end);			/* those for nothing else, behind page_unmap */
u64 tables_trim(u64 start, u64 end);			/* those for nothing at the moment; how many frames */
exo_pfn frame_find(unsigned run);			/* candidate free run; somebody else may be quicker */
int frames_claim(unsigned run,
	exo_pfn *first); /* claim a run for this process's account: 0 or -errno */
exo_pfn page_pfn(const volatile void *p);		/* frame under a mapped address */

/* ---- core/keys.c: slots of the key ring, KEY_FIRST_FREE on ----------------------------- */
int key_slot_get(void);					/* an empty slot, or -ENOMEM */
void key_slot_put(exo_slot slot);			/* drops the key */

/* ---- EXOS_WINDOW: who uses which page of the 512 ---------------------------------------- */
#define WINDOW_VM    0u			/* 0..15: page faults, fork's small things */
#define WINDOW_FS    16u		/* 16..191: file windows */

/* ---- core/heap.c: small private allocations ------------------------------------------ */
void *xalloc(size_t bytes);				/* zeroed; NULL when memory is out */
void *xalloc_dirty(size_t bytes);			/* as it was left */
void xfree(void *p);

/* ---- core/server.c -------------------------------------------------------------------- */
struct answer {
	u64 rdx, r8, r9;
};
/* It had ended, says this error of a transfer; there is another by now */
bool server_gone(long error);
u64 server_number(void);		/* of a request (proto.h) */
long server_call(enum server_op op, u64 a, u64 b, u64 c, u64 d, u64 e, struct answer *answer);

/* ---- core/wait.c: blocking -------------------------------------------------------------- */
/*
 * Give the processor up until a term holds, the deadline (now_ns scale, 0:
 * none) passes, or a signal that is not blocked arrives.  0: look again;
 * -EINTR: a signal is to be handled; -ETIMEDOUT.
 */
int block_on(struct exo_term *terms, unsigned count, u64 deadline_ns);
extern bool block_never;		/* while it is set: -EAGAIN at once, for who has what others wait for */
/* Each time in a row that giving a slice away was in vain it is not tried for longer. */
struct give {
	u32 skip, last;			/* waits: still to go without it, and how many they were */
};
static inline bool
give_now(struct give *g)
{
	if (g->skip == 0)
		return true;
	g->skip--;
	return false;
}
static inline bool
give_result(struct give *g, bool good)
{
	g->last = good ? 0 : g->last < 15 ? 2 * g->last + 1 : g->last;
	g->skip = g->last;
	return good;
}
/* The rest of the slice is somebody's who may bring about what is waited for.  False: not now. */
bool block_give(exo_envid to);
u64 clock_ns(void);					/* monotonic */
/* A term on a word this process sees (exposed table, shared region, PUBLIC or own frame): (*word & mask) cmp value. */
struct exo_term term_word(const volatile void *word, u64 mask, u8 cmp, u64 value);

/* ---- core/lazy.c: pages of the library that come when touched ------------------------------ */
/* A buffer that holds nothing from one Linux call to the next: fork does not copy it, exec gives it back. */
#define TRANSIENT __attribute__((section(".sbss.transient")))
bool lazy_fault(u64 va);				/* true: it is there now */
void lazy_drop(void);					/* the buffers, when nothing is in them any more */
/* Memory is asked for, and nothing is in the library's hands: what it does not need now.  How many pages. */
u64 lazy_trim(void);
u64 lazy_trim_stack(u64 end, u64 used, unsigned ready);

/* ---- core/copy.c: the program's memory may be bad ------------------------------------------ */
int copy_in(void *dst, u64 src, size_t bytes);		/* 0 or -EFAULT; page faults are served */
int copy_out(u64 dst, const void *src, size_t bytes);
long copy_in_string(char *dst, u64 src, size_t room);	/* length, -EFAULT, -ENAMETOOLONG */

/* ---- core/string.c: as in C, without vector registers -------------------------------------- */
void *memcpy(void *dst, const void *src, size_t bytes);
void *memmove(void *dst, const void *src, size_t bytes);
void *memset(void *dst, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t bytes);
char *strchr(const char *s, int c);
/* exo_snprintf and exo_format are libexo's (exo/lib.h), and so are the readers (exo/read.h). */

/* ---- core/log.c ------------------------------------------------------------------------------- */
void exos_log(const char *format, ...) __attribute__((format(printf, 1, 2)));
noreturn_ void exos_die(int signal, const char *why);

/* ---- fd/: open files ------------------------------------------------------------------------------ */
struct linux_iovec;
struct file;						/* open file description, in a page relatives may share */
struct file_ops {
	const char *name;
	long (*read)(struct file *f, u64 buf, u64 bytes, u64 *pos);	/* buf: the program's memory */
	long (*write)(struct file *f, u64 buf, u64 bytes, u64 *pos);
	long (*ioctl)(struct file *f, u32 cmd, u64 arg);
	/* events ready now (POLL*); fills terms that become true when that may change; *nterms in/out */
	u32 (*poll)(struct file *f, u32 events, struct exo_term *terms, unsigned *nterms);
	void (*close)(struct file *f);			/* last descriptor of this process gone */
	/* readv and writev of what has messages: all elements at once; NULL: one after the other */
	long (*vector)(struct file *f, bool write, const struct linux_iovec *v, u32 count,
		u64 bytes);
	/* epoll: another value after each event that may make one of `events` ready; NULL: SHARED->changes is */
	u64 (*version)(struct file *f, u32 events);
	int (*fork)(struct file *f);	/* a child is about to have it, too: 0 or -errno */
	u32 mode;			/* st_mode of what has no inode; 0: a pipe's */
	bool lseek_idle;		/* of what has no inode: lseek succeeds and does nothing */
	bool blind;			/* always ready: nothing to poll for, says epoll */
};
void fd_init(const struct exos_start *start);		/* 0 1 2 on the console */
void fd_exec(void);					/* close-on-exec */
/* Before the clone: private descriptions become shared pages; 0 or -errno */
int fd_fork_prepare(void);
void fd_fork_failed(void);
void fd_fork_child(void);				/* in the child */
void fd_exit(void);					/* close all: before OP_EXIT */
struct file *fd_get(int fd);				/* NULL: bad descriptor */
/* For mmap: 0; -EBADF, -EACCES: not open for reading, -ENODEV: cannot be mapped. */
struct mappable {
	u32 ino, dir;			/* of a regular file */
	bool written;			/* open for writing, too */
	bool sealed;			/* against writing */
	bool zeroes;			/* /dev/zero: the same as no file */
};
int fd_mappable(int fd, struct mappable *m);

/* ---- fs/: the file system's library side --------------------------------------------------------------- */
void fs_init(u32 cwd);
/* Resolve a path (the library's memory) from dirfd (or AT_FDCWD).  ino > 0, or -errno. */
long fs_lookup(int dirfd, const char *path, u32 flags /* AT_SYMLINK_NOFOLLOW ... */);
/* Read file contents into the library's memory. */
long fs_read(u32 ino, u64 pos, void *buf, u64 bytes);
/* Frame number of page `index` of a regular file, 0: hole or past the end; and the key that opens it. */
exo_pfn fs_frame(u32 ino, u64 index, exo_slot *key);
/* The same of several in a row: how many of them the file has. */
unsigned fs_frames(u32 ino, u64 index, unsigned count, exo_pfn *pfn, exo_slot *key);
const struct fs_inode *fs_inode(u32 ino);		/* NULL: no such */
int fs_hold(u32 ino);					/* publish it: mapped; 0 or -ENFILE */
void fs_unhold(u32 ino);
void fs_set_exe(u32 ino, const char *path);		/* what this process runs, for /proc/self/exe */

/* ---- vm/ ---------------------------------------------------------------------------------------------------- */
void vm_init(void);
bool vm_fault(u64 va, u32 error, int *signal, int *code);	/* true: resolved, retry */
void vm_exec_reset(void);				/* drop the program's whole address space */

/* ---- proc/ ----------------------------------------------------------------------------------------------------- */
void signal_raise(int sig);				/* send it to this process itself */
bool signal_pending(void);				/* one that is not blocked and not ignored */
void signal_post_check(void);				/* fetch posted bits into the pending set */
/* Before returning to the program; true if regs changed */
bool signal_deliver(struct exo_save *regs);
noreturn_ void proc_exit(int wait_status);

/* ---- linux/ ------------------------------------------------------------------------------------------------------ */
/* A Linux call is `long sys_NAME(long, ...)`: >= 0 or -errno; its row is in linux/table.inc. */
void linux_dispatch(struct exo_save *regs);

#endif
