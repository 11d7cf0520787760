/* SPDX-License-Identifier: ISC */
/*
 * The C half of upcalls: which handler, what was pending, and the assertions
 * that the assembly's idea of the u-area is the contract's.
 *
 * Everything is kept in the u-area (struct exo_lib), nothing in variables:
 * environments that share this program's data still have their own handlers.
 */
#include <exo/lib.h>
#include "arch/x86_64/offsets.h"
#include "arch/x86_64/upcall.h"

#define AT(field, offset) \
	_Static_assert(offsetof(struct exo_uarea, field) == (offset), "offsets.h: " #field)
AT(self, UA_SELF);
AT(depth, UA_DEPTH);
AT(critical, UA_CRITICAL);
AT(pending, UA_PENDING);
AT(sys_rip, UA_SYS_RIP);
AT(gate, UA_GATE);
AT(save, UA_SAVE);
AT(library, UA_LIB);
_Static_assert(offsetof(struct exo_lib, parked) == UA_PARKED - UA_LIB, "offsets.h: parked");
_Static_assert(offsetof(struct exo_lib, resume_rip) == UA_RESUME_RIP - UA_LIB, "offsets.h");
_Static_assert(offsetof(struct exo_lib, exception) == UA_ON_EXCEPTION - UA_LIB, "offsets.h");
_Static_assert(offsetof(struct exo_lib, epilogue) == UA_ON_EPILOGUE - UA_LIB, "offsets.h");
_Static_assert(offsetof(struct exo_lib, event) == UA_ON_EVENT - UA_LIB, "offsets.h");
_Static_assert(offsetof(struct exo_lib, revoke) == UA_ON_REVOKE - UA_LIB, "offsets.h");
_Static_assert(offsetof(struct exo_save, flags) == SAVE_FLAGS, "offsets.h: flags");
_Static_assert(offsetof(struct exo_save, rbx) == SAVE_RBX, "offsets.h: rbx");
_Static_assert(offsetof(struct exo_save, r15) == SAVE_R15, "offsets.h: r15");
_Static_assert(sizeof(struct exo_save) == SAVE_BYTES, "offsets.h: save slot");
_Static_assert(sizeof(struct exo_lib) == 128, "libexo's words");
_Static_assert(EXO_STACK_BYTES == 1u << STACK_SHIFT, "offsets.h: stacks");
_Static_assert(sizeof(struct exo_sysframe) % 16 == 0, "the handler's stack is aligned");
_Static_assert(EXO_SAVE_FULL == FLAG_FULL && EXO_SAVE_CRITICAL == FLAG_CRITICAL, "flags");

void
exo_upcalls_init(struct exo_uarea *u, uint64_t self, void *stacks)
{
	struct exo_lib *lib = (struct exo_lib *)u->library;

	u->self = self;
	u->window_begin = (uint64_t)exo_window_begin;
	u->window_end = (uint64_t)exo_window_end;
	u->entry[EXO_ENTRY_PROLOGUE] = (uint64_t)exo_upcall_prologue;
	lib->stacks = (uint64_t)stacks;
}

/* The entry appears after the handler and disappears before it. */
#define SET(member, number, code) do { \
	struct exo_uarea *u = exo_uarea(); \
	volatile uint64_t *entry = &u->entry[number]; \
	if (!handler) \
		*entry = 0; \
	exo_compiler_barrier(); \
	exo_lib()->member = handler; \
	exo_compiler_barrier(); \
	if (handler) \
		*entry = (uint64_t)(code); \
} while (0)

void
exo_on_exception(exo_upcall_fn *handler)
{
	SET(exception, EXO_ENTRY_EXCEPTION, exo_upcall_exception);
}

void
exo_on_epilogue(exo_upcall_fn *handler)
{
	SET(epilogue, EXO_ENTRY_EPILOGUE, exo_upcall_epilogue);
}

void
exo_on_event(exo_upcall_fn *handler)
{
	SET(event, EXO_ENTRY_EVENT, exo_upcall_event);
}

void
exo_on_revoke(exo_upcall_fn *handler)
{
	SET(revoke, EXO_ENTRY_REVOKE, exo_upcall_revoke);
}

void
exo_on_syscall(exo_syscall_fn *handler)
{
	SET(syscall, EXO_ENTRY_SYSCALL, exo_upcall_syscall);
}

void
exo_on_call(exo_call_fn *handler)
{
	SET(call, EXO_ENTRY_CALL, exo_upcall_call);
	*(volatile uint32_t *)&exo_uarea()->gate = handler != NULL;
}

void
exo_on_acall(exo_call_fn *handler)
{
	SET(acall, EXO_ENTRY_ACALL, exo_upcall_acall);
	*(volatile uint32_t *)&exo_uarea()->gate = handler != NULL;
}

/* What came while `critical` was set.  context: what it would have interrupted, NULL: our caller. */
void
exo_serve_pending(struct exo_save *context)
{
	struct exo_uarea *u = exo_uarea();
	uint32_t bits = __atomic_exchange_n(&u->pending, 0, __ATOMIC_RELAXED);

	if ((bits & 1u << EXO_ENTRY_REVOKE) && exo_lib()->revoke)
		exo_lib()->revoke(context);
	if ((bits & 1u << EXO_ENTRY_EVENT) && exo_lib()->event)
		exo_lib()->event(context);
	if ((bits & 1u << EXO_ENTRY_EPILOGUE) && exo_lib()->epilogue)
		exo_lib()->epilogue(context);
}

void
exo_critical_leave(uint32_t before)
{
	struct exo_uarea *u = exo_uarea();
	volatile uint32_t *critical = &u->critical;

	if (before) {
		*critical = before;
		return;
	}
	*critical = 0;
	while (*(volatile uint32_t *)&u->pending) {	/* each round is one more arrival */
		*critical = 1;
		exo_serve_pending(NULL);
		*critical = 0;
	}
}

void
exo_serve_syscall(struct exo_sysframe *frame)
{
	exo_lib()->syscall(frame);
	exo_critical_leave(0);
}

void
exo_serve_call(exo_envid caller, struct exo_msg *message)
{
	exo_lib()->call(caller, message);
	exo_critical_leave(0);
}

void
exo_serve_acall(exo_envid caller, struct exo_msg *message)
{
	exo_lib()->acall(caller, message);
	exo_critical_leave(0);
}

void
exo_epilogue_yield(struct exo_save *context)
{
	(void)context;
	exo_yield(0);
}
