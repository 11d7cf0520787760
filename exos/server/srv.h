/* SPDX-License-Identifier: ISC */
/*
 * Inside the server: processes and their address spaces, memory, processors,
 * objects, the control channel.  Files and terminals are server.h's.
 *
 * The server holds the root key in slot 0 and uses it for everything it owns;
 * what a client may do is decided by the client's own keys and place in the
 * process table, never by the server's.  One request, or a round of the main
 * loop, is worked on at a time, whatever the CPU (cpus.c): they never interleave.
 */
#ifndef EXOS_SRV_H
#define EXOS_SRV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <exo/lib.h>
#include <exo/trace.h>
#include <exo/read.h>
#include <exo/tag.h>
#include "proto.h"
#include "server.h"

#define ROOT_KEY 0u
#define SERVER_PID 1u

/* ---- build.c: other environments' address spaces, frames by name ----------------------- */
struct space {
	exo_envid env;
	exo_pfn account;
	unsigned tables;
	uint64_t table[64];		/* `where` of each table installed so far */
};
int frames_claim(exo_pfn account, uint64_t count, exo_pfn *first);	/* contiguous; 0 or -EXO_E */
void frames_warm(exo_pfn first, uint64_t count);	/* they were let go of: to be had again first */
void frames_release(exo_pfn pfn, uint64_t count);
/* At once; those that a device has, when it lets go */
void frames_let_go(exo_pfn pfn, uint64_t count);
int space_tables(struct space *s, uint64_t va, unsigned lowest_level);
int space_new(struct space *s, uint64_t va, uint32_t perms, exo_pfn *pfn);
int space_bind(struct space *s, uint64_t va, exo_pfn pfn, uint32_t perms);
void *scratch_map(exo_pfn pfn);		/* one page at a time, writable, until the next call */
void scratch_unmap(void);
int server_bind(uint64_t va, exo_pfn pfn, uint32_t perms);	/* into the server's own space */
int server_bind_by(uint64_t va, exo_pfn pfn, uint32_t perms, exo_slot key);
void server_unbind(uint64_t va);

/* Where the server maps its clients' comm and public pages, by table index. */
#define SRV_COMM 0x0000008000000000ull
#define SRV_PUB  0x0000008040000000ull
#define SRV_SCRATCH 0x0000008080000000ull	/* scratch_map */

/* ---- guard.c ------------------------------------------------------------------------------- */
exo_guardref guard_new(const struct exo_key entries[EXO_GUARD_KEYS]);	/* 0: none to be had */
void guard_put(exo_guardref g);		/* when the request is over */
void guard_end(exo_guardref g);		/* then */
const volatile uint64_t *guard_holders(exo_guardref g);		/* [0] readers, [1] writers */
uint64_t guard_shown(exo_guardref g);	/* where these are in the shared region */

/* ---- image.c: the library image ------------------------------------------------------------ */
struct image {
	uint64_t base;			/* B */
	exo_pfn text_table;		/* shared page table of the image's text */
	const struct exos_header *header;
	unsigned char *data;		/* relocated template of the private data */
	uint64_t data_bytes, memory_bytes;
};
extern struct image image;
const char *image_load(void);		/* NULL, or what is wrong */

/* ---- signal.c: signals on their way ------------------------------------------------------------ */
struct proc;
struct sig_queue {
	struct sig_record *first, *last;
	uint32_t count;
	uint64_t kinds[2];		/* bits of those among them; [1]: directed at the thread */
	uint64_t plain;			/* bits of those without details */
};
/* NULL: has none.  Its owner writes it */
const volatile struct pub *proc_public(const struct proc *p);
int signal_queue(struct proc *to, const struct sig_detail *d);	/* 0 or -EAGAIN */
bool signal_queued(const struct proc *p, int sig);
long signal_fetch(struct proc *p, struct exo_msg *m, char *comm);
void signal_forget(struct proc *p);

/* ---- kill.c --------------------------------------------------------------------------------------- */
struct sig_detail signal_from(int sig, int code, const struct proc *from);
long proc_signal(const struct proc *from, struct proc *to, const struct sig_detail *d);
long kill_request(struct proc *self, const struct exo_msg *m, const char *comm);
void proc_stop(struct proc *p, int sig);
void proc_times(struct proc *p);	/* what it has used so far, in its row */
void parent_tell(struct proc *child, uint32_t status);	/* a wait status */
void server_signal_group(uint32_t pgrp, int sig);

