/* SPDX-License-Identifier: ISC */
/* Dominance: what a named key opens, against a second formulation, and the laws it must obey. */
// sources: kernel/cap/*.c kernel/mem/*.c tests/unit/lib/fake.c
#include "fake.h"

#define ROUNDS 200000

static struct exo_key
draw(void)
{
	struct exo_key key = { .len = (u8)(rand() % 4), .rights = (u8)(rand() & EXO_RIGHTS_ALL) };

	for (unsigned n = 0; n < key.len; n++)
		key.name[n] = "ab"[rand() % 2];
	return key;
}

/* The definition, spelt differently: the names agree in the key's length, as strings of bytes. */
static bool
opens(const struct exo_key *key, const struct exo_key *entry, u32 rights)
{
	return rights && key->len <= entry->len && memcmp(key->name, entry->name, key->len) == 0 &&
		(key->rights & rights) == rights && (entry->rights & rights) == rights;
}

static void
test_laws(void)
{
	unsigned differ = 0, amplified = 0, intransitive = 0, irreflexive = 0;

	srand(1);
	for (unsigned n = 0; n < ROUNDS; n++) {
		struct exo_key a = draw(), b = draw(), c = draw();
		u32 rights = (u32)rand() & EXO_RIGHTS_ALL;

		differ += key_opens(&a, &b, rights) != opens(&a, &b, rights);
		irreflexive += !key_dominates(&a, &a);
		if (key_dominates(&a, &b)) {
			amplified += key_opens(&b, &c, rights) && !key_opens(&a, &c, rights) &&
				b.len >= a.len;
			intransitive += key_dominates(&b, &c) && !key_dominates(&a, &c);
		}
	}
	holds("key_opens is its definition", differ == 0);
	holds("key_dominates is reflexive", irreflexive == 0);
	holds("key_dominates is transitive", intransitive == 0);
	holds("a dominated key opens nothing that the other does not", amplified == 0);
}

static void
test_edges(void)
{
	const struct exo_key every = { .len = 0, .rights = EXO_RIGHTS_ALL };
	const struct exo_key empty = { .len = 0, .rights = 0 };
	struct exo_key longest = { .len = EXO_KEYNAME_BYTES,
		.rights = EXO_R,
		.name = "abcdefghijklmn" };
	struct exo_key key = longest;

	holds("an empty entry is opened by nothing", !key_opens(&every, &empty, EXO_R));
	holds("no rights asked opens nothing", !key_opens(&every, &every, 0));
	holds("the longest name opens itself", key_opens(&longest, &longest, EXO_R));
	key.name[EXO_KEYNAME_BYTES - 1] ^= 1;
	holds("the last byte counts", !key_opens(&key, &longest, EXO_R));
	holds("a longer key does not open a shorter entry", !key_opens(&longest, &every, EXO_R));
	holds("the longest name is valid", key_valid(&longest));
	key.len = EXO_KEYNAME_BYTES + 1;
	holds("a longer one is not", !key_valid(&key));
	key.len = 3;
	holds("bytes behind the name are zero", !key_valid(&key));
	key = (struct exo_key){ .len = 0, .rights = EXO_RIGHTS_ALL + 1 };
	holds("unknown rights are not valid", !key_valid(&key));
}

static void
test_names(void)
{
	const struct exo_key port = { .len = 3, .rights = EXO_W, .name = { 'P', 0x03, 0xf8 } };
	struct key *slot = ring_slot(alice, K_FREE);

	gives("name_allows KEY: no key", name_allows(alice, K_EMPTY, &port), -EXO_EKEY);
	gives("name_allows KEY: no such slot", name_allows(alice, K_OUTSIDE, &port), -EXO_EKEY);
	fake_key(alice, K_FREE, "P", EXO_W);
	gives("name_allows: a prefix", name_allows(alice, K_FREE, &port), 0);
	fake_key(alice, K_FREE, "P", EXO_R);
	gives("name_allows RIGHTS: too few", name_allows(alice, K_FREE, &port), -EXO_ERIGHTS);
	fake_key(alice, K_FREE, "Q", EXO_RIGHTS_ALL);
	gives("name_allows RIGHTS: another name", name_allows(alice, K_FREE, &port), -EXO_ERIGHTS);
	key_clear(slot);
	gives("bind", sys_key_bind(alice, alice_guard, EXO_RIGHTS_ALL, K_OWN, K_FREE), 0);
	gives("name_allows RIGHTS: a bound key opens no name", name_allows(alice, K_FREE, &port),
		-EXO_ERIGHTS);
	gives("name_allows: root", name_allows(root, K_OWN, &port), 0);
}

int
main(void)
{
	fake_start();
	test_laws();
	test_edges();
	test_names();
	return fake_end();
}
