/* SPDX-License-Identifier: ISC */
/*
 * timerfd: when it expires next and how often lie in an object, so that
 * relatives share one timer; how often it has is reckoned when somebody looks.
 * Nobody is woken by it: who waits for it says until when (timer_wake).
 */
#include "file.h"
#include "timerfd.h"
#include "../linux/clocks.h"
#include "../proc/timer.h"

struct state {
	struct object_head object;
	u64 lock;
	u64 deadline;			/* on the clock; 0: off */
	u64 interval;
	u64 sets;			/* only grows: a word to wait on */
	u64 clock;			/* enum timer_clock, as it was made */
	u64 absolute;
	u64 cancel;			/* reads say when the time of day was set, since it was ... */
	u64 wall_offset;
};

static volatile struct state *
state(const struct file *f)
{
	return (volatile struct state *)f->object->page;
}

/* A while does not change when the time of day is set. */
static enum timer_clock
clock_of(const volatile struct state *s)
{
	return s->clock == TIMER_REAL && s->absolute ? TIMER_REAL : TIMER_MONOTONIC;
}

static bool
was_cancelled(const volatile struct state *s)
{
	return s->cancel && s->wall_offset != SHARED->wall_offset_ns;
}

/* Expirations up to now that nobody has read. */
static u64
expired(u64 deadline, u64 interval, u64 now)
{
	if (deadline == 0 || now < deadline)
		return 0;
	return interval ? (now - deadline) / interval + 1 : 1;
}

static u64
due(const volatile struct state *s)
{
	return expired(s->deadline, s->interval, timer_clock_now(clock_of(s)));
}

/* -ECANCELED, or how many, which are read with this. */
static long
take(volatile struct state *s, bool wait, u64 *ticks)
{
	u64 interval, deadline;
	int error = object_lock(&s->lock, wait);

	if (error)
		return error;
	if (was_cancelled(s)) {
		s->wall_offset = SHARED->wall_offset_ns;
		object_unlock(&s->lock);
		return -ECANCELED;
	}
	interval = s->interval;
	deadline = s->deadline;
	*ticks = expired(deadline, interval, timer_clock_now(clock_of(s)));
	if (*ticks)
		s->deadline = interval ? deadline + *ticks * interval : 0;
	object_unlock(&s->lock);
	return 0;
}

/* Says when to look again, and by which word earlier. */
static struct exo_term
watch(const struct file *f, u64 sets)
{
	const volatile struct state *s = state(f);
	u64 deadline = s->deadline, offset = SHARED->wall_offset_ns;

	if (deadline && clock_of(s) == TIMER_REAL) {
		timer_wake(deadline > offset ? deadline - offset : 1);
		timer_wake_by_wall();
	} else if (deadline) {
		timer_wake(deadline);
	}
	return object_term(f->object, &s->sets, sets, f->key);
}

static long
timerfd_read(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	volatile struct state *s = state(f);

	(void)pos;
	if (bytes < sizeof(u64))
		return -EINVAL;
	for (;;) {
		u64 sets = s->sets, ticks = 0;
		long error = take(s, !(f->shared->flags & O_NONBLOCK), &ticks);
		struct exo_term term;

		if (!error && ticks)
			return copy_out(buf, &ticks, sizeof(ticks)) ? -EFAULT : (long)sizeof(ticks);
		if (error)
			return error;
		term = watch(f, sets);
		error = file_block(f, &term, 1);
		if (error)
			return error;
	}
}

static u32
timerfd_poll(struct file *f, u32 events, struct exo_term *terms, unsigned *nterms)
{
	const volatile struct state *s = state(f);
	u64 sets = s->sets;

	if (due(s) || was_cancelled(s)) {
		*nterms = 0;
		return events & (POLLIN | POLLRDNORM);
	}
	terms[0] = watch(f, sets);
	*nterms = 1;
	return 0;
}

/* Another one after each setting and reading, and when it is due: as on Linux it says so once. */
static u64
timerfd_version(struct file *f, u32 events)
{
	const volatile struct state *s = state(f);

	(void)events;
	return s->sets + s->deadline + (due(s) != 0);
}

const struct file_ops timerfd_ops = {
	.name = "anon_inode:[timerfd]", .mode = 0600, .lseek_idle = true,
	.read = timerfd_read, .poll = timerfd_poll, .version = timerfd_version,
	.close = file_close_object,
};

int
timerfd_new(struct file **f, enum timer_clock clock, u32 flags)
{
	int error = file_new_single(f, &timerfd_ops, flags | O_RDWR);

	if (error)
		return error;
	state(*f)->clock = clock;
	return 0;
}

struct timerfd_time
timerfd_get(const struct file *f)
{
	const volatile struct state *s = state(f);
	u64 now = timer_clock_now(clock_of(s)), deadline = s->deadline, interval = s->interval;
	u64 passed = expired(deadline, interval, now);

	if (passed)
		deadline = interval ? deadline + passed * interval : 0;
	return (struct timerfd_time){ deadline ? deadline - now : 0, interval };
}

void
timerfd_set(struct file *f, const struct timerfd_time *t, bool absolute, bool cancel)
{
	volatile struct state *s = state(f);
	bool alone = object_lock(&s->lock, false) == 0;	/* whoever sits on it is not waited for */

	s->absolute = absolute;
	s->cancel = cancel && absolute && s->clock == TIMER_REAL;
	s->wall_offset = SHARED->wall_offset_ns;
	s->interval = t->interval;
	s->deadline = t->value && !absolute ? timer_clock_now(clock_of(s)) + t->value : t->value;
	s->sets++;
	if (alone)
		object_unlock(&s->lock);
	object_changed(f->object);
}
