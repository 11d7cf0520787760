/* SPDX-License-Identifier: ISC */
/*
 * fork, as the parent's library does it.  The server makes the child's account
 * and environment; until OP_FORK_DONE our own key opens both.  Then we
 *
 *   1. install the child's tables: the image's text and the shared region are
 *      the tables we have ourselves,
 *   2. let the kernel clone our bindings: the program's pages copy-on-write,
 *      objects and open files shared,
 *   3. copy what the library cannot lose to a fault: data, stacks, heap,
 *   4. copy the key ring, fill in the u-area, activate.
 *
 * The copy is made inside exos_fork_point, so the child's first prologue
 * finds a parked context on its stack: this fork, returning 0.
 */
#include "fork.h"
#include "look.h"
#include "proc.h"
#include "rlimit.h"
#include "signal.h"
#include "timer.h"
#include "times.h"
#include "../arch/x86_64/arch.h"
#include "../core/frames.h"
#include "../core/header.h"
#include "../core/heap.h"
#include "../core/keys.h"
#include "../core/self.h"
#include "../thread/act.h"
#include "../vm/pack.h"
#include "../vm/vm.h"
#include "../linux/errno.h"

#define OURS EXO_MAP_TAG(EXO_TAG_LIBRARY)
#define PATIENCE 40u
#define PATIENCE_NS 5000000u
#define PATIENCE_BUSY 200u		/* while others are asked for memory */

static u8 vector_state[FPU_AREA_MAX] TRANSIENT __attribute__((aligned(EXO_PAGE_BYTES)));

/*
 * What both write to at once, the stack where it stands and what the C library
 * keeps of a thread: cheaper copied than shared until two faults part it.
 */
static bool
is_hot(const struct child *c, const struct region *r, u64 va)
{
	const u64 entry = page_entry(va);

	return !c->vforked && va >= r->start && va < r->end && !(r->flags & REGION_SHARED) &&
		r->prot == (PROT_READ | PROT_WRITE) && entry & EXO_PTE_WRITE &&
		vm_owns(EXO_PTE_PFN(entry));
}

static int
clone_region(struct child *c, const struct region *r)
{
	const u64 stack = PAGE_DOWN(UAREA->save[0].rsp), thread = PAGE_DOWN(c->fs);
	const u64 hot[] = { stack < thread ? stack : thread, stack < thread ? thread : stack };
	u64 at = r->start;
	int error = 0;

	for (unsigned n = 0; n < 2 && !error; n++) {
		if (hot[n] < at || !is_hot(c, r, hot[n]))
			continue;
		error = child_clone(c, at, hot[n]);
		error = error ? error : child_copy(c, hot[n], PAGE, EXO_TAG_ANONYMOUS);
		at = hot[n] + PAGE;
	}
	return error ? error : child_clone(c, at, r->end);
}

static int
clone_program(struct child *c)
{
	for (unsigned n = 0; n < vm.regions.count; n++) {
		const struct region *r = regions_nth(&vm.regions, n);
		int error;

		if (r->flags & (REGION_DONTFORK | REGION_WIPEONFORK))
			continue;
		error = clone_region(c, r);
		if (error)
			return error;
	}
	return child_clone(c, HERE(EXOS_OFDS), HERE(EXOS_OBJECTS_END));
}

/* The child needs the first pages of all stacks, and of what is on them the part above the parked context. */
static int
copy_stacks(struct child *c)
{
	int error = 0;

	_Static_assert(BATCH >= EXOS_STACK_STRIDE / EXO_PAGE_BYTES, "a stack is one batch");
	for (unsigned depth = 1; depth <= EXOS_STACK_DEPTHS && !error; depth++) {
		u64 end = HERE(EXOS_STACKS) + depth * EXOS_STACK_STRIDE;
		u64 start = end - exos_header.stack_ready[depth - 1] * PAGE;
		u64 used = end - c->parked < EXOS_STACK_STRIDE ? PAGE_DOWN(c->parked) : end;
		exo_pfn pfn[BATCH];

		start = used < start ? used : start;
		error = child_pages(c, start, (unsigned)((used - start) / PAGE), OURS, pfn);
		if (error == 0)
			error = child_copy(c, used, end - used, EXO_TAG_LIBRARY);
	}
	return error;
}

