/* SPDX-License-Identifier: ISC */
/* call, acall, return, key_test: protected control transfer. */
#include "t.h"

static volatile uint64_t proceed, ready, calls, word, client_result, server_id;
static struct exo_msg last;

#define SAME(m, n) ((m)->rsi == (n) && (m)->rdx == (n) + 1 && (m)->r8 == (n) + 2 && \
	(m)->r9 == (n) + 3 && (m)->rbx == (n) + 4 && (m)->rbp == (n) + 5 && (m)->r12 == (n) + 6 && \
	(m)->r13 == (n) + 7 && (m)->r14 == (n) + 8 && (m)->r15 == (n) + 9)

static struct exo_msg
message(uint64_t n)
{
	return (struct exo_msg){ n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7, n + 8, n + 9 };
}

static void
idle_forever(void)
{
	ready = 1;
	for (;;)
		exo_wait_for(NULL, 0, 0, 0);
}

static void
echo(exo_envid caller, struct exo_msg *m)
{
	last = *m;
	word = caller;
	calls++;
	*m = message(m->rsi + 1000);
}

static void
echo_server(uint64_t arg)
{
	(void)arg;
	exo_on_call(echo);
	idle_forever();
}

static bool
start_server(struct t_child *c, void (*fn)(uint64_t), uint64_t arg)
{
	ready = calls = word = 0;
	if (!t_child(c, fn, arg, 0) || !t_start(c))
		return false;
	server_id = c->id;
	if (!t_until(&ready, EXO_EQ, 1))
		return false;
	t_settle(c->id);
	return true;
}

TEST(call_and_return)
{
	struct exo_msg m = message(100);
	struct t_child c;

	if (!start_server(&c, echo_server, 0))
		return;
	OK(exo_call_once(c.id, &m, 0));
	CHECK(SAME(&last, 100));
	CHECK(SAME(&m, 1100));
	IS(word, exo_self());
	for (uint64_t round = 0; round < 1000; round++) {
		m = message(round);
		if (!OK(exo_call(c.id, &m, 0)) || !CHECK(SAME(&m, round + 1000)))
			break;
	}
	IS(calls, 1001);
	CHECK(exo_env(c.id)->transfers >= 1001);
	IS(exo_env(exo_self())->waiting_on, 0);
	t_reap(&c);
}

TEST(call_without_a_slice)
{
	struct exo_msg m = message(100);
	struct t_child c;

	ready = 0;
	if (!t_child(&c, echo_server, 0, 0))
		return;
	/* What is left of this slice may be too short for it: it goes on with the next. */
	for (unsigned n = 0; !ready && n < 100; n++)
		CHECK(t_turns(c.id, &ready, 1));
	t_settle(c.id);
	OK(exo_call_once(c.id, &m, 0));		/* it runs on ours */
	CHECK(SAME(&m, 1100));
	t_reap(&c);
}

static void
bad_return(uint64_t to)
{
	int64_t result;

	__asm__ volatile("syscall"
			 : "=a"(result), "+D"(to)
			 : "0"(EXO_CALL | EXO_NR_return)
			 : "rcx", "r11", "rsi", "rdx", "r8", "r9", "r10", "memory");
	t_exit((uint64_t)-result);
}

TEST(call_errors)
{
	struct exo_msg m = message(1);
	struct t_child c;

	ERR(exo_call_once(0, &m, 0), STALE);
	ERR(exo_call_once(~0ull, &m, 0), STALE);
	ERR(exo_call_once(exo_self() + 0x10000, &m, 0), STALE);
	CHECK(exo_call_once(exo_self(), &m, 0) < 0);
	ready = 1;
	if (!t_child(&c, echo_server, 0, 0))
		return;
	ERR(exo_call_once(c.id, &m, 0), BUSY);	/* never ran: its gate is closed */
	ERR(exo_acall(c.id, &m), BUSY);
	ERR(exo_key_test(c.id, 0, 0, 0), OWNER);
	CHECK(SAME(&m, 1));
	OK(exo_env_destroy(c.id, 0, K_ROOT));
	ERR(exo_call_once(c.id, &m, 0), DEAD);
	ERR(exo_key_test(c.id, 0, 0, 0), DEAD);
	IS(t_run(bad_return, c.id), T_EXIT(EXO_EDEAD));
	t_reap(&c);
	ERR(exo_call_once(c.id, &m, 0), STALE);
	CHECK(SAME(&m, 1));
}

