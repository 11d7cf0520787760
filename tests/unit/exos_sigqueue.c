/* SPDX-License-Identifier: ISC */
/* The pending set against a naive model: a list in order of arrival. */
// sources: exos/proc/sigqueue.c
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include "../../exos/proc/sigqueue.h"

#define LIMIT 40u

static bool no_memory;
static unsigned live;

void *
xalloc(size_t bytes)
{
	if (no_memory)
		return NULL;
	live++;
	return calloc(1, bytes);
}

void
xfree(void *p)
{
	live--;
	free(p);
}

static struct sig_detail model[4096];
static unsigned models;
static uint64_t bare;			/* pending, and nothing is known */

static int
model_add(const struct sig_detail *d)
{
	bool known = true;

	for (unsigned n = 0; n < models && d->signo < SIG_REALTIME; n++)
		if (model[n].signo == d->signo)
			return 0;
	if (d->signo < SIG_REALTIME && bare & SIG_BIT(d->signo))
		return 0;
	if (d->signo < SIG_REALTIME)
		known = models < LIMIT || d->code >= 0;
	else
		known = models < LIMIT && !no_memory;
	if (!known && d->signo >= SIG_REALTIME && d->code < 0)
		return -EAGAIN;
	if (known)
		model[models++] = *d;
	else
		bare |= SIG_BIT(d->signo);
	return 0;
}

static bool
model_take(int sig, struct sig_detail *d)
{
	for (unsigned n = 0; n < models; n++) {
		if (model[n].signo != sig)
			continue;
		*d = model[n];
		models--;
		memmove(model + n, model + n + 1, (models - n) * sizeof(*model));
		/* a bit stands for all of them, known or not */
		bare &= ~SIG_BIT(sig);
		for (unsigned m = 0; m < models; m++)
			if (model[m].signo == sig)
				return true;
		return true;
	}
	*d = (struct sig_detail){ .signo = sig };
	if (!(bare & SIG_BIT(sig)))
		return false;
	bare &= ~SIG_BIT(sig);
	return true;
}

static uint64_t
model_set(void)
{
	uint64_t set = bare;

	for (unsigned n = 0; n < models; n++)
		set |= SIG_BIT(model[n].signo);
	return set;
}

static void
step(struct sigqueue *q)
{
	int sig = rand() % 64 + 1;
	struct sig_detail d = { .signo = sig,
		.code = rand() % 3 - 1,
		.word = { (uint64_t)rand() } },
			  m;

	no_memory = rand() % 8 == 0;
	if (rand() % 4) {
		assert(sigqueue_add(q, &d, LIMIT) == model_add(&d));
	} else {
		bool there = sigqueue_take(q, sig, &d);

		assert(there == model_take(sig, &m));
		assert(!there || memcmp(&d, &m, sizeof(d)) == 0);
	}
	assert(q->set == model_set() && q->count == models);
}

int
main(void)
{
	struct sigqueue q = { 0 };

	srand(1);
	for (unsigned round = 0; round < 200; round++) {
		for (unsigned n = 0; n < 1000; n++)
			step(&q);
		sigqueue_drop(&q, ~0ull);
		assert(q.set == 0 && q.count == 0 && q.first == NULL && q.last == NULL &&
			live == 0);
		models = 0;
		bare = 0;
	}
	printf("ok exos_sigqueue\n");
	return 0;
}
