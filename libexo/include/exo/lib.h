/* SPDX-License-Identifier: ISC */
/*
 * libexo: what any program on Aegis needs, whatever library OS it uses or
 * writes.  Call stubs (exo/calls.h, generated), upcall entry and return,
 * parking that returns, control transfer, and (exo/read.h) readers for the
 * exposed tables.
 *
 * There is no policy and no allocation here: every stack, frame and slot is
 * named by the program.  A part that does not suit is left out by not linking
 * it; the u-area's entries can point anywhere.
 *
 * Upcalls.  An upcall runs on the stack of its depth (EXO_STACKS of them, one
 * after the other, given to exo_upcalls_init), with the interrupted context in
 * its save slot, all registers included: a handler may read and change it.
 * When the handler returns the context is resumed, in user mode, without the
 * kernel.  Handlers run with `critical` set; they may nest (an exception in a
 * handler is served on the next stack) and may yield.
 */
#ifndef EXO_LIB_H
#define EXO_LIB_H

#include <stdbool.h>
#include <stddef.h>
#include <exo/arch/x86_64.h>
#include <exo/calls.h>
#include <exo/start.h>
#include <exo/uarea.h>

/* One stack for each save slot, one for reflected system calls, one for control transfers. */
#define EXO_STACK_BYTES 8192u
#define EXO_STACKS (EXO_SAVE_SLOTS + 2u)

/* A reflected system call: registers as Linux passes them.  Order known to upcall.S. */
struct exo_sysframe {
	uint64_t r15, r14, r13, r12, rbp, rbx;
	uint64_t r9, r8, r10, rdx, rsi, rdi;
	uint64_t rax;			/* number; the result when the handler returns */
	uint64_t rflags, rip, rsp;
};

/* The message of a control transfer: the ten registers that pass through.  Order known to transfer.S. */
struct exo_msg {
	uint64_t rsi, rdx, r8, r9, rbx, rbp, r12, r13, r14, r15;
};

typedef void exo_upcall_fn(struct exo_save *context);
typedef void exo_syscall_fn(struct exo_sysframe *frame);
typedef void exo_call_fn(exo_envid caller, struct exo_msg *message);

/* libexo's own words: the first 128 bytes of the u-area's library area.  Offsets known to assembly. */
struct exo_lib {
	uint64_t stacks;		/* lowest address of the EXO_STACKS upcall stacks */
	uint64_t resume_rip;		/* used inside the resume window only */
	uint64_t parked;		/* stack pointer of the parked context */
	exo_upcall_fn *exception, *epilogue, *event;
	exo_syscall_fn *syscall;
	exo_call_fn *call, *acall;
	exo_upcall_fn *revoke;
	uint64_t spare[6];
};

static inline struct exo_uarea *
exo_uarea(void)
{
	return (struct exo_uarea *)exo_gs_first();
}

static inline struct exo_lib *
exo_lib(void)
{
	return (struct exo_lib *)exo_uarea()->library;
}

static inline exo_envid
exo_self(void)
{
	return exo_uarea()->env;
}

/* NULL: started by the kernel, with the root key in slot 0. */
static inline const struct exo_start *
exo_start_info(void)
{
	const char *page = (const char *)exo_uarea();
	const struct exo_start *start = (const struct exo_start *)(page + EXO_START_OFFSET);

	return start->magic == EXO_START_MAGIC ? start : NULL;
}

/*
 * Fill in the resume window, the prologue and libexo's words of a u-area that
 * lies (or will lie) at `self`; `u` is where the caller reaches it.  All other
 * entries stay absent until a handler is set.
 */
void exo_upcalls_init(struct exo_uarea *u, uint64_t self, void *stacks);

/*
 * An activation that env_activate is to make of this u-area calls function,
 * which never returns, when it is entered first: one more CPU for a program.
 */
void exo_begin_with(struct exo_uarea *u, void *stack_end, void (*function)(void));

/* NULL takes the entry away: then the kernel does what it does without (docs/design.md). */
void exo_on_exception(exo_upcall_fn *handler);
void exo_on_epilogue(exo_upcall_fn *handler);	/* exo_epilogue_yield is the usual one */
/* Called with NULL for what came while the program was parked or in a critical section. */
void exo_on_event(exo_upcall_fn *handler);
/* Frames were asked for, or taken: u->revocation says which.  It may be called with nothing new. */
void exo_on_revoke(exo_upcall_fn *handler);
void exo_on_syscall(exo_syscall_fn *handler);
void exo_on_call(exo_call_fn *handler);		/* the gate opens when one is set */
void exo_on_acall(exo_call_fn *handler);

void exo_epilogue_yield(struct exo_save *context);

/* Continue an interrupted context, which must be the topmost save slot. */
__attribute__((noreturn)) void exo_resume(struct exo_save *context);

/* Asynchronous upcalls wait between these; what waited is served by the outer leave. */
static inline uint32_t
exo_critical_enter(void)
{
	struct exo_uarea *u = exo_uarea();
	uint32_t before = *(volatile uint32_t *)&u->critical;

	*(volatile uint32_t *)&u->critical = 1;
	exo_compiler_barrier();
	return before;
}
void exo_critical_leave(uint32_t before);

/* Event bits posted since the last time. */
static inline uint64_t
exo_posted(void)
{
	return __atomic_exchange_n(&exo_uarea()->posted, 0, __ATOMIC_RELAXED);
}

/*
 * Give the processor up and come back: the context waits on its own stack.
 * Returns the prologue's reason, EXO_WOKE_*.  `to` gets the rest of the slice.
 * May be called in handlers; contexts parked one above the other return in
 * reverse order.
 */
int64_t exo_yield(exo_envid to);

/*
 * Wait for a predicate: EXO_WOKE_TAG | tag, EXO_WOKE_DEADLINE, -EXO_E..., or
 * EXO_WOKE_SLICE where something in between (a transfer served, a handler
 * that waited) lost the predicate: look again.  Where an EVENT handler takes
 * what is waited for, call it in a critical section with a term on `posted`:
 * what arrives before the program is parked then holds the predicate.
 */
int64_t exo_wait_for(const struct exo_term *terms, uint64_t count, uint64_t deadline_ns,
			exo_envid to);

/* One attempt at a control transfer; the answer replaces the message when 0 is returned. */
int64_t exo_call_once(exo_envid env, struct exo_msg *message, uint64_t deadline_ns);
/* As often as it takes: a busy callee gets the rest of the slice first. */
int64_t exo_call(exo_envid env, struct exo_msg *message, uint64_t deadline_ns);
/* Asynchronous: the message travels, the caller is parked and comes back as from exo_yield. */
int64_t exo_acall(exo_envid env, const struct exo_msg *message);

/* To the console queue where the start information gives one, else to the kernel log. */
void exo_print(const char *text);
void exo_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* %d %u %x %lx %lu %s %c and a width; returns the length, the text is cut to fit. */
size_t exo_format(char *to, size_t bytes, const char *format, __builtin_va_list args);
size_t exo_snprintf(char *to, size_t bytes, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The program's own; its result is the reason the environment ends with (boot/init: machine_off). */
int exo_main(const struct exo_start *start);
__attribute__((noreturn)) void exo_exit(int status);
const char *exo_arg(const struct exo_start *start, uint32_t which);

const char *exo_error_name(int64_t error);

#endif