static void
dies_in_call(exo_envid caller, struct exo_msg *m)
{
	(void)caller;
	t_exit(m->rsi);
}

static void
dying_server(uint64_t arg)
{
	(void)arg;
	exo_on_call(dies_in_call);
	idle_forever();
}

TEST(callee_dies)
{
	struct exo_msg m = message(9);
	struct t_child c;

	if (!start_server(&c, dying_server, 0))
		return;
	ERR(exo_call_once(c.id, &m, 0), DEAD);
	CHECK(SAME(&m, 9));
	IS(exo_env(c.id)->reason, T_EXIT(9));
	t_reap(&c);
}

static void
slow(exo_envid caller, struct exo_msg *m)
{
	(void)caller;
	(void)m;
	while (!proceed)
		exo_wait_for(NULL, 0, exo_now_ns() + 500000, 0);
	calls++;
}

static void
slow_server(uint64_t arg)
{
	(void)arg;
	exo_on_call(slow);
	idle_forever();
}

TEST(deadline)
{
	struct exo_msg m = message(1);
	struct t_child c;

	proceed = 0;
	if (!start_server(&c, slow_server, 0))
		return;
	ERR(exo_call_once(c.id, &m, exo_now_ns() + 1000000), TIMEOUT);
	CHECK(SAME(&m, 1));
	ERR(exo_call_once(c.id, &m, 0), BUSY);		/* it is still at it */
	proceed = 1;
	OK(exo_call(c.id, &m, 0));
	IS(calls, 2);
	t_reap(&c);
}

static void
calls_back(exo_envid caller, struct exo_msg *m)
{
	if (exo_acall(caller, m) != -EXO_ECYCLE)
		t_exit(3);
	m->rsi = (uint64_t)-exo_call_once(caller, m, 0);
}

static void
calling_back_server(uint64_t arg)
{
	(void)arg;
	exo_on_call(calls_back);
	idle_forever();
}

TEST(cycle)
{
	struct exo_msg m = message(1);
	struct t_child c;

	if (!start_server(&c, calling_back_server, 0))
		return;
	OK(exo_call_once(c.id, &m, 0));
	IS(m.rsi, EXO_ECYCLE);
	t_reap(&c);
}

static void
relays(exo_envid caller, struct exo_msg *m)
{
	exo_envid next = exo_uarea()->lib[5];

	(void)caller;
	m->rsi = next ? (uint64_t)-exo_call_once(next, m, 0) : 0;
	calls++;
}

static void
relay_server(uint64_t next)
{
	exo_uarea()->lib[5] = next;
	exo_on_call(relays);
	idle_forever();
}

TEST(chain)
{
	struct exo_msg m = message(1);
	struct t_child c[4];

	for (unsigned n = 0; n < 4; n++) {
		if (!start_server(&c[n], relay_server, n ? c[n - 1].id : 0))
			return;
	}
	OK(exo_call_once(c[3].id, &m, 0));
	IS(m.rsi, 0);
	IS(calls, 4);
	for (unsigned n = 0; n < 4; n++)
		t_reap(&c[n]);
}

TEST(return_errors)
{
	IS(t_run(bad_return, exo_self()), T_EXIT(EXO_EOWNER));
	IS(t_run(bad_return, exo_self() + 0x10000), T_EXIT(EXO_ESTALE));
	IS(t_run(bad_return, 0), T_EXIT(EXO_ESTALE));
}

static void
async_handler(exo_envid caller, struct exo_msg *m)
{
	last = *m;
	word = caller;
	calls++;
	exo_uarea()->gate = 1;
}

static void
async_server(uint64_t arg)
{
	(void)arg;
	exo_on_acall(async_handler);
	idle_forever();
}

