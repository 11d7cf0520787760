/* SPDX-License-Identifier: ISC */
/* eventfd: a counter in an object of one frame, changed by atomic steps alone. */
#include "file.h"

#define MOST (~0ull - 1)		/* that the counter can hold */

struct counter {
	struct object_head object;
	u64 count;
	u64 writes;			/* only grows */
	u64 semaphore;
};

static volatile struct counter *
counter(const struct file *f)
{
	return (volatile struct counter *)f->object->page;
}

/* Until the count is no longer `seen`. */
static int
eventfd_wait(const struct file *f, u64 seen)
{
	struct exo_term t = object_term(f->object, &counter(f)->count, seen, f->key);

	return file_block(f, &t, 1);
}

static bool
count_change(const struct file *f, u64 *seen, u64 to)
{
	return __atomic_compare_exchange_n(&counter(f)->count, seen, to, false, __ATOMIC_ACQ_REL,
		__ATOMIC_ACQUIRE);
}

static long
eventfd_read(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	volatile struct counter *c = counter(f);
	u64 seen = c->count, value;
	int error = 0;

	(void)pos;
	if (bytes < sizeof(value))
		return -EINVAL;
	for (;;) {
		value = c->semaphore ? 1 : seen;
		if (seen && count_change(f, &seen, seen - value))
			break;
		if (!seen)
			error = eventfd_wait(f, 0);
		if (error)
			return error;
		seen = c->count;
	}
	object_changed(f->object);
	return copy_out(buf, &value, sizeof(value)) ? -EFAULT : (long)sizeof(value);
}

static long
eventfd_write(struct file *f, u64 buf, u64 bytes, u64 *pos)
{
	volatile struct counter *c = counter(f);
	u64 seen = c->count, value;
	int error = 0;

	(void)pos;
	if (bytes < sizeof(value))
		return -EINVAL;
	if (copy_in(&value, buf, sizeof(value)))
		return -EFAULT;
	if (value == ~0ull)
		return -EINVAL;
	for (;;) {
		bool fits = seen <= MOST && value <= MOST - seen;

		if (fits && count_change(f, &seen, seen + value))
			break;
		if (!fits)
			error = eventfd_wait(f, seen);
		if (error)
			return error;
		seen = c->count;
	}
	__atomic_fetch_add(&c->writes, 1, __ATOMIC_RELEASE);
	object_changed(f->object);
	return sizeof(value);
}

static u32
eventfd_poll(struct file *f, u32 events, struct exo_term *terms, unsigned *nterms)
{
	u64 seen = counter(f)->count;
	u32 now = 0;

	if (seen)
		now |= events & (POLLIN | POLLRDNORM);
	if (seen < MOST)
		now |= events & (POLLOUT | POLLWRNORM);
	if (seen > MOST)
		now |= POLLERR;
	terms[0] = object_term(f->object, &counter(f)->count, seen, f->key);
	*nterms = 1;
	return now;
}

static u64
eventfd_version(struct file *f, u32 events)
{
	(void)events;
	return counter(f)->writes;
}

const struct file_ops eventfd_ops = {
	.name = "anon_inode:[eventfd]", .mode = 0600, .lseek_idle = true,
	.read = eventfd_read, .write = eventfd_write, .poll = eventfd_poll,
	.version = eventfd_version, .close = file_close_object,
};

int
eventfd_new(struct file **f, u32 count, bool semaphore, u32 flags)
{
	int error = file_new_single(f, &eventfd_ops, flags | O_RDWR);

	if (error)
		return error;
	counter(*f)->count = count;
	counter(*f)->semaphore = semaphore;
	return 0;
}
