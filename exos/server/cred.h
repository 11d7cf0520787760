/* SPDX-License-Identifier: ISC */
/*
 * What a process is allowed: ids, groups, capabilities, limits, priority.
 *
 * The server keeps one for each row of the process table and shows it to all;
 * it alone writes it.  The rules by which one becomes another are Linux's and
 * pure: the library goes through them on a copy, so that it need not ask in
 * vain and knows which keys the server will change, and the server goes
 * through them again on what is true.
 */
#ifndef EXOS_CRED_H
#define EXOS_CRED_H

#include <stdbool.h>
#include <stdint.h>

#define CRED_GROUPS 32u			/* supplementary groups: NGROUPS_MAX */
#define CRED_LIMITS 16u
#define CRED_NOFILE_MAX 4096u		/* descriptors that a process can have at all */
#define RLIMIT_NOFILE_ 7

enum cred_which { CRED_REAL, CRED_EFFECTIVE, CRED_SAVED, CRED_FS, CRED_IDS };

#define CRED_NO_NEW_PRIVS 1u		/* set-id bits and the like mean nothing, for ever */
#define CRED_KEEPCAPS     2u		/* giving up user 0 keeps the permitted capabilities */
#define CRED_DUMPABLE     4u
#define CRED_SUBREAPER    8u		/* orphans among its descendants become its children */
#define CRED_FORK_RESETS  32u		/* niceness below 0 is not inherited */
#define CRED_EXECD        16u		/* has exec'd: its parent moves it to no other process group */

struct sh_cred {			/* 512 bytes */
	uint32_t uid[CRED_IDS], gid[CRED_IDS];
	uint32_t groups, flags;
	uint32_t group[CRED_GROUPS];
	uint64_t permitted, effective, inheritable, bounding;	/* capabilities, 1 << CAP_* */
	uint64_t limit[CRED_LIMITS][2];	/* soft, hard: RLIMIT_* */
	int32_t nice;
	uint32_t policy, priority;	/* SCHED_*, and the real-time priority that goes with it */
	uint32_t ioprio;
	uint32_t death_signal;		/* sent when the parent ends; 0: none */
	uint32_t exit_signal;		/* sent to the parent at the end */
	uint32_t personality;
	uint32_t cpus;			/* that it may run on, a bit each; 0: all */
	int32_t oom_adj, oom_least;	/* -1000..1000; without CAP_SYS_RESOURCE not below oom_least */
	uint32_t core_filter;		/* kept; no core is written */
	uint32_t spare[3];
};
_Static_assert(sizeof(struct sh_cred) == 512, "credentials");

#define CAP_CHOWN 0
#define CAP_DAC_OVERRIDE 1
#define CAP_DAC_READ_SEARCH 2
#define CAP_FOWNER 3
#define CAP_FSETID 4
#define CAP_KILL 5
#define CAP_SETGID 6
#define CAP_SETUID 7
#define CAP_SETPCAP 8
#define CAP_NET_ADMIN 12
#define CAP_IPC_LOCK 14
#define CAP_SYS_CHROOT 18
#define CAP_SYS_PTRACE 19
#define CAP_SYS_ADMIN 21
#define CAP_SYS_NICE 23
#define CAP_SYS_RESOURCE 24
#define CAP_SYS_TIME 25
#define CAP_MKNOD 27
#define CAP_SYSLOG 34
#define CAP_LAST 40
#define CAP_BIT(n) (1ull << (n))
#define CAP_ALL (CAP_BIT(CAP_LAST + 1) - 1)
/* Those about files come with KEY_ROOT, all or none. */
#define CAP_FILES                                                                                  \
	(CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_OVERRIDE) | CAP_BIT(CAP_DAC_READ_SEARCH) |           \
		CAP_BIT(CAP_FOWNER) | CAP_BIT(CAP_FSETID))

enum cred_op {				/* a, b, c */
	CRED_SETUID, CRED_SETREUID, CRED_SETRESUID, CRED_SETFSUID,
	CRED_SETGID, CRED_SETREGID, CRED_SETRESGID, CRED_SETFSGID,
	CRED_SETGROUPS,			/* how many; the list goes with it */
	CRED_SETCAPS,			/* effective, permitted, inheritable */
	CRED_DROPCAP,			/* from the bounding set: which */
	CRED_FLAG,			/* CRED_*, on */
	CRED_DEATHSIG,			/* signal */
	CRED_PERSONA,			/* personality */
	CRED_EXEC,			/* another program was started */
};

/*
 * 0, or -errno with nothing changed; setfsuid and setfsgid give the id before
 * and never fail.  list: for CRED_SETGROUPS.
 */
long cred_change(struct sh_cred *c, uint32_t op, uint64_t a, uint64_t b, uint64_t arg,
	const uint32_t *list);

/* Which keys differ between two. */
#define CRED_KEY_USER   1u
#define CRED_KEY_GROUP  2u
#define CRED_KEY_GROUPS 4u
#define CRED_KEY_ROOT   8u
uint32_t cred_keys(const struct sh_cred *a, const struct sh_cred *b);

static inline bool
cred_can(const struct sh_cred *c, unsigned capability)
{
	return c->effective >> capability & 1;
}

static inline bool
cred_root(const struct sh_cred *c)
{
	return (c->effective & CAP_FILES) == CAP_FILES;
}

/* What the mode of a file of these owners lets it do: the bits of one class (rwx). */
uint32_t cred_bits(const struct sh_cred *c, uint32_t uid, uint32_t gid, uint32_t mode);
bool cred_in_group(const struct sh_cred *c, uint32_t gid);	/* the fs one or a supplementary one */
void cred_first(struct sh_cred *c);				/* root's */
/*
 * What exec of a file with these set-id bits makes of it: true when it then
 * acts as somebody else, and so needs an environment that is not of its making.
 */
bool cred_setid(struct sh_cred *c, uint32_t mode, uint32_t uid, uint32_t gid);
/* May one look into the other's memory? */
bool cred_may_look(const struct sh_cred *from, const struct sh_cred *to);
/* May one change what the other's files in /proc say, which are its effective user's? */
bool cred_may_tune(const struct sh_cred *from, const struct sh_cred *to);
bool cred_may_signal(const struct sh_cred *from, const struct sh_cred *to);
/* May one set the other's priority, limits? */
bool cred_may_renice(const struct sh_cred *from, const struct sh_cred *to);
bool cred_may_limit(const struct sh_cred *from, const struct sh_cred *to);
/* How prlimit goes: 0 or -errno. */
int
cred_limit(struct sh_cred *to, const struct sh_cred *from, uint32_t which, const uint64_t want[2]);

#endif