/* ---- proc.c: the process table --------------------------------------------------------------- */
struct proc {				/* the server's private half of a table entry */
	struct sh_proc *sh;
	struct sh_cred *cred;		/* of the same row; NULL: no page yet */
	exo_guardref guard;		/* of the account and the environment */
	uint64_t serial;		/* never used twice: its name in keys */
	struct sig_queue signals;
	uint32_t creator;		/* pid that builds it, while BUILDING */
	bool native;			/* no library: a terminal signal is its end */
	bool lent;			/* its two pages are mapped here */
	bool lost;			/* it took one of them away */
	bool carried;			/* its parent carries for it: they end together */
	bool carries;			/* it has had such children */
	struct gift {
		uint32_t object, rights;
		uint64_t serial;	/* of the object; 0: none */
	} gift[GIFTS];
	bool reaping;			/* dead; its account is being emptied */
	bool bare;			/* reaping: there is nothing below its account */
	bool robust;			/* reaping: its robust locks are to be given on first */
	uint32_t objects;		/* that it made */
	uint64_t object_frames;		/* and what they take */
	uint64_t given;			/* frames of limit that it has */
	uint64_t held;			/* that, or what it inherited: as of the last look */
	uint64_t owes, owes_until;	/* of them it was asked for so many, until then, ns; */
	uint64_t owes_then,
		owes_step; /* ... when it was given that time; and so many less: again as much */
	uint64_t dry_until;		/* it has no more to give, ns */
	uint64_t asked;			/* for so many of them, at the last time; */
	uint64_t slices_then;		/* what it had had of the processor when it was asked */
	uint64_t searched;		/* frames were looked at to find some of its, past that */
	uint32_t silent;		/* times in a row that it gave too little in time: 3 are many */
	bool warned;			/* for the second time */
	bool insisted;			/* its word that there is no more does not count */
	bool barren;			/* the last time it gave next to nothing */
	bool robbed;			/* frames were taken from it */
	bool roused;			/* it is stopped and has the processor, to answer */
	uint32_t holds;			/* inodes open beyond its public page: hold.c */
	uint32_t futexes;		/* tickets that it has: futex.c */
	uint32_t tid_blocks;		/* numbers for threads that it has: tids.c */
	uint64_t draft, desk;		/* letters that it writes and reads: tickets, 0 none */
};
extern struct proc procs[SH_PROCS];
extern unsigned proc_rows;		/* those behind are free; as in the shared region */
void proc_rows_fit(void);		/* one may be free now */
extern exo_pfn session_account;

const char *proc_boot(void);
struct proc *proc_by_env(exo_envid env);
struct proc *proc_by_pid(uint32_t pid);
unsigned proc_index(const struct proc *p);
/* A new entry with account and environment, state BUILDING; NULL: *error is a Linux errno. */
struct proc *
proc_create(const struct proc *creator, uint32_t ppid, uint32_t pgid, uint32_t sid, int *error);
/* Check its shared pages, give it a slice */
int proc_start(struct proc *p, exo_pfn comm, exo_pfn pub);
void proc_end(struct proc *p, uint32_t wait_status);		/* destroy, make a zombie, tell the parent */
void proc_discard(struct proc *p);				/* an entry that never ran */
int proc_keys(struct proc *p);
void proc_find_dead(void);					/* those the kernel ended */
struct exo_key proc_key(uint64_t serial);
int key_give(exo_envid env, exo_slot slot, const struct exo_key *k);	/* into an empty slot */
int key_forge(exo_slot mine, const struct exo_key *k);
#define PID_MAX_ 32768u
void pids_in_use(void (*one)(
	uint32_t pid)); /* of processes, groups and sessions; some more than once, 0 too */