TEST(asynchronous)
{
	struct exo_msg m = message(50);
	struct t_child c;

	if (!start_server(&c, async_server, 0))
		return;
	IS(exo_acall(c.id, &m), EXO_WOKE_SLICE);
	IS(calls, 1);
	CHECK(SAME(&last, 50));
	IS(word, exo_self());
	IS(exo_acall(c.id, &m), EXO_WOKE_SLICE);
	IS(calls, 2);
	OK(exo_env_destroy(c.id, 0, K_ROOT));
	ERR(exo_acall(c.id, &m), DEAD);
	t_reap(&c);
	ERR(exo_acall(c.id, &m), STALE);
}

/* A client that dies while it waits: the server finishes and can be called again. */
static void
client(uint64_t server)
{
	struct exo_msg m = message(1);

	client_result = (uint64_t)exo_call_once(server, &m, 0);
	t_exit(1);
}

TEST(caller_dies)
{
	struct exo_msg m = message(2);
	struct t_child server, caller;

	proceed = 0;
	if (!start_server(&server, slow_server, 0))
		return;
	if (!t_child(&caller, client, server.id, 0) || !t_start(&caller))
		return;
	while (exo_env(caller.id)->waiting_on != server.id &&
		exo_env(caller.id)->state == EXO_ENV_ALIVE)
		exo_yield(caller.id);
	t_reap(&caller);
	proceed = 1;
	OK(exo_call(server.id, &m, 0));
	IS(calls, 2);
	t_reap(&server);
}

/* ---- key_test ---- */

static void
asks(exo_envid caller, struct exo_msg *m)
{
	m->rsi = (uint64_t)exo_key_test(caller, (exo_slot)m->rsi, m->rdx, m->r8);
}

static void
asking_server(uint64_t other)
{
	exo_on_call(asks);
	word = (uint64_t)exo_key_test(other, 0, 0, 0);
	idle_forever();
}

static int64_t
asked(exo_envid server, exo_slot slot, exo_guardref guard, uint64_t rights)
{
	struct exo_msg m = { .rsi = slot, .rdx = guard, .r8 = rights };

	OK(exo_call(server, &m, 0));
	return (int64_t)m.rsi;
}

TEST(key_test)
{
	struct exo_key entries[EXO_GUARD_KEYS] = { t_key(EXO_R, "Z") };
	exo_pfn pfn = t_claim(1);
	exo_guardref guard = EXO_GUARD(pfn, 2);
	struct t_child c;

	OK(exo_guard_create(guard, entries, K_ROOT));
	OK(exo_key_bind(guard, EXO_R, K_NOTHING, K_FREE));
	if (!start_server(&c, asking_server, exo_self()))
		return;
	ERR(word, OWNER);
	OK(asked(c.id, K_NOTHING, guard, EXO_R));
	OK(asked(c.id, K_FREE, guard, EXO_R));
	ERR(asked(c.id, K_NOTHING, guard, EXO_W), RIGHTS);
	ERR(asked(c.id, K_READ, guard, EXO_W), RIGHTS);
	ERR(asked(c.id, K_NONE, guard, EXO_R), KEY);
	ERR(asked(c.id, K_BEYOND, guard, EXO_R), KEY);
	ERR(asked(c.id, K_NOTHING, guard + 1, EXO_R), ABSENT);
	ERR(asked(c.id, K_NOTHING, EXO_GUARD(ROOT_ACCOUNT, 0), EXO_R), KIND);
	ERR(asked(c.id, K_NOTHING, ~0ull, EXO_R), RANGE);
	IS(asked(c.id, K_NOTHING, 0, 0), EXO_RIGHTS_ALL << 8 | 1);
	ERR(asked(c.id, K_FREE, 0, 0), KEY);
	ERR(asked(c.id, K_NONE, 0, 0), KEY);
	ERR(exo_key_test(c.id, 0, 0, 0), OWNER);
	ERR(exo_key_test(c.id + 0x10000, 0, 0, 0), STALE);
	t_reap(&c);
	OK(exo_guard_free(guard, K_ROOT));
	t_release(pfn, 1);
}
