/* SPDX-License-Identifier: ISC */
/* What sigqueue.h says. */
#include "sigqueue.h"
#include "../linux/abi.h"

struct sigqueue_entry {
	struct sig_detail detail;
	struct sigqueue_entry *next;
};

static bool
append(struct sigqueue *q, const struct sig_detail *d)
{
	struct sigqueue_entry *e = xalloc(sizeof(*e));

	if (e == NULL)
		return false;
	e->detail = *d;
	e->next = NULL;
	if (q->last)
		q->last->next = e;
	else
		q->first = e;
	q->last = e;
	return true;
}

int
sigqueue_add(struct sigqueue *q, const struct sig_detail *d, uint64_t limit)
{
	bool ordinary = d->signo < SIG_REALTIME;

	if (ordinary && q->set & SIG_BIT(d->signo))
		return 0;
	/* Linux lets the limit pass for an ordinary signal that was not queued by a program. */
	if (q->count >= limit && (!ordinary || d->code < 0)) {
		if (!ordinary && d->code < 0)
			return -EAGAIN;
		if (ordinary)
			q->ordinary[d->signo] = (struct sig_detail){ .signo = 0 };
	} else if (ordinary) {
		q->ordinary[d->signo] = *d;
		q->count++;
	} else if (append(q, d)) {
		q->count++;
	} else if (d->code < 0) {
		return -EAGAIN;
	}
	q->set |= SIG_BIT(d->signo);
	return 0;
}

static void
take_ordinary(struct sigqueue *q, int sig, struct sig_detail *d)
{
	*d = q->ordinary[sig];
	q->ordinary[sig].signo = 0;
	q->count -= d->signo != 0;
	q->set &= ~SIG_BIT(sig);
}

static void
take_realtime(struct sigqueue *q, int sig, struct sig_detail *d)
{
	struct sigqueue_entry *e = q->first, *before = NULL, *more;

	for (; e && e->detail.signo != sig; e = e->next)
		before = e;
	if (e == NULL) {
		q->set &= ~SIG_BIT(sig);
		return;
	}
	*d = e->detail;
	if (before)
		before->next = e->next;
	else
		q->first = e->next;
	if (q->last == e)
		q->last = before;
	for (more = e->next; more && more->detail.signo != sig; more = more->next)
		;
	if (more == NULL)
		q->set &= ~SIG_BIT(sig);
	q->count--;
	xfree(e);
}

bool
sigqueue_take(struct sigqueue *q, int sig, struct sig_detail *d)
{
	if (!(q->set & SIG_BIT(sig)))
		return false;
	*d = (struct sig_detail){ .signo = 0 };
	if (sig < SIG_REALTIME)
		take_ordinary(q, sig, d);
	else
		take_realtime(q, sig, d);
	d->signo = sig;
	return true;
}

void
sigqueue_drop(struct sigqueue *q, uint64_t which)
{
	struct sig_detail d;

	for (which &= q->set; which; which &= q->set)
		sigqueue_take(q, __builtin_ctzll(which) + 1, &d);
}
