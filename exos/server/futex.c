/* SPDX-License-Identifier: ISC */
/*
 * Futexes in memory that processes share: who waits for which word, in order of
 * arrival.  A word is named by file and place, for all shared memory is a file.
 * Who waits has a ticket, whose word in the shared region is another as soon as
 * he is woken; he has it before he looks at his own word for the last time, so
 * that no wake is lost; counts in the shared region let who wakes see that
 * nobody waits.  Only who may use the file waits and wakes there.
 *
 * A ticket that was woken is free: its word never comes back.
 */
#include "fsnode.h"
#include "srv.h"
#include <errno.h>

#define FUTEXES_OFF 0x000c0000ull	/* in the shared region, behind the sockets */
#define BUCKETS 256u
#define OF_USER (SH_FUTEXES / 4)	/* of one user's processes; root may have all but ... */
#define FUTEX_ALL (~0u)			/* of bits */
#define RESERVE 256u			/* ... these, which are root's */

static struct ticket {
	uint64_t at;			/* byte of the file */
	uint32_t ino, bits;		/* bits 0: free */
	uint16_t row;
	uint16_t next, before;		/* number + 1, of the bucket's; free ones: next */
} tickets[SH_FUTEXES];

static uint16_t first[BUCKETS], last[BUCKETS];
static uint16_t unused;			/* number + 1 */
static unsigned fresh, used;
static bool ready;

_Static_assert(SH_FUTEXES < UINT16_MAX, "a ticket's number is 16 bits");

static uint64_t *
word_of(const struct ticket *t)
{
	return (uint64_t *)shared_at(FUTEXES_OFF) + (t - tickets);
}

static unsigned
bucket(uint32_t ino, uint64_t at)
{
	return (unsigned)((ino * 0x9e3779b97f4a7c15ull ^ at * 0xff51afd7ed558ccdull) >> 56);
}

static struct ticket *
number(uint16_t n)
{
	return n ? &tickets[n - 1] : NULL;
}

/* Who wakes asks only if there is somebody: counted before who waits looks at his word again. */
static void
count(const struct ticket *t, int change)
{
	struct sh_info *info = (struct sh_info *)shared_at(0);

	__atomic_fetch_add(&info->futex_waiters[futex_group(t->ino, t->at)], (uint32_t)change,
		__ATOMIC_SEQ_CST);
}

/* Out of its bucket; its word is another from now on. */
static void
release(struct ticket *t)
{
	const uint16_t self = (uint16_t)(t - tickets + 1);
	const unsigned b = bucket(t->ino, t->at);

	*(t->before ? &number(t->before)->next : &first[b]) = t->next;
	*(t->next ? &number(t->next)->before : &last[b]) = t->before;
	count(t, -1);
	t->bits = 0;
	t->next = unused;
	unused = self;
	used--;
	procs[t->row].futexes--;
	__atomic_fetch_add(word_of(t), 1, __ATOMIC_RELEASE);
}

static bool
within_bounds(uint32_t uid)
{
	unsigned own = 0;

	if (used >= SH_FUTEXES - (uid ? RESERVE : 0))
		return false;
	for (unsigned i = 0; i < proc_rows && uid; i++)
		if (procs[i].cred && procs[i].cred->uid[CRED_REAL] == uid)
			own += procs[i].futexes;
	return own < OF_USER;
}

static struct ticket *
ticket_new(void)
{
	struct ticket *t = number(unused);

	if (t)
		unused = t->next;
	else if (fresh < SH_FUTEXES)
		t = &tickets[fresh++];
	return t;
}

/* (ino, byte of the file, bits, key slot) -> ticket; rdx = its word's offset, r8 = what it is */
static long
wait_request(struct request *r)
{
	const unsigned row = (unsigned)(r->proc - server_proc_table());
	const unsigned b = bucket((uint32_t)r->a, r->b);
	struct ticket *t;

	if ((uint32_t)r->c == 0)
		return -EINVAL;
	if (!within_bounds(r->cred->uid[CRED_REAL]))
		return -EAGAIN;
	t = ticket_new();
	if (!t)
		return -EAGAIN;
	*t = (struct ticket){ .at = r->b, .ino = (uint32_t)r->a, .bits = (uint32_t)r->c,
		.row = (uint16_t)row, .before = last[b] };
	*(last[b] ? &number(last[b])->next : &first[b]) = (uint16_t)(t - tickets + 1);
	last[b] = (uint16_t)(t - tickets + 1);
	used++;
	count(t, 1);
	procs[row].futexes++;
	r->rdx = FUTEXES_OFF + (uint64_t)(t - tickets) * sizeof(uint64_t);
	r->r8 = __atomic_add_fetch(word_of(t), 1, __ATOMIC_RELAXED);
	return t - tickets;
}

/* (ticket, what its word was) -> 1: it had been woken already */
static long
end_request(const struct request *r)
{
	const unsigned row = (unsigned)(r->proc - server_proc_table());
	struct ticket *t = r->a < SH_FUTEXES ? &tickets[r->a] : NULL;

	if (!t || !t->bits || t->row != row || *word_of(t) != r->b)
		return 1;
	release(t);
	return 0;
}

/* How many there were; FUTEX_WAKES: there may be more. */
static long
wake(uint32_t ino, uint64_t at, uint32_t bits, uint64_t count)
{
	struct ticket *t = number(first[bucket(ino, at)]);
	uint64_t woken = 0;

	while (t && woken < count && woken < FUTEX_WAKES) {
		struct ticket *next = number(t->next);

		if (t->ino == ino && t->at == at && t->bits & bits) {
			release(t);
			woken++;
		}
		t = next;
	}
	if (woken)
		server_changed();
	return (long)woken;
}

void
futexes_wake_frame(exo_pfn pfn, uint64_t byte)
{
	for (unsigned n = 0; n < fresh; n++) {
		const struct ticket *t = &tickets[n];
		const struct fs_inode *node;

		if (!t->bits || t->at % EXO_PAGE_BYTES != byte)
			continue;
		node = node_at(t->ino);
		if (!node || map_get(node, t->at / EXO_PAGE_BYTES) != pfn)
			continue;
		wake(t->ino, t->at, FUTEX_ALL, 1);
		return;
	}
}

static bool
may_use(const struct request *r)
{
	const struct fs_inode *node = r->a >> 32 ? NULL : node_at((uint32_t)r->a);

	return node && (client_may_by(r, node, EXO_R, r->d) ||
		client_may_by(r, node, EXO_W, r->d));
}

long
futex_requests(struct request *r, uint32_t op)
{
	if (op == OP_FUTEX_END)
		return end_request(r);
	if (!may_use(r))
		return -EACCES;
	if (!ready && shared_back(FUTEXES_OFF, SH_FUTEXES * sizeof(uint64_t) / EXO_PAGE_BYTES))
		return -EAGAIN;
	ready = true;
	return op == OP_FUTEX_WAIT ? wait_request(r)
				   : wake((uint32_t)r->a, r->b, (uint32_t)r->c, r->e);
}

void
futexes_forget(const struct proc *p)
{
	const unsigned row = proc_index(p);

	for (unsigned n = 0; n < fresh && p->futexes; n++)
		if (tickets[n].bits && tickets[n].row == row)
			release(&tickets[n]);
}
