/* SPDX-License-Identifier: ISC */
/*
 * Signals on their way: what is known of each waits here until the receiver's
 * library fetches it (OP_SIGINFO); a post is the doorbell, `sig_waiting` of the
 * receiver's row says that something is there.
 *
 * Records come from one pool.  A process has at most PER_PROCESS of them, those
 * that its library holds already included, a user what RLIMIT_SIGPENDING says
 * and no more than half of all, and when the pool gets low only
 * who has few is given more: so whoever stops listening, or sends without end,
 * takes nothing from others.  A signal that finds no record is told as a bit
 * without details, as on Linux; one that was to be queued is refused.
 */
#include "srv.h"
#include <errno.h>
#include "../linux/abi.h"

#define RECORDS 8192u
#define PER_PROCESS 1024u
#define PER_USER (RECORDS / 2)		/* but for root */
#define FOR_ROOT 512u
#define USERS 64u
#define FEW 8u				/* of them anybody may have ... */
#define RESERVE 2048u			/* ... out of the last of the pool */
#define RLIMIT_SIGPENDING_ 11
#define FETCH_MAX 64u			/* in one request */

#define BIT(sig) (1ull << ((sig) - 1))
/* Not SIGSTOP: that one has happened, and is a note to the library. */
#define STOPS (BIT(SIGTSTP) | BIT(SIGTTIN) | BIT(SIGTTOU))

_Static_assert(FETCH_MAX * sizeof(struct sig_detail) <= EXO_PAGE_BYTES, "they fit the comm page");

#define NOBODY (~0u)

static struct sig_record {
	struct sig_detail detail;
	struct sig_record *next;
	uint32_t uid;			/* the receiver's, when it came; NOBODY: unused */
} pool[RECORDS], *unused;
static unsigned unused_count, fresh;	/* records of the pool never used: from `fresh` on */
static unsigned users;			/* records that are not root's */

/* Those whose numbers are alike in the last bits share a counter. */
static uint16_t user_count[USERS];

/* So where it says no that may be because of others. */
static bool
user_below(uint32_t uid, uint64_t most)
{
	unsigned count = 0;

	if (user_count[uid % USERS] < most)
		return true;
	for (unsigned n = 0; n < fresh; n++)
		count += pool[n].uid == uid;
	return count < most;
}

static void
user_add(struct sig_record *r, uint32_t uid)
{
	r->uid = uid;
	user_count[uid % USERS]++;
	users += uid != 0;
}

static struct sig_record *
record_get(void)
{
	struct sig_record *r = unused;

	if (r) {
		unused = r->next;
		unused_count--;
		return r;
	}
	return fresh < RECORDS ? &pool[fresh++] : NULL;
}

static void
record_put(struct sig_record *r)
{
	user_count[r->uid % USERS]--;
	users -= r->uid != 0;
	r->uid = NOBODY;
	r->next = unused;
	unused = r;
	unused_count++;
}

const volatile struct pub *
proc_public(const struct proc *p)
{
	if (!p->lent)
		return NULL;
	return (const volatile struct pub *)(SRV_PUB + proc_index(p) * EXO_PAGE_BYTES);
}

static bool
has_room(const struct proc *p)
{
	const volatile struct pub *pub = proc_public(p);
	unsigned left = unused_count + RECORDS - fresh;
	uint32_t held = pub ? pub->sig_held : 0;	/* its word against itself */

	uint64_t limit = p->cred->limit[RLIMIT_SIGPENDING_][0];

	if (p->signals.count >= FEW && !user_below(p->sh->uid, limit))
		return false;
	limit = limit < PER_PROCESS ? limit : PER_PROCESS;
	if (p->signals.count >= limit || held >= limit - p->signals.count)
		return false;
	if (p->sh->uid && (users >= RECORDS - FOR_ROOT || !user_below(p->sh->uid, PER_USER)))
		return false;
	return left > RESERVE || (p->signals.count < FEW && left);
}

/* SIGCONT and the stopping signals do away with each other. */
static void
drop(struct proc *p, uint64_t which)
{
	struct sig_record **at = &p->signals.first, *r;

	p->signals.plain &= ~which;
	if (!((p->signals.kinds[0] | p->signals.kinds[1]) & which))
		return;
	p->signals.kinds[0] &= ~which;
	p->signals.kinds[1] &= ~which;
	p->signals.last = NULL;
	while ((r = *at) != NULL) {	/* bound: PER_PROCESS */
		if (BIT(r->detail.signo) & which) {
			*at = r->next;
			p->signals.count--;
			record_put(r);
		} else {
			p->signals.last = r;
			at = &r->next;
		}
	}
}

static void
append(struct proc *p, const struct sig_detail *d)
{
	struct sig_record *r = record_get();

	r->detail = *d;
	r->next = NULL;
	user_add(r, p->sh->uid);
	if (p->signals.last)
		p->signals.last->next = r;
	else
		p->signals.first = r;
	p->signals.last = r;
	p->signals.count++;
	p->signals.kinds[d->directed != 0] |= BIT(d->signo);
}

int
signal_queue(struct proc *p, const struct sig_detail *d)
{
	bool realtime = d->signo >= SIG_REALTIME;

	if (d->signo == SIGCONT)
		drop(p, STOPS);
	if (BIT(d->signo) & (STOPS | BIT(SIGSTOP)))
		drop(p, BIT(SIGCONT));
	/* Of the ordinary ones the first is kept; which threads have one their library knows. */
	if (realtime || (d->directed && d->directed != p->sh->pid) ||
		!(p->signals.kinds[d->directed != 0] & BIT(d->signo))) {
		if (has_room(p))
			append(p, d);
		else if (realtime && d->code < 0)
			return -EAGAIN;
		else
			p->signals.plain |= BIT(d->signo);
	}
	p->sh->sig_waiting = 1;
	exo_post(p->sh->env, POST_SIGNAL, ROOT_KEY);
	return 0;
}

bool
signal_queued(const struct proc *p, int sig)
{
	return (p->signals.kinds[0] | p->signals.kinds[1] | p->signals.plain) & BIT(sig);
}

/* The receiver takes what there is, in order; rdx: those without details. */
long
signal_fetch(struct proc *p, struct exo_msg *m, char *comm)
{
	struct sig_detail *out = (struct sig_detail *)comm;
	struct sig_record *r;
	unsigned n = 0;

	for (; n < FETCH_MAX && (r = p->signals.first) != NULL; n++) {
		out[n] = r->detail;
		p->signals.first = r->next;
		p->signals.count--;
		record_put(r);
	}
	m->rdx = p->signals.plain;
	p->signals.plain = 0;
	if (p->signals.first)
		return n;
	p->signals.last = NULL;
	p->signals.kinds[0] = p->signals.kinds[1] = 0;
	p->sh->sig_waiting = 0;
	return n;
}

void
signal_forget(struct proc *p)
{
	drop(p, ~0ull);
	p->sh->sig_waiting = 0;
}