/* The pages with a part in the contract: u-area, public page, comm page (empty). */
static int
contract_pages(struct child *c)
{
	int error = child_tables(c, HERE(EXOS_UAREA), 1);

	if (error == 0)
		error = child_pages(c, HERE(EXOS_UAREA), 1, OURS, &c->uarea);
	if (error == 0)
		error = child_pages(c, HERE(EXOS_PUBLIC), 1, EXO_MAP_COPY | OURS, &c->public);
	if (error == 0)
		error = child_pages(c, HERE(EXOS_COMM), 1, OURS, &c->comm);
	return error;
}

/* A thread that forks stands on a stack of its own. */
static int
copy_thread(struct child *c)
{
	const u64 start = PAGE_DOWN(c->parked);

	if (current->slot == 0)
		return 0;
	return child_copy(c, start, current->stack_top - start, EXO_TAG_LIBRARY);
}

/* Some of its pages may have been given back. */
static int
copy_store(struct child *c)
{
	const u64 end = HERE(EXOS_STORE) + pack_bytes();
	int error = 0;

	for (u64 va = HERE(EXOS_STORE), from; (va = exo_pte_next(va, end, 1)) < end && !error;) {
		for (from = va; va < end && vm_present(va); va += PAGE)
			;
		error = child_copy(c, from, va - from, EXO_TAG_LIBRARY);
	}
	return error;
}

static int
copy_library(struct child *c)
{
	u64 start = (u64)exos_data, bytes = PAGE_UP((u64)(exos_memory_end - exos_data));
	int error = child_copy(c, start, bytes, EXO_TAG_LIBRARY);

	for (unsigned n = 0; n < HEAP_RANGES && error == 0; n++) {
		start = heap_range(n, &bytes);
		error = child_copy(c, start, bytes, EXO_TAG_LIBRARY);
	}
	if (error == 0)
		error = copy_store(c);
	if (error == 0)
		error = child_copy(c, (u64)vector_state, sizeof(vector_state), EXO_TAG_LIBRARY);
	/* Last, because they must hold what this very function will have done. */
	if (error == 0)
		error = copy_stacks(c);
	if (error == 0)
		error = copy_thread(c);
	return error;
}

/* ---- keys and the u-area ------------------------------------------------------------------- */

static int
copy_keys(struct child *c)
{
	long error;

	for (unsigned ring = 1; ring < key_slots() / EXO_KEYS_FRAME; ring++) {
		exo_pfn pfn;

		error = frames_claim_for(c->account, 1, &pfn);
		if (error)
			return (int)error;
		error = exo_ring_add(c->env, ring, pfn, KEY_SELF);
		if (error < 0)
			return (int)linux_errno(error);
	}
	/* Slot 0 is the child's own already. */
	error = exo_key_copy_all(KEY_SELF + 1, key_slots() - 1, c->env, KEY_SELF + 1, KEY_SELF);
	return error < 0 ? (int)linux_errno(error) : 0;
}

/* Ours, but for what the kernel will say about the child itself. */
static int
uarea_fill(struct child *c)
{
	struct exo_uarea *u = AT(struct exo_uarea, EXOS_WINDOW + WINDOW_VM * PAGE);
	int error = page_map((u64)u, c->uarea, RW, KEY_SELF);
	struct exo_map gone = { .va = (u64)u, .op = EXO_OP_UNMAP, .key = KEY_SELF };

	if (error)
		return error;
	memcpy(u, UAREA, sizeof(*u));
	u->self = HERE(EXOS_UAREA);
	u->run_ns = 0;
	u->posted = 0;
	u->pending = 0;
	u->overrun = 0;
	memset(&u->revocation, 0, sizeof(u->revocation));
	u->entry[EXO_ENTRY_PROLOGUE] = (u64)exos_upcall_prologue;
	/* Not ours: we may have parked since, to wait for the server. */
	((struct exo_lib *)u->library)->parked = c->parked;
	((struct exo_lib *)u->library)->stacks = HERE(EXOS_STACKS);
	exo_map(UAREA->env, &gone, 1, KEY_SELF);
	return 0;
}