uint32_t pid_next(void);		/* that will be tried */
uint32_t tid_process(uint32_t tid);	/* the process that has it for a thread; 0: none */
void futexes_forget(const struct proc *p);
long tids_request(struct proc *p);
void tids_release(struct proc *p);	/* it ended */
struct proc_counts { uint64_t calls, upcalls, faults, reflected, transfers, slices; };
void proc_count(struct proc_counts *sum);		/* of all environments there were and are */
void proc_recover(void);		/* no name of a process that was taken back comes again */
void proc_counted(const volatile struct exo_env *e);
unsigned stats_frames(char *text, unsigned room);	/* what they are for; how long it is */
long server_proc(struct proc *p, uint32_t op, struct exo_msg *m);
void server_changed(void);		/* a word that processes wait on is another now */
void server_told(void);			/* ... that nobody waits for among many: `changes` stays */

/* ---- ident.c: who a process is ----------------------------------------------------------------- */
/* A place for its credentials, root's at first; false: no memory */
bool cred_place(struct proc *p);
void cred_fork(struct proc *child, const struct proc *parent);
void cred_set(struct proc *p, const struct sh_cred *c);
int cred_keys_give(struct proc *p, uint32_t which);	/* CRED_KEY_*, into empty slots */
long
cred_apply(struct proc *p, uint32_t op, uint64_t a, uint64_t b, uint64_t c, const uint32_t *list);
long cred_request(struct proc *p, const struct exo_msg *m, const char *comm);

/* ---- family.c: parents, children, groups, sessions ------------------------------------------------ */
void family_execs(const struct proc *p);
void family_ends(const struct proc *dead);	/* about to be a zombie: its children and groups */
bool group_orphaned(uint32_t pgid,
	const struct proc *without); /* leaving out one that is about to go, or NULL */
bool family_unwanted(const struct proc *p);	/* a zombie that nobody will collect */
long setpgid_request(struct proc *self, uint32_t pid, uint32_t pgid);
long setsid_request(struct proc *self);

/* ---- setid.c --------------------------------------------------------------------------------------- */
long setid_request(struct proc *p, const struct exo_msg *m, const char *comm);
long gift_request(struct proc *p, const struct exo_msg *in, struct exo_msg *out);

/* ---- share.c: time slices ----------------------------------------------------------------------- */
int share_give(struct proc *p);		/* one: 0 or -EAGAIN */
void share_take(struct proc *p);	/* all */
void share_balance(void);		/* somebody came or went */
void share_changed(void);		/* somebody is not as nice as before */
uint32_t share_here(const struct proc *p);	/* the CPU that it asks from */
uint32_t share_cpus(uint32_t mask);	/* those of them that there are; 0: all */
void share_recover(void);		/* who has which slices, says the kernel */
void share_where(struct proc *p);	/* what it may run on is another */
void share_want(struct proc *p, uint32_t cpu);	/* its library is to move it there */
long share_more(struct proc *p);	/* a slice on another CPU: which, or -EAGAIN */
long share_less(struct proc *p, uint64_t cpu);

/* ---- spread.c: who runs on which CPU */
uint32_t spread_first(const struct proc *parent);	/* where a child is wanted */
uint32_t spread_more(const struct proc *p);	/* one more CPU for it; SH_CPUS: there is none */
void spread_look(uint32_t here);	/* with the lock held, on that CPU */
unsigned spread_terms(uint32_t here, struct exo_term *t);	/* when to look again: at most 1 */

/* ---- limits.c ------------------------------------------------------------------------------------ */
long limit_request(struct proc *p, const struct exo_msg *m);
long priority_request(struct proc *p, const struct exo_msg *m);
long tune_request(const struct proc *self, uint64_t pid, uint64_t what, int64_t value);
bool limits_fork(const struct proc *parent);	/* may it have one more? */
bool limits_reserve(const struct proc *p);	/* memory for who may pass limits: look again */
void limits_poll(void);
bool limits_due(void);
uint64_t limits_deadline(void);		/* of the loop's wait; 0: none */

/* ---- reap.c: what the dead had --------------------------------------------------------------------- */
void reap_later(struct proc *p);
void account_dissolve(exo_pfn account);		/* empty it, and what lies below */
bool proc_reap_now(struct proc *p);	/* on the time of who collects it; false: ask again */
bool proc_reap_some(void);		/* a step; false: nothing can be done now */
bool proc_work(void);			/* is there anything left? */

