/* SPDX-License-Identifier: ISC */
/*
 * The server on several processors.  Control transfer stays on its CPU, so the
 * server has an activation on each, with a stack and a slice of its own; but it
 * is one program that works on one request at a time.  Whoever enters it takes
 * the only lock there is, by a try: a request that finds it taken, or that comes
 * at the end of a slice, is answered SERVER_BUSY at once and asked again
 * (core/server.c), and the loop gives its slice away.  Nothing waits with it
 * held.  Who has it and is interrupted by the end of a slice goes on by the
 * caller's slice, or by the server's own there.
 *
 * What the server does with the lock held is in order for whoever has it next.
 * Words of the shared region are stored before those who may sleep on other CPUs
 * are woken, which is when the lock is let go of.
 */
#include "srv.h"
#include "keeper.h"
#include "undo.h"
#include <exo/archive.h>

#define PLACE(cpu) (EXO_BOOT_UAREA + (uint64_t)(cpu) * 0x100000u)	/* u-area, then stacks */
#define STACKS_BYTES (EXO_STACKS * EXO_STACK_BYTES)
#define MAIN_STACK_BYTES 16384u
#define PAGES (1 + (STACKS_BYTES + MAIN_STACK_BYTES) / EXO_PAGE_BYTES)
#define ENOUGH_NS 200000u		/* of a slice, for most requests and steps of the loop */
#define PATIENCE_NS 200000000u		/* with a CPU that is to run us for the first time */

uint32_t server_cpus = 1;
volatile uint64_t server_works_on;
static bool told;			/* a word that somebody may wait for is another */
static volatile uint64_t begun __attribute__((aligned(8)));	/* CPUs that have run us, a bit each */
static exo_upcall_fn *on_fault;
static exo_call_fn *on_call;

/*
 * Is there time for a request, for the loop?  Who is interrupted with the lock
 * held keeps all other CPUs out until a slice here leads back to it, and clients
 * choose when a request begins.
 */
static bool
in_time(uint32_t cpu, uint64_t ns)
{
	return server_cpus == 1 || exo_now_ns() + ns < exo_cpu(cpu)->slice_end_ns;
}

bool
server_enter(void)
{
	const uint32_t cpu = exo_uarea()->cpu;
	uint64_t nobody = 0;

	if (!in_time(cpu, ENOUGH_NS) ||
		!__atomic_compare_exchange_n(&server_shared_info()->busy_on, &nobody, cpu + 1ull,
			false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return false;
	server_works_on = cpu + 1;
	return true;
}

void
server_leave(bool for_loop)
{
	static const uint64_t loops_cpu = 1;
	const bool tell = told;

	told = false;
	server_works_on = 0;
	__atomic_store_n(&server_shared_info()->busy_on, 0, __ATOMIC_RELEASE);
	if (tell || for_loop)
		exo_changed(tell ? NULL : &loops_cpu);
}

void
server_told(void)
{
	told = true;
}

/* ---- beginning ------------------------------------------------------------------------------ */

/* On another CPU there are requests, and a look at who computes there. */
static void
cpu_main(void)
{
	const uint32_t here = exo_uarea()->cpu;
	struct exo_term t;

	exo_on_exception(on_fault);
	exo_on_call(on_call);
	__atomic_fetch_or(&begun, 1ull << here, __ATOMIC_SEQ_CST);
	exo_changed(NULL);
	for (;;) {
		unsigned n;

		if (!server_enter()) {
			exo_yield(0);
			continue;
		}
		spread_look(here);
		n = spread_terms(here, &t);
		undo_commit();
		server_served++;
		server_leave(false);
		exo_wait_for(&t, n, 0, 0);
	}
}

static int64_t
pages_bind(uint32_t cpu, exo_pfn *uarea)
{
	int64_t error = 0;

	for (unsigned n = 0; n < PAGES && error >= 0; n++) {
		exo_pfn pfn;

		if (n && exo_pte(PLACE(cpu) + n * EXO_PAGE_BYTES) & EXO_PTE_PRESENT)
			continue;	/* a stack of the last environment's */
		error = frames_claim(exo_info()->root_account, 1, &pfn);
		if (error >= 0)
			error = server_bind(PLACE(cpu) + n * EXO_PAGE_BYTES, pfn,
				EXO_MAP_READ | EXO_MAP_WRITE);
		if (n == 0)
			*uarea = pfn;
	}
	return error;
}

static int64_t
activate(uint32_t cpu)
{
	struct exo_uarea *u = (struct exo_uarea *)PLACE(cpu);
	char *stacks = (char *)u + EXO_PAGE_BYTES;
	struct exo_act_spec spec = { .cpu = cpu, .uarea_va = PLACE(cpu) };
	int64_t error = pages_bind(cpu, &spec.uarea_frame);
	uint32_t index = exo_slice_find(cpu);

	if (error >= 0)
		error = frames_claim(exo_info()->root_account, 1, &spec.act_frame);
	if (error < 0)
		return error;
	exo_upcalls_init(u, PLACE(cpu), stacks);
	exo_begin_with(u, stacks + STACKS_BYTES + MAIN_STACK_BYTES, cpu_main);
	error = exo_env_activate(exo_self(), &spec, ROOT_KEY);
	return error < 0 ? error : exo_slice_claim(cpu, index, exo_self(), 0, ROOT_KEY, ROOT_KEY);
}

static bool
came(uint32_t cpu)
{
	const uint64_t until = exo_now_ns() + PATIENCE_NS, bit = 1ull << cpu;
	struct exo_term t = { .where = server_phys(&begun), .mask = bit, .value = bit,
		.key = ROOT_KEY };

	while (!(begun & bit) && exo_now_ns() < until)
		exo_wait_for(&t, 1, until, 0);
	return begun & bit;
}

/* Those that the last environment had. */
void
server_cpus_again(exo_upcall_fn *fault, exo_call_fn *call)
{
	on_fault = fault;
	on_call = call;
	for (uint32_t cpu = 1; cpu < server_cpus; cpu++) {
		int64_t error = activate(cpu);

		if (error < 0)
			klog_server("init: lost on CPU %u: %s", cpu, exo_error_name(error));
	}
}

/* A CPU that cannot be had ends the row: processes are not put on it, nor on those behind it. */
void
server_cpus_boot(exo_upcall_fn *fault, exo_call_fn *call)
{
	on_fault = fault;
	on_call = call;
	server_shared_info()->cpus = server_cpus;
	while (server_cpus < exo_info()->cpus && server_cpus < SH_CPUS) {
		int64_t error = activate(server_cpus);

		if (error < 0 || !came(server_cpus)) {
			klog_server("init: CPU %u stays unused: %s", server_cpus,
				error < 0 ? exo_error_name(error) : "it does not run");
			return;
		}
		server_shared_info()->cpus = ++server_cpus;
	}
}
