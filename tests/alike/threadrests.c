/* SPDX-License-Identifier: ISC */
/*
 * Threads that compute for a while, and then nobody for longer than a processor
 * is kept for (ExOS gives it back): who sleeps meanwhile wakes all the same.
 */
#include <pthread.h>
#include <time.h>
#include "t.h"

#define ROUNDS 4
#define BUSY_MS 60
#define REST_MS 150

static long
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void *
busy(void *arg)
{
	const long until = now_ms() + BUSY_MS;

	while (now_ms() < until)
		;
	return arg;
}

int
main(void)
{
	const struct timespec rest = { 0, REST_MS * 1000000 };
	pthread_t t[2];
	int done;

	for (done = 0; done < ROUNDS; done++) {
		for (int i = 0; i < 2; i++)
			pthread_create(&t[i], NULL, busy, NULL);
		for (int i = 0; i < 2; i++)
			pthread_join(t[i], NULL);
		nanosleep(&rest, NULL);
	}
	printf("%d\n", done);
	return 0;
}
