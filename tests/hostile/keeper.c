/* SPDX-License-Identifier: ISC */
/*
 * Whoever knows names: the keeper's, which is always the same, and that of each
 * environment as it is made, for the table is everybody's to read.  Neither the
 * keeper nor an environment of the server's can be called, posted to, changed or
 * ended, and a new server (`exo run --kill-server`) is begun by the keeper alone,
 * though others have the processor in the middle of that and call it first.
 */
#define CHECK_NAME "keeper"
#include <sched.h>
#include "ask.h"

#define KEEPER ((exo_envid)0x10001)
#define ENDS 24u			/* of the server, that are waited for */
#define ASKS 20000u
/* In the kernel's struct guard: four words, then a key {len, rights, 'p' serial} */
#define GUARD_SERIAL 35u
#define REST_NS 3000u			/* of a slice, left to the keeper: one, two, ... times that */
#define RESTS 100u

static volatile uint64_t *
prologue(void)
{
	return &((struct exo_uarea *)exo_uarea())->entry[EXO_ENTRY_PROLOGUE];
}

/* Gives the rest of the slice away without the library's knowledge, and is back at the next one. */
__attribute__((noinline)) static void
park_to(exo_envid to)
{
	const uint64_t entry = *prologue();
	uint64_t back;

	((volatile struct exo_uarea *)exo_uarea())->critical = 1;
	__asm__ volatile("push %%rbp; push %%rbx\n\t"
			 "lea 1f(%%rip), %%rbx; mov %%rbx, (%[prologue])\n\t"
			 "mov %%rsp, %%gs:248\n\t"	/* the last of lib[] */
			 "mov %[park], %%eax; syscall\n"
			 "1: mov %%gs:248, %%rsp\n\t"
			 "pop %%rbx; pop %%rbp\n\t"
			 : "=a"(back)
			 : [prologue] "r"(prologue()), [park] "i"(EXO_CALL | EXO_NR_park), "D"(to)
			 : "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
			 "r15", "memory", "cc");
	*prologue() = entry;
	((volatile struct exo_uarea *)exo_uarea())->critical = 0;
}

static bool
is_servers(const volatile struct exo_env *e)
{
	return e->state == EXO_ENV_ALIVE && e->account == exo_info()->root_account;
}

/* Nothing of it is ours. */
static bool
keeps_out(exo_envid env)
{
	bool out = true;

	for (exo_slot slot = 0; slot < 16; slot++) {
		struct exo_map m = { .va = 0x10000, .op = EXO_OP_UNMAP, .key = slot };

		out &= exo_post(env, 1, slot) < 0 && exo_env_destroy(env, 0, slot) < 0 &&
			exo_map(env, &m, 1, slot) < 0 && exo_pt_remove(env, 3, slot) < 0 &&
			exo_key_copy(slot, 1, env, 1, slot) < 0;
	}
	return out;
}

static void
names_are_no_keys(void)
{
	struct exo_msg m = { .rsi = OP_CHANGED };
	unsigned seen = 0;

	CHECK(is_servers(exo_env(KEEPER)));
	CHECK(exo_call_once(KEEPER, &m, 0) == -EXO_EBUSY);
	for (uint32_t slot = 1; slot < exo_info()->table[EXO_T_ENVS].count; slot++) {
		if (!is_servers(exo_env_slot(slot)))
			continue;
		seen++;
		CHECK(keeps_out(exo_env_slot(slot)->id));
	}
	CHECK(seen == 2);
}

/* The one that is not the keeper; 0: there is none now. */
static exo_envid
server_now(void)
{
	for (uint32_t slot = 2; slot < 64; slot++)
		if (is_servers(exo_env_slot(slot)))
			return exo_env_slot(slot)->id;
	return 0;
}

/* The keeper gets so much of our slice, and is interrupted there. */
static bool
come_between(uint64_t rest)
{
	const uint64_t begun = exo_now_ns();
	struct exo_msg m = { .rsi = OP_CHANGED };
	exo_envid server;
	long error;

	while (exo_now_ns() + rest < exo_cpu(0)->slice_end_ns &&
		exo_now_ns() < begun + 1000000000)
		;
	park_to(KEEPER);
	server = server_now();
	if (!server || server == shared->server)
		return false;
	/* Made and not begun: it says that it is busy, if it can be called. */
	error = exo_call_once(server, &m, 0);
	CHECK(error != 0 || (long)m.rsi == SERVER_BUSY || (long)m.rsi == SERVER_UNDONE ||
		(long)m.rsi == 0);
	return true;
}

static void
others_first(unsigned ends)
{
	unsigned between = 0, died = 0;

	for (unsigned n = 0; n < ASKS && died < ends; n++) {
		struct exo_msg m = { .rsi = OP_CHANGED, .r12 = 2 * n };
		const long error = exo_call_once(shared->server, &m, 0);

		if (error != -EXO_EDEAD)
			continue;
		died++;
		between += come_between((died % RESTS + 1) * REST_NS);
		PATIENTLY(exo_env(shared->server) == NULL ||
			exo_env(shared->server)->state != EXO_ENV_ALIVE)
			sched_yield();
	}
	printf("ended %u times, in between %u times\n", died, between);
	CHECK(died == ends);
}

/* As long as the server ends in it. */
static struct exo_msg
persist(uint64_t op, uint64_t a)
{
	struct exo_msg m;
	long error;

	do {
		m = (struct exo_msg){ .rsi = op, .rdx = a };
		error = ask(&m);
	} while (error == -1000 - EXO_EDEAD || error == -1000 - EXO_ESTALE);
	CHECK(error >= 0);
	return m;
}

/* What names a child in keys, as its guard says, which all can read. */
static uint64_t
serial_drawn(void)
{
	static char page[PAGE] __attribute__((aligned(4096)));
	const struct exo_msg child = persist(OP_FORK_BEGIN, 0);
	const exo_guardref guard = exo_env(child.rdx)->guard;
	struct exo_map m = { .va = (uint64_t)page, .pfn = guard / EXO_GUARDS_FRAME, .key = KEY_SELF,
		.op = EXO_OP_MAP | EXO_MAP_READ };
	uint64_t serial = 0;

	page[0] = 1;
	CHECK(exo_map(exo_self(), &m, 1, 0) == 1);
	memcpy(&serial, page + guard % EXO_GUARDS_FRAME * 128 + GUARD_SERIAL, sizeof(serial));
	persist(OP_FORK_ABORT, child.rsi);
	return serial;
}

/* Who had a way to the key of a child that was never built has none to the next one. */
static void
serials_do_not_come_again(unsigned ends)
{
	const uint64_t before = serial_drawn();
	uint64_t after;

	others_first(ends);
	after = serial_drawn();
	CHECK(before != 0 && after >> 32 > before >> 32);
}

int
main(int argc, char **argv)
{
	if (!CHECK(client_begin()))
		return summary();
	if (argc > 1)
		serials_do_not_come_again((unsigned)atoi(argv[1]));
	names_are_no_keys();
	CHECK(access("/", F_OK) == 0);
	return summary();
}