/* ---- robust.c: locks of who was killed */
bool robust_step(struct proc *p);	/* true: there is more to do for it, or for one before it */
void robust_recover(void);		/* nothing is shown in this environment */
bool robust_fault(struct exo_save *context);	/* true: the look ended there */
/* The first that waits for a word there, if any */
void futexes_wake_frame(exo_pfn pfn, uint64_t byte);

/* ---- memory.c ------------------------------------------------------------------------------------- */
long memory_request(struct proc *self, uint64_t frames, exo_pfn account, bool needed);
bool memory_waited(uint64_t frames);
bool memory_squeeze(const struct proc *but);	/* what some others do not use is taken back */
bool memory_held(const struct proc *p);		/* it has an account that lives */

/* ---- revoke.c: memory asked back from those who use it ------------------------------------------- */
/* The next step; false: nothing is to be had.  needed: those who say that they have no more may end by it. */
bool revoke_for(const struct proc *self, uint64_t frames, bool needed);
void revoke_answer(struct proc *p);
uint64_t revoke_used(const struct proc *p);	/* frames that its account has */
bool revoke_goes_on(struct proc *p);	/* it was stopped: has it the processor already? */
uint64_t revoke_deadline(void);		/* of the loop's wait; 0: none */
bool revoke_due(void);			/* ... is another */
void revoke_poll(void);
bool revoke_soon(const struct proc *self);
bool revoke_owes(struct proc *p);		/* it has been asked, and gets none before it has given */
bool memory_squeeze_all(struct proc *last);	/* and when there is none, from this one, too */

/* ---- lend.c: the pages that a client shares with us ------------------------------------------------ */
int proc_lend(struct proc *p, exo_pfn comm, exo_pfn pub);
void proc_lend_end(struct proc *p);
void page_drop(uint64_t va);
extern volatile bool any_lost;
extern unsigned char lend_spare[];	/* what is seen instead */
bool proc_page_lost(uint64_t address);		/* one of them was at this address: there is another now */
void proc_end_lost(void);
bool proc_any_lost(void);		/* somebody is to be ended */
void proc_doom(struct proc *p);		/* the loop is to end it: from within the end of another */

/* ---- spawn.c: processes made by the server itself ---------------------------------------------- */
struct spawn {
	uint32_t argc, envc;
	const char *strings;		/* args, then environment, each NUL terminated */
	uint32_t strings_bytes;
	const char *program;		/* path to run, when argv[0] does not say it; else NULL */
	uint32_t cwd;
	uint32_t tty[3];
	uint32_t joined;		/* standard error goes where standard output does */
	exo_pfn ring;			/* native: where its output goes, under `guard`; 0: to the console */
	exo_guardref guard;
	const struct setid_ask *setid;	/* a set-id program */
	uint32_t ino;			/* of it; native: of a file to be given, 0: none */
	uint32_t argument_bytes;
};
int spawn_library(struct proc *p, const struct spawn *what);	/* 0 or -errno */
int spawn_native(struct proc *p, uint32_t ino, const struct spawn *what);
bool elf_is_native(uint32_t ino);
long spawn_child(struct proc *p, const struct exo_msg *m, const char *comm);

/* ---- object.c, fifo.c: what processes share (object.h) ------------------------------------------- */
long object_new(struct proc *p, uint64_t frames, struct exo_msg *m);
long object_free(uint64_t id);
long ofd_new(struct proc *p, struct exo_msg *m);
long ofd_find(const struct proc *p, struct exo_msg *m);
bool objects_work(void);		/* is there something to sweep? */
void objects_due(void);			/* somebody is gone, with all keys */
void objects_sweep(void);		/* then: free those that nobody holds */
/* ---- sock.c, letter.c, flight.c: sockets (sock.h) */
struct object;
long sock_requests(struct proc *p, struct request *r, uint32_t op);
void sock_gone(struct object *o);
void notify_gone(struct object *o);
void sock_inode_new(uint32_t ino);	/* this number is a new file's */
void letters_forget(struct proc *p);	/* what it writes and reads: it is gone */
bool letters_name(uint32_t ino);	/* is it on its way somewhere? */
/* ---- hold.c */
long hold_request(struct proc *p, uint64_t ino, bool drop);
bool holds_name(uint32_t ino);
int holds_inherit(struct proc *child, const struct proc *parent);	/* 0 or -EAGAIN: no room */
void holds_forget(struct proc *p);
void flight_recover(void);		/* our keys, in a ring that has none of them */
void flight_sweep(void);		/* letters that nobody can ever take */
long server_sock(struct proc *p, uint32_t op, struct exo_msg *m, char *comm);
/* What a file request, answered with `result`, means for named pipes: the answer. */
long fifo_request(struct request *r, uint32_t op, long result);

