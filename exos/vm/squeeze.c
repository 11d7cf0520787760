/* SPDX-License-Identifier: ISC */
/* Pages made small, and as they were again: squeeze.h has the format. */
#include "squeeze.h"

#define HASH_BITS 9u
#define SHORTEST 4u			/* runs that are named */
#define LONGEST (SHORTEST + 2047u)
#define LITERALS 128u

struct out {
	uint8_t *at, *end;
};

static uint32_t
word_at(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool
put_literals(struct out *out, const uint8_t *from, unsigned count)
{
	while (count) {
		unsigned n = count < LITERALS ? count : LITERALS;

		if ((unsigned)(out->end - out->at) < n + 1)
			return false;
		*out->at++ = (uint8_t)(n - 1);
		for (unsigned i = 0; i < n; i++)
			*out->at++ = *from++;
		count -= n;
	}
	return true;
}

static bool
put_run(struct out *out, unsigned back, unsigned length)
{
	length -= SHORTEST;
	if (out->end - out->at < 3)
		return false;
	*out->at++ = (uint8_t)(0x80 | (length & 0x7f));
	*out->at++ = (uint8_t)back;
	*out->at++ = (uint8_t)(back >> 8 | length >> 7 << 4);
	return true;
}

static unsigned
run_length(const uint8_t *a, const uint8_t *b, unsigned most)
{
	unsigned n = SHORTEST;

	most = most < LONGEST ? most : LONGEST;
	while (n < most && a[n] == b[n])
		n++;
	return n;
}

unsigned
squeeze(uint8_t *to, unsigned room, const uint8_t *page)
{
	uint16_t seen[1u << HASH_BITS] = { 0 };		/* one more than where; 0: nowhere */
	struct out out = { to, to + room };
	unsigned at = 0, done = 0;

	while (at + SHORTEST <= SQUEEZE_PAGE) {
		uint32_t word = word_at(page + at);
		uint16_t *slot = &seen[word * 2654435761u >> (32 - HASH_BITS)];
		unsigned before = *slot, length;

		*slot = (uint16_t)(at + 1);
		if (before == 0 || word_at(page + before - 1) != word) {
			at += 1 + (at - done) / 64;	/* what does not repeat is passed faster */
			continue;
		}
		before--;
		length = run_length(page + before, page + at, SQUEEZE_PAGE - at);
		if (!put_literals(&out, page + done, at - done) ||
			!put_run(&out, at - before, length))
			return 0;
		at += length;
		done = at;
	}
	if (!put_literals(&out, page + done, SQUEEZE_PAGE - done))
		return 0;
	return (unsigned)(out.at - to);
}

bool
unsqueeze(uint8_t *page, const uint8_t *in, unsigned bytes)
{
	const uint8_t *end = in + bytes;
	unsigned at = 0;

	while (in < end) {
		unsigned n = *in++, back = 0;

		if (n & 0x80) {
			if (end - in < 2)
				return false;
			back = in[0] | (in[1] & 15u) << 8;
			n = (n & 0x7f) + ((unsigned)in[1] >> 4 << 7) + SHORTEST;
			in += 2;
			if (back == 0 || back > at)
				return false;
		} else if (++n > (unsigned)(end - in)) {
			return false;
		}
		if (n > SQUEEZE_PAGE - at)
			return false;
		for (; n; n--, at++)
			page[at] = back ? page[at - back] : *in++;
	}
	return at == SQUEEZE_PAGE;
}

bool
squeeze_zero(const void *page)
{
	const uint64_t *word = page;

	for (unsigned n = 0; n < SQUEEZE_PAGE / 8; n += 4)
		if (word[n] | word[n + 1] | word[n + 2] | word[n + 3])
			return false;
	return true;
}
