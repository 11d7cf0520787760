/* SPDX-License-Identifier: ISC */
/*
 * What a program finds on its stack (System V ABI, 3.4.1):
 *
 *   higher   8 zero bytes
 *            path, strings of arguments and environment, "x86_64", 16 random bytes
 *            auxiliary vector, NULL, environment pointers, NULL, argument pointers
 *   rsp ->   argc                                                   (16-aligned)
 */
#include "proc.h"
#include "signal.h"
#include "../arch/x86_64/arch.h"
#include "../vm/vm.h"
#include "../linux/errno.h"

enum {
	AT_NULL = 0,
	AT_PHDR = 3,
	AT_PHENT = 4,
	AT_PHNUM = 5,
	AT_PAGESZ = 6,
	AT_BASE = 7,
	AT_FLAGS = 8,
	AT_ENTRY = 9,
	AT_UID = 11,
	AT_EUID = 12,
	AT_GID = 13,
	AT_EGID = 14,
	AT_PLATFORM = 15,
	AT_HWCAP = 16,
	AT_CLKTCK = 17,
	AT_SECURE = 23,
	AT_RANDOM = 25,
	AT_HWCAP2 = 26,
	AT_EXECFN = 31,
	AT_SYSINFO_EHDR = 33,
	AT_MINSIGSTKSZ = 51,
};
#define AUX_WORDS 48u
#define HWCAP2_FSGSBASE 2u

struct program_strings program_strings;

struct builder {
	u64 at; /* lowest address used so far */
	int error;
};

static u64
push(struct builder *b, const void *from, u64 bytes)
{
	b->at -= bytes;
	if (!b->error)
		b->error = copy_out(b->at, from, bytes);
	return b->at;
}

/* Set-id programs are not to trust their environment. */
static u64
secure(void)
{
	return CRED->uid[CRED_REAL] != CRED->uid[CRED_EFFECTIVE] ||
		CRED->gid[CRED_REAL] != CRED->gid[CRED_EFFECTIVE];
}

static unsigned
aux_fill(u64 *aux, const struct loaded *image, u64 path, u64 platform, u64 random)
{
	const u64 pairs[][2] = {
		{ AT_PHDR, image->phdr },
		{ AT_PHENT, 56 },
		{ AT_PHNUM, image->phnum },
		{ AT_PAGESZ, PAGE },
		{ AT_BASE, image->base },
		{ AT_FLAGS, 0 },
		{ AT_ENTRY, image->program_entry },
		{ AT_UID, CRED->uid[CRED_REAL] },
		{ AT_EUID, CRED->uid[CRED_EFFECTIVE] },
		{ AT_GID, CRED->gid[CRED_REAL] },
		{ AT_EGID, CRED->gid[CRED_EFFECTIVE] },
		{ AT_SECURE, secure() },
		{ AT_CLKTCK, 100 },
		{ AT_HWCAP, cpu_features() },
		{ AT_HWCAP2, exo_info()->features & EXO_FEAT_FSGSBASE ? HWCAP2_FSGSBASE : 0 },
		{ AT_PLATFORM, platform },
		{ AT_RANDOM, random },
		{ AT_EXECFN, path },
		{ AT_SYSINFO_EHDR, (u64)exos_vdso },
		{ AT_MINSIGSTKSZ, sigframe_bytes() },
		{ AT_NULL, 0 },
	};

	_Static_assert(sizeof(pairs) <= AUX_WORDS * sizeof(*aux), "auxiliary vector");
	memcpy(aux, pairs, sizeof(pairs));
	return sizeof(pairs);
}

/* count pointers to consecutive strings, and NULL; returns the address behind the last string. */
static u64
pointers(struct builder *b, u64 *where, u32 count, const char *text, u64 address)
{
	for (u32 n = 0; n < count && !b->error; n++) {
		u64 bytes = strlen(text) + 1;

		b->error = copy_out(*where, &address, sizeof(address));
		*where += sizeof(address);
		address += bytes;
		text += bytes;
	}
	*where += sizeof(address); /* the stack is zero there */
	return address;
}

long
stack_build(const struct arguments *args, const char *path, const struct loaded *image)
{
	struct builder b = { .at = vm.stack_top - 8 };
	u64 aux[AUX_WORDS], random[2] = { random_word(), random_word() };
	u64 strings, envs, at_path, platform, where, words, argc = args->argc;
	unsigned aux_bytes;

	at_path = push(&b, path, strlen(path) + 1);
	strings = push(&b, args->strings, args->bytes);
	platform = push(&b, "x86_64", 7);
	b.at &= ~15ull;
	push(&b, random, sizeof(random));
	aux_bytes = aux_fill(aux, image, at_path, platform, b.at);
	words = 1 + args->argc + 1 + args->envc + 1;
	where = (b.at - aux_bytes - words * 8) & ~15ull;
	b.at = where + words * 8 + aux_bytes;
	program_strings.aux_end = b.at;
	program_strings.aux = push(&b, aux, aux_bytes);
	b.at = where + 8;
	push(&b, &argc, sizeof(argc));
	where += 8;
	envs = pointers(&b, &where, args->argc, args->strings, strings);
	program_strings.arguments = strings;
	program_strings.environment = envs;
	program_strings.end = strings + args->bytes;
	pointers(&b, &where, args->envc, args->strings + (envs - strings), envs);
	return b.error ? b.error : (long)b.at;
}