/* ---- show.c -------------------------------------------------------------------------------------- */
long published_request(const struct proc *p, uint64_t pid);
long look_request(const struct proc *p, uint64_t pid, exo_slot slot);

/* ---- control.c: the host's command ------------------------------------------------------------------- */
void control_boot(void);
unsigned control_terms(struct exo_term *t);
void control_poll(void);
void control_receive(void);
bool control_trace(const char *text, uint32_t bytes);		/* false: no room */
bool control_ktrace(uint64_t lost, const struct exo_trace *records, unsigned count);
/* The program ended: tell the host everything, stop the machine. */
__attribute__((noreturn)) void control_finish(uint32_t kind, uint32_t value, const char *why);

/* ---- outbox.c: what is on its way to it --------------------------------------------------------------------- */
struct outbox_part {
	const void *at;
	unsigned bytes;
};
bool outbox_put(unsigned type, const struct outbox_part part[2]);	/* one message; false: no room */
void outbox_poll(void);
void outbox_send(void);		/* to the device, unless that has it */
bool outbox_stuck(void);
unsigned outbox_terms(struct exo_term *t);	/* at most 1 */
void outbox_flush(void);			/* waits for the host */

/* ---- trace.c: the kernel's trace, if it is wanted ---------------------------------------------------------- */
const char *
trace_boot(void); /* what is recorded from here on is forwarded; NULL, or what is wrong */
void trace_forward(void);			/* everything recorded so far */
void trace_idle(void);				/* the loop is about to wait */
unsigned trace_terms(struct exo_term *t);	/* at most 1 */
uint64_t trace_deadline(void);			/* of the loop's wait; 0: none */

/* ---- run.c: boot/run of the archive --------------------------------------------------------------------- */
struct run {
	struct spawn spawn;
	const char *exec;
	const char *libos;		/* what to start the program under, instead of ExOS; NULL */
	const char *trace;
	bool ktrace;			/* the kernel's trace goes to the host */
	bool stats;
	bool keep_sites;		/* call sites are not rewritten */
	bool scatter;			/* new processes go to the next CPU */
	uint64_t clock_ns;
	uint64_t crash_every, crash_stride, crash_op, crash_fault, crash_again;	/* crash.c */
	uint32_t unstarted;		/* errno: the program that was asked for could not be started */
	uint16_t rows, cols;
	unsigned gets;
	const char *get[16];
};
extern struct run run;
void run_read(const char *config, uint32_t bytes);
void run_start(void);			/* the first process */
extern uint32_t run_pid;

/* ---- sites.c: how programs made their Linux calls, for --stats ----------------------------------------------- */
void sites_counted(const struct proc *p);	/* it ends or execs */
unsigned sites_text(char *text, unsigned room);

/* ---- cpus.c: the server on several processors ------------------------------------------------------------ */
bool server_enter(void);		/* false: it works on another CPU */
void server_leave(bool for_loop);	/* the loop has something to do now */
void server_cpus_boot(exo_upcall_fn *fault, exo_call_fn *call);
void server_cpus_again(exo_upcall_fn *fault, exo_call_fn *call);
extern uint32_t server_cpus;		/* CPUs that it can be called on: 0 to this one less */

/* ---- restart.c: the server in another environment ---------------------------------------------------- */
void server_recover(void);
void server_fault(struct exo_save *context);		/* fault.c */

/* ---- main.c ------------------------------------------------------------------------------------------------- */
void klog_server(const char *format, ...) __attribute__((format(printf, 1, 2)));
const void *archive_file(const char *name, uint64_t *bytes, exo_pfn *first);	/* NULL: not there */

/* Pages of the shared region by physical name, for predicates on the server's own words. */
uint64_t server_phys(const volatile void *own);

#endif