static int
activate(struct child *c)
{
	struct exo_act_spec spec = { .cpu = proc_find(c->pid)->cpu,
		.uarea_frame = c->uarea,
		.uarea_va = HERE(EXOS_UAREA) };
	long error = frames_claim_for(c->account, 1, &spec.act_frame);

	if (error)
		return (int)error;
	error = exo_env_activate(c->env, &spec, KEY_SELF);
	return error < 0 ? (int)linux_errno(error) : 0;
}

/* ---- the whole -------------------------------------------------------------------------------- */

static int
build(struct child *c)
{
	int error = child_shared_tables(c);

	if (error == 0)
		error = contract_pages(c);
	if (error == 0)
		error = clone_program(c);
	if (error == 0)
		error = copy_keys(c);
	if (error == 0)
		error = uarea_fill(c);
	pack_hold();			/* what is kept of pages must not change while it is copied */
	if (error == 0)
		error = copy_library(c);
	if (error == 0 && spare_any())
		error = -EBUSY;		/* a page was taken before it was cloned: once more */
	return error ? error : activate(c);
}

/* EAGAIN may mean that the server is still clearing away after the dead. */
static long
begin(struct answer *answer)
{
	long result = -EAGAIN;

	for (unsigned try = 0; try < PATIENCE && result == -EAGAIN; try++) {
		if (try)
			park_wait(NULL, 0, clock_ns() + PATIENCE_NS);
		result = server_call(OP_FORK_BEGIN, 0, 0, 0, 0, 0, answer);
	}
	return result;
}

/* Inside exos_fork_point; c is data, not stack, so that the child finds its pid. */
static long
fork_inside(void *arg, u64 parked)
{
	struct child *c = arg;
	struct answer answer;
	long result = begin(&answer);
	int error;

	if (result < 0) {
		pack_hold();
		return result;
	}
	c->parked = parked;
	c->pid = (u32)result;
	c->env = answer.rdx;
	c->account = answer.r8;
	error = build(c);
	if (error == 0)
		error = (int)server_call(OP_FORK_DONE, c->pid, c->comm, c->public, c->vforked,
			c->exit_signal, NULL);
	if (error == 0)
		return c->pid;
	exos_log("fork: error %d", error);
	server_call(OP_FORK_ABORT, c->pid, 0, 0, 0, 0, NULL);
	return error;
}

static void
child_begin(const struct child *c)
{
	acts_fork_child();
	self_set(c->pid);
	look_fork_child();
	/* Anybody can give a slice to an environment that is parked, before the server knows this one as a process. */
	while (self_proc->state == PROC_BUILDING)
		exos_park_to(SHARED->server);
	fs_base_set(c->fs);
	fpu_load(vector_state);
	threads_fork_child();
	signal_fork_child();
	timer_fork_child();
	times_fork_child();
	fd_fork_child();
	pack_fork_child();
	revoke_fork_child();
	vm_fork_child();
	acts_check();
}

/* Others are asked for memory, and maybe we: there is some soon, and where there is none it is refused. */
static long
fork_with_patience(struct child *c)
{
	const struct child fresh = *c;
	struct exo_term asked;
	long pid;

	for (unsigned try = 0;; try++) {
		if (spare_any())
			spare_bring_all(0, VM_HIGH);
		pid = exos_fork_point(fork_inside, c);
		pack_release();		/* fork_inside held it */
		if (pid != -EBUSY || try == PATIENCE_BUSY)
			return pid == -EBUSY ? -EAGAIN : pid;
		asked = revoke_term();
		park_wait(&asked, 1, clock_ns() + PATIENCE_NS);
		if (!c->vforked)
			revoke_check();
		*c = fresh;
	}
}

long
proc_fork(bool vforked, u32 exit_signal)
{
	static struct child child;
	long pid;

	vfork_part();
	child = (struct child){ .fs = fs_base(), .vforked = vforked, .exit_signal = exit_signal };
	if (fpu_save(vector_state))
		return -ENOMEM;
	pid = fd_fork_prepare();
	if (pid)
		return pid;
	if (vforked)
		pack_hold();		/* the pages that both will have */
	pid = fork_with_patience(&child);
	if (vforked)
		pack_release();
	if (pid == 0)
		child_begin(&child);
	else if (pid < 0)
		fd_fork_failed();
	return pid;
}
